"""Merchants: added, changed, listed, shown; and what is refused, in one line."""

from __future__ import annotations

import pytest

from tests.cli.operator import Operator


def test_a_merchant_is_added_and_shown(shop: Operator) -> None:
    told = shop.do("merchant", "add", "ADDED", "--name", "Kitap Evi", "--store", "a", "--store", "b")
    assert told.out == "ADDED: added\n"
    shown: dict[str, object] = {"merchant_id": "ADDED", "name": "Kitap Evi", "stores": ["a", "b"], "time_zone": "UTC"}
    shown |= {"day_ends": None, "gift_sales_in_net": False, "terminals": []}
    assert shop.record("merchant", "show", "ADDED") == shown


def test_the_list_is_for_people_or_for_programs(shop: Operator) -> None:
    shop.do("merchant", "add", "LISTED", "--name", "[red]Not markup", "--store", "a", "--store", "b")
    listed: dict[str, object] = {"merchant_id": "LISTED", "name": "[red]Not markup", "stores": ["a", "b"]}
    listed |= {"time_zone": "UTC", "day_ends": None, "gift_sales_in_net": False}
    assert listed in shop.do("merchant", "list", "--json").records
    lines = [line.split() for line in shop.do("merchant", "list").out.splitlines()]
    assert lines[0] == ["merchant_id", "name", "stores", "time_zone", "day_ends", "gift_sales_in_net"]
    assert ["LISTED", "[red]Not", "markup", "a,", "b", "UTC", "-", "no"] in lines


def test_only_what_is_given_changes(shop: Operator) -> None:
    shop.do("merchant", "add", "CHANGED", "--name", "Old", "--store", "a", "--store", "b")
    shop.do("merchant", "change", "CHANGED", "--name", "New")
    shop.do("merchant", "change", "CHANGED", "--add-store", "c", "--remove-store", "a")
    shop.do("merchant", "change", "CHANGED", "--time-zone", "Europe/Istanbul", "--day-ends", "0400")
    told = shop.do("merchant", "show", "CHANGED").out
    assert told == (
        "merchant_id        CHANGED\nname               New\nstores             b, c\n"
        "time_zone          Europe/Istanbul\nday_ends           0400\ngift_sales_in_net  no\nterminals          -\n"
    )
    for option, counted in (("--gift-sales-in-net", True), ("--no-gift-sales-in-net", False)):
        shop.do("merchant", "change", "CHANGED", option)
        assert shop.record("merchant", "show", "CHANGED")["gift_sales_in_net"] is counted
    shop.do("merchant", "change", "CHANGED", "--gift-sales-in-net")
    shop.do("merchant", "change", "CHANGED", "--name", "Newer")
    assert shop.record("merchant", "show", "CHANGED")["gift_sales_in_net"] is True
    shop.do("merchant", "change", "CHANGED", "--day-ends", "never")
    assert shop.record("merchant", "show", "CHANGED")["day_ends"] is None


# fmt: off
WRONG = [
    ("add DEMOBOOKS000001 --name x --store a", 1,
     "there is a merchant DEMOBOOKS000001 already; to change it: tillswitch merchant change"),
    ("add M --name x", 2,
     "Missing option '--store'. (see tillswitch merchant add --help)"),
    ("add MORE_THAN_FIFTEEN --name x --store a", 2,
     "Invalid value for 'MERCHANT_ID': 'MORE_THAN_FIFTEEN' must be 1 to 15 printable ASCII characters without "
     "spaces (see tillswitch merchant add --help)"),
    ("add MÜ --name x --store a", 2,
     "Invalid value for 'MERCHANT_ID': 'MÜ' must be 1 to 15 printable ASCII characters without "
     "spaces (see tillswitch merchant add --help)"),
    ("change NOBODY --name x", 1,
     "there is no merchant NOBODY"),
    ("change DEMOBOOKS000001", 2,
     "nothing to change: give --name, --add-store, --remove-store, --time-zone, --day-ends or --gift-sales-in-net "
     "(see tillswitch merchant change --help)"),
    ("change DEMOBOOKS000001 --remove-store z", 1,
     "DEMOBOOKS000001 has no store z; it has ist-01, ist-02"),
    ("change DEMOMARKET00002 --remove-store izm-02", 1,
     "terminal MARKT002 stands in izm-02; move it first"),
    ("show NOBODY", 1,
     "there is no merchant NOBODY"),
    ("remove M", 2,
     "No such command 'remove'. (see tillswitch merchant --help)"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG)
def test_what_is_wrong_is_said_in_one_line(shop: Operator, arguments: str, code: int, message: str) -> None:
    told = shop.tell("merchant", *arguments.split())
    assert (told.code, told.out, told.err) == (code, "", f"tillswitch: {message}\n")
