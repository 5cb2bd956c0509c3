"""One connection of an ISO 8583 terminal or concentrator, without I/O: bytes in, events out, answers to bytes.

Responsible for the order of things on a line and for what is ignored or ends it (WIRE.md section 1). It knows no clock
and no socket: the shell feeds it, asks for events until NEED_DATA, and closes when it raises a ProtocolError.
"""

import functools
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, Literal, Protocol

import msgspec

from specs.dialects import Dialect, TPDUMode
from specs.limits import BAD_FRAMES_MAX, FRAME_BYTES_MAX
from specs.transaction import Line, Reply, Request
from terminals.errors import FrameError, ProtocolError
from terminals.framing import FrameReader, answer_tpdu, split_tpdu, write_frame
from terminals.iso8583_answer import answer_fields
from terminals.iso8583_codec import Decode, Encode, Message, build_codec
from terminals.iso8583_request import Slip, read_request


class Signal(Enum):
    """Events that are no message."""

    NEED_DATA = "need_data"
    PAUSED = "paused"
    CLOSED = "closed"
    SIGNED_OFF = "signed_off"


#: Nothing more to say until `receive_data` is called again.
NEED_DATA: Final[Literal[Signal.NEED_DATA]] = Signal.NEED_DATA
#: Nothing more is read until the answer that is owed has been given to `send`, or the deadline has passed.
PAUSED: Final[Literal[Signal.PAUSED]] = Signal.PAUSED
#: We have ended the session; when `take_output` is on its way the connection closes.
SIGNED_OFF: Final[Literal[Signal.SIGNED_OFF]] = Signal.SIGNED_OFF
#: The terminal has ended its side and every whole frame was told; a frame cut off in the middle is no request.
CLOSED: Final[Literal[Signal.CLOSED]] = Signal.CLOSED


class Received(msgspec.Struct, frozen=True):
    """A request to decide, malformed ones too; `slip` goes back unchanged with the reply."""

    request: Request
    slip: Any


class EchoAnswered(msgspec.Struct, frozen=True):
    """The answer to an echo of ours; the shell knows whether there was one."""

    stan: int
    terminal_id: str


class Dropped(msgspec.Struct, frozen=True):
    """A frame that was ignored, to be counted: `keep-alive`, `bad tpdu` or `answer`."""

    reason: str


Event = Received | EchoAnswered | Dropped | Signal


_ECHO_CODE: Final = "990000"


class TerminalSession(Protocol):
    """What the shell asks of a session, whatever the protocol. Time is seconds of any clock."""

    @property
    def has_echo(self) -> bool:
        """The protocol has a test of the line that we may ask for."""

    def ask_echo(self, slip: Any, stan: int) -> bytes:
        """A test of the line, to the terminal whose last message came with `slip`. Only where there is one."""

    @property
    def in_frame(self) -> bool:
        """Has a frame begun that is not complete, and does the shell have to see to its end?"""

    @property
    def deadline(self) -> float:
        """When `tick` is to be called at the latest."""

    def tick(self, now: float) -> None:
        """Take note of the time, before data is given or an answer sent."""

    def receive_data(self, data: bytes) -> None:
        """Takes what came; empty bytes say that nothing more will."""

    def next_event(self) -> Event:
        """What the bytes so far mean, one event a call.

        Raises:
            ProtocolError: nothing more can be read.
        """

    def send(self, reply: Reply, slip: Any) -> bytes:
        """The bytes of the answer, behind whatever else is to be sent."""

    def take_output(self) -> bytes:
        """What the session has to say by itself."""

    def sign_off(self) -> None:
        """End it from our side."""

    def abandon(self) -> Sequence[Request]:
        """The line is gone: what has to be offered because of that. Asked once, at the end."""

    def hand_over(self) -> bytes | None:
        """What another session needs to go on on this line, once all is answered and sent; None: it has to end here."""

    def take_over(self, kept: bytes) -> None:
        """Go on where the session stopped that gave `kept`. Before anything else."""


@functools.lru_cache(maxsize=64)  # as many dialects as one daemon ever has
def _codec_of(dialect: Dialect) -> tuple[Decode, Encode]:
    return build_codec(dialect.elements, dialect.encoding)


class Session:
    """Takes what a socket gives, says what it means, writes the answers; it says nothing by itself, and never waits."""

    deadline: Final = float("inf")
    has_echo: Final = True

    def __init__(self, dialect: Dialect, line: Line, *, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._dialect = dialect
        self._line = line
        self._decode, self._encode = _codec_of(dialect)
        self._frames = FrameReader(dialect.length, frame_bytes_max)
        self._bad_tpdus = 0
        self._ended = False
        self._failure: ProtocolError | None = None

    @property
    def in_frame(self) -> bool:
        """Has a frame begun that is not complete? Asked after NEED_DATA, this is what FRAME_SECONDS is about."""
        return self._frames.waiting_bytes > 0

    def tick(self, now: float) -> None:
        return

    def take_output(self) -> bytes:
        return b""

    def sign_off(self) -> None:
        return

    def abandon(self) -> Sequence[Request]:
        return ()

    def hand_over(self) -> bytes | None:
        """The part of a frame that has come."""
        return None if self._ended or self._failure else self._frames.unread

    def take_over(self, kept: bytes) -> None:
        self._frames.feed(kept)

    def receive_data(self, data: bytes) -> None:
        """Takes what came; empty bytes say that nothing more will."""
        if data:
            self._frames.feed(data)
        else:
            self._ended = True

    def next_event(self) -> Event:
        """What the bytes so far mean, one event a call.

        Raises:
            FrameError: the next frame cannot be found.
            MessageError: a frame held nothing that can be answered.
        """
        if self._failure is not None:
            raise self._failure
        try:
            return self._read_event()
        except ProtocolError as failure:
            self._failure = failure
            raise

    def send(self, reply: Reply, slip: Slip) -> bytes:
        """The framed answer to the request that came with `slip`."""
        body = self._encode(slip.mti, answer_fields(reply, slip, self._dialect))
        return write_frame(self._dialect.length, answer_tpdu(self._dialect.tpdu, slip.tpdu) + body)

    def ask_echo(self, slip: Slip, stan: int) -> bytes:
        """A framed echo test of ours to the terminal whose last message came with `slip`."""
        fields = {number: slip.fields[number] for number in (24, 41, 42) if number in slip.fields}
        body = self._encode("0800", {3: _ECHO_CODE, 11: f"{stan:06d}"} | fields)
        turned = TPDUMode.SWAP if self._dialect.tpdu is TPDUMode.ECHO else self._dialect.tpdu
        return write_frame(self._dialect.length, answer_tpdu(turned, slip.tpdu) + body)

    def _read_event(self) -> Event:
        frame = self._frames.next_frame()
        if frame is None:
            return CLOSED if self._ended else NEED_DATA
        if not frame:
            return Dropped("keep-alive")
        parts = split_tpdu(self._dialect.tpdu, frame)
        if parts is None:
            return self._drop_bad_tpdu()
        self._bad_tpdus = 0
        tpdu, body = parts
        message = self._decode(body)
        if message.mti[2] in "13579":
            return _read_answer(message)
        return Received(*read_request(message, self._dialect, self._line, tpdu))

    def _drop_bad_tpdu(self) -> Dropped:
        self._bad_tpdus += 1
        if self._bad_tpdus >= BAD_FRAMES_MAX:
            raise FrameError(f"{self._bad_tpdus} frames in a row without a TPDU")
        return Dropped("bad tpdu")


def _read_answer(message: Message) -> EchoAnswered | Dropped:
    """Of all answers only an echo's can be one to us."""
    fields = message.fields
    if message.mti[:3] == "081" and fields.get(3, "")[:5] == _ECHO_CODE[:5] and 11 in fields:
        return EchoAnswered(int(fields[11]), fields.get(41, "").strip(" "))
    return Dropped("answer")
