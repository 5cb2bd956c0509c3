"""What a settlement says (`switch/core/settlement.py`, `switch/statements.py`), and the same as files."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, MessageClass
from switch.core.day_commands import CutSettlement, SettlePart
from switch.core.holdings import AccountKind, describe_account
from switch.exports import FORMATS, sections
from switch.statements import Statement, statement
from tests.core.till import EURO, LIRA, Shop, Till, clock

ZERO = (0, 0)


def cut(shop: Shop, merchant_id: str = "A") -> Statement:
    (reply,) = shop.ask(CutSettlement(merchant_id))
    assert reply.outcome is Outcome.APPROVED, reply.display
    return newest(shop, merchant_id)


def newest(shop: Shop, merchant_id: str = "A") -> Statement:
    merchant = next(one for one in shop.store.merchants() if one.merchant_id == merchant_id)
    return statement(shop.store, merchant, shop.store.settlements(merchant.id)[0])


def told(found: Statement) -> list[tuple[Any, ...]]:
    return [
        (line.product, line.currency, line.kind, line.message, line.count, line.amount, line.owed, line.uncovered)
        for line in found.lines
    ]


def odd(found: Statement) -> list[tuple[str, int, int]]:
    return [(one.what, one.batch, one.booked) for one in found.irregularities]


def close(till: Till, kind: Kind = Kind.SETTLE, *blocks: tuple[int, int]) -> None:
    open_ = till.batches()[-1]
    claimed = blocks or tuple((total.count, total.amount) for total in open_.booked)
    assert till.settle(open_.number, *claimed, kind=kind).outcome is Outcome.APPROVED


def owed_in_all(shop: Shop, *statements: Statement) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in statements:
        for line in one.lines:
            sums[line.currency] = sums.get(line.currency, 0) + line.owed
    return sums


def clearing(shop: Shop, merchant_id: str = "A") -> dict[str, int]:
    number = next(one.id for one in shop.store.merchants() if one.merchant_id == merchant_id)
    found = {}
    for account in shop.store.accounts():
        if account.id < 0:
            kind, owner, currency = describe_account(account.id)
            if (kind, owner) == (AccountKind.CLEARING, number):
                found[currency] = account.balance
    return found


def scene(**profile: Any) -> tuple[Shop, Till, PAN]:
    shop = Shop()
    return shop, shop.till(**profile), shop.card(balance=100_000)


def test_lines_say_what_was_done_and_what_is_owed() -> None:
    shop, till, card = scene(currencies=(EURO,))
    new, secret = shop.card(), shop.card("secret", 5000)
    till.activate(new, 5000)
    till.redeem(card, 700)
    done = till.redeem(card, 300)
    till.void_spend(card, 300, rrn=done.rrn)
    till.redeem(secret, 40, pin="1234")
    till.redeem(card, 100, currency=EURO)
    till.redeem(card, 10_000_000)  # refused
    close(till)
    found = cut(shop)
    assert told(found) == [
        ("open",   LIRA, "gift_activate",   "request", 1, 5000, -5000, 0),
        ("open",   LIRA, "gift_redeem",     "request", 2, 1000,  1000, 0),
        ("open",   LIRA, "gift_void_spend", "request", 1,  300,  -300, 0),
        ("open",   EURO, "gift_redeem",     "request", 1,  100,   100, 0),
        ("secret", LIRA, "gift_redeem",     "request", 1,   40,    40, 0),
    ]  # fmt: skip
    assert odd(found) == []
    assert owed_in_all(shop, found) == clearing(shop)
    assert [batch.number for batch in found.closed] == [1]


def test_all_settlements_together_are_what_the_books_owe_the_merchant() -> None:
    """Also what another merchant's reversal moved, and what came after a close."""
    shop, till, card = scene()
    east = shop.till("E1", "B")
    done = till.redeem(card, 500)
    sale = till.sent
    east.refund(card, 200, rrn=done.rrn)
    close(till)
    close(east)
    first = cut(shop), cut(shop, "B")
    till.reverse(sale, rrn=done.rrn)  # the refund at the other merchant falls with it
    till.redeem(card, 30)
    east.redeem(card, 40)
    close(till)
    close(east)
    second = cut(shop), cut(shop, "B")
    assert owed_in_all(shop, first[0], second[0]) == clearing(shop, "A")
    assert owed_in_all(shop, first[1], second[1])[LIRA] == clearing(shop, "B")[LIRA]
    assert odd(second[0]) == [("after_close", 2, 500)]


def test_irregularities_are_named() -> None:
    shop, till, card = scene()
    poor = shop.card(balance=10)
    till.redeem(card, 1, batch=3)
    till.redeem(card, 2, batch=4)  # leaves 3 behind
    close(till, Kind.CLEAR_BATCH)
    till.redeem(poor, 50, batch=5, message_class=MessageClass.ADVICE, **clock(shop.now))
    known = till.redeem(card, 7)
    done = till.sent
    missing = till.redeem(card, 9)
    undone = till.redeem(card, 11)
    till.void_spend(card, 11, rrn=undone.rrn)
    till.settle(5, (9, 999))
    till.upload(done)
    till.upload(till.write(Kind.GIFT_REDEEM, card, 20))
    till.upload(till.write(Kind.GIFT_RELOAD, card, 21))
    till.upload(done, original_class=MessageClass.ADVICE, original_stan=done.stan - 1, card=poor, amount=49)
    close(till, Kind.SETTLE_UPLOADED, (9, 999))
    found = cut(shop)
    assert odd(found) == [
        ("uncovered", 5, 50),
        ("without_authorisation", 5, 20),
        ("upload_not_booked", 5, 0),
        ("upload_differs", 5, 50),
        ("left_behind", 3, 0),
        ("cleared_by_terminal", 4, 0),
        ("closed_with_other_totals", 5, 0),
        ("missing_at_terminal", 5, 9),
    ]
    named = {one.rrn: one.what for one in found.irregularities}
    assert named[str(missing.rrn)] == "missing_at_terminal"
    assert known.rrn not in named


def test_how_another_merchants_batch_ended_is_not_told() -> None:
    """Its reversal moved something of this merchant's, so its row is read."""
    shop, till, card = scene()
    east = shop.till("E1", "B")
    done = till.redeem(card, 500)
    sale = till.sent
    east.refund(card, 200, rrn=done.rrn)
    close(till)
    close(east)
    cut(shop, "B")
    till.reverse(sale, rrn=done.rrn)
    till.redeem(card, 1)
    close(till, Kind.CLEAR_BATCH)
    east.redeem(card, 1)
    close(east)
    found = cut(shop, "B")
    assert [(line.count, line.owed) for line in found.lines] == [(1, 1), (0, 200)]
    assert odd(found) == []
    assert ("cleared_by_terminal", 2, 0) in odd(cut(shop))


def test_an_empty_batch_left_behind_or_cleared_is_nothing_to_look_at() -> None:
    shop, till, card = scene()
    till.log_on(batch=3)
    till.log_on(batch=4)
    close(till, Kind.CLEAR_BATCH, ZERO)
    till.settle(5, (1, 1))  # claimed, so somebody should know
    till.redeem(card, 1, batch=6)
    close(till)
    assert odd(cut(shop)) == [("cleared_by_terminal", 4, 0), ("left_behind", 5, 0)]


def test_what_is_missing_is_looked_for_in_all_parts() -> None:
    shop, till, card = scene()
    till.redeem(card, 7, batch=5)
    shop.command(SettlePart("A", "T1", "main", till.batches()[-1].id))
    first = cut(shop)
    assert odd(first) == [("end_of_day", 5, 0)]
    till.redeem(card, 9)
    done = till.sent
    till.settle(5, (1, 9))
    till.upload(done)
    close(till, Kind.SETTLE_UPLOADED, (1, 9))
    assert odd(cut(shop)) == [("closed_with_other_totals", 5, 0), ("missing_at_terminal", 5, 7)]


def test_what_is_undone_later_changes_no_statement() -> None:
    shop, till, card = scene()
    missing = till.redeem(card, 9, batch=5)
    sale = till.sent
    till.settle(5, ZERO)
    close(till, Kind.SETTLE_UPLOADED, ZERO)
    before = cut(shop)
    shop.pass_time(hours=1)
    till.reverse(sale, rrn=missing.rrn)
    after = newest(shop)
    assert before == after
    for write in FORMATS.values():
        assert write(sections(before, {}), 1) == write(sections(after, {}), 1)


# -- files -------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    shop = Shop()
    till, card = shop.till(currencies=("414",)), shop.card(balance=100_000)
    dinars = shop.card("gulf", 5000)
    till.redeem(card, 12345, batch=7)
    till.redeem(dinars, 1234, currency="414")
    till.upload(till.write(Kind.GIFT_RELOAD, card, 1000))
    till.settle(7, (1, 12345))
    return dict(sections(cut(shop), {till.record.id: "=T1"}))


def test_amounts_are_decimals_of_their_currency(tables: dict[str, Any]) -> None:
    lines = {(row["currency"], row["kind"]): row["amount"] for row in tables["line"]}
    assert lines == {("TRY", "gift_redeem"): "123.45", ("KWD", "gift_redeem"): "1.234"}


def test_a_csv_file_has_all_sections_and_no_formula(tables: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](tables, 1).decode())))
    assert [row["section"] for row in rows] == ["settlement", "line", "line", "batch", "exception"]
    assert (rows[0]["merchant_id"], rows[0]["day"]) == ("A", "2026-03-10")
    assert (rows[3]["terminal_id"], rows[3]["batch"], rows[3]["redeemed_count"]) == ("'=T1", "000007", "1")
    assert (rows[4]["what"], rows[4]["asked"], rows[4]["booked"]) == ("upload_not_booked", "10.00", "0.00")


def test_an_xml_file_has_an_element_for_each(tables: dict[str, Any]) -> None:
    root = ElementTree.fromstring(FORMATS["xml"](tables, 1))
    assert (root.tag, root.attrib["number"]) == ("settlement", "1")
    assert [child.tag for child in root] == ["line", "line", "batch", "exception"]
    assert root[0].attrib["owed"] in ("123.45", "1.234")


def test_a_workbook_has_sheets_with_numbers_and_no_formula(tables: dict[str, Any]) -> None:
    data = FORMATS["xlsx"](tables, 1_790_000_000_000_000)
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        names = book.namelist()
        first = book.read("xl/worksheets/sheet2.xml").decode()
        batches = book.read("xl/worksheets/sheet3.xml").decode()
        core = book.read("docProps/core.xml").decode()
    assert "xl/worksheets/sheet4.xml" in names
    assert "<v>123.45</v>" in first
    assert "<f>" not in first + batches
    assert "2026-09-2" in core, "made when the settlement was cut"


def test_the_same_settlement_is_the_same_bytes(tables: dict[str, Any]) -> None:
    for name, write in FORMATS.items():
        copy = msgspec.json.decode(msgspec.json.encode(tables))
        assert write(tables, 1_790_000_000_000_000) == write(copy, 1_790_000_000_000_000), name
