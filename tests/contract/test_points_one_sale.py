"""Section 3, *One sale, several messages*: what returns give back of a sale partly paid with points, in every order."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.contract.members import Programme
from tests.contract.mixed_sale import TOLD, purchase
from tests.contract.points import POINTS_REDEEM, RETURN, SALE
from tests.contract.till import Answer, Till


@pytest.mark.parametrize("tenders", ["", TOLD])
def test_a_whole_return_gives_the_points_back_and_tells_what_the_till_pays_out(
    counter: Till, member: str, programme: Programme, tenders: str
) -> None:
    bought = purchase(counter, member, programme, tenders)
    answer = counter.do(RETURN, member, bought.amount, {37: bought.sale.rrn}).expect("00")
    assert (answer.told.earned, answer.told.redeemed) == (bought.earned, bought.points), answer.story()
    assert answer.returned == (bought.paid, bought.amount - bought.paid), answer.story()
    assert counter.points(member) == bought.before


@pytest.mark.parametrize("tenders", ["", TOLD])
@pytest.mark.parametrize("shares", [(1, 1), (1, 2, 3), (5, 1, 1), (1,) * 7])
def test_all_partial_returns_of_a_mixed_sale_are_together_exactly_the_whole(
    counter: Till, member: str, programme: Programme, shares: tuple[int, ...], tenders: str
) -> None:
    bought = purchase(counter, member, programme, tenders)
    parts = [bought.amount * share // sum(shares) for share in shares]
    parts[-1] += bought.amount - sum(parts)
    taken = given = worth = rest = 0
    for part in parts:
        answer = counter.do(RETURN, member, part, {37: bought.sale.rrn}).expect("00")
        taken, given = taken + answer.told.earned, given + answer.told.redeemed
        worth, rest = worth + answer.returned.worth, rest + answer.returned.rest
        assert taken <= bought.earned, answer.story()
        assert given <= bought.points, answer.story()
        assert answer.available == bought.before - bought.points + bought.earned - taken + given, answer.story()
    assert (taken, given) == (bought.earned, bought.points)
    assert (worth, rest) == (bought.paid, bought.amount - bought.paid)
    assert counter.points(member) == bought.before
    counter.do(RETURN, member, 1, {37: bought.sale.rrn}).expect("13")


def test_points_returned_through_the_sale_are_not_returned_again_by_the_redemption(
    counter: Till, member: str, programme: Programme
) -> None:
    bought = purchase(counter, member, programme)
    counter.do(RETURN, member, bought.amount, {37: bought.sale.rrn}).expect("00")
    counter.do(RETURN, member, bought.paid, {37: bought.redeemed.rrn}).expect("13", "25")
    assert counter.points(member) == bought.before


# Undoing parts of it, in every order.

UNDOING = [order for how in ("void", "reversal") for order in permutations([("redemption", how), ("sale", how)])]


@pytest.mark.parametrize("tenders", ["", TOLD])
@pytest.mark.parametrize("order", UNDOING, ids=lambda order: " then ".join(f"{how} of {what}" for what, how in order))
def test_undoing_both_messages_in_either_order_leaves_everything_as_before(
    counter: Till, member: str, programme: Programme, order: tuple[tuple[str, str], ...], tenders: str
) -> None:
    bought = purchase(counter, member, programme, tenders)
    for what, how in order:
        bought.undo(what, how).expect("00")
    assert counter.points(member) == bought.before


@pytest.mark.parametrize("how", ["void", "reversal"])
@pytest.mark.parametrize("what", ["redemption", "sale"])
def test_undoing_one_message_leaves_the_other_as_it_was(
    counter: Till, member: str, programme: Programme, what: str, how: str
) -> None:
    bought = purchase(counter, member, programme)
    bought.undo(what, how).expect("00")
    stands = bought.earned if what == "redemption" else -bought.points
    assert counter.points(member) == bought.before + stands


@pytest.mark.parametrize("how", ["void", "reversal"])
def test_a_return_after_the_redemption_was_undone_pays_out_all_of_it_and_gives_no_points(
    counter: Till, member: str, programme: Programme, how: str
) -> None:
    bought = purchase(counter, member, programme)
    bought.undo("redemption", how).expect("00")
    answer = counter.do(RETURN, member, bought.amount, {37: bought.sale.rrn}).expect("00")
    assert (answer.told.earned, answer.told.redeemed) == (bought.earned, 0), answer.story()
    assert answer.returned == (0, bought.amount), answer.story()
    assert counter.points(member) == bought.before


def test_a_reversed_sale_undoes_its_returns_and_a_reversed_redemption_follows(
    counter: Till, member: str, programme: Programme
) -> None:
    bought = purchase(counter, member, programme)
    half = counter.do(RETURN, member, bought.amount // 2, {37: bought.sale.rrn}).expect("00")
    bought.undo("sale", "void").expect("79")
    bought.undo("sale", "reversal").expect("00")
    assert counter.points(member) == bought.before - bought.points, "the return's give-back is undone with the sale"
    counter.void(half).expect("79")
    bought.undo("redemption", "reversal").expect("00")
    assert counter.points(member) == bought.before


@pytest.mark.parametrize("first", ["redemption", "sale"])
def test_reversing_everything_after_a_return_leaves_everything_as_before(
    counter: Till, member: str, programme: Programme, first: str
) -> None:
    bought = purchase(counter, member, programme)
    counter.do(RETURN, member, bought.amount // 3, {37: bought.sale.rrn}).expect("00")
    for what in sorted(["redemption", "sale"], key=lambda what: what != first):
        bought.undo(what, "reversal").expect("00")
    assert counter.points(member) == bought.before


def test_a_voided_return_can_be_made_again(counter: Till, member: str, programme: Programme) -> None:
    bought = purchase(counter, member, programme)
    after = counter.points(member)
    returned = counter.do(RETURN, member, bought.amount, {37: bought.sale.rrn}).expect("00")
    counter.void(returned).expect("00")
    assert counter.points(member) == after
    again = counter.do(RETURN, member, bought.amount, {37: bought.sale.rrn}).expect("00")
    assert again.returned == returned.returned, again.story()
    assert counter.points(member) == bought.before


def test_a_redemption_told_after_its_sale_is_undone_by_itself(counter: Till, member: str, programme: Programme) -> None:
    before, receipt, amount = counter.points(member), counter.receipt(), programme.earn_money * 20
    sale = counter.do(SALE, member, amount, {62: receipt}).expect("00")
    paid = programme.worth(counter, programme.some())
    redeemed = counter.do(POINTS_REDEEM, member, paid, {62: receipt}).expect("00")
    assert counter.points(member) == before + sale.told.earned - programme.some()
    counter.void(redeemed).expect("00")
    counter.void(sale).expect("00")
    assert counter.points(member) == before


# Every order of returning a part, undoing the redemption, undoing the sale and undoing the return.

STEPS = ("return a part", "undo the redemption", "undo the sale", "undo the return")


@pytest.mark.parametrize("how", ["void", "reversal"])
@pytest.mark.parametrize("order", list(permutations(STEPS)), ids=", ".join)
def test_whatever_the_order_no_points_appear_and_undoing_the_rest_leaves_nothing(
    counter: Till, member: str, programme: Programme, order: tuple[str, ...], how: str
) -> None:
    bought = purchase(counter, member, programme)
    returned: Answer | None = None
    most = bought.before + bought.earned
    for step in order:
        if step == "return a part":
            answer = counter.do(RETURN, member, bought.amount * 2 // 5, {37: bought.sale.rrn, 62: counter.receipt()})
            returned = answer.expect("25" if "undo the sale" in order[: order.index(step)] else "00")
        elif step == "undo the return":
            if returned is not None and returned.rc == "00":
                answer = counter.void(returned) if how == "void" else counter.reverse(returned.asked)
                answer.expect(*(["00"] if how == "reversal" else ["00", "79"]))
        else:
            answer = bought.undo(step.removeprefix("undo the "), how)
            answer.expect(*(["00"] if how == "reversal" else ["00", "79"]))
        assert bought.before - bought.points <= counter.points(member) <= most, answer.story()
    bought.undo("redemption", "reversal").expect("00")
    bought.undo("sale", "reversal").expect("00")
    assert counter.points(member) == bought.before
