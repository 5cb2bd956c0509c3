"""Plays a story: chooses its cards, sends its steps, tells each result as it comes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from simulators.cards import CardWish, find_cards
from simulators.demo import Demo, DemoCard, DemoError, DemoLoyaltyCard, DemoPoints, DemoTerminal
from simulators.expectations import Difference, Played, differences, resolve, resolve_batch
from simulators.journal import Item
from simulators.members import find_members
from simulators.point_tables import BasketLine, encode_basket, encode_tenders
from simulators.references import Value
from simulators.requests import KINDS, Order, build_repeat, build_reversal
from simulators.settlement import SETTLEMENT_KINDS, Habits, build_settlement, build_upload
from simulators.state import Deed
from simulators.story import DEMO, Step, Story
from simulators.tables import available
from simulators.terminal import ANSWER_SECONDS, Exchange, Terminal
from simulators.wire import Message, WireError


class StepResult(msgspec.Struct, frozen=True):
    step: Step
    terminal: Terminal
    exchange: Exchange | None
    differences: list[Difference]
    is_cleanup: bool = False


Pause = Callable[[str], Awaitable[None]]  # told what somebody else may do now


async def go_on(text: str) -> None:
    pass


class Player:
    """One performance of one story on one listener; `manner` is how VISA-2 is spoken otherwise than the story says."""

    def __init__(
        self,
        demo: Demo,
        story: Story,
        listener: str,
        *,
        host: str = "127.0.0.1",
        terminal_id: str | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        pause: Pause = go_on,
        manner: Mapping[str, Any] = {},
    ) -> None:
        self._demo = demo
        self._pause = pause
        self._story = story
        spoken = msgspec.structs.replace(story.visa2, **manner)
        self._terminals = [
            Terminal(demo, who, listener, host=host, answer_seconds=answer_seconds, manner=spoken)
            for who in _in_order(demo, listener, terminal_id)
        ]
        self._cards: dict[str, DemoCard | DemoLoyaltyCard] = {}
        self._played: dict[str, Played] = {}

    async def play(self) -> AsyncIterator[StepResult]:
        """Every step's result; after the first that differs only the cleanup is played."""
        async with AsyncExitStack() as stack:
            for terminal in self._terminals:
                stack.push_async_callback(terminal.hang_up)
            if self._demo.points:
                self._played[DEMO] = Played(DEMO, Message("", {}), facts=_facts(self._demo.points, self._terminals[0]))
            for name in self._story.cards:
                self._cards[name] = await self._choose_card(name)
            for step in self._story.steps:
                result = await self._play_step(step)
                yield result
                if result.differences:
                    break
            for step in self._story.cleanup:
                if self._is_needed(step):
                    yield msgspec.structs.replace(await self._play_step(step), is_cleanup=True)

    async def _choose_card(self, name: str) -> DemoCard | DemoLoyaltyCard:
        """A card that fits and is not taken. What an active one holds is asked, since others spend from it too."""
        wish = self._story.cards[name]
        terminal = self._terminals[0]
        look_for = msgspec.structs.replace(wish, min_balance=0, min_points=0)
        for card in (
            find_members(self._demo, look_for) if wish.loyalty else find_cards(self._demo, look_for, terminal.who)
        ):
            if self._is_taken(card):
                continue
            if wish.state != "active" or await self._holds(terminal, card, wish):
                return card
        raise DemoError(f"the story needs a card {name!r} that fits terminal {terminal.who.terminal_id} and is {wish}")

    def _is_taken(self, card: DemoCard | DemoLoyaltyCard) -> bool:
        """Chosen already, or another card of a member who was."""
        members = [one.member for one in self._cards.values() if isinstance(one, DemoLoyaltyCard)]
        same_member = isinstance(card, DemoLoyaltyCard) and card.member is not None and card.member in members
        return same_member or any(card.pan == one.pan for one in self._cards.values())

    async def _holds(self, terminal: Terminal, card: DemoCard | DemoLoyaltyCard, wish: CardWish) -> bool:
        kind = KINDS["points-balance" if wish.loyalty else "balance"]
        exchange = await terminal.perform(Order(kind, card.pan, pin=card.pin))
        if exchange.answer is None:
            raise DemoError(f"no answer to a balance: {exchange.problem}")
        try:
            balances = available(exchange.answer)
        except WireError:
            return False
        minimum = wish.min_points if wish.loyalty else wish.min_balance
        return exchange.approved and bool(balances) and balances[-1].amount >= minimum

    def _is_needed(self, step: Step) -> bool:
        """Whether a cleanup step has something to undo that no other step has undone."""
        done = self._played.get(step.unless) if step.unless else None
        if done and done.exchange and done.exchange.approved:
            return False
        if not step.of:
            return True
        original = self._played.get(step.of)
        return original is not None and (original.exchange is None or original.exchange.code in ("00", "10", None))

    # --- one step ---

    async def _play_step(self, step: Step) -> StepResult:
        if step.terminal > len(self._terminals):
            raise DemoError(f"the story needs {step.terminal} terminals on this listener")
        terminal = self._terminal(step)
        if step.pause:
            await self._pause(step.pause.format(terminal=terminal.who.key))
        kind, request = self._request(step, terminal)
        if step.answer == "held":
            self._played[step.name] = Played(kind, request)
            return StepResult(step, terminal, None, [])
        if step.answer == "lost":
            await terminal.send_and_leave(kind, request)
            self._played[step.name] = Played(kind, request)
            return StepResult(step, terminal, None, [])
        exchange = await terminal.send(kind, request, step.damage)
        self._played[step.name] = Played(kind, request, exchange, terminal.dialect)
        return StepResult(step, terminal, exchange, differences(step, exchange, self._played, terminal.dialect))

    def _terminal(self, step: Step) -> Terminal:
        """The terminal that speaks; with another NII it has another batch, but the same line and counters."""
        terminal = self._terminals[step.terminal - 1]
        return terminal.with_nii(step.nii) if step.nii else terminal

    def _request(self, step: Step, terminal: Terminal) -> tuple[str, Message]:
        if step.send in SETTLEMENT_KINDS.values():
            return step.send, self._settlement(step, terminal)
        if step.send in KINDS:
            return terminal.prepare(self._order(step, terminal))
        original = self._played[step.of]
        deed = original.exchange.deed if original.exchange else Deed(original.kind, original.request)
        if step.send == "upload":
            return f"upload {original.kind}", self._upload(step, terminal, deed)
        if step.send in ("void", "advice-void"):
            return terminal.prepare_void(deed, advice=step.send == "advice-void")
        if step.send == "reversal":
            return f"reversal {original.kind}", build_reversal(deed, who=terminal.who)
        return original.kind, build_repeat(original.request) if step.send == "repeat" else original.request

    def _settlement(self, step: Step, terminal: Terminal) -> Message:
        """The terminal's own number and totals, where the step does not say others."""
        journal = terminal.read_journal()
        number = resolve_batch(step.batch, self._played, terminal.dialect) if step.batch else journal.batch
        if number is None:
            raise DemoError(f"terminal {terminal.who.terminal_id} has no batch number yet: a story logs on first")
        totals = journal.totals()[: Habits().blocks] if step.totals is None else step.totals
        return build_settlement(terminal.who, KINDS[step.send].code, int(number), totals, *terminal.next_numbers())

    def _upload(self, step: Step, terminal: Terminal, deed: Deed) -> Message:
        amount = int(deed.approved_amount) if step.amount is None else int(resolve(step.amount, self._played))
        item = Item(deed.kind, deed.request, amount, deed.rrn or "")
        batch = resolve_batch(step.batch, self._played, terminal.dialect) if step.batch else None
        return build_upload(terminal.who, terminal.dialect, item, terminal.next_numbers()[0], batch=batch, more=False)

    def _order(self, step: Step, terminal: Terminal) -> Order:
        kind = KINDS[step.send]
        card = self._cards.get(step.card)
        amount = None if step.amount is None else int(resolve(step.amount, self._played))
        pan, pin = (card.pan, _pin(step, card)) if card else (None, None)
        return Order(
            kind,
            pan,
            amount,
            pin,
            rrn=self._text(step.rrn),
            receipt=self._text(step.receipt),
            partial=step.partial,
            swipe=step.swipe,
            batch=None if step.batch is None else resolve_batch(step.batch, self._played, terminal.dialect),
            tables=tuple(self._tables(step)),
        )

    def _text(self, value: Value | None) -> str | None:
        return str(resolve(value, self._played)) if value else None

    def _tables(self, step: Step) -> Iterator[tuple[str, str]]:
        if step.basket:
            lines = (
                BasketLine(line.sku, line.quantity, int(resolve(line.price, self._played)), line.group)
                for line in step.basket
            )
            yield "BK", encode_basket(lines)
        if step.tenders:
            yield (
                "TD",
                encode_tenders((name, int(resolve(value, self._played))) for name, value in step.tenders.items()),
            )
        if step.to:
            yield "TO", self._cards[step.to].pan
        if step.phone:
            yield "PH", step.phone


def _facts(points: DemoPoints, terminal: Terminal) -> dict[str, int]:
    """What stories may say of the demo's points; `value` is what one is worth at the first terminal, in minor units."""
    minimum, value = max(1, points.redeem_minimum), points.value(terminal.who)
    return {
        "earn_money": points.earn_money,
        "earn_points": points.earn_points,
        "value": value,
        "redeem_points": minimum,
        "redeem_money": minimum * value,
    }


def _pin(step: Step, card: DemoCard | DemoLoyaltyCard) -> str | None:
    """The card's PIN, none, or one that differs from it in every digit."""
    if step.pin == "none" or card.pin is None:
        return None
    if step.pin == "right":
        return card.pin
    return "".join(str((int(digit) + 1) % 10) if digit.isdecimal() else "0" for digit in card.pin)


def _in_order(demo: Demo, listener: str, terminal_id: str | None) -> list[DemoTerminal]:
    """The terminals of the listener, the one asked for first."""
    terminals = demo.terminals_of(listener)
    first = demo.terminal(terminal_id) if terminal_id else terminals[0]
    return [first, *(one for one in terminals if one != first)]
