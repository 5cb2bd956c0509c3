"""batch and settlement: listed, shown, closed, exported; and what is refused."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, Line, MessageClass, Reply, Request, Total
from switch.books import Books
from switch.core.day_commands import CutSettlement
from switch.core.needs import Case
from switch.store.open import open_store
from tests.cli.operator import Operator

BOOKS, TILL = "DEMOBOOKS000001", "BOOKS001"
PLACE = f"{BOOKS}/{TILL}"


class Day:
    """Messages of one terminal, decided without a daemon."""

    def __init__(self, operator: Operator) -> None:
        self.operator, self.stan = operator, 0
        self.pan = PAN(operator.card("classic"))

    def say(self, kind: Kind, message_class: MessageClass = MessageClass.REQUEST, **fields: Any) -> Reply:
        self.stan += 1
        said: dict[str, Any] = {"merchant_id": BOOKS, "terminal_id": TILL, "stan": self.stan, "nii": "010"} | fields
        request = Request(message_class, kind, Line("nac"), **said)
        case = Case(request, "main", self.operator.card_hash(self.pan.reveal()) if request.card else "")
        return self.decide(case)

    def decide(self, item: Any) -> Reply:
        with closing(open_store(self.operator.config.store)) as store:
            books = Books(store, self.operator.vault.seal_key)
            (reply,) = books.run_group([item], time.time_ns() // 1000)
        return reply

    def redeem(self, amount: int) -> None:
        assert self.say(Kind.GIFT_REDEEM, card=self.pan, amount=amount, batch=7).outcome is Outcome.APPROVED

    def settle(self, count: int, amount: int, kind: Kind = Kind.SETTLE) -> Outcome:
        return self.say(kind, MessageClass.SETTLEMENT, batch=7, totals=(Total(count, amount),)).outcome


@pytest.fixture
def day(office: Operator) -> Day:
    return Day(office)


def test_open_batches_are_listed_and_those_of_a_terminal(day: Day) -> None:
    assert day.operator.do("batch", "list").err == "no batch is open\n"
    day.redeem(2500)
    (one,) = day.operator.do("batch", "list", "--json").records
    assert (one["merchant_id"], one["terminal_id"], one["number"], one["state"]) == (BOOKS, TILL, 7, "open")
    assert (one["totals"], one["claimed"]) == ([[1, 2500], [0, 0], [0, 0], [0, 0]], None)
    assert "1 / 25.00 TRY" in day.operator.do("batch", "list").out
    assert day.settle(2, 5000) is Outcome.TOTALS
    (one,) = day.operator.do("batch", "list", "--json").records
    assert (one["state"], one["claimed"]) == ("awaits upload", [[2, 5000]])
    assert day.settle(1, 2500) is Outcome.APPROVED
    assert day.operator.do("batch", "list", "--json").records == []
    (one,) = day.operator.do("batch", "list", "--terminal", PLACE, "--json").records
    assert (one["state"], one["reason"]) == ("closed", "settled")


def test_a_batch_is_shown_with_what_is_in_it(day: Day) -> None:
    day.redeem(2500)
    day.settle(1, 2500)
    record = day.operator.record("batch", "show", PLACE, 7)
    assert [(one["kind"], one["amount"]) for one in record["transactions"]] == [("gift_redeem", 2500), ("settle", 0)]
    out = day.operator.do("batch", "show", PLACE, 7).out
    assert [line.split()[2] for line in out.splitlines() if "gift_redeem" in line or " settle " in line] == [
        "gift_redeem",
        "settle",
    ]
    assert "0.00" not in out, "what moves nothing has no amount"
    told = day.operator.tell("batch", "show", PLACE, 8)
    assert (told.code, told.err) == (1, f"tillswitch: {PLACE} has no batch 000008 of main\n")


def test_what_is_open_is_settled_by_hand_and_the_batch_goes_on(day: Day) -> None:
    told = day.operator.tell("batch", "close", PLACE)
    assert (told.code, told.err) == (1, f"tillswitch: {PLACE} has no open batch of main\n")
    day.redeem(2500)
    assert day.operator.do("batch", "close", PLACE).out == f"{PLACE}: what was in batch 000007 is settled\n"
    told = day.operator.tell("batch", "close", PLACE)
    assert (told.code, told.err) == (1, "tillswitch: there is nothing in it to settle\n")
    day.redeem(100)
    parts = day.operator.record("batch", "show", PLACE, 7)["parts"]
    (listed,) = day.operator.do("batch", "list", "--json").records
    assert listed["opened"] == parts[1]["opened"], "the batch is as old as its first part"
    assert [(part["state"], part["totals"][0]) for part in parts] == [
        ("open", [2, 2600]),
        ("closed by host", [1, 2500]),
    ]
    assert day.operator.record("batch", "show", PLACE, 7)["opened"] == parts[1]["opened"]
    out = day.operator.do("batch", "show", PLACE, 7).out
    assert [line.split()[-7:-4] for line in out.splitlines() if "/" in line and line.startswith("20")] == [
        ["2", "/", "26.00"],
        ["1", "/", "25.00"],
    ], "a line for each part: the batch up to its end"
    assert day.settle(2, 2600) is Outcome.APPROVED
    day.operator.do("audit")


def test_settlements_are_listed_shown_and_exported(day: Day, tmp_path: Path) -> None:
    assert day.operator.do("settlement", "list").err == "no settlements yet\n"
    day.redeem(2500)
    day.settle(1, 2400)
    day.settle(1, 2400, Kind.SETTLE_UPLOADED)
    assert day.decide(CutSettlement(BOOKS)).outcome is Outcome.APPROVED
    (one,) = day.operator.do("settlement", "list", "--merchant", BOOKS, "--json").records
    assert (one["merchant_id"], one["number"]) == (BOOKS, 1)
    out = day.operator.do("settlement", "show", BOOKS).out
    assert "gift_redeem" in out
    assert "missing_at_terminal" in out
    assert f"\n\n{BOOKS} owes 70.000 KWD\n{BOOKS} owes " in out, "the demo's cards"
    assert ["BOOKS001", "main", "000007", "TRY"] in [line.split()[:4] for line in out.splitlines()], "its batches"
    record = day.operator.record("settlement", "show", BOOKS, 1)
    assert ("gift_redeem", "request", 1, "25.00", "25.00") in [
        (line["kind"], line["message"], line["count"], line["amount"], line["owed"]) for line in record["line"]
    ]
    for name in ("csv", "xlsx", "xml"):
        files = [tmp_path / f"{place}.{name}" for place in (1, 2)]
        for file in files:
            day.operator.do("settlement", "export", BOOKS, 1, "--format", name, "--output", file)
        assert files[0].read_bytes() == files[1].read_bytes()
        assert files[0].stat().st_size > 100
    out = day.operator.do("settlement", "export", BOOKS, "--output", "-").out
    assert out.splitlines() == (tmp_path / "1.csv").read_text().splitlines()
    told = day.operator.tell("settlement", "export", BOOKS, "--output", tmp_path / "no" / "1.csv")
    assert (told.code, told.err) == (2, f"tillswitch: {tmp_path / 'no' / '1.csv'}: No such file or directory\n")
    told = day.operator.tell("settlement", "export", BOOKS, 2, "--output", tmp_path / "none.csv")
    assert (told.code, told.err) == (1, f"tillswitch: {BOOKS} has no settlement 2 yet\n")
    assert not (tmp_path / "none.csv").exists()
