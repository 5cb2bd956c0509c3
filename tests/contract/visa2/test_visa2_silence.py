"""A line that says nothing any more is polled, asked again, and let go, in every state; nothing moves by it.

A listener with short timers; all the lines are silent together.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.visa2.capture import batch_records, send_all, unseen
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.link import ACK, CLOSED, ETB, Frame, Heard, VisaLine, damaged, framed
from tests.contract.visa2.till import VisaTill


def nothing(line: VisaLine, till: VisaTill, card: str) -> None:
    """Not a byte."""


def half_a_frame(line: VisaLine, till: VisaTill, card: str) -> None:
    line.send_bytes(framed(till.request("G4", card, 1_000).text(), even=line.even)[:40])


def a_bad_frame(line: VisaLine, till: VisaTill, card: str) -> None:
    line.send_bytes(damaged(framed(till.request("G4", card, 1_000).text(), even=line.even)))


def no_ack(line: VisaLine, till: VisaTill, card: str) -> None:
    line.send(till.request("G3", card, 0, f2="0").text())


def no_next_of_type_2(line: VisaLine, till: VisaTill, card: str) -> None:
    till.ask(till.request("G3", card, 0, f2="2"), line, ETB)
    line.say(ACK)


def a_batch_begun(line: VisaLine, till: VisaTill, card: str) -> None:
    records = batch_records(till.numbers, "999", [unseen(till, "G4", card, 1_000)])
    line.send(records[0].text(), ETB)
    line.send(records[1].text(), ETB)


def a_batch_settled(line: VisaLine, till: VisaTill, card: str) -> None:
    records = batch_records(till.numbers, till.fresh_batch(), [unseen(till, "G4", card, 1_000)], f08="000000009")
    send_all(line, [record.text() for record in records])


STATES = [nothing, half_a_frame, a_bad_frame, no_ack, no_next_of_type_2, a_batch_begun, a_batch_settled]


@pytest.fixture(scope="module")
def heard(visa: VisaHouse) -> Iterator[dict[str, list[Heard]]]:
    """What the host says to lines that fall silent, after its first ENQ."""
    till, nac = visa.tills[0], visa.club.till("nac")
    card = visa.iso.card(nac)
    lines: dict[str, VisaLine] = {}
    try:
        for state in STATES:
            lines[state.__name__] = VisaLine(visa.hasty_port, even=True).expect("ENQ")
            state(lines[state.__name__], till, card)
        with VisaLine(visa.hasty_port, even=True).expect("ENQ") as idle:
            till.ask(till.request("G3", card, 0), idle).expect("00")
            told = {name: line.to_the_end() for name, line in lines.items()}
            told["idle_type_4"] = [till.ask(till.request("G3", card, 0), idle).rc]
        assert nac.balance(card) == 20_000
        yield told
    finally:
        for line in lines.values():
            line.close()


def test_a_terminal_that_says_nothing_is_polled_three_times(heard: dict[str, list[Heard]]) -> None:
    assert heard["nothing"] in (["ENQ"] * 2 + ["EOT", CLOSED], ["ENQ"] * 3 + ["EOT", CLOSED])


def test_a_frame_that_stops_is_refused_and_nobody_is_polled(heard: dict[str, list[Heard]]) -> None:
    assert heard["half_a_frame"][0] == "NAK"
    assert "ENQ" not in heard["half_a_frame"]


def test_after_nak_nobody_is_polled(heard: dict[str, list[Heard]]) -> None:
    assert heard["a_bad_frame"][0] == "NAK"
    assert "ENQ" not in heard["a_bad_frame"]


def test_a_response_without_ack_is_sent_three_times(heard: dict[str, list[Heard]]) -> None:
    frames = [one for one in heard["no_ack"] if isinstance(one, Frame)]
    assert len(frames) == 3
    assert len(set(frames)) == 1


def test_a_settlement_response_without_ack_is_sent_three_times(heard: dict[str, list[Heard]]) -> None:
    again = [one for one in heard["a_batch_settled"] if isinstance(one, Frame)]
    assert len(again) == 2, "the first was heard before"
    assert len(set(again)) == 1


def test_a_batch_that_stops_is_acknowledged_as_far_as_it_came(heard: dict[str, list[Heard]]) -> None:
    assert heard["a_batch_begun"][:2] == ["ACK", "BEL"]


@pytest.mark.parametrize("state", [state.__name__ for state in STATES])
def test_every_silent_line_ends_with_eot(heard: dict[str, list[Heard]], state: str) -> None:
    assert heard[state][-2:] == ["EOT", CLOSED]


def test_an_idle_line_of_type_4_outlives_all_timers(heard: dict[str, list[Heard]]) -> None:
    assert heard["idle_type_4"] == ["00"]
