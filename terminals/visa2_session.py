"""One connection of a VISA-2 terminal, without I/O: what `session.py` is for ISO 8583.

Responsible for bringing link and codec together; their own rules stand in their own files.
"""

import re
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from specs.outcomes import Outcome
from specs.transaction import REVERSED_BY, Kind, Line, MessageClass, Reply, Request
from specs.visa2 import CONFIRMATION_FORM, Visa2Dialect
from terminals.errors import MessageError
from terminals.session import CLOSED, NEED_DATA, PAUSED, SIGNED_OFF, Event, Received
from terminals.visa2_answer import debit_key, response_record
from terminals.visa2_capture import Capture
from terminals.visa2_link import Link, LinkSettings, Waits
from terminals.visa2_request import DEBIT, Visa2Slip, read_request
from terminals.visa2_states import Signal, State

_INTERLEAVED: Final = "4"
_SEVERAL: Final = "2"
_BATCH: Final = b"K"


class Confirming(msgspec.Struct, frozen=True):
    """The slip of a confirmation: which one."""

    key: tuple[str, str]


class CaptureSlip(msgspec.Struct, frozen=True):
    """The slip of a request about a batch: whether it is the last of them."""

    last: bool = False


class _Debit(msgspec.Struct, frozen=True):
    """A request whose approval its terminal has to confirm."""

    request: Request
    undoable: bool

    def confirmation(self) -> Request:
        return msgspec.structs.replace(
            self.request,
            message_class=MessageClass.CONFIRMATION,
            kind=Kind.CONFIRMATION,
            card=None,
            amount=None,
            pin=None,
        )

    def reversal(self) -> Request:
        undo = next(kind for kind, kinds in REVERSED_BY.items() if self.request.kind in kinds)
        return msgspec.structs.replace(
            self.request, message_class=MessageClass.REVERSAL, kind=undo, amount=0, pin=None, awaits_confirmation=False
        )


class Visa2Session:
    """Takes what a socket gives, says what it means, and writes the answers.

    Args:
        now: Seconds of any clock; `tick` tells the time from then on.
    """

    in_frame: Final = False  # the link sees to that
    has_echo: Final = False

    def __init__(self, dialect: Visa2Dialect, line: Line, now: float, settings: LinkSettings | None = None) -> None:
        self._dialect, self._line = dialect, line
        settings = settings or LinkSettings()
        self._confirm_seconds = settings.confirm_seconds
        self._link = Link(self._shape, now, settings)
        self._read: tuple[Request, Visa2Slip | Confirming] | None = None
        self._capture: Capture | None = None  # the batch that is coming in, or being taken
        self._captured = b""  # its last record
        self._to_ask: deque[Request] = deque()  # about it, one after another
        self._offered: dict[Visa2Slip, Request] = {}  # debits that are being decided
        self._awaited: dict[tuple[str, str], _Debit] = {}
        self._ended = False
        self._asks = False  # the next of these can be asked

    @property
    def deadline(self) -> float:
        return self._link.deadline

    def tick(self, now: float) -> None:
        self._link.tick(now)

    def receive_data(self, data: bytes) -> None:
        if data:
            self._link.receive_data(data)
        else:
            self._ended = True

    def next_event(self) -> Event:
        if self._asks:
            self._asks = False
            return Received(self._to_ask.popleft(), CaptureSlip(last=not self._to_ask))
        found = self._link.next_record()
        match found:
            case Waits.DATA:
                return CLOSED if self._ended else NEED_DATA
            case Waits.ANSWER:
                return PAUSED
            case Waits.NOTHING:
                return SIGNED_OFF
            case _ if self._capture is not None and self._capture.complete:
                self._to_ask = deque(self._capture.requests())
                self._asks = True
                return self.next_event()
            case _:
                assert self._read is not None, "a record that was offered has been read"
                request, slip = self._read
                if isinstance(slip, Visa2Slip) and slip.letter == DEBIT and request.awaits_confirmation:
                    request = msgspec.structs.replace(request, confirm_seconds=self._confirm_seconds)
                    self._offered[slip] = request
                return Received(request, slip)

    def send(self, reply: Reply, slip: Visa2Slip | Confirming | CaptureSlip) -> bytes:
        """The response; to a confirmation ACK, or the end of the session if it came too late."""
        if isinstance(slip, CaptureSlip):
            self._go_on(reply, slip)
            return self._link.take_output()
        if isinstance(slip, Confirming):
            if reply.accepted:
                self._awaited.pop(slip.key, None)
                self._link.confirm()
            else:
                self._link.sign_off()
            return self._link.take_output()
        request = self._offered.pop(slip, None)
        to_confirm = request is not None and reply.accepted
        if request is not None and reply.accepted:
            named = msgspec.structs.replace(request, rrn=reply.rrn)
            self._awaited[debit_key(reply, slip)] = _Debit(named, slip.undoable)
        self._link.answer(response_record(reply, slip, self._dialect), to_confirm=to_confirm)
        return self._link.take_output()

    def abandon(self) -> Sequence[Request]:
        """Reversals of what was to be confirmed and was not."""
        left = [debit.reversal() for debit in self._awaited.values() if debit.undoable]
        self._awaited.clear()
        return left

    def hand_over(self) -> bytes | None:
        """Nothing may be decided, confirmed or captured."""
        if self._ended or self._offered or self._awaited or self._capture:
            return None
        return self._link.hand_over()

    def take_over(self, kept: bytes) -> None:
        self._link.take_over(kept)

    def ask_echo(self, slip: Visa2Slip, stan: int) -> bytes:
        raise AssertionError("VISA-2 has no echo of ours")

    def take_output(self) -> bytes:
        return self._link.take_output()

    def sign_off(self) -> None:
        self._link.sign_off()

    def _go_on(self, reply: Reply, slip: CaptureSlip) -> None:
        """The next question about a batch, or its settlement response; what went wrong on our side ends the session."""
        capture = self._capture
        assert capture is not None, "there is a batch while it is asked about"
        answer: bytes | None = None
        if reply.outcome is Outcome.DUPLICATE:
            answer = capture.duplicate(reply.local_date)
        elif reply.outcome in (Outcome.UNKNOWN_MERCHANT, Outcome.UNKNOWN_TERMINAL):
            answer = capture.rejected(capture.unknown_terminal())
        elif reply.outcome is Outcome.NOT_ALLOWED:
            answer = capture.rejected(capture.blocked_terminal())
        elif reply.outcome is Outcome.BATCH:
            answer = capture.rejected(capture.wrong_number())
        elif reply.accepted and not slip.last:
            self._link.go_on_waiting()
            self._asks = True
            return
        elif reply.accepted:
            answer = capture.good()
        self._capture = None
        if answer is None:
            self._link.sign_off()  # the terminal sends the batch again, and it is taken once
        else:
            self._link.answer(answer)

    def _shape_of_batch(self, record: bytes) -> Signal:
        """What a record K does to the session; identical frames in a row are one, also when the batch is answered."""
        state = self._link.state
        if state is State.FREE:
            return Signal.BAD
        if record == self._captured and state in (State.CAPTURING, State.ANSWERED_LAST, State.ANSWERED_MORE):
            return Signal.AGAIN
        if state is not State.CAPTURING or self._capture is None:
            self._capture = Capture(self._dialect, self._line)
        self._captured = record
        wrong = self._capture.take(record.decode("latin-1"))
        if wrong:
            self._link.reject(self._capture.rejected(wrong))
            several, self._capture = self._capture.several, None
            return Signal.REJECTED_MORE if several else Signal.REJECTED
        if not self._capture.complete:
            return Signal.RECORD
        return Signal.BATCH_MORE if self._capture.several else Signal.BATCH

    def _shape(self, record: bytes, more: bool) -> Signal:
        """Which session a record asks for; it is read here, because what nobody can answer is a bad frame."""
        if record[:1] == _BATCH:
            return self._shape_of_batch(record)
        if self._link.state is State.CAPTURING:
            return Signal.BAD
        self._captured = b""
        try:
            self._read = self._read_confirmation(record) or read_request(record, self._dialect, self._line)
        except MessageError:
            return Signal.BAD
        slip = self._read[1]
        if isinstance(slip, Confirming):
            return Signal.CONFIRMATION
        application_type = slip.application_type
        if application_type == _INTERLEAVED:
            return Signal.FLOWING
        return Signal.MORE if application_type == _SEVERAL and more else Signal.LAST

    def _read_confirmation(self, record: bytes) -> tuple[Request, Confirming] | None:
        """A record V that repeats what one of our responses said.

        Raises:
            MessageError: it confirms nothing; where a confirmation is awaited that ends the session.
        """
        found = re.fullmatch(CONFIRMATION_FORM, record.decode("latin-1"))
        if found is None:
            return None
        key = found[1], found[2]
        awaited = self._awaited.get(key)
        if awaited is None:
            raise MessageError(None)
        return awaited.confirmation(), Confirming(key)
