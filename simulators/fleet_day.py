"""A day of one terminal of a fleet: open, trade, lose answers, repeat, reverse, settle, upload when told.

The terminal does what terminals do, and knows at any time what its cards must hold. A faulty one has its journal
damaged just before it settles (`fleet_faults.py`).
"""

import random
from collections.abc import Awaitable, Callable, Sequence, Set

from simulators.demo import DemoCard, DemoTerminal
from simulators.describe import mask_pan
from simulators.fleet_cards import ACTIVATION_MINOR, Cards, effect_of
from simulators.fleet_faults import break_journal
from simulators.fleet_report import FleetReport, Settled
from simulators.fleet_till import FleetOptions, FleetTill
from simulators.journal import Item, Result
from simulators.load_driver import HOST_MAY_REFUSE
from simulators.load_line import GaveUp
from simulators.requests import KINDS, Order, build_repeat, build_request, build_void, card_number
from simulators.settlement import Habits, Said
from simulators.state import Deed
from simulators.tables import available, find_tables
from simulators.totals import BLOCK_CHOICES, Total, add_up, same_totals
from simulators.wire import Message, WireError

FULL_MINOR, LOW_MINOR = 60_000, 20_000  # above, only spend; below, only load: a demo card may hold 100,000 or more
SPENT_MAX = 500

#: What a cashier does, and how often of a hundred times. Where the demo has no members, sales are gift card payments.
MIX = {"redeem": 34, "reload": 12, "balance": 8, "void": 8, "refund": 6, "offline payment": 6, "cancel": 4,
       "overdraw": 3, "activate": 2, "power cut": 2, "sale": 11, "return": 2, "points payment": 2}  # fmt: skip


class Day:
    """One terminal, one message after another; `pans` are the cards its customers bring."""

    def __init__(
        self, till: FleetTill, pans: list[str], cards: Cards, options: FleetOptions, report: FleetReport,
        chance: random.Random, fault: str | None,
    ) -> None:  # fmt: skip
        self._till, self._pans, self._cards, self._options = till, pans, cards, options
        self._report, self._chance, self._fault = report, chance, fault
        blocks = chance.choice(BLOCK_CHOICES)
        self._has_advices = self._has_references = till.dialect != "visa2"
        self._overdrawn = "51" if self._has_advices else "10"  # VISA-2 takes what is there
        self._habits = Habits(blocks if self._has_advices else 2, chance.random() < 0.8, chance.random() < 0.5)
        self._refunded: dict[str, int] = {}  # by RRN of the redemption
        self._told_to_settle = False
        self._gave_up = False

    @property
    def who(self) -> DemoTerminal:
        return self._till.who

    # --- the day ---

    async def open(self) -> None:
        """Settle what an earlier day left, log on, look at the cards. Nobody trades before all have done so."""
        await self._try(self._open)

    async def live(self) -> None:
        """Trade, then settle."""
        if not self._gave_up:
            await self._try(self._trade)

    async def _try(self, part: Callable[[], Awaitable[None]]) -> None:
        """What is not answered ends this terminal's day, and is told."""
        try:
            await part()
        except GaveUp as error:
            self._gave_up = True
            self._report.unresolved.append(f"{self.who.terminal_id}: {error}")

    async def _open(self) -> None:
        await self._settle(judge=False)
        await self._insist_on("logon")
        for pan in self._pans:
            self._cards.held[pan] = await self.ask_balance(pan)

    async def _trade(self) -> None:
        for _ in range(self._options.deeds):
            await self._do_something()
            self._report.deeds += 1
        await self._settle(judge=True)

    async def _do_something(self) -> None:
        owes_reversal = any(owed.what == "reversal" for owed in self._till.journal.owed)
        if owes_reversal or self._chance.random() < 0.7:  # advices may wait, reversals may not
            await self._till.pay()
        what = self._chance.choices(list(MIX), list(MIX.values()))[0]
        pan = self._chance.choice(self._pans)
        balance = self._balance(pan)
        match what:
            case "balance":
                await self._look(pan, balance)
            case "void" | "cancel" | "refund":
                await self._undo(what)
            case "offline payment" if self._has_advices and balance > 10 * SPENT_MAX:
                await self._pay_offline(pan)
            case "overdraw" if not self._cards.shared:
                await self._till.pay()  # the switch must know of every offline payment
                await self._move("redeem", pan, self._balance(pan) + 1, self._overdrawn, also={"51"})
            case "activate" if self._cards.to_sell:
                await self._activate(self._cards.to_sell.pop())
            case "power cut":
                self._till.power_cut()
            case "sale" | "return" | "points payment" if self._cards.members:
                await self._serve_member(what)
            case "reload" if balance < FULL_MINOR:
                await self._move("reload", pan, self._cards.minimum[pan] + self._spent())
            case _:
                loads = balance < LOW_MINOR
                amount = self._spent() + (self._cards.minimum[pan] if loads else 0)
                await self._move("reload" if loads else "redeem", pan, amount)
        if self._told_to_settle:
            await self._settle(judge=True)

    async def ask_balance(self, pan: str) -> int:
        """What the switch says it holds. Only a card that one terminal uses can be judged at once."""
        answer = await self._insist_on("balance", pan)
        try:
            return available(answer)[0].amount
        except (WireError, IndexError):
            self._report.complain(f"{self.who.terminal_id}: a balance was answered {answer.get(39)}")
            return 0

    # --- deeds ---

    async def _look(self, pan: str, reckoned: int) -> None:
        """Where nobody else uses the card and nothing waits to be told, the switch must agree."""
        certain = not (self._cards.shared or self._till.journal.owed)
        held = await self.ask_balance(pan)
        if certain and held != reckoned:
            self._report.complain(f"{self.who.terminal_id}: card {mask_pan(pan)} holds {held}, not {reckoned}")

    async def _activate(self, card: DemoCard) -> None:
        self._cards.held[card.pan], self._cards.minimum[card.pan] = 0, ACTIVATION_MINOR
        await self._move("activate", card.pan, ACTIVATION_MINOR)
        if self._balance(card.pan):
            self._till.remember_sold(card.pan, ACTIVATION_MINOR)
            self._pans.append(card.pan)
        else:
            del self._cards.held[card.pan]  # taken back: it is as it was

    async def _serve_member(self, what: str) -> None:
        """What points do is the programme's affair, and whether there are enough; here only money counts."""
        pan = self._chance.choice(self._cards.members)
        sales = [item for item in self._till.journal.counting if item.kind == "sale" and self._may_undo(item)]
        value = self._cards.points_value.get(self.who.store, 0)
        if what == "return" and sales:
            item = self._chance.choice(sales)
            self._refunded[item.rrn] = self._chance.randint(1, item.amount)
            await self._move("return", card_number(item.request), self._refunded[item.rrn], rrn=item.rrn)
        elif what == "points payment" and value:
            await self._move("points-redeem", pan, self._cards.points_minimum * value, also={"51"})
        else:
            await self._move("sale", pan, 10 * self._spent())

    async def _pay_offline(self, pan: str) -> None:
        request = self._build("advice-redeem", pan, self._spent())
        self._till.journal.store_advice(Deed("advice-redeem", request))
        self._till.save()

    async def _undo(self, what: str) -> None:
        items = [item for item in self._till.journal.counting if self._may_undo(item)]
        if what == "refund":
            items = [item for item in items if item.kind == "redeem"]
        if not items:
            return
        item = self._chance.choice(items)
        if what == "cancel":
            self._till.journal.take_back(item)
            self._till.save()
            await self._till.pay()
        elif what == "void":
            request = build_void(self.who, item.deed, self._till.counters(), self.who.now())
            spent = {"51"} if not effect_of(item) else set()  # points somebody else may have spent since
            await self._send(f"void {item.kind}", request, {"00", *spent})
        else:
            self._refunded[item.rrn] = self._chance.randint(1, item.amount)
            await self._move("refund", card_number(item.request), self._refunded[item.rrn], rrn=item.rrn)

    async def _move(
        self, kind: str, pan: str, amount: int, code: str = "00", rrn: str | None = None, also: Set[str] = frozenset()
    ) -> None:
        await self._send(kind, self._build(kind, pan, amount, rrn), {code, *also})

    async def _send(self, kind: str, request: Message, codes: Set[str]) -> None:
        """A request, until its outcome is known: sometimes it is said again, else taken back."""
        said = await self._till.say(kind, request)
        if said.answer is None and self._chance.random() < 0.1:
            self._till.power_cut()
        # a VISA-2 reversal without a reference means the newest of that amount, which may be another transaction
        while said.answer is None and (not self._has_references or self._chance.random() < 0.5):
            said = await self._till.say(kind, build_repeat(request))
        await self._till.pay()
        self._judge(said, kind, codes)

    # --- its settlement ---

    async def _settle(self, *, judge: bool) -> None:
        """Until the batch is closed. What an earlier run left behind is not judged: nobody knows what was in it."""
        await self._till.pay()
        truth = break_journal(self._till, self._fault if judge else None, self._pans, self._chance)
        said = await self._till.settle(self._habits)
        closed = self._till.journal.closed[-1]
        self._told_to_settle = False
        if not judge:
            return
        self._fault = None  # once a day is enough
        blocks = self._habits.blocks
        claimed = closed.claimed[:blocks]
        differs = not same_totals(claimed, _totals(truth.before)[:blocks])
        booked = truth.after if differs else truth.before
        last_told = booked if self._has_advices else truth.before  # data capture is answered without totals
        for item in booked:
            if effect := effect_of(item):
                self._cards.held[card_number(item.request)] += effect
        uploaded = sum(one.request.mti == "0320" and one.result is Result.DONE for one in said)
        self._report.settled.append(
            Settled(
                terminal=self.who.terminal_id,
                batch=closed.number,
                currency=self.who.currency,
                terminal_totals=claimed,
                switch_totals=closed.answered,
                expected=_totals(last_told)[:blocks],
                uploaded=uploaded,
                fault=truth.fault,
            )
        )
        if differs is not any(one.result is Result.DIFFERS for one in said):
            told = "was closed at once although the totals differ" if differs else "was told 95 although they agree"
            self._report.complain(f"{self.who.terminal_id}: batch {closed.number:06d} {told}")

    # --- asking ---

    async def _insist_on(self, kind: str, pan: str | None = None) -> Message:
        return await self._till.insist(kind, lambda: self._build(kind, pan))

    def _build(self, kind: str, pan: str | None = None, amount: int | None = None, rrn: str | None = None) -> Message:
        order = Order(KINDS[kind], pan, amount, rrn=rrn)
        return build_request(self.who, self._till.dialect, order, self._till.counters(), self.who.now())

    def _judge(self, said: Said, kind: str, codes: Set[str]) -> None:
        """Complain of a code that must not be; hear the command to settle."""
        if said.answer is None:
            return
        got = said.answer.get(39)
        allowed = HOST_MAY_REFUSE | codes | ({"51"} if self._cards.shared else set())
        if got not in allowed:
            self._report.complain(
                f"{self.who.terminal_id}: {kind} was answered {got}, not {' or '.join(sorted(codes))}"
            )
        if find_tables(said.answer, self._till.dialect).get("42") == "SETTLE":
            self._told_to_settle = True

    # --- reckoning ---

    def _spent(self) -> int:
        return self._chance.randint(1, SPENT_MAX)

    def _may_undo(self, item: Item) -> bool:
        """Acknowledged and whole. What was loaded must still be there; a card sold today stays sold."""
        if not item.rrn or item.rrn in self._refunded:
            return False
        if not effect_of(item):
            return True
        return item.kind != "activate" and self._balance(card_number(item.request)) >= effect_of(item)

    def _balance(self, pan: str) -> int:
        """What the card holds as far as this terminal knows."""
        mine = (item for item in self._till.journal.counting if card_number(item.request) == pan)
        return self._cards.held[pan] + sum(map(effect_of, mine))


def _totals(items: Sequence[Item]) -> list[Total]:
    return add_up((item.request.get(3), item.amount) for item in items)
