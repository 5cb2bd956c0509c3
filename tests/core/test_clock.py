"""Local time, years for dates without one, references (`switch/core/clock.py`)."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.core.clock import SECOND, local_moment, local_time, retrieval_reference


def micros(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("now", "date", "time", "expected"),
    [
        ("2026-03-10 12:00:00", "0310", "115959", "2026-03-10 11:59:59"),
        ("2026-03-10 12:00:00", "0311", "120000", "2026-03-11 12:00:00"),  # a day ahead, no more
        ("2026-03-10 12:00:00", "0311", "120001", "2025-03-11 12:00:01"),
        ("2026-03-10 12:00:00", "0909", "000000", "2025-09-09 00:00:00"),
        ("2026-01-01 00:10:00", "1231", "235900", "2025-12-31 23:59:00"),  # the year has just turned
        ("2025-12-31 23:50:00", "0101", "000500", "2026-01-01 00:05:00"),  # a clock that runs ahead
        ("2026-03-10 12:00:00", "0229", "120000", "2024-02-29 12:00:00"),
        ("2024-02-28 13:00:00", "0229", "120000", "2024-02-29 12:00:00"),
        ("2103-06-01 12:00:00", "0229", "120000", "2096-02-29 12:00:00"),  # 2100 is no leap year
        ("2028-02-29 12:00:00", "0229", "115900", "2028-02-29 11:59:00"),
    ],
)  # fmt: skip
def test_the_year_of_a_date_is_the_nearest_not_more_than_a_day_ahead(
    now: str, date: str, time: str, expected: str
) -> None:
    moment = local_moment(date, time, dt.datetime.fromisoformat(now))
    assert moment == micros(expected) // SECOND


@given(st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2090, 1, 1)), st.integers(-363 * 86400, 86400))
def test_any_moment_of_the_last_year_is_found_again(now: dt.datetime, seconds: int) -> None:
    now = now.replace(microsecond=0)
    moment = now + dt.timedelta(seconds=seconds)
    found = local_moment(moment.strftime("%m%d"), moment.strftime("%H%M%S"), now)
    assert found == (moment - dt.datetime(1970, 1, 1)).total_seconds()


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", "12:00"), ("Europe/Istanbul", "15:00"), ("Asia/Kolkata", "17:30"), ("America/New_York", "08:00")],
)
def test_local_time_is_that_of_the_zone(zone: str, expected: str) -> None:
    assert local_time(micros("2026-03-10 12:00:00"), zone).strftime("%H:%M") == expected


@pytest.mark.parametrize(
    ("number", "now", "expected"),
    [
        (1, "2026-01-01 00:00:00", "600100000001"),
        (123456789, "2029-12-31 23:59:59", "936523456789"),
        (42, "2028-12-31 12:00:00", "836600000042"),
    ],
)
def test_a_reference_is_the_digit_of_the_year_the_day_and_eight_digits(number: int, now: str, expected: str) -> None:
    assert retrieval_reference(number, micros(now)) == expected
