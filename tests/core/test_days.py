"""Business days (`switch/core/days.py`): by the merchant's own clock, also where it is put forward and back."""

from __future__ import annotations

import datetime as dt

import pytest

from specs import limits
from specs.transaction import Total
from switch.core.clock import MINUTE, SECOND
from switch.core.days import business_day, day_ends_around, is_over, is_settle_time
from switch.core.merchants import NO_TOTALS, Batch, Merchant

SOMETHING = (Total(1, 100), *NO_TOTALS[1:])


def utc(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * SECOND


def merchant(day_ends: str, time_zone: str = "UTC") -> Merchant:
    return Merchant(1, "A", "Anchor", ("north",), time_zone, day_ends)


def batch(opened: str, terminal: int = 1, totals: tuple[Total, ...] = SOMETHING) -> Batch:
    """`opened` by its first transaction."""
    moment = utc(opened)
    return Batch(5, terminal, "main", 1, True, moment, totals=totals, since=moment if totals != NO_TOTALS else 0)


ENDS = [
    # now                    zone               ends    before                 after
    ("2026-03-10T12:00:00", "UTC",             "2330", "2026-03-09T23:30:00", "2026-03-10T23:30:00"),
    ("2026-03-10T23:29:59", "UTC",             "2330", "2026-03-09T23:30:00", "2026-03-10T23:30:00"),
    ("2026-03-10T23:30:00", "UTC",             "2330", "2026-03-10T23:30:00", "2026-03-11T23:30:00"),
    ("2026-03-10T12:00:00", "Europe/Istanbul", "0400", "2026-03-10T01:00:00", "2026-03-11T01:00:00"),
    ("2026-03-10T23:00:00", "Pacific/Auckland", "0400", "2026-03-10T15:00:00", "2026-03-11T15:00:00"),
    ("2026-03-10T02:00:00", "America/Los_Angeles", "2300", "2026-03-09T06:00:00", "2026-03-10T06:00:00"),
    # Berlin goes from 02:00 to 03:00 on 29 March 2026: half past two would have been at 01:30 UTC
    ("2026-03-29T00:30:00", "Europe/Berlin",   "0230", "2026-03-28T01:30:00", "2026-03-29T01:30:00"),
    ("2026-03-29T12:00:00", "Europe/Berlin",   "0230", "2026-03-29T01:30:00", "2026-03-30T00:30:00"),
    ("2026-03-29T12:00:00", "Europe/Berlin",   "0400", "2026-03-29T02:00:00", "2026-03-30T02:00:00"),
    # and back from 03:00 to 02:00 on 25 October: half past two comes twice, the first counts
    ("2026-10-25T00:45:00", "Europe/Berlin",   "0230", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ("2026-10-25T01:45:00", "Europe/Berlin",   "0230", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
]  # fmt: skip


@pytest.mark.parametrize(("now", "zone", "ends", "before", "after"), ENDS)
def test_a_day_ends_by_the_merchants_own_clock(now: str, zone: str, ends: str, before: str, after: str) -> None:
    assert day_ends_around(merchant(ends, zone), utc(now)) == (utc(before), utc(after))


DAYS = [
    ("2026-03-10T12:00:00", "UTC",             "",     "2026-03-10"),
    ("2026-03-10T22:00:00", "Europe/Istanbul", "",     "2026-03-11"),
    ("2026-03-10T12:00:00", "UTC",             "2330", "2026-03-10"),
    ("2026-03-10T23:45:00", "UTC",             "2330", "2026-03-11"),
    ("2026-03-11T03:59:00", "UTC",             "0400", "2026-03-10"),
    ("2026-03-11T04:00:00", "UTC",             "0400", "2026-03-11"),
    ("2026-03-10T22:00:00", "Europe/Istanbul", "0400", "2026-03-10"),
]  # fmt: skip


@pytest.mark.parametrize(("moment", "zone", "ends", "day"), DAYS)
def test_the_small_hours_belong_to_the_day_before_where_it_ends_in_the_morning(
    moment: str, zone: str, ends: str, day: str
) -> None:
    assert business_day(merchant(ends, zone), utc(moment)).isoformat() == day


OVER = [
    # ends   opened                 now                    totals     over
    ("0400", "2026-03-10T10:00:00", "2026-03-11T03:59:59", SOMETHING, False),
    ("0400", "2026-03-10T10:00:00", "2026-03-11T04:00:00", SOMETHING, True),
    ("0400", "2026-03-01T10:00:00", "2026-03-11T12:00:00", SOMETHING, True),
    ("0400", "2026-03-11T04:00:00", "2026-03-11T04:00:01", SOMETHING, False),
    ("0400", "2026-03-10T10:00:00", "2026-03-11T04:00:00", NO_TOTALS, False),
    ("",     "2026-03-01T10:00:00", "2026-03-11T12:00:00", SOMETHING, False),
]  # fmt: skip


@pytest.mark.parametrize(("ends", "opened", "now", "totals", "over"), OVER)
def test_what_was_opened_before_the_end_of_a_day_is_over(
    ends: str, opened: str, now: str, totals: tuple[Total, ...], over: bool
) -> None:
    assert is_over(merchant(ends), batch(opened, totals=totals), utc(now)) is over


def test_terminals_are_told_to_settle_one_after_another_in_the_hour_before_the_end() -> None:
    site, end = merchant("0400"), utc("2026-03-11T04:00:00")
    moments = set()
    for terminal in range(1, 201):
        one = batch("2026-03-10T10:00:00", terminal)
        asked = [at for at in range(end - 90 * MINUTE, end + MINUTE, MINUTE) if is_settle_time(site, one, at)]
        assert asked[-1] == end, "until the host has done it"
        assert asked == list(range(asked[0], end + MINUTE, MINUTE)), "once begun it goes on"
        assert end - limits.SETTLE_MINUTES * MINUTE <= asked[0] <= end - limits.SETTLE_MINUTES // 4 * MINUTE
        moments.add(asked[0])
    assert len(moments) == 45, "every minute somebody else"


def test_a_terminal_that_has_settled_is_left_in_peace() -> None:
    site, now = merchant("0400"), utc("2026-03-11T03:59:00")
    assert is_settle_time(site, batch("2026-03-10T10:00:00"), now)
    assert not is_settle_time(site, batch("2026-03-11T03:58:00"), now), "its new batch is of the next day"
    assert not is_settle_time(site, batch("2026-03-10T10:00:00", totals=NO_TOTALS), now)
    assert not is_settle_time(merchant(""), batch("2026-03-10T10:00:00"), now)
