"""Section 2, *Bad form*: a 30 with the number of the field in DE38, or a closed line when nobody could be answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.client import Message, encode, frame
from tests.contract.conftest import House
from tests.contract.till import BALANCE, REDEEM, RELOAD, Till, void_code

Raw = dict[int, bytes]
Body = Callable[[Till, Message], bytes]


def redemption(till: Till, card: str) -> Message:
    """A good one; 62 is its last field."""
    return till.message("0200", REDEEM, card, 900, {49: till.record.currency, 62: till.receipt()})


# fmt: off
MISSING: list[tuple[str, str, str, tuple[int, ...], int]] = [
    # what                             MTI     DE3      left out     DE38
    ("processing code",                "0200", REDEEM,  (3,),         3),
    ("amount of a redemption",         "0200", REDEEM,  (4,),         4),
    ("amount of a reload",             "0200", RELOAD,  (4,),         4),
    ("amount of a void",               "0200", void_code(REDEEM), (4,), 4),
    ("amount of a reversal",           "0400", REDEEM,  (4,),         4),
    ("amount of an advice",            "0220", REDEEM,  (4,),         4),
    ("NII",                            "0200", REDEEM,  (24,),       24),
    ("NII of an inquiry",              "0100", BALANCE, (24,),       24),
    ("amount and NII",                 "0200", REDEEM,  (4, 24),      4),
    ("time and date of an advice",     "0220", REDEEM,  (12, 13),    12),
    ("date of an advice",              "0220", REDEEM,  (13,),       13),
    ("NII and date of an advice",      "0220", REDEEM,  (13, 24),    13),
]
# fmt: on


@pytest.mark.parametrize(("what", "mti", "de3", "left_out", "de38"), MISSING, ids=[row[0] for row in MISSING])
def test_the_first_needed_field_that_is_missing_is_named(
    till: Till, card: str, what: str, mti: str, de3: str, left_out: tuple[int, ...], de38: int
) -> None:
    request = till.message(mti, de3, card, 900, {**till.when(), 37: "123456789012"})
    answer = till.ask(request.but(changes=dict.fromkeys(left_out))).expect("30")
    assert answer[38] == f"{de38:06}", f"{what}\n{answer.story()}"
    assert till.balance(card) == 20_000


def test_a_missing_card_is_named_by_one_of_its_fields(till: Till) -> None:
    answer = till.ask(till.message("0200", REDEEM, None, 900)).expect("30")
    assert answer[38] in ("000002", "000035", "000045"), answer.story()


def replaced(nac: Raw, ascii_: Raw) -> Body:
    return lambda till, message: encode(till.dialect, message, nac if till.dialect == "nac" else ascii_)


def nibbles(nac: str, ascii_: bytes, de: int) -> Body:
    return replaced({de: bytes.fromhex(nac)}, {de: ascii_})


def without(*left_out: int, then: Body) -> Body:
    return lambda till, message: then(till, message.but(changes=dict.fromkeys(left_out)))


def cut(count: int) -> Body:
    return lambda till, message: encode(till.dialect, message)[:-count]


def followed_by(data: bytes) -> Body:
    return lambda till, message: encode(till.dialect, message) + data


# fmt: off
WRONG: list[tuple[str, Body, int]] = [
    ("a letter in the processing code",    nibbles("00A000", b"00A000", 3),                                     3),
    ("a letter in the amount",             nibbles("00000000090F", b"00000000090F", 4),                         4),
    ("a letter in the time",               nibbles("12B000", b"12B000", 12),                                   12),
    ("a letter in the date",               nibbles("1A01", b"1A01", 13),                                       13),
    ("a letter in the NII",                nibbles("0C03", b"C03", 24),                                        24),
    ("a letter in the currency",           nibbles("0E49", b"E49", 49),                                        49),
    ("a letter in the original data",      nibbles("F" + "0" * 41, b"F" + b"0" * 41, 90),                      90),
    ("a letter in the card number",        nibbles("164111A11111111111", b"164111A11111111111", 2),             2),
    ("a letter in a field nobody uses",    nibbles("0D10", b"0D10", 18),                                       18),
    ("amount and currency",                replaced({4: bytes(5) + b"\xaa", 49: b"\x0e\x49"},
                                                    {4: b"0000000000AA", 49: b"E49"}),                          4),
    ("wrong currency before missing amount",
                                           without(4, then=nibbles("0E49", b"E49", 49)),                       49),
    ("an over-long track 1",               nibbles("77" + "41" * 77, b"77" + b"A" * 77, 45),                   45),
    ("over-long additional amounts",       nibbles("0121" + "30" * 121, b"121" + b"0" * 121, 54),              54),
    ("a length that is no number",         nibbles("000A" + "30" * 6, b"0A6" + b"0" * 6, 62),                  62),
    ("a length beyond the end",            nibbles("0999" + "30" * 6, b"999" + b"0" * 6, 62),                  62),
    ("the last field cut short",           cut(3),                                                             62),
    ("the last field not there",           replaced({62: b""}, {62: b""}),                                     62),
    ("one byte too many",                  followed_by(b"0"),                                                  62),
    ("many bytes too many",                followed_by(b"0" * 40),                                             62),
    ("bytes too many after another field", without(49, 62, then=followed_by(b"0")),                            42),
]
# fmt: on


@pytest.mark.parametrize(("what", "make", "de38"), WRONG, ids=[row[0] for row in WRONG])
def test_the_first_wrong_field_is_named_and_the_line_stays(
    till: Till, card: str, what: str, make: Body, de38: int
) -> None:
    request = redemption(till, card)
    with till.new_line() as line:
        line.send_bytes(frame(till.dialect, make(till, request)))
        answer = line.receive()
        till.ask(till.message("0800", "990000"), line).expect("00")
    told = f"{what}:\n  >> {request}\n  << {answer}"
    assert (answer.mti, answer.rc, answer.get(38)) == ("0210", "30", f"{de38:06}"), told
    assert [answer.get(de) for de in (11, 41, 42)] == [request[de] for de in (11, 41, 42)], told
    assert {12, 13} <= answer.keys(), told
    assert not {2, 35, 45, 52, 55} & answer.keys(), told
    assert till.balance(card) == 20_000


def test_fields_after_a_wrong_one_of_certain_length_count_as_read(till: Till, card: str) -> None:
    request = redemption(till, card)
    wrong = {4: bytes(5) + b"\x0a" if till.dialect == "nac" else b"00000000000A"}
    answer = till.line.ask(request, wrong)
    assert answer.rc == "30", answer
    assert [answer.get(de) for de in (3, 24, 49, 62)] == [request[de] for de in (3, 24, 49, 62)], answer


def test_a_pin_block_that_is_not_hex_is_named(house: House) -> None:
    till = house.till("ascii")
    card = house.card(till)
    answer = till.line.ask(till.message("0200", REDEEM, card, 900), {52: b"0123456789ABCDEG"})
    assert (answer.rc, answer.get(38)) == ("30", "000052"), answer


def test_card_fields_that_do_not_agree_are_a_format_error(house: House, till: Till, card: str) -> None:
    other = house.card(till, 5_000)
    till.do(REDEEM, card, 900, {35: f"{other}=4912"}).expect("30")
    assert (till.balance(card), till.balance(other)) == (20_000, 5_000)


def test_the_pad_nibbles_of_a_nac_field_may_be_anything(nac_till: Till, nac_card: str) -> None:
    track = f"{nac_card}D49121"  # an odd or an even count, as the card number has it
    pad = "5" * (len(track) % 2)
    raw = {35: bytes.fromhex(f"{len(track):02}{track}{pad}")}
    answer = nac_till.line.ask(nac_till.message("0100", BALANCE), raw)
    assert answer.rc == "00", answer
    raw = {2: bytes.fromhex(f"{len(nac_card):02}{nac_card}{'0' * (len(nac_card) % 2)}")}
    answer = nac_till.line.ask(nac_till.message("0100", BALANCE), raw)
    assert answer.rc == "00", answer


UNREADABLE: dict[str, dict[str, Body]] = {
    "MTI is no number": {
        "nac": lambda till, message: b"\x02\x0a" + encode("nac", message)[2:],
        "ascii": lambda till, message: b"02G0" + encode("ascii", message)[4:],
    },
    "MTI cut short": {"nac": lambda till, message: b"\x02", "ascii": lambda till, message: b"020"},
    "bitmap cut short": {
        "nac": lambda till, message: encode("nac", message)[:7],
        "ascii": lambda till, message: encode("ascii", message)[:15],
    },
    "bitmap is not hex": {"ascii": lambda till, message: b"0200" + b"Z" * 16 + encode("ascii", message)[20:]},
    "no fields at all": {
        "nac": lambda till, message: bytes.fromhex("0200") + bytes(8),
        "ascii": lambda till, message: b"0200" + b"0" * 16,
    },
    "STAN missing": dict.fromkeys(("nac", "ascii"), without(11, then=followed_by(b""))),
    "STAN is no number": dict.fromkeys(("nac", "ascii"), nibbles("00000A", b"00000A", 11)),
    "terminal missing": dict.fromkeys(("nac", "ascii"), without(41, then=followed_by(b""))),
    "cut before the terminal": {
        "nac": lambda till, message: encode("nac", message)[:30],
        "ascii": lambda till, message: encode("ascii", message)[:60],
    },
    "a card length that is no number": dict.fromkeys(("nac", "ascii"), nibbles("0A", b"A1", 2)),
}
CLOSING = [(name, where, make) for name, makers in UNREADABLE.items() for where, make in makers.items()]


@pytest.mark.parametrize(("name", "where", "make"), CLOSING, ids=[f"{row[0]} ({row[1]})" for row in CLOSING])
def test_a_message_nobody_could_be_answered_closes_the_line(house: House, name: str, where: str, make: Body) -> None:
    till = house.till(where)
    card = house.card(till)
    with till.new_line() as line:
        assert line.is_closed_after(frame(where, make(till, redemption(till, card)))), name
    assert till.balance(card) == 20_000
