"""Points by hand, what has expired, and the liability by age."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.sensitive import PAN
from switch.cli.journal import Describer
from tests.cli.operator import Operator
from tests.cli.test_members import available, new_member
from tests.core.members import MemberShop


def test_points_are_given_and_taken_with_a_reason(shop: Operator, tmp_path: Path) -> None:
    pan = new_member(shop, tmp_path / "cards.csv")
    record = shop.record("points", "adjust", pan, "--points", 70, "--reason", "a late receipt")
    assert {name: record[name] for name in ("card", "points", "reason")} == {
        "card": PAN(pan).masked,
        "points": 70,
        "reason": "a late receipt",
    }
    told = shop.do("points", "adjust", "-", "--points", -20, "--reason", "a mistake", stdin=pan)
    assert told.out.startswith(f"{PAN(pan).masked}: -20 points, RRN ")
    assert available(shop, pan) == 50


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("--points 0 --reason x", 1, "no points, or more than an account can hold"),
        ("--points -51 --reason x", 1, "the member has 50 points"),
        ("--points 5 --reason ' '", 1, "an adjustment needs a reason"),
        ("--points 5", 2, "Missing option '--reason'. (see tillswitch points adjust --help)"),
        ("--points 10000000000 --reason x", 2,
         "Invalid value for '--points': 10000000000 is not in the range -9999999999<=x<=9999999999. "
         "(see tillswitch points adjust --help)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(
    shop: Operator, tmp_path: Path, arguments: str, code: int, message: str
) -> None:
    pan = new_member(shop, tmp_path / "cards.csv", 50)
    told = shop.tell("points", "adjust", pan, *(part.strip("'") or " " for part in arguments.split(maxsplit=3)))
    assert (told.code, told.out, told.err) == (code, "", f"tillswitch: {message}\n")
    assert available(shop, pan) == 50


def test_where_nothing_has_expired_nothing_is_booked(shop: Operator) -> None:
    assert shop.do("points", "expire").out == "0 members' points have expired\n"


def test_the_report_tells_what_members_could_spend(shop: Operator, tmp_path: Path) -> None:
    before = shop.record("points", "report")
    new_member(shop, tmp_path / "cards.csv", 77)
    after = shop.record("points", "report")
    assert after["scheme"] == "stars"
    assert after["outstanding"] - before["outstanding"] == 77
    assert after["by_age"][0]["points"] - before["by_age"][0]["points"] == 77
    assert [(age["from_days"], age["to_days"]) for age in after["by_age"]] == [
        (0, 30),
        (31, 90),
        (91, 180),
        (181, 365),
        (366, None),
    ]
    assert sum(age["points"] for age in after["by_age"]) == after["outstanding"]
    told = shop.do("points", "report").out
    assert "over 365" in told
    assert str(after["outstanding"]) in told


def test_the_report_by_expiry_is_by_the_dates_of_the_lots(shop: Operator, tmp_path: Path) -> None:
    pan = new_member(shop, tmp_path / "cards.csv", 40)
    (lot,) = shop.do("member", "lots", pan, "--json").records
    records = shop.do("points", "report", "--by", "expiry", "--json").records
    (line,) = [one for one in records if (one["account"], one["expires_on"]) == ("lot", lot["expires_on"])]
    assert line["worth"] == line["points"] * 5  # a star is worth 0.05
    (whole,) = shop.do("points", "report", "--json").records
    assert sum(one["points"] for one in records) == whole["outstanding"] - whole["owed"]
    assert lot["expires_on"] in shop.do("points", "report", "--by", "expiry").out


def test_the_journal_names_points_by_their_scheme_and_lots_by_their_last_day(shop: Operator, tmp_path: Path) -> None:
    pan = new_member(shop, tmp_path / "cards.csv", 60)
    (movement,) = shop.do("member", "statement", pan, "--json").records
    (lot,) = shop.do("member", "lots", pan, "--json").records
    table = shop.do("journal", "--card", pan).out
    assert "60 stars" in table
    told = shop.do("journal", "show", movement["rrn"]).out.split("\n\n")[1].splitlines()[1:]
    assert [line.split() for line in told] == [
        ["adjusted", "-60", "stars", "-"],
        ["lot", lot["expires_on"], "60", "stars", "60", "stars"],
    ]


MILES = """
[[points_schemes]]
id = "miles"
number = 2
name = "miles"
currency = "949"
earn_money = 500
earn_points = 1
value = 10
cards = [{ id = "mile", name = "Miles card", prefix = "990140" }]
"""


def test_points_become_those_of_another_scheme_by_its_rate(office: Operator, tmp_path: Path) -> None:
    programme = (office.folder / "programme.toml").read_text()
    changed = programme.replace("redeem_minimum = 50", 'redeem_minimum = 50\nconversions = { miles = "0.4" }') + MILES
    (office.folder / "programme.toml").write_text(changed)
    office.do("programme", "apply", office.folder / "programme.toml")
    pan = new_member(office, tmp_path / "stars.csv", 100)
    other = new_member(office, tmp_path / "miles.csv", 0, "mile")
    given = ("points", "convert", pan, "--from", "stars", "--to", "miles", "--to-card", other, "--points")
    record = office.record(*given, 9)
    assert (record["points"], record["gained"]) == (8, 3), "a ninth is not worth another mile: it stays"
    told = office.do(*given, 50).out
    assert told.startswith(f"{PAN(other).masked}: 20 miles for 50 stars, RRN ")
    assert (available(office, pan), available(office, other)) == (42, 23)
    refused = office.tell(*given, 45)
    assert (refused.code, refused.err) == (1, "tillswitch: the member has 42 points\n")
    refused = office.tell("points", "convert", pan, "--from", "miles", "--to", "stars", "--points", 1)
    assert refused.err == "tillswitch: the programme has no conversion from miles to stars\n"
    assert office.do("audit").code == 0


def test_transferred_points_go_by_the_name_of_their_scheme() -> None:
    """The terminal counts them in 999."""
    shop = MemberShop()
    shop.till().transfer(shop.member(9), shop.member(), 5)
    describer = Describer(shop.store, True)
    (record,) = describer.describe([shop.newest])
    assert (record["currency"], describer.cells(record)["amount"]) == ("1001", "5 stars")


def test_points_that_another_member_paid_are_told_as_lots_of_both() -> None:
    shop = MemberShop(value="1", store_values="{}", expire_days="9")
    till, buyer, payer = shop.till(), shop.member(), shop.member(100)
    till.pay(payer, 100, receipt="000001")
    sold = till.sale(buyer, 1100, receipt="000001")
    till.give_back(buyer, 1100, rrn=sold.rrn)
    describer = Describer(shop.store, True)
    told = [describer.describe_entry(entry, shop.newest)["account"] for entry in shop.newest.entries]
    assert [account for account in told if account.startswith("lot")] == ["lot 2026-03-19"] * 2
    assert not any(account.startswith("account") for account in told)
