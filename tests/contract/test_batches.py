"""Section 5 as far as it goes without settlement: who opens, names, joins and leaves a batch."""

from __future__ import annotations

import pytest

from tests.contract.batch import following
from tests.contract.conftest import House
from tests.contract.till import REDEEM, Till


def test_a_logon_tells_the_batch_now_open_and_telling_changes_nothing(till: Till) -> None:
    batch = till.open_batch()
    assert till.open_batch() == batch


def test_a_logon_that_names_a_new_batch_opens_it(till: Till) -> None:
    named = following(till.open_batch(), 3)
    assert till.open_batch({60: named}) == named
    assert till.open_batch() == named


def test_a_transaction_with_a_batch_number_is_told_it_and_one_without_is_not(till: Till, card: str) -> None:
    batch = till.open_batch()
    assert till.do(REDEEM, card, 10, {60: batch}).expect("00")[60] == batch
    assert 60 not in till.do(REDEEM, card, 10).expect("00")


def test_a_refusal_that_named_a_batch_tells_a_batch_number_too(house: House, till: Till) -> None:
    batch = till.open_batch()
    assert till.do(REDEEM, house.card(till, 0), 10, {60: batch}).expect("51")[60] == batch


def test_a_transaction_without_a_number_joins_the_open_batch(till: Till, card: str) -> None:
    batch = till.open_batch()
    till.do(REDEEM, card, 10, {60: batch}).expect("00")
    unnamed = till.do(REDEEM, card, 900).expect("00")
    till.do(REDEEM, card, 10, {60: batch}).expect("00")
    till.void(unnamed).expect("00")


@pytest.mark.parametrize("opener", ["transaction", "logon", "reversal"])
@pytest.mark.parametrize("steps", [1, 5])
def test_another_number_leaves_the_open_batch_behind(till: Till, card: str, opener: str, steps: int) -> None:
    batch = till.open_batch()
    done = till.do(REDEEM, card, 900, {60: batch}).expect("00")
    named = following(batch, steps)
    if opener == "transaction":
        assert till.do(REDEEM, card, 10, {60: named}).expect("00")[60] == named
    elif opener == "logon":
        assert till.open_batch({60: named}) == named
    else:
        early = till.message("0200", REDEEM, card, 77, {60: named})
        assert till.reverse(early).expect("00")[60] == named
    assert till.open_batch() == named
    till.void(done).expect("78")
    till.reverse(done.asked, {37: done.rrn, 60: None}).expect("00")


def test_a_terminal_has_one_batch_for_each_application(till: Till, card: str) -> None:
    batch = till.open_batch()
    done = till.do(REDEEM, card, 900, {60: batch}).expect("00")
    loyalty = following(till.open_batch({24: "090"}), 2)
    assert till.open_batch({24: "090", 60: loyalty}) == loyalty
    assert till.open_batch() == batch
    till.void(done).expect("00")


def test_the_same_stan_under_another_application_is_another_message(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 900).expect("00")
    other = till.do(REDEEM, card, 800, {11: done.asked[11], 24: "090"}).expect("00")
    assert other.rrn != done.rrn, other.story()
    assert till.balance(card) == 18_300


def test_a_reversal_under_another_application_finds_nothing(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 900).expect("00")
    till.reverse(done.asked, {11: done.asked[11], 24: "090"}).expect("00")
    assert till.balance(card) == 19_100
    till.reverse(done.asked, {37: done.rrn}).expect("00")
    assert till.balance(card) == 20_000


def test_a_new_terminal_begins_at_one_and_the_first_number_named_names_the_open_batch(house: House) -> None:
    till = house.untouched
    if till is None:
        pytest.skip("a daemon that ran already may have no terminal without a past")
    card = house.card(house.till("nac"))
    assert till.open_batch() == "000001"
    unnamed = till.do(REDEEM, card, 900).expect("00")
    assert till.open_batch() == "000001", "showing a number names nothing"
    assert till.do(REDEEM, card, 10, {60: "000123"}).expect("00")[60] == "000123"
    assert till.open_batch() == "000123"
    till.void(unnamed).expect("00")
    second = till.do(REDEEM, card, 20).expect("00")
    till.do(REDEEM, card, 10, {60: "000125"}).expect("00")
    till.void(second).expect("78")
