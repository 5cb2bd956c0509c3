"""Section 6, policy `plain`: each refusal told apart, and PINs told before anything else.

Unknown, unsold and blocked cards and wrong PINs count towards the guess limit (20 in ten minutes), so these tests have
a daemon of their own and ask sparingly.
"""

from __future__ import annotations

import pytest

from tests.contract.client import pack_tables, table_field
from tests.contract.conftest import House
from tests.contract.daemon import GiftCard
from tests.contract.till import ACTIVATE, BALANCE, BLOCK, CASH_OUT, REDEEM, UNBLOCK, Answer, Till

WRONG_PIN = "not-it"


@pytest.fixture
def till(own_house: House, dialect: str) -> Till:
    return own_house.till(dialect)


@pytest.fixture
def nac_till(own_house: House) -> Till:
    return own_house.till("nac")


def unknown_card(house: House) -> str:
    """A number like the demo's that nobody issued."""
    known = {card.pan for card in house.demo.cards}
    like = house.demo.cards[0].pan
    return next(pan for last in range(1_000) if (pan := f"{like[:-4]}{last:04}") not in known)


def test_a_card_nobody_issued_is_refused_14(own_house: House, till: Till) -> None:
    till.do(REDEEM, unknown_card(own_house), 100).expect("14")


def test_a_card_not_sold_yet_is_refused_57(own_house: House, till: Till) -> None:
    till.do(REDEEM, own_house.inactive_card(till).pan, 100).expect("57")


def test_a_card_of_named_stores_is_refused_62_elsewhere(own_house: House, dialect: str) -> None:
    limited = [card for card in own_house.demo.cards if card.product.stores is not None and not card.product.pin]
    strangers = [
        (card, till)
        for till in own_house.tills[dialect]
        for card in sorted(limited, key=lambda card: not card.active)
        if till.record.store not in (card.product.stores or ())
    ]
    if not strangers:
        pytest.skip("every card of named stores in the demo may be used at every terminal of this listener")
    card, till = strangers[0]
    if card.active:
        till.do(REDEEM, card.pan, 1).expect("62")
    else:
        till.do(ACTIVATE, card.pan, max(card.product.minimum, *card.product.denominations, 1)).expect("62")


# PINs. One card after another, each left as it was found.


def pin_cards(house: House, till: Till) -> list[GiftCard]:
    """Active cards with a PIN that this terminal may take, its own currency first; one is sold if there is none."""
    here = [
        card
        for card in house.demo.cards
        if card.pin and (card.product.stores is None or till.record.store in card.product.stores)
    ]
    assert here, "the demo has no card with a PIN for this terminal's store"
    here.sort(key=lambda card: card.currency != till.record.currency)
    active = [card for card in here if card.active]
    if not active:
        product = here[0].product
        till.do(ACTIVATE, here[0].pan, product.denominations[0] if product.denominations else product.minimum)
    return active or here[:1]


def with_pin(till: Till, de3: str, card: GiftCard, amount: int | None, pin: str | None) -> Answer:
    return till.do(de3, card.pan, amount, tables={"SC": pin} if pin else None)


def known_balance(till: Till, card: GiftCard) -> int:
    tables = {"SC": card.pin or ""}
    return till.ask(till.message("0100", BALANCE, card.pan, tables=tables)).expect("00").available


def test_the_right_pin_is_taken_whole_or_in_pieces(own_house: House, till: Till) -> None:
    card = pin_cards(own_house, till)[0]
    pin = card.pin or ""
    done = with_pin(till, REDEEM, card, 10, pin).expect("00")
    till.reverse(done.asked).expect("00")
    pieces = pack_tables(till.dialect, [("SC", pin[:2]), ("SC", pin[2:])])
    done = till.do(REDEEM, card.pan, 10, {table_field(till.dialect): pieces}).expect("00")
    till.reverse(done.asked).expect("00")


def test_a_missing_and_a_wrong_pin_are_55_and_move_and_tell_nothing(own_house: House, till: Till) -> None:
    card = pin_cards(own_house, till)[0]
    before = known_balance(till, card)
    for pin in (None, WRONG_PIN):
        answer = with_pin(till, REDEEM, card, 10, pin).expect("55")
        assert 54 not in answer, answer.story()
    assert known_balance(till, card) == before
    done = with_pin(till, REDEEM, card, 10, card.pin).expect("00")
    till.reverse(done.asked).expect("00")


@pytest.mark.parametrize("de3", [REDEEM, CASH_OUT])
def test_a_missing_pin_is_55_for_whatever_takes_value_and_counts_no_try(
    own_house: House, nac_till: Till, de3: str
) -> None:
    card = pin_cards(own_house, nac_till)[0]
    for _ in range(4):
        with_pin(nac_till, de3, card, None if de3 == CASH_OUT else 10, None).expect("55")
    done = with_pin(nac_till, REDEEM, card, 10, card.pin).expect("00")
    nac_till.reverse(done.asked).expect("00")


def test_neither_funds_nor_state_are_told_before_the_pin(own_house: House, nac_till: Till) -> None:
    till = nac_till
    card = pin_cards(own_house, till)[0]
    too_much = known_balance(till, card) + 1
    with_pin(till, REDEEM, card, too_much, WRONG_PIN).expect("55")
    with_pin(till, REDEEM, card, too_much, card.pin).expect("51")
    till.do(BLOCK, card.pan).expect("00")
    with_pin(till, REDEEM, card, 10, WRONG_PIN).expect("55")
    with_pin(till, REDEEM, card, 10, card.pin).expect("62")
    with_pin(till, UNBLOCK, card, None, None).expect("55")
    with_pin(till, UNBLOCK, card, None, card.pin).expect("00")


def test_a_wrong_pin_repeated_is_one_try_and_the_right_one_needs_a_new_stan(own_house: House, nac_till: Till) -> None:
    till = nac_till
    card = pin_cards(own_house, till)[0]
    wrong = till.message("0200", REDEEM, card.pan, 10, tables={"SC": WRONG_PIN})
    right = till.message("0200", REDEEM, card.pan, 10, tables={"SC": card.pin or ""})
    till.ask(wrong).expect("55")
    for _ in range(5):
        till.ask(wrong.but("0201")).expect("55")
    till.ask(right.but(changes={11: wrong[11]})).expect("55")
    done = till.ask(right).expect("00")
    till.reverse(done.asked).expect("00")


def test_too_many_wrong_pins_are_75_and_then_the_right_one_is_too(own_house: House, nac_till: Till) -> None:
    card = pin_cards(own_house, nac_till)[-1]
    codes: list[str] = []
    while len(codes) < 10 and "75" not in codes:
        codes.append(with_pin(nac_till, REDEEM, card, 10, WRONG_PIN).expect("55", "75").rc)
    assert codes[0] == "55", codes
    assert codes[-1] == "75", codes
    with_pin(nac_till, REDEEM, card, 10, card.pin).expect("75")
