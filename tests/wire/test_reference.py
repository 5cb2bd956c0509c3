"""Messages seen in the field: E1 to E9 and E11 of the ISO 8583 reference, section 8, decode as explained there."""

import pytest

from specs.dialects import load_dialect
from specs.transaction import Kind, MessageClass, Total
from terminals.iso8583_codec import Message, build_codec
from terminals.session import Dropped
from tests.wire.tools import events_of, received, request_of

PAN = "5555555555554444"
TERMINAL = {41: "60060060", 42: "600600600600600"}
TOTALS = "001000000050000"

# The bodies behind length and TPDU, and what the reference says is in them.
NAC: list[tuple[str, str, str, dict[int, str]]] = [
    (
        "E1 logon without framing",
        "0800 2020010000800000 920000 000028 0004 4454493030303031",
        "0800",
        {3: "920000", 11: "000028", 24: "004", 41: "DTI00001"},
    ),
    (
        "E2 answer to an echo by DE70",
        "0810 8220000002000000 0400000000000000 1204092457 000001 3030 0301",
        "0810",
        {7: "1204092457", 11: "000001", 39: "00", 70: "301"},
    ),
    (
        "E3 settlement",
        "0500 2020010000C00012 920000 000037 0010 3630303630303630 363030363030363030363030363030"
        "0006 303030303031 0015 303031303030303030303530303030",
        "0500",
        {3: "920000", 11: "000037", 24: "010", **TERMINAL, 60: "000001", 63: TOTALS},
    ),
    (
        "E4 answer: totals differ",
        "0510 2038010002C00002 920000 000037 094510 1122 0010 3935 3630303630303630"
        "363030363030363030363030363030 0015 303031303030303030303530303030",
        "0510",
        {3: "920000", 11: "000037", 12: "094510", 13: "1122", 24: "010", 39: "95", **TERMINAL, 63: TOTALS},
    ),
    (
        "E5 batch upload of a sale",
        "0320 7038058008C00011 16 5555555555554444 000000 000001280000 000123 140347 0711 0000 0010 00"
        "313130373138303030313138 3630303630303034 363030363030363030363030363030"
        "0022 30323030303030313138313130373138303030313138 0000000000000000",
        "0320",
        {2: PAN, 3: "000000", 4: "000001280000", 11: "000123", 12: "140347", 13: "0711", 22: "000", 24: "010"}
        | {25: "00", 37: "110718000118", 41: "60060004", 42: "600600600600600"}
        | {60: "0200000118110718000118", 64: "0" * 16},
    ),
    (
        "E6 answer to an upload",
        "0330 203801000A800000 000000 000123 140347 0711 0010 313130373138303030313138 3030 3630303630303034",
        "0330",
        {3: "000000", 11: "000123", 12: "140347", 13: "0711", 24: "010", 37: "110718000118", 39: "00", 41: "60060004"},
    ),
    (
        "E7 settlement trailer",
        "0500 2020010000C00012 960000 000042 0010 3630303630303630 363030363030363030363030363030"
        "0006 303030303031 0015 303031303030303030303530303030",
        "0500",
        {3: "960000", 11: "000042", 24: "010", **TERMINAL, 60: "000001", 63: TOTALS},
    ),
    (
        "E8 settlement with six blocks",
        "0500 2020010000C00012 920000 000262 0107 3030304157325131 202020203033303030303030312020"
        "0006 303030303036 0090 303035303030303630303330303030" + "30" * 75,
        "0500",
        {3: "920000", 11: "000262", 24: "107", 41: "000AW2Q1", 42: "    030000001  ", 60: "000006"}
        | {63: "005000060030000" + "0" * 75},
    ),
    (
        "E9 void with the original amount",
        "0200 703C05800CC00014 16 4111111111111111 020000 000000100000 000009 141407 0705 1901 0022 0003 00"
        "303730353431393831393539 363030393736 3132313231313338 303030303030303030303234363338"
        "0012 303030303030313030303030 0006 303030303031",
        "0200",
        {2: "4111111111111111", 3: "020000", 4: "000000100000", 11: "000009", 12: "141407", 13: "0705", 14: "1901"}
        | {22: "022", 24: "003", 25: "00", 37: "070541981959", 38: "600976", 41: "12121138"}
        | {42: "000000000024638", 60: "000000100000", 62: "000001"},
    ),
]
E11 = (
    b"0168"
    b"0200F2384001888080040000000006000000161111222233334444470040000001000000092510530800005217530809256010"
    b"035030350318092500005211112222360004201811101150201041110110131374"
)


def framed(body: str) -> bytes:
    payload = bytes.fromhex("6000100000" + body)
    return len(payload).to_bytes(2, "big") + payload


@pytest.mark.parametrize(("name", "body", "mti", "fields"), NAC, ids=[row[0] for row in NAC])
def test_fields_of_a_message_seen_in_the_field(name: str, body: str, mti: str, fields: dict[int, str]) -> None:
    dialect = load_dialect("nac")
    decode, encode = build_codec(dialect.elements, dialect.encoding)
    message = decode(bytes.fromhex(body))
    assert (message.mti, message.fields, message.wrong) == (mti, fields, frozenset())
    assert encode(mti, fields).hex() == body.replace(" ", "").lower()


def test_fields_of_the_ascii_message() -> None:
    dialect = load_dialect("ascii")
    message: Message = build_codec(dialect.elements, dialect.encoding)[0](E11[4:])
    assert message.mti == "0200"
    assert not message.wrong
    assert message.fields == {
        2: "1111222233334444",
        3: "470040",
        4: "000001000000",
        7: "0925105308",
        11: "000052",
        12: "175308",
        13: "0925",
        18: "6010",
        32: "503",
        33: "503",
        37: "180925000052",
        41: "11112222",
        49: "360",
        62: "2018",
        102: "10115020104",
        103: "10110131374",
    }


def test_the_ascii_message_has_a_receipt_of_four_characters() -> None:
    request = request_of("ascii", E11)
    assert (request.kind, request.wrong_field) == (Kind.MALFORMED, 62)


def test_a_settlement_tells_its_batch_and_totals() -> None:
    request = request_of("nac", framed(NAC[2][1]))
    assert (request.message_class, request.kind, request.batch) == (MessageClass.SETTLEMENT, Kind.SETTLE, 1)
    assert request.totals is not None
    assert request.totals[0] == Total(int(TOTALS[:3]), int(TOTALS[3:]))


def test_a_merchant_id_is_compared_without_blanks_and_echoed_with_them() -> None:
    event = received("nac", framed(NAC[7][1]))
    assert event.request.merchant_id == "030000001"
    assert event.slip.fields[42] == "    030000001  "


def test_an_upload_with_original_data_is_well_formed() -> None:
    request = request_of("nac", framed(NAC[4][1]))
    assert (request.message_class, request.kind, request.batch) == (MessageClass.UPLOAD, Kind.UNKNOWN, None)


@pytest.mark.parametrize("index", [1, 3, 5])
def test_answers_are_dropped(index: int) -> None:
    assert events_of("nac", framed(NAC[index][1])) == [Dropped("answer")]
