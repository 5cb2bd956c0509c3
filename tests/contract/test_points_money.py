"""Section 3, *Money*, for points: rounding, value by store, partial approval, limits, currencies, DE54 and `PT`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.client import Balance
from tests.contract.members import Club, Programme
from tests.contract.points import POINTS, POINTS_REDEEM, PURCHASE, RETURN, SALE, TRANSFER
from tests.contract.till import APPROVED, Answer, Till


@pytest.fixture
def poor(club: Club, counter: Till, member: str, programme: Programme) -> Iterator[str]:
    """A member left with the least that may be redeemed and three points more; afterwards rich again."""
    keep = programme.some(1) + 3
    spent = counter.do(POINTS_REDEEM, member, programme.worth(counter, counter.points(member) - keep)).expect("00")
    yield member
    counter.reverse(spent.asked, {37: spent.rrn}).expect("00")


# Earning: put on, so rounded down.


@pytest.mark.parametrize("over", [-1, 0, 1])
@pytest.mark.parametrize("times", [1, 2, 10, 137])
def test_what_a_sale_earns_is_rounded_down_to_whole_points(
    counter: Till, member: str, programme: Programme, times: int, over: int
) -> None:
    before, amount = counter.points(member), programme.earn_money * times + over
    if amount == 0:
        pytest.skip("a point for every minor unit: there is nothing below one")
    answer = counter.do(SALE, member, amount).expect("00")
    assert answer.told.earned == programme.earned(amount), answer.story()
    assert answer.available == before + programme.earned(amount), answer.story()


def test_the_smallest_sale_is_approved_whatever_it_earns(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    answer = counter.do(SALE, member, 1).expect("00")
    assert answer.told.earned == programme.earned(1), answer.story()
    counter.void(answer).expect("00")
    assert counter.points(member) == before


# Redeeming: taken, so rounded up, and valued by the store.


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_what_a_redemption_takes_is_rounded_up_to_whole_points(
    counter: Till, member: str, programme: Programme, over: int
) -> None:
    before, amount = counter.points(member), programme.worth(counter, programme.some() + 1) + over
    answer = counter.do(POINTS_REDEEM, member, amount).expect("00")
    taken = programme.taken(counter, amount)
    assert (answer.amount, answer.told.redeemed) == (amount, taken), answer.story()
    assert counter.points(member) == before - taken


def test_points_are_valued_by_the_rate_of_the_store(club: Club, member: str, programme: Programme) -> None:
    stores = {till.record.store: till for tills in club.tills.values() for till in tills}
    if len({programme.value_minor[store] for store in stores}) == 1:
        pytest.skip("the stores of the demo's first merchant value points alike")
    for store, till in sorted(stores.items()):
        amount = programme.value_minor[store] * (programme.some() + 1) - 1
        answer = till.do(POINTS_REDEEM, member, amount).expect("00")
        assert answer.told.redeemed == programme.taken(till, amount), answer.story()
        till.void(answer).expect("00")


def test_a_redemption_below_the_minimum_is_refused_13(counter: Till, member: str, programme: Programme) -> None:
    before, minimum = counter.points(member), programme.redeem_minimum
    if minimum > 1:
        counter.do(POINTS_REDEEM, member, programme.worth(counter, minimum - 1)).expect("13")
    assert counter.points(member) == before
    least = counter.do(POINTS_REDEEM, member, programme.worth(counter, max(minimum, 1))).expect("00")
    assert least.told.redeemed == max(minimum, 1), least.story()


def test_a_redemption_of_nothing_is_refused(counter: Till, member: str) -> None:
    before = counter.points(member)
    assert counter.do(POINTS_REDEEM, member, 0).rc not in APPROVED
    assert counter.points(member) == before


def test_a_redemption_of_all_there_is_leaves_nothing(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    answer = counter.do(POINTS_REDEEM, member, programme.worth(counter, before)).expect("00")
    assert (answer.available, answer.told.redeemed) == (0, before), answer.story()
    assert answer.blocks[0] == Balance("90", "02", "999", 0), answer.story()
    counter.void(answer).expect("00")
    assert counter.points(member) == before


# More than is there.


def test_more_than_there_is_takes_nothing_without_the_capability(
    counter: Till, poor: str, programme: Programme
) -> None:
    before = counter.points(poor)
    answer = counter.do(POINTS_REDEEM, poor, programme.worth(counter, before) + 1).expect("51")
    assert not answer.blocks or answer.available == before, answer.story()
    assert counter.points(poor) == before


def test_a_partial_approval_takes_what_is_there_and_tells_what_was_asked(
    counter: Till, poor: str, programme: Programme
) -> None:
    before, currency = counter.points(poor), counter.record.currency
    asked = programme.worth(counter, before) + 1
    answer = counter.do(POINTS_REDEEM, poor, asked, tables={"CP": "P"}).expect("10")
    assert (answer.amount, answer.told.redeemed) == (programme.worth(counter, before), before), answer.story()
    assert answer.available == 0, answer.story()
    assert [block for block in answer.blocks if block.kind == "57"] == [Balance("90", "57", currency, asked)]
    assert counter.points(poor) == 0
    counter.void(answer).expect("00")
    assert counter.points(poor) == before


@pytest.mark.parametrize("undone_by", ["void", "reversal"])
@pytest.mark.parametrize("named", ["asked", "approved"])
def test_a_partial_approval_is_undone_by_either_amount_and_gives_back_what_was_taken(
    counter: Till, poor: str, programme: Programme, named: str, undone_by: str
) -> None:
    before = counter.points(poor)
    answer = counter.do(POINTS_REDEEM, poor, programme.worth(counter, before) + 7, tables={"CP": "P"}).expect("10")
    amount = answer.asked[4] if named == "asked" else answer[4]
    if undone_by == "void":
        counter.void(answer, {4: amount}).expect("00")
    else:
        counter.reverse(answer.asked, {4: amount, 37: answer.rrn}).expect("00")
    assert counter.points(poor) == before


def test_a_member_without_points_is_refused_51_even_with_the_capability(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    spent = counter.do(POINTS_REDEEM, member, programme.worth(counter, before)).expect("00")
    counter.do(POINTS_REDEEM, member, programme.worth(counter, programme.some()), tables={"CP": "P"}).expect("51")
    counter.void(spent).expect("00")
    assert counter.points(member) == before


# Currencies.


def test_the_terminals_own_currency_may_be_named_and_another_is_refused_12(
    counter: Till, member: str, programme: Programme
) -> None:
    before, amount = counter.points(member), programme.worth(counter, programme.some())
    own, other = counter.record.currency, "840" if counter.record.currency != "840" else "978"
    sale = counter.do(SALE, member, programme.earn_money, {49: own}).expect("00")
    redeemed = counter.do(POINTS_REDEEM, member, amount, {49: own}).expect("00")
    for de3 in (SALE, POINTS_REDEEM, PURCHASE):
        counter.do(de3, member, amount, {49: other}).expect("12")
    counter.void(redeemed).expect("00")
    counter.void(sale).expect("00")
    assert counter.points(member) == before


def test_a_transfer_of_points_in_money_is_refused(club: Club, counter: Till, member: str, programme: Programme) -> None:
    other = club.member(counter)
    before = counter.points(member), counter.points(other)
    answer = counter.do(TRANSFER, member, programme.some(), {49: counter.record.currency}, {"TO": other})
    assert answer.rc not in APPROVED, answer.story()
    assert (counter.points(member), counter.points(other)) == before


# What is told.


def everything_told(till: Till, member: str, programme: Programme) -> list[Answer]:
    amount = programme.earn_money * 4
    sale = till.do(SALE, member, amount).expect("00")
    redeemed = till.do(POINTS_REDEEM, member, programme.worth(till, programme.some())).expect("00")
    returned = till.do(RETURN, member, amount, {37: sale.rrn}).expect("00")
    return [sale, redeemed, returned, till.ask(till.message("0100", POINTS, member)).expect("00")]


def test_every_answer_about_points_tells_what_is_there_in_points(
    counter: Till, member: str, programme: Programme
) -> None:
    for answer in everything_told(counter, member, programme):
        first = answer.blocks[0]
        assert (first.account, first.kind, first.currency) == ("90", "02", "999"), answer.story()
        assert answer.told.available == first.amount_minor, answer.story()
        assert [block for block in answer.blocks[1:] if block.kind not in ("01", "57")] == [], answer.story()


def test_a_void_tells_what_was_taken_back_or_given_back(counter: Till, member: str, programme: Programme) -> None:
    points = programme.some()
    sale = counter.do(SALE, member, programme.earn_money * 4).expect("00")
    redeemed = counter.do(POINTS_REDEEM, member, programme.worth(counter, points)).expect("00")
    void = counter.void(redeemed).expect("00")
    assert (void.told.earned, void.told.redeemed) == (0, points), void.story()
    void = counter.void(sale).expect("00")
    assert (void.told.earned, void.told.redeemed) == (programme.earn_points * 4, 0), void.story()
