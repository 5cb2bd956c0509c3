"""What people type: times with and without an offset, amounts with and without a point; and how it is shown."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

import click
import pytest

from switch.cli.arguments import instant, minor_units
from switch.cli.output import moment, show_record, show_table

NEW_YEAR = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


@pytest.fixture
def istanbul(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A shell three hours ahead."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "<+03>-3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("istanbul")
@pytest.mark.parametrize(
    ("text", "utc", "hours"),
    [
        ("2026-01-01T00:00:00Z", False, 0),
        ("2026-01-01T00:00:00+00:00", False, 0),
        ("2026-01-01 03:00", False, 0),
        ("2026-01-01", False, -3),
        ("2026-01-01", True, 0),
        ("2026-01-01T05:00:00+02:00", True, 3),
    ],
)
def test_a_time_without_an_offset_is_the_shells(text: str, utc: bool, hours: int) -> None:
    assert instant(dt.datetime.fromisoformat(text), utc) == NEW_YEAR + hours * 3_600_000_000


@pytest.mark.usefixtures("istanbul")
def test_times_are_shown_in_the_shells_zone_or_in_utc() -> None:
    assert moment(NEW_YEAR + 999_999) == "2026-01-01 03:00:00+03:00"
    assert moment(NEW_YEAR, utc=True) == "2026-01-01 00:00:00+00:00"
    assert moment(None) is None


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("100", "949", 10_000),
        ("99.9", "949", 9_990),
        ("0.05", "949", 5),
        ("1.234", "414", 1_234),
        ("500", "392", 500),
        ("9999999999.99", "949", 999_999_999_999),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, currency: str, amount: int) -> None:
    assert minor_units(text, currency, "--amount") == amount


@pytest.mark.parametrize(
    ("text", "currency", "allowed"),
    [
        ("1.234", "949", "TRY: digits, at most 2 behind the point"),
        ("1.5", "392", "JPY: digits without a point"),
        ("99999999999", "949", "TRY: digits, at most 2 behind the point"),
        ("-1", "949", "TRY: digits, at most 2 behind the point"),
        ("1,000", "949", "TRY: digits, at most 2 behind the point"),
        ("", "949", "TRY: digits, at most 2 behind the point"),
        ("٣", "949", "TRY: digits, at most 2 behind the point"),
    ],
)
def test_other_amounts_are_refused(text: str, currency: str, allowed: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        minor_units(text, currency, "--amount")
    assert refused.value.message == f"{text!r} must be an amount in {allowed}"


def test_a_row_of_a_table_is_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    show_table([{"name": "x" * 300, "count": 7, "on": True}, {"name": "[b]", "count": 12, "on": None}])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "count", "on"]
    assert first == "x" * 300 + "      7  yes"
    assert second == "[b]" + " " * 297 + "     12  -"


def test_what_came_from_outside_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = {"status": ["sw=\x1b[2J", "sn=a\nb"], "store": "店\x07"}
    show_table([nasty, {"status": None, "store": "x"}])
    show_record(nasty)
    assert capsys.readouterr().out.splitlines() == [
        "status           store",
        "sw=\ufffd[2J, sn=a\ufffdb  店\ufffd",
        "-                x",
        "status  sw=\ufffd[2J, sn=a\ufffdb",
        "store   店\ufffd",
    ]
