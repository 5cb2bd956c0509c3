"""The order of things on a line: frames, TPDUs, what is dropped and what ends a connection (WIRE.md section 1)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.dialects import TPDUMode, load_dialect
from specs.limits import FRAME_BYTES_MAX
from specs.outcomes import Outcome
from specs.transaction import MessageClass, Reply
from terminals.errors import FrameError, MessageError, ProtocolError
from terminals.session import CLOSED, NEED_DATA, Dropped, Event, Received, Session
from tests.wire import golden
from tests.wire.golden import LINE
from tests.wire.tools import ASCII_REDEEM, NAC_REDEEM, ascii_frame, events_of, nac_frame, received, request_of, session

NAC_FRAME = nac_frame("0200", NAC_REDEEM)
ASCII_FRAME = ascii_frame("0200", ASCII_REDEEM)
BAD_TPDU = nac_frame("0200", NAC_REDEEM, tpdu="6800100000")
APPROVED = Reply(Outcome.APPROVED, local_date="1122", local_time="101530")


# -- frames -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("keep_alive", [("nac", b"\x00\x00"), ("ascii", b"0000")])
def test_a_frame_of_no_bytes_is_a_keep_alive(keep_alive: tuple[str, bytes]) -> None:
    assert events_of(*keep_alive) == [Dropped("keep-alive")]


def test_several_messages_in_one_piece() -> None:
    kinds = [type(event) for event in events_of("nac", NAC_FRAME + b"\x00\x00" + NAC_FRAME)]
    assert kinds == [Received, Dropped, Received]


@pytest.mark.parametrize(("dialect", "prefix"), [("nac", b"\x10\x01"), ("ascii", b"4097"), ("ascii", b"9999")])
def test_a_frame_too_large_ends_the_connection(dialect: str, prefix: bytes) -> None:
    with pytest.raises(FrameError):
        events_of(dialect, prefix)


def test_the_largest_frame_is_still_read() -> None:
    assert events_of("nac", FRAME_BYTES_MAX.to_bytes(2, "big")) == []
    narrow = Session(load_dialect("nac"), LINE, frame_bytes_max=10)
    with pytest.raises(FrameError):
        events_of(narrow, b"\x00\x0b")


@pytest.mark.parametrize("prefix", [b"00A0", b" 100", b"+100", b"1_00", b"\x00\x64\x60\x00"])
def test_a_length_that_is_not_four_digits_ends_the_connection(prefix: bytes) -> None:
    with pytest.raises(FrameError):
        events_of("ascii", prefix)


def test_a_failed_session_stays_failed() -> None:
    wire = session("ascii")
    for data in (b"XXXX", ASCII_FRAME):
        wire.receive_data(data)
        with pytest.raises(FrameError):
            wire.next_event()


def test_requests_before_a_bad_frame_are_told() -> None:
    wire = session("ascii")
    wire.receive_data(ASCII_FRAME + b"XXXX")
    assert isinstance(wire.next_event(), Received)
    with pytest.raises(FrameError):
        wire.next_event()


def test_a_frame_that_has_begun_shows() -> None:
    wire = session("nac")
    told = [wire.in_frame]
    for part in (NAC_FRAME[:1], NAC_FRAME[1:-1], NAC_FRAME[-1:]):
        events_of(wire, part)
        told.append(wire.in_frame)
    assert told == [False, True, True, False]


def test_the_end_comes_after_every_whole_frame_and_forgets_the_rest() -> None:
    wire = session("nac")
    wire.receive_data(NAC_FRAME + NAC_FRAME[:-1])
    wire.receive_data(b"")
    assert isinstance(wire.next_event(), Received)
    assert wire.next_event() is CLOSED
    assert wire.next_event() is CLOSED


# -- TPDU -------------------------------------------------------------------------------------------------------------
def test_the_answer_swaps_destination_and_originator() -> None:
    wire = session("nac")
    (event,) = events_of(wire, nac_frame("0200", NAC_REDEEM, tpdu="600107035E"))
    assert isinstance(event, Received)
    assert wire.send(APPROVED, event.slip)[2:7].hex() == "60035e0107"


def test_a_listener_may_echo_it() -> None:
    echoing = msgspec.structs.replace(load_dialect("nac"), tpdu=TPDUMode.ECHO)
    wire = Session(echoing, LINE)
    (event,) = events_of(wire, nac_frame("0200", NAC_REDEEM, tpdu="600107035E"))
    assert isinstance(event, Received)
    assert wire.send(APPROVED, event.slip)[2:7].hex() == "600107035e"


@pytest.mark.parametrize("payload", ["68 00 10 00 00 02 00", "60 00 10 00 00", "60 00", "60", "02 00 30 20 00"])
def test_a_frame_without_a_good_tpdu_is_dropped(payload: str) -> None:
    data = bytes.fromhex(payload)
    assert events_of("nac", len(data).to_bytes(2, "big") + data) == [Dropped("bad tpdu")]


def test_ten_in_a_row_end_the_connection() -> None:
    wire = session("nac")
    assert events_of(wire, BAD_TPDU * 9) == [Dropped("bad tpdu")] * 9
    with pytest.raises(FrameError):
        events_of(wire, BAD_TPDU)


def test_a_good_one_starts_the_count_again_and_a_keep_alive_does_not() -> None:
    wire = session("nac")
    events_of(wire, BAD_TPDU * 9 + NAC_FRAME + BAD_TPDU * 9 + b"\x00\x00")
    with pytest.raises(FrameError):
        events_of(wire, BAD_TPDU)


# -- message types ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mti", ["0110", "0210", "0230", "0330", "0410", "0510", "0810", "0290", "1210"])
def test_an_answer_is_dropped_even_if_nothing_in_it_can_be_read(mti: str) -> None:
    assert events_of("nac", nac_frame(mti, {11: "FFFFFF"})) == [Dropped("answer")]


# fmt: off
CLASSES: list[tuple[str, MessageClass, bool, str]] = [
    ("0100", MessageClass.INQUIRY,    False, "0110"),
    ("0200", MessageClass.REQUEST,    False, "0210"),
    ("0201", MessageClass.REQUEST,    True,  "0210"),
    ("0220", MessageClass.ADVICE,     False, "0230"),
    ("0221", MessageClass.ADVICE,     True,  "0230"),
    ("0320", MessageClass.UPLOAD,     False, "0330"),
    ("0321", MessageClass.UPLOAD,     True,  "0330"),
    ("0400", MessageClass.REVERSAL,   False, "0410"),
    ("0401", MessageClass.REVERSAL,   True,  "0410"),
    ("0420", MessageClass.REVERSAL,   False, "0430"),
    ("0421", MessageClass.REVERSAL,   True,  "0430"),
    ("0500", MessageClass.SETTLEMENT, False, "0510"),
    ("0800", MessageClass.NETWORK,    False, "0810"),
    ("0302", MessageClass.OTHER,      False, "0312"),
    ("0202", MessageClass.OTHER,      False, "0212"),
    ("0600", MessageClass.OTHER,      False, "0610"),
    ("1200", MessageClass.OTHER,      False, "1210"),
]
# fmt: on


@pytest.mark.parametrize(("mti", "message_class", "repeat", "answer"), CLASSES)
def test_class_repeat_and_answer_of_a_message_type(
    mti: str, message_class: MessageClass, repeat: bool, answer: str
) -> None:
    event = received("nac", nac_frame(mti, NAC_REDEEM))
    assert (event.request.message_class, event.request.repeat, event.slip.mti) == (message_class, repeat, answer)


def test_amount_zero_is_not_the_absence_of_an_amount() -> None:
    activation = {**NAC_REDEEM, 3: "720060"}
    assert request_of("nac", nac_frame("0200", {**activation, 4: "000000000000"})).amount == 0
    del activation[4]
    assert request_of("nac", nac_frame("0200", activation)).amount is None


def test_private_tables_may_come_in_either_field_and_in_pieces() -> None:
    request = request_of(
        "nac", nac_frame("0200", {**NAC_REDEEM, 48: "0005 0003 'CPP'", 63: "0012 0003 'CPT' 0005 'SC123'"})
    )
    assert (request.partial, request.texts) == (True, True)
    assert request.pin is not None
    assert request.pin.reveal() == "123"


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("0220000003", (MessageClass.ADVICE, 3)),
        ("0000000000", (None, None)),
        ("0210000003", (None, None)),
    ],
)
def test_de90_names_an_original(original: str, expected: tuple[MessageClass | None, int | None]) -> None:
    request = request_of("nac", nac_frame("0400", {**NAC_REDEEM, 90: original + "0" * 32}))
    assert (request.original_class, request.original_stan) == expected


# -- whatever comes ---------------------------------------------------------------------------------------------------
CONVERSATIONS = {name: golden.load(name) for name in ("nac", "ascii")}


@pytest.mark.parametrize("dialect", ["nac", "ascii"])
@given(data=st.data())
def test_how_the_bytes_are_cut_makes_no_difference(dialect: str, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(CONVERSATIONS[dialect]), min_size=1, max_size=4))
    stream = b"".join(conversation.request_bytes for conversation in chosen)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    wire = session(dialect)
    events: list[Event] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        if start < end:
            events += events_of(wire, stream[start:end])
    assert events == events_of(dialect, stream)
    assert not wire.in_frame


def told(dialect: str, data: bytes) -> list[object]:
    """Events, and the failure that ended them if there was one."""
    wire = session(dialect)
    wire.receive_data(data)
    wire.receive_data(b"")
    events: list[object] = []
    try:
        while (event := wire.next_event()) is not CLOSED:
            assert event is not NEED_DATA
            if isinstance(event, Received):
                wire.send(APPROVED, event.slip)
            events.append(event)
    except (FrameError, MessageError) as failure:
        events.append((type(failure), str(failure)))
    return events


@given(data=st.binary(max_size=200))
def test_any_bytes_give_events_or_a_protocol_error(data: bytes) -> None:
    told("nac", data)
    told("ascii", data)
    told("nac", len(data).to_bytes(2, "big") + data)
    told("nac", (len(data) + 5).to_bytes(2, "big") + bytes.fromhex("6000100000") + data)
    told("ascii", b"%04d" % len(data) + data)


@given(bits=st.integers(0, 2**128 - 1), data=st.binary(max_size=300))
def test_any_bitmap_gives_events_or_a_protocol_error(bits: int, data: bytes) -> None:
    bitmap = (bits | 1 << 127).to_bytes(16, "big")
    payload = bytes.fromhex("60001000000200") + bitmap + data
    told("nac", len(payload).to_bytes(2, "big") + payload)
    text = b"0200" + bitmap.hex().encode() + data.hex().encode()
    told("ascii", b"%04d" % len(text) + text)


def test_errors_say_what_they_hint_at() -> None:
    assert ProtocolError().outcome is None
    assert FrameError().outcome is None
    assert MessageError(11).outcome is Outcome.FORMAT_ERROR
