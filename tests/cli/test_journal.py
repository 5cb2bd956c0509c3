"""The journal: what terminals and operators did, found again by reference, card, terminal and time."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specs.sensitive import PAN
from tests.cli.operator import Operator, new_operator

pytestmark = pytest.mark.slow  # a daemon and its terminals

BOOKS = "DEMOBOOKS000001"
TILL = ("--terminal", "BOOKS001")


class Day:
    """Books of a short day, the numbers of its card, and how the journal tells it, oldest first."""

    def __init__(self, operator: Operator, pan: str) -> None:
        self.operator, self.pan = operator, pan

    def rows(self, *arguments: object) -> list[dict[str, Any]]:
        return self.operator.do("journal", *arguments, "--json").records[::-1]


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Its daemon runs: a sale, a refused one, a void, a sale whose answer was lost, and a block."""
    operator = new_operator(tmp_path_factory.mktemp("day") / "data")
    with operator.running():
        card = ("--card", operator.card("classic"))
        assert operator.sell("gift", "redeem", *TILL, *card, "--amount", "25").code == 0
        assert operator.sell("gift", "redeem", *TILL, *card, "--amount", "9999").code == 1
        assert operator.sell("void", *TILL).code == 0
        assert operator.sell("gift", "redeem", *TILL, *card, "--amount", "30").code == 0
        assert operator.sell("reversal", *TILL).code == 0
        assert operator.sell("gift", "redeem", "--terminal", "MARKT001", *card, "--amount", "10").code == 0
        operator.do("card", "block", operator.card("classic"), "--reason", "lost")
        yield operator


@pytest.fixture(params=["running", "stopped"])
def day(works: Operator, request: pytest.FixtureRequest, tmp_path: Path) -> Day:
    if request.param == "running":
        return Day(works, works.card("classic"))
    shutil.copytree(works.folder, tmp_path / "data", ignore=shutil.ignore_patterns("control.sock", "books.db*"))
    works.do("backup", tmp_path / "data" / "books.db")
    return Day(Operator(tmp_path / "data"), works.card("classic"))


def test_a_card_has_its_history(day: Day) -> None:
    rows = day.rows("--card", day.pan)
    told = [(row["kind"], row["message"], row["terminal_id"], row["amount"], row["outcome"]) for row in rows]
    assert told == [
        ("operator", "other", None, 0, "approved"),
        ("gift_activate", "other", None, 20000, "approved"),
        ("gift_redeem", "request", "BOOKS001", 2500, "approved"),
        ("gift_redeem", "request", "BOOKS001", 0, "not_enough"),
        ("gift_void_spend", "request", "BOOKS001", 2500, "approved"),
        ("gift_redeem", "request", "BOOKS001", 3000, "approved"),
        ("gift_redeem", "reversal", "BOOKS001", 3000, "approved"),
        ("gift_redeem", "request", "MARKT001", 1000, "approved"),
        ("operator", "other", None, 0, "approved"),
    ]
    assert {row["card"] for row in rows} == {PAN(day.pan).masked}
    assert day.rows("--card", day.pan, "--limit", 2) == rows[-2:]


def test_what_undoes_and_what_is_undone_name_each_other(day: Day) -> None:
    _, _, sale, refused, void, lost, reversal, elsewhere, _ = day.rows("--card", day.pan)
    assert (void["original"], void["undoes_it"]) == (sale["rrn"], True)
    assert (reversal["original"], reversal["undoes_it"]) == (lost["rrn"], True)
    assert (sale["undone_by"], lost["undone_by"]) == (void["rrn"], reversal["rrn"])
    for row in (refused, void, reversal, elsewhere):
        assert row["undone_by"] is None


def test_a_terminal_has_its_history(day: Day) -> None:
    rows = day.rows("--terminal", f"{BOOKS}/BOOKS001")
    assert [row["amount"] for row in rows] == [2500, 0, 2500, 3000, 3000]
    assert {(row["merchant_id"], row["terminal_id"], row["store"]) for row in rows} == {(BOOKS, "BOOKS001", "ist-01")}
    assert day.rows("--terminal", "DEMOMARKET00002/MARKT001", "--card", day.pan)[0]["amount"] == 1000
    assert day.rows("--terminal", "DEMOMARKET00002/MARKT002") == []


def test_a_time_finds_what_was_decided_from_it_on(day: Day) -> None:
    rows = day.rows("--card", day.pan, "--utc")
    began = dt.datetime.fromisoformat(rows[0]["time"])
    assert began.utcoffset() == dt.timedelta()
    after = began + dt.timedelta(days=1)
    card = ("--card", day.pan, "--utc")
    assert day.rows(*card, "--since", began.isoformat()) == rows
    assert day.rows(*card, "--until", began.isoformat()) == []
    assert day.rows(*card, "--since", began.strftime("%Y-%m-%d %H:%M:%S"), "--until", after.isoformat()) == rows
    elsewhere = began.astimezone(dt.timezone(dt.timedelta(hours=9)))
    assert day.rows(*card, "--until", elsewhere.isoformat()) == []
    assert day.rows(*card, "--since", after.date().isoformat()) == []


def test_people_get_a_line_for_each(day: Day) -> None:
    told = day.operator.do("journal", "--terminal", f"{BOOKS}/BOOKS001", "--utc")
    head, newest, *_, oldest = told.out.splitlines()
    assert re.split(r"  +", head) == [
        "time", "kind", "terminal", "STAN", "receipt", "RRN", "card", "asked", "amount", "outcome", "reason",
        "original", "undone by",
    ]  # fmt: skip
    lost, reversal = day.rows("--terminal", f"{BOOKS}/BOOKS001", "--utc")[-2:]
    cells = re.split(r"  +", newest)
    assert cells[:3] == [reversal["time"], "gift_redeem reversal", f"{BOOKS}/BOOKS001"]
    assert cells[6:10] == [PAN(day.pan).masked, "30.00 TRY", "30.00 TRY", "approved"]
    assert cells[-2:] == [f"undoes {lost['rrn']}", "-"]
    assert "gift_redeem" in oldest
    assert "25.00 TRY  25.00 TRY" in oldest


def test_one_transaction_is_shown_with_what_it_moved(day: Day) -> None:
    sale = day.rows("--card", day.pan)[2]
    record = day.operator.record("journal", "show", sale["rrn"])
    masked = PAN(day.pan).masked
    assert record == sale | {
        "entries": [
            {"account": f"clearing {BOOKS}", "currency": "949", "amount": 2500, "balance_after": None},
            {"account": f"card {masked}", "currency": "949", "amount": -2500, "balance_after": 17500},
        ]
    }
    above, below = day.operator.do("journal", "show", sale["rrn"]).out.split("\n\n")
    assert re.search(r"^amount +25.00 TRY$", above, re.MULTILINE)
    assert [re.split(r"  +", line) for line in below.splitlines()] == [
        ["account", "amount", "balance_after"],
        [f"clearing {BOOKS}", "25.00 TRY", "-"],
        [f"card {masked}", "-25.00 TRY", "175.00 TRY"],
    ]


def test_a_reference_finds_its_transaction(day: Day) -> None:
    sale = day.rows("--card", day.pan)[2]
    assert day.rows("--rrn", sale["rrn"]) == [sale]
    told = day.operator.tell("journal", "show", "999999999999")
    assert (told.code, told.err) == (1, "tillswitch: no transaction has the RRN 999999999999\n")
    told = day.operator.do("journal", "--rrn", "999999999999")
    assert (told.out, told.err) == ("", "nothing in the journal fits\n")


# fmt: off
WRONG = [
    ("--terminal BOOKS001", 2,
     "Invalid value for '--terminal': 'BOOKS001' must be MERCHANT/TERMINAL (see tillswitch journal list --help)"),
    ("--terminal M/T", 1, "M has no terminal T"),
    ("--since yesterday", 2,
     "Invalid value for '--since': 'yesterday' is no time; allowed: ISO 8601 such as 2026-01-31 or "
     "2026-01-31T18:30:00+03:00 (see tillswitch journal list --help)"),
    ("--card 12345", 2,
     "Invalid value for '--card': a card number has 6 to 19 digits, or is - to be read from standard input "
     "(see tillswitch journal list --help)"),
    ("show", 2, "Missing argument 'RRN'. (see tillswitch journal show --help)"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG)
def test_what_is_wrong_is_said_in_one_line(works: Operator, arguments: str, code: int, message: str) -> None:
    told = works.tell("journal", *arguments.split())
    assert (told.code, told.out, told.err) == (code, "", f"tillswitch: {message}\n")
