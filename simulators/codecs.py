"""How one element looks in each dialect: packed or plain digits, text, bytes. `wire.py` strings them into messages.

An encoder or decoder complains with ValueError in words that fit after "DE4 (amount, transaction) …".
"""

from collections.abc import Callable
from typing import Literal

from simulators.fields import ELEMENTS, Element

Dialect = Literal["nac", "ascii", "visa2"]
DIALECTS: tuple[Dialect, ...] = ("nac", "ascii")  # those of ISO 8583, which this file is about

Encode = Callable[[str], bytes]
Decode = Callable[[bytes, int], tuple[str, int]]


def _take(data: bytes, position: int, count: int) -> bytes:
    raw = data[position : position + count]
    if len(raw) < count:
        raise ValueError(f"is cut off: {count} bytes are needed, {len(raw)} are there")
    return raw


def _check_length(value: str, element: Element, size: int | None = None) -> None:
    length = len(value) if size is None else size
    if element.prefix and length > element.length:
        raise ValueError(f"is longer than {element.length}")
    if not element.prefix and length != element.length:
        raise ValueError(f"has a length of {length} instead of {element.length}")


def _check_content(value: str, element: Element) -> None:
    if element.content == "n" and value and not value.isdecimal():
        raise ValueError("has something else than digits")
    if element.content == "z" and value.strip("0123456789=D"):
        raise ValueError("has something else than digits and a separator")
    if element.content == "x" and not (value[:1] in ("C", "D") and value[1:].isdecimal()):
        raise ValueError("is not C or D and digits")


def _to_hex(value: str, element: Element) -> bytes:
    try:
        raw = bytes.fromhex(value)
    except ValueError:
        raise ValueError("is not hexadecimal") from None
    _check_length(value, element, len(raw))
    return raw


def _codec(element: Element, dialect: Dialect) -> tuple[Encode, Decode]:
    if element.content == "b":
        return _bytes_codec(element, dialect)
    if dialect == "nac" and element.content in ("n", "z"):
        return _nibbles_codec(element) if element.prefix else _bcd_codec(element)
    if dialect == "nac" and element.content == "x":
        return _signed_codec(element)
    return _text_codec(element, dialect)


def _prefix(dialect: Dialect, digits: int) -> tuple[Callable[[int], bytes], Decode]:
    """The length prefix: packed digits in `nac`, the digits themselves in `ascii`."""
    width = (digits + 1) // 2 if dialect == "nac" else digits

    def write(count: int) -> bytes:
        text = f"{count:0{2 * width if dialect == 'nac' else width}d}"
        return bytes.fromhex(text) if dialect == "nac" else text.encode()

    def read(data: bytes, position: int) -> tuple[str, int]:
        raw = _take(data, position, width)
        text = raw.hex() if dialect == "nac" else raw.decode("latin-1")
        if not text.isdecimal():
            raise ValueError("has a length prefix that is not digits")
        return text, position + width

    return write, read


def _bcd_codec(element: Element) -> tuple[Encode, Decode]:
    digits, width = element.length, (element.length + 1) // 2

    def write(value: str) -> bytes:
        _check_length(value, element)
        _check_content(value, element)
        return bytes.fromhex(value.zfill(2 * width))  # odd: a leading zero nibble

    def read(data: bytes, position: int) -> tuple[str, int]:
        value = _take(data, position, width).hex()[-digits:]
        if not value.isdecimal():
            raise ValueError("has something else than digits")
        return value, position + width

    return write, read


def _nibbles_codec(element: Element) -> tuple[Encode, Decode]:
    write_count, read_count = _prefix("nac", element.prefix)

    def write(value: str) -> bytes:
        _check_length(value, element)
        _check_content(value, element)
        packed = value.replace("=", "D")
        return write_count(len(value)) + bytes.fromhex(packed + "F" * (len(value) % 2))

    def read(data: bytes, position: int) -> tuple[str, int]:
        text, position = read_count(data, position)
        count = int(text)
        width = (count + 1) // 2
        value = _take(data, position, width).hex().upper()[:count]
        if element.number == 35 and count == 38 and value[-1] not in "0123456789D":
            value = value[:37]  # terminals that count the pad exist; the interface accepts them
        _check_length(value, element)
        _check_content(value, element)
        return value, position + width

    return write, read


def _signed_codec(element: Element) -> tuple[Encode, Decode]:
    width = element.length // 2  # the letter is a byte of its own, the digits behind it are packed

    def write(value: str) -> bytes:
        _check_length(value, element)
        _check_content(value, element)
        return value[:1].encode() + bytes.fromhex(value[1:])

    def read(data: bytes, position: int) -> tuple[str, int]:
        raw = _take(data, position, width + 1)
        value = raw[:1].decode("latin-1") + raw[1:].hex()
        _check_content(value, element)
        return value, position + width + 1

    return write, read


def _bytes_codec(element: Element, dialect: Dialect) -> tuple[Encode, Decode]:
    write_count, read_count = _prefix(dialect, element.prefix)
    per_byte = 1 if dialect == "nac" else 2  # hex text counts its characters

    def write(value: str) -> bytes:
        raw = _to_hex(value, element)
        count = write_count(len(raw) * per_byte) if element.prefix else b""
        return count + (raw if dialect == "nac" else raw.hex().upper().encode())

    def read(data: bytes, position: int) -> tuple[str, int]:
        count = element.length * per_byte
        if element.prefix:
            text, position = read_count(data, position)
            count = int(text)
        raw = _take(data, position, count)
        if dialect == "nac":
            return raw.hex().upper(), position + count
        return _to_hex(raw.decode("latin-1"), element).hex().upper(), position + count

    return write, read


def _text_codec(element: Element, dialect: Dialect) -> tuple[Encode, Decode]:
    write_count, read_count = _prefix(dialect, element.prefix)

    def write(value: str) -> bytes:
        padded = value.ljust(element.length) if element.content == "an" and not element.prefix else value
        _check_length(padded, element)
        _check_content(padded, element)
        raw = padded.encode("latin-1")
        return write_count(len(raw)) + raw if element.prefix else raw

    def read(data: bytes, position: int) -> tuple[str, int]:
        count = element.length
        if element.prefix:
            text, position = read_count(data, position)
            count = int(text)
        value = _take(data, position, count).decode("latin-1")
        _check_length(value, element)
        _check_content(value, element)
        return value, position + count

    return write, read


def _codecs(dialect: Dialect) -> tuple[dict[int, Encode], dict[int, Decode]]:
    pairs = {number: _codec(element, dialect) for number, element in ELEMENTS.items()}
    return {n: pair[0] for n, pair in pairs.items()}, {n: pair[1] for n, pair in pairs.items()}


CODECS: dict[Dialect, tuple[dict[int, Encode], dict[int, Decode]]] = {name: _codecs(name) for name in DIALECTS}
