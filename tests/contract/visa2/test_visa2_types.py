"""Several records on one line: application types 0, 2 and 4."""

from __future__ import annotations

import pytest

from tests.contract.till import Till
from tests.contract.visa2.link import ACK, CLOSED, DLE, ENQ, EOT, ETB, ETX, NAK, Frame, VisaLine, damaged, framed
from tests.contract.visa2.records import read_reply
from tests.contract.visa2.till import GIFT, VisaTill


def test_type_2_is_polled_for_the_next_record_until_one_of_type_0(
    till: VisaTill, nac: Till, card: str, line: VisaLine
) -> None:
    for _ in range(3):
        reply = till.ask(till.request("G4", card, 1_000, f2="2"), line, ETB)
        assert (reply.rc, reply.kind) == ("00", "2")
        line.say(ACK)
        line.expect("ENQ")
    assert till.ask(till.request("G4", card, 1_000, f2="0"), line).rc == "00"
    line.say(ACK)
    line.expect("EOT", CLOSED)
    assert nac.balance(card) == 16_000


@pytest.mark.parametrize("controls", [(EOT,), (DLE, EOT)], ids=["EOT", "DLE_EOT"])
def test_type_2_ends_when_the_terminal_ends_it(
    till: VisaTill, nac: Till, card: str, line: VisaLine, controls: tuple[int, ...]
) -> None:
    till.ask(till.request("G4", card, 1_000, f2="2"), line, ETB).expect("00")
    line.say(ACK)
    line.expect("ENQ")
    line.say(*controls)
    assert set(line.to_the_end()) <= {"EOT", CLOSED}
    assert nac.balance(card) == 19_000


@pytest.mark.parametrize(("kind", "end"), [("2", ETX), ("0", ETB), ("0", ETX)])
def test_a_record_that_is_the_last_is_answered_then_eot(
    till: VisaTill, nac: Till, card: str, line: VisaLine, kind: str, end: int
) -> None:
    assert till.ask(till.request("G4", card, 1_000, f2=kind), line, end).rc == "00"
    line.say(ACK)
    line.expect("EOT", CLOSED)
    assert nac.balance(card) == 19_000


def test_type_4_answers_many_at_once_by_their_sequence_numbers(
    till: VisaTill, other: VisaTill, nac: Till, card: str, line: VisaLine
) -> None:
    asked = [one.request("G4", card, 100) for _ in range(10) for one in (till, other)]
    for request in asked:
        line.send(request.text())
    replies = [read_reply(line.frame()) for _ in asked]
    told = sorted((reply.terminal, reply.sequence, reply.rc) for reply in replies)
    assert told == sorted((request[7], request[17], "00") for request in asked)
    assert nac.balance(card) == 18_000


@pytest.mark.parametrize("end", [ETX, ETB])
@pytest.mark.parametrize("between", [(), (ACK, ENQ, ACK)], ids=["nothing", "ACK_and_ENQ"])
def test_type_4_needs_no_ack_and_ignores_it(
    till: VisaTill, card: str, line: VisaLine, end: int, between: tuple[int, ...]
) -> None:
    for _ in range(3):
        assert till.ask(till.request("G3", card, 0, GIFT), line, end).gift == (20_000, None)
        line.say(*between)
    line.say(DLE, EOT)
    assert set(line.to_the_end()) <= {"EOT", CLOSED}


def test_type_4_sends_the_last_response_again_after_nak(till: VisaTill, nac: Till, card: str, line: VisaLine) -> None:
    first = line.ask(till.request("G4", card, 100).text())
    last = line.ask(till.request("G4", card, 100).text())
    assert first != last
    line.say(NAK)
    assert line.frame() == last
    assert till.ask(till.request("G4", card, 100), line).rc == "00"
    assert nac.balance(card) == 19_700


def test_type_4_says_nak_to_a_bad_frame_and_answers_the_others(
    till: VisaTill, nac: Till, card: str, line: VisaLine, even: bool
) -> None:
    good = [framed(till.request("G4", card, 100).text(), even=even) for _ in range(2)]
    line.send_bytes(good[0] + damaged(good[1]))
    heard = [line.hear(), line.hear()]
    assert sorted(isinstance(one, Frame) for one in heard) == [False, True], heard
    assert "NAK" in heard, heard
    line.send_bytes(good[1])
    assert read_reply(line.frame()).rc == "00"
    assert nac.balance(card) == 19_800
