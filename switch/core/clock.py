"""Local time of a store, and years for dates that come without one. Time itself is always passed in."""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo

SECOND = 1_000_000  # `now` and all times of records are microseconds since 1970, UTC
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = dt.datetime(1970, 1, 1)


@functools.lru_cache(maxsize=256)
def _zone(name: str) -> dt.tzinfo:
    return zoneinfo.ZoneInfo(name)


def local_time(now: int, time_zone: str) -> dt.datetime:
    """The wall clock of `time_zone` at `now`, without its offset, in whole seconds."""
    return _wall_clock(now // SECOND, time_zone)


@functools.lru_cache(maxsize=256)  # all messages of a second tell the same time
def _wall_clock(second: int, time_zone: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, _zone(time_zone)).replace(tzinfo=None)


@functools.lru_cache(maxsize=256)
def told_time(local: dt.datetime) -> tuple[str, str, str]:
    """Date (MMDD), time (hhmmss) and year (YY) of an answer."""
    date, time, year = local.strftime("%m%d %H%M%S %y").split()
    return date, time, year


def local_moment(date: str, time: str, local_now: dt.datetime) -> int:
    """Local seconds since 1970 of a date without a year (MMDD, hhmmss).

    The year is the one that puts the date nearest to now, not more than a day ahead (WIRE.md section 2).
    """
    tomorrow = local_now + dt.timedelta(days=1)
    for year in range(local_now.year + 1, local_now.year - 9, -1):  # a leap day can be eight years back
        try:
            moment = dt.datetime(year, int(date[:2]), int(date[2:]), int(time[:2]), int(time[2:4]), int(time[4:]))
        except ValueError:  # 29 February of another year
            continue
        if moment <= tomorrow:  # the first that fits is the nearest: the years before it are further away
            return round((moment - _EPOCH).total_seconds())
    raise ValueError("no such date in ten years")


def retrieval_reference(number: int, now: int) -> str:
    """RRN: last digit of the year, day of the year, eight digits of the row's number (UTC)."""
    return f"{_day_of_year(now // DAY)}{number % 100_000_000:08d}"


@functools.lru_cache(maxsize=256)
def _day_of_year(days: int) -> str:
    day = _EPOCH + dt.timedelta(days)
    return f"{day.year % 10}{day.timetuple().tm_yday:03d}"
