"""Loyalty cards and batches at terminals that go by a number: voids and reversals that do not say of what, opening
points, payments in part, numbers of batches (WIRE-VISA2.md sections 3 and 4)."""

from typing import Any

import msgspec
import pytest

from specs import limits
from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, MessageClass, Request
from switch.core.holdings import CardState
from switch.core.merchants import Right
from tests.core.members import MemberShop, PointsTill, counted
from tests.core.test_sequenced import HERE, NUMBER


class Register(PointsTill):
    def write(self, kind: Kind, card: PAN | None = None, amount: int | None = None, **fields: Any) -> Request:
        said: dict[str, Any] = {"acceptor": HERE, "sequenced": True} | fields
        return msgspec.structs.replace(super().write(kind, card, amount, **said), merchant_id="", terminal_id="")


def opened(**changes: Any) -> tuple[MemberShop, Register]:
    profile = changes.pop("profile", {})
    shop = MemberShop(**changes)
    shop.till("REG1", number=NUMBER, **profile)
    return shop, Register(shop, "REG1", "A")


@pytest.mark.parametrize("undo", [Kind.LOYALTY_VOID, Kind.LOYALTY_ANY])
@pytest.mark.parametrize("kind", [Kind.SALE, Kind.POINTS_REDEEM, Kind.SALE_RETURN])
def test_every_kind_is_undone_whether_it_says_which_or_not(kind: Kind, undo: Kind) -> None:
    shop, till = opened(return_without_original="true")
    card = shop.member(500)
    for by_reference in (True, False):
        done = till.say(till.write(kind, card, 1000))
        assert done.outcome is Outcome.APPROVED
        assert shop.points(card) != 500
        message_class = MessageClass.REVERSAL if undo is Kind.LOYALTY_ANY else MessageClass.REQUEST
        rrn = done.rrn if by_reference else None
        reply = till.say(till.write(undo, card, 0, message_class=message_class, rrn=rrn))
        assert (reply.outcome, shop.points(card)) == (Outcome.APPROVED, 500)
        assert sum(counted(reply)) > 0
        assert reply.points is not None
        assert reply.points.available == 500


def test_undoing_of_points_leaves_gift_cards_alone() -> None:
    shop, till = opened()
    gift = shop.card(balance=5000)
    done = till.redeem(gift, 1000)
    reply = till.say(till.write(Kind.LOYALTY_ANY, gift, 0, message_class=MessageClass.REVERSAL, rrn=done.rrn))
    assert (reply.outcome, shop.balance(gift)) == (Outcome.APPROVED, 4000)


@pytest.mark.parametrize("allowed", [False, True])
def test_opening_points_need_a_right(allowed: bool) -> None:
    rights = tuple(right for right in Right if allowed or right is not Right.OPENING_POINTS)
    shop, till = opened(profile={"rights": rights})
    card = shop.member(active=False)
    reply = till.say(till.write(Kind.ENROL, card, 250))
    assert reply.outcome is (Outcome.APPROVED if allowed else Outcome.AMOUNT)
    assert shop.points(card) == (250 if allowed else 0)
    if not allowed:
        assert till.enrol(card).outcome is Outcome.APPROVED
        return
    undone = till.say(till.write(Kind.LOYALTY_ANY, card, 250, message_class=MessageClass.REVERSAL, rrn=reply.rrn))
    assert (undone.outcome, shop.points(card), shop.record(card).state) == (Outcome.APPROVED, 0, CardState.INACTIVE)


@pytest.mark.parametrize("may", ["false", "true"])
def test_points_pay_in_part_only_if_the_scheme_allows_it(may: str) -> None:
    shop, till = opened(redeem_partial=may)
    card = shop.member(100)
    reply = till.pay(card, 1000, partial=True)
    assert reply.outcome is (Outcome.PARTIAL if may == "true" else Outcome.NOT_ENOUGH)
    ids = shop.till("T1")
    assert ids.pay(shop.member(100), 1000, partial=True).outcome is Outcome.PARTIAL, "who says that it can, may"


def test_what_points_are_worth_here_is_told() -> None:
    shop, till = opened()
    assert till.ask(shop.member(500)).points_worth == 1000, "two minor units each in this store"


def test_numbers_of_batches_have_three_digits() -> None:
    shop, till = opened()
    logon = till.log_on(batch=999)
    assert (logon.outcome, logon.batch) == (Outcome.APPROVED, 999)
    assert logon.rrn is not None
    assert till.settle(999, (0, 0), (0, 0)).outcome is Outcome.APPROVED
    assert till.log_on().batch == 1
    other = shop.till("T1")
    other.log_on(batch=limits.BATCH_NUMBER_MAX_SHORT)
    other.settle(limits.BATCH_NUMBER_MAX_SHORT, (0, 0))
    assert other.log_on().batch == 1000


def test_a_batch_is_settled_by_its_two_blocks() -> None:
    shop, till = opened()
    gift = shop.card(balance=5000)
    till.redeem(gift, 1000)
    till.say(till.write(Kind.GIFT_CASH_BACK, gift, 500))
    till.reload(gift, 2000)
    differ = till.settle(1, (1, 1000), (1, 2000))
    assert differ.outcome is Outcome.TOTALS
    assert [(total.count, total.amount) for total in differ.totals or ()] == [(2, 1500), (1, 2000)]
    assert till.settle(1, (2, 1500), (1, 2000)).outcome is Outcome.APPROVED
