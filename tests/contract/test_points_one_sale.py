"""Section 3, *One sale, several messages*: tenders told or found, what earns, and what a return gives back of each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import pytest

from tests.contract.conftest import House
from tests.contract.members import Programme
from tests.contract.points import POINTS_REDEEM, RETURN, SALE
from tests.contract.till import REDEEM, Answer, Till


@dataclass
class Purchase:
    """A sale partly paid with points, under one receipt."""

    till: Till
    member: str
    receipt: str
    before: int
    amount: int
    paid: int  # with points, in money
    points: int  # that it took
    earned: int
    redeemed: Answer
    sale: Answer

    def undo(self, what: str, how: str) -> Answer:
        answer = self.redeemed if what == "redemption" else self.sale
        return self.till.void(answer) if how == "void" else self.till.reverse(answer.asked, {37: answer.rrn})


def purchase(till: Till, member: str, programme: Programme, tenders: str = "") -> Purchase:
    """Redeems, then tells the sale; `tenders` names them in TD, or nothing does."""
    before, points, receipt = till.points(member), programme.some(), till.receipt()
    paid = programme.worth(till, points)
    amount = paid + programme.earn_money * 20 + 1
    redeemed = till.do(POINTS_REDEEM, member, paid, {62: receipt}).expect("00")
    tables = {"TD": tenders.format(P=paid, O=amount - paid)} if tenders else None
    sale = till.do(SALE, member, amount, {62: receipt}, tables).expect("00")
    return Purchase(till, member, receipt, before, amount, paid, points, sale.told.earned, redeemed, sale)


TOLD = "P,{P};O,{O}"


@pytest.mark.parametrize("tenders", ["", TOLD, "O,{O};P,{P}"])
def test_the_part_paid_with_points_does_not_earn(
    counter: Till, member: str, programme: Programme, tenders: str
) -> None:
    bought = purchase(counter, member, programme, tenders)
    assert bought.earned == programme.earned(bought.amount - bought.paid), bought.sale.story()
    assert counter.points(member) == bought.before - bought.points + bought.earned


def test_what_was_told_and_what_was_found_earn_alike(counter: Till, member: str, programme: Programme) -> None:
    found = purchase(counter, member, programme)
    told = purchase(counter, member, programme, TOLD)
    assert (found.amount, found.earned) == (told.amount, told.earned)


def test_a_preview_with_tenders_tells_what_the_sale_will_earn(counter: Till, member: str, programme: Programme) -> None:
    tables = {"TD": f"P,{programme.earn_money * 3};O,{programme.earn_money * 5}"}
    preview = counter.message("0100", SALE, member, programme.earn_money * 8, tables=tables)
    assert counter.ask(preview).expect("00").told.earned == programme.earn_points * 5


def test_a_sale_without_redemptions_under_its_receipt_earns_in_full(
    counter: Till, member: str, programme: Programme
) -> None:
    counter.do(POINTS_REDEEM, member, programme.worth(counter, programme.some()), {62: counter.receipt()}).expect("00")
    sale = counter.do(SALE, member, programme.earn_money * 20, {62: counter.receipt()}).expect("00")
    assert sale.told.earned == programme.earn_points * 20, sale.story()


def test_a_redemption_undone_before_the_sale_is_no_tender(counter: Till, member: str, programme: Programme) -> None:
    receipt, amount = counter.receipt(), programme.worth(counter, programme.some())
    for undo in ("void", "reversal"):
        done = counter.do(POINTS_REDEEM, member, amount, {62: receipt}).expect("00")
        (counter.void(done) if undo == "void" else counter.reverse(done.asked)).expect("00")
    money = amount + programme.earn_money * 4
    sale = counter.do(SALE, member, money, {62: receipt}).expect("00")
    assert sale.told.earned == programme.earned(money), sale.story()


def test_what_a_gift_card_paid_earns_told_or_found(
    house: House, counter: Till, member: str, programme: Programme
) -> None:
    card, receipt, amount = house.card(counter), counter.receipt(), programme.earn_money * 6
    counter.do(REDEEM, card, 500, {62: receipt}).expect("00")
    found = counter.do(SALE, member, amount, {62: receipt}).expect("00")
    told = counter.do(SALE, member, amount, tables={"TD": f"G,500;O,{amount - 500}"}).expect("00")
    assert found.told.earned == told.told.earned == programme.earned(amount), found.story()


# Returns.


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
