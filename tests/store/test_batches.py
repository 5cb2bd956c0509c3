"""The contract of every store, for batches: what uploads, settlements and business days need, and nothing else."""

from __future__ import annotations

import pytest

from specs import limits
from specs.transaction import MessageClass, Total
from switch.core.journal import ProgrammeText
from switch.core.merchants import NO_TOTALS, Batch, Closer, Count, Settlement
from switch.core.workset import Day, Workset
from switch.store.port import OpenBatch
from tests.store.make import MERCHANT_ID, NOW, TERMINAL_ID, batch, changes, desk, merchant, need, row, terminal
from tests.store.places import Place, Whole
from tests.store.test_groups import keep, load

REQUEST, ADVICE, UPLOAD = MessageClass.REQUEST, MessageClass.ADVICE, MessageClass.UPLOAD
SOMETHING = (Total(1, 100), *NO_TOTALS[1:])


@pytest.fixture
def store(place: Place) -> Whole:
    store = place.open()
    keep(store, merchant(), terminal())
    return store


def told(workset: Workset) -> list[int]:
    return [one.id for one in workset.told.get((10, "main", 7), [])]


def test_records_of_batches_come_back_as_they_were(store: Whole, place: Place) -> None:
    totals = (Total(3, 700), Total(-1, -50), Total(), Total(2, 10**12))
    full = batch(50, merchant=1, currency="949", totals=totals, carried=SOMETHING, claimed=(Total(9, 9),), first=50)
    one = row(
        7, batch=50, counts=(Count(50, 0, 1, 5),), late=True, claimed=(Total(),), original_class=ADVICE, matched=3
    )
    keep(store, full, one, desk(batch=50, awaiting=49, closed=48), batch(49), batch(48))
    workset = load(store, need(told=(ADVICE, 7), keyed=(REQUEST, 7)))
    assert workset.batches == {50: full, 49: batch(49), 48: batch(48)}, "the batches its desk names come along"
    assert workset.earlier[10, "main", REQUEST, 7] == one
    assert list(place.reader().rows()) == [one]
    assert list(place.reader().all_batches()) == [batch(48), batch(49), full]


def test_an_upload_finds_messages_and_uploads_of_its_stan_newest_first(store: Whole) -> None:
    keep(store, batch(50))
    keep(
        store,
        row(1, stan=7, batch=50),
        row(2, stan=7, message_class=UPLOAD),
        row(3, stan=7, message_class=ADVICE),
        row(4, stan=8),
        row(5, stan=7, application="loyalty"),
        row(6, stan=7, terminal=11),
        row(9, stan=7),
        row(10, stan=7, message_class=MessageClass.REVERSAL),
    )
    assert told(load(store, need(told=(REQUEST, 7)))) == [9, 2, 1]
    assert told(load(store, need(told=(ADVICE, 7)))) == [3, 2]
    assert load(store, need(told=(REQUEST, 7))).batches == {50: batch(50)}
    assert load(store, need()).told == {}


def test_only_so_many_of_each_class_are_searched(store: Whole) -> None:
    keep(store, *(row(number, stan=7) for number in range(1, 40)))
    keep(store, *(row(number, stan=7, message_class=UPLOAD) for number in range(41, 80)))
    most = limits.UPLOAD_CANDIDATES
    found = told(load(store, need(told=(REQUEST, 7))))
    assert found == [*range(79, 79 - most, -1), *range(39, 39 - most, -1)]


def test_a_settlement_comes_with_the_parts_of_the_open_batch(store: Whole, place: Place) -> None:
    parts = [batch(50, first=50, closed_at=NOW), batch(51, first=50, closed_at=NOW), batch(52, first=50)]
    keep(store, *parts, batch(40), batch(41, first=40), desk(batch=52))
    assert load(store, need(settles=True)).batches == {part.id: part for part in parts}
    assert load(store, need()).batches == {52: parts[2]}
    keep(store, desk(batch=40))
    assert load(store, need(settles=True)).batches == {40: batch(40)}
    assert [part.id for part in place.reader().parts()] == [41, 50, 51, 52]


def held(number: int, merchant: int = 1, closed: int | None = None, totals: tuple[Total, ...] = SOMETHING) -> Batch:
    by = Closer.TERMINAL if closed is not None else None
    since = NOW + number if totals != NO_TOTALS else 0
    return batch(number, merchant=merchant, closed_at=closed, closed_by=by, totals=totals, since=since)


def test_a_merchants_day_looks_at_batches_that_hold_something(store: Whole) -> None:
    def day() -> tuple[dict[str, Settlement], dict[str, Day]]:
        workset = load(store, need(terminal_id="", day=True))
        return workset.settled, workset.days

    keep(store, merchant(2, "M2"), held(48, totals=NO_TOTALS), held(49, 2), held(50), held(51))
    assert day() == ({}, {MERCHANT_ID: Day()}), "nothing has closed"
    keep(store, held(53, closed=NOW - 5), held(54, closed=NOW + 7), held(55, closed=NOW + 3))
    keep(store, held(56, closed=NOW + 9, totals=NO_TOTALS))
    assert day() == ({}, {MERCHANT_ID: Day(NOW + 50, NOW + 53, NOW + 55)})
    first = Settlement(90, 1, 1, "2026-03-10", 0, NOW + 3)
    second = Settlement(91, 1, 2, "2026-03-11", NOW + 3, NOW + 7)
    keep(store, first, Settlement(92, 2, 1, "2026-03-10", 0, NOW + 99))
    assert day() == ({MERCHANT_ID: first}, {MERCHANT_ID: Day(NOW + 50, NOW + 54, NOW + 55)})
    keep(store, second)
    assert day() == ({MERCHANT_ID: second}, {MERCHANT_ID: Day(NOW + 50, NOW + 54, NOW + 54)})
    assert load(store, need(merchant_id="M9", terminal_id="", day=True)).days == {}
    assert store.settlements(1) == [second, first]
    assert [one.id for one in store.settlements()] == [92, 91, 90]


def test_open_batches_come_in_pages_with_whose_they_are(store: Whole) -> None:
    whose = MERCHANT_ID, TERMINAL_ID
    keep(store, batch(50), batch(51, closed_at=NOW), batch(52), batch(53, first=51))
    assert store.open_batches(0, 2) == [OpenBatch(batch(n), *whose, NOW + n) for n in (50, 52)]
    assert store.open_batches(52, 2) == [OpenBatch(batch(53, first=51), *whose, NOW + 51)], "as old as its first part"
    assert store.open_batches(53, 2) == []


def test_unsettled_are_those_with_closed_batches(store: Whole) -> None:
    keep(store, merchant(2, "M2"), merchant(3, "M3"), held(50, closed=NOW), held(51, 2, closed=NOW), held(52, 2))
    one, two = Day(0, NOW + 50, NOW + 50), Day(NOW + 52, NOW + 51, NOW + 51)
    assert store.unsettled() == {MERCHANT_ID: one, "M2": two}
    keep(store, Settlement(90, 1, 1, "2026-03-10", 0, NOW + 1), held(53, closed=NOW + 1, totals=NO_TOTALS))
    assert store.unsettled() == {"M2": two}
    keep(store, held(54, closed=NOW + 1))
    assert store.unsettled() == {MERCHANT_ID: Day(0, NOW + 54, NOW + 54), "M2": two}


def test_programmes_since_begin_with_the_one_that_was_in_force_then(store: Whole) -> None:
    texts = [ProgrammeText(number, f"# {number}", NOW + number) for number in (1, 2, 3)]
    assert store.programmes(NOW) == []
    keep(store, *texts)
    found = [[text.version for text in store.programmes(NOW + since)] for since in (0, 1, 2, 3, 9)]
    assert found == [[1, 2, 3], [1, 2, 3], [2, 3], [3], [3]]
    assert store.programmes(NOW) == texts


def test_the_rows_of_a_settlement_are_the_merchants_and_what_others_moved_late(store: Whole) -> None:
    rows = [row(1), row(2, merchant=2), row(3, merchant=2, late=True), row(4, late=True), row(5)]
    keep(store, *rows)
    found = list(store.settled_rows(1, NOW + 1, NOW + 5))
    assert found == [rows[0], rows[2], rows[3]]
    assert list(store.settled_rows(3, NOW, NOW + 5)) == [rows[2], rows[3]]


def test_two_settlements_of_one_number_cannot_be(sql_place: Place) -> None:
    """The last guard where two daemons cut at once: the second is decided again."""
    store = sql_place.open()
    keep(store, merchant(), Settlement(90, 1, 1, "2026-03-10", 0, NOW))
    store.load([], NOW)
    with pytest.raises(Exception, match=r"UNIQUE|another daemon"):
        store.commit(changes(Settlement(91, 1, 1, "2026-03-10", 0, NOW)), None)
    store.rollback()
    assert len(store.settlements()) == 1
