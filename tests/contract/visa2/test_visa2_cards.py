"""How a card may be shown (table 3.2, *Card forms*), the PIN in block 902, and cards that are refused."""

from __future__ import annotations

import pytest

from tests.contract.daemon import GiftCard
from tests.contract.till import Till
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.link import FS
from tests.contract.visa2.records import keyed, track_1, track_2
from tests.contract.visa2.till import GIFT, VisaTill

# fmt: off
FORMS = [  # account data source, customer data of a card number
    ("track_2",             "D", track_2),
    ("track_2_by_chip",     "G", track_2),
    ("track_2_fallback",    "Z", track_2),
    ("track_2_with_d",      "D", lambda pan: track_2(pan).replace("=", "D")),
    ("track_2_expired",     "D", lambda pan: f"{pan}=0101000"),
    ("track_1",             "H", track_1),
    ("keyed_no_reader",     "@", keyed),
    ("keyed_at_track_2",    "T", keyed),
    ("keyed_at_track_1",    "X", keyed),
    ("keyed_at_chip",       "P", keyed),
    ("keyed_without_mmyy",  "T", lambda pan: keyed(pan, "")),
    ("bar_code",            "A", str),
]
# fmt: on


@pytest.mark.parametrize(("source", "form"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_a_card_is_the_same_however_it_is_shown(
    till: VisaTill, nac: Till, card: str, source: str, form: type[str]
) -> None:
    assert till.do("G4", card, 2_500, GIFT, f20=source, f21=form(card)).expect("00").gift == (17_500, 2_500)
    assert nac.balance(card) == 17_500


def test_a_bar_code_tells_its_format_in_block_200(till: VisaTill, card: str) -> None:
    reply = till.do("G4", card, 2_500, f"20000000007{FS}1{FS}", f20="A", f21=str(card)).expect("00")
    assert reply.gift == (17_500, 2_500)


@pytest.fixture
def secure(visa: VisaHouse) -> GiftCard:
    """A card that asks for its PIN."""
    return next(card for card in visa.demo.cards if card.product.pin and card.active)


def pin(digits: str) -> str:
    return f"902{digits}{FS}"


def test_a_card_with_a_pin_pays_only_with_the_right_one(till: VisaTill, nac: Till, secure: GiftCard) -> None:
    assert secure.pin is not None
    before = nac.balance(secure.pan)
    wrong = "".join(str((int(digit) + 1) % 10) for digit in secure.pin)
    for blocks in ([GIFT], [GIFT, pin(wrong)]):
        reply = till.do("G4", secure.pan, 1_000, *blocks).expect("55")
        assert "200" not in reply.blocks, "a balance is told only when the PIN was right"
        assert nac.balance(secure.pan) == before
    reply = till.do("G4", secure.pan, 1_000, GIFT, pin(secure.pin)).expect("00")
    assert reply.gift == (before - 1_000, 1_000), reply
    assert reply.blocks.keys() <= {"200"}, reply
    till.do("GF", secure.pan, 1_000, original=reply.original).expect("00")
    assert nac.balance(secure.pan) == before


def test_after_too_many_wrong_pins_the_right_one_is_refused_too(till: VisaTill, nac: Till, visa: VisaHouse) -> None:
    locked = [card for card in visa.demo.cards if card.product.pin and card.active][-1]
    assert locked.pin is not None
    before = nac.balance(locked.pan)
    wrong = "".join(str((int(digit) + 1) % 10) for digit in locked.pin)
    codes = [till.do("G4", locked.pan, 1_000, pin(wrong)).rc for _ in range(8)]
    tries = codes.index("75")
    assert codes == ["55"] * tries + ["75"] * (8 - tries)
    assert tries > 0
    till.do("G4", locked.pan, 1_000, pin(locked.pin)).expect("75")
    assert nac.balance(locked.pan) == before


def test_a_pin_in_field_22_needs_keys_that_the_terminal_does_not_have(
    till: VisaTill, nac: Till, secure: GiftCard
) -> None:
    before = nac.balance(secure.pan)
    till.do("G4", secure.pan, 1_000, f19="K", f22="8F2A6B1C0D4E5F60FFFF9876543210E0").expect("55")
    assert nac.balance(secure.pan) == before


def test_a_clear_pin_in_field_22_is_refused(till: VisaTill, nac: Till, card: str) -> None:
    """Table 3.3, code G; also for a card that asks for no PIN."""
    reply = till.do("G4", card, 1_000, f19="G", f22="1234")
    assert reply.rc not in ("00", "10")
    assert nac.balance(card) == 20_000


def test_closing_asks_for_the_pin_too(till: VisaTill, nac: Till, secure: GiftCard) -> None:
    before = nac.balance(secure.pan)
    till.do("G2", secure.pan, 0).expect("55")
    assert nac.balance(secure.pan) == before


def test_a_card_that_nobody_issued_is_unknown(till: VisaTill, visa: VisaHouse, card: str) -> None:
    known = {one.pan for one in visa.demo.cards}
    stranger = next(pan for nth in range(40) if (pan := f"{card[:8]}{nth:0{len(card) - 8}}") not in known)
    till.do("G4", stranger, 1_000).expect("14")
    till.do("G3", stranger, 0, GIFT).expect("14")


def test_a_card_not_yet_sold_pays_nothing(till: VisaTill, unsold: str) -> None:
    till.do("G4", unsold, 1_000).expect("57")


def test_an_amount_outside_the_products_range_is_refused(till: VisaTill, visa: VisaHouse, unsold: str) -> None:
    product = next(card.product for card in visa.demo.cards if card.pan == unsold)
    till.do("GC", unsold, product.maximum + 1).expect("13")
    till.do("GC", unsold, product.minimum - 1).expect("13")


def test_a_card_of_one_store_is_refused_in_another(visa: VisaHouse, nac: Till) -> None:
    local = next(card for card in visa.demo.cards if card.product.stores and card.active)
    assert local.product.stores is not None
    before = visa.tills[[row["store"] for row in visa.rows].index(local.product.stores[0])].balance(local.pan)
    for row, till in zip(visa.rows, visa.tills, strict=True):
        at_home = row["store"] in local.product.stores
        reply = till.do("G4", local.pan, 500).expect("00" if at_home else "62")
        if at_home:
            till.do("GF", local.pan, 500, original=reply.original).expect("00")
            assert till.balance(local.pan) == before


def test_another_currency_than_the_terminals_is_refused(till: VisaTill, nac: Till, card: str) -> None:
    till.do("G4", card, 1_000, f10="840").expect("12")
    assert nac.balance(card) == 20_000
