"""Section 5, *Totals*: which kinds count in which block, what counts nowhere, and how many blocks are compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.batch import NOTHING, SETTLE, TRAILER, Shift, Total, claim, settlement, told
from tests.contract.conftest import House
from tests.contract.till import ACTIVATE, BALANCE, BLOCK, CASH_OUT, REDEEM, REFUND, UNBLOCK, Till

Deed = Callable[[House, Shift], None]


def redemption(house: House, shift: Shift) -> None:
    shift.redeem(1_500)


def partial_redemption(house: House, shift: Shift) -> None:
    shift.till.do(REDEEM, shift.card, 30_000, {60: shift.number}, {"CP": "P"}).expect("10")


def cash_out(house: House, shift: Shift) -> None:
    """Undone in the next batch, so that the card is of use again."""
    done = shift.do(CASH_OUT).expect("00")
    shift.settle((1, done.amount)).expect("00")
    shift.reverse(done, {4: done[4]}).expect("00")


def reload(house: House, shift: Shift) -> None:
    shift.reload(7_000)


def activation_of_any_amount(house: House, shift: Shift) -> None:
    card = house.inactive_card(shift.till)
    done = shift.do(ACTIVATE, 15_000, card.pan).expect("00")
    shift.settle((0, 0), (1, 15_000)).expect("00")
    shift.reverse(done).expect("00")  # there are six such cards


def activation_of_a_denomination(house: House, shift: Shift) -> None:
    """Without DE4 what was put on is what is printed on the card."""
    card = next(card for card in house.demo.cards if card.product.denominations and not card.active)
    done = shift.do(ACTIVATE, None, card.pan).expect("00")
    assert done.amount in card.product.denominations
    shift.settle((0, 0), (1, done.amount)).expect("00")
    shift.till.reverse(done.asked, {4: done[4], 37: done.rrn}).expect("00")


def refund_of_a_redemption(house: House, shift: Shift) -> None:
    done = shift.redeem(1_500)
    shift.do(REFUND, 600, more={37: done.rrn}).expect("00")


def refund_without_original(house: House, shift: Shift) -> None:
    shift.do(REFUND, 600).expect("00")


def advice(house: House, shift: Shift) -> None:
    more = {**shift.till.when(-3), 60: shift.number}
    shift.till.ask(shift.till.message("0220", REDEEM, shift.card, 1_500, more)).expect("00")


def advice_beyond_the_balance(house: House, shift: Shift) -> None:
    more = {**shift.till.when(-3), 60: shift.number}
    shift.till.ask(shift.till.message("0220", REDEEM, shift.card, 25_000, more)).expect("00")


def unnamed_redemption(house: House, shift: Shift) -> None:
    shift.till.do(REDEEM, shift.card, 1_500).expect("00")


def repeated_redemption(house: House, shift: Shift) -> None:
    done = shift.redeem(1_500)
    for mti in ("0200", "0201", "0201"):
        shift.till.ask(done.asked.but(mti)).expect("00")


def voided_redemption(house: House, shift: Shift) -> None:
    shift.void(shift.redeem(1_500)).expect("00")


def voided_reload(house: House, shift: Shift) -> None:
    shift.void(shift.reload(7_000)).expect("00")


def voided_refund(house: House, shift: Shift) -> None:
    done = shift.redeem(1_500)
    shift.void(shift.do(REFUND, 600, more={37: done.rrn}).expect("00")).expect("00")


def advice_of_a_void(house: House, shift: Shift) -> None:
    done = shift.redeem(1_500)
    void = shift.till.void_message(done, shift.till.when())
    shift.till.ask(void.but("0220")).expect("00")


def reversed_redemption(house: House, shift: Shift) -> None:
    shift.reverse(shift.redeem(1_500)).expect("00")


def reversed_partial_redemption(house: House, shift: Shift) -> None:
    done = shift.till.do(REDEEM, shift.card, 30_000, {60: shift.number}, {"CP": "P"}).expect("10")
    shift.reverse(done).expect("00")


def reversed_void(house: House, shift: Shift) -> None:
    void = shift.void(shift.redeem(1_500)).expect("00")
    shift.till.reverse(void.asked).expect("00")


def reversal_before_its_original(house: House, shift: Shift) -> None:
    request = shift.till.message("0200", REDEEM, shift.card, 1_500, {60: shift.number})
    shift.till.reverse(request).expect("00")
    shift.till.ask(request).expect("94")


def declined_redemption(house: House, shift: Shift) -> None:
    shift.do(REDEEM, 50_000).expect("51")


def malformed_redemption(house: House, shift: Shift) -> None:
    shift.till.ask(shift.till.message("0200", REDEEM, shift.card, None, {60: shift.number})).expect("30")


def block_and_unblock(house: House, shift: Shift) -> None:
    shift.do(BLOCK).expect("00")
    shift.do(UNBLOCK).expect("00")


def balance(house: House, shift: Shift) -> None:
    shift.till.ask(shift.till.message("0100", BALANCE, shift.card, more={60: shift.number})).expect("00")


def echo_and_parameters(house: House, shift: Shift) -> None:
    for de3 in ("990000", "930000", "920000"):
        shift.till.ask(shift.till.message("0800", de3)).expect("00")


# fmt: off
COUNTS: list[tuple[Deed, Total, Total]] = [
    # done                         block 1            block 2
    (redemption,                   Total(1, 1_500),   NOTHING),
    (partial_redemption,           Total(1, 20_000),  NOTHING),
    (reload,                       NOTHING,           Total(1, 7_000)),
    (refund_of_a_redemption,       Total(1, 1_500),   Total(1, 600)),
    (refund_without_original,      NOTHING,           Total(1, 600)),
    (advice,                       Total(1, 1_500),   NOTHING),
    (advice_beyond_the_balance,    Total(1, 25_000),  NOTHING),
    (unnamed_redemption,           Total(1, 1_500),   NOTHING),
    (repeated_redemption,          Total(1, 1_500),   NOTHING),
    (voided_redemption,            NOTHING,           NOTHING),
    (voided_reload,                NOTHING,           NOTHING),
    (voided_refund,                Total(1, 1_500),   NOTHING),
    (advice_of_a_void,             NOTHING,           NOTHING),
    (reversed_redemption,          NOTHING,           NOTHING),
    (reversed_partial_redemption,  NOTHING,           NOTHING),
    (reversed_void,                Total(1, 1_500),   NOTHING),
    (reversal_before_its_original, NOTHING,           NOTHING),
    (declined_redemption,          NOTHING,           NOTHING),
    (malformed_redemption,         NOTHING,           NOTHING),
    (block_and_unblock,            NOTHING,           NOTHING),
    (balance,                      NOTHING,           NOTHING),
    (echo_and_parameters,          NOTHING,           NOTHING),
]
# fmt: on


@pytest.mark.parametrize(("deed", "first", "second"), COUNTS, ids=[row[0].__name__ for row in COUNTS])
def test_what_was_done_counts_where_the_contract_says(
    house: House, shift: Shift, deed: Deed, first: Total, second: Total
) -> None:
    deed(house, shift)
    assert told(shift.settle((999, 1), of=6).expect("95")) == [first, second, *[NOTHING] * 4]
    shift.settle(first, second, of=6).expect("00")


@pytest.mark.parametrize("deed", [cash_out, activation_of_any_amount, activation_of_a_denomination])
def test_what_changes_the_state_of_a_card_counts_too(house: House, shift: Shift, deed: Deed) -> None:
    deed(house, shift)


def test_a_day_of_everything_adds_up(house: House, shift: Shift) -> None:
    for deed in (redemption, reload, voided_redemption, refund_of_a_redemption, advice, reversed_void, voided_reload):
        deed(house, shift)
    shift.settle((4, 6_000), (2, 7_600), of=6).expect("00")


def test_a_card_in_another_currency_counts_in_the_terminals(house: House, shift: Shift) -> None:
    home = shift.till.record.currency
    foreign = [card for card in house.demo.cards if card.currency != home and card.active and card.product.reload]
    taken = shift.do(REDEEM, 1_500, foreign[0].pan).expect("00")
    shift.do(REFUND, 700, foreign[0].pan, {37: taken.rrn}).expect("00")
    shift.settle((1, 1_500), (1, 700)).expect("00")


# Blocks that did not come are not compared


@pytest.mark.parametrize("de3", [SETTLE, TRAILER])
@pytest.mark.parametrize("of", [1, 2, 4, 6])
def test_the_answer_has_as_many_blocks_as_the_claim(shift: Shift, of: int, de3: str) -> None:
    shift.redeem(900)
    shift.reload(5_000)
    claimed = claim(*[(1, 900), (1, 5_000)][:of], of=of)
    answer = shift.till.ask(settlement(shift.till, shift.number, claimed, de3)).expect("00")
    assert answer[63] == claimed


def test_with_one_block_only_the_first_is_compared(shift: Shift) -> None:
    shift.redeem(900)
    shift.reload(5_000)
    assert shift.settle((1, 901), of=1).expect("95")[63] == claim((1, 900))
    shift.settle((1, 900), of=1).expect("00")


@pytest.mark.parametrize("block", [3, 4, 5, 6])
def test_a_block_with_nothing_booked_must_be_claimed_empty(shift: Shift, block: int) -> None:
    shift.redeem(900)
    blocks = [Total(1, 900), *[NOTHING] * 5]
    blocks[block - 1] = Total(1, 100)
    answer = shift.settle(*blocks, of=6).expect("95")
    assert answer[63] == claim((1, 900), of=6)


@pytest.mark.parametrize("of", [1, 2, 4])
def test_a_batch_refused_on_six_blocks_may_be_settled_on_fewer(shift: Shift, of: int) -> None:
    shift.redeem(900)
    shift.settle((1, 900), (0, 0), (0, 0), (0, 0), (2, 200), of=6).expect("95")
    shift.settle((1, 900), of=of).expect("00")


def test_amounts_are_unsigned_and_not_netted(till: Till, shift: Shift) -> None:
    shift.redeem(5_000)
    shift.reload(5_000)
    assert told(shift.settle((0, 0)).expect("95")) == [Total(1, 5_000), Total(1, 5_000)]
