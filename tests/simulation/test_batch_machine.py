"""Whatever is lost, repeated or late between terminals and switch: every run ends with both sides balanced.

No transaction is in two batches, none in none, and the cards hold what the terminals' records say. The terminals are
those of `batch_stage.py`; three batches at a time, two of them of one terminal. `BATCH_RUNS` sets how many runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulators.demo import DemoTerminal
from simulators.journal import Item, Journal, Result
from simulators.requests import KINDS, Order, build_repeat, build_request, build_void, card_number
from simulators.settlement import Habits, next_debt
from simulators.state import Deed
from simulators.totals import BLOCK_CHOICES, block_of, same_totals
from simulators.wire import DIALECTS, Message
from specs.sensitive import PAN
from tests.core.till import LIRA
from tests.simulation.batch_stage import START_MINOR, Fate, Host, Line, Station, find_rows, host_batches, live_rows

RuleT = TypeVar("RuleT", bound=Callable[..., None])

RUNS = int(os.environ.get("BATCH_RUNS", "1000"))
STEPS = 40  # of a run, before everything is settled
AMOUNTS = st.sampled_from([1000, 1000, 2500])
PICK = st.integers(0, 99)  # one of those that are there
KINDS_TRADED = st.sampled_from(["redeem", "redeem", "redeem", "reload", "refund"])
FATES = st.sampled_from([Fate.FINE] * 4 + list(Fate))
HABITS = st.builds(Habits, st.sampled_from(BLOCK_CHOICES), st.booleans(), st.booleans())
#: Terminal and NII: the first two are two batches of one terminal.
PLACES = (("T1", "010"), ("T1", "090"), ("T2", "010"))


def when(name: str) -> Callable[[RuleT], RuleT]:
    """A rule that needs stations of which `name` is true; its `at` picks one of them."""
    return precondition(lambda self: any(getattr(station, name) for station in self.stations))


class Batches(RuleBasedStateMachine):
    stations: list[Station]

    @initialize(dialect=st.sampled_from(DIALECTS), habits=st.tuples(HABITS, HABITS, HABITS))
    def open(self, dialect: Any, habits: tuple[Habits, ...]) -> None:
        self.host = Host(dialect)
        self.line = Line(self.host, tell=note)
        self.pans = self.host.pans
        stans = {"T1": [0], "T2": [0]}
        self.stations = [
            Station(self.host, DemoTerminal("A", name, "nac", "north", LIRA, nii), habit, stans[name])
            for (name, nii), habit in zip(PLACES, habits, strict=True)
        ]

    def pick(self, name: str, at: int) -> Station:
        found = [station for station in self.stations if getattr(station, name)]
        return found[at % len(found)]

    def order(self, station: Station, kind: str, card: int, amount: int) -> Message:
        order = Order(KINDS[kind], self.pans[card % len(self.pans)], amount + station.swaps)
        return build_request(station.who, station.dialect, order, station.counters(), self.host.now)

    # -- a day at the till ---------------------------------------------------------------------------------------------
    @when("is_ready")
    @rule(at=PICK, card=PICK, kind=KINDS_TRADED, amount=AMOUNTS, fate=FATES)
    def trade(self, at: int, card: int, kind: str, amount: int, fate: Fate) -> None:
        station = self.pick("is_ready", at)
        result = self.line.say(station, kind, self.order(station, kind, card, amount), fate)
        assert result is not Result.DECLINED or not station.is_plain

    @when("is_ready")
    @rule(at=PICK, card=PICK, kind=KINDS_TRADED, amount=AMOUNTS)
    def trade_undisturbed(self, at: int, card: int, kind: str, amount: int) -> None:
        """Most of them are; without any there would be little to settle."""
        self.trade(at, card, kind, amount, Fate.FINE)

    @when("may_undo")
    @rule(at=PICK, which=PICK, fate=FATES)
    def void(self, at: int, which: int, fate: Fate) -> None:
        station = self.pick("may_undo", at)
        item = station.known[which % len(station.known)]
        request = build_void(station.who, item.deed, station.counters(), self.host.now)
        result = self.line.say(station, f"void {item.kind}", request, fate)
        assert result is not Result.DECLINED or not station.is_plain

    @when("may_undo")
    @rule(at=PICK, which=PICK)
    def take_back(self, at: int, which: int) -> None:
        """Approved, but the goods or the paper were not there."""
        station = self.pick("may_undo", at)
        station.journal.take_back(station.known[which % len(station.known)])

    @when("is_ready")
    @rule(at=PICK, card=PICK, amount=AMOUNTS)
    def pay_offline(self, at: int, card: int, amount: int) -> None:
        station = self.pick("is_ready", at)
        station.journal.store_advice(Deed("advice-redeem", self.order(station, "advice-redeem", card, amount)))

    @when("owes_answer")
    @rule(at=PICK, fate=FATES)
    def say_again(self, at: int, fate: Fate) -> None:
        """A request without an answer is sometimes repeated before it is reversed."""
        station = self.pick("owes_answer", at)
        deed = station.journal.owed[0].deed
        self.line.say(station, deed.kind, build_repeat(deed.request), fate)

    @when("owes")
    @rule(at=PICK, fate=FATES)
    def pay_debt(self, at: int, fate: Fate) -> None:
        station = self.pick("owes", at)
        debt = next_debt(station.journal)
        assert debt
        self.line.say_next(station, debt, fate)

    @rule(at=PICK)
    def cut_power(self, at: int) -> None:
        self.stations[at % len(self.stations)].cut_power()

    @when("is_empty")
    @rule(at=PICK, fate=FATES)
    def log_on(self, at: int, fate: Fate) -> None:
        station = self.pick("is_empty", at)
        self.line.say_next(station, ("logon", station.log_on), fate)

    # -- its end -------------------------------------------------------------------------------------------------------
    @rule(at=PICK, fates=st.lists(FATES, min_size=1, max_size=12))
    def settle(self, at: int, fates: list[Fate]) -> None:
        """As far as it goes: nothing, some messages, or all of it."""
        station = self.stations[at % len(self.stations)]
        for fate in fates:
            if self.line.say_next(station, station.next_step(), fate) is Result.CLOSED:
                return

    @when("is_settling")
    @rule(at=PICK)
    def trade_on(self, at: int) -> None:
        """A cashier does not wait for the answer to a settlement, and may find the batch closed behind his back."""
        self.pick("is_settling", at).trade_on()

    @when("may_clear")
    @rule(at=PICK, fate=FATES)
    def clear(self, at: int, fate: Fate) -> None:
        """On the switch's totals, whatever they are."""
        station = self.pick("may_clear", at)
        self.line.say_next(station, station.next_step(clear=True), fate)

    @when("is_empty")
    @rule(at=PICK, skipped=st.sampled_from([1, 2, 999_997]))
    def skip_numbers(self, at: int, skipped: int) -> None:
        """Somebody types another number, perhaps an old one; only an empty batch lets him."""
        station = self.pick("is_empty", at)
        station.journal.number = (station.journal.number + skipped - 1) % 999_999 + 1
        station.must_log_on = True

    @when("may_be_swapped")
    @rule(at=PICK)
    def swap_terminal(self, at: int) -> None:
        """Another one is put in its place: number and trace numbers begin at one; it has nothing of the old one's."""
        old = self.pick("may_be_swapped", at)
        self.line.forget(old)
        self.line.pass_time(20)
        new = Station(self.host, old.who, old.habits, [0], Journal(1), days=old.days, receipt=old.receipt + 1)
        new.forgotten, new.is_plain = [*old.forgotten, *old.journal.counting], False
        new.swaps, new.must_log_on = old.swaps + 1, True
        self.stations[self.stations.index(old)] = new

    # -- what flash memories do ----------------------------------------------------------------------------------------
    @when("may_undo")
    @rule(at=PICK, which=PICK)
    def lose_record(self, at: int, which: int) -> None:
        station = self.pick("may_undo", at)
        item = station.known[which % len(station.known)]
        station.journal.items.remove(item)
        station.forgotten.append(item)
        station.is_plain = False

    @when("is_ready")
    @rule(at=PICK, card=PICK, amount=AMOUNTS)
    def never_tell(self, at: int, card: int, amount: int) -> None:
        """An offline payment that only an upload can tell."""
        station = self.pick("is_ready", at)
        request = self.order(station, "advice-redeem", card, amount)
        station.journal.items.append(Item("advice-redeem", request, amount + station.swaps))
        station.is_plain = False

    # -- the line ------------------------------------------------------------------------------------------------------
    @precondition(lambda self: self.line.under_way)
    @rule(which=PICK)
    def deliver(self, which: int) -> None:
        self.line.deliver(which % len(self.line.under_way))

    @rule(at=PICK)
    def end_day(self, at: int) -> None:
        """The switch settles the part so far by itself; the terminal's batch goes on."""
        self.host.end_day(self.stations[at % len(self.stations)])

    @rule(minutes=st.sampled_from([1, 15, 300]))
    def pass_time(self, minutes: int) -> None:
        self.line.pass_time(minutes)

    # -- both sides ----------------------------------------------------------------------------------------------------
    @invariant()
    def nobody_is_refused_what_must_not_be(self) -> None:
        for station in getattr(self, "stations", []):
            assert not station.stopped, station.stopped

    def teardown(self) -> None:
        stations = getattr(self, "stations", [])
        if not stations or any(station.stopped for station in stations):
            return
        while self.line.under_way:
            self.line.deliver(0)
        for station in stations:
            days = len(station.days)
            for _ in range(200):
                closed = self.line.say_next(station, station.next_step(), Fate.FINE) is Result.CLOSED
                assert not station.stopped, station.stopped
                if closed:
                    break
            assert len(station.days) == days + 1, "its settlement does not come to an end"
        self.check_batches()
        self.check_cards()
        self.host.shop.prove()

    def check_batches(self) -> None:
        """Each record of a terminal is one row, in the batch it was in; and there are no other rows."""
        rows, batches = live_rows(self.host.shop), host_batches(self.host.shop)
        seen = set()
        for station in self.stations:
            for day in station.days:
                if day.is_plain:
                    assert same_totals(day.closed.claimed[: len(day.closed.answered)], day.closed.answered)
                for item in day.records:
                    found = find_rows(rows, station, item)
                    assert len(found) == 1, f"{item.kind} {item.stan} is there {len(found)} times"
                    assert found[0].id not in seen, f"{item.kind} {item.stan} is the same as another"
                    seen.add(found[0].id)
                    if day.is_plain:
                        assert batches[found[0].batch].number == day.closed.number
        assert seen == {row.id for row in rows}

    def check_cards(self) -> None:
        records = [item for station in self.stations for day in station.days for item in day.records]
        for pan in self.pans:
            moved = sum(effect_of(item) for item in records if card_number(item.request) == pan)
            assert self.host.shop.balance(PAN(pan)) == START_MINOR + moved


def effect_of(item: Item) -> int:
    return -item.amount if block_of(item.request.get(3)) == 0 else item.amount


Batches.TestCase.settings = settings(
    max_examples=RUNS,
    stateful_step_count=STEPS,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestBatches = Batches.TestCase
