"""The link, section 1: who speaks when, parity, NAK and its counts, limits on what is no frame."""

from __future__ import annotations

import pytest

from tests.contract.till import Till
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.link import (
    ACK,
    CLOSED,
    DLE,
    ENQ,
    EOT,
    NAK,
    Frame,
    VisaLine,
    damaged,
    framed,
    only_controls,
    with_even_parity,
)
from tests.contract.visa2.records import read_reply
from tests.contract.visa2.till import GIFT, VisaTill

OUTSIDE_MAX = 64  # characters outside a frame in one state


def spoilt(frame: bytes, how: str, *, even: bool) -> bytes:
    """A frame the host must not take."""
    middle = len(frame) // 2
    match how:
        case "lrc":
            return damaged(frame)
        case "lost_character":
            return frame[:middle] + frame[middle + 1 :]
        case "changed_character":  # two bits: its parity stays right
            return frame[:middle] + bytes([frame[middle] ^ 0x03]) + frame[middle + 1 :]
        case "parity":
            return frame[:middle] + bytes([frame[middle] ^ 0x80]) + frame[middle + 1 :]
    raise AssertionError(how)


SPOILT = ["lrc", "lost_character", "changed_character", "parity"]


def test_a_session_of_type_0_ends_after_its_response(till: VisaTill, nac: Till, card: str, line: VisaLine) -> None:
    reply = till.ask(till.request("G4", card, 2_500, GIFT, f2="0"), line)
    assert (reply.rc, reply.kind) == ("00", "0")
    line.say(ACK)
    line.expect("EOT", CLOSED)
    assert nac.balance(card) == 17_500


@pytest.mark.parametrize("how", SPOILT)
def test_a_bad_frame_gets_nak_and_moves_nothing_then_a_good_one_is_taken(
    till: VisaTill, nac: Till, card: str, line: VisaLine, even: bool, how: str
) -> None:
    asked = till.request("G4", card, 2_500, f2="0")
    good = framed(asked.text(), even=even)
    line.send_bytes(spoilt(good, how, even=even))
    line.expect("NAK")
    assert nac.balance(card) == 20_000
    line.send_bytes(good)
    assert read_reply(line.frame()).rc == "00"
    line.say(ACK)
    line.expect("EOT", CLOSED)
    assert nac.balance(card) == 17_500


def test_three_naks_in_a_row_and_the_fourth_bad_frame_ends_the_session(
    till: VisaTill, nac: Till, card: str, line: VisaLine, even: bool
) -> None:
    bad = damaged(framed(till.request("G4", card, 2_500).text(), even=even))
    for answer in (["NAK"], ["NAK"], ["NAK"], ["EOT", CLOSED]):
        line.send_bytes(bad)
        line.expect(*answer)
    assert nac.balance(card) == 20_000


def test_any_one_damaged_character_of_a_record_is_noticed(
    till: VisaTill, nac: Till, card: str, line: VisaLine, even: bool
) -> None:
    good = framed(till.request("G4", card, 2_500, GIFT).text(), even=even)
    places = [*range(1, len(good) - 2), len(good) - 1]  # all but STX and ETX
    for nth, place in enumerate(places):
        flip = 0x03 if even else 0x01  # two bits keep an even parity
        line.send_bytes(good[:place] + bytes([good[place] ^ flip]) + good[place + 1 :])
        line.expect("NAK")
        if nth % 3 == 2:
            till.ask(till.request("G3", card, 0), line).expect("00")
    assert nac.balance(card) == 20_000


def test_a_good_frame_begins_the_count_of_naks_anew(
    till: VisaTill, nac: Till, card: str, line: VisaLine, even: bool
) -> None:
    for _ in range(2):
        asked = till.request("G4", card, 100)
        for _ in range(3):
            line.send_bytes(damaged(framed(asked.text(), even=even)))
            line.expect("NAK")
        assert till.ask(asked, line).rc == "00"
    assert nac.balance(card) == 19_800


def test_a_response_is_sent_three_times_at_most(till: VisaTill, nac: Till, card: str, line: VisaLine) -> None:
    asked = till.request("G4", card, 2_500, f2="0")
    first = line.ask(asked.text())
    for _ in range(2):
        line.say(NAK)
        assert line.frame() == first
    line.say(NAK)
    line.expect("EOT", CLOSED)
    assert nac.balance(card) == 17_500


@pytest.mark.parametrize("controls", [(EOT,), (DLE, EOT)], ids=["EOT", "DLE_EOT"])
@pytest.mark.parametrize("when", ["at_once", "after_a_nak", "after_the_response"])
def test_the_terminal_may_end_the_session_in_any_state(
    till: VisaTill, card: str, line: VisaLine, even: bool, when: str, controls: tuple[int, ...]
) -> None:
    asked = till.request("G3", card, 0, f2="0")
    if when == "at_once":
        line.send_bytes(b"")
    elif when == "after_a_nak":
        line.send_bytes(damaged(framed(asked.text(), even=even)))
        line.expect("NAK")
    else:
        till.ask(asked, line)
    line.say(*controls)
    heard = line.to_the_end()
    assert only_controls(heard) in ([CLOSED], ["EOT", CLOSED]), heard


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_frame_may_come_in_pieces(till: VisaTill, card: str, line: VisaLine, even: bool, pieces: int) -> None:
    data = framed(till.request("G3", card, 0, GIFT).text(), even=even)
    for at in range(0, len(data), pieces):
        line.send_bytes(data[at : at + pieces])
    assert read_reply(line.frame()).gift == (20_000, None)


def test_a_frame_may_come_with_what_follows_it(till: VisaTill, card: str, line: VisaLine, even: bool) -> None:
    data = framed(till.request("G3", card, 0, f2="0").text(), even=even)
    line.send_bytes(data + (with_even_parity(bytes([ACK])) if even else bytes([ACK])))
    assert read_reply(line.frame()).rc == "00"
    line.expect("EOT", CLOSED)


def test_a_few_characters_before_a_frame_are_passed_over(till: VisaTill, card: str, line: VisaLine, even: bool) -> None:
    data = b"~" * OUTSIDE_MAX
    line.send_bytes(with_even_parity(data) if even else data)
    assert read_reply(line.ask(till.request("G3", card, 0, GIFT).text())).gift == (20_000, None)


@pytest.mark.parametrize("character", [b"~", bytes([ENQ]), b"\x00"], ids=["noise", "ENQ", "NUL"])
def test_more_characters_than_that_end_the_session(till: VisaTill, character: bytes) -> None:
    with VisaLine(till.port).expect("ENQ") as line:
        line.send_bytes(character * (OUTSIDE_MAX + 1))
        heard = line.to_the_end()
    assert heard[-2:] == ["EOT", CLOSED], heard
    assert set(heard[:-2]) <= {"ENQ"}, heard


def test_the_limit_holds_while_the_host_waits_for_an_ack(till: VisaTill, card: str) -> None:
    with VisaLine(till.port).expect("ENQ") as line:
        till.ask(till.request("G3", card, 0, f2="0"), line)
        line.send_bytes(b"~" * (OUTSIDE_MAX + 1))
        line.expect("EOT", CLOSED)


def test_a_flood_of_enq_hinders_nobody(visa: VisaHouse, till: VisaTill, card: str) -> None:
    lines = [VisaLine(till.port) for _ in range(5)]
    try:
        for one in lines:
            one.send_bytes(bytes([ENQ]) * 20_000)
        assert till.balance(card) == 20_000
        for one in lines:
            assert one.to_the_end()[-1] == CLOSED
    finally:
        for one in lines:
            one.close()


@pytest.mark.parametrize("size", [4_097, 60_000])
def test_a_record_that_is_too_long_is_not_taken(till: VisaTill, nac: Till, card: str, size: int) -> None:
    asked = till.request("G4", card, 2_500, "777" + "X" * size)
    with VisaLine(till.port).expect("ENQ") as line:
        line.send_bytes(framed(asked.text()))
        assert line.hear() in ("NAK", "EOT", CLOSED)
    assert nac.balance(card) == 20_000
    assert till.balance(card) == 20_000


@pytest.mark.parametrize(
    "data", [b"\x02\xff\xfe\x03\x00", b"\x82\x02\x03\x03", b"\x02\x03\x03", b"\x02" * 9 + b"\x03\x01"]
)
def test_bytes_that_are_no_record_get_nak(till: VisaTill, card: str, data: bytes) -> None:
    with VisaLine(till.port, even=data[0] == 0x82).expect("ENQ") as line:
        line.send_bytes(data)
        line.expect("NAK")
        assert read_reply(line.ask(till.request("G3", card, 0, GIFT).text())).gift == (20_000, None)


@pytest.mark.parametrize("control", [0x00, 0x0A, 0x1B, 0x7F])
def test_a_character_that_no_record_has_is_refused(
    till: VisaTill, nac: Till, card: str, line: VisaLine, even: bool, control: int
) -> None:
    text = till.request("G4", card, 2_500, f27="DEMO".ljust(39) + chr(control)).text()
    line.send_bytes(framed(text, even=even))
    heard = line.hear()
    assert heard == "NAK" or (isinstance(heard, Frame) and read_reply(heard.record).rc == "06"), heard
    assert nac.balance(card) == 20_000
