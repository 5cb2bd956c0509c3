"""Rows of section 3 that have issues of their own are answered 12 until then, and move nothing; reserved ones too."""

from __future__ import annotations

import pytest

from tests.contract.client import Message, pack_tables, table_field
from tests.contract.till import Till

# fmt: off
ROWS: list[tuple[str, str, str]] = [
    ("discount code inquiry",         "0100", "318000"),
    ("discount code use",             "0200", "008000"),
    ("reserved: hold",                "0100", "006000"),
    ("reserved: points to gift card", "0200", "409060"),
    ("reserved: non-purchase earn",   "0200", "480090"),
    ("reserved: draw entries",        "0200", "330090"),
    ("reserved: totals inquiry",      "0100", "360000"),
    ("reserved: collections",         "0200", "500000"),
]
# fmt: on


def whole_request(till: Till, mti: str, de3: str, card: str) -> Message:
    """All that any of the rows needs, so that nothing but the row itself can be refused."""
    more: dict[int, str | None] = {**till.when(-1), 62: till.receipt()}
    tables = [("CD", "SUMMER"), ("TO", card), ("BK", "sku,1,900,food"), ("TD", "O,900")]
    if de3.endswith("8000"):
        tables = [("CD", "SUMMER")]
    return till.message(mti, de3, card, 900, {**more, table_field(till.dialect): pack_tables(till.dialect, tables)})


@pytest.mark.parametrize(("name", "mti", "de3"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_not_yet_offered_is_answered_12_and_moves_nothing(
    till: Till, card: str, name: str, mti: str, de3: str
) -> None:
    request = whole_request(till, mti, de3, card)
    answer = till.line.ask(request)
    told = f"{name}:\n  >> {request}\n  << {answer}"
    assert (answer.mti, answer.rc) == (f"{mti[:2]}{int(mti[2]) + 1}0", "12"), told
    assert [answer.get(de) for de in (3, 11, 24, 41, 42)] == [request[de] for de in (3, 11, 24, 41, 42)], told
    assert till.balance(card) == 20_000


@pytest.mark.parametrize("code", ["001", "002", "101"])
def test_sign_on_sign_off_and_key_exchange_are_answered_12(till: Till, code: str) -> None:
    request = till.message("0800", "990000", more={7: "1204092457", 70: code}).but(changes={3: None})
    answer = till.line.ask(request)
    assert (answer.mti, answer.rc, answer.get(70)) == ("0810", "12", code), f"  >> {request}\n  << {answer}"
