"""The rules of points (`switch/core/points.py`): what is booked, what is told, what is refused and in which order."""

from __future__ import annotations

import pytest

from specs.outcomes import Outcome
from switch.core.records import AccountKind
from tests.core.members import MemberShop, counted, tenders
from tests.core.till import EURO, LIRA, told

APPROVED = Outcome.APPROVED


# -- what is booked (DESIGN section 4) ---------------------------------------------------------------------------------
def test_a_sale_earns_points_that_its_merchant_issues() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member(50)
    reply = till.sale(card, 12_345)
    assert (reply.outcome, counted(reply)) == (APPROVED, (123, 0))
    assert told(reply) == [("available", "999", 173)]
    assert shop.points(card) == 173
    assert shop.system(AccountKind.ISSUING, "A") == -123
    assert shop.clearing() == 0
    shop.prove()


def test_who_gives_points_pays_its_share_of_their_cost() -> None:
    shop = MemberShop(point_cost='"0.5"', contribution='"0.3"', contributions="{B = 1}")
    ours, theirs, card = shop.till(), shop.till("T9", "B"), shop.member()
    ours.sale(card, 10_000)
    assert (shop.clearing("A"), shop.cost()) == (-15, 15)
    theirs.sale(card, 10_100)
    assert (shop.clearing("B"), shop.cost()) == (-51, 66)  # 50.5, rounded up
    shop.prove()


def test_who_takes_points_is_owed_their_worth() -> None:
    shop = MemberShop()
    till, card = shop.till("T9", "B"), shop.member(500)
    reply = till.pay(card, 123)
    assert (reply.outcome, reply.amount, counted(reply)) == (APPROVED, 123, (0, 123))
    assert told(reply) == [("available", "999", 377)]
    assert shop.clearing("B") == 123
    assert shop.cost() == -123
    assert shop.system(AccountKind.REDEEMED, "B") == 123
    shop.prove()


def test_bought_points_are_paid_by_the_till_that_got_the_money() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member()
    reply = till.buy(card, 1003)
    assert (reply.outcome, counted(reply)) == (APPROVED, (250, 0))  # at 4 a point, rounded down
    assert (shop.clearing(), shop.cost(), shop.system(AccountKind.ISSUING, "A")) == (-1003, 1003, -250)
    shop.prove()


def test_bought_on_commitment_the_member_owes_the_money_and_the_till_does_not() -> None:
    shop = MemberShop(commitment_stores='["north"]')
    till, card = shop.till(), shop.member()
    till.buy(card, 1000)
    assert (shop.points(card), shop.clearing(), shop.cost()) == (250, 0, 1000)
    assert shop.system(AccountKind.COMMITMENT, "A", LIRA) == -1000
    shop.prove()


def test_transferred_points_keep_their_dates() -> None:
    shop = MemberShop(expire_days="10")
    till, giver, taker = shop.till(), shop.member(100), shop.member()
    shop.pass_time(days=3)
    shop.give(giver, 100)
    reply = till.transfer(giver, taker, 130)
    assert (reply.outcome, told(reply), reply.points) == (APPROVED, [("available", "999", 70)], None)
    assert shop.lots(giver) == {("", "2026-03-23"): 70}
    assert shop.lots(taker) == {("", "2026-03-20"): 100, ("", "2026-03-23"): 30}
    shop.prove()


# -- how much ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rounding", "amount", "points"),
    [
        ("down", 199, 1), ("down", 99, 0), ("up", 101, 2), ("up", 100, 1),
        ("half_up", 149, 1), ("half_up", 150, 2), ("half_up", 250, 3),
        ("half_even", 150, 2), ("half_even", 250, 2), ("half_even", 251, 3),
    ],
)  # fmt: skip
def test_a_part_of_a_point_is_rounded_as_the_scheme_says(rounding: str, amount: int, points: int) -> None:
    shop = MemberShop(rounding=f'"{rounding}"')
    assert counted(shop.till().sale(shop.member(), amount)) == (points, 0)


def test_what_is_taken_is_rounded_up_and_never_nothing() -> None:
    shop = MemberShop(value='"7.5"', store_values="{}")
    till, card = shop.till(), shop.member(100)
    assert counted(till.pay(card, 15)) == (0, 2)
    assert counted(till.pay(card, 16)) == (0, 3)
    assert counted(till.pay(card, 1)) == (0, 1)


def test_points_are_worth_what_the_store_says() -> None:
    shop = MemberShop()
    north, south, card = shop.till(), shop.till("T2", store="south"), shop.member(100)
    assert counted(north.pay(card, 20)) == (0, 10)
    assert counted(south.pay(card, 20)) == (0, 20)


def test_a_sale_in_another_currency_earns_by_the_rate_table() -> None:
    shop = MemberShop()
    till, card = shop.till(currency=EURO), shop.member(100)
    assert counted(till.sale(card, 1000)) == (440, 0)  # 1.1 / 0.025 = 44 liras to the euro
    assert counted(till.pay(card, 3)) == (0, 66)  # 132 in liras, at 2 a point


@pytest.mark.parametrize(
    ("paid", "points"),
    [
        ({"gift": 3000, "other": 7000}, 100), ({"points": 3000, "other": 7000}, 70), ({"code": 10_000}, 0),
        ({"points": 2500, "gift": 2500, "code": 2500, "other": 2500}, 50),
    ],
)  # fmt: skip
def test_points_and_codes_do_not_earn_unless_the_scheme_says_so(paid: dict[str, int], points: int) -> None:
    shop = MemberShop()
    assert counted(shop.till().sale(shop.member(), 10_000, tenders=tenders(**paid))) == (points, 0)


def test_the_scheme_may_say_otherwise() -> None:
    shop = MemberShop(earning_tenders='["points", "other"]')
    assert counted(shop.till().sale(shop.member(), 10_000, tenders=tenders(gift=4000, points=6000))) == (60, 0)


def test_without_tenders_the_redemptions_with_the_same_receipt_are_those() -> None:
    shop = MemberShop(earning_tenders='["other"]')
    till, other, card, gift = shop.till(), shop.till("T2"), shop.member(1000), shop.card(balance=50_000)
    till.redeem(gift, 2000, receipt="000007")
    till.pay(card, 1000, receipt="000007")
    till.redeem(gift, 1, receipt="000008")
    other.redeem(gift, 1, receipt="000007")
    till.redeem(gift, 500, receipt="000007")
    till.reverse()
    assert counted(till.preview(card, 10_000, receipt="000007")) == (70, 0)
    assert counted(till.sale(card, 10_000, receipt="000007")) == (70, 0)
    assert counted(till.sale(card, 10_000, receipt="000007")) == (100, 0), "they paid for the sale before"
    shop.prove()
