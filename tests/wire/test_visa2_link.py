"""The VISA-2 link: every transition of its table, in both parities, whole and byte by byte; limits and timers."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs import limits
from terminals.visa2_frames import even_parity, write_frame
from terminals.visa2_link import Link, Waits
from terminals.visa2_settings import LinkSettings
from terminals.visa2_states import TABLE, Signal, State

ENQ, ACK, NAK, EOT, DLE = b"\x05", b"\x06", b"\x15", b"\x04", b"\x10"
BEL, DC2 = b"\x07", b"\x12"
RESPONSE = write_frame(b"E0.YES")
LAST, MORE, FLOWING = write_frame(b"D0.1"), write_frame(b"D2.B", 0x17), write_frame(b"D4.C")
BAD = LAST[:-1] + bytes([LAST[-1] ^ 1])
RECORD, AGAIN = write_frame(b"K1.ZD", 0x17), write_frame(b"K1.ZA", 0x17)
BATCH, BATCH_MORE = write_frame(b"K1.ZT"), write_frame(b"K3.ZM")
REJECTED, REJECTED_MORE = write_frame(b"K1.ZX", 0x17), write_frame(b"K3.ZY", 0x17)
UNANSWERABLE = write_frame(b"?")
DEBIT, DEBIT_MORE, CONFIRMATION = write_frame(b"T0.1"), write_frame(b"T2.1", 0x17), write_frame(b"V0.1")


def shape(record: bytes, more: bool) -> Signal:
    """By application type, as the session has it; what does not begin with D can be answered by nobody."""
    if record[:1] == b"V":
        return Signal.CONFIRMATION
    if record[:1] == b"K":
        return {
            b"D": Signal.RECORD, b"A": Signal.AGAIN, b"T": Signal.BATCH, b"M": Signal.BATCH_MORE,
            b"X": Signal.REJECTED, b"Y": Signal.REJECTED_MORE,
        }[record[4:5]]  # fmt: skip
    if record[:1] not in (b"D", b"T"):
        return Signal.BAD
    return Signal.FLOWING if record[1:2] == b"4" else Signal.MORE if record[1:2] == b"2" and more else Signal.LAST


class Talk:
    """A conversation: what the terminal sends and what is said, both in seven bits here and in `even` on the wire."""

    def __init__(self, even: bool = False, by_bytes: bool = False, settings: LinkSettings | None = None) -> None:
        self.even, self.by_bytes = even, by_bytes
        self.now = 100.0
        self.wild = False  # both parities may come
        self.link = Link(self._shape, self.now, settings or LinkSettings())
        self.records: list[bytes] = []
        self.answers = True
        assert self.heard() == ENQ

    def _shape(self, record: bytes, more: bool) -> Signal:
        found = shape(record, more)
        if found in (Signal.REJECTED, Signal.REJECTED_MORE):
            self.link.reject(RESPONSE[1:-2])
        return found

    def send(self, data: bytes) -> bytes:
        """What the terminal hears when it has sent `data`."""
        wire = even_parity(data) if self.even else data
        return self.send_raw(wire)

    def send_raw(self, wire: bytes) -> bytes:
        for piece in [wire[i : i + 1] for i in range(len(wire))] if self.by_bytes else [wire]:
            self.link.receive_data(piece)
            self._read()
        return self.heard()

    def _read(self) -> None:
        while True:
            found = self.link.next_record()
            if isinstance(found, bytes):
                self.records.append(found)
                if self.answers:
                    self.answer(found)
            elif found is not Waits.ANSWER or not self.answers:
                return

    def answer(self, record: bytes) -> None:
        if record[:1] == b"V":
            self.link.confirm()
        else:
            self.link.answer(RESPONSE[1:-2], to_confirm=record[:1] == b"T")

    def wait(self, seconds: float) -> bytes:
        self.now += seconds
        self.link.tick(self.now)
        self._read()
        return self.heard()

    def heard(self) -> bytes:
        output = self.link.take_output()
        plain = bytes(byte & 0x7F for byte in output)
        if self.wild:
            return plain
        spoken = self.even and self.link._reader.even is not None
        assert output == (even_parity(plain) if spoken else plain), "said in another parity than the session's"
        return plain


WAYS: dict[State, list[bytes]] = {
    State.POLLING: [],
    State.REPEATING: [BAD],
    State.DECIDING_LAST: [LAST],
    State.DECIDING_MORE: [MORE],
    State.ANSWERED_LAST: [LAST],
    State.ANSWERED_MORE: [MORE],
    State.UNCONFIRMED_LAST: [DEBIT],
    State.UNCONFIRMED_MORE: [DEBIT_MORE],
    State.CONFIRMING_LAST: [DEBIT, CONFIRMATION],
    State.CONFIRMING_MORE: [DEBIT_MORE, CONFIRMATION],
    State.CAPTURING: [RECORD],
    State.FREE: [FLOWING],
    State.ENDED: [EOT],
}
SENT = {
    Signal.LAST: LAST, Signal.MORE: MORE, Signal.FLOWING: FLOWING, Signal.BAD: BAD,
    Signal.RECORD: RECORD, Signal.AGAIN: AGAIN, Signal.BATCH: BATCH, Signal.BATCH_MORE: BATCH_MORE,
    Signal.REJECTED: REJECTED, Signal.REJECTED_MORE: REJECTED_MORE,
    Signal.CONFIRMATION: CONFIRMATION, Signal.ENQ: ENQ, Signal.ACK: ACK, Signal.NAK: NAK, Signal.EOT: EOT,
}  # fmt: skip

# fmt: off
#: state, what comes, what is said, state afterwards (an offered request is answered at once)
TRANSITIONS = [
    (State.POLLING,       Signal.LAST,    RESPONSE, State.ANSWERED_LAST),
    (State.POLLING,       Signal.MORE,    RESPONSE, State.ANSWERED_MORE),
    (State.POLLING,       Signal.FLOWING, RESPONSE, State.FREE),
    (State.POLLING,       Signal.BAD,     NAK,      State.REPEATING),
    (State.POLLING,       Signal.SILENCE, ENQ,      State.POLLING),
    (State.POLLING,       Signal.EOT,     EOT,      State.ENDED),
    (State.POLLING,       Signal.GIVE_UP, EOT,      State.ENDED),
    (State.REPEATING,     Signal.LAST,    RESPONSE, State.ANSWERED_LAST),
    (State.REPEATING,     Signal.MORE,    RESPONSE, State.ANSWERED_MORE),
    (State.REPEATING,     Signal.FLOWING, RESPONSE, State.FREE),
    (State.REPEATING,     Signal.BAD,     NAK,      State.REPEATING),
    (State.REPEATING,     Signal.SILENCE, EOT,      State.ENDED),
    (State.REPEATING,     Signal.EOT,     EOT,      State.ENDED),
    (State.REPEATING,     Signal.GIVE_UP, EOT,      State.ENDED),
    (State.DECIDING_LAST, Signal.ANSWER,  RESPONSE, State.ANSWERED_LAST),
    (State.DECIDING_LAST, Signal.SILENCE, EOT,      State.ENDED),
    (State.DECIDING_MORE, Signal.ANSWER,  RESPONSE, State.ANSWERED_MORE),
    (State.DECIDING_MORE, Signal.SILENCE, EOT,      State.ENDED),
    (State.ANSWERED_LAST, Signal.LAST,    RESPONSE, State.ANSWERED_LAST),
    (State.ANSWERED_LAST, Signal.MORE,    RESPONSE, State.ANSWERED_MORE),
    (State.ANSWERED_LAST, Signal.FLOWING, RESPONSE, State.FREE),
    (State.ANSWERED_LAST, Signal.ACK,     EOT,      State.ENDED),
    (State.ANSWERED_LAST, Signal.NAK,     RESPONSE, State.ANSWERED_LAST),
    (State.ANSWERED_LAST, Signal.SILENCE, RESPONSE, State.ANSWERED_LAST),
    (State.ANSWERED_LAST, Signal.BAD,     NAK,      State.ANSWERED_LAST),
    (State.ANSWERED_LAST, Signal.EOT,     EOT,      State.ENDED),
    (State.ANSWERED_LAST, Signal.GIVE_UP, EOT,      State.ENDED),
    (State.ANSWERED_MORE, Signal.LAST,    RESPONSE, State.ANSWERED_LAST),
    (State.ANSWERED_MORE, Signal.MORE,    RESPONSE, State.ANSWERED_MORE),
    (State.ANSWERED_MORE, Signal.FLOWING, RESPONSE, State.FREE),
    (State.ANSWERED_MORE, Signal.ACK,     ENQ,      State.POLLING),
    (State.ANSWERED_MORE, Signal.NAK,     RESPONSE, State.ANSWERED_MORE),
    (State.ANSWERED_MORE, Signal.SILENCE, RESPONSE, State.ANSWERED_MORE),
    (State.ANSWERED_MORE, Signal.BAD,     NAK,      State.ANSWERED_MORE),
    (State.ANSWERED_MORE, Signal.EOT,     EOT,      State.ENDED),
    (State.ANSWERED_MORE, Signal.GIVE_UP, EOT,      State.ENDED),
    *[row for state in (State.POLLING, State.REPEATING, State.ANSWERED_LAST, State.ANSWERED_MORE) for row in (
        (state, Signal.RECORD,   ACK,      State.CAPTURING),
        (state, Signal.REJECTED, RESPONSE, State.ANSWERED_LAST),
        (state, Signal.REJECTED_MORE, RESPONSE, State.ANSWERED_MORE),
    )],
    (State.ANSWERED_LAST, Signal.AGAIN,   RESPONSE, State.ANSWERED_LAST),
    (State.ANSWERED_MORE, Signal.AGAIN,   RESPONSE, State.ANSWERED_MORE),
    *[row for state in (State.UNCONFIRMED_LAST, State.UNCONFIRMED_MORE) for row in (
        (state, Signal.RECORD,   EOT,      State.ENDED),
        (state, Signal.REJECTED, EOT,      State.ENDED),
        (state, Signal.REJECTED_MORE, EOT, State.ENDED),
    )],
    (State.CAPTURING, Signal.RECORD,     BEL,            State.CAPTURING),
    (State.CAPTURING, Signal.AGAIN,      ACK,            State.CAPTURING),
    (State.CAPTURING, Signal.BATCH,      DC2 + RESPONSE, State.ANSWERED_LAST),
    (State.CAPTURING, Signal.BATCH_MORE, DC2 + RESPONSE, State.ANSWERED_MORE),
    (State.CAPTURING, Signal.REJECTED,   RESPONSE,       State.ANSWERED_LAST),
    (State.CAPTURING, Signal.REJECTED_MORE, RESPONSE,    State.ANSWERED_MORE),
    (State.CAPTURING, Signal.BAD,        NAK,            State.CAPTURING),
    (State.CAPTURING, Signal.SILENCE,    EOT,            State.ENDED),
    (State.CAPTURING, Signal.EOT,        EOT,            State.ENDED),
    (State.CAPTURING, Signal.GIVE_UP,    EOT,            State.ENDED),
    (State.DECIDING_LAST, Signal.DEBIT,   RESPONSE, State.UNCONFIRMED_LAST),
    (State.DECIDING_MORE, Signal.DEBIT,   RESPONSE, State.UNCONFIRMED_MORE),
    *[row for state, end, after in (
        (State.UNCONFIRMED_LAST, ACK + EOT, State.ENDED),
        (State.UNCONFIRMED_MORE, ACK + ENQ, State.POLLING),
    ) for row in (
        (state, Signal.CONFIRMATION, end, after),
        (state, Signal.LAST,    EOT,      State.ENDED),
        (state, Signal.MORE,    EOT,      State.ENDED),
        (state, Signal.FLOWING, EOT,      State.ENDED),
        (state, Signal.ACK,     b"",      state),
        (state, Signal.NAK,     RESPONSE, state),
        (state, Signal.SILENCE, RESPONSE, state),
        (state, Signal.BAD,     NAK,      state),
        (state, Signal.EOT,     EOT,      State.ENDED),
        (state, Signal.GIVE_UP, EOT,      State.ENDED),
    )],
    (State.CONFIRMING_LAST, Signal.CONFIRMED, ACK + EOT, State.ENDED),
    (State.CONFIRMING_LAST, Signal.SILENCE, EOT,    State.ENDED),
    (State.CONFIRMING_MORE, Signal.CONFIRMED, ACK + ENQ, State.POLLING),
    (State.CONFIRMING_MORE, Signal.SILENCE, EOT,    State.ENDED),
    (State.FREE,          Signal.CONFIRMATION, ACK, State.FREE),
    (State.FREE,          Signal.DEBIT,   RESPONSE, State.FREE),
    (State.FREE,          Signal.CONFIRMED, ACK,    State.FREE),
    (State.FREE,          Signal.LAST,    RESPONSE, State.FREE),
    (State.FREE,          Signal.MORE,    RESPONSE, State.FREE),
    (State.FREE,          Signal.FLOWING, RESPONSE, State.FREE),
    (State.FREE,          Signal.ANSWER,  RESPONSE, State.FREE),
    (State.FREE,          Signal.ACK,     b"",      State.FREE),
    (State.FREE,          Signal.ENQ,     b"",      State.FREE),
    (State.FREE,          Signal.NAK,     RESPONSE, State.FREE),
    (State.FREE,          Signal.BAD,     NAK,      State.FREE),
    (State.FREE,          Signal.SILENCE, EOT,      State.ENDED),
    (State.FREE,          Signal.EOT,     EOT,      State.ENDED),
    (State.FREE,          Signal.GIVE_UP, EOT,      State.ENDED),
]
# fmt: on
DECIDING = (State.DECIDING_LAST, State.DECIDING_MORE, State.CONFIRMING_LAST, State.CONFIRMING_MORE)


def reach(state: State, even: bool, by_bytes: bool) -> Talk:
    talk = Talk(even, by_bytes)
    for place, data in enumerate(WAYS[state], 1):
        talk.answers = state not in DECIDING or place < len(WAYS[state])
        talk.send(data)
    assert talk.link.state is state
    return talk


@pytest.mark.parametrize("by_bytes", [False, True], ids=["whole", "by bytes"])
@pytest.mark.parametrize("even", [False, True], ids=["no parity", "even parity"])
@pytest.mark.parametrize(("state", "signal", "said", "after"), TRANSITIONS, ids=str)
def test_each_transition(state: State, signal: Signal, said: bytes, after: State, even: bool, by_bytes: bool) -> None:
    talk = reach(state, even, by_bytes)
    if signal is Signal.SILENCE:
        heard = talk.wait(LinkSettings().patience(state))
    elif signal is Signal.GIVE_UP:
        heard = talk.send(b"\x1f" * (limits.VISA2_STRAYS_MAX + 1))
    elif signal in (Signal.ANSWER, Signal.DEBIT):
        talk.link.answer(RESPONSE[1:-2], to_confirm=signal is Signal.DEBIT)
        heard = talk.heard()
    elif signal is Signal.CONFIRMED:
        talk.link.confirm()
        heard = talk.heard()
    else:
        heard = talk.send(SENT[signal])
    assert (heard, talk.link.state) == (said, after)


def test_the_tests_know_every_row_of_the_table() -> None:
    rows = {(state, signal) for state, row in TABLE.items() for signal in row}
    assert {(state, signal) for state, signal, _, _ in TRANSITIONS} == rows
    assert set(TABLE) == set(State)


@pytest.mark.parametrize("state", [state for state in State if state is not State.ENDED and state not in DECIDING])
def test_signals_a_state_does_not_list_are_strays(state: State) -> None:
    for signal in {Signal.ENQ, Signal.ACK, Signal.NAK} - TABLE[state].keys():
        talk = reach(state, even=False, by_bytes=False)
        assert talk.send(SENT[signal] * limits.VISA2_STRAYS_MAX) == b""
        assert talk.link.state is state
        assert talk.send(SENT[signal]) == EOT


# -- parity and frames ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("place", range(len(LAST)))
def test_a_byte_of_the_wrong_parity_makes_its_frame_bad(place: int, even: bool) -> None:
    """In an even session any byte with its eighth bit turned; without parity any byte above 7F."""
    talk = Talk(even)
    good = even_parity(LAST) if even else LAST
    assert talk.send_raw(good[:1] + bytes([good[1] ^ 1]) + good[2:]) == NAK  # the first STX has decided the parity
    wrong = bytearray(good)
    wrong[place] ^= 0x80
    assert talk.send_raw(bytes(wrong)) == NAK
    assert talk.send(LAST) == RESPONSE


def test_an_lrc_may_have_any_value() -> None:
    """Also that of a control character: it is read unseen."""
    for text in range(0x20, 0x7F):
        record = b"D0." + bytes([text])
        talk = Talk()
        assert talk.send(write_frame(record)) == RESPONSE
        assert talk.records == [record]


def test_the_first_stx_decides_even_if_its_frame_is_bad() -> None:
    talk = Talk(even=True)
    assert talk.send_raw(b"\x82" + LAST[1:]) == NAK
    assert talk.link._reader.even is True
    assert talk.send(LAST) == RESPONSE


def test_what_nobody_could_answer_is_a_bad_frame() -> None:
    talk = Talk()
    assert [talk.send(UNANSWERABLE) for _ in range(4)] == [NAK, NAK, NAK, EOT]
    assert talk.records == []


def test_a_record_of_the_largest_size_is_read_and_a_larger_one_ends_the_session() -> None:
    for size, heard in ((limits.FRAME_BYTES_MAX, RESPONSE), (limits.FRAME_BYTES_MAX + 1, EOT)):
        for by_bytes in (False, True):
            talk = Talk(by_bytes=by_bytes)
            assert talk.send(write_frame(b"D0.".ljust(size, b"x"))) == heard


# -- limits -----------------------------------------------------------------------------------------------------------
def test_three_polls_then_eot() -> None:
    talk = Talk()
    assert [talk.wait(5) for _ in range(3)] == [ENQ, ENQ, EOT]
    assert talk.link.next_record() is Waits.NOTHING


def test_no_poll_once_a_byte_of_a_frame_has_come() -> None:
    talk = Talk()
    talk.wait(4.5)
    assert talk.send(LAST[:1]) == b""
    assert talk.wait(4.5) == b""
    assert talk.send(LAST[1:]) == RESPONSE


def test_three_refusals_in_a_row_and_the_fourth_bad_frame_ends_it() -> None:
    talk = Talk()
    assert [talk.send(BAD) for _ in range(4)] == [NAK, NAK, NAK, EOT]
    talk = Talk()
    talk.send(BAD * 3)
    assert talk.send(MORE) == RESPONSE, "a good frame begins a new row"
    assert talk.send(ACK) == ENQ
    assert [talk.send(BAD) for _ in range(4)] == [NAK, NAK, NAK, EOT]


@pytest.mark.parametrize("reasons", ["nnn", "sss", "nsn", "sns"])
@pytest.mark.parametrize("request_", [LAST, MORE])
def test_a_response_is_sent_three_times_at_most(request_: bytes, reasons: str) -> None:
    talk = Talk()
    talk.send(request_)
    heard = [talk.send(NAK) if reason == "n" else talk.wait(5) for reason in reasons]
    assert heard == [RESPONSE, RESPONSE, EOT]


def test_interleaved_the_last_response_is_sent_three_times_at_most() -> None:
    talk = Talk()
    talk.send(FLOWING)
    assert [talk.send(NAK) for _ in range(3)] == [RESPONSE, RESPONSE, EOT]


def test_interleaved_acknowledgements_never_count() -> None:
    talk = Talk()
    talk.send(FLOWING)
    assert talk.send((ACK + ENQ) * 1000) == b""
    assert talk.send(FLOWING) == RESPONSE


def test_interleaved_a_nak_before_any_response_is_a_stray() -> None:
    talk = Talk()
    talk.answers = False
    talk.send(FLOWING)
    assert talk.send(NAK * limits.VISA2_STRAYS_MAX) == b""
    assert talk.send(NAK) == EOT


def test_interleaved_idle_is_counted_from_the_last_frame() -> None:
    """Else a line that only sends ENQ would stay for ever."""
    talk = Talk()
    talk.send(FLOWING)
    for _ in range(8):
        assert talk.wait(100) + talk.send(ENQ) == b""
    assert talk.wait(100) == EOT


def test_nothing_is_read_while_a_request_is_decided() -> None:
    talk = Talk()
    talk.answers = False
    assert talk.send(MORE + ACK + LAST + ACK) == b""
    assert talk.records == [b"D2.B"]
    talk.answers = True
    talk.link.answer(RESPONSE[1:-2])
    talk._read()
    assert talk.heard() == RESPONSE + ENQ + RESPONSE + EOT
    assert talk.records == [b"D2.B", b"D0.1"]


def test_an_answer_that_comes_after_the_end_is_not_sent() -> None:
    talk = Talk()
    talk.answers = False
    talk.send(LAST)
    assert talk.wait(30) == EOT
    talk.link.answer(RESPONSE[1:-2])
    assert talk.heard() == b""


def test_acknowledging_is_a_choice() -> None:
    talk = Talk(settings=LinkSettings(acknowledge=True))
    assert talk.send(LAST) == ACK + RESPONSE
    talk = Talk(settings=LinkSettings(acknowledge=True))
    talk.send(FLOWING)
    assert talk.send(write_frame(b"T4.1")) == ACK + RESPONSE
    assert talk.send(CONFIRMATION) == ACK, "said once, when it is written down"


def test_acknowledgements_of_a_batch_alternate() -> None:
    talk = Talk()
    assert [talk.send(one) for one in (RECORD, RECORD, AGAIN, RECORD, BAD, RECORD)] == [ACK, BEL, BEL, ACK, NAK, BEL]
    talk.send(BATCH_MORE)
    assert talk.send(ACK) == ENQ
    assert talk.send(RECORD) == ACK, "a new batch begins anew"


def test_a_long_batch_is_told_to_be_under_way() -> None:
    talk = Talk()
    talk.answers = False
    assert (talk.send(RECORD), talk.send(BATCH)) == (ACK, DC2)
    heard = []
    for _ in range(6):
        talk.wait(limits.VISA2_POLL_SECONDS / 2)
        talk.link.go_on_waiting()
        heard.append(talk.heard())
    assert heard == [b"", DC2, b"", DC2, b"", DC2]


# -- time -------------------------------------------------------------------------------------------------------------
def test_a_frame_that_stops_is_refused() -> None:
    talk = Talk()
    talk.send(LAST[:4])
    assert talk.wait(4.9) == b""
    assert talk.wait(0.1) == NAK
    assert talk.send(LAST) == RESPONSE


def test_a_frame_that_trickles_is_refused() -> None:
    talk = Talk()
    talk.send(LAST[:2])
    for _ in range(7):
        assert talk.wait(4) + talk.send(b"x") == b""
    assert talk.wait(2) == NAK


@pytest.mark.parametrize("begun", [b"", LAST[:3]])
@pytest.mark.parametrize("state", [state for state in State if state not in (State.FREE, State.ENDED)])
def test_a_silent_line_is_gone_within_a_minute(state: State, begun: bytes) -> None:
    talk = reach(state, even=False, by_bytes=False)
    talk.send(begun)
    until = talk.now + 60
    while talk.link.state is not State.ENDED:
        assert talk.link.deadline <= until
        talk.wait(max(0.0, talk.link.deadline - talk.now))
    assert talk.now <= until


# -- properties -------------------------------------------------------------------------------------------------------
PIECES = st.sampled_from(
    [
        LAST,
        MORE,
        FLOWING,
        BAD,
        DEBIT,
        DEBIT_MORE,
        CONFIRMATION,
        UNANSWERABLE,
        ENQ,
        ACK,
        NAK,
        EOT,
        DLE + EOT,
        b"\x00",
        b"\x02",
        b"x",
    ]
)


@given(st.lists(PIECES, max_size=12).map(b"".join), st.booleans(), st.lists(st.integers(0, 60), max_size=6))
def test_any_split_of_the_bytes_says_the_same(data: bytes, even: bool, cuts: list[int]) -> None:
    whole, cut = Talk(even), Talk(even)
    said = whole.send(data)
    places = sorted({0, len(data), *(min(place, len(data)) for place in cuts)})
    parts = b"".join(cut.send(data[begin:end]) for begin, end in itertools.pairwise(places))
    assert (parts, cut.link.state, cut.records) == (said, whole.link.state, whole.records)


@given(st.lists(st.one_of(st.binary(max_size=40), st.floats(0, 20)), max_size=20))
def test_any_bytes_and_any_time_end_or_wait(steps: list[bytes | float]) -> None:
    talk = Talk()
    talk.wild = True
    for step in steps:
        if isinstance(step, bytes):
            talk.send_raw(step)
        else:
            talk.wait(step)
    assert talk.link.state in State
    assert talk.link.deadline > talk.now - 1e-9 or talk.link.state is State.ENDED
    assert re.fullmatch(rb"[\x04-\x07\x15]*", talk.heard())
