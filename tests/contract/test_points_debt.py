"""Section 4, *Forced movements*: what a forced movement takes beyond the points there are, and how it is made good.

The programme decides between debt and floor. With debt everything undone later leaves exactly the beginning, so these
tests follow a debt through; where the programme floors at zero, they only see that nothing is below.
"""

from __future__ import annotations

import pytest

from tests.contract.members import Club, Programme
from tests.contract.mixed_sale import purchase
from tests.contract.points import POINTS, POINTS_REDEEM, RETURN, SALE, TRANSFER
from tests.contract.till import APPROVED, Answer, Till


def spend_all_but(till: Till, member: str, programme: Programme, keep: int) -> Answer:
    return till.do(POINTS_REDEEM, member, programme.worth(till, till.points(member) - keep)).expect("00")


def is_floored(there: int, owed: int) -> bool:
    """Whether the programme floors; else the debt is exactly what is owed."""
    assert there in (-owed, 0), f"{there} is neither the debt of {owed} nor zero"
    return there == 0


@pytest.fixture
def owing(counter: Till, member: str, programme: Programme) -> tuple[str, int, Answer]:
    """A member who owes, how much, and the redemption whose undoing makes it good."""
    sale = counter.do(SALE, member, programme.earn_money * 100).expect("00")
    spent = spend_all_but(counter, member, programme, 0)
    counter.reverse(sale.asked, {37: sale.rrn}).expect("00")
    owed = programme.earn_points * 100
    if is_floored(counter.points(member), owed):
        pytest.skip("the programme floors at zero")
    return member, owed, spent


def settle(till: Till, member: str, spent: Answer, rest: int) -> None:
    till.reverse(spent.asked, {37: spent.rrn}).expect("00")
    assert till.points(member) == rest + int(spent.told.redeemed)


def test_a_debt_is_told_below_zero(counter: Till, owing: tuple[str, int, Answer]) -> None:
    member, owed, spent = owing
    answer = counter.ask(counter.message("0100", POINTS, member)).expect("00")
    assert (answer.available, answer.told.available, answer.told.expiring) == (-owed, -owed, 0), answer.story()
    settle(counter, member, spent, -owed)


def test_a_debt_is_earned_off_first(counter: Till, programme: Programme, owing: tuple[str, int, Answer]) -> None:
    member, owed, spent = owing
    first = counter.do(SALE, member, programme.earn_money * 40).expect("00")
    assert first.available == programme.earn_points * 40 - owed, first.story()
    second = counter.do(SALE, member, programme.earn_money * 100).expect("00")
    assert second.available == programme.earn_points * 40, second.story()
    counter.void(second).expect("51")
    assert counter.points(member) == programme.earn_points * 40
    for sale in (second, first):
        counter.reverse(sale.asked, {37: sale.rrn}).expect("00")
    assert counter.points(member) == -owed
    settle(counter, member, spent, -owed)


@pytest.mark.parametrize("tables", [None, {"CP": "P"}])
def test_who_owes_cannot_spend_or_give(
    club: Club, counter: Till, programme: Programme, owing: tuple[str, int, Answer], tables: dict[str, str] | None
) -> None:
    member, owed, spent = owing
    counter.do(POINTS_REDEEM, member, programme.worth(counter, programme.some()), tables=tables).expect("51")
    other = club.member(counter)
    answer = counter.do(TRANSFER, member, programme.some(), tables={"TO": other})
    assert answer.rc not in APPROVED, answer.story()
    assert counter.points(member) == -owed
    settle(counter, member, spent, -owed)


def test_a_debt_made_good_gives_no_credit_afterwards(
    counter: Till, programme: Programme, owing: tuple[str, int, Answer]
) -> None:
    member, owed, spent = owing
    settle(counter, member, spent, -owed)
    there = counter.points(member)
    counter.do(POINTS_REDEEM, member, programme.worth(counter, there + 1)).expect("51")
    sale = counter.do(SALE, member, programme.earn_money * 50).expect("00")
    again = spend_all_but(counter, member, programme, 1)
    counter.void(sale).expect("51")
    assert counter.points(member) == 1
    counter.void(again).expect("00")
    counter.void(sale).expect("00")
    assert counter.points(member) == there


def test_a_return_whose_given_back_points_are_spent_is_not_voided_but_reversed(
    counter: Till, member: str, programme: Programme
) -> None:
    bought = purchase(counter, member, programme)
    returned = counter.do(RETURN, member, bought.amount, {37: bought.sale.rrn}).expect("00")
    net = bought.points - bought.earned  # what the return put on
    spent = spend_all_but(counter, member, programme, 0)
    counter.void(returned).expect("51")
    counter.reverse(returned.asked, {37: returned.rrn}).expect("00")
    if is_floored(counter.points(member), net):
        return
    settle(counter, member, spent, -net)
    assert counter.points(member) == bought.before - net


def test_a_reversed_void_of_a_redemption_takes_its_points_again_though_spent(
    counter: Till, member: str, programme: Programme
) -> None:
    before, points = counter.points(member), programme.some()
    redeemed = counter.do(POINTS_REDEEM, member, programme.worth(counter, points)).expect("00")
    void = counter.void(redeemed).expect("00")
    spent = spend_all_but(counter, member, programme, 0)
    counter.reverse(void.asked).expect("00")
    if is_floored(counter.points(member), points):
        return
    settle(counter, member, spent, -points)
    assert counter.points(member) == before - points
    counter.void(redeemed).expect("00")
    assert counter.points(member) == before


def test_a_reversed_transfer_gives_the_giver_everything_though_the_taker_spent_it(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    other, points = club.member(counter), programme.some(100)
    before, others = counter.points(member), counter.points(other)
    done = counter.do(TRANSFER, member, points, tables={"TO": other}).expect("00")
    spent = spend_all_but(counter, other, programme, 0)
    counter.reverse(done.asked).expect("00")
    assert counter.points(member) == before
    if is_floored(counter.points(other), points):
        return
    settle(counter, other, spent, -points)
    assert counter.points(other) == others


def test_partial_returns_into_debt_are_together_exactly_the_whole(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    sale = counter.do(SALE, member, programme.earn_money * 9).expect("00")
    spent = spend_all_but(counter, member, programme, programme.earn_points * 4)
    parts = [counter.do(RETURN, member, programme.earn_money * 3, {37: sale.rrn}).expect("00") for _ in range(3)]
    if is_floored(counter.points(member), programme.earn_points * 5):
        return
    assert [part.told.earned for part in parts] == [programme.earn_points * 3] * 3
    counter.do(RETURN, member, 1, {37: sale.rrn}).expect("13")
    settle(counter, member, spent, -programme.earn_points * 5)
    assert counter.points(member) == before


@pytest.mark.parametrize("undone_by", ["void", "reversal", "return"])
def test_an_advice_beyond_the_points_is_undone_exactly(
    counter: Till, member: str, programme: Programme, undone_by: str
) -> None:
    before = counter.points(member)
    amount = programme.worth(counter, before + programme.some())
    done = counter.ask(counter.message("0220", POINTS_REDEEM, member, amount, counter.when(-3))).expect("00")
    floored = is_floored(counter.points(member), programme.some())
    match undone_by:
        case "void":
            counter.void(done).expect("00")
        case "reversal":
            counter.reverse(done.asked, {37: done.rrn}).expect("00")
        case _ if floored:
            return
        case _:
            half = amount // 2
            for part in (half, amount - half):
                counter.do(RETURN, member, part, {37: done.rrn}).expect("00")
    assert counter.points(member) == before
