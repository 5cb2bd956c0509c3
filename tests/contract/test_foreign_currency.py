"""A card in another currency than the terminal's: two balances, debits rounded up, everything given back exactly."""

from __future__ import annotations

import pytest

from tests.contract.conftest import House
from tests.contract.daemon import GiftCard
from tests.contract.till import BALANCE, REDEEM, REFUND, Answer, Till


@pytest.fixture
def foreign(house: House, till: Till) -> GiftCard:
    def fits(card: GiftCard) -> bool:
        product = card.product
        plain = not product.pin and product.stores is None and not product.single_use
        return plain and product.exponent == 3 and card.active and card.currency != till.record.currency

    cards = [card for card in house.demo.cards if fits(card)]
    assert cards, "the demo has no active card of a product with three decimals"
    return cards[0]


def in_cards_currency(answer: Answer, card: GiftCard) -> int:
    """The second 02 block."""
    blocks = [block for block in answer.blocks if block.kind == "02"]
    assert len(blocks) == 2, f"expected two blocks 02\n{answer.story()}"
    assert blocks[1].currency == card.currency, answer.story()
    return blocks[1].amount_minor


def on_card(till: Till, card: GiftCard) -> int:
    return in_cards_currency(till.ask(till.message("0100", BALANCE, card.pan)).expect("00"), card)


def test_the_smallest_redemption_takes_something_and_its_void_gives_exactly_that_back(
    till: Till, foreign: GiftCard
) -> None:
    before = on_card(till, foreign)
    answer = till.do(REDEEM, foreign.pan, 1).expect("00")
    assert answer.amount == 1, answer.story()
    assert in_cards_currency(answer, foreign) < before, answer.story()
    undone = till.void(answer).expect("00")
    assert in_cards_currency(undone, foreign) == before, undone.story()


def test_partial_refunds_of_a_foreign_card_are_together_exactly_what_was_taken(till: Till, foreign: GiftCard) -> None:
    before = on_card(till, foreign)
    taken = till.do(REDEEM, foreign.pan, 100).expect("00")
    for part in (33, 33, 33, 1):
        back = till.do(REFUND, foreign.pan, part, {37: taken.rrn}).expect("00")
    assert in_cards_currency(back, foreign) == before, back.story()
    till.do(REFUND, foreign.pan, 1, {37: taken.rrn}).expect("13")
    assert on_card(till, foreign) == before


def test_what_is_said_to_be_available_can_be_spent_and_no_more(till: Till, foreign: GiftCard) -> None:
    inquiry = till.ask(till.message("0100", BALANCE, foreign.pan)).expect("00")
    before = in_cards_currency(inquiry, foreign)
    till.do(REDEEM, foreign.pan, inquiry.available + 1).expect("51")
    answer = till.do(REDEEM, foreign.pan, inquiry.available).expect("00")
    assert answer.available == 0, answer.story()
    undone = till.void(answer).expect("00")
    assert in_cards_currency(undone, foreign) == before, undone.story()


def test_a_partial_approval_of_a_foreign_card_tells_both_balances_and_what_was_asked(
    till: Till, foreign: GiftCard
) -> None:
    inquiry = till.ask(till.message("0100", BALANCE, foreign.pan)).expect("00")
    before = in_cards_currency(inquiry, foreign)
    asked = inquiry.available + 5_000
    answer = till.do(REDEEM, foreign.pan, asked, tables={"CP": "P"}).expect("10")
    assert 0 < answer.amount <= inquiry.available + 1, answer.story()
    assert in_cards_currency(answer, foreign) < before
    assert [block.amount_minor for block in answer.blocks if block.kind == "57"] == [asked], answer.story()
    undone = till.reverse(answer.asked).expect("00")
    assert undone.rc == "00"
    assert on_card(till, foreign) == before
