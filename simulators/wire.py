"""Messages to bytes and back, in the two ISO 8583 dialects, and the frames they travel in.

A message is its MTI and a dictionary from element number to text: digits for numbers, upper-case hex for binary
elements. Standard: ISO 8583:1987 as sections 1 and 2 of the terminal interface page have it. No sockets here.

Errors say the element and the byte, never a value: a value may be a card number.
"""

from functools import lru_cache

import msgspec

from simulators.codecs import CODECS, DIALECTS, Dialect
from simulators.fields import ELEMENTS

__all__ = ["DIALECTS", "FRAME_BYTES_MAX", "Dialect", "Message", "WireError", "decode", "encode"]

FRAME_BYTES_MAX = 4096  # the switch closes a connection for more, so a terminal never sends it


class Message(msgspec.Struct, frozen=True):
    """One ISO 8583 message: who reads it may rely on every value having its element's form."""

    mti: str
    fields: dict[int, str]

    def get(self, number: int) -> str:
        return self.fields.get(number, "")


class WireError(Exception):
    """Bytes or values that are not a message. `offset` counts from the first byte of the body."""

    def __init__(self, text: str, offset: int = 0, read: Message | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.offset = offset
        self.read = read


def encode(message: Message, dialect: Dialect) -> bytes:
    """The body of a message: MTI, bitmap, elements."""
    encoders = CODECS[dialect][0]
    numbers = sorted(message.fields)
    bitmap = _bitmap_bytes(tuple(numbers))
    mti = message.mti
    head = bytes.fromhex(mti) + bitmap if dialect == "nac" else (mti + bitmap.hex().upper()).encode("ascii")
    parts = [head]
    for number in numbers:
        try:
            parts.append(encoders[number](message.fields[number]))
        except (ValueError, UnicodeEncodeError) as error:
            reason = "is not Latin-1 text" if isinstance(error, UnicodeEncodeError) else str(error)
            raise WireError(f"DE{number} ({ELEMENTS[number].name}) {reason}") from None
    return b"".join(parts)


def decode(body: bytes, dialect: Dialect) -> Message:
    """Read a body; what could be read before an error stands in `WireError.read`."""
    mti, bitmap, position = _head(body, dialect)
    fields: dict[int, str] = {}
    decoders = CODECS[dialect][1]
    for number in _numbers(bitmap):
        try:
            fields[number], position = decoders[number](body, position)
        except ValueError as error:
            text = f"DE{number} ({ELEMENTS[number].name}) {error}"
            raise WireError(text, position, Message(mti, fields)) from None
    if position != len(body):
        text = f"{len(body) - position} bytes too many after the last element"
        raise WireError(text, position, Message(mti, fields))
    return Message(mti, fields)


def _head(body: bytes, dialect: Dialect) -> tuple[str, bytes, int]:
    if dialect == "nac":
        mti, start, width = body[:2].hex(), 2, 8
        bitmap = body[2:10] if len(body) > 2 and not body[2] & 0x80 else body[2:18]
    else:
        mti, start, width = body[:4].decode("latin-1"), 4, 16
        text = body[4:20]
        try:
            bitmap = bytes.fromhex(body[4:36].decode("latin-1") if text[:1] in b"89ABCDEFabcdef" else text.decode())
        except ValueError:
            raise WireError("the bitmap is not hexadecimal", 4) from None
    if len(mti) != 4 or not mti.isdecimal():
        raise WireError("the message type is not four digits")
    wanted = 16 if bitmap[:1] and bitmap[0] & 0x80 else 8
    if len(bitmap) != wanted:
        raise WireError(f"the bitmap is cut off: {wanted} bytes are needed, {len(bitmap)} are there", start)
    return mti, bitmap, start + width * (wanted // 8)


@lru_cache(maxsize=1024)
def _numbers(bitmap: bytes) -> tuple[int, ...]:
    bits = int.from_bytes(bitmap, "big")
    size = len(bitmap) * 8
    return tuple(number for number in range(2, size + 1) if bits >> (size - number) & 1)


@lru_cache(maxsize=1024)
def _bitmap_bytes(numbers: tuple[int, ...]) -> bytes:
    if numbers and (numbers[0] < 2 or numbers[-1] > 128):
        raise WireError("a message has the elements 2 to 128 only")
    size = 128 if numbers and numbers[-1] > 64 else 64
    bits = 1 << 127 if size == 128 else 0
    for number in numbers:
        bits |= 1 << (size - number)
    return bits.to_bytes(size // 8, "big")
