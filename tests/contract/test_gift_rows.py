"""Every gift row of section 3: what it needs and moves; what its answer adds is checked by the till every time."""

from __future__ import annotations

import pytest

from tests.contract.client import Balance, pack_tables
from tests.contract.conftest import House
from tests.contract.daemon import GiftCard
from tests.contract.till import (
    ACTIVATE,
    BALANCE,
    BLOCK,
    CASH_OUT,
    REDEEM,
    REFUND,
    RELOAD,
    UNBLOCK,
    Answer,
    Till,
    void_code,
)


def sold(till: Till, card: GiftCard, amount: int = 15_000) -> Answer:
    return till.do(ACTIVATE, card.pan, amount).expect("00")


def test_an_activation_puts_the_amount_on_the_card(house: House, till: Till) -> None:
    card = house.inactive_card(till)
    answer = sold(till, card)
    assert (answer.amount, answer.available) == (15_000, 15_000), answer.story()
    assert till.balance(card.pan) == 15_000
    till.void(answer).expect("00")


@pytest.mark.parametrize("undone_by", ["void", "reversal"])
def test_an_undone_activation_leaves_the_card_as_before_and_it_can_be_sold_again(
    house: House, till: Till, undone_by: str
) -> None:
    card = house.inactive_card(till)
    first = sold(till, card)
    (till.void(first) if undone_by == "void" else till.reverse(first.asked)).expect("00")
    till.do(REDEEM, card.pan, 100).expect("57")
    second = sold(till, card, 20_000)
    assert second.available == 20_000, second.story()
    till.void(second).expect("00")


def test_a_card_of_fixed_denominations_takes_only_those_and_fills_in_an_absent_amount(house: House, till: Till) -> None:
    def fits(card: GiftCard) -> bool:
        product = card.product
        plain = product.denominations and not product.pin and product.stores is None
        return bool(plain) and not card.active and card.currency == till.record.currency

    cards = sorted(filter(fits, house.demo.cards), key=lambda card: len(card.product.denominations))
    if not cards:
        pytest.skip("the demo has no unsold card of fixed denominations in this terminal's currency")
    card, allowed = cards[0], cards[0].product.denominations
    till.do(ACTIVATE, card.pan, max(allowed) + 1).expect("13")
    # With several denominations "the denomination" may be the card's own or nobody's: then only the amounts are tried.
    for amount in (None, 0) if len(allowed) == 1 else allowed:
        answer = till.do(ACTIVATE, card.pan, amount).expect(*(["00"] if len(allowed) == 1 else ["00", "13"]))
        if answer.rc == "00":
            assert answer.amount in allowed, answer.story()
            assert answer.available == answer.amount, answer.story()
            till.void(answer, {4: answer[4]}).expect("00")


def test_an_amount_outside_the_products_range_is_refused_13(house: House, till: Till) -> None:
    card = house.inactive_card(till)
    till.do(ACTIVATE, card.pan, card.product.maximum + 1).expect("13")
    if card.product.minimum > 1:
        till.do(ACTIVATE, card.pan, card.product.minimum - 1).expect("13")


def test_a_reload_adds_to_the_card(till: Till, card: str) -> None:
    answer = till.do(RELOAD, card, 10_000).expect("00")
    assert answer.available == 30_000, answer.story()
    assert till.balance(card) == 30_000


def test_a_card_without_reload_refuses_one_with_57(house: House, till: Till) -> None:
    def fits(card: GiftCard) -> bool:
        product = card.product
        plain = not product.reload and not product.pin and product.stores is None
        return plain and card.active and card.currency == till.record.currency

    cards = [card for card in house.demo.cards if fits(card)]
    if not cards:
        pytest.skip("the demo has no active card without reload in this terminal's currency")
    till.do(RELOAD, cards[0].pan, max(cards[0].product.minimum, 5_000)).expect("57")


@pytest.mark.parametrize("amount", [1, 12_345, 20_000])
def test_a_redemption_takes_what_was_asked(till: Till, card: str, amount: int) -> None:
    answer = till.do(REDEEM, card, amount).expect("00")
    assert (answer.amount, answer.available) == (amount, 20_000 - amount), answer.story()
    assert till.balance(card) == 20_000 - amount


def test_a_redemption_beyond_the_balance_takes_nothing_without_the_capability(till: Till, card: str) -> None:
    answer = till.do(REDEEM, card, 20_001).expect("51")
    assert not answer.blocks or answer.available == 20_000, answer.story()
    assert till.balance(card) == 20_000


def test_a_partial_approval_takes_what_is_there_and_tells_what_was_asked(till: Till, card: str) -> None:
    answer = till.do(REDEEM, card, 30_000, tables={"CP": "P"}).expect("10")
    assert answer.amount == 20_000, answer.story()
    currency = till.record.currency
    assert answer.blocks[0] == Balance("60", "02", currency, 0), answer.story()
    assert Balance("60", "57", currency, 30_000) in answer.blocks, answer.story()
    assert till.balance(card) == 0


def test_a_redemption_that_fits_is_approved_in_full_with_the_capability_too(till: Till, card: str) -> None:
    assert till.do(REDEEM, card, 20_000, tables={"CP": "PT"}).expect("00").amount == 20_000


def test_an_empty_card_is_refused_51_even_with_the_capability(house: House, till: Till) -> None:
    till.do(REDEEM, house.card(till, 0), 100, tables={"CP": "P"}).expect("51")


def test_a_nac_request_may_use_de48_for_its_tables(nac_till: Till, nac_card: str) -> None:
    answer = nac_till.do(REDEEM, nac_card, 20_500, {48: pack_tables("nac", [("CP", "P")])}).expect("10")
    assert 48 not in answer, answer.story()


def test_unknown_tables_are_ignored_and_pieces_are_joined(till: Till, card: str) -> None:
    packed = pack_tables(till.dialect, [("ZZ", "nobody knows"), ("CP", "T"), ("QQ", ""), ("CP", "P")])
    field = 63 if till.dialect == "nac" else 48
    till.do(REDEEM, card, 20_500, {field: packed}).expect("10")


def test_a_balance_inquiry_moves_nothing_and_is_always_done_anew(till: Till, card: str) -> None:
    inquiry = till.message("0100", BALANCE, card)
    assert till.ask(inquiry).expect("00").available == 20_000
    till.do(REDEEM, card, 700).expect("00")
    assert till.ask(inquiry).expect("00").available == 19_300


def test_a_cash_out_takes_everything_and_its_void_brings_it_back(till: Till, card: str) -> None:
    answer = till.do(CASH_OUT, card).expect("00")
    assert answer.amount == 20_000, answer.story()
    undone = till.void(answer).expect("00")
    assert undone.available == 20_000, undone.story()
    assert till.balance(card) == 20_000


def test_a_refund_without_an_original_is_put_onto_the_card(till: Till, card: str) -> None:
    answer = till.do(REFUND, card, 2_500).expect("00")
    assert answer.available == 22_500, answer.story()


def test_a_refund_of_a_redemption_is_put_back_by_its_rrn(till: Till, card: str) -> None:
    redeemed = till.do(REDEEM, card, 5_000).expect("00")
    answer = till.do(REFUND, card, 5_000, {37: redeemed.rrn}).expect("00")
    assert answer.available == 20_000, answer.story()
    assert answer.rrn != redeemed.rrn, answer.story()


def test_a_blocked_card_refuses_62_until_it_is_unblocked(till: Till, card: str) -> None:
    till.do(BLOCK, card).expect("00")
    till.do(REDEEM, card, 100).expect("62")
    till.do(UNBLOCK, card).expect("00")
    assert till.do(REDEEM, card, 100).expect("00").available == 19_900


@pytest.mark.parametrize("de3", [RELOAD, REDEEM, CASH_OUT, REFUND])
def test_every_gift_movement_can_be_voided_by_its_rrn(till: Till, card: str, de3: str) -> None:
    amount = None if de3 == CASH_OUT else 10_000
    done = till.do(de3, card, amount).expect("00")
    answer = till.void(done).expect("00")
    assert answer.asked[3] == void_code(de3)
    assert answer.available == 20_000, answer.story()
    assert answer.rrn != done.rrn, answer.story()


@pytest.mark.parametrize("de3", [RELOAD, REDEEM, REFUND])
def test_a_void_finds_its_original_by_its_receipt(till: Till, card: str, de3: str) -> None:
    receipt = till.receipt()
    done = till.do(de3, card, 10_000, {62: receipt}).expect("00")
    assert till.void(done, {37: None, 62: receipt}).expect("00").available == 20_000


def test_a_void_by_receipt_means_the_newest_not_yet_undone(till: Till, card: str) -> None:
    receipt = till.receipt()
    first = till.do(REDEEM, card, 300, {62: receipt}).expect("00")
    second = till.do(REDEEM, card, 300, {62: receipt}).expect("00")
    till.void(second, {37: None, 62: receipt}).expect("00")
    till.void(second).expect("79")
    till.void(first, {37: None, 62: receipt}).expect("00")
    assert till.balance(card) == 20_000


@pytest.mark.parametrize("named", ["asked", "approved"])
def test_a_partial_redemption_is_voided_by_either_amount_and_gives_back_what_was_taken(
    till: Till, card: str, named: str
) -> None:
    done = till.do(REDEEM, card, 30_000, tables={"CP": "P"}).expect("10")
    answer = till.void(done, {4: done[4] if named == "approved" else done.asked[4]}).expect("00")
    assert answer.available == 20_000, answer.story()


def test_every_transaction_has_an_rrn_of_its_own(till: Till, card: str) -> None:
    rrns = [till.do(REDEEM, card, 10).expect("00").rrn for _ in range(5)]
    assert len(set(rrns)) == 5, rrns


def test_a_de37_in_a_new_request_is_not_taken_for_the_switchs_own(till: Till, card: str) -> None:
    mine = "MYREFERENCE1"
    assert till.do(REDEEM, card, 10, {37: mine}).expect("00").rrn != mine


@pytest.mark.parametrize("carried", ["track 2", "track 1", "track 2 and number"])
def test_the_card_may_come_from_a_track(till: Till, card: str, carried: str) -> None:
    tracks: dict[str, dict[int, str | None]] = {
        "track 2": {2: None, 35: f"{card}=4912"},
        "track 1": {2: None, 45: f"B{card}^GIFT CARD^4912"},
        "track 2 and number": {35: f"{card}=4912"},
    }
    assert till.do(REDEEM, card, 1_000, tracks[carried]).expect("00").available == 19_000


def test_a_track_counted_with_its_pad_nibble_is_read(nac_till: Till, nac_card: str) -> None:
    track = f"{nac_card}D4912".ljust(37, "0")
    request = nac_till.message("0100", BALANCE, None, more={35: track})
    answer = nac_till.line.ask(request, raw={35: bytes.fromhex("38" + track + "F")})
    assert answer.rc == "00", f"  >> {request}\n  << {answer}"
