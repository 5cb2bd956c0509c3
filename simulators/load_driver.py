"""One connection under load: what every kind of traffic does with an answer, and with one that never comes.

Answers that never come are part of the game: the request is reversed until the switch says so, and the view stays as if
nothing had happened. That makes it the client of crash tests as well. What is sent is in `load_gift.py` and
`load_loyalty.py`.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec
import trio

from simulators.demo import Demo
from simulators.describe import mask_pan
from simulators.load_line import GaveUp, LoadLine, LoadOptions
from simulators.load_report import LoadReport
from simulators.requests import build_repeat, build_reversal
from simulators.state import Deed
from simulators.tables import available
from simulators.wire import Message, WireError

HOST_MAY_REFUSE = {"05", "61", "65", "91", "96"}  # any time, for reasons a terminal cannot know


class View(msgspec.Struct):
    """What this client believes of a card. A shared card's balance is certain only once all is quiet."""

    pan: str
    balance: int = 0
    shared: bool = False
    uncertain: bool = False

    def __str__(self) -> str:
        return f"card {mask_pan(self.pan)}"


V = TypeVar("V", bound=View)


class Traffic(ABC, Generic[V]):
    """One kind of traffic of one connection, with cards of its own. `owner` looks at them first, and at last."""

    def __init__(self, line: LoadLine, views: Sequence[V], report: LoadReport, seed: str, *, owner: bool) -> None:
        self._line = line
        self._views = views
        self._report = report
        self._random = random.Random(seed)
        self._owner = owner

    # --- what differs ---

    @property
    @abstractmethod
    def _balance_kind(self) -> str:
        """What asks for a balance."""

    @abstractmethod
    async def _play(self, view: V) -> None:
        """One transaction, and sometimes what follows from it."""

    async def _look(self, view: V, demo: Demo) -> None:
        """Learn what the card holds."""
        view.balance = await self._ask_balance(view)

    # --- the three acts ---

    async def set_up(self, demo: Demo) -> None:
        for view in self._views if self._owner else ():
            try:
                await self._look(view, demo)
            except GaveUp as error:
                self._give_up(view, error)

    async def play(self) -> bool:
        """Whether it may go on."""
        view = self._random.choice(self._views)
        try:
            await self._play(view)
        except GaveUp as error:
            self._give_up(view, error)
            return False
        return True

    async def verify(self) -> None:
        """Ask what every card holds and hold it against the own view."""
        for view in self._views if self._owner else ():
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

    # --- asking and judging ---

    async def _send_or_undo(self, view: V, what: str, request: Message) -> Message | None:
        """The answer; None if it never came, and then the request has been reversed.

        Without references a reversal could mean another transaction of the same amount: then the request is repeated.
        """
        answer = await self._line.send(what, request)
        if answer is None and self._line.says_less:
            return await self._line.insist("repeat", lambda _: build_repeat(request))
        if answer is None:
            await self._reverse(view, Deed(what, request))
        return answer

    async def _reverse(self, view: V, deed: Deed) -> None:
        answer = await self._line.insist("reversal", lambda attempt: build_reversal(deed, attempt))
        self._is(view, "reversal", answer, "00")

    async def _repeat(self, view: V, deed: Deed, first: Message) -> None:
        answer = await self._line.insist("repeat", lambda _: build_repeat(deed.request))
        for number in (4, 37, 38, 39, 48, 54, 63):
            if answer.get(number) != first.get(number):
                self._report.complain(f"{view}: a repeat was answered with another DE{number}")

    async def _void(self, view: V, deed: Deed, delta: int) -> None:
        answer = await self._send_or_undo(view, "void", self._line.build_void(deed))
        if answer and self._is(view, "void", answer, "00", balance=view.balance - delta):
            view.balance -= delta

    async def _check_balance(self, view: V) -> None:
        kind = self._balance_kind
        answer = await self._line.insist(kind, lambda _: self._line.build(kind, view.pan))
        self._is(view, kind, answer, "00", balance=view.balance)

    async def _ask_balance(self, view: V) -> int:
        kind = self._balance_kind
        answer = await self._line.insist(kind, lambda _: self._line.build(kind, view.pan))
        held = balance_of(answer)
        if answer.get(39) != "00" or held is None:
            self._report.complain(f"{view}: its balance was answered {answer.get(39)}")
        return held or 0

    def _is(
        self,
        view: V,
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
        if balance is not None and not view.shared and (held := balance_of(answer)) != balance:
            report.complain(f"{view}: {what} left {held}, not {balance}")
        return True

    def _give_up(self, view: V, error: GaveUp) -> None:
        view.uncertain = True
        self._report.unresolved.append(f"{view}: {error}")


class Driver:
    """One terminal on one connection, one message after another, of one kind of traffic or several."""

    def __init__(self, line: LoadLine, traffic: Sequence[Traffic[Any]], report: LoadReport, seed: str) -> None:
        self._line = line
        self._traffic = traffic
        self._report = report
        self._random = random.Random(seed)

    async def set_up(self, demo: Demo) -> None:
        for traffic in self._traffic:
            await traffic.set_up(demo)

    async def drive(self, options: LoadOptions) -> None:
        ends = self._report.started + options.seconds if options.seconds else float("inf")
        limit = options.transactions or float("inf")
        while trio.current_time() < ends and self._report.answered < limit:
            if not await self._random.choice(self._traffic).play():
                return

    async def verify(self) -> None:
        for traffic in self._traffic:
            await traffic.verify()

    async def hang_up(self) -> None:
        await self._line.hang_up()


def balance_of(answer: Message) -> int | None:
    """What is available, in the terminal's currency or in points."""
    try:
        return available(answer)[0].amount
    except (WireError, IndexError):
        return None
