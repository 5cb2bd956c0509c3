"""Malformed records: `ERROR nn` where the terminal can be answered, NAK otherwise; Group III known and unknown."""

from __future__ import annotations

import pytest

from tests.contract.till import Till
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.link import ACK, CLOSED, ETX, FS, Frame
from tests.contract.visa2.records import debit_group, read_reply
from tests.contract.visa2.till import GIFT, VisaTill

# fmt: off
MALFORMED = [  # field of table 2.2, what stands in it
    (10, "9A9"),                                  # currency, country, language, zone, MCC: numeric
    (11, "7X2"),
    (13, "A0"),
    (14, "0X3"),
    (15, "59A2"),
    (2, "9"),                                     # 0, 2, 4
    (17, "0000"),                                 # 0001-9999
    (19, "?"),                                    # codes of tables 3.3 and 3.2
    (20, "?"),
    (21, "X" * 16),                               # no track, no number
    (23, "12345"),                                # 0 or 6 digits
    (23, "12345X"),
    (24, "12X4"),
    (24, "1234567890123"),                        # thirteen digits
    (24, "-100"),
    (25, "1A"),
    (26, "PHX"),                                  # 0 or 4
    (27, "DEMO BOOKS"),                           # 0 or 40
    (28, "12345678901234"),                       # 0 or 15
    (29, "12345612312612000012345678901"),        # 0 or 30
]
UNREADABLE = [  # what is sent instead of a record whose sender could be told
    ("empty",                  lambda text: ""),
    ("a_letter",               lambda text: "D"),
    ("cut_before_sequence",    lambda text: text[:50]),
    ("sequence_not_numeric",   lambda text: text[:56] + "00X1" + text[60:]),
    ("store_not_numeric",      lambda text: text[:21] + "00X1" + text[25:]),
    ("terminal_not_numeric",   lambda text: text[:25] + "A001" + text[29:]),
    ("noise",                  lambda text: "?" * 80),
]
UNKNOWN = ["777", "777" + "FREE TEXT", f"777A{FS}B{FS}", "903" + "9" * 60 + FS, "999" + FS * 5]
# fmt: on


@pytest.mark.parametrize(("number", "text"), MALFORMED)
def test_a_malformed_field_is_named(till: VisaTill, nac: Till, card: str, number: int, text: str) -> None:
    reply = till.do("G4", card, 1_000, GIFT, **{f"f{number}": text}).expect("06")
    assert reply.text == f"ERROR {number:02}".ljust(16)
    assert nac.balance(card) == 20_000


def test_a_malformed_debit_record_is_answered_by_a_u(till: VisaTill, nac: Till, card: str) -> None:
    asked = till.request("G4", card, "12X4", f1="T", f2="0")
    with till.new_line() as line:
        reply = till.ask(type(asked)(asked.fields, debit_group(till.numbers)), line).expect("06")
        line.say(ACK)
        assert line.to_the_end()[-1] == CLOSED
    assert (reply.letter, reply.text) == ("U", "ERROR 24".ljust(16))
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize("spoil", [row[1] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE])
def test_a_record_whose_sender_cannot_be_told_gets_nak(till: VisaTill, nac: Till, card: str, spoil: type[str]) -> None:
    asked = till.request("G4", card, 1_000)
    with till.new_line() as line:
        line.send(spoil(asked.text()))
        line.expect("NAK")
        assert till.ask(asked, line).rc == "00"
    assert nac.balance(card) == 19_000


def test_a_wrong_character_anywhere_gets_an_answer_or_nak_and_moves_nothing(
    till: VisaTill, nac: Till, card: str
) -> None:
    text = till.request("G3", card, 0, GIFT).text()
    codes = set()
    with till.new_line() as line:
        for place in range(len(text)):
            line.send(text[:place] + "~" + text[place + 1 :])
            heard = line.hear()
            if isinstance(heard, Frame):
                codes.add(read_reply(heard.record).rc)
            else:
                assert heard == "NAK", heard
                till.ask(till.request("G3", card, 0), line)  # else the fourth NAK in a row ends the session
    assert {"00", "06"} <= codes <= {"00", "03", "06", "12", "14"}, codes
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize("block", UNKNOWN)
def test_an_unknown_block_changes_nothing_and_is_not_answered(till: VisaTill, nac: Till, card: str, block: str) -> None:
    assert till.do("G4", card, 1_000, block, GIFT).expect("00").blocks.keys() == {"200"}
    assert till.do("G4", card, 1_000, GIFT, block).expect("00").blocks.keys() == {"200"}
    assert till.do("G4", card, 1_000, block).expect("00").blocks.keys() == set()
    assert nac.balance(card) == 17_000


def test_blocks_200_and_900_are_answered_only_when_asked_for(till: VisaTill, card: str, member: str) -> None:
    for code, pan in (("G4", card), ("G3", card), ("G6", card), ("L6", member), ("L3", member)):
        assert till.do(code, pan, 0 if code[1] == "3" else 1_000).expect("00").blocks.keys() == set()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"f4": "123456"}, "BIN"),
        ({"f5": "888000000009"}, "merchant"),
        ({"f6": "0099"}, "store"),
        ({"f7": "0999"}, "terminal"),
    ],
    ids=["bin", "merchant", "store", "terminal"],
)
def test_an_unknown_sender_gets_03(till: VisaTill, nac: Till, card: str, changes: dict[str, str], what: str) -> None:
    till.do("G4", card, 1_000, GIFT, **changes).expect("03")
    assert nac.balance(card) == 20_000, what


def test_a_terminal_is_known_by_its_numbers_and_not_by_its_line(visa: VisaHouse, nac: Till, card: str) -> None:
    first, second = visa.tills
    with first.new_line() as line:
        for sender in (first, second, first):
            record = sender.request("G4", card, 1_000).text()
            reply = read_reply(line.ask(record))
            assert (reply.rc, reply.store, reply.terminal) == (
                "00",
                sender.numbers.store_number,
                sender.numbers.terminal_number,
            )
    assert nac.balance(card) == 17_000


def test_a_record_that_names_no_bin_is_compared_by_its_three_numbers(plain: VisaTill, nac: Till, card: str) -> None:
    plain.do("G4", card, 1_000, f4="123456").expect("00")
    plain.do("G4", card, 1_000, f4="654321").expect("00")
    assert nac.balance(card) == 18_000


def test_a_record_of_four_thousand_bytes_is_read_whole(till: VisaTill, nac: Till, card: str) -> None:
    text = till.request("G4", card, 1_000, "777" + "X" * 3_600).text()
    with till.new_line() as line:
        line.send(text, ETX)
        heard = line.hear()
        assert isinstance(heard, Frame), heard
        assert read_reply(heard.record).rc == "00"
    assert nac.balance(card) == 19_000
