"""How each type of field looks on the wire, both ways, in both dialects (WIRE.md section 2, the table of types)."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.dialects import load_dialect
from specs.iso8583 import ELEMENTS, Element, parse_element
from terminals.errors import AnswerError
from terminals.iso8583_codec import Decode, Encode, build_codec
from tests.wire.tools import ascii_frame, nac_frame, raw

CODECS: dict[str, tuple[Decode, Encode]] = {
    name: build_codec(load_dialect(name).elements, load_dialect(name).encoding) for name in ("nac", "ascii")
}

# Field, its text, and its bytes in each dialect, by hand.
# fmt: off
FORMS: list[tuple[int, str, str, str]] = [
    (3,   "720060",              "72 00 60",                          "720060"),            # n6
    (24,  "010",                 "00 10",                             "010"),               # n3: leading zero nibble
    (27,  "7",                   "07",                                "7"),                 # n1
    (93,  "A1   ",               "'A1   '",                           "A1   "),             # an5
    (2,   "600649",              "06 60 06 49",                       "06600649"),          # n LL even
    (2,   "6006491",             "07 60 06 49 1F",                    "076006491"),         # n LL odd: right pad
    (35,  "600649D1",            "08 60 06 49 D1",                    "08600649=1"),        # z LL
    (35,  "600649D12",           "09 60 06 49 D1 2F",                 "09600649=12"),
    (36,  "1D2",                 "00 03 1D 2F",                       "0031=2"),            # z LLL
    (37,  "632600000001",        "'632600000001'",                    "632600000001"),      # an12
    (42,  "SHOP 1         ",     "'SHOP 1         '",                 "SHOP 1         "),   # ans15
    (44,  "",                    "00",                                "00"),                # an LL
    (60,  "000001",              "00 06 '000001'",                    "006000001"),         # ans LLL
    (49,  "949",                 "09 49",                             "949"),
    (52,  "0123456789ABCDEF",    "01 23 45 67 89 AB CD EF",           "0123456789ABCDEF"),  # b8
    (55,  "9F2601AA",            "00 04 9F 26 01 AA",                 "0089F2601AA"),       # b LLL: bytes, characters
    (28,  "C00001234",           "'C' 00 00 12 34",                   "C00001234"),         # x+n
    (97,  "D0000000000001234",   "'D' 00 00 00 00 00 00 12 34",       "D0000000000001234"),
    (70,  "301",                 "03 01",                             "301"),
    (90,  "0" * 42,              "00" * 21,                           "0" * 42),
    (127, "\x00\xff",            "00 02 00 FF",                       "002\x00\xff"),       # free bytes
    (128, "FFFFFFFFFFFFFFFF",    "FF FF FF FF FF FF FF FF",           "FFFFFFFFFFFFFFFF"),
]
# fmt: on


@pytest.mark.parametrize(("number", "text", "nac", "ascii_"), FORMS)
def test_a_field_in_both_dialects(number: int, text: str, nac: str, ascii_: str) -> None:
    for name, frame in (
        ("nac", nac_frame("0200", {number: nac})[7:]),
        ("ascii", ascii_frame("0200", {number: ascii_})[4:]),
    ):
        decode, encode = CODECS[name]
        message = decode(frame)
        assert (message.fields, message.wrong) == ({number: text}, frozenset())
        assert encode("0200", {number: text}) == frame


# What is accepted but never sent: field, bytes of nac, what it is read as.
LENIENT: list[tuple[int, str, str]] = [
    (2, "07 60 06 49 10", "6006491"),
    (2, "07 60 06 49 1A", "6006491"),
    (2, "07 60 06 49 17", "6006491"),
    (35, "09 60 06 49 D1 20", "600649D12"),
    (35, "38" + "12" * 18 + "1F", "12" * 18 + "1"),
    (35, "38" + "12" * 18 + "10", "12" * 18 + "1"),
]


@pytest.mark.parametrize(("number", "nac", "text"), LENIENT)
def test_any_pad_is_accepted(number: int, nac: str, text: str) -> None:
    message = CODECS["nac"][0](nac_frame("0200", {number: nac, 11: "000001"})[7:])
    assert message.fields == {number: text, 11: "000001"}


def test_several_pads_at_once() -> None:
    message = CODECS["nac"][0](nac_frame("0200", {2: "07 60 06 49 10", 32: "03 12 31", 35: "03 1D 21"})[7:])
    assert message.fields == {2: "6006491", 32: "123", 35: "1D2"}
    assert not message.wrong


def test_track_2_of_38_digits_is_too_long() -> None:
    message = CODECS["nac"][0](nac_frame("0200", {35: "38" + "12" * 19})[7:])
    assert message.wrong == {35}


def test_hex_is_read_in_either_case_and_sent_in_capitals() -> None:
    decode, encode = CODECS["ascii"]
    frame = ascii_frame("0200", {52: "abcdef0123456789"})[4:]
    assert decode(frame).fields[52] == "ABCDEF0123456789"
    assert encode("0200", decode(frame).fields) == ascii_frame("0200", {52: "ABCDEF0123456789"})[4:]


def test_a_bitmap_of_small_letters_is_read() -> None:
    assert CODECS["ascii"][0](b"0200" + b"000000000000000c" + b"003abc003xyz").fields == {61: "abc", 62: "xyz"}


def test_what_does_not_fit_is_not_sent() -> None:
    for name in CODECS:
        with pytest.raises(AnswerError, match="field 62 "):
            CODECS[name][1]("0210", {62: "x" * 10_000})
        with pytest.raises(AnswerError, match="field 39 "):
            CODECS[name][1]("0210", {39: "123"})


def test_forms_are_read_from_their_notation() -> None:
    assert parse_element("n..19") == Element("n", 2, 19)
    assert parse_element("x+n8") == Element("x+n", 0, 8)
    assert parse_element("b...255") == Element("b", 3, 255)
    for bad in ("n", "n0", "q6", "n....9", "n6 "):
        with pytest.raises(ValueError, match="not a form"):
            parse_element(bad)


# -- any fields survive the way there and back ------------------------------------------------------------------------
ALPHABETS = {
    "n": string.digits,
    "z": string.digits + "D",
    "an": string.ascii_letters + string.digits + " ",
    "ans": "".join(map(chr, range(32, 127))),
    "any": "".join(map(chr, range(256))),
}


def texts(element: Element) -> st.SearchStrategy[str]:
    maximum = min(element.maximum, 40)  # longer ones say nothing new
    least = 0 if element.length_digits else element.maximum
    maximum = max(maximum, least)
    if element.type == "b":
        return st.binary(min_size=least, max_size=maximum).map(lambda data: data.hex().upper())
    if element.type == "x+n":
        return st.builds(str.__add__, st.sampled_from("CD"), st.text(string.digits, min_size=maximum, max_size=maximum))
    return st.text(ALPHABETS[element.type], min_size=least, max_size=maximum)


@st.composite
def messages(draw: Any) -> dict[int, str]:
    numbers = draw(st.sets(st.sampled_from(sorted(set(ELEMENTS) - {65})), max_size=12))
    return {number: draw(texts(ELEMENTS[number])) for number in sorted(numbers)}


@pytest.mark.parametrize("name", ["nac", "ascii"])
@given(mti=st.text(string.digits, min_size=4, max_size=4), fields=messages())
def test_decoding_undoes_encoding(name: str, mti: str, fields: dict[int, str]) -> None:
    decode, encode = CODECS[name]
    message = decode(encode(mti, fields))
    assert (message.mti, message.fields, message.wrong) == (mti, fields, frozenset())
    assert all(message.marks(number) == (number in fields) for number in range(2, 129))


@given(data=st.binary(max_size=60))
def test_raw_reads_what_stands_between_apostrophes(data: bytes) -> None:
    assert raw(data.hex()) == data
