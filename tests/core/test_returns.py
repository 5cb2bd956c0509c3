"""Returns of sales (`switch/core/returns.py`): all parts together are exactly the whole, to the point and the unit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from specs.outcomes import Outcome
from switch.core.records import AccountKind
from tests.core.members import MemberShop, counted, lines, split
from tests.core.till import told

APPROVED = Outcome.APPROVED
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
    """By three rules, partly paid with points, with baskets or without, some parts voided and done again."""
    draw = data.draw
    rounding = draw(st.sampled_from(["down", "up", "half_even"]))
    shop = MemberShop(rounding=f'"{rounding}"', point_cost='"0.37"', value='"0.7"', store_values="{}", earn_rules=FOOD)
    till, card = shop.till(), shop.member(9000)
    departments = st.sampled_from(["food", "tobacco", "books"])
    goods = draw(st.lists(st.tuples(st.integers(1, 999), departments), min_size=1, max_size=5))
    basket = lines(*((f"sku{n}", price, department) for n, (price, department) in enumerate(goods)))
    total = sum(price for price, _ in goods)
    first = draw(st.integers(0, total))
    for amount in (first, draw(st.integers(0, total - first))):
        if amount:
            assert till.pay(card, amount, receipt="000001").outcome is APPROVED
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
    assert shop.points(card) == 9000
    assert shop.cost() == shop.clearing() == 0
    assert all(shop.system(kind, "A") == 0 for kind in (AccountKind.ISSUING, AccountKind.REDEEMED))
    shop.prove()
