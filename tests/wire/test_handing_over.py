"""A line goes on with another session, in another process: as if it were the same one."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.dialects import VISA2
from specs.outcomes import Outcome
from specs.transaction import Reply
from terminals.errors import FrameError
from terminals.session import CLOSED, SIGNED_OFF, Event, Received
from terminals.visa2_frames import even_parity, write_frame
from terminals.visa2_session import Visa2Session
from tests.wire.golden import LINE
from tests.wire.tools import ASCII_REDEEM, NAC_REDEEM, ascii_frame, events_of, nac_frame, session
from tests.wire.visa2_tools import FS, record

FRAMES = {"nac": nac_frame("0200", NAC_REDEEM), "ascii": ascii_frame("0200", ASCII_REDEEM)}
APPROVED = Reply(Outcome.APPROVED, local_date="1122", local_time="101530", rrn="632600000001")
ENQ, ACK, NAK, EOT = b"\x05", b"\x06", b"\x15", b"\x04"


# -- ISO 8583 ---------------------------------------------------------------------------------------------------------
@given(st.sampled_from(sorted(FRAMES)), st.lists(st.integers(0, 400), max_size=6))
def test_whatever_has_come_of_a_frame_is_not_lost(dialect: str, cuts: list[int]) -> None:
    data = FRAMES[dialect] * 2
    places = sorted({0, len(data), *(min(place, len(data)) for place in cuts)})
    found: list[Event] = []
    kept = b""
    for begin, end in itertools.pairwise(places):
        one = session(dialect)
        one.take_over(kept)
        found += events_of(one, data[begin:end])
        handed = one.hand_over()
        assert handed is not None
        kept = handed
    assert found == events_of(dialect, data)
    assert kept == b""


def test_a_session_that_has_ended_is_not_handed_over() -> None:
    ended, failed = session("ascii"), session("ascii")
    assert events_of(ended, b"") == [CLOSED]
    with pytest.raises(FrameError):
        events_of(failed, b"no digits")
    assert (ended.hand_over(), failed.hand_over()) == (None, None)


# -- VISA-2 -----------------------------------------------------------------------------------------------------------
@dataclass
class Line:
    """A terminal's side, in its parity; on our side one session after another."""

    session: Visa2Session
    even: bool = False

    def hears(self, data: bytes) -> bytes:
        """What a terminal hears that says this; requests are approved."""
        self.session.receive_data(even_parity(data) if self.even else data)
        said = b""
        while isinstance(event := self.session.next_event(), Received):
            said += self.session.send(APPROVED, event.slip)
        said += self.session.take_output()
        assert said == (even_parity(said) if self.even else bytes(byte & 0x7F for byte in said))
        return bytes(byte & 0x7F for byte in said)


def begun(even: bool = False) -> Line:
    line = Line(Visa2Session(VISA2, LINE, 0.0), even)
    assert line.session.take_output() == ENQ
    return line


def another(session: Visa2Session) -> Visa2Session:
    """What the next daemon makes of it."""
    kept = session.hand_over()
    assert kept is not None
    found = Visa2Session(VISA2, LINE, 0.0)
    found.take_over(kept)
    return found


INTERLEAVED = [write_frame(record(f2="4", f17=f"{number:04d}")) for number in (1, 2)]
BAD = INTERLEAVED[0][:-1] + bytes([INTERLEAVED[0][-1] ^ 1])
PIECES = st.sampled_from([*INTERLEAVED, BAD, NAK, ACK, ENQ, b"\x02", INTERLEAVED[1][:20], INTERLEAVED[1][20:]])


def debit(application_type: str = "0") -> bytes:
    return record(f"{FS}V{FS}{FS}0000001111110170{FS}200{FS}{FS}", f1="T", f2=application_type)


@given(st.lists(PIECES, max_size=8), st.booleans())
def test_an_interleaved_line_goes_on_as_if_nothing_were(pieces: list[bytes], even: bool) -> None:
    """Its parity, the response that a NAK asks for again, and the part of a frame that has come."""
    same, handed = begun(even), begun(even)
    assert same.hears(INTERLEAVED[0]) == handed.hears(INTERLEAVED[0])
    handed.session = another(handed.session)
    assert handed.session.take_output() == b"", "it is not polled"
    for piece in pieces:
        assert handed.hears(piece) == same.hears(piece)
        if handed.session.next_event() is SIGNED_OFF:
            return
        handed.session = another(handed.session)


def test_who_has_said_nothing_yet_is_polled_again() -> None:
    after = another(begun().session)
    assert after.take_output() == ENQ
    assert Line(after).hears(INTERLEAVED[0])


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (INTERLEAVED[0][:9], "in the first frame"),
        (BAD, "asked to repeat"),
        (write_frame(record()), "answered, not acknowledged"),
        (write_frame(debit()), "not confirmed"),
        (write_frame(debit("4")), "not confirmed, interleaved"),
        (EOT, "ended"),
    ],
)
def test_in_the_middle_of_an_exchange_nothing_is_handed_over(said: bytes, where: str) -> None:
    line = begun()
    line.hears(said)
    assert line.session.hand_over() is None, where
