"""Members: found by any card, shown masked, enrolled, given points for events; their cards, lots, families, notices."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from specs.sensitive import PAN
from tests.cli.operator import Operator
from tests.cli.test_cards import issued

BOOKS = "DEMOBOOKS000001"
PHONE = "905321234567"


def new_member(shop: Operator, out: Path, points: int = 0, product: str = "star") -> str:
    """A new member's active card."""
    (line,) = issued(shop, out, product, "--active")
    if points:
        shop.do("points", "adjust", line["pan"], "--points", points, "--reason", "a test")
    return line["pan"]


def shown(shop: Operator, pan: str) -> dict[str, Any]:
    return shop.record("member", "show", "-", stdin=f"{pan}\n")


def available(shop: Operator, pan: str) -> int:
    (balance,) = shown(shop, pan)["points"]
    return int(balance["available"])


def added(shop: Operator, pan: str, out: Path, *options: object) -> str:
    """One more card of the member."""
    shop.do("member", "cards", "add", pan, "--product", "star", "--out", out, *options)
    return out.read_text().splitlines()[1].split(",")[0]


# -- cards are issued --------------------------------------------------------------------------------------------------
def test_loyalty_cards_are_issued_into_the_printers_file(shop: Operator, tmp_path: Path) -> None:
    lines = issued(shop, tmp_path / "cards.csv", "star-bank", count=120)
    assert len({line["pan"] for line in lines}) == 120
    for line in lines:
        assert line["pan"].startswith("990120")
        rest = {name: line[name] for name in ("pin", "product", "currency", "denomination", "valid_days")}
        assert rest == {"pin": "", "product": "star-bank", "currency": "", "denomination": "", "valid_days": ""}
    one, other = shown(shop, lines[0]["pan"]), shown(shop, lines[119]["pan"])
    assert (one["state"], one["role"], one["cards"]) == ("inactive", "main", 1)
    assert one["card_id"] != other["card_id"]


def test_a_lost_loyalty_card_is_replaced_and_keeps_its_points(shop: Operator, tmp_path: Path) -> None:
    pan = new_member(shop, tmp_path / "old.csv", 300)
    shop.do("card", "replace", pan, "--out", tmp_path / "new.csv")
    new = (tmp_path / "new.csv").read_text().splitlines()[1].split(",")[0]
    assert (shown(shop, pan)["state"], shown(shop, new)["state"]) == ("replaced", "active")
    assert available(shop, new) == 300


# -- show, enrol -------------------------------------------------------------------------------------------------------
def test_a_member_is_shown_by_number_and_by_id(shop: Operator, tmp_path: Path) -> None:
    pan = new_member(shop, tmp_path / "cards.csv", 1234)
    record = shown(shop, pan)
    assert (record["card"], record["product"], record["state"]) == (PAN(pan).masked, "star", "active")
    (points,) = record["points"]
    assert (points["scheme"], points["available"], points["owed"]) == ("stars", 1234, 0)
    (movement,) = record["movements"]
    assert (movement["points"], movement["balance"], movement["reason"]) == (1234, 1234, "adjusted: a test")
    by_id = shop.record("member", "show", "--card-id", record["card_id"])
    assert by_id == record
    told = shop.do("member", "show", pan).out
    assert "1234" in told
    assert "adjusted: a test" in told
    assert pan not in told


def test_a_card_is_enrolled_with_a_phone_that_is_never_shown_whole(shop: Operator, tmp_path: Path) -> None:
    (line,) = issued(shop, tmp_path / "cards.csv", "star")
    told = shop.do("member", "enrol", "-", "--phone", "-", stdin=f"{line['pan']}\n+{PHONE}\n")
    assert told.out == f"{PAN(line['pan']).masked}: enrolled\n"
    record = shown(shop, line["pan"])
    assert (record["state"], record["phone"]) == ("active", "90********67")
    again = shop.tell("member", "enrol", line["pan"])
    assert (again.code, again.err) == (1, "tillswitch: the card is active already\n")
    everything = json.dumps(record) + shop.do("member", "show", line["pan"]).out + shop.do("member", "notices").out
    log = shop.log.read_text() if shop.log.exists() else ""
    assert PHONE not in everything + log


# -- awards ------------------------------------------------------------------------------------------------------------
def test_an_event_is_awarded_once_for_a_reference(shop: Operator, tmp_path: Path) -> None:
    pan = new_member(shop, tmp_path / "cards.csv")
    reference = f"crm-{shop.card_hash(pan)[:8]}"
    award = ("member", "award", pan, "--event", "birthday", "--reference", reference)
    first = shop.record(*award, "--merchant", BOOKS)
    assert (first["points"], first["event"], first["card"]) == (500, "birthday", PAN(pan).masked)
    assert shop.record(*award) == first
    assert shop.do(*award).out == f"{PAN(pan).masked}: 500 points for birthday, RRN {first['rrn']}\n"
    assert available(shop, pan) == 500
    told = shop.tell("member", "award", pan, "--event", "app-installed", "--reference", reference)
    assert (told.code, told.err) == (1, "tillswitch: this id was used for something else\n")
    (movement,) = shown(shop, pan)["movements"]
    assert (movement["reason"], movement["merchant_id"]) == ("award birthday", BOOKS)


def ask_control(shop: Operator, body: Any) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(shop.config.control_socket))
    connection.request("POST", "/awards", json.dumps(body))
    answer = connection.getresponse()
    told = answer.status, json.loads(answer.read())
    connection.close()
    return told


@pytest.mark.slow
def test_programs_award_over_the_control_socket(office: Operator, tmp_path: Path) -> None:
    with office.running():
        pan = new_member(office, tmp_path / "cards.csv")
        award = {"card": pan, "event": "birthday", "reference": "crm-1", "merchant_id": BOOKS}
        status, first = ask_control(office, award)
        assert (status, first["outcome"], first["reason"]) == (200, "approved", None)
        assert ask_control(office, award) == (200, first)
        assert available(office, pan) == 500
        _, refused = ask_control(office, award | {"reference": "crm-2", "event": "moon"})
        assert (refused["outcome"], refused["rrn"]) == ("product", None)
        assert refused["reason"] == "'moon' is no event of the scheme; it has birthday, app-installed"
        assert ask_control(office, award | {"card": "12345"}) == (
            400,
            {"error": "card: a card number has 6 to 19 digits"},
        )
        mistakes: list[Any] = [{"card": pan}, award | {"points": 5}, []]
        for wrong in mistakes:
            status, told = ask_control(office, wrong)
            assert status == 400
            assert pan not in told["error"]
    assert pan not in office.log.read_text()


# -- lots, statement ---------------------------------------------------------------------------------------------------
def test_lots_come_in_the_order_in_which_they_are_spent(shop: Operator, tmp_path: Path) -> None:
    pan = new_member(shop, tmp_path / "cards.csv", 100)
    (lot,) = shop.do("member", "lots", pan, "--json").records
    assert (lot["scheme"], lot["points"], lot["state"], lot["available_from"]) == ("stars", 100, "available", None)
    assert lot["expires_on"] > "2027"
    shop.do("points", "adjust", pan, "--points", -100, "--reason", "a mistake")
    told = shop.do("member", "lots", pan)
    assert (told.out, told.err) == ("", "no points\n")


def test_a_statement_tells_the_balance_after_each_movement(shop: Operator, tmp_path: Path) -> None:
    pan = new_member(shop, tmp_path / "cards.csv")
    for points in (100, -30, 45):
        shop.do("points", "adjust", pan, "--points", points, "--reason", f"{points:+d}")
    records = shop.do("member", "statement", "-", "--utc", "--json", stdin=pan).records
    assert [(one["points"], one["balance"]) for one in records] == [(45, 115), (-30, 70), (100, 100)]
    assert {one["scheme"] for one in records} == {"stars"}
    assert [one["points"] for one in shop.do("member", "statement", pan, "--limit", 2, "--json").records] == [45, -30]
    since = records[0]["time"].replace(" ", "T")
    assert len(shop.do("member", "statement", pan, "--since", since, "--json").records) in (1, 2, 3)  # whole seconds
    table = shop.do("member", "statement", pan).out.splitlines()
    assert len(table) == 4
    assert "adjusted: -30" in table[2]


# -- cards of one member -----------------------------------------------------------------------------------------------
def test_a_family_has_a_main_card_and_others_with_limits(shop: Operator, tmp_path: Path) -> None:
    main = new_member(shop, tmp_path / "main.csv", 900)
    child = added(shop, main, tmp_path / "child.csv", "--additional", "--limit", 50, "--active")
    records = shop.do("member", "cards", "list", child, "--json").records
    assert [(one["card"], one["role"], one["limit"]) for one in records] == [
        (PAN(main).masked, "main", None),
        (PAN(child).masked, "additional", 50),
    ]
    assert available(shop, child) == 900
    family = shop.record("member", "family", child)
    assert family["main_card"] == PAN(main).masked
    assert [one["card"] for one in family["additional_cards"]] == [PAN(child).masked]
    assert (
        shop.do("member", "cards", "change", child, "--main").out == f"{PAN(child).masked}: main, 50 points a month\n"
    )
    told = shop.do("member", "cards", "change", main, "--additional", "--limit", 7)
    assert told.out == f"{PAN(main).masked}: additional, 7 points a month\n"
    assert shop.record("member", "family", main)["main_card"] == PAN(child).masked
    assert shop.do("member", "cards", "change", main, "--no-limit").out == f"{PAN(main).masked}: additional, no limit\n"
    told = shop.tell("member", "cards", "change", child, "--additional")
    refusal = "the member has no other main card, whose holder could hear of this one"
    assert (told.code, told.err) == (1, f"tillswitch: {refusal}\n")


def test_a_card_that_exists_already_is_added_by_its_number(shop: Operator, tmp_path: Path) -> None:
    pan = new_member(shop, tmp_path / "cards.csv", 10)
    bank = "990120" + pan[6:]
    command = ("member", "cards", "add", "-", "--product", "star-bank")
    told = shop.do(*command, "--number", "-", "--active", stdin=f"{pan}\n{bank}\n")
    assert told.out == f"{PAN(pan).masked}: has the card {PAN(bank).masked}, too\n"
    assert available(shop, bank) == 10
    assert shown(shop, bank)["role"] == "main"
    again = shop.tell(*command, "--number", bank, stdin=pan)
    assert (again.code, again.err) == (1, "tillswitch: this card number has been issued before\n")
    wrong = shop.tell(*command, "--number", pan, stdin=pan)
    assert (wrong.code, "cards of star-bank begin with 990120" in wrong.err) == (2, True)


def test_a_printers_file_of_another_member_is_left_alone(shop: Operator, tmp_path: Path) -> None:
    one, other = new_member(shop, tmp_path / "1.csv"), new_member(shop, tmp_path / "2.csv")
    out = tmp_path / "3.csv"
    added(shop, one, out)
    out.rename(tmp_path / "3.csv.part")
    told = shop.tell("member", "cards", "add", other, "--product", "star", "--out", out)
    assert told.code == 1
    assert "is of another member" in told.err


# -- notices -----------------------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_notices_wait_until_they_are_taken(office: Operator, tmp_path: Path) -> None:
    with office.running():
        (line,) = issued(office, tmp_path / "main.csv", "star")
        office.do("member", "enrol", line["pan"], "--phone", PHONE)
        child = added(office, line["pan"], tmp_path / "child.csv", "--additional", "--active")
        assert office.do("member", "notices").err == "no notices wait\n"
        for _ in range(2):
            assert office.sell("points", "sale", "--amount", 12, "--card", child).code == 0
        waiting = office.do("member", "notices", "--json").records
        assert [one["what"] for one in waiting] == ["sale", "sale"]
        assert waiting[0]["main_card"] == PAN(line["pan"]).masked
        assert waiting[0]["used"] == PAN(child).masked
        assert waiting[0]["phone"] == "90********67"
        assert waiting[0]["points"] == 12
        assert office.do("member", "notices", "--json").records == waiting
        taken = office.do("member", "notices", "--limit", 1, "--take", "--json")
        assert (taken.records, taken.err) == (waiting[:1], "1 taken\n")
        assert office.do("member", "notices", "--json").records == waiting[1:]
    office.do("member", "notices", "--take")
    assert office.do("member", "notices", "--json").records == []
    office.do("audit")


# fmt: off
NO_CARD = "9901101234567890123"
WRONG = [
    (f"show {NO_CARD}", 1, "no such card"),
    ("show --card-id 4000000", 1, "no card 4000000"),
    ("show", 2, "give either PAN or --card-id (see tillswitch member show --help)"),
    ("show 99011x", 2,
     "Invalid value for '[PAN]': a card number has 6 to 19 digits, or is - to be read from standard input "
     "(see tillswitch member show --help)"),
    (f"lots {NO_CARD} --card-id 1", 2, "give either PAN or --card-id (see tillswitch member lots --help)"),
    (f"enrol {NO_CARD}", 1, "no such loyalty card"),
    (f"enrol {NO_CARD} --phone 12", 2,
     "Invalid value for '--phone': a phone number has 7 to 15 digits, or is - to be read from standard input "
     "(see tillswitch member enrol --help)"),
    ("award CARD --event moon --reference a", 1,
     "'moon' is no event of the scheme; it has birthday, app-installed"),
    ("award CARD --event birthday --reference a --merchant M", 1, "there is no merchant M"),
    ("award CARD --event birthday", 2,
     "Missing option '--reference'. (see tillswitch member award --help)"),
    (f"award CARD --event birthday --reference {'a' * 65}", 2,
     f"Invalid value for '--reference': '{'a' * 65}' must be 1 to 64 printable ASCII characters without spaces "
     "(see tillswitch member award --help)"),
    ("cards add CARD --product classic --out x.csv", 2,
     "Invalid value for '--product': 'classic' is not one of star, star-bank (see tillswitch member cards add --help)"),
    ("cards add CARD --product star", 2,
     "give either --out or --number (see tillswitch member cards add --help)"),
    ("cards change CARD", 2,
     "nothing to change: give at least one option (see tillswitch member cards change --help)"),
    ("cards change CARD --limit 5 --no-limit", 2,
     "--limit and --no-limit exclude each other (see tillswitch member cards change --help)"),
    ("cards change CARD --limit -1", 2,
     "Invalid value for '--limit': -1 is not in the range 0<=x<=9999999999. "
     "(see tillswitch member cards change --help)"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG)
def test_what_is_wrong_is_said_in_one_line(shop: Operator, arguments: str, code: int, message: str) -> None:
    card = shop.demo["loyalty_cards"][0]["pan"]
    told = shop.tell("member", *arguments.replace("CARD", card).split())
    assert (told.code, told.out, told.err) == (code, "", f"tillswitch: {message}\n")


def test_a_gift_card_is_no_members(shop: Operator) -> None:
    pan = shop.card("classic")
    told = shop.tell("member", "show", pan)
    refusal = f"{PAN(pan).masked} is no loyalty card; see tillswitch card show"
    assert (told.code, told.err) == (1, f"tillswitch: {refusal}\n")


def test_a_loyalty_card_is_no_gift_card(shop: Operator, tmp_path: Path) -> None:
    pan = shop.demo["loyalty_cards"][0]["pan"]
    told = shop.tell("card", "show", pan)
    refusal = f"{PAN(pan).masked} is a loyalty card; see tillswitch member show"
    assert (told.code, told.err) == (1, f"tillswitch: {refusal}\n")
    command = ("card", "issue", "--product", "star", "--count", 1, "--out", tmp_path / "x.csv")
    told = shop.tell(*command, "--active", "--merchant", BOOKS)
    assert (told.code, "star is a loyalty card: " in told.err) == (2, True)
    assert list(tmp_path.iterdir()) == []
