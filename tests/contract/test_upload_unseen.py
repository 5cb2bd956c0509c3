"""Section 5, 0320 of what the host never saw: redemptions are booked without authorisation, value goes on no card."""

from __future__ import annotations

import pytest

from tests.contract.batch import TRAILER, Shift, claim, following, upload_of
from tests.contract.client import Secret
from tests.contract.conftest import House
from tests.contract.till import (
    ACTIVATE,
    BLOCK,
    REDEEM,
    REFUND,
    RELOAD,
    UNBLOCK,
    Till,
    void_code,
)


@pytest.fixture
def awaiting(shift: Shift) -> Shift:
    """One redemption of 9.00 that the host has; the terminal claims two, 20.00: it has answered 95."""
    shift.redeem(900)
    shift.settle((2, 2_000)).expect("95")
    return shift


def test_an_unseen_redemption_is_booked_and_counts(awaiting: Shift) -> None:
    answer = awaiting.upload_unseen(REDEEM, 1_100).expect("00")
    assert answer[60] == awaiting.number
    assert awaiting.till.balance(awaiting.card) == 18_000
    assert awaiting.settle((2, 2_000), de3=TRAILER).expect("00")[63] == claim((2, 2_000), of=2)


def test_after_the_upload_the_totals_agree_without_a_trailer(awaiting: Shift) -> None:
    awaiting.upload_unseen(REDEEM, 1_100).expect("00")
    awaiting.settle((2, 2_000)).expect("00")


def test_an_unseen_redemption_uploaded_before_any_95_counts_in_the_open_batch(newcomer: Till, house: House) -> None:
    shift = Shift.open(newcomer, house.card(house.till(newcomer.dialect)), "000005")
    assert shift.upload_unseen(REDEEM, 1_100).expect("00")[60] == "000005"
    assert newcomer.balance(shift.card) == 18_900
    shift.settle((1, 1_100)).expect("00")


@pytest.mark.parametrize("mti", ["0320", "0321"])
@pytest.mark.parametrize("stan", ["the same STAN", "a new STAN"])
def test_an_unseen_redemption_uploaded_again_is_booked_once(awaiting: Shift, mti: str, stan: str) -> None:
    request = upload_of(awaiting.till, awaiting.unseen(REDEEM, 1_100))
    awaiting.till.ask(request).expect("00")
    for _ in range(2):
        new_stan = awaiting.till.stan() if stan == "a new STAN" else request[11]
        awaiting.till.ask(request.but(mti, {11: new_stan})).expect("00")
        assert awaiting.till.balance(awaiting.card) == 18_000
    awaiting.settle((2, 2_000), de3=TRAILER).expect("00")
    awaiting.till.ask(request.but(mti)).expect("00")
    assert awaiting.till.balance(awaiting.card) == 18_000
    awaiting.assert_closed_on((2, 2_000))


def test_an_upload_corrected_after_it_was_booked_is_matched_not_corrected(awaiting: Shift) -> None:
    request = upload_of(awaiting.till, awaiting.unseen(REDEEM, 1_100))
    awaiting.till.ask(request).expect("00")
    awaiting.till.ask(request.but(changes={4: f"{5_000:012}", 11: awaiting.till.stan()})).expect("00")
    assert awaiting.till.balance(awaiting.card) == 18_000


def test_two_unseen_redemptions_alike_but_for_their_stan_are_two(awaiting: Shift) -> None:
    for _ in range(2):
        awaiting.upload_unseen(REDEEM, 500).expect("00")
    assert awaiting.till.balance(awaiting.card) == 18_100
    awaiting.settle((3, 1_900)).expect("00")


def test_an_unseen_redemption_of_a_foreign_card_counts_in_the_terminals_currency(house: House, awaiting: Shift) -> None:
    home = awaiting.till.record.currency
    foreign = next(card for card in house.demo.cards if card.currency != home and card.active)
    there = awaiting.till.balance(foreign.pan)
    request = awaiting.till.message("0200", REDEEM, foreign.pan, 1_100, awaiting.till.when(-5))
    awaiting.till.ask(upload_of(awaiting.till, request)).expect("00")
    assert awaiting.till.balance(foreign.pan) < there
    awaiting.settle((2, 2_000)).expect("00")


@pytest.mark.parametrize("there", [0, 5_000])
def test_an_unseen_redemption_beyond_the_balance_empties_the_card_and_counts_whole(
    house: House, till: Till, there: int
) -> None:
    shift = Shift.open(till, house.card(till, there))
    shift.settle((1, 8_000)).expect("95")
    shift.upload_unseen(REDEEM, 8_000).expect("00")
    assert till.balance(shift.card) == 0
    shift.settle((1, 8_000)).expect("00")
    till.do(RELOAD, shift.card, 10_000).expect("00")
    assert till.balance(shift.card) == 10_000, "what was missing is the merchant's, not the card's"


def test_an_unseen_redemption_is_not_refused_because_the_card_is_blocked(awaiting: Shift) -> None:
    awaiting.do(BLOCK).expect("00")
    awaiting.upload_unseen(REDEEM, 1_100).expect("00")
    awaiting.do(UNBLOCK).expect("00")
    assert awaiting.till.balance(awaiting.card) == 18_000


def test_an_unseen_redemption_can_be_reversed_like_any_other(awaiting: Shift) -> None:
    """A terminal that uploads what it should have reversed gets it right in the end."""
    unseen = awaiting.unseen(REDEEM, 1_100)
    done = awaiting.till.ask(upload_of(awaiting.till, unseen)).expect("00")
    awaiting.till.reverse(unseen, {37: done.rrn, 60: None}).expect("00")
    assert awaiting.till.balance(awaiting.card) == 19_100
    awaiting.settle((1, 900)).expect("00")


# fmt: off
PUTS_ON: list[tuple[str, str]] = [
    ("a reload",                RELOAD),
    ("a refund of goods",       REFUND),
    ("a void of a redemption",  void_code(REDEEM)),
]
# fmt: on


@pytest.mark.parametrize(("what", "de3"), PUTS_ON, ids=[row[0] for row in PUTS_ON])
def test_what_would_put_value_on_a_card_is_00_and_not_booked(awaiting: Shift, what: str, de3: str) -> None:
    before = awaiting.till.balance(awaiting.card)
    for _ in range(2):
        awaiting.upload_unseen(de3, 1_100).expect("00")
    assert awaiting.till.balance(awaiting.card) == before, what
    assert awaiting.settle((1, 900), (0, 0), of=4).expect("00")[63] == claim((1, 900), of=4)


@pytest.mark.parametrize("de3", [REFUND, void_code(REDEEM)])
def test_an_unseen_undoing_that_names_its_redemption_puts_nothing_on_the_card(shift: Shift, de3: str) -> None:
    done = shift.redeem(900)
    shift.settle((0, 0), (1, 900)).expect("95")
    shift.upload_unseen(de3, 900, {37: done.rrn}).expect("00")
    assert shift.till.balance(shift.card) == 19_100
    shift.settle((1, 900), (0, 0)).expect("00")


def test_an_unseen_activation_sells_no_card(house: House, awaiting: Shift) -> None:
    card = house.inactive_card(awaiting.till)
    unseen = awaiting.till.message("0200", ACTIVATE, card.pan, 15_000, awaiting.till.when(-5))
    awaiting.till.ask(upload_of(awaiting.till, unseen)).expect("00")
    awaiting.till.do(REDEEM, card.pan, 100).expect("57")
    awaiting.settle((1, 900), (0, 0)).expect("00")


@pytest.mark.parametrize("de3", [REDEEM, RELOAD, ACTIVATE, REFUND])
def test_no_upload_is_refused_for_its_card(house: House, awaiting: Shift, de3: str) -> None:
    """An unknown card, one never sold, one whose product asks for a PIN: a refusal would stop the whole upload."""
    with_pin = [card for card in house.demo.cards if card.product.pin and card.active]
    cards = [Secret("9900109999999999999"), house.inactive_card(awaiting.till).pan, with_pin[0].pan]
    for card in cards:
        request = awaiting.till.message("0200", de3, card, 100, awaiting.till.when(-5))
        done = awaiting.till.ask(upload_of(awaiting.till, request)).expect("00")
        awaiting.till.reverse(request, {37: done.rrn, 60: None}).expect("00")  # others need these cards as they were
    awaiting.settle((2, 2_000), de3=TRAILER).expect("00")
    assert awaiting.till.open_batch() == following(awaiting.number)


def test_an_unseen_redemption_from_weeks_ago_is_00(awaiting: Shift) -> None:
    old = awaiting.till.message("0200", REDEEM, awaiting.card, 1_100, awaiting.till.when(days=-50))
    awaiting.till.ask(upload_of(awaiting.till, old)).expect("00")


def test_an_upload_whose_original_was_declined_is_00(house: House, till: Till) -> None:
    shift = Shift.open(till, house.card(till, 0))
    declined = shift.do(REDEEM, 900).expect("51")
    shift.settle((1, 900)).expect("95")
    shift.upload(declined).expect("00")
    shift.settle((1, 900), de3=TRAILER).expect("00")


def test_an_upload_of_a_sale_whose_reversal_overtook_it_is_00(shift: Shift) -> None:
    lost = shift.till.message("0200", REDEEM, shift.card, 900, {**shift.till.when(), 60: shift.number})
    shift.till.reverse(lost).expect("00")
    shift.till.ask(lost).expect("94")
    shift.settle((1, 900)).expect("95")
    shift.till.ask(upload_of(shift.till, lost)).expect("00")
    shift.settle((1, 900), de3=TRAILER).expect("00")
    assert shift.till.open_batch() == following(shift.number)
