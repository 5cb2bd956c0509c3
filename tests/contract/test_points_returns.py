"""Returns: what a part takes back, that all parts are exactly the whole, and what a return must name."""

from __future__ import annotations

import pytest

from tests.contract.members import Club, Programme
from tests.contract.points import POINTS_REDEEM, RETURN, SALE
from tests.contract.till import APPROVED, Answer, Till

# Parts of a whole, in units of the money that earns; what is over is one minor unit each.
PARTS: list[list[tuple[int, int]]] = [
    [(7, 0)],
    [(3, 0), (4, 0)],
    [(1, 0)] * 7,
    [(0, 1), (6, -1), (1, 0)],
    [(2, -1), (2, -1), (2, -1), (1, 3)],
    [(6, 1), (1, -1)],
]


def give_back(till: Till, member: str, part: int, rrn: str) -> Answer:
    return till.do(RETURN, member, part, {37: rrn})


@pytest.mark.parametrize("over", [0, 1, -1])
@pytest.mark.parametrize("parts", PARTS, ids=lambda parts: f"{len(parts)} parts from {parts[0]}")
def test_partial_returns_take_back_the_points_of_the_sale_less_those_of_what_remains(
    counter: Till, member: str, programme: Programme, parts: list[tuple[int, int]], over: int
) -> None:
    before = counter.points(member)
    amounts = [times * programme.earn_money + odd for times, odd in parts]
    amounts[-1] += over
    if min(amounts) <= 0:
        pytest.skip("a point for every minor unit: such parts do not exist")
    left = sum(amounts)
    sale = counter.do(SALE, member, left).expect("00")
    for amount in amounts:
        answer = give_back(counter, member, amount, sale.rrn).expect("00")
        taken = programme.earned(left) - programme.earned(left - amount)
        assert (answer.told.earned, answer.told.redeemed) == (taken, 0), answer.story()
        assert answer.returned == (0, amount), answer.story()
        left -= amount
        assert answer.available == before + programme.earned(left), answer.story()
    give_back(counter, member, 1, sale.rrn).expect("13")
    assert counter.points(member) == before


def test_a_return_larger_than_the_sale_is_refused_13(counter: Till, member: str, programme: Programme) -> None:
    amount = programme.earn_money * 3
    sale = counter.do(SALE, member, amount).expect("00")
    before = counter.points(member)
    for too_much in (amount + 1, amount * 2, 999_999_999_999):
        give_back(counter, member, too_much, sale.rrn).expect("13")
    assert counter.points(member) == before
    give_back(counter, member, amount, sale.rrn).expect("00")


def test_a_return_over_what_is_left_is_refused_whole(counter: Till, member: str, programme: Programme) -> None:
    unit = programme.earn_money
    sale = counter.do(SALE, member, unit * 5).expect("00")
    give_back(counter, member, unit * 3, sale.rrn).expect("00")
    before = counter.points(member)
    give_back(counter, member, unit * 2 + 1, sale.rrn).expect("13")
    assert counter.points(member) == before
    give_back(counter, member, unit * 2, sale.rrn).expect("00")


def test_a_return_of_nothing_is_refused(counter: Till, member: str, programme: Programme) -> None:
    sale = counter.do(SALE, member, programme.earn_money).expect("00")
    before = counter.points(member)
    assert give_back(counter, member, 0, sale.rrn).rc not in APPROVED
    assert counter.points(member) == before


def test_a_return_of_another_members_sale_finds_nothing(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    other = club.member(counter)
    sale = counter.do(SALE, member, programme.earn_money * 2).expect("00")
    before = counter.points(member), counter.points(other)
    give_back(counter, other, programme.earn_money * 2, sale.rrn).expect("25")
    assert (counter.points(member), counter.points(other)) == before
    give_back(counter, member, programme.earn_money * 2, sale.rrn).expect("00")


def test_a_return_that_names_a_number_nobody_gave_finds_nothing(counter: Till, member: str) -> None:
    before = counter.points(member)
    give_back(counter, member, 100, "999999999999").expect("25")
    assert counter.points(member) == before


def test_a_return_of_a_return_or_of_a_void_finds_nothing(counter: Till, member: str, programme: Programme) -> None:
    sale = counter.do(SALE, member, programme.earn_money).expect("00")
    returned = give_back(counter, member, programme.earn_money, sale.rrn).expect("00")
    give_back(counter, member, programme.earn_money, returned.rrn).expect("25")
    void = counter.void(returned).expect("00")
    give_back(counter, member, programme.earn_money, void.rrn).expect("25")


def test_a_return_without_its_sale_is_refused_or_takes_points_at_todays_rule(
    counter: Till, member: str, programme: Programme
) -> None:
    before, amount = counter.points(member), programme.earn_money * 2
    answer = counter.do(RETURN, member, amount).expect("25", "00")
    taken = programme.earned(amount) if answer.rc == "00" else 0
    assert counter.points(member) == before - taken, answer.story()
    if answer.rc == "00":
        counter.void(answer).expect("00")


def test_a_return_at_another_terminal_of_the_store_is_taken(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    before, colleague = counter.points(member), club.colleague(counter)
    sale = counter.do(SALE, member, programme.earn_money * 4).expect("00")
    give_back(colleague, member, programme.earn_money, sale.rrn).expect("00")
    give_back(counter, member, programme.earn_money * 3, sale.rrn).expect("00")
    give_back(colleague, member, 1, sale.rrn).expect("13")
    assert counter.points(member) == before


def test_a_return_at_another_store_is_taken_if_the_programme_allows_it(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    sale = counter.do(SALE, member, programme.earn_money * 4).expect("00")
    before = counter.points(member)
    answer = give_back(club.elsewhere(counter), member, programme.earn_money, sale.rrn).expect("00", "62")
    taken = programme.earn_points if answer.rc == "00" else 0
    assert counter.points(member) == before - taken, answer.story()


def test_a_return_whose_points_are_spent_since_is_never_refused_for_it(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    sale = counter.do(SALE, member, programme.earn_money * 8).expect("00")
    keep = programme.earn_points * 3
    spent = counter.do(POINTS_REDEEM, member, programme.worth(counter, counter.points(member) - keep)).expect("00")
    answer = give_back(counter, member, programme.earn_money * 8, sale.rrn).expect("00")
    assert answer.available in (keep - programme.earn_points * 8, 0), f"debt, or floor\n{answer.story()}"
    debt = answer.available < 0
    counter.reverse(spent.asked, {37: spent.rrn}).expect("00")
    assert counter.points(member) == before if debt else counter.points(member) >= before


# A points redemption without a sale is returned by its own number.


@pytest.mark.parametrize("parts", [(1,), (2, 3), (1, 1, 1), (5, 1, 4)])
def test_partial_returns_of_a_redemption_give_back_exactly_what_it_took(
    counter: Till, member: str, programme: Programme, parts: tuple[int, ...]
) -> None:
    before, each = counter.points(member), programme.some(20)
    amounts = [programme.worth(counter, part * each) for part in parts]
    redeemed = counter.do(POINTS_REDEEM, member, sum(amounts)).expect("00")
    for part, amount in zip(parts, amounts, strict=True):
        answer = give_back(counter, member, amount, redeemed.rrn).expect("00")
        assert (answer.told.earned, answer.told.redeemed) == (0, part * each), answer.story()
        assert answer.returned == (amount, 0), answer.story()
    give_back(counter, member, 1, redeemed.rrn).expect("13")
    assert counter.points(member) == before


@pytest.mark.parametrize("pieces", [2, 3, 7])
def test_odd_parts_of_an_odd_redemption_are_together_the_whole(
    counter: Till, member: str, programme: Programme, pieces: int
) -> None:
    before = counter.points(member)
    amount = programme.worth(counter, programme.some(40)) + 1
    redeemed = counter.do(POINTS_REDEEM, member, amount).expect("00")
    took, given = programme.taken(counter, amount), 0
    parts = [amount // pieces] * (pieces - 1)
    parts.append(amount - sum(parts))
    for part in parts:
        answer = give_back(counter, member, part, redeemed.rrn).expect("00")
        assert answer.returned == (part, 0), answer.story()
        given += answer.told.redeemed
        assert given <= took, answer.story()
        assert answer.available == before - took + given, answer.story()
    assert given == took
    give_back(counter, member, 1, redeemed.rrn).expect("13")


def test_of_a_partial_approval_only_what_was_taken_can_be_returned(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    worth = programme.worth(counter, before)
    redeemed = counter.do(POINTS_REDEEM, member, worth + 500, tables={"CP": "P"}).expect("10")
    give_back(counter, member, worth + 1, redeemed.rrn).expect("13")
    give_back(counter, member, worth, redeemed.rrn).expect("00")
    assert counter.points(member) == before


def test_a_return_at_a_store_of_another_rate_uses_the_rate_of_the_redemption(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    before, points = counter.points(member), programme.some()
    amount = programme.worth(counter, points)
    redeemed = counter.do(POINTS_REDEEM, member, amount).expect("00")
    answer = give_back(club.elsewhere(counter), member, amount, redeemed.rrn).expect("00", "62")
    if answer.rc == "00":
        assert (answer.told.redeemed, answer.returned.worth) == (points, amount), answer.story()
        assert counter.points(member) == before
