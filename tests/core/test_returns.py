"""Returns of sales (`switch/core/returns.py`): all parts together are exactly the whole, to the point and the unit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.outcomes import Outcome
from specs.transaction import MessageClass, Reply, Request
from switch.core.holdings import AccountKind
from switch.core.merchants import Right
from tests.core.members import MemberShop, counted, lines, split
from tests.core.till import told

APPROVED, REQUEST = Outcome.APPROVED, MessageClass.REQUEST
FOOD = """[
  {name = "food", earn_money = 300, earn_points = 7, departments = ["food"]},
  {name = "none", earn_money = 1, earn_points = 0, departments = ["tobacco"]},
]"""


def test_a_whole_return_leaves_everything_as_it_was() -> None:
    shop = MemberShop(point_cost='"0.7"')
    till, card = shop.till(), shop.member(50)
    sold = till.sale(card, 12_345)
    reply = till.give_back(card, 12_345, rrn=sold.rrn)
    assert (reply.outcome, counted(reply), split(reply)) == (APPROVED, (123, 0), (0, 12_345))
    assert told(reply) == [("available", "999", 50)]
    assert (shop.clearing(), shop.cost(), shop.system(AccountKind.ISSUING, "A")) == (0, 0, 0)
    shop.prove()


def test_a_part_takes_back_what_the_rest_does_not_earn() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member()
    sold = till.sale(card, 1050)
    parts = [counted(till.give_back(card, amount, rrn=sold.rrn))[0] for amount in (51, 51, 900, 48)]
    assert parts == [1, 0, 9, 0]
    assert till.give_back(card, 1, rrn=sold.rrn).outcome is Outcome.AMOUNT


@settings(max_examples=100)
@given(data=st.data())
def test_parts_are_the_whole_whatever_they_are(data: st.DataObject) -> None:
    """By three rules, partly paid with points, also another member's, with baskets or without, some parts voided and
    done again."""
    draw = data.draw
    rounding = draw(st.sampled_from(["down", "up", "half_even"]))
    shop = MemberShop(rounding=f'"{rounding}"', point_cost='"0.37"', value='"0.7"', store_values="{}", earn_rules=FOOD)
    till, card, other = shop.till(), shop.member(9000), shop.member(9000)
    departments = st.sampled_from(["food", "tobacco", "books"])
    goods = draw(st.lists(st.tuples(st.integers(1, 999), departments), min_size=1, max_size=5))
    basket = lines(*((f"sku{n}", price, department) for n, (price, department) in enumerate(goods)))
    total = sum(price for price, _ in goods)
    first = draw(st.integers(0, total))
    for amount in (first, draw(st.integers(0, total - first))):
        if amount:
            assert till.pay(draw(st.sampled_from([card, other])), amount, receipt="000001").outcome is APPROVED
    sold = till.sale(card, total, receipt="000001", basket=basket if draw(st.booleans()) else ())
    done = []
    for line in draw(st.permutations(basket)):
        known = (line,) if draw(st.booleans()) else ()
        reply = till.give_back(card, line.unit_price, rrn=sold.rrn, basket=known)
        assert (reply.outcome, sum(split(reply))) == (APPROVED, line.unit_price)
        done.append((line.unit_price, reply.rrn))
    for amount, rrn in draw(st.lists(st.sampled_from(done), unique=True)):
        assert till.void_earn(card, amount, rrn=rrn).outcome is APPROVED
        assert till.give_back(card, amount, rrn=sold.rrn).outcome is APPROVED
    assert till.give_back(card, 1, rrn=sold.rrn).outcome is Outcome.AMOUNT
    assert shop.points(card) == shop.points(other) == 9000
    assert shop.cost() == shop.clearing() == 0
    assert all(shop.system(kind, "A") == 0 for kind in (AccountKind.ISSUING, AccountKind.REDEEMED))
    shop.prove()


# -- the table of undoing (WIRE.md section 4), for purchases of several messages ---------------------------------------
class Bought:
    """1,000 points to begin with, 3000 paid with 300 of them at 10 each, and the sale of 10,000 that they paid for."""

    def __init__(self, **changes: Any) -> None:
        self.shop = MemberShop(value="10", store_values="{}", point_cost="1", **changes)
        self.till, self.card = self.shop.till(), self.shop.member(1000)
        self.paid = self.till.pay(self.card, 3000, receipt="000001")
        self.paying = self.till.sent
        self.sold = self.till.sale(self.card, 10_000, receipt="000001")
        self.selling = self.till.sent

    @property
    def points(self) -> int:
        return self.shop.points(self.card)

    def give_back(self, amount: int) -> tuple[Reply, Request]:
        reply = self.till.give_back(self.card, amount, rrn=self.sold.rrn)
        assert reply.outcome is APPROVED
        return reply, self.till.sent

    def void_sale(self) -> Reply:
        return self.till.void_earn(self.card, 10_000, rrn=self.sold.rrn)

    def void_payment(self) -> Reply:
        return self.till.void_burn(self.card, 3000, rrn=self.paid.rrn)


def test_redeemed_points_are_given_back_before_money_and_never_twice() -> None:
    bought = Bought()
    assert bought.points == 1000 - 300 + 70
    parts = [bought.give_back(amount)[0] for amount in (2000, 2000, 6000)]
    assert [split(part) for part in parts] == [(2000, 0), (1000, 1000), (0, 6000)]
    assert [counted(part) for part in parts] == [(0, 200), (10, 100), (60, 0)]
    assert bought.points == 1000
    bought.shop.prove()


def test_a_sale_with_live_returns_is_not_voided_and_its_reversal_undoes_them() -> None:
    bought = Bought()
    bought.give_back(4000)
    assert bought.void_sale().outcome is Outcome.ALREADY_UNDONE
    assert bought.till.reverse(bought.selling).outcome is APPROVED
    assert bought.points == 700, "as if there had been neither sale nor return"
    assert bought.void_payment().outcome is APPROVED
    assert bought.points == 1000
    bought.shop.prove()


def test_a_payment_that_was_given_back_is_not_voided_and_its_reversal_gives_back_the_rest() -> None:
    bought = Bought()
    bought.give_back(1000)
    assert bought.void_payment().outcome is Outcome.ALREADY_UNDONE
    assert bought.till.reverse(bought.paying).outcome is APPROVED
    assert bought.points == 1000 + 70
    assert (bought.shop.clearing(), bought.shop.cost()) == (-70, 70), "what the points it earned cost"
    reply, _ = bought.give_back(9000)
    assert split(reply) == (0, 9000)
    assert bought.points == 1000
    bought.shop.prove()


def test_a_return_undone_after_the_payment_takes_only_its_own_part() -> None:
    bought = Bought()
    _, returning = bought.give_back(5000)
    bought.till.reverse(bought.paying)
    bought.till.reverse(returning)
    assert bought.points == 1000 + 70
    bought.shop.prove()


def test_a_return_that_stands_again_does_not_give_back_a_payment_undone_meanwhile() -> None:
    bought = Bought()
    reply, _ = bought.give_back(5000)
    assert bought.till.void_earn(bought.card, 5000, rrn=reply.rrn).outcome is APPROVED
    voiding = bought.till.sent
    bought.till.reverse(bought.paying)
    bought.till.reverse(voiding)
    assert bought.points == 1000 + 70 - 20
    bought.shop.prove()


def test_a_payment_voided_before_the_return_is_money() -> None:
    bought = Bought()
    assert bought.void_payment().outcome is APPROVED
    assert split(bought.give_back(10_000)[0]) == (0, 10_000)
    assert bought.points == 1000


def test_a_payment_after_the_sale_is_given_back_too() -> None:
    bought = Bought()
    bought.till.pay(bought.card, 2000, receipt="000001")
    assert split(bought.give_back(10_000)[0]) == (5000, 5000)
    assert bought.points == 1000
    bought.shop.prove()


def test_a_payment_without_a_sale_is_returned_by_its_own_reference() -> None:
    shop = MemberShop(value='"0.7"', store_values="{}")
    till, card = shop.till(), shop.member(1000)
    paid = till.pay(card, 500)
    assert counted(paid) == (0, 715)
    parts = [till.give_back(card, amount, rrn=paid.rrn) for amount in (1, 299, 200)]
    assert [counted(part)[1] for part in parts] == [1, 428, 286]
    assert [split(part) for part in parts] == [(1, 0), (299, 0), (200, 0)]
    assert (shop.points(card), shop.clearing(), shop.cost()) == (1000, 0, 0)
    assert till.give_back(card, 1, rrn=paid.rrn).outcome is Outcome.AMOUNT
    shop.prove()


def test_a_payment_of_a_sale_is_returned_through_the_sale() -> None:
    bought = Bought()
    assert bought.till.give_back(bought.card, 100, rrn=bought.paid.rrn).outcome is Outcome.ORIGINAL_NOT_FOUND


def test_a_closed_batch_is_not_voided_but_reversed_and_returned() -> None:
    bought = Bought()
    bought.till.close_batch()
    assert bought.void_sale().outcome is Outcome.VOID_NOT_FOUND
    assert bought.give_back(1000)[0].outcome is APPROVED
    reversal = bought.till.reverse(bought.selling, original_stan=bought.selling.stan, original_class=REQUEST)
    assert (reversal.outcome, bought.points) == (APPROVED, 700)
    bought.shop.prove()


@pytest.mark.parametrize(("allowed", "outcome"), [("true", APPROVED), ("false", Outcome.CARD_RESTRICTED)])
def test_another_store_takes_goods_back_if_the_scheme_allows_it(allowed: str, outcome: Outcome) -> None:
    bought = Bought(return_elsewhere=allowed)
    other = bought.shop.till("T9", "B")
    assert other.give_back(bought.card, 3500, rrn=bought.sold.rrn).outcome is outcome
    assert other.void_earn(bought.card, 10_000, rrn=bought.sold.rrn).outcome is Outcome.VOID_NOT_FOUND
    if allowed == "true":
        assert bought.shop.clearing("B") == -3000 + 5, "it pays with points what it would pay out"
    bought.shop.prove()


def test_the_sale_of_another_member_is_not_found() -> None:
    bought = Bought()
    other = bought.shop.member(500)
    assert bought.till.give_back(other, 100, rrn=bought.sold.rrn).outcome is Outcome.ORIGINAL_NOT_FOUND
    assert bought.shop.points(other) == 500


@pytest.mark.parametrize("kind", ["undone", "void", "refused"])
def test_what_does_not_stand_is_not_returned(kind: str) -> None:
    bought = Bought()
    rrn = bought.sold.rrn
    if kind == "undone":
        bought.void_sale()
    elif kind == "void":
        rrn = bought.void_sale().rrn
    else:
        rrn = bought.till.sale(bought.card, 0).rrn
    assert bought.till.give_back(bought.card, 100, rrn=rrn).outcome is Outcome.ORIGINAL_NOT_FOUND


def test_a_void_that_is_reversed_lets_the_sale_stand_again() -> None:
    bought = Bought()
    bought.void_sale()
    bought.till.reverse()
    assert bought.points == 770
    assert bought.give_back(10_000)[0].outcome is APPROVED
    assert bought.points == 1000
    bought.shop.prove()


def test_without_the_reference_of_a_sale_only_where_the_programme_trusts_the_till() -> None:
    shop = MemberShop(return_without_original="true", point_cost="1")
    till, card = shop.till(), shop.member(100)
    reply = till.give_back(card, 3000)
    assert (counted(reply), split(reply), shop.points(card), shop.clearing()) == ((30, 0), (0, 3000), 70, 30)
    weak = shop.till("T2", rights=tuple(one for one in Right if one is not Right.REFUND_WITHOUT_ORIGINAL))
    assert weak.give_back(card, 3000).outcome is Outcome.NOT_ALLOWED
    assert till.void_earn(card, 3000, rrn=reply.rrn).outcome is APPROVED
    assert (shop.points(card), shop.clearing()) == (100, 0)
    shop.prove()


def test_lines_that_are_returned_take_back_what_they_earned() -> None:
    shop = MemberShop(earn_rules=FOOD)
    till, card = shop.till(), shop.member()
    milk, wine, gin = ("milk", 3000, "food"), ("wine", 1000, "drinks"), ("gin", 500, "tobacco")
    sold = till.sale(card, 4500, basket=lines(milk, wine, gin))
    assert counted(sold) == (70 + 10, 0)
    taken = [counted(till.give_back(card, one[1], rrn=sold.rrn, basket=lines(one)))[0] for one in (gin, wine, milk)]
    assert taken == [0, 10, 70]
