"""Bytes computed by hand from the terminal interface page, and the samples of the field reference (E1 to E11)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.codecs import DIALECTS, Dialect
from simulators.fields import ELEMENTS, Element
from simulators.framing import FrameReader, frame, split_frame, tpdu
from simulators.wire import Message, WireError, decode, encode

S1_SENDER = {24: "010", 41: "60060060", 42: "600600600600600"}
TOTALS = "001000000050000"

# name, what stands before the message, the message, what it says
# fmt: off
SAMPLES: list[tuple[str, str, str, str, dict[int, str]]] = [
    ("E1 logon without framing", "",
     "0800 2020010000800000 920000 000028 0004 4454493030303031",
     "0800", {3: "920000", 11: "000028", 24: "004", 41: "DTI00001"}),
    ("E2 echo answer, DE70 style, no terminal", "0023 6000000000",
     "0810 8220000002000000 0400000000000000 1204092457 000001 3030 0301",
     "0810", {7: "1204092457", 11: "000001", 39: "00", 70: "301"}),
    ("E3 settlement request", "0047 6000100000",
     "0500 2020010000C00012 920000 000037 0010 3630303630303630 363030363030363030363030363030"
     "0006 303030303031 0015 303031303030303030303530303030",
     "0500", {3: "920000", 11: "000037", **S1_SENDER, 60: "000001", 63: TOTALS}),
    ("E4 its answer: totals differ", "0046 6000100000",
     "0510 2038010002C00002 920000 000037 094510 1122 0010 3935 3630303630303630 363030363030363030363030363030"
     "0015 303031303030303030303530303030",
     "0510", {3: "920000", 11: "000037", 12: "094510", 13: "1122", 39: "95", **S1_SENDER, 63: TOTALS}),
    ("E5 batch upload of one sale", "0071 6000100000",
     "0320 7038058008C00011 16 5555555555554444 000000 000001280000 000123 140347 0711 0000 0010 00"
     "313130373138303030313138 3630303630303034 363030363030363030363030363030"
     "0022 30323030303030313138313130373138303030313138 0000000000000000",
     "0320", {2: "5555555555554444", 3: "000000", 4: "000001280000", 11: "000123", 12: "140347", 13: "0711",
              22: "000", 24: "010", 25: "00", 37: "110718000118", 41: "60060004", 42: "600600600600600",
              60: "0200000118110718000118", 64: "0000000000000000"}),
    ("E6 upload answer", "0032 6000100000",
     "0330 203801000A800000 000000 000123 140347 0711 0010 313130373138303030313138 3030 3630303630303034",
     "0330", {3: "000000", 11: "000123", 12: "140347", 13: "0711", 24: "010", 37: "110718000118", 39: "00",
              41: "60060004"}),
    ("E7 settlement trailer", "0047 6000100000",
     "0500 2020010000C00012 960000 000042 0010 3630303630303630 363030363030363030363030363030"
     "0006 303030303031 0015 303031303030303030303530303030",
     "0500", {3: "960000", 11: "000042", **S1_SENDER, 60: "000001", 63: TOTALS}),
    ("E8 settlement, six blocks, merchant padded on both sides", "6001070366",
     "0500 2020010000C00012 920000 000262 0107 3030304157325131 202020203033303030303030312020"
     "0006 303030303036 0090 303035303030303630303330303030" + "30" * 75,
     "0500", {3: "920000", 11: "000262", 24: "107", 41: "000AW2Q1", 42: "    030000001  ", 60: "000006",
              63: "005000060030000" + "0" * 75}),
    ("E9 void with original amount", "006F 6000030000",
     "0200 703C05800CC00014 16 4111111111111111 020000 000000100000 000009 141407 0705 1901 0022 0003 00"
     "373035343138313938353932 363030393736 3132313231313338 303030303030303030303234363338"
     "0012 303030303030313030303030 0006 303030303031",
     "0200", {2: "4111111111111111", 3: "020000", 4: "000000100000", 11: "000009", 12: "141407", 13: "0705",
              14: "1901", 22: "022", 24: "003", 25: "00", 37: "705418198592", 38: "600976", 41: "12121138",
              42: "000000000024638", 60: "000000100000", 62: "000001"}),
    ("redeem with an odd card number and tables", "0063 6000100000",
     "0200 7038058000C08006 19 9700000000000003310F 006000 000000001000 000042 101112 1122 0011 0010 00"
     "5430303030303031 4D30303030303030303030303030 31 0949 0006 303030303037"
     "0016 0004 4350 5450 0008 5343 343832393135",
     "0200", {2: "9700000000000003310", 3: "006000", 4: "000000001000", 11: "000042", 12: "101112", 13: "1122",
              22: "011", 24: "010", 25: "00", 41: "T0000001", 42: "M00000000000001", 49: "949", 62: "000007",
              63: "\x00\x04CPTP\x00\x08SC482915"}),
    ("track of odd length, PIN block, chip data, reversal of original data", "",
     "0400 A000000020001200 0000004000000000 006000 13 5555 5D49 1210 1F 0123456789ABCDEF 0003 9F0206"
     "0200000042 11220911120000000000000000000000",
     "0400", {3: "006000", 35: "55555D4912101", 52: "0123456789ABCDEF", 55: "9F0206",
              90: "020000004211220911120000000000000000000000"}),
]
# fmt: on
IDS = [row[0] for row in SAMPLES]


@pytest.mark.parametrize(("name", "before", "body", "mti", "fields"), SAMPLES, ids=IDS)
def test_nac_samples_read_and_write_as_published(
    name: str, before: str, body: str, mti: str, fields: dict[int, str]
) -> None:
    raw = bytes.fromhex(body)
    assert decode(raw, "nac") == Message(mti, fields)
    assert encode(Message(mti, fields), "nac") == raw


@pytest.mark.parametrize(("name", "before", "body", "mti", "fields"), SAMPLES, ids=IDS)
def test_nac_frames_have_the_published_length(
    name: str, before: str, body: str, mti: str, fields: dict[int, str]
) -> None:
    envelope, raw = bytes.fromhex(before), bytes.fromhex(body)
    if len(envelope) == 7:
        assert frame(raw, "nac", envelope[2:]) == envelope + raw


def test_the_ascii_sample_reads_and_writes_as_published() -> None:
    published = (
        b"01680200F2384001888080040000000006000000161111222233334444470040000001000000092510530800005217530809256010"
        b"035030350318092500005211112222360004201811101150201041110110131374"
    )
    fields = {
        2: "1111222233334444", 3: "470040", 4: "000001000000", 7: "0925105308", 11: "000052", 12: "175308",
        13: "0925", 18: "6010", 32: "503", 33: "503", 37: "180925000052", 41: "11112222", 49: "360", 62: "2018",
        102: "10115020104", 103: "10110131374",
    }  # fmt: skip
    reader = FrameReader("ascii")
    reader.feed(published)
    body = reader.next_payload()
    assert body is not None
    assert decode(body, "ascii") == Message("0200", fields)
    assert frame(encode(Message("0200", fields), "ascii"), "ascii", b"") == published


def test_an_ascii_redeem_looks_as_the_page_says() -> None:
    fields = {
        2: "9700000000000003310", 3: "006000", 4: "000000001000", 11: "000042", 24: "010",
        41: "T0000001", 42: "M00000000000001", 48: "CP002PTSC006482915", 52: "0123456789abcdef", 55: "9f0206",
    }  # fmt: skip
    expected = (
        "0200" "7020010000C11200" "199700000000000003310" "006000" "000000001000" "000042" "010"
        "T0000001" "M00000000000001" "018CP002PTSC006482915" "0123456789ABCDEF" "0069F0206"
    )  # fmt: skip
    assert encode(Message("0200", fields), "ascii") == expected.encode()


def test_a_track_of_38_whose_last_nibble_is_the_pad_is_read() -> None:
    head = "0200 0000000020000000"
    track = "4111111111111111D49121010000000000000"
    assert len(track) == 37
    assert decode(bytes.fromhex(f"{head} 38 {track}F"), "nac").get(35) == track


def test_short_text_is_filled_with_spaces_on_the_right() -> None:
    assert decode(encode(Message("0800", {41: "T1"}), "nac"), "nac").get(41) == "T1      "


# fmt: off
BAD: list[tuple[str, Dialect, bytes, str, int]] = [
    ("nothing",             "nac",   b"",                                               "four digits",        0),
    ("letters in the MTI",  "nac",   bytes.fromhex("0A00"),                             "four digits",        0),
    ("bitmap cut off",      "nac",   bytes.fromhex("0200 2020"),                        "bitmap is cut off",  2),
    ("DE3 cut off",         "nac",   bytes.fromhex("0200 2000000000000000 0060"),       "DE3 ",              10),
    ("DE3 with a letter",   "nac",   bytes.fromhex("0200 2000000000000000 00A000"),     "DE3 ",              10),
    ("DE2 longer than 19",  "nac",   bytes.fromhex("0200 4000000000000000 20" + 10 * "11"), "longer than 19", 10),
    ("bytes too many",      "nac",   bytes.fromhex("0200 2000000000000000 006000 00"),  "1 bytes too many",  13),
    ("bitmap is no hex",    "ascii", b"0200X000000000000000",                           "not hexadecimal",    4),
    ("DE2 count no digits", "ascii", b"02004000000000000000X9",                         "length prefix",     20),
    ("DE52 no hex",         "ascii", b"02000000000000001000" + b"Z" * 16,               "not hexadecimal",   20),
]
# fmt: on


@pytest.mark.parametrize(("name", "dialect", "raw", "words", "offset"), BAD, ids=[row[0] for row in BAD])
def test_what_is_wrong_is_said_with_its_byte(name: str, dialect: Dialect, raw: bytes, words: str, offset: int) -> None:
    with pytest.raises(WireError, match=words) as caught:
        decode(raw, dialect)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("fields", "words"),
    [({4: "1"}, "length of 1 instead of 12"), ({3: "00600X"}, "digits"), ({41: "TERMINAL1"}, "9 instead of 8"),
     ({52: "XY"}, "hexadecimal"), ({28: "X00000000"}, "C or D"), ({60: "€"}, "Latin-1"), ({129: ""}, "2 to 128")],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused_before_they_are_sent(fields: dict[int, str], words: str) -> None:
    with pytest.raises(WireError, match=words):
        encode(Message("0200", fields), "nac")


def test_errors_never_quote_a_value() -> None:
    pan = "4111111111111111"
    with pytest.raises(WireError) as caught:
        encode(Message("0200", {2: pan + "22222"}), "nac")
    assert pan not in str(caught.value)


def values(element: Element) -> st.SearchStrategy[str]:
    low = 0 if element.prefix else element.length
    if element.content == "b":
        return st.binary(min_size=low, max_size=element.length).map(lambda raw: raw.hex().upper())
    if element.content == "x":
        digits = st.text("0123456789", min_size=element.length - 1, max_size=element.length - 1)
        return st.tuples(st.sampled_from("CD"), digits).map("".join)
    alphabet: st.SearchStrategy[str] = {
        "n": st.sampled_from("0123456789"),
        "z": st.sampled_from("0123456789D"),
    }.get(element.content, st.characters(max_codepoint=255))
    return st.text(alphabet, min_size=low, max_size=min(element.length, 60) if element.prefix else element.length)


messages = st.builds(
    Message,
    st.from_regex(r"0[0-9]{3}", fullmatch=True),
    st.sets(st.integers(2, 128), max_size=12).flatmap(
        lambda numbers: st.fixed_dictionaries({number: values(ELEMENTS[number]) for number in numbers})
    ),
)


@given(messages, st.sampled_from(DIALECTS))
def test_decode_gives_back_what_encode_was_given(message: Message, dialect: Dialect) -> None:
    assert decode(encode(message, dialect), dialect) == message


@given(st.binary(max_size=200), st.sampled_from(DIALECTS))
def test_any_bytes_are_a_message_or_a_wire_error(raw: bytes, dialect: Dialect) -> None:
    with contextlib.suppress(WireError):
        message = decode(raw, dialect)
        assert decode(encode(message, dialect), dialect) == message


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.sampled_from(DIALECTS), st.data())
def test_frames_come_out_however_the_line_sliced_them(
    bodies: list[bytes], dialect: Dialect, data: st.DataObject
) -> None:
    address = tpdu("010")
    stream = b"".join(frame(body, dialect, address) for body in bodies)
    reader, found = FrameReader(dialect), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        reader.feed(stream[:cut])
        stream = stream[cut:]
        while (payload := reader.next_payload()) is not None:
            found.append(split_frame(payload, dialect)[1])
    assert found == bodies


def test_keep_alives_are_passed_over() -> None:
    reader = FrameReader("nac")
    reader.feed(bytes.fromhex("0000 0000 0001 41"))
    assert reader.next_payload() == b"A"


@pytest.mark.parametrize(
    ("dialect", "raw"), [("nac", b"\xff\xff" + b"x" * 9), ("ascii", b"9999" + b"x" * 9), ("ascii", b"00X1")]
)
def test_a_frame_nobody_may_send_is_an_error(dialect: Dialect, raw: bytes) -> None:
    reader = FrameReader(dialect)
    reader.feed(raw)
    with pytest.raises(WireError):
        reader.next_payload()
