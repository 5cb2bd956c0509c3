"""The VISA-2 link on our side of the line: one session, its timers and its limits.

What follows what stands in the table of visa2_states.py. The limits (three polls, three refusals in a row, three
sendings of a response, so many stray characters) turn a signal into GIVE_UP before the table is asked.

Pure: bytes and time in, bytes and events out. WIRE-VISA2.md section 1.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

import msgspec

from specs import limits
from terminals import visa2_frames as frames
from terminals.visa2_frames import Control, Frame, FrameReader, Unfinished
from terminals.visa2_states import TABLE, Action, Signal, State

_CONTROLS: Final = {
    frames.ENQ: Signal.ENQ,
    frames.ACK: Signal.ACK,
    frames.NAK: Signal.NAK,
    frames.EOT: Signal.EOT,
}
_GOOD: Final = frozenset(
    {
        *(Signal.LAST, Signal.MORE, Signal.FLOWING, Signal.CONFIRMATION),
        *(Signal.RECORD, Signal.AGAIN, Signal.BATCH, Signal.BATCH_MORE),
        *(Signal.REJECTED, Signal.REJECTED_MORE),
    }
)
_DECIDING: Final = frozenset(
    {State.DECIDING_LAST, State.DECIDING_MORE, State.CONFIRMING_LAST, State.CONFIRMING_MORE},
)


class LinkSettings(msgspec.Struct, frozen=True):
    """What a listener may choose. With these a line that is silent in any state but FREE is gone in a minute."""

    poll_seconds: float = limits.VISA2_POLL_SECONDS
    character_seconds: float = limits.VISA2_CHARACTER_SECONDS
    frame_seconds: float = limits.FRAME_SECONDS
    repeat_seconds: float = limits.VISA2_REPEAT_SECONDS
    capture_seconds: float = limits.VISA2_CAPTURE_SECONDS
    decide_seconds: float = limits.VISA2_DECIDE_SECONDS
    acknowledge_seconds: float = limits.VISA2_ACKNOWLEDGE_SECONDS
    confirm_seconds: float = limits.CONFIRM_SECONDS
    idle_seconds: float = limits.IDLE_SECONDS
    polls_max: int = limits.VISA2_POLLS_MAX
    refusals_max: int = limits.VISA2_REFUSALS_MAX
    sendings_max: int = limits.VISA2_SENDINGS_MAX
    acknowledge: bool = False  # say ACK to a good request before its response
    frame_bytes_max: int = limits.FRAME_BYTES_MAX

    def patience(self, state: State) -> float:
        """How long nothing may happen in a state."""
        match state:
            case State.POLLING:
                return self.poll_seconds
            case State.REPEATING:
                return self.repeat_seconds
            case State.DECIDING_LAST | State.DECIDING_MORE | State.CONFIRMING_LAST | State.CONFIRMING_MORE:
                return self.decide_seconds
            case State.ANSWERED_LAST | State.ANSWERED_MORE | State.UNCONFIRMED_LAST | State.UNCONFIRMED_MORE:
                return self.acknowledge_seconds
            case State.CAPTURING:
                return self.capture_seconds
            case State.FREE:
                return self.idle_seconds
            case State.ENDED:
                return float("inf")


class _Free(msgspec.Struct, frozen=True, array_like=True):
    """A line on which requests flow, as the next process takes it over."""

    even: bool | None
    response: bytes
    unread: bytes
    sendings: int
    refusals: int
    strays: int


class Waits(Enum):
    """What the link is waiting for when it has no record to offer."""

    DATA = "data"
    ANSWER = "answer"  # nothing more is read until the response has been given
    NOTHING = "nothing"  # the session has ended


class Link:
    """One session.

    Args:
        shape: Which request a record is (LAST, MORE or FLOWING), or BAD if nothing of it could be answered.
        now: Seconds of any clock; `tick` tells the time from then on.
    """

    def __init__(self, shape: Callable[[bytes, bool], Signal], now: float, settings: LinkSettings) -> None:
        self._shape, self._settings = shape, settings
        self._reader = FrameReader(settings.frame_bytes_max)
        self.state = State.POLLING
        self._now = now
        self._silent_at = self._frame_began = self._heard_at = self._working_since = now
        self._output = bytearray()
        self._response = b""
        self._record = b""
        self._taken = 0  # records of the batch under way
        self._polls = self._refusals = self._sendings = self._strays = 0
        self._do(Action.POLL)
        self._enter(State.POLLING)

    @property
    def deadline(self) -> float:
        """When `tick` is to be called at the latest."""
        if self._reader.in_frame:
            return min(
                self._heard_at + self._settings.character_seconds, self._frame_began + self._settings.frame_seconds
            )
        return self._silent_at

    def tick(self, now: float) -> None:
        """Take note of the time, and of a silence that has lasted too long."""
        self._now = now
        if now < self.deadline:
            return
        if self._reader.in_frame:
            self._reader.abandon()
            self._take(Signal.BAD)
        else:
            self._take(Signal.SILENCE)

    def receive_data(self, data: bytes) -> None:
        self._heard_at = self._now
        self._reader.feed(data)

    def take_output(self) -> bytes:
        """What is to be sent now, in the parity of the session."""
        output = bytes(self._output)
        self._output.clear()
        return output

    def next_record(self) -> bytes | Waits:
        """The next record to be answered, else what the link is waiting for."""
        while True:
            if self.state is State.ENDED:
                return Waits.NOTHING
            if self.state in _DECIDING:
                return Waits.ANSWER
            was_in_frame = self._reader.in_frame
            found = self._reader.next()
            if self._reader.in_frame and not was_in_frame:
                self._frame_began = self._now
            if found is Unfinished.NEED_DATA:
                return Waits.DATA
            self._record = b""
            self._take(self._signal(found))
            if self._record:
                return self._record

    def reject(self, record: bytes) -> None:
        """The settlement response to the record that is being looked at: it is sent instead of an acknowledgement."""
        self._response = frames.write_frame(record)

    def go_on_waiting(self) -> None:
        """What is being decided is long, and goes on: from time to time the terminal is told so."""
        self._silent_at = self._now + self._settings.patience(self.state)
        if self._now >= self._working_since + self._settings.poll_seconds:
            self._do(Action.WORK)

    def answer(self, record: bytes, *, to_confirm: bool = False) -> bool:
        """Send the response to a record; False if the session has ended, so that it was not sent."""
        if self.state is State.ENDED:
            return False
        self._response = frames.write_frame(record)
        self._take(Signal.DEBIT if to_confirm else Signal.ANSWER)
        return True

    def confirm(self) -> None:
        """Say that a confirmation has been written down."""
        if self.state is not State.ENDED:
            self._take(Signal.CONFIRMED)

    def sign_off(self) -> None:
        """End it from our side, whatever the state."""
        if self.state is not State.ENDED:
            self._do(Action.SIGN_OFF)
            self._enter(State.ENDED)

    def hand_over(self) -> bytes | None:
        """What another link needs to go on: nothing where the terminal has said nothing; None amid an exchange."""
        if self.state is State.POLLING and not self._reader.unread:
            return b""
        if self.state is not State.FREE:
            return None
        reader = self._reader
        free = _Free(reader.even, self._response, reader.unread, self._sendings, self._refusals, self._strays)
        return msgspec.msgpack.encode(free)

    def take_over(self, kept: bytes) -> None:
        """Go on from there, instead of polling."""
        if kept:
            free = msgspec.msgpack.decode(kept, type=_Free)
            self._output.clear()
            self._enter(State.FREE)
            self._reader.even, self._response = free.even, free.response
            self._sendings, self._refusals, self._strays = free.sendings, free.refusals, free.strays
            self.receive_data(free.unread)

    def _signal(self, found: Control | Frame | Unfinished) -> Signal:
        match found:
            case Control(code=code):
                return _CONTROLS.get(code, Signal.STRAY) if code is not None else Signal.STRAY
            case Frame(record=record, more=more):
                self._record = record or b""
                return self._shape(record, more) if record else Signal.BAD
            case _:
                return Signal.GIVE_UP

    def _take(self, signal: Signal) -> None:
        """One signal: limits first, then the table."""
        signal = self._limited(signal)
        action, state = TABLE[self.state].get(signal, (Action.NOTHING, self.state))
        if action not in (Action.OFFER, Action.WORK):
            self._record = b""
        self._do(action, signal)
        if action is not Action.NOTHING:
            self._enter(state)

    def _limited(self, signal: Signal) -> Signal:
        """The signal, or GIVE_UP where it has come too often."""
        listed = TABLE[self.state]
        if signal in _GOOD:
            self._refusals = 0
        elif signal is Signal.BAD:
            self._refusals += 1
            if self._refusals > self._settings.refusals_max:
                return Signal.GIVE_UP
        elif signal not in listed or (signal is Signal.NAK and not self._response):
            self._strays += 1
            return Signal.GIVE_UP if self._strays > limits.VISA2_STRAYS_MAX else Signal.STRAY
        action = listed[signal][0] if signal in listed else Action.NOTHING
        if action is Action.SEND_AGAIN and self._sendings >= self._settings.sendings_max:
            return Signal.GIVE_UP
        if action is Action.POLL and signal is Signal.SILENCE and self._polls >= self._settings.polls_max:
            return Signal.GIVE_UP
        return signal

    def _do(self, action: Action, signal: Signal | None = None) -> None:
        match action:
            case Action.POLL:
                self._polls += 1
                self._say(bytes([frames.ENQ]))
            case Action.REFUSE:
                self._say(bytes([frames.NAK]))
            case Action.OFFER if self._settings.acknowledge and signal is not Signal.CONFIRMATION:
                self._say(bytes([frames.ACK]))
            case Action.TAKE:
                self._taken = self._taken + 1 if self.state is State.CAPTURING else 1
                self._say_taken()
            case Action.TAKE_AGAIN:
                self._say_taken()
            case Action.WORK:
                self._working_since = self._now
                self._say(bytes([frames.DC2]))
            case Action.SEND:
                self._sendings = 1
                self._say(self._response)
            case Action.SEND_AGAIN:
                self._sendings += 1
                self._say(self._response)
            case Action.ACKNOWLEDGE:
                self._say(bytes([frames.ACK]))
            case Action.CONCLUDE:
                self._say(bytes([frames.ACK, frames.EOT]))
            case Action.GO_ON:
                self._polls += 1
                self._say(bytes([frames.ACK, frames.ENQ]))
            case Action.SIGN_OFF:
                self._say(bytes([frames.EOT]))
            case _:
                pass

    def _say_taken(self) -> None:
        """ACK to the records 1, 3, 5 …, BEL to 2, 4, 6 …: a lost or repeated one shows."""
        self._say(bytes([frames.ACK if self._taken % 2 else frames.BEL]))

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self._strays = 0
        if state is not State.POLLING:
            self._polls = 0
        self.state = state
        self._silent_at = self._now + self._settings.patience(state)

    def _say(self, characters: bytes) -> None:
        self._output += frames.even_parity(characters) if self._reader.even else characters
