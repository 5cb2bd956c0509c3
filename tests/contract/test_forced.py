"""Section 4, *Forced movements*: what was done at the till already is booked, and nothing forced goes below zero."""

from __future__ import annotations

import pytest

from tests.contract.client import Message
from tests.contract.conftest import House
from tests.contract.till import BLOCK, REDEEM, RELOAD, UNBLOCK, Answer, Till, by_de90, void_code


def advice(till: Till, card: str, amount: int, minutes: float = -3) -> Message:
    return till.message("0220", REDEEM, card, amount, till.when(minutes))


def test_an_advice_of_a_redemption_takes_it_from_the_card(till: Till, card: str) -> None:
    till.ask(advice(till, card, 900)).expect("00")
    assert till.balance(card) == 19_100


@pytest.mark.parametrize("again", ["0220", "0221"])
def test_an_advice_sent_again_moves_once(till: Till, card: str, again: str) -> None:
    request = advice(till, card, 900)
    first = till.ask(request).expect("00")
    assert till.ask(request.but(again)).expect("00").rrn == first.rrn
    assert till.balance(card) == 19_100


def test_a_repeated_advice_never_seen_before_is_handled_as_the_first(till: Till, card: str) -> None:
    till.ask(advice(till, card, 900).but("0221")).expect("00")
    assert till.balance(card) == 19_100


@pytest.mark.parametrize("there", [0, 5_000])
def test_an_advice_beyond_the_balance_is_accepted_and_empties_the_card(house: House, till: Till, there: int) -> None:
    card = house.card(till, there)
    till.ask(advice(till, card, 8_000)).expect("00")
    assert till.balance(card) == 0
    till.do(RELOAD, card, 10_000).expect("00")
    assert till.balance(card) == 10_000, "what was missing is the merchant's, not the card's"


def test_a_reversed_advice_gives_the_card_back_only_what_it_gave(house: House, till: Till) -> None:
    card = house.card(till, 5_000)
    done = till.ask(advice(till, card, 8_000)).expect("00")
    till.reverse(done.asked, {90: by_de90(done.asked)}).expect("00")
    assert till.balance(card) == 5_000


def test_an_advice_is_not_refused_because_the_card_is_blocked(till: Till, card: str) -> None:
    till.do(BLOCK, card).expect("00")
    till.ask(advice(till, card, 900)).expect("00")
    till.do(UNBLOCK, card).expect("00")


def test_an_advice_of_a_void_undoes_the_redemption(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 900).expect("00")
    request = till.message("0220", void_code(REDEEM), card, 900, {37: done.rrn, **till.when()})
    till.ask(request).expect("00")
    till.ask(request.but("0221")).expect("00")
    assert till.balance(card) == 20_000


def test_an_advice_can_be_voided_by_its_rrn(till: Till, card: str) -> None:
    done: Answer = till.ask(advice(till, card, 900)).expect("00")
    till.void(done).expect("00")
    assert till.balance(card) == 20_000


def test_an_advice_older_than_a_month_is_not_booked(till: Till, card: str) -> None:
    till.ask(till.message("0220", REDEEM, card, 900, till.when(days=-40)))
    assert till.balance(card) == 20_000


def test_an_advice_of_some_days_ago_is_booked(till: Till, card: str) -> None:
    till.ask(till.message("0220", REDEEM, card, 900, till.when(days=-5))).expect("00")
    assert till.balance(card) == 19_100


@pytest.mark.parametrize("missing", [12, 13])
def test_an_advice_without_the_time_of_the_deed_is_a_format_error(till: Till, card: str, missing: int) -> None:
    answer = till.ask(advice(till, card, 900).but(changes={missing: None})).expect("30")
    assert answer[38] == f"{missing:06}", answer.story()
    assert till.balance(card) == 20_000


@pytest.mark.parametrize("de3", ["316000", "556000"])
def test_an_advice_of_what_is_no_movement_is_answered_12(till: Till, card: str, de3: str) -> None:
    till.ask(advice(till, card, 900).but(changes={3: de3})).expect("12")
    assert till.balance(card) == 20_000
