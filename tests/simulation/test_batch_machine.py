"""Whatever is lost, repeated or late between terminals and switch: every run ends with both sides balanced.

No transaction is in two batches, none in none, and the cards hold what the terminals' records say. The terminals are
those of `batch_stage.py`; three batches at a time, two of them of one terminal. `BATCH_RUNS` sets how many runs.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulators.demo import DemoTerminal
from simulators.journal import Item, Journal, Result
from simulators.requests import KINDS, Order, build_repeat, build_request, build_void, card_number
from simulators.settlement import Habits, next_debt
from simulators.state import Deed
from simulators.totals import BLOCK_CHOICES, block_of, same_totals
from simulators.wire import DIALECTS
from specs.sensitive import PAN
from tests.core.till import LIRA
from tests.simulation.batch_stage import (
    START_MINOR,
    Fate,
    Host,
    Line,
    Station,
    find_row,
    host_batches,
    live_rows,
)

RUNS = int(os.environ.get("BATCH_RUNS", "1000"))
AMOUNTS = st.sampled_from([1000, 1000, 2500])
PICK = st.integers(0, 10**6)
KIND = st.sampled_from(["redeem", "redeem", "redeem", "reload", "refund"])
FATES = st.sampled_from([Fate.FINE] * 4 + list(Fate))

HABITS = st.builds(Habits, st.sampled_from(BLOCK_CHOICES), st.booleans(), st.booleans())
#: terminal, NII; the first two are two batches of one terminal
PLACES = (("T1", "010"), ("T1", "090"), ("T2", "010"))


class Batches(RuleBasedStateMachine):
    @initialize(dialect=st.sampled_from(DIALECTS), habits=st.tuples(HABITS, HABITS, HABITS))
    def open(self, dialect: Any, habits: tuple[Habits, ...]) -> None:
        self.host = Host(dialect)
        self.line = Line(self.host)
        for terminal_id in ("T1", "T2"):
            self.host.shop.till(terminal_id)
        self.pans = [self.host.shop.card(balance=START_MINOR).reveal() for _ in range(2)]
        stans = {"T1": [0], "T2": [0]}
        self.stations = [
            Station(self.host, DemoTerminal("A", name, "nac", "north", LIRA, nii), habit, stans[name])
            for (name, nii), habit in zip(PLACES, habits, strict=True)
        ]

    # -- a day at the till ---------------------------------------------------------------------------------------------
    @rule(at=PICK, card=PICK, kind=KIND, amount=AMOUNTS, fate=FATES)
    def trade(self, at: int, card: int, kind: str, amount: int, fate: Fate) -> None:
        station = self.ready(at)
        if station:
            order = Order(KINDS[kind], self.pans[card % 2], amount + station.swaps)
            request = build_request(station.who, station.dialect, order, station.counters(), self.host.now)
            self.judge(station, self.line.say(station, kind, request, fate))

    @rule(at=PICK, which=PICK, fate=FATES)
    def void(self, at: int, which: int, fate: Fate) -> None:
        station = self.ready(at)
        items = [item for item in station.journal.counting if item.rrn] if station else []
        if station and items:
            item = items[which % len(items)]
            request = build_void(station.who, item.deed, station.counters(), self.host.now)
            self.judge(station, self.line.say(station, f"void {item.kind}", request, fate))

    @rule(at=PICK, which=PICK)
    def take_back(self, at: int, which: int) -> None:
        """Approved, but the goods or the paper were not there."""
        station = self.ready(at)
        if station and station.journal.counting:
            items = station.journal.counting
            station.journal.take_back(items[which % len(items)])

    @rule(at=PICK, card=PICK, amount=AMOUNTS)
    def pay_offline(self, at: int, card: int, amount: int) -> None:
        station = self.ready(at)
        if station:
            order = Order(KINDS["advice-redeem"], self.pans[card % 2], amount + station.swaps)
            request = build_request(station.who, station.dialect, order, station.counters(), self.host.now)
            station.journal.store_advice(Deed("advice-redeem", request))

    @rule(at=PICK, fate=FATES)
    def say_again(self, at: int, fate: Fate) -> None:
        """A request without an answer is sometimes repeated before it is reversed."""
        station = self.stations[at % len(self.stations)]
        owed = station.journal.next_owed()
        if owed and owed.what == "reversal" and not owed.attempts and owed.deed.code is None:
            self.line.say(station, owed.deed.kind, build_repeat(owed.deed.request), fate)

    @rule(at=PICK, fate=FATES)
    def pay_debt(self, at: int, fate: Fate) -> None:
        station = self.stations[at % len(self.stations)]
        debt = next_debt(station.journal)
        if debt:
            self.line.say_next(station, debt, fate)

    @rule(at=PICK)
    def cut_power(self, at: int) -> None:
        self.stations[at % len(self.stations)].cut_power()

    @rule(at=PICK, fate=FATES)
    def log_on(self, at: int, fate: Fate) -> None:
        station = self.stations[at % len(self.stations)]
        if not station.journal.items:
            self.line.say_next(station, ("logon", station.log_on), fate)

    # -- its end -------------------------------------------------------------------------------------------------------
    @rule(at=PICK, fates=st.lists(FATES, min_size=1, max_size=12))
    def settle(self, at: int, fates: list[Fate]) -> None:
        """As far as it goes: nothing, some messages, or all of it."""
        station = self.stations[at % len(self.stations)]
        for fate in fates:
            result = self.line.say_next(station, station.next_step(), fate)
            if result is Result.CLOSED:
                return

    @rule(at=PICK)
    def trade_on(self, at: int) -> None:
        """A cashier does not wait for the answer to a settlement, and may find the batch closed behind his back."""
        station = self.stations[at % len(self.stations)]
        if station.settling:
            station.settling = station.plain = False

    @rule(at=PICK, fate=FATES)
    def clear(self, at: int, fate: Fate) -> None:
        """On the switch's totals, whatever they are. A terminal pays its debts before."""
        station = self.ready(at)
        if station and station.journal.number and not station.journal.owed:
            step = station.next_step(clear=True)
            self.line.say_next(station, step, fate)

    @rule(at=PICK, skipped=st.sampled_from([1, 2, 999_997]))
    def skip_numbers(self, at: int, skipped: int) -> None:
        """Somebody typed another number, perhaps one that is nearly the last; only an empty batch lets him."""
        station = self.ready(at)
        if station and station.journal.number and not (station.journal.items or station.journal.owed):
            station.journal.number = (station.journal.number + skipped - 1) % 999_999 + 1
            station.must_log_on = True

    @rule(at=PICK)
    def swap_terminal(self, at: int) -> None:
        """Another one is put in its place: number and trace numbers begin at one; it has nothing of the old one's."""
        number = at % len(self.stations)
        old = self.stations[number]
        if old.journal.owed or old.who.terminal_id != "T2":
            return
        self.line.under_way = [(one, message) for one, message in self.line.under_way if one is not old]
        self.host.shop.pass_time(minutes=20)
        new = Station(self.host, old.who, old.habits, [0], Journal(1), old.days)
        new.forgotten, new.plain = [*old.forgotten, *old.journal.counting], False
        new.swaps, new.must_log_on = old.swaps + 1, True
        self.stations[number] = new

    # -- what flash memories do ----------------------------------------------------------------------------------------
    @rule(at=PICK, which=PICK)
    def lose_record(self, at: int, which: int) -> None:
        station = self.ready(at)
        items = [item for item in station.journal.counting if item.rrn] if station else []
        if station and items and not station.journal.owed:
            item = items[which % len(items)]
            station.journal.items.remove(item)
            station.forgotten.append(item)
            station.plain = False

    @rule(at=PICK, card=PICK, amount=AMOUNTS)
    def never_tell(self, at: int, card: int, amount: int) -> None:
        """An offline payment that only an upload can tell."""
        station = self.ready(at)
        if station and not station.journal.uploading:
            order = Order(KINDS["advice-redeem"], self.pans[card % 2], amount + station.swaps)
            request = build_request(station.who, station.dialect, order, station.counters(), self.host.now)
            station.journal.items.append(Item("advice-redeem", request, amount))
            station.plain = False

    # -- the line ------------------------------------------------------------------------------------------------------
    @precondition(lambda self: self.line.under_way)
    @rule(which=PICK)
    def deliver(self, which: int) -> None:
        self.line.deliver(which % len(self.line.under_way))

    @rule(minutes=st.sampled_from([1, 15, 300]))
    def pass_time(self, minutes: int) -> None:
        self.host.shop.pass_time(minutes=minutes)

    # -- both sides ----------------------------------------------------------------------------------------------------
    @invariant()
    def nobody_is_refused_what_must_not_be(self) -> None:
        for station in getattr(self, "stations", []):
            assert not station.stopped, station.stopped

    def teardown(self) -> None:
        if any(station.stopped for station in getattr(self, "stations", [])) or not hasattr(self, "stations"):
            return
        while self.line.under_way:
            self.line.deliver(0)
        for station in self.stations:
            for _ in range(200):
                step = station.next_step()
                if self.line.say_next(station, step, Fate.FINE) is Result.CLOSED:
                    break
            assert not station.stopped, station.stopped
            assert station.journal.number == station.days[-1].closed.number % 999_999 + 1, "it does not come to an end"
        self.check_batches()
        self.check_cards()
        self.host.shop.prove()

    def check_batches(self) -> None:
        """Each record of a terminal is one row, in the batch it was in; and there are no other rows."""
        rows, batches = live_rows(self.host.shop), host_batches(self.host.shop)
        seen = set()
        for station in self.stations:
            for day in station.days:
                if day.plain:
                    assert same_totals(day.closed.claimed[: len(day.closed.answered)], day.closed.answered)
                for item in [*day.items, *day.forgotten]:
                    found = find_row(rows, station, item)
                    if not found and not item.rrn and not item.uploaded:
                        continue  # only an upload could have told it, and none was asked for
                    assert len(found) == 1, f"{item.kind} {item.stan} is there {len(found)} times"
                    assert found[0].id not in seen
                    seen.add(found[0].id)
                    if day.plain:
                        assert batches[found[0].batch].number == day.closed.number
        assert seen == {row.id for row in rows}

    def check_cards(self) -> None:
        for pan in self.pans:
            moved = sum(
                effect_of(item)
                for station in self.stations
                for day in station.days
                for item in [*day.items, *day.forgotten]
                if card_number(item.request) == pan and (item.rrn or item.uploaded)
            )
            assert self.host.shop.balance(PAN(pan)) == START_MINOR + moved

    # -- helpers -------------------------------------------------------------------------------------------------------
    def ready(self, at: int) -> Station | None:
        """The terminal, if it may ask for something new: nothing to reverse, no settlement under way, its number agreed."""
        station = self.stations[at % len(self.stations)]
        owes = any(owed.what == "reversal" for owed in station.journal.owed)
        busy = owes or station.journal.uploading or station.must_log_on or station.settling
        return None if busy else station

    def judge(self, station: Station, result: Result | None) -> None:
        """Nothing here is refused, unless its batch was closed behind the terminal's back."""
        assert result is not Result.DECLINED or not station.plain


def effect_of(item: Item) -> int:
    return -item.amount if block_of(item.request.get(3)) == 0 else item.amount


Batches.TestCase.settings = settings(
    max_examples=RUNS, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBatches = Batches.TestCase
