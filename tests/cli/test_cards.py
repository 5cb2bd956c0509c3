"""Cards: issued into the printer's file, shown, blocked, replaced; and what is refused, in one line."""

from __future__ import annotations

import csv
import itertools
import stat
from pathlib import Path
from typing import Any

import pytest

from specs.sensitive import PAN
from switch.cli.issuing import new_cards
from switch.core.programme import parse_programme
from switch.demo.build import programme_text
from switch.logs import passes_luhn
from tests.cli.operator import Operator

BOOKS = "DEMOBOOKS000001"


def issued(shop: Operator, out: Path, product: str, *options: object, count: int = 1) -> list[dict[str, str]]:
    """The lines of the printer's file."""
    shop.do("card", "issue", "--product", product, "--count", count, "--out", out, *options)
    return lines_of(out)


def lines_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def active(shop: Operator, out: Path, product: str = "classic") -> str:
    """A new card with 50.00 on it."""
    (line,) = issued(shop, out, product, "--active", "--merchant", BOOKS, "--amount", "50")
    return line["pan"]


def shown(shop: Operator, pan: str) -> dict[str, Any]:
    return shop.record("card", "show", "-", stdin=f"{pan}\n")


def test_issued_cards_are_in_the_file_and_in_the_books(shop: Operator, tmp_path: Path) -> None:
    out = tmp_path / "cards.csv"
    lines = issued(shop, out, "secure", count=230)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert len({line["pan"] for line in lines}) == 230
    for line in lines:
        assert line["pan"].startswith("990040")
        assert len(line["pan"]) == 19
        assert passes_luhn(line["pan"])
        assert len(line["pin"]) == 6
        assert line["pin"].isdigit()
        rest = {name: line[name] for name in ("product", "currency", "denomination", "valid_days")}
        assert rest == {"product": "secure", "currency": "TRY", "denomination": "", "valid_days": ""}
    for line in (lines[0], lines[99], lines[100], lines[229]):  # both sides of a slice's edge
        card = shown(shop, line["pan"])
        assert (card["card"], card["state"], card["balance"]) == (PAN(line["pan"]).masked, "inactive", 0)
    assert [file.name for file in tmp_path.iterdir()] == ["cards.csv"]


def test_what_is_printed_on_a_card_stands_in_the_file(shop: Operator, tmp_path: Path) -> None:
    (line,) = issued(shop, tmp_path / "cards.csv", "fixed", "--denomination", "250.00")
    assert (line["pin"], line["denomination"], line["valid_days"]) == ("", "250.00", "730")
    assert shown(shop, line["pan"])["denomination"] == 25000


@pytest.mark.parametrize(
    ("product", "options", "balance"),
    [
        ("classic", ("--amount", "12.34"), 1234),
        ("fixed", ("--denomination", "100"), 10000),
        ("gulf", ("--amount", "1.5"), 1500),
    ],
)
def test_active_cards_hold_what_a_merchant_paid(
    shop: Operator, tmp_path: Path, product: str, options: tuple[str, ...], balance: int
) -> None:
    (line,) = issued(shop, tmp_path / "cards.csv", product, "--active", "--merchant", BOOKS, *options)
    card = shown(shop, line["pan"])
    assert (card["state"], card["balance"]) == ("active", balance)
    activation, issue = card["movements"]
    assert (activation["kind"], activation["merchant_id"], activation["amount"]) == ("gift_activate", BOOKS, balance)
    assert (issue["kind"], issue["reason"]) == ("operator", "card_issued")


def test_a_card_is_shown_to_people(shop: Operator, tmp_path: Path) -> None:
    pan = active(shop, tmp_path / "cards.csv")
    told = shop.do("card", "show", pan, "--utc")
    above, below = told.out.split("\n\n")
    facts = dict(line.split(maxsplit=1) for line in above.splitlines())
    assert (facts["card"], facts["balance"], facts["pin"]) == (PAN(pan).masked, "50.00 TRY", "no")
    assert facts["expires_at"].endswith("+00:00")
    assert "gift_activate" in below
    assert "50.00 TRY" in below
    by_id = shop.do("card", "show", "--card-id", facts["card_id"], "--utc")
    assert by_id.out == told.out


def test_a_card_is_blocked_and_unblocked(shop: Operator, tmp_path: Path) -> None:
    pan = active(shop, tmp_path / "cards.csv")
    masked = PAN(pan).masked
    assert shop.do("card", "block", "-", "--reason", "stolen", stdin=pan).out == f"{masked}: stolen\n"
    assert shown(shop, pan)["block"] == "stolen"
    assert shop.do("card", "block", pan).out == f"{masked}: blocked\n"
    assert shop.do("card", "unblock", pan).out == f"{masked}: not blocked\n"
    card = shown(shop, pan)
    assert card["block"] == "none"
    reasons = [movement["reason"] for movement in card["movements"]]
    assert reasons == ["block_none", "block_blocked", "block_stolen", "by_operator", "card_issued"]


def test_a_replaced_card_gives_its_balance_to_the_new_number(shop: Operator, tmp_path: Path) -> None:
    pan = active(shop, tmp_path / "cards.csv", "secure")
    out = tmp_path / "new.csv"
    told = shop.do("card", "replace", pan, "--out", out)
    (line,) = lines_of(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert told.out == f"{PAN(pan).masked}: replaced by {PAN(line['pan']).masked}, which stands in {out}\n"
    new, old = shown(shop, line["pan"]), shown(shop, pan)
    assert (new["state"], new["balance"], new["pin"]) == ("active", 5000, True)
    assert (old["state"], old["balance"]) == ("replaced", None)
    again = shop.tell("card", "replace", pan, "--out", tmp_path / "again.csv")
    assert (again.code, again.err) == (1, f"tillswitch: {PAN(pan).masked} has been replaced already\n")
    assert not (tmp_path / "again.csv.part").exists()


def test_no_file_is_left_where_nothing_was_issued(shop: Operator, tmp_path: Path) -> None:
    assert shop.tell("card", "replace", "990010000000", "--out", tmp_path / "new.csv").code == 1
    assert shop.tell("card", "issue", "--product", "none", "--count", 1, "--out", tmp_path / "new.csv").code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_never_overwritten(shop: Operator, tmp_path: Path) -> None:
    out = tmp_path / "cards.csv"
    out.write_text("precious")
    told = shop.tell("card", "issue", "--product", "classic", "--count", 1, "--out", out)
    assert (told.code, told.err) == (2, f"tillswitch: {out} is there already; card numbers are never overwritten\n")
    assert out.read_text() == "precious"


ISSUE = "issue --count 1 --out x.csv --product"

# fmt: off
WRONG = [
    ("show 9900101234567890123", 1, "no such card"),
    ("show --card-id 4000000", 1, "no card 4000000"),
    ("show", 2, "give either PAN or --card-id (see tillswitch card show --help)"),
    ("show 99001x", 2,
     "Invalid value for '[PAN]': a card number has 6 to 19 digits, or is - to be read from standard input "
     "(see tillswitch card show --help)"),
    ("block 9900101234567890123 9900101234567890124", 2,
     "Got unexpected extra argument (***) (see tillswitch card block --help)"),
    ("block 990010 --reason bored", 2,
     "Invalid value for '--reason': 'bored' is not one of 'blocked', 'lost', 'stolen'. "
     "(see tillswitch card block --help)"),
    ("block 9900101234567890123", 1, "no such card"),
    ("unblock 9900101234567890123", 1, "no such card"),
    (f"{ISSUE} none", 1,
     "the programme has no card 'none'; it has classic, fixed, voucher, secure, campus, gulf, star, star-bank"),
    (f"{ISSUE} classic --count 0", 2,
     "Invalid value for '--count': 0 is not in the range 1<=x<=10000000. (see tillswitch card issue --help)"),
    (f"{ISSUE} classic --denomination 10", 2,
     "Invalid value for '--denomination': cards of classic have none (see tillswitch card issue --help)"),
    (f"{ISSUE} fixed", 2,
     "Invalid value for '--denomination': cards of fixed need one of 100.00 TRY, 250.00 TRY, 500.00 TRY "
     "(see tillswitch card issue --help)"),
    (f"{ISSUE} fixed --denomination 99", 2,
     "Invalid value for '--denomination': 99.00 TRY is not one of 100.00 TRY, 250.00 TRY, 500.00 TRY "
     "(see tillswitch card issue --help)"),
    (f"{ISSUE} classic --active", 2,
     "--active and --merchant go together, and --amount with them (see tillswitch card issue --help)"),
    (f"{ISSUE} classic --amount 5", 2,
     "--active and --merchant go together, and --amount with them (see tillswitch card issue --help)"),
    (f"{ISSUE} classic --active --merchant M", 1, "there is no merchant M"),
    (f"{ISSUE} classic --active --merchant {BOOKS}", 2,
     "Invalid value for '--amount': cards of classic need one (see tillswitch card issue --help)"),
    (f"{ISSUE} classic --active --merchant {BOOKS} --amount 1,5", 2,
     "Invalid value for '--amount': '1,5' must be an amount in TRY: digits, at most 2 behind the point "
     "(see tillswitch card issue --help)"),
    (f"{ISSUE} classic --active --merchant {BOOKS} --amount 9.99", 2,
     "Invalid value for '--amount': 9.99 TRY is not within 10.00 TRY to 5000.00 TRY of classic "
     "(see tillswitch card issue --help)"),
    (f"{ISSUE} fixed --denomination 100 --active --merchant {BOOKS} --amount 50", 2,
     "Invalid value for '--amount': these cards hold their denomination, 100.00 TRY "
     "(see tillswitch card issue --help)"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG)
def test_what_is_wrong_is_said_in_one_line(shop: Operator, arguments: str, code: int, message: str) -> None:
    told = shop.tell("card", *arguments.split())
    assert (told.code, told.out, told.err) == (code, "", f"tillswitch: {message}\n")


def test_a_number_somebody_has_is_not_given_again() -> None:
    product = parse_programme(programme_text(), 1).products["classic"]
    asked: list[PAN] = []

    def is_taken(pan: PAN) -> bool:
        asked.append(pan)
        return len(asked) <= 3

    cards = list(itertools.islice(new_cards(product, is_taken), 2))
    assert [card.pan for card in cards] == asked[3:]
