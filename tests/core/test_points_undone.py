"""Whatever members and tills do, undoing all of it, in whatever order, leaves nothing; and the books prove on the way.

Sales, payments, returns with and without original, purchases and transfers in three kinds of points, plain and as
advices, voided and reversed; other members pay parts of sales. Nothing expires here: see test_points_machine.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.outcomes import ACCEPTED, Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, MessageClass, Reply, Request
from switch.core.holdings import AccountKind
from tests.core.members import MemberShop, PointsTill, counted, scheme, split
from tests.core.test_points_commands import LOCAL
from tests.core.till import clock

APPROVED, ADVICE = Outcome.APPROVED, MessageClass.ADVICE
UNITS = ("1001", "1002", "1007")
MOONS = {"id": '"moons"', "number": "2", "cards": '[{id = "moon", name = "", prefix = "990130"}]', "value": '"0.7"'}
VOIDS = {
    Kind.SALE: Kind.VOID_EARN, Kind.SALE_RETURN: Kind.VOID_EARN, Kind.POINTS_PURCHASE: Kind.VOID_EARN,
    Kind.POINTS_REDEEM: Kind.VOID_BURN, Kind.POINTS_TRANSFER: Kind.VOID_TRANSFER,
}  # fmt: skip
Done = tuple[PointsTill, Request, Reply]


class Day:
    """Four members, one of them with two cards, at tills of two stores and another merchant's."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self.draw = draw
        self.keys = {
            "debt": draw(st.sampled_from(['"debt"', '"debt"', '"floor"'])),
            "value": draw(st.sampled_from(["1", '"0.7"', "3"])),
            "rounding": draw(st.sampled_from(['"down"', '"up"', '"half_even"'])),
            "pending_days": draw(st.sampled_from(["0", "3"])),
            "store_values": "{}",
            "point_cost": '"0.37"',
            "return_without_original": "true",
        }
        sub = scheme(**LOCAL, **self.keys | {"earn_points": "5", "value": '"0.3"'})
        self.shop = MemberShop(scheme(**MOONS), sub, **self.keys)
        tills = [self.shop.till("T1"), self.shop.till("T2", store="south"), self.shop.till("T9", "B")]
        self.tills, self.members = tills, [self.shop.member(1000), self.shop.member(300, "moon"), self.shop.member()]
        self.cards = [*self.members, self.shop.member(of=self.members[0])]
        self.done: list[Done] = []

    def held(self) -> list[int]:
        return [self.shop.points(card, unit) for card in self.members for unit in UNITS]

    def keep(self, till: PointsTill, reply: Reply) -> None:
        assert reply.outcome is not Outcome.INTERNAL
        if reply.outcome in ACCEPTED:
            self.done.append((till, till.sent, reply))

    def choose(self, *kinds: Kind) -> Done | None:
        found = [one for one in self.done if one[1].kind in kinds]
        return self.draw(st.sampled_from(found)) if found else None

    def deed(self) -> None:
        draw = self.draw
        till, card = draw(st.sampled_from(self.tills)), draw(st.sampled_from(self.cards))
        amount = draw(st.sampled_from([1, 7, 99, 101, 1000, 2500]))
        offline = {"message_class": ADVICE, **clock(self.shop.now)} if draw(st.integers(0, 3)) == 0 else {}
        receipt = {"receipt": draw(st.sampled_from(["000001", "000002"]))}
        match draw(st.sampled_from(["sell", "sell", "pay", "pay", "return", "return", "buy", "give", "void", "undo"])):
            case "sell":
                self.keep(till, till.sale(card, amount, **receipt, **offline))
            case "pay":
                self.keep(till, till.pay(card, amount, **receipt, **offline))
            case "return":
                self.give_back(till, card, amount, offline)
            case "buy":
                self.keep(till, till.buy(card, amount, **receipt))
            case "give":
                self.keep(till, till.transfer(card, draw(st.sampled_from(self.cards)), amount))
            case "void":
                self.void()
            case "undo":
                self.undo(self.choose(*VOIDS, *VOIDS.values()))

    def give_back(self, till: PointsTill, card: PAN, amount: int, offline: dict[str, Any]) -> None:
        bought = self.choose(Kind.SALE, Kind.POINTS_REDEEM)
        if bought is None:
            self.keep(till, till.give_back(card, amount, **offline))
            return
        part = self.draw(st.sampled_from([amount, bought[1].amount or 0]))
        assert bought[1].card is not None
        self.keep(till, till.give_back(bought[1].card, part, rrn=bought[2].rrn, **offline))

    def void(self) -> None:
        done = self.choose(*VOIDS)
        if done:
            till, said, reply = done
            assert said.card is not None
            self.keep(till, till.void(VOIDS[said.kind], said.card, said.amount or 0, rrn=reply.rrn))

    def undo(self, done: Done | None) -> None:
        if done:
            till, said, _ = done
            till.stan += 1
            named = {"original_class": said.message_class, "original_stan": said.stan}
            assert till.reverse(said, stan=till.stan, **named).outcome is APPROVED

    def undo_all(self) -> None:
        """Twice: the reversal of a void makes what it voided live again."""
        for done in (*self.draw(st.permutations(self.done)), *self.draw(st.permutations(self.done))):
            self.undo(done)

    def uncovered(self) -> int:
        return sum(self.shop.system(AccountKind.UNCOVERED, owner, unit) for owner in "AB" for unit in UNITS)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_undoing_everything_leaves_nothing(data: st.DataObject) -> None:
    day = Day(data.draw)
    begun = day.held()
    for _ in range(data.draw(st.integers(2, 15))):
        day.deed()
    day.shop.prove()
    day.undo_all()
    day.shop.prove()
    assert sum(day.held()) + day.uncovered() == sum(begun)
    assert day.shop.clearing() == day.shop.clearing("B") == day.shop.cost() == 0
    if day.keys["debt"] == '"debt"':
        assert (day.held(), day.uncovered()) == (begun, 0)


# -- what that has found -----------------------------------------------------------------------------------------------
def test_what_a_till_took_from_a_member_in_debt_is_booked() -> None:
    shop = MemberShop(value="1", store_values="{}")
    till, card = shop.till(), shop.member(100)
    till.pay(card, 150, message_class=ADVICE, **clock(shop.now))
    reply = till.pay(card, 10, message_class=ADVICE, **clock(shop.now))
    assert (reply.outcome, shop.owed(card)) == (APPROVED, 60)
    shop.prove()


class Returned:
    """A sale of 1000, and a return of 400 of it that was voided."""

    def __init__(self) -> None:
        self.shop = MemberShop(value="1", store_values="{}", point_cost='"0.5"')
        self.till, self.card = self.shop.till(), self.shop.member(100)
        self.sold = self.till.sale(self.card, 1000)
        self.selling = self.till.sent
        back = self.till.give_back(self.card, 400, rrn=self.sold.rrn)
        self.returning = self.till.sent
        assert self.till.void_earn(self.card, 400, rrn=back.rrn).outcome is APPROVED
        self.voiding = self.till.sent

    @property
    def points(self) -> int:
        self.shop.prove()
        return self.shop.points(self.card)


def test_a_return_that_is_live_again_after_its_sale_was_undone_can_be_undone_too() -> None:
    """WIRE.md section 4: an undo books the negative of what its target booked, whatever became of the sale."""
    bought = Returned()
    bought.till.reverse(bought.selling)
    assert bought.points == 100
    bought.till.reverse(bought.voiding)
    assert (bought.points, bought.shop.clearing()) == (96, 2)
    bought.till.reverse(bought.returning)
    assert (bought.points, bought.shop.clearing(), bought.shop.cost()) == (100, 0, 0)


def test_a_sale_that_stands_again_has_the_returns_that_stand_again() -> None:
    bought = Returned()
    assert bought.till.void_earn(bought.card, 1000, rrn=bought.sold.rrn).outcome is APPROVED
    voided = bought.till.sent
    bought.till.reverse(bought.voiding)
    bought.till.reverse(voided)
    assert (bought.points, bought.shop.clearing()) == (106, -3)
    assert split(bought.till.give_back(bought.card, 600, rrn=bought.sold.rrn)) == (0, 600)
    assert bought.till.give_back(bought.card, 1, rrn=bought.sold.rrn).outcome is Outcome.AMOUNT
    assert (bought.points, bought.shop.clearing()) == (100, 0)


@pytest.mark.parametrize("rest", [600, 1000])
def test_a_return_made_anew_before_its_void_is_reversed_counts_too(rest: int) -> None:
    """WIRE.md section 4: the voided transaction is live again. More came back than was sold; nothing else breaks."""
    bought = Returned()
    reply = bought.till.give_back(bought.card, rest, rrn=bought.sold.rrn)
    assert counted(reply) == (rest // 100, 0)
    bought.till.reverse(bought.voiding)
    assert bought.points == 100 + 10 - 4 - rest // 100
    assert bought.till.give_back(bought.card, 1, rrn=bought.sold.rrn).outcome is Outcome.AMOUNT
    bought.till.reverse(bought.selling)
    assert bought.points == 100


@pytest.mark.parametrize("first", ["return", "payment"])
@pytest.mark.parametrize("again", ["return", "payment"])
def test_what_was_given_back_stands_while_return_and_payment_do(first: str, again: str) -> None:
    """Both are undone and stand again, in either order: what is there is what the two of them come to."""
    shop = MemberShop(value="1", store_values="{}")
    till, card, buyer = shop.till(), shop.member(100), shop.member()
    paid = till.pay(card, 40, receipt="000001")
    paying, said = till.sent, {}
    sold = till.sale(buyer, 40, receipt="000001")
    back = till.give_back(buyer, 30, rrn=sold.rrn)
    returning = till.sent
    for what in (first, "payment" if first == "return" else "return"):
        if what == "return":
            assert till.void_earn(buyer, 30, rrn=back.rrn).outcome is APPROVED
        else:  # a payment that was given back cannot be voided
            reply = till.void_burn(card, 40, rrn=paid.rrn)
            assert reply.outcome is (APPROVED if first == "return" else Outcome.ALREADY_UNDONE)
        said[what] = till.sent
    for what in (again, "payment" if again == "return" else "return"):
        till.reverse(said[what])
        shop.prove()
    assert shop.points(card) == 100 - 40 + 30
    till.reverse(paying)
    assert shop.points(card) == 100
    till.reverse(returning)
    assert shop.points(card) == 100
    shop.prove()
