"""Finds the frames in a stream of bytes and puts answers into frames (WIRE.md section 1).

Responsible for length prefixes and the TPDU. What is inside a frame, and how many bad ones are too many, is the
session's.
"""

from typing import Final

from specs.dialects import LengthPrefix, TPDUMode
from terminals.errors import FrameError

TPDU_BYTES: Final = 5
_TRANSACTION: Final = 0x60  # first byte of a TPDU; 0x68 is network management between concentrators

_PREFIX_BYTES: Final = {LengthPrefix.BINARY2: 2, LengthPrefix.ASCII4: 4}


class FrameReader:
    """Takes bytes as they come, gives whole frames without their length."""

    def __init__(self, length: LengthPrefix, frame_bytes_max: int) -> None:
        self._length = length
        self._prefix_bytes = _PREFIX_BYTES[length]
        self._frame_bytes_max = frame_bytes_max
        self._unread = bytearray()

    @property
    def waiting_bytes(self) -> int:
        """Bytes taken and not yet given out as a frame."""
        return len(self._unread)

    @property
    def unread(self) -> bytes:
        """These bytes."""
        return bytes(self._unread)

    def feed(self, data: bytes) -> None:
        self._unread += data

    def next_frame(self) -> bytes | None:
        """The next whole frame, empty for a keep-alive; None until more bytes come.

        Raises:
            FrameError: the length is no number, or too large.
        """
        if len(self._unread) < self._prefix_bytes:
            return None
        end = self._prefix_bytes + self._frame_bytes(bytes(self._unread[: self._prefix_bytes]))
        if len(self._unread) < end:
            return None
        frame = bytes(self._unread[self._prefix_bytes : end])
        del self._unread[:end]
        return frame

    def _frame_bytes(self, prefix: bytes) -> int:
        if self._length is LengthPrefix.BINARY2:
            size = int.from_bytes(prefix, "big")
        elif prefix.isdigit():
            size = int(prefix)
        else:
            raise FrameError("the length of a frame is not four digits")
        if size > self._frame_bytes_max:
            raise FrameError(f"a frame of {size} bytes; at most {self._frame_bytes_max} are read")
        return size


def write_frame(length: LengthPrefix, payload: bytes) -> bytes:
    """`payload` with its length in front."""
    if length is LengthPrefix.BINARY2:
        return len(payload).to_bytes(2, "big") + payload
    return b"%04d" % len(payload) + payload


def split_tpdu(mode: TPDUMode, frame: bytes) -> tuple[bytes, bytes] | None:
    """TPDU and message of a frame; None if the TPDU is bad or nothing follows it."""
    if mode is TPDUMode.NONE:
        return b"", frame
    if frame[0] != _TRANSACTION or len(frame) <= TPDU_BYTES:
        return None
    return frame[:TPDU_BYTES], frame[TPDU_BYTES:]


def answer_tpdu(mode: TPDUMode, tpdu: bytes) -> bytes:
    """The TPDU of the answer: destination and originator change places, unless the dialect echoes."""
    if mode is TPDUMode.SWAP:
        return tpdu[:1] + tpdu[3:5] + tpdu[1:3]
    return tpdu
