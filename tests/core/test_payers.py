"""Sales that another member has paid part of (WIRE.md section 3, "One sale, several messages").

The redemptions of the same terminal, batch and receipt number are a sale's tenders, whoever's they are: what a return
gives back of them goes into the lots of who paid, and none of it becomes cash.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import Request
from switch.core.holdings import AccountKind
from tests.core.members import MemberShop, counted, scheme, split
from tests.core.till import EURO, told

APPROVED = Outcome.APPROVED
OTHER = scheme(
    id='"moons"',
    number="2",
    name='"moons"',
    value="5",
    store_values="{}",
    cards='[{id = "moon", name = "", prefix = "990130"}]',
)


class Paid:
    """B pays 100 points for part of what A buys for 1100: A earns on 1000."""

    def __init__(self, *more: str, product: str = "star", value: str = "1", **changes: Any) -> None:
        self.shop = MemberShop(*more, value=value, store_values="{}", point_cost='"0.3"', **changes)
        self.till = self.shop.till()
        self.buyer, self.payer = self.shop.member(50), self.shop.member(1000, product)
        self.paid = self.till.pay(self.payer, 100, receipt="000001")
        self.paying = self.till.sent
        self.sold = self.till.sale(self.buyer, 1100, receipt="000001")
        self.selling = self.till.sent

    def give_back(self, amount: int) -> tuple[tuple[int, int], Request]:
        reply = self.till.give_back(self.buyer, amount, rrn=self.sold.rrn)
        assert reply.outcome is APPROVED
        return split(reply), self.till.sent

    @property
    def points(self) -> tuple[int, int]:
        return self.shop.points(self.buyer), self.shop.points(self.payer)

    def undo(self, message: Request) -> None:
        assert self.till.reverse(message).outcome is APPROVED

    def prove_untouched(self) -> None:
        assert self.points == (50, 1000)
        assert self.shop.cost() == self.shop.clearing() == 0
        assert not any(self.shop.system(kind, "A") for kind in (AccountKind.ISSUING, AccountKind.REDEEMED))
        self.shop.prove()


def test_what_another_member_paid_goes_back_to_that_member() -> None:
    sale = Paid()
    assert (counted(sale.sold), sale.points) == ((10, 0), (60, 900))
    assert sale.give_back(1100)[0] == (100, 1000)
    sale.prove_untouched()


def test_parts_give_back_together_exactly_what_the_other_member_paid() -> None:
    sale = Paid()
    assert [sale.give_back(amount)[0] for amount in (40, 160, 900)] == [(40, 0), (60, 100), (0, 900)]
    sale.prove_untouched()


def test_the_points_go_into_the_lots_they_came_from() -> None:
    sale = Paid(expire_days="100")
    sale.shop.pass_time(days=3)
    sale.shop.give(sale.payer, 5)
    before = sale.shop.lots(sale.payer)
    sale.give_back(1100)
    first = min(before)
    assert sale.shop.lots(sale.payer) == before | {first: before[first] + 100}


def test_a_lot_that_has_expired_meanwhile_lives_on_for_the_days_of_grace() -> None:
    sale = Paid(expire_days="10", grace_days="5")
    sale.shop.pass_time(days=20)
    sale.give_back(1100)
    assert told(sale.till.ask(sale.payer)) == [("available", "999", 100)]
    sale.shop.prove()


def test_a_payment_after_the_sale_belongs_to_it_too() -> None:
    shop = MemberShop(value="1", store_values="{}")
    till, buyer, payer = shop.till(), shop.member(), shop.member(500)
    sold = till.sale(buyer, 1000, receipt="000001")
    till.pay(payer, 300, receipt="000001")
    assert split(till.give_back(buyer, 1000, rrn=sold.rrn)) == (300, 700)
    assert (shop.points(buyer), shop.points(payer)) == (0, 500)
    shop.prove()


def test_what_was_paid_in_another_currency_is_no_part_of_the_sale() -> None:
    shop = MemberShop(value="1", store_values="{}")
    till, buyer, payer = shop.till(currencies=(EURO,)), shop.member(), shop.member(9000)
    paid = till.pay(payer, 10, receipt="000001", currency=EURO)  # 10 cents are 440
    sold = till.sale(buyer, 1000, receipt="000001")
    assert counted(sold) == (10, 0)
    assert split(till.give_back(buyer, 1000, rrn=sold.rrn)) == (0, 1000)
    assert split(till.give_back(payer, 10, rrn=paid.rrn, currency=EURO)) == (10, 0)
    assert (shop.points(buyer), shop.points(payer)) == (0, 9000)
    shop.prove()


def test_the_buyer_and_two_others_pay_together() -> None:
    shop = MemberShop(value="1", store_values="{}")
    till, members = shop.till(), [shop.member(100) for _ in range(3)]
    for member, points in zip(members, (10, 20, 30), strict=True):
        till.pay(member, points, receipt="000001")
    sold = till.sale(members[0], 1060, receipt="000001")
    assert counted(sold) == (10, 0)
    assert split(till.give_back(members[0], 1060, rrn=sold.rrn)) == (60, 1000)
    assert [shop.points(member) for member in members] == [100, 100, 100]
    shop.prove()


def test_points_of_another_scheme_go_back_by_what_they_paid() -> None:
    """100 are 20 moons at 5."""
    sale = Paid(OTHER, product="moon")
    assert sale.shop.points(sale.payer, "1002") == 980
    assert sale.give_back(50)[0] == (50, 0)
    assert sale.shop.points(sale.payer, "1002") == 990
    answer = sale.shop.newest.reply
    assert answer is not None
    assert counted(answer) == (0, 0), "table PT counts the points of the card that is asked about"
    assert sale.give_back(1050)[0] == (50, 1000)
    assert (sale.shop.points(sale.buyer), sale.shop.points(sale.payer, "1002")) == (50, 1000)
    assert sale.shop.cost() == sale.shop.clearing() == 0
    sale.shop.prove()


def test_the_payment_of_a_sale_is_not_returned_by_itself() -> None:
    sale = Paid()
    assert sale.till.give_back(sale.payer, 100, rrn=sale.paid.rrn).outcome is Outcome.ORIGINAL_NOT_FOUND
    assert sale.till.give_back(sale.payer, 1100, rrn=sale.sold.rrn).outcome is Outcome.ORIGINAL_NOT_FOUND


def test_a_payment_that_was_given_back_is_not_voided() -> None:
    sale = Paid()
    sale.give_back(100)
    assert sale.till.void_burn(sale.payer, 100, rrn=sale.paid.rrn).outcome is Outcome.ALREADY_UNDONE
    assert sale.points == (60, 1000)


def test_a_return_whose_points_the_payer_has_spent_since_is_not_voided() -> None:
    sale = Paid()
    sale.give_back(100)
    rrn = sale.shop.newest.rrn
    assert sale.till.pay(sale.payer, 950).outcome is APPROVED
    assert sale.till.void_earn(sale.buyer, 100, rrn=rrn).outcome is Outcome.NOT_ENOUGH
    assert sale.points == (60, 50)
    sale.shop.prove()


@pytest.mark.parametrize("order", list(itertools.permutations(["paying", "selling", "returning", "more"])))
def test_reversals_in_every_order_leave_nothing(order: tuple[str, ...]) -> None:
    """A payment, a sale, two returns in parts: whatever is undone first, all of it undone is as if none had been."""
    sale = Paid()
    _, returning = sale.give_back(300)
    _, more = sale.give_back(500)
    messages = {"paying": sale.paying, "selling": sale.selling, "returning": returning, "more": more}
    for name in order:
        sale.undo(messages[name])
        sale.shop.prove()
    sale.prove_untouched()


@pytest.mark.parametrize("undone", ["paying", "returning"])
def test_what_is_undone_between_two_parts_counts(undone: str) -> None:
    sale = Paid()
    _, returning = sale.give_back(60)
    sale.undo(sale.paying if undone == "paying" else returning)
    parts = [sale.give_back(amount)[0] for amount in (60, 980)]
    if undone == "paying":
        assert (parts, sale.points) == ([(0, 60), (0, 980)], (50, 1000))
    else:
        assert (parts, sale.give_back(60)[0], sale.points) == ([(60, 0), (40, 940)], (0, 60), (50, 1000))
    sale.shop.prove()


def test_a_return_at_another_till_gives_back_too() -> None:
    sale = Paid()
    elsewhere = sale.shop.till("T9", "B")
    assert split(elsewhere.give_back(sale.buyer, 1100, rrn=sale.sold.rrn)) == (100, 1000)
    assert sale.points == (50, 1000)
    sale.shop.prove()


def test_a_receipt_number_that_never_changes_ties_no_members_together() -> None:
    """Else one till that does not count its receipts would lock all of a day's members with each return."""
    shop = MemberShop(value="1", store_values="{}")
    till, members = shop.till(), [shop.member(limits.PURCHASE_MAX) for _ in range(2)]
    for _ in range(limits.PURCHASE_MAX):
        till.pay(members[0], 1, receipt="000001")
    till.sale(members[1], 1000, receipt="000001")
    assert shop.newest.root == shop.newest.id


def test_a_till_pays_for_its_own_sales_only() -> None:
    shop = MemberShop(value="1", store_values="{}")
    till, other, buyer, payer = shop.till(), shop.till("T2"), shop.member(), shop.member(500)
    other.pay(payer, 300, receipt="000001")
    sold = till.sale(buyer, 1000, receipt="000001")
    assert counted(sold) == (10, 0)
    assert split(till.give_back(buyer, 1000, rrn=sold.rrn)) == (0, 1000)
