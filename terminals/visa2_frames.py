"""Bytes of a VISA-2 line to control characters and frames: parity, LRC, where a frame begins and ends.

Responsible for one character or one frame at a time (WIRE-VISA2.md section 1). What they mean in a conversation is the
link's affair, what stands in a frame the codec's.
"""

import functools
import operator
import re
from enum import Enum
from typing import Final

import msgspec

from specs.limits import FRAME_BYTES_MAX

STX: Final = 0x02
ETX: Final = 0x03
EOT: Final = 0x04
ENQ: Final = 0x05
ACK: Final = 0x06
BEL: Final = 0x07
DC2: Final = 0x12
NAK: Final = 0x15
ETB: Final = 0x17

_SEVEN_BITS: Final = bytes(byte & 0x7F for byte in range(256))
_EVEN: Final = bytes(byte & 0x7F | (byte & 0x7F).bit_count() % 2 << 7 for byte in range(256))
_END: Final = re.compile(rb"[\x03\x17\x83\x97]")  # also of wrong parity: such a frame is bad, but it has ended


class Frame(msgspec.Struct, frozen=True):
    """A whole frame: what stood between STX and its end, in seven bits; `record` None if anything of it was wrong."""

    record: bytes | None
    more: bool = False  # it ended in ETB


class Control(msgspec.Struct, frozen=True):
    """One character outside a frame, in seven bits; `code` None if its parity was wrong."""

    code: int | None


class Unfinished(Enum):
    """No more can be said of the bytes so far."""

    NEED_DATA = "need_data"
    TOO_LONG = "too_long"  # a frame has passed every limit and not ended


def even_parity(data: bytes) -> bytes:
    """Seven-bit characters with the eighth bit that makes the number of ones even."""
    return data.translate(_EVEN)


def lrc(data: bytes) -> int:
    """The exclusive-or of what follows STX, the end character included."""
    return functools.reduce(operator.xor, data, 0)


def write_frame(record: bytes, end: int = ETX) -> bytes:
    """A frame in seven bits."""
    ended = record + bytes([end])
    return bytes([STX]) + ended + bytes([lrc(ended)])


class FrameReader:
    """Takes bytes as they come; gives one character or frame a call.

    `even` is the parity of the session, which its first STX decides: None until then.
    """

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self.even: bool | None = None
        self._record_max = frame_bytes_max
        self._unread = bytearray()
        self._sought = 0  # of the frame under way: no end stands before this place
        self._began_well = False  # the parity of its STX was right

    @property
    def in_frame(self) -> bool:
        """An STX has been read whose frame has not ended."""
        return self._sought > 0

    @property
    def unread(self) -> bytes:
        """What has been taken and not given out: between two calls of `next`, the frame under way."""
        return bytes(self._unread)

    def feed(self, data: bytes) -> None:
        self._unread += data

    def next(self) -> Control | Frame | Unfinished:
        if not self._sought:
            if not self._unread:
                return Unfinished.NEED_DATA
            if self._unread[0] & 0x7F != STX:
                return Control(self._seven_bits(self._unread.pop(0)))
            if self.even is None:
                self.even = self._unread[0] != STX
            self._began_well = self._seven_bits(self._unread[0]) is not None
            self._sought = 1
        return self._read_frame()

    def abandon(self) -> None:
        """Forget the frame under way: no more of it will come."""
        self._unread.clear()
        self._sought = 0

    def _read_frame(self) -> Frame | Unfinished:
        found = _END.search(self._unread, self._sought)
        end = found.start() if found else len(self._unread)
        if end - 1 > self._record_max:
            return Unfinished.TOO_LONG
        self._sought = end
        if end + 2 > len(self._unread):  # the LRC may have any value: it is read unseen
            return Unfinished.NEED_DATA
        frame = bytes(self._unread[1 : end + 2])
        del self._unread[: end + 2]
        self._sought = 0
        return self._checked(frame)

    def _checked(self, frame: bytes) -> Frame:
        """The frame from behind its STX to its LRC."""
        plain = frame.translate(_SEVEN_BITS)
        wanted = even_parity(plain) if self.even else plain
        more = plain[-2] == ETB
        if frame != wanted or not self._began_well or lrc(plain):  # with its LRC the whole adds up to nothing
            return Frame(None, more)
        return Frame(plain[:-2], more)

    def _seven_bits(self, byte: int) -> int | None:
        plain = byte & 0x7F
        if self.even is None:
            return plain
        return plain if byte == (_EVEN[plain] if self.even else plain) else None
