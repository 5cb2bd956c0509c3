"""One connection of a VISA-2 terminal, without I/O: what `session.py` is for ISO 8583.

Responsible for bringing link and codec together; their own rules stand in their own files.
"""

from typing import Final

from specs.transaction import Line, Reply, Request
from specs.visa2 import Visa2Dialect
from terminals.errors import MessageError
from terminals.session import CLOSED, NEED_DATA, PAUSED, SIGNED_OFF, Event, Received
from terminals.visa2_answer import response_record
from terminals.visa2_link import Link, LinkSettings, Signal, Waits
from terminals.visa2_request import Visa2Slip, read_request

_INTERLEAVED: Final = "4"
_SEVERAL: Final = "2"


class Visa2Session:
    """Takes what a socket gives, says what it means, and writes the answers.

    Args:
        now: Seconds of any clock; `tick` tells the time from then on.
    """

    in_frame: Final = False  # the link sees to that

    def __init__(self, dialect: Visa2Dialect, line: Line, now: float, settings: LinkSettings | None = None) -> None:
        self._dialect, self._line = dialect, line
        self._link = Link(self._shape, now, settings or LinkSettings())
        self._read: tuple[Request, Visa2Slip] | None = None
        self._ended = False

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
        found = self._link.next_record()
        match found:
            case Waits.DATA:
                return CLOSED if self._ended else NEED_DATA
            case Waits.ANSWER:
                return PAUSED
            case Waits.NOTHING:
                return SIGNED_OFF
            case _:
                assert self._read is not None, "a record that was offered has been read"
                return Received(*self._read)

    def send(self, reply: Reply, slip: Visa2Slip) -> bytes:
        self._link.answer(response_record(reply, slip, self._dialect))
        return self._link.take_output()

    def take_output(self) -> bytes:
        return self._link.take_output()

    def sign_off(self) -> None:
        self._link.sign_off()

    def _shape(self, record: bytes, more: bool) -> Signal:
        """Which session a record asks for; it is read here, because what nobody can answer is a bad frame."""
        try:
            self._read = read_request(record, self._dialect, self._line)
        except MessageError:
            return Signal.BAD
        application_type = self._read[1].application_type
        if application_type == _INTERLEAVED:
            return Signal.FLOWING
        return Signal.MORE if application_type == _SEVERAL and more else Signal.LAST
