"""Business days of merchants: when they end, and when a terminal is told to settle before the host does it.

A day ends at the same time by the merchant's own clock. Where that time comes twice (clocks go back) the first counts;
where it does not come at all (clocks go forward), the moment that would have been it. Time is always passed in.
"""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from itertools import pairwise

from specs import limits
from switch.core.clock import MINUTE, SECOND, local_time
from switch.core.merchants import Batch, Merchant
from switch.core.workset import Day

_NOON = "1200"


def day_ends_around(merchant: Merchant, now: int) -> tuple[int, int]:
    """The last end of a day that is not after `now`, and the one after it."""
    today = local_time(now, merchant.time_zone).date()
    ends = [_moment(today + dt.timedelta(days=days), merchant.day_ends, merchant.time_zone) for days in range(-2, 3)]
    return next((before, after) for before, after in pairwise(ends) if before <= now < after)


def business_day(merchant: Merchant, moment: int) -> dt.date:
    """The date of the day `moment` belongs to. A day that ends in the morning has the date of the day before."""
    if not merchant.day_ends:
        return local_time(moment, merchant.time_zone).date()
    _, end = day_ends_around(merchant, moment)
    date = local_time(end, merchant.time_zone).date()
    return date - dt.timedelta(days=1) if merchant.day_ends <= _NOON else date


def is_over(merchant: Merchant, batch: Batch, now: int) -> bool:
    """Whether an open batch holds something of a day that has ended, so that the host settles what is there."""
    return bool(merchant.day_ends) and 0 < batch.since < day_ends_around(merchant, now)[0]


def settled_day(merchant: Merchant, day: Day) -> dt.date | None:
    """The newest business day all of whose batches are closed, if there is something to settle.

    What is open holds up its own day and those after it, and no day before it.
    """
    days = [business_day(merchant, moment) for moment in (day.last_closed, day.first_closed) if moment]
    held_up = business_day(merchant, day.first_open) if day.first_open else dt.date.max
    return next((date for date in days if date < held_up), None)


def is_settle_time(merchant: Merchant, batch: Batch, now: int) -> bool:
    """Whether the batch's terminal is to be told to settle: some time before the end of its day.

    Each terminal has its own moment in the hour before the end, so that a whole chain does not settle at once; the last
    quarter is left to those that were busy.
    """
    if not merchant.day_ends or not (batch.since or batch.first):
        return False
    before, after = day_ends_around(merchant, now)
    window = limits.SETTLE_MINUTES * MINUTE
    spread = (batch.terminal * _KNUTH % 2**32) * (window * 3 // 4) // 2**32
    moment = after - window + spread
    since = batch.since or batch.opened_at
    return since < before or (now >= moment > since)


_KNUTH = 2_654_435_761  # spreads ids that follow one another (multiplicative hashing, TAOCP volume 3, section 6.4)


@functools.lru_cache(maxsize=4096)  # the same few days of a few thousand merchants
def _moment(date: dt.date, time: str, time_zone: str) -> int:
    local = dt.datetime.combine(date, dt.time(int(time[:2]), int(time[2:])), zoneinfo.ZoneInfo(time_zone))
    return int(local.timestamp()) * SECOND
