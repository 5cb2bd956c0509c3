"""Section 4, the table of undoing, for points: void, reversal and return by RRN, by what the original is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.client import Message
from tests.contract.members import Club, Programme
from tests.contract.points import CARD_BLOCK, CARD_UNBLOCK, POINTS_REDEEM, PURCHASE, RETURN, SALE, TRANSFER
from tests.contract.till import Answer, Till, by_de90, void_code

Make = Callable[[Till, str, str, int], Answer]


def live(till: Till, member: str, de3: str, amount: int) -> Answer:
    return till.do(de3, member, amount, {62: till.receipt()}).expect("00")


def of_a_closed_batch(till: Till, member: str, de3: str, amount: int) -> Answer:
    batch = till.open_batch()
    done = till.do(de3, member, amount, {60: batch}).expect("00")
    till.open_batch({60: f"{int(batch) % 999_999 + 1:06}"})  # leaves the first behind
    return done


def voided(till: Till, member: str, de3: str, amount: int) -> Answer:
    done = live(till, member, de3, amount)
    till.void(done).expect("00")
    return done


def reversed_(till: Till, member: str, de3: str, amount: int) -> Answer:
    done = live(till, member, de3, amount)
    till.reverse(done.asked).expect("00")
    return done


def with_a_return(till: Till, member: str, de3: str, amount: int) -> Answer:
    done = live(till, member, de3, amount)
    till.do(RETURN, member, amount // 2, {37: done.rrn}).expect("00")
    return done


def with_an_undone_return(till: Till, member: str, de3: str, amount: int) -> Answer:
    done = live(till, member, de3, amount)
    returned = till.do(RETURN, member, amount // 2, {37: done.rrn}).expect("00")
    till.void(returned).expect("00")
    return done


def live_again(till: Till, member: str, de3: str, amount: int) -> Answer:
    done = live(till, member, de3, amount)
    void = till.void(done).expect("00")
    till.reverse(void.asked).expect("00")
    return done


def never_seen(till: Till, member: str, de3: str, amount: int) -> Answer:
    asked = till.message("0200", de3, member, amount)
    return Answer(Message({0: "0210", 37: "999999999999"}), asked, till.dialect)


# fmt: off
TABLE: list[tuple[Make, str, str, bool]] = [
    # the original is        void  return of all by RRN, whether its points still stand
    (live,                   "00", "00", True),
    (of_a_closed_batch,      "78", "00", True),
    (voided,                 "79", "25", False),
    (reversed_,              "79", "25", False),
    (with_a_return,          "79", "13", True),
    (with_an_undone_return,  "00", "00", True),
    (live_again,             "00", "00", True),
    (never_seen,             "78", "25", False),
]
# fmt: on
CASES = [row[0].__name__.strip("_") for row in TABLE]
KINDS = pytest.mark.parametrize("de3", [SALE, POINTS_REDEEM], ids=["sale", "redemption"])


def amount_of(till: Till, programme: Programme, de3: str) -> tuple[int, int]:
    """Money for a movement of whole points on either half, and the points it puts on (below zero: takes)."""
    if de3 == SALE:
        return programme.earn_money * 8, programme.earn_points * 8
    points = programme.some(20) * 2
    return programme.worth(till, points), -points


@KINDS
@pytest.mark.parametrize(("make", "code"), [(row[0], row[1]) for row in TABLE], ids=CASES)
def test_a_void_is_answered_as_the_table_says(
    counter: Till, member: str, programme: Programme, make: Make, code: str, de3: str
) -> None:
    amount, moved = amount_of(counter, programme, de3)
    original = make(counter, member, de3, amount)
    before = counter.points(member)
    answer = counter.void(original).expect(code)
    assert counter.points(member) == before - (moved if code == "00" else 0), answer.story()


@KINDS
@pytest.mark.parametrize(("make", "code"), [(row[0], row[2]) for row in TABLE], ids=CASES)
def test_a_return_by_rrn_is_answered_as_the_table_says(
    counter: Till, member: str, programme: Programme, make: Make, code: str, de3: str
) -> None:
    amount, moved = amount_of(counter, programme, de3)
    original = make(counter, member, de3, amount)
    before = counter.points(member)
    answer = counter.do(RETURN, member, amount, {37: original.rrn}).expect(code)
    assert counter.points(member) == before - (moved if code == "00" else 0), answer.story()


@KINDS
@pytest.mark.parametrize(("make", "stands"), [(row[0], row[3]) for row in TABLE], ids=CASES)
def test_a_reversal_is_never_refused_and_leaves_nothing_of_the_original_or_its_returns(
    counter: Till, member: str, programme: Programme, make: Make, stands: bool, de3: str
) -> None:
    amount, _ = amount_of(counter, programme, de3)
    start = counter.points(member)
    original = make(counter, member, de3, amount)
    counter.reverse(original.asked, {37: original.rrn, 60: None}).expect("00")
    assert counter.points(member) == start
    if stands:
        counter.void(original).expect(*(["78", "79"] if make is of_a_closed_batch else ["79"]))
    counter.reverse(original.asked, {37: original.rrn, 60: None}, "0421").expect("00")
    assert counter.points(member) == start


@KINDS
def test_a_void_cannot_be_voided_or_returned(counter: Till, member: str, programme: Programme, de3: str) -> None:
    amount, _ = amount_of(counter, programme, de3)
    void = counter.void(live(counter, member, de3, amount)).expect("00")
    before = counter.points(member)
    counter.ask(counter.message("0200", void_code(de3), member, amount, {37: void.rrn})).expect("79")
    counter.do(RETURN, member, amount, {37: void.rrn}).expect("25")
    assert counter.points(member) == before


def test_a_refused_redemption_is_not_voided_returned_or_reversed(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    refused = counter.do(POINTS_REDEEM, member, programme.worth(counter, before + 1)).expect("51")
    counter.void(refused).expect("78")
    counter.do(RETURN, member, 100, {37: refused.rrn}).expect("25")
    counter.reverse(refused.asked).expect("00")
    assert counter.points(member) == before


@KINDS
def test_another_terminals_transaction_is_not_voided_and_its_reversal_moves_nothing(
    club: Club, counter: Till, member: str, programme: Programme, de3: str
) -> None:
    amount, moved = amount_of(counter, programme, de3)
    before, colleague = counter.points(member), club.colleague(counter)
    done = live(counter, member, de3, amount)
    colleague.void(done).expect("78")
    named: list[dict[int, str | None]] = [{37: done.rrn}, {62: done.asked[62]}, {90: by_de90(done.asked)}]
    for more in named:
        colleague.reverse(done.asked, more).expect("00")
    assert counter.points(member) == before + moved
    counter.void(done).expect("00")


@KINDS
def test_a_void_by_receipt_means_the_newest_not_yet_undone(
    counter: Till, member: str, programme: Programme, de3: str
) -> None:
    amount, _ = amount_of(counter, programme, de3)
    before, receipt = counter.points(member), counter.receipt()
    first = counter.do(de3, member, amount, {62: receipt}).expect("00")
    second = counter.do(de3, member, amount, {62: receipt}).expect("00")
    counter.void(second, {37: None, 62: receipt}).expect("00")
    counter.void(second).expect("79")
    counter.void(first, {37: None, 62: receipt}).expect("00")
    counter.void(first, {37: None, 62: receipt}).expect("78", "79")
    assert counter.points(member) == before


# A load or earning spent since.


def spend_all_but(till: Till, member: str, programme: Programme, keep: int) -> Answer:
    points = till.points(member) - keep
    return till.do(POINTS_REDEEM, member, programme.worth(till, points)).expect("00")


@pytest.mark.parametrize("de3", [SALE, PURCHASE])
def test_an_earning_spent_since_is_not_voided(counter: Till, member: str, programme: Programme, de3: str) -> None:
    before = counter.points(member)
    done = counter.do(de3, member, max(programme.earn_money * 8, 10_000)).expect("00")
    got = done.told.earned
    spent = spend_all_but(counter, member, programme, got - 1)
    counter.void(done).expect("51")
    assert counter.points(member) == got - 1
    counter.void(spent).expect("00")
    counter.void(done).expect("00")
    assert counter.points(member) == before


@pytest.mark.parametrize("de3", [SALE, PURCHASE])
def test_the_reversal_of_an_earning_spent_since_is_approved_and_follows_the_programme(
    counter: Till, member: str, programme: Programme, de3: str
) -> None:
    before = counter.points(member)
    done = counter.do(de3, member, max(programme.earn_money * 8, 10_000)).expect("00")
    spent = spend_all_but(counter, member, programme, 1)
    counter.reverse(done.asked, {37: done.rrn}).expect("00")
    there = counter.points(member)
    assert there in (1 - done.told.earned, 0), "debt, or floor"
    counter.reverse(spent.asked, {37: spent.rrn}).expect("00")
    assert counter.points(member) == before if there < 0 else counter.points(member) >= before


def test_a_transfer_spent_since_is_not_voided(club: Club, counter: Till, member: str, programme: Programme) -> None:
    other, points = club.member(counter), programme.some(100)
    before, others = counter.points(member), counter.points(other)
    done = counter.do(TRANSFER, member, points, tables={"TO": other}).expect("00")
    spent = spend_all_but(counter, other, programme, points - 1)
    counter.void(done).expect("51")
    counter.void(spent).expect("00")
    counter.void(done).expect("00")
    assert (counter.points(member), counter.points(other)) == (before, others)


def test_a_reversal_is_not_refused_because_the_card_was_blocked_since(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    sale = live(counter, member, SALE, programme.earn_money * 2)
    counter.do(CARD_BLOCK, member).expect("00")
    reversal = counter.reverse(sale.asked)
    counter.do(CARD_UNBLOCK, member).expect("00")
    reversal.expect("00")
    assert counter.points(member) == before
