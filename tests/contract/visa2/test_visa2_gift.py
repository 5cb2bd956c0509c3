"""Every gift code of section 3: what it takes or puts on, what block 200 and the display tell, what is not offered."""

from __future__ import annotations

import pytest

from tests.contract.till import Till
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.till import GIFT, VisaTill

# fmt: off
MOVES = [  # code, amount asked, used, balance left of 200.00
    ("G6", 10_000, 10_000, 30_000),
    ("G5",  2_500,  2_500, 22_500),
    ("G4",  6_000,  6_000, 14_000),
    ("G4", 20_000, 20_000,      0),
    ("GG",  6_000,  6_000, 14_000),
    ("G7",  6_000,  6_000, 14_000),
]
PARTLY = ["G4", "GG", "G7"]
# fmt: on


@pytest.mark.parametrize(("code", "amount", "used", "left"), MOVES)
def test_a_gift_code_moves_its_amount_and_tells_it(
    till: VisaTill, nac: Till, card: str, code: str, amount: int, used: int, left: int
) -> None:
    reply = till.do(code, card, amount, GIFT).expect("00")
    assert reply.gift == (left, used), reply
    assert nac.balance(card) == left


@pytest.mark.parametrize("code", PARTLY)
def test_more_than_there_is_is_approved_in_part(till: VisaTill, nac: Till, card: str, code: str) -> None:
    reply = till.do(code, card, 25_000, GIFT).expect("10")
    assert reply.gift == (0, 20_000), reply
    assert nac.balance(card) == 0
    till.do(code, card, 100, GIFT).expect("51")


@pytest.mark.parametrize("code", PARTLY[:1])
def test_a_terminal_that_takes_no_part_gets_the_whole_or_nothing(
    plain: VisaTill, nac: Till, card: str, code: str
) -> None:
    reply = plain.do(code, card, 20_001, GIFT).expect("51")
    assert "200" not in reply.blocks or reply.gift[0] == 20_000, reply
    assert plain.do(code, card, 20_000, GIFT).expect("00").gift == (0, 20_000)
    assert nac.balance(card) == 0


def test_a_card_is_issued_for_the_amount_asked(till: VisaTill, nac: Till, unsold: str) -> None:
    reply = till.do("GC", unsold, 15_000, GIFT).expect("00")
    assert reply.gift == (15_000, 15_000), reply
    assert nac.balance(unsold) == 15_000
    till.do("GC", unsold, 15_000).expect("57")
    till.do("GE", unsold, 15_000, original=reply.original).expect("00")
    till.do("G4", unsold, 100).expect("57")


def test_a_card_with_its_amount_printed_on_it_takes_only_that(visa: VisaHouse, till: VisaTill) -> None:
    fixed = next(card for card in visa.demo.cards if card.product.denominations and not card.active)
    allowed = fixed.product.denominations
    till.do("GC", fixed.pan, max(allowed) + 1).expect("13")
    for amount in (0, *allowed):
        reply = till.do("GC", fixed.pan, amount, GIFT).expect("00", "13")
        if reply.rc == "00":
            assert reply.gift[0] == reply.gift[1], reply
            assert reply.gift[1] in ((amount,) if amount else allowed), reply
            till.do("GE", fixed.pan, amount, original=reply.original).expect("00")


def test_a_closed_card_is_empty_and_pays_no_more_until_that_is_undone(till: VisaTill, nac: Till, card: str) -> None:
    reply = till.do("G2", card, 0, GIFT).expect("00")
    assert reply.gift == (0, 20_000), reply
    assert till.do("G4", card, 100).rc not in ("00", "10")
    till.do("GE", card, 0, original=reply.original).expect("00")
    assert nac.balance(card) == 20_000
    till.do("G4", card, 100).expect("00")


def test_an_inquiry_moves_nothing_and_is_always_done_anew(till: VisaTill, card: str) -> None:
    asked = till.request("G3", card, 0, GIFT)
    assert till.ask(asked).expect("00").gift == (20_000, None)
    till.do("G4", card, 2_500).expect("00")
    assert till.ask(asked).expect("00").gift == (17_500, None)


@pytest.mark.parametrize(("taken", "shown"), [(0, "200.00"), (19_995, "0.05"), (20_000, "0.00")])
def test_without_block_200_an_inquiry_shows_the_balance_on_the_display(
    till: VisaTill, card: str, taken: int, shown: str
) -> None:
    if taken:
        till.do("G4", card, taken).expect("00")
    assert till.do("G3", card, 0).expect("00").text == f"BAL {shown:>11} "
    assert till.do("G3", card, 0, GIFT).expect("00").text == "APPROVAL".ljust(16)


def test_a_card_in_another_currency_tells_the_same_balance_on_both_sides(
    visa: VisaHouse, till: VisaTill, nac: Till
) -> None:
    foreign = next(card for card in visa.demo.cards if card.active and card.currency != nac.record.currency)
    before = nac.balance(foreign.pan)
    assert till.balance(foreign.pan) == before > 0
    reply = till.do("G4", foreign.pan, 10_000, GIFT).expect("00")
    assert reply.gift[1] == 10_000, reply
    assert reply.gift[0] == nac.balance(foreign.pan) <= before - 10_000


@pytest.mark.parametrize("amount", ["2500", "000000002500", "0002500"])
def test_an_amount_may_be_filled_with_zeros(till: VisaTill, nac: Till, card: str, amount: str) -> None:
    assert till.do("G4", card, amount, GIFT).expect("00").gift == (17_500, 2_500)
    assert nac.balance(card) == 17_500


@pytest.mark.parametrize("code", ["GD", "GB", "L2", "L7"])
def test_codes_that_are_not_offered(till: VisaTill, nac: Till, card: str, code: str) -> None:
    till.do(code, card, 1_000).expect("12")
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize("code", ["GG", "G7", "G2"])
def test_cash_back_unload_and_closing_each_need_a_right(plain: VisaTill, nac: Till, card: str, code: str) -> None:
    plain.do(code, card, 1_000).expect("58")
    assert nac.balance(card) == 20_000
