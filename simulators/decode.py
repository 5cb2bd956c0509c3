"""Reading a message somebody pasted: hex with or without spaces, with or without frame and TPDU."""

import msgspec

from simulators.codecs import Dialect
from simulators.framing import TPDU_BYTES
from simulators.wire import Message, WireError, decode


class Decoded(msgspec.Struct, frozen=True):
    """What was found around the message, and the message as far as it could be read."""

    notes: list[str]
    message: Message | None
    problem: str | None = None


def decode_pasted(text: str, dialect: Dialect) -> Decoded:
    raw = _bytes(text, dialect)
    if isinstance(raw, str):
        return Decoded([], None, raw)
    notes, start = _envelope(raw, dialect)
    try:
        return Decoded(notes, decode(raw[start:], dialect))
    except WireError as error:
        problem = f"{error.text}, at byte {start + error.offset} of {len(raw)}"
        return Decoded(notes, error.read, problem)


def _bytes(text: str, dialect: Dialect) -> bytes | str:
    """The bytes meant, or what is wrong with the text. `ascii` messages may be pasted as they are or in hex."""
    if dialect == "ascii":
        plain = text.strip("\r\n")
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            raw = b""
        # hex of an ascii message begins with the codes of four digits; the message itself never does
        return raw if raw[:4].isdigit() and len(raw) > 4 else plain.encode("latin-1", "replace")
    digits = "".join(text.split())
    wrong = next((place for place, letter in enumerate(digits) if letter not in "0123456789abcdefABCDEF"), None)
    if wrong is not None:
        return f"not hexadecimal: a {digits[wrong]!r} at byte {wrong // 2}"
    if len(digits) % 2:
        return f"half a byte at the end: {len(digits)} hex digits"
    return bytes.fromhex(digits) if digits else "nothing to decode"


def _envelope(raw: bytes, dialect: Dialect) -> tuple[list[str], int]:
    """What stands before the message, and where the message begins."""
    notes: list[str] = []
    start = 0
    width = 4 if dialect == "ascii" else 2
    length = _length(raw, dialect)
    # a length that does not agree looks like an MTI, except that no MTI begins with 00 as short frames do
    looks_framed = length == len(raw) - width or (dialect == "nac" and raw[:1] == b"\0" and raw[2:3] == b"\x60")
    if length is not None and looks_framed:
        start = width
        real = len(raw) - width
        notes.append(f"frame of {length} bytes" + ("" if length == real else f", but {real} follow"))
    if dialect == "nac" and raw[start : start + 1] == b"\x60":
        notes.append(f"TPDU {raw[start : start + TPDU_BYTES].hex()}")
        start += TPDU_BYTES
    return notes, start


def _length(raw: bytes, dialect: Dialect) -> int | None:
    if dialect == "nac":
        return int.from_bytes(raw[:2], "big") if len(raw) > 2 else None
    return int(raw[:4]) if raw[:4].isdigit() and len(raw) > 4 else None
