"""Terminals: added, changed, disabled, listed, shown; and what is refused, in one line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.operator import Operator

BOOKS = "DEMOBOOKS000001"
#: What a new terminal may do (WIRE.md section 1).
NEW = [
    *("activate", "reload", "redeem", "sale", "return", "void", "points_redeem", "enrol", "balance", "preview"),
    "settlement",
]
PLACE = ("--store", "ist-01", "--currency", "TRY", "--time-zone", "Europe/Istanbul")


def added(shop: Operator, terminal_id: str, *more: object) -> None:
    assert shop.do("terminal", "add", BOOKS, terminal_id, *PLACE, *more).out == f"{BOOKS}/{terminal_id}: added\n"


def shown(shop: Operator, terminal_id: str) -> dict[str, Any]:
    return shop.record("terminal", "show", BOOKS, terminal_id)


def test_a_terminal_is_added_with_what_it_may_do(shop: Operator) -> None:
    options = ("--listener", "nac", "--nii", "010", "--also-currency", "usd", "--partial", "--settle-at", "2215")
    added(shop, "ADDED", *options, "--grant", "block", "--grant", "cash_out", "--revoke", "void")
    told = shown(shop, "ADDED")
    expected = {
        "merchant_id": BOOKS,
        "terminal_id": "ADDED",
        "active": True,
        "store": "ist-01",
        "currency": "949",
        "also_currencies": ["840"],
        "time_zone": "Europe/Istanbul",
        "listener": "nac",
        "nii": "010",
        "rights": [*NEW[:5], *NEW[6:], "cash_out", "block"],
        "partial": True,
        "texts": False,
        "explicit_open": False,
        "echo_seconds": 300,
        "answers_echo": False,
        "settle_at": "2215",
        "whole_only": False,
        "number": "",
        "acquirer": "",
        "agent_bank": "",
        "agent_chain": "",
        "open_batches": [],
    }
    assert {name: told[name] for name in expected} == expected
    assert (told["state"], told["last_seen"], told["status"]) == ("never seen", None, {})


def test_a_visa2_terminal_goes_by_a_number_of_its_own(shop: Operator) -> None:
    numbers = ("--number", "888000000009/0001/0007", "--acquirer", "999995", "--whole-only")
    added(shop, "VISA2", *numbers)
    told = shown(shop, "VISA2")
    assert (told["number"], told["acquirer"], told["whole_only"]) == ("88800000000900010007", "999995", True)
    again = shop.tell("terminal", "add", BOOKS, "VISA2B", *PLACE, *numbers)
    assert (again.code, again.err) == (1, f"tillswitch: {BOOKS}/VISA2 goes by this number already\n")
    shop.do("terminal", "change", BOOKS, "VISA2", "--number", "888000000009/0001/0008")
    assert shown(shop, "VISA2")["number"] == "88800000000900010008"


def test_only_what_is_given_changes(shop: Operator) -> None:
    added(shop, "CHANGED", "--partial", "--echo-seconds", 60)
    before = shown(shop, "CHANGED")
    shop.do("terminal", "change", BOOKS, "CHANGED", "--no-partial", "--store", "ist-02", "--revoke", "balance")
    changed = {"partial": False, "store": "ist-02", "rights": [right for right in NEW if right != "balance"]}
    assert shown(shop, "CHANGED") == before | changed


def test_a_terminal_is_disabled_and_enabled(shop: Operator) -> None:
    added(shop, "ABLE")
    assert shop.do("terminal", "disable", BOOKS, "ABLE").out == f"{BOOKS}/ABLE: disabled\n"
    assert shown(shop, "ABLE")["active"] is False
    assert shop.do("terminal", "enable", BOOKS, "ABLE").out == f"{BOOKS}/ABLE: enabled\n"
    assert shown(shop, "ABLE")["active"] is True


def test_the_list_can_be_narrowed(shop: Operator) -> None:
    added(shop, "NARROW", "--nii", "010")
    in_store = shop.do("terminal", "list", "--merchant", BOOKS, "--store", "ist-01", "--json").records
    assert {row["store"] for row in in_store} == {"ist-01"}
    assert {"BOOKS001", "BOOKS003", "NARROW"} <= {row["terminal_id"] for row in in_store}
    lines = [line.split() for line in shop.do("terminal", "list").out.splitlines()]
    head = ["merchant_id", "terminal_id", "active", "store", "state", "last_seen", "currency", "listener", "nii"]
    assert lines[0] == head
    assert [BOOKS, "NARROW", "yes", "ist-01", "never", "seen", "-", "TRY", "-", "010"] in lines
    told = shop.do("terminal", "list", "--store", "nowhere")
    assert (told.out, told.err) == ("", "no such terminals\n")


# fmt: off
WRONG = [
    ("add NOBODY T --store a --currency TRY --time-zone UTC", 1,
     "there is no merchant NOBODY"),
    (f"add {BOOKS} BOOKS001 --store ist-01 --currency TRY --time-zone UTC", 1,
     f"there is a terminal BOOKS001 of {BOOKS} already; to change it: tillswitch terminal change"),
    (f"add {BOOKS} T --store ist-01 --currency TRY", 2,
     "Missing option '--time-zone'. (see tillswitch terminal add --help)"),
    (f"add {BOOKS} NINECHARS --store ist-01 --currency TRY --time-zone UTC", 2,
     "Invalid value for 'TERMINAL_ID': 'NINECHARS' must be 1 to 8 printable ASCII characters without spaces "
     "(see tillswitch terminal add --help)"),
    (f"add {BOOKS} T --store x --currency TRY --time-zone UTC", 2,
     f"Invalid value for '--store': {BOOKS} has no store 'x'; it has ist-01, ist-02 "
     "(see tillswitch terminal add --help)"),
    (f"change {BOOKS} BOOKS001 --time-zone Mars", 2,
     "Invalid value for '--time-zone': 'Mars' is no time zone; allowed: names like Europe/Istanbul, or UTC "
     "(see tillswitch terminal change --help)"),
    (f"change {BOOKS} BOOKS001 --time-zone ../../etc/passwd", 2,
     "Invalid value for '--time-zone': '../../etc/passwd' is no time zone; allowed: names like Europe/Istanbul, "
     "or UTC (see tillswitch terminal change --help)"),
    (f"change {BOOKS} BOOKS001 --nii 10", 2,
     "Invalid value for '--nii': '10' must be three digits (see tillswitch terminal change --help)"),
    (f"change {BOOKS} BOOKS001 --settle-at 2400", 2,
     "Invalid value for '--settle-at': '2400' must be a time of day such as 2330 "
     "(see tillswitch terminal change --help)"),
    (f"change {BOOKS} BOOKS001 --listener door", 2,
     "Invalid value for '--listener': 'door' is not one of nac, ascii, visa2, nac-tls, ascii-tls, visa2-tls "
     "(see tillswitch terminal change --help)"),
    (f"change {BOOKS} BOOKS001 --grant fly", 2,
     "Invalid value for '--grant': 'fly' is not one of 'activate', 'reload', 'redeem', 'sale', 'return', 'void', "
     "'points_redeem', 'enrol', 'balance', 'preview', 'settlement', 'cash_out', 'refund_without_original', "
     "'transfer', 'points_purchase', 'block', 'unblock', 'clear', 'offline_loads', 'cash_back', 'unload', "
     "'opening_points'. "
     "(see tillswitch terminal change --help)"),
    (f"change {BOOKS} BOOKS001", 2,
     "nothing to change: give at least one option (see tillswitch terminal change --help)"),
    (f"change {BOOKS} NOBODY --nii 010", 1,
     f"{BOOKS} has no terminal NOBODY"),
    (f"disable {BOOKS} NOBODY", 1,
     f"{BOOKS} has no terminal NOBODY"),
    (f"show {BOOKS} NOBODY", 1,
     f"{BOOKS} has no terminal NOBODY"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG)
def test_what_is_wrong_is_said_in_one_line(shop: Operator, arguments: str, code: int, message: str) -> None:
    told = shop.tell("terminal", *arguments.split())
    assert (told.code, told.out, told.err) == (code, "", f"tillswitch: {message}\n")


def test_every_currency_is_named_when_one_is_not_known(shop: Operator) -> None:
    told = shop.tell("terminal", "change", BOOKS, "BOOKS001", "--currency", "XXX")
    assert told.code == 2
    assert told.err.startswith("tillswitch: Invalid value for '--currency': 'XXX' is not one of AED, ALL, AUD, ")


@pytest.mark.slow
def test_a_disabled_terminal_is_refused_and_an_open_batch_is_shown(office: Operator) -> None:
    with office.running():
        sale = ("gift", "redeem", "--terminal", "BOOKS001", "--amount", "1")
        assert office.sell(*sale).code == 0
        (batch,) = shown(office, "BOOKS001")["open_batches"]
        assert (batch["application"], batch["number"]) == ("main", 1)
        assert "1 (main) since " in office.do("terminal", "show", BOOKS, "BOOKS001").out
        office.do("terminal", "disable", BOOKS, "BOOKS001")
        assert office.sell(*sale).code == 1
        office.do("terminal", "enable", BOOKS, "BOOKS001")
        assert office.sell(*sale).code == 0


# -- who is there ------------------------------------------------------------------------------------------------------
def test_terminals_are_listed_by_state(shop: Operator) -> None:
    added(shop, "UNSEEN")
    unseen = shop.do("terminal", "list", "--state", "never seen", "--store", "ist-01", "--json").records
    assert "UNSEEN" in [record["terminal_id"] for record in unseen]
    assert {record["state"] for record in unseen} == {"never seen"}
    assert {record["last_seen"] for record in unseen} == {None}
    everybody = shop.do("terminal", "list", "--json").records
    online = shop.do("terminal", "list", "--state", "online", "--json").records
    assert [record for record in everybody if record["state"] == "online"] == online
    assert shop.tell("terminal", "list", "--state", "gone").code == 2


@pytest.mark.slow
def test_a_terminal_that_answers_is_asked_when_its_line_falls_silent(office: Operator) -> None:
    office.do("terminal", "change", BOOKS, "BOOKS001", "--answers-echo", "--echo-seconds", 1)
    with office.running():
        stay = office.sell("online", "--terminal", "BOOKS001", "--seconds", 2.5, "--json")
        assert stay.code == 0, stay
        assert json.loads(stay.out)["asked"] >= 1
        (told,) = office.do("terminal", "list", "--state", "online", "--json").records
        assert shown(office, "BOOKS001")["status"] == told["status"]
        assert told["round_trip_ms"] > 0
        assert told["status"]["sn"] == "SIM-BOOKS001"


@pytest.mark.slow
def test_the_running_daemon_knows_who_has_just_spoken(office: Operator) -> None:
    with office.running():
        assert office.sell("echo", "--terminal", "BOOKS001").code == 0
        (online,) = office.do("terminal", "list", "--state", "online", "--json").records
        assert (online["terminal_id"], online["status"]["paper"]) == ("BOOKS001", "ok")
        lines = dict(
            line.split(maxsplit=1) for line in office.do("terminal", "show", BOOKS, "BOOKS001").out.splitlines()
        )
        assert lines["last_seen"] == lines["status_at"], "both in the shell's zone, to the second"
        assert "T" not in lines["status_at"]
    (still,) = office.do("terminal", "list", "--state", "online", "--json").records
    assert still["last_seen"] == online["last_seen"], "the end of the daemon forgets nobody"
