"""Section 4, the table of undoing: void and return by RRN, by what the original is (reversals: their own file)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.client import Message
from tests.contract.conftest import House
from tests.contract.till import ACTIVATE, BLOCK, REDEEM, REFUND, RELOAD, UNBLOCK, Answer, Till


def live(till: Till, card: str) -> Answer:
    return till.do(REDEEM, card, 900).expect("00")


def closed_batch(till: Till, card: str) -> Answer:
    batch = till.open_batch()
    done = till.do(REDEEM, card, 900, {60: batch}).expect("00")
    till.open_batch({60: f"{int(batch) % 999_999 + 1:06}"})  # leaves the first behind
    return done


def voided(till: Till, card: str) -> Answer:
    done = live(till, card)
    till.void(done).expect("00")
    return done


def reversed_(till: Till, card: str) -> Answer:
    done = live(till, card)
    till.reverse(done.asked).expect("00")
    return done


def with_a_return(till: Till, card: str) -> Answer:
    done = live(till, card)
    till.do(REFUND, card, 300, {37: done.rrn}).expect("00")
    return done


def with_an_undone_return(till: Till, card: str) -> Answer:
    done = live(till, card)
    returned = till.do(REFUND, card, 300, {37: done.rrn}).expect("00")
    till.void(returned).expect("00")
    return done


def a_void(till: Till, card: str) -> Answer:
    return till.void(live(till, card)).expect("00")


def live_again(till: Till, card: str) -> Answer:
    done = live(till, card)
    void = till.void(done).expect("00")
    till.reverse(void.asked).expect("00")
    return done


def refused(till: Till, card: str) -> Answer:
    return till.do(REDEEM, card, 50_000).expect("51")


def never_seen(till: Till, card: str) -> Answer:
    asked = till.message("0200", REDEEM, card, 900)
    return Answer(Message({0: "0210", 37: "999999999999"}), asked, till.dialect)


# fmt: off
TABLE: list[tuple[Callable[[Till, str], Answer], str, str]] = [
    # the original is        void  return of 9.00 by RRN
    (live,                   "00", "00"),
    (closed_batch,           "78", "00"),
    (voided,                 "79", "25"),
    (reversed_,              "79", "25"),
    (with_a_return,          "79", "13"),
    (with_an_undone_return,  "00", "00"),
    (a_void,                 "79", "25"),
    (live_again,             "00", "00"),
    (refused,                "78", "25"),
    (never_seen,             "78", "25"),
]
# fmt: on
CASES = [row[0].__name__.strip("_") for row in TABLE]


@pytest.mark.parametrize(("make", "code"), [(row[0], row[1]) for row in TABLE], ids=CASES)
def test_a_void_is_answered_as_the_table_says(
    till: Till, card: str, make: Callable[[Till, str], Answer], code: str
) -> None:
    original = make(till, card)
    before = till.balance(card)
    answer = till.void(original).expect(code)
    given_back = 900 if code == "00" else 0
    assert till.balance(card) == before + given_back, answer.story()


@pytest.mark.parametrize(("make", "code"), [(row[0], row[2]) for row in TABLE], ids=CASES)
def test_a_return_by_rrn_is_answered_as_the_table_says(
    till: Till, card: str, make: Callable[[Till, str], Answer], code: str
) -> None:
    original = make(till, card)
    before = till.balance(card)
    answer = till.do(REFUND, card, 900, {37: original.rrn}).expect(code)
    given_back = 900 if code == "00" else 0
    assert till.balance(card) == before + given_back, answer.story()


def test_another_terminals_transaction_is_not_voided(till: Till, other_till: Till, card: str) -> None:
    done = live(till, card)
    other_till.void(done).expect("78")
    assert till.balance(card) == 19_100
    till.void(done).expect("00")


def test_a_void_of_the_wrong_card_finds_nothing(house: House, till: Till, card: str) -> None:
    other = house.card(till, 5_000)
    done = live(till, card)
    assert till.void(done, {2: other}).rc != "00"
    assert (till.balance(card), till.balance(other)) == (19_100, 5_000)


@pytest.mark.parametrize("de3", [RELOAD, REFUND])
def test_a_load_spent_since_is_not_voided(house: House, till: Till, de3: str) -> None:
    card = house.card(till, 0)
    done = till.do(de3, card, 10_000).expect("00")
    spent = till.do(REDEEM, card, 7_000).expect("00")
    till.void(done).expect("51")
    assert till.balance(card) == 3_000
    till.void(spent).expect("00")
    till.void(done).expect("00")
    assert till.balance(card) == 0


def test_an_activation_spent_since_is_not_voided(house: House, till: Till) -> None:
    card = house.inactive_card(till)
    sold = till.do(ACTIVATE, card.pan, 15_000).expect("00")
    spent = till.do(REDEEM, card.pan, 5_000).expect("00")
    till.void(sold).expect("51")
    assert till.balance(card.pan) == 10_000
    till.void(spent).expect("00")
    till.void(sold).expect("00")


def test_a_refund_can_itself_be_voided_and_then_made_again(till: Till, card: str) -> None:
    done = live(till, card)
    returned = till.do(REFUND, card, 900, {37: done.rrn}).expect("00")
    till.void(returned).expect("00")
    assert till.balance(card) == 19_100
    till.do(REFUND, card, 900, {37: done.rrn}).expect("00")
    assert till.balance(card) == 20_000


def test_a_reversed_refund_can_be_made_again(till: Till, card: str) -> None:
    done = live(till, card)
    returned = till.do(REFUND, card, 900, {37: done.rrn}).expect("00")
    till.reverse(returned.asked).expect("00")
    till.do(REFUND, card, 900, {37: done.rrn}).expect("00")
    assert till.balance(card) == 20_000


@pytest.mark.parametrize("parts", [(300, 300, 300), (1, 898, 1), (899, 1), (900,)])
def test_partial_refunds_are_together_the_whole_and_never_more(till: Till, card: str, parts: tuple[int, ...]) -> None:
    done = live(till, card)
    for part in parts:
        till.do(REFUND, card, part, {37: done.rrn}).expect("00")
    assert till.balance(card) == 20_000
    till.do(REFUND, card, 1, {37: done.rrn}).expect("13")
    assert till.balance(card) == 20_000


def test_a_refund_over_what_is_left_is_refused_whole(till: Till, card: str) -> None:
    done = live(till, card)
    till.do(REFUND, card, 500, {37: done.rrn}).expect("00")
    till.do(REFUND, card, 401, {37: done.rrn}).expect("13")
    till.do(REFUND, card, 400, {37: done.rrn}).expect("00")
    assert till.balance(card) == 20_000


def test_of_a_partial_approval_only_what_was_taken_can_be_returned(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 30_000, tables={"CP": "P"}).expect("10")
    till.do(REFUND, card, 20_001, {37: done.rrn}).expect("13")
    till.do(REFUND, card, 20_000, {37: done.rrn}).expect("00")
    assert till.balance(card) == 20_000


def test_a_void_by_a_receipt_nobody_used_is_answered_78(till: Till, card: str) -> None:
    done = live(till, card)
    till.void(done, {37: None, 62: "NOBODY"}).expect("78")
    assert till.balance(card) == 19_100


def test_a_void_by_receipt_after_everything_under_it_was_undone_is_refused(till: Till, card: str) -> None:
    receipt = till.receipt()
    done = till.do(REDEEM, card, 900, {62: receipt}).expect("00")
    till.void(done, {37: None, 62: receipt}).expect("00")
    till.void(done, {37: None, 62: receipt}).expect("78", "79")
    assert till.balance(card) == 20_000


def test_a_reversal_is_not_refused_because_the_card_was_blocked_since(till: Till, card: str) -> None:
    done = live(till, card)
    till.do(BLOCK, card).expect("00")
    till.reverse(done.asked).expect("00")
    till.do(UNBLOCK, card).expect("00")
    assert till.balance(card) == 20_000


def test_a_void_may_carry_the_original_amount_in_de60(till: Till, card: str) -> None:
    batch = till.open_batch()
    done = till.do(REDEEM, card, 900, {60: batch}).expect("00")
    answer = till.void(done, {60: f"{900:012}"}).expect("00")
    assert answer[60] == batch, answer.story()
