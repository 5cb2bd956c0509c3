"""Uploads of what was done with points (`switch/core/uploads.py`): what was never seen earns by the rules of its own
day, takes what it took, and never puts points onto a card.
"""

from __future__ import annotations

from typing import Any

import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind
from tests.core.members import MemberShop, PointsTill
from tests.core.till import clock

APPROVED = Outcome.APPROVED
#: It is a Tuesday: twice the points.
TUESDAY = '[{name = "tuesday", earn_money = 50, earn_points = 1, weekdays = ["tue"]}]'


def scene(points: int = 1000, **changes: Any) -> tuple[MemberShop, PointsTill, PAN]:
    shop = MemberShop(**changes)
    return shop, shop.till(), shop.member(points)


def upload(till: PointsTill, kind: Kind, card: PAN, amount: int, **fields: Any) -> str:
    """Of what was never sent; the journal's reason."""
    unseen = till.write(kind, card, amount, **fields)
    assert till.upload(unseen).outcome is APPROVED
    return till.shop.newest.reason


def test_a_sale_never_seen_earns_by_the_rules_of_its_own_day() -> None:
    shop, till, card = scene(0, earn_rules=TUESDAY)
    tuesday = clock(shop.now)
    shop.pass_time(days=2)
    till.log_on(batch=7)
    assert upload(till, Kind.SALE, card, 10_000, **tuesday) == "without_authorisation"
    assert shop.points(card) == 200
    assert upload(till, Kind.SALE, card, 10_000, **clock(shop.now)) == "without_authorisation"
    assert shop.points(card) == 300, "and one of today by today's"
    batch = till.batches()[-1]
    assert (batch.totals[2].count, batch.totals[2].amount) == (2, 20_000)
    shop.prove()


def test_a_sale_the_switch_has_known_earns_no_second_time() -> None:
    shop, till, card = scene(0)
    till.sale(card, 10_000, batch=7, **clock(shop.now))
    sale = till.sent
    till.settle(7, (0, 0), (0, 0), (2, 10_000))
    till.upload(sale)
    assert (shop.newest.reason, shop.points(card)) == ("uploaded", 100)
    shop.prove()


@pytest.mark.parametrize("debt", ["debt", "floor"])
def test_a_payment_with_points_never_seen_is_booked_though_they_are_not_there(debt: str) -> None:
    """Ten points are missing: the member owes them where the scheme says so, else they are uncovered."""
    shop, till, card = scene(90, debt=f'"{debt}"')
    till.log_on(batch=7)
    assert upload(till, Kind.POINTS_REDEEM, card, 200, **clock(shop.now)) == "without_authorisation"
    batch = till.batches()[-1]
    assert (batch.totals[0].count, batch.totals[0].amount) == (1, 200)
    assert shop.clearing() == 200, "the merchant gave goods for all of it"
    assert shop.points(card) == (-10 if debt == "debt" else 0)
    shop.prove()


@pytest.mark.parametrize("kind", [Kind.SALE_RETURN, Kind.POINTS_PURCHASE, Kind.POINTS_TRANSFER, Kind.VOID_BURN])
def test_what_puts_points_onto_a_card_is_reported_and_not_booked(kind: Kind) -> None:
    shop, till, card = scene()
    fields = {"other_card": shop.member()} if kind is Kind.POINTS_TRANSFER else {}
    till.log_on(batch=7)
    assert upload(till, kind, card, 100, **fields, **clock(shop.now)) == "upload_not_booked"
    assert (shop.points(card), till.batches()[-1].since) == (1000, 0)
    shop.prove()
