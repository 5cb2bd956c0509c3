"""Messages of ISO 8583:1987 to fields and back, for one dialect (WIRE.md section 2).

Responsible for how each type looks on the wire, and for the form of every field that came. This file alone knows
pyiso8583: its dictionaries stay here, and so do its errors, which carry whole messages. What fields mean is in
`iso8583_request` and `iso8583_answer`.

pyiso8583 is asked to find the fields; whether their content fits the type is checked afterwards, so that one wrong
field does not hide the ones behind it. Its largest lengths are therefore those a length prefix can say, its text is
latin-1.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import iso8583
import msgspec

from specs.dialects import Encoding
from specs.iso8583 import Element
from terminals.errors import AnswerError, MessageError

_THIRD_BITMAP: Final = 65

_CHARACTERS: Final = {
    "n": "[0-9]",
    "z": "[0-9D]",
    "a": "[A-Za-z ]",
    "an": "[A-Za-z0-9 ]",
    "ans": "[ -~]",
    "any": r"[\x00-\xff]",
    "b": "[0-9A-F]",
}


class Message(msgspec.Struct, frozen=True):
    """What could be read: fields whose form is right, and the numbers of those whose form is wrong.

    Track separators are `D`, binary fields upper-case hex, numbers digits without pads. `bitmap` is of 128 bits.
    """

    mti: str
    fields: dict[int, str]
    wrong: frozenset[int]
    bitmap: int

    def marks(self, number: int) -> bool:
        """Does the bitmap say that this field is there, whether or not it could be read?"""
        return bool(self.bitmap >> (128 - number) & 1)

    def __repr__(self) -> str:
        return f"Message({self.mti}, fields {sorted(self.fields)}, wrong {sorted(self.wrong)})"


Decode = Callable[[bytes], Message]
Encode = Callable[[str, Mapping[int, str]], bytes]


class _Wire(NamedTuple):
    """One field on the wire: its entry for pyiso8583, and what its text needs after and before it."""

    entry: dict[str, object]
    form: re.Pattern[str]
    unwrap: Callable[[str], str]
    wrap: Callable[[str], str]


def build_codec(elements: Mapping[int, Element], encoding: Encoding) -> tuple[Decode, Encode]:
    """The two functions of a dialect; built once, they hold the tables.

    `decode` raises MessageError where not even an MTI is there, `encode` raises AnswerError for what does not fit.
    """
    wires = {number: _wire(element, encoding) for number, element in elements.items()}
    spec = {str(number): wire.entry for number, wire in wires.items()}
    head: dict[str, object] = {
        "data_enc": "b" if encoding is Encoding.BCD else "latin-1",
        "len_enc": "ascii",
        "len_type": 0,
    }
    bitmap_bytes = 8 if encoding is Encoding.BCD else 16
    spec |= {"h": head | {"max_len": 0}, "t": head | {"max_len": bitmap_bytes // 4}}
    spec |= {"p": head | {"max_len": bitmap_bytes}, "1": head | {"max_len": bitmap_bytes}}

    def read(data: bytes) -> tuple[Message, _Found]:
        found = _find_fields(data, spec)
        return _checked(found, wires), found

    def decode(data: bytes) -> Message:
        ways = _without_third_bitmap(data, encoding)
        if not ways:
            return read(data)[0]
        message, found = min(map(read, ways), key=lambda reading: len(reading[0].wrong))
        surplus = {found.stopped} if found.trailing else set()  # what a third bitmap announced
        return msgspec.structs.replace(message, wrong=message.wrong - surplus | {_THIRD_BITMAP})

    def encode(mti: str, fields: Mapping[int, str]) -> bytes:
        document = {str(number): wires[number].wrap(text) for number, text in fields.items()}
        document["t"] = mti
        try:
            return bytes(iso8583.encode(document, spec)[0])
        except iso8583.EncodeError as error:
            field = error.field
        raise AnswerError(field)

    return decode, encode


# -- taking a message apart -------------------------------------------------------------------------------------------
class _Found(NamedTuple):
    """What pyiso8583 found before it was through, or stopped."""

    texts: dict[str, str]
    lengths: dict[str, bytes]  # the length prefixes, as they came
    stopped: int | None  # the field it could not get past; with `trailing`, the last one
    trailing: bool = False


def _find_fields(data: bytes, spec: Mapping[str, Mapping[str, Any]]) -> _Found:
    while True:
        try:
            texts, raw = iso8583.decode(data, spec)
            return _Found(texts, _lengths(raw), None)
        except iso8583.DecodeError as error:
            texts, raw = error.doc_dec, error.doc_enc
            name, start, trailing = error.field, error.pos, error.msg.startswith("Extra data")
        # Outside the handler, so that nothing raised from here on has the library's error as its context.
        if _is_padded_otherwise(raw[name], spec[name]):
            pad = start + len(raw[name]["data"]) - 1
            data = data[:pad] + bytes([data[pad] | 0x0F]) + data[pad + 1 :]  # any pad is as good as F
            continue
        if not trailing:
            del texts[name]
        return _Found(texts, _lengths(raw), int(name) if name.isdecimal() else 0, trailing)


def _lengths(raw: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    return {name: parts["len"] for name, parts in raw.items()}


def _is_padded_otherwise(raw: Mapping[str, bytes], entry: Mapping[str, object]) -> bool:
    """Did pyiso8583 stop at a whole field of an odd count of digits, only because its last nibble is not F?"""
    count = raw["len"].hex()
    return (
        "right_pad" in entry
        and count.isdecimal()
        and int(count) % 2 == 1
        and len(raw["data"]) == (int(count) + 1) // 2
        and raw["data"][-1] & 0x0F != 0x0F
    )


def _checked(found: _Found, wires: Mapping[int, _Wire]) -> Message:
    mti = found.texts.pop("t", "")
    if not (len(mti) == 4 and mti.isdecimal()):
        raise MessageError(None)
    bitmap = _bitmap(found.texts.pop("p", ""), found.texts.pop("1", "0" * 16))
    if bitmap is None:
        return Message(mti, {}, frozenset(), 0)
    fields: dict[int, str] = {}
    wrong = set() if found.stopped is None else {found.stopped}
    for name, text in found.texts.items():  # in the order of the message
        number = int(name)
        if not _is_count(found.lengths[name], wires[number].entry):
            wrong.add(number)  # " 9" is a number to Python, but nobody knows what it was to the terminal
            break
        value = wires[number].unwrap(text)
        if wires[number].form.fullmatch(value):
            fields[number] = value
        else:
            wrong.add(number)
    return Message(mti, fields, frozenset(wrong), bitmap)


def _bitmap(first: str, second: str) -> int | None:
    """128 bits; None where hex text holds anything else (Python would skip blanks)."""
    both = first + second
    return int(both, 16) if re.fullmatch("[0-9A-Fa-f]{32}", both) else None


def _is_count(prefix: bytes, entry: Mapping[str, object]) -> bool:
    return entry["len_enc"] == "bcd" or not prefix or prefix.isdigit()


def _without_third_bitmap(data: bytes, encoding: Encoding) -> list[bytes]:
    """Where bit 65 is set, the two ways to read the message as if it were not; else nothing.

    A third bitmap follows the second in practice (pyiso8583 reads it so, and ends in KeyError), but a bit set by
    mistake has nothing behind it. Either way the message is refused; this is about being able to answer it.
    """
    mti, size = (2, 8) if encoding is Encoding.BCD else (4, 16)
    second, third, rest = mti + size, mti + 2 * size, mti + 3 * size
    if not (_first_bit(data[mti:], encoding) and _first_bit(data[second:], encoding)):
        return []
    if encoding is Encoding.BCD:
        cleared = bytes([data[second] & 0x7F])
    else:
        cleared = b"%X" % (int(data[second : second + 1], 16) & 7)
    without = data[:second] + cleared + data[second + 1 : third]
    return [without + data[rest:], without + data[third:]]  # of two as good, practice wins


def _first_bit(bitmap: bytes, encoding: Encoding) -> bool:
    if encoding is Encoding.BCD:
        return bitmap[:1] >= b"\x80"
    return bitmap[:1] in tuple(b"%c" % digit for digit in b"89ABCDEFabcdef")


# -- the types on the wire --------------------------------------------------------------------------------------------
def _wire(element: Element, encoding: Encoding) -> _Wire:
    kind, digits, maximum = element.type, element.length_digits, element.maximum
    units = 2 * maximum if kind == "b" else maximum
    lowest = 0 if digits else units
    if kind == "x+n":
        form = re.compile(f"[CD][0-9]{{{maximum}}}")
    elif kind == "b":
        form = re.compile(f"([0-9A-F]{{2}}){{{lowest // 2},{maximum}}}")
    else:
        form = re.compile(f"{_CHARACTERS[kind]}{{{lowest},{units}}}")
    if encoding is Encoding.ASCII:
        return _ascii_wire(element, form, units)
    return _bcd_wire(element, form)


def _ascii_wire(element: Element, form: re.Pattern[str], units: int) -> _Wire:
    kind, digits = element.type, element.length_digits
    size = 10**digits - 1 if digits else units + (kind == "x+n")
    entry: dict[str, object] = {"data_enc": "latin-1", "len_enc": "latin-1", "len_type": digits, "max_len": size}
    if kind == "z":
        return _Wire(entry, form, _track, lambda text: text.replace("D", "="))
    if kind == "b":
        return _Wire(entry, form, str.upper, _same)
    return _Wire(entry, form, _same, _filled(size) if _is_filled(element) else _same)


def _bcd_wire(element: Element, form: re.Pattern[str]) -> _Wire:
    kind, digits, maximum = element.type, element.length_digits, element.maximum
    prefix = (digits + 1) // 2  # LL is one byte, LLL two
    entry: dict[str, object] = {"data_enc": "b", "len_enc": "bcd", "len_type": prefix, "max_len": 100**prefix - 1}
    if kind in ("n", "z") and digits:
        unwrap = _without_counted_pad(maximum) if kind == "z" else _same
        return _Wire(entry | {"len_count": "nibbles", "right_pad": "F"}, form, unwrap, _same)
    if kind == "n":
        odd = maximum % 2
        return _Wire(
            entry | {"max_len": (maximum + odd) // 2}, form, _unpadded if odd else _same, _padded if odd else _same
        )
    if kind == "x+n":
        return _Wire(entry | {"max_len": 1 + maximum // 2}, form, _sign_from_hex, _sign_to_hex)
    if not digits:
        entry["max_len"] = maximum
    if kind == "b":
        return _Wire(entry, form, _same, _same)
    return _Wire(entry | {"data_enc": "latin-1"}, form, _same, _filled(maximum) if _is_filled(element) else _same)


def _same(text: str) -> str:
    return text


def _is_filled(element: Element) -> bool:
    return element.length_digits == 0 and element.type in ("a", "an", "ans", "any")


def _filled(size: int) -> Callable[[str], str]:
    return lambda text: text.ljust(size)


def _track(text: str) -> str:
    return text.replace("=", "D").replace("d", "D")


def _padded(text: str) -> str:
    return "0" + text


def _unpadded(text: str) -> str:
    return text[1:] if text.startswith("0") else text  # anything else is one digit too long, and its form says so


def _without_counted_pad(maximum: int) -> Callable[[str], str]:
    """Terminals exist that count the pad of a full track 2: 38 instead of 37."""
    return lambda text: text[:-1] if len(text) == maximum + 1 and text[-1] in "F0" else text


def _sign_from_hex(text: str) -> str:
    return chr(int(text[:2], 16)) + text[2:]


def _sign_to_hex(text: str) -> str:
    return f"{ord(text[0]):02X}{text[1:]}"
