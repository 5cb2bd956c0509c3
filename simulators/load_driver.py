"""One connection under load: what it sends, and what has to come back.

Answers that never come are part of the game: the request is reversed until the switch says so, and the view stays as if
nothing had happened. That makes it the client of crash tests as well.
"""

import random

import msgspec
import trio

from simulators.demo import Demo, DemoCard
from simulators.describe import mask_pan
from simulators.load_line import GaveUp, LoadLine, LoadOptions
from simulators.load_report import LoadReport
from simulators.requests import build_repeat, build_reversal
from simulators.state import Deed, StateFile
from simulators.tables import available
from simulators.wire import Message, WireError

FULL, LOW = 60_000, 20_000  # above, only spend; below, only load: a demo card's limit is 100,000 or more
ACTIVATION_MINOR = 10_000  # within the limits of every demo product with a range
SPENT_MAX = 500
HOST_MAY_REFUSE = {"05", "61", "65", "91", "96"}  # any time, for reasons a terminal cannot know


class CardView(msgspec.Struct):
    """What this client believes of a card. A shared card's balance is certain only once all is quiet."""

    card: DemoCard
    reload_minor: int
    balance: int = 0
    shared: bool = False
    uncertain: bool = False

    def __str__(self) -> str:
        return f"card {mask_pan(self.card.pan)}"


class Driver:
    """One terminal on one connection, one message after another."""

    def __init__(self, line: LoadLine, views: list[CardView], report: LoadReport, seed: str) -> None:
        self._line = line
        self._views = views
        self._report = report
        self._random = random.Random(seed)

    # --- the three acts ---

    async def set_up(self, demo: Demo) -> None:
        """Learn what the cards hold; sell those that are not active yet."""
        for view in self._views:
            try:
                if view.card.state == "inactive":
                    await self._activate(view, StateFile.beside(demo), demo)
                else:
                    view.balance = await self._ask_balance(view)
            except GaveUp as error:
                self._give_up(view, error)

    async def drive(self, options: LoadOptions) -> None:
        ends = self._report.started + options.seconds if options.seconds else float("inf")
        limit = options.transactions or float("inf")
        while trio.current_time() < ends and self._report.answered < limit:
            view = self._random.choice(self._views)
            try:
                await self._play(view)
            except GaveUp as error:
                self._give_up(view, error)
                return

    async def verify(self) -> None:
        """Ask what every card holds and hold it against the own view."""
        for view in self._views:
            if view.uncertain:
                continue  # said already, when it became so
            try:
                held = await self._ask_balance(view)
            except GaveUp as error:
                self._give_up(view, error)
                continue
            self._report.verified += 1
            if held != view.balance:
                self._report.differences.append(f"{view}: holds {held}, this client reckons {view.balance}")

    async def hang_up(self) -> None:
        await self._line.hang_up()

    # --- the mix ---

    async def _play(self, view: CardView) -> None:
        choice = self._random.random()
        if choice < 0.15:
            answer = await self._line.insist("balance", lambda _: self._line.build("balance", view.card.pan))
            self._is(view, "balance", answer, "00", balance=view.balance)
        elif choice < 0.18 and not view.shared:
            await self._overdraw(view)
        else:
            loads = view.balance < LOW or (view.balance < FULL and choice < 0.5)
            await self._move(view, "reload" if loads else "redeem")

    async def _activate(self, view: CardView, state: StateFile, demo: Demo) -> None:
        request = self._line.build("activate", view.card.pan, ACTIVATION_MINOR)
        answer = await self._send_or_undo(view, "activate", request)
        if answer and self._is(view, "activate", answer, "00", balance=ACTIVATION_MINOR):
            view.balance = ACTIVATION_MINOR
            state.remember_card(demo, view.card.pan, "active", view.balance)

    async def _overdraw(self, view: CardView) -> None:
        request = self._line.build("redeem", view.card.pan, view.balance + 1)
        answer = await self._send_or_undo(view, "redeem", request)
        if answer:
            self._is(view, "redeem of too much", answer, "51", balance=view.balance)

    async def _move(self, view: CardView, kind: str) -> None:
        """Load or spend, then sometimes repeat, void or reverse it."""
        amount = self._random.randint(1, SPENT_MAX) + (view.reload_minor if kind == "reload" else 0)
        delta = amount if kind == "reload" else -amount
        request = self._line.build(kind, view.card.pan, amount)
        answer = await self._send_or_undo(view, kind, request)
        if not answer or not self._is(view, kind, answer, "00", amount, view.balance + delta):
            return
        view.balance += delta
        deed = Deed(kind, request, "00", answer.get(4) or None, answer.get(37))
        after = self._random.random()
        if after < 0.08:
            await self._repeat(view, deed, answer)
        elif after < 0.16:
            await self._void(view, deed, delta)
        elif after < 0.26:
            await self._reverse(view, deed)
            view.balance -= delta

    async def _repeat(self, view: CardView, deed: Deed, first: Message) -> None:
        answer = await self._line.insist("repeat", lambda _: build_repeat(deed.request))
        for number in (4, 37, 38, 39, 54):
            if answer.get(number) != first.get(number):
                self._report.complain(f"{view}: a repeat was answered with another DE{number}")

    async def _void(self, view: CardView, deed: Deed, delta: int) -> None:
        answer = await self._send_or_undo(view, "void", self._line.build_void(deed))
        if answer and self._is(view, "void", answer, "00", balance=view.balance - delta):
            view.balance -= delta

    # --- asking and judging ---

    async def _send_or_undo(self, view: CardView, what: str, request: Message) -> Message | None:
        """The answer; None if it never came, and then the request has been reversed."""
        answer = await self._line.send(what, request)
        if answer is None:
            await self._reverse(view, Deed(what, request))
        return answer

    async def _reverse(self, view: CardView, deed: Deed) -> None:
        answer = await self._line.insist("reversal", lambda attempt: build_reversal(deed, attempt))
        self._is(view, "reversal", answer, "00")

    async def _ask_balance(self, view: CardView) -> int:
        answer = await self._line.insist("balance", lambda _: self._line.build("balance", view.card.pan))
        held = _balance(answer)
        if answer.get(39) != "00" or held is None:
            self._report.complain(f"{view}: its balance was answered {answer.get(39)}")
        return held or 0

    def _is(
        self,
        view: CardView,
        what: str,
        answer: Message,
        code: str,
        amount: int | None = None,
        balance: int | None = None,
    ) -> bool:
        """Whether the answer has the code it must have; complains of whatever else is wrong with it."""
        report, got = self._report, answer.get(39)
        if got != code:
            if got not in HOST_MAY_REFUSE:
                report.complain(f"{view}: {what} was answered {got}, not {code}")
            return False
        if amount is not None and int(answer.get(4) or amount) != amount:
            report.complain(f"{view}: {what} of {amount} was answered with {int(answer.get(4))}")
        if balance is not None and not view.shared and (held := _balance(answer)) != balance:
            report.complain(f"{view}: {what} left {held}, not {balance}")
        return True

    def _give_up(self, view: CardView, error: GaveUp) -> None:
        view.uncertain = True
        self._report.unresolved.append(f"{view}: {error}")


def _balance(answer: Message) -> int | None:
    try:
        return available(answer)[0].amount
    except (WireError, IndexError):
        return None
