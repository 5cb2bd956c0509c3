"""Uploads of what was done with points (`switch/core/uploads.py`): what was never seen earns by the rules of its own
day, takes what it took, and never puts points onto a card.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind
from switch.core.clock import DAY
from switch.core.commands import ApplyProgramme
from tests.core.members import CARDS, MemberShop, PointsTill, scheme
from tests.core.till import PROGRAMME, clock

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


# -- the programme has changed meanwhile -------------------------------------------------------------------------------
def test_a_sale_never_seen_earns_by_the_programme_of_its_own_day() -> None:
    shop, till, card = scene(0)
    first_day = clock(shop.now)
    shop.pass_time(days=1)
    shop.command(ApplyProgramme(PROGRAMME + scheme(earn_points="3")))
    second_day = clock(shop.now)
    shop.pass_time(days=1)
    shop.command(ApplyProgramme(PROGRAMME + scheme(earn_points="7")))
    earned = []
    for when in (first_day, second_day, clock(shop.now), {}, clock(shop.now - 20 * DAY)):
        before = shop.points(card)
        assert upload(till, Kind.SALE, card, 10_000, **when) == "without_authorisation"
        earned.append(shop.points(card) - before)
    assert earned == [100, 300, 700, 700, 100], "without a time by today's; before the first by the first"
    assert [row.programme for row in shop.rows() if row.kind is Kind.SALE] == [1, 2, 3, 3, 1]
    till.sale(card, 10_000, **first_day)
    assert shop.newest.programme == 3, "only an upload tells of another day"
    shop.prove()


def test_a_card_or_a_scheme_that_programme_did_not_have_earns_by_todays() -> None:
    shop, till, _ = scene(0)
    first_day = clock(shop.now)
    shop.pass_time(days=1)
    shop.command(ApplyProgramme(PROGRAMME + scheme(cards=CARDS[:-1] + ', {id = "new", name = "", prefix = "990130"}]')))
    new = shop.member(product="new")
    assert upload(till, Kind.SALE, new, 10_000, **first_day) == "without_authorisation"
    assert shop.points(new) == 100
    shop.prove()


def test_a_programme_that_can_be_read_no_longer_is_no_reason_to_refuse() -> None:
    shop, till, card = scene(0)
    first_day = clock(shop.now)
    shop.pass_time(days=1)
    (first,) = shop.store.programmes(0)
    shop.store.programmes = lambda since: [msgspec.structs.replace(first, text="?")]  # type: ignore[method-assign]
    shop.command(ApplyProgramme(PROGRAMME + scheme(earn_points="3")))
    assert upload(till, Kind.SALE, card, 10_000, **first_day) == "without_authorisation"
    assert shop.points(card) == 300
