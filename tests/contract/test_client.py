"""The tests' own client by itself: it must read and write what is published before it may judge anyone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.client import (
    FIELDS,
    Balance,
    Message,
    WireError,
    balances,
    decode,
    encode,
    frame,
    pack_tables,
    table_field,
    unpack_tables,
)

# The samples of the published field reference, card numbers neutral; spaces for the reader.
# fmt: off
NAC_SAMPLES = [
    ("settlement_request",
     "0500 2020010000C00012 920000 000037 0010 3630303630303630 363030363030363030363030363030"
     "0006 303030303031 0015 303031303030303030303530303030",
     {0: "0500", 3: "920000", 11: "000037", 24: "010", 41: "60060060", 42: "600600600600600", 60: "000001",
      63: "001000000050000"}),
    ("batch_upload_of_one_sale",
     "0320 7038058008C00011 16 5555555555554444 000000 000001280000 000123 140347 0711 0000 0010 00"
     "313130373138303030313138 3630303630303034 363030363030363030363030363030"
     "0022 30323030303030313138313130373138303030313138 0000000000000000",
     {0: "0320", 2: "5555555555554444", 3: "000000", 4: "000001280000", 11: "000123", 12: "140347", 13: "0711",
      22: "000", 24: "010", 25: "00", 37: "110718000118", 41: "60060004", 42: "600600600600600",
      60: "0200000118110718000118", 64: "0" * 16}),
    ("void_with_original_amount",
     "0200 703C05800CC00014 16 4111111111111111 020000 000000100000 000009 141407 0705 1901 0022 0003 00"
     "303730353431393831393539 363030393736 3132313231313338 303030303030303030303234363338"
     "0012 303030303030313030303030 0006 303030303031",
     {0: "0200", 2: "4111111111111111", 3: "020000", 4: "000000100000", 11: "000009", 12: "141407", 13: "0705",
      14: "1901", 22: "022", 24: "003", 25: "00", 37: "070541981959", 38: "600976", 41: "12121138",
      42: "000000000024638", 60: "000000100000", 62: "000001"}),
    ("echo_answer_by_de70",
     "0810 8220000002000000 0400000000000000 1204092457 000001 3030 0301",
     {0: "0810", 7: "1204092457", 11: "000001", 39: "00", 70: "301"}),
]
ASCII_SAMPLE = (
    b"0200F2384001888080040000000006000000161111222233334444470040000001000000092510530800005217530809256010035030350318"
    b"092500005211112222360004201811101150201041110110131374"
)
# fmt: on


@pytest.mark.parametrize(("name", "sample", "fields"), NAC_SAMPLES, ids=[row[0] for row in NAC_SAMPLES])
def test_a_published_nac_sample_reads_and_writes_as_published(name: str, sample: str, fields: dict[int, str]) -> None:
    body = bytes.fromhex(sample)
    assert decode("nac", body) == fields
    assert encode("nac", fields) == body


def test_the_published_ascii_sample_reads_and_writes_as_published() -> None:
    message = decode("ascii", ASCII_SAMPLE)
    assert {de: message[de] for de in (2, 3, 4, 33, 49, 62)} == {
        2: "1111222233334444",
        3: "470040",
        4: "000001000000",
        33: "503",
        49: "360",
        62: "2018",
    }
    assert encode("ascii", message) == ASCII_SAMPLE
    assert frame("ascii", ASCII_SAMPLE)[:4] == b"0168"


def test_a_nac_frame_has_its_length_without_itself_and_a_tpdu() -> None:
    body = encode("nac", {0: "0800", 3: "990000", 11: "000001", 24: "003", 41: "T0000001"})
    assert frame("nac", body, bytes.fromhex("6000030000")).startswith(bytes.fromhex("001f 6000030000 0800"))


def field_text(de: int) -> st.SearchStrategy[str]:
    kind, size = FIELDS[de]
    digits = st.text("0123456789", min_size=0 if kind.endswith("LL") else size, max_size=size)
    match kind:
        case "n" | "nLL":
            return digits
        case "zLL":
            return digits.map(lambda text: text.replace("7", "D", 1))
        case "b" | "bLLL":
            return st.binary(min_size=0 if kind == "bLLL" else size, max_size=size).map(lambda data: data.hex().upper())
    printable = st.characters(min_codepoint=32, max_codepoint=126)
    return st.text(printable, min_size=size if kind == "t" else 0, max_size=min(size, 40))


messages = st.sets(st.sampled_from(sorted(FIELDS))).flatmap(
    lambda present: st.fixed_dictionaries({0: st.just("0200"), **{de: field_text(de) for de in present}})
)


@pytest.mark.parametrize("name", ["nac", "ascii"])
@settings(max_examples=60, derandomize=True, deadline=None)
@given(message=messages)
def test_what_the_client_writes_it_reads_again(name: str, message: dict[int, str]) -> None:
    assert decode(name, encode(name, message)) == message


@pytest.mark.parametrize("name", ["nac", "ascii"])
def test_private_tables_come_back_as_they_went(name: str) -> None:
    tables = [("CP", "PT"), ("TS", "paper=ok;battery=80"), ("SC", "1234")]
    message = {table_field(name): pack_tables(name, tables)}
    assert unpack_tables(name, message) == dict(tables)


def test_nac_tables_count_their_id_in_a_bcd_length() -> None:
    assert pack_tables("nac", [("CP", "P")]) == "\x00\x03CPP"
    assert pack_tables("ascii", [("CP", "P")]) == "CP001P"


def test_de54_reads_as_blocks_with_a_sign() -> None:
    text = "6002949C000000012500" + "6057949C000000030000"
    assert balances(text) == [Balance("60", "02", "949", 12500), Balance("60", "57", "949", 30000)]
    with pytest.raises(WireError):
        balances(text[:-1])


def test_a_failing_test_never_shows_a_card_number_or_a_pin() -> None:
    message = Message({0: "0200", 2: "9792001234567890123", 35: "9792001234567890123=4912", 63: "\x00\x06SC4321"})
    assert "1234567890" not in repr(message)
    assert "4321" not in repr(message)


@pytest.mark.parametrize("body", ["0210 0000000000000001", "0210 2000000000000000 99999A", "0210 2000000000000000 99"])
def test_the_client_refuses_what_is_not_a_message(body: str) -> None:
    with pytest.raises(WireError):
        decode("nac", bytes.fromhex(body))
