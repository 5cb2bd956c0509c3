"""What bad form is, and which field an answer calls wrong (WIRE.md section 2, "Bad form")."""

import pytest

from specs.transaction import Kind, MessageClass
from terminals.errors import MessageError
from tests.wire.tools import (
    ASCII_REDEEM,
    NAC_REDEEM,
    Fields,
    ascii_frame,
    events_of,
    nac_frame,
    raw,
    request_of,
    wrong_field,
)

ECHO_301: Fields = {7: "1122071530", 11: "000017", 70: "0301"}

VOID: dict[int, str | None] = {3: "026000", 37: "'632600000003'"}
UPLOAD: dict[int, str | None] = {60: "0022 '0200000118            '"}


def totals(blocks: int) -> str:
    return f"{15 * blocks:04d} '{'001000000005000' * blocks}'"


SETTLE: dict[int, str | None] = {3: "920000", 60: "0006 '000001'", 63: totals(1)}

# A redemption with single fields changed, added, or (None) left out; the number of the field that is wrong.
# fmt: off
NAC: list[tuple[str, str, dict[int, str | None], int | None]] = [
    ("well formed",                                  "0200", {}, None),
    # digits
    ("a letter in the processing code",              "0200", {3: "0060A0"}, 3),
    ("a letter in the amount",                       "0200", {4: "00000000400F"}, 4),
    ("a leading nibble that is no pad",              "0200", {24: "1010"}, 24),
    ("a letter in the currency",                     "0200", {49: "094A"}, 49),
    ("a letter in a card number",                    "0200", {2: "16 600649123456789A"}, 2),
    ("a separator in a card number",                 "0200", {2: "16 600649123456D894"}, 2),
    # cards
    ("five digits are no card",                      "0200", {2: "05 60064F"}, 2),
    ("six digits are a card",                        "0200", {2: "06 600649"}, None),
    ("twenty digits are too many",                   "0200", {2: "20 60064912345678901234"}, 2),
    ("no digits at all",                             "0200", {2: "00"}, 2),
    ("no card",                                      "0200", {2: None}, 2),
    ("track 2 alone",                                "0200", {2: None, 35: "21 6006491234567894D2912F"}, None),
    ("track 2 of another card",                      "0200", {35: "21 6006491234567895D2912F"}, 35),
    ("track 1 of another card",                      "0200", {45: "18 'B6006491234567895^'"}, 45),
    ("track 1 without a number",                     "0200", {45: "05 'BX^Y^'"}, 45),
    ("track 2 with a letter",                        "0200", {35: "21 6006491234567894C2912F"}, 35),
    # times
    ("hour 24",                                      "0200", {12: "240000"}, 12),
    ("second 60",                                    "0200", {12: "235960"}, 12),
    ("the last second",                              "0200", {12: "235959"}, None),
    ("month 13",                                     "0200", {13: "1301"}, 13),
    ("month 0",                                      "0200", {13: "0001"}, 13),
    ("31 April",                                     "0200", {13: "0431"}, 13),
    ("30 February",                                  "0200", {13: "0230"}, 13),
    ("29 February",                                  "0200", {13: "0229"}, None),
    # batch numbers and what else DE60 holds
    ("batch of five digits",                         "0200", {60: "0005 '00001'"}, 60),
    ("batch with a letter",                          "0200", {60: "0006 '00000A'"}, 60),
    ("batch 000000",                                 "0200", {60: "0006 '000000'"}, 60),
    ("batch 999999",                                 "0200", {60: "0006 '999999'"}, None),
    ("an original amount outside a void",            "0200", {60: "0012 '000000004000'"}, 60),
    ("an original amount in a void",                 "0200", VOID | {60: "0012 '000000004000'"}, None),
    ("an original amount with a letter",             "0200", VOID | {60: "0012 '00000000400X'"}, 60),
    ("original data outside an upload",              "0200", {60: "0022 '0200000118110718000118'"}, 60),
    ("original data in an upload",                   "0320", {60: "0022 '0200000118            '"}, None),
    ("original data without an MTI",                 "0320", {60: "0022 'ABCD000118110718000118'"}, 60),
    # receipts
    ("receipt of five characters",                   "0200", {62: "0005 '00001'"}, 62),
    ("receipt of letters",                           "0200", {62: "0006 'R00001'"}, None),
    # tables
    ("an empty table",                               "0200", {63: "0000"}, None),
    ("unknown tables are ignored",                   "0200", {63: "0006 0004 'ZZ01'"}, None),
    ("a table longer than its field",                "0200", {63: "0006 0005 'ZZ01'"}, 63),
    ("a table shorter than its id",                  "0200", {63: "0004 0001 'ZZ'"}, 63),
    ("half the head of a table",                     "0200", {63: "0009 0004 'ZZ01' 0002 'Z'"}, 63),
    ("a table length that is no decimal",            "0200", {63: "0006 000A 'ZZ01'"}, 63),
    ("a malformed table in DE48",                    "0200", {48: "0006 0005 'ZZ01'"}, 48),
    # settlements
    ("totals of a settlement are no table",          "0500", SETTLE, None),
    ("two blocks of totals",                         "0500", SETTLE | {63: totals(2)}, None),
    ("six blocks of totals",                         "0500", SETTLE | {63: totals(6)}, None),
    ("three blocks of totals",                       "0500", SETTLE | {63: totals(3)}, 63),
    ("seven blocks of totals",                       "0500", SETTLE | {63: totals(7)}, 63),
    ("empty totals",                                 "0500", SETTLE | {63: "0000"}, 63),
    ("a block of totals cut short",                  "0500", SETTLE | {63: "0014 '00100000005000'"}, 63),
    ("totals with a letter",                         "0500", SETTLE | {63: "0015 '00100000005000O'"}, 63),
    ("totals with a sign",                           "0500", SETTLE | {63: "0015 '001-00000050000'"}, 63),
    ("no totals",                                    "0500", SETTLE | {63: None}, 63),
    ("no totals after an upload",                    "0500", SETTLE | {3: "960000", 63: None}, 63),
    ("no totals to clear a batch",                   "0500", SETTLE | {3: "940000", 63: None}, None),
    ("wrong totals to clear a batch",                "0500", SETTLE | {3: "940000", 63: totals(5)}, 63),
    ("a settlement of no batch",                     "0500", SETTLE | {60: None}, 60),
    ("a settlement of batch zero",                   "0500", SETTLE | {60: "0006 '000000'"}, 60),
    ("a malformed table in a settlement",            "0500", SETTLE | {48: "0006 0005 'ZZ01'"}, 48),
    # uploads
    ("an upload of nothing known",                   "0320", {60: None}, 60),
    ("an upload with a batch number only",           "0320", {60: "0006 '000001'"}, 60),
    ("an upload of a balance",                       "0320", UPLOAD | {60: "0022 '0100000118            '"}, 60),
    ("an upload of an upload",                       "0320", UPLOAD | {60: "0022 '0320000118            '"}, 60),
    ("an upload of a repeated advice",               "0321", UPLOAD | {60: "0022 '0221000118            '"}, None),
    ("an upload without an amount",                  "0320", UPLOAD | {4: None}, 4),
    ("an upload that names its batch",               "0320", UPLOAD | {63: "0010 0008 '37000012'"}, None),
    ("an upload that names a batch of letters",      "0320", UPLOAD | {63: "0010 0008 '37ABCDEF'"}, 63),
    ("an upload that names batch zero",              "0320", UPLOAD | {63: "0005 0003 '370'"}, 63),
    # needed fields
    ("no processing code",                           "0200", {3: None}, 3),
    ("no amount",                                    "0200", {4: None}, 4),
    ("no NII",                                       "0200", {24: None}, 24),
    ("the first of two missing",                     "0200", {4: None, 24: None}, 4),
    ("a wrong field before a missing one",           "0200", {4: None, 49: "0A49"}, 49),
    ("no merchant id",                               "0200", {42: None}, None),
    ("no amount in an activation",                   "0200", {3: "720060", 4: None}, None),
    ("no amount in the reversal of one",             "0400", {3: "720060", 4: None}, None),
    ("no amount in a reversal",                      "0400", {4: None}, 4),
    ("a reversal needs no other reference",          "0400", {3: "026000"}, None),
    ("a void needs one",                             "0200", {3: "026000"}, 37),
    ("which may be a receipt",                       "0200", {3: "026000", 62: "0006 '000018'"}, None),
    ("but not twelve spaces",                        "0200", {3: "026000", 37: "'            '"}, 37),
    ("a void without its amount",                    "0200", {3: "020060", 4: None, 37: "'632600000003'"}, 4),
    ("an advice without its time",                   "0220", {13: "1122"}, 12),
    ("an advice without its date",                   "0220", {12: "101530"}, 13),
    ("a balance without a card",                     "0100", {2: None, 3: "316000"}, 2),
    ("an unknown code needs nothing",                "0200", {2: None, 3: "470000", 4: None}, None),
    # fields nobody uses
    ("an unused field of the right form",            "0200", {22: "0051", 28: "'C' 00001234", 55: "0002 9F26"}, None),
    ("an unused number with a letter",               "0200", {7: "11220715A0"}, 7),
    ("an unused sign that is none",                  "0200", {28: "'X' 00001234"}, 28),
    ("an unused field that is too long",             "0200", {32: "12 123456789012"}, 32),
    ("a long chip field",                            "0200", {55: "0256" + "00" * 256}, 55),
    ("control characters in text",                   "0200", {61: "0002 0001"}, 61),
    ("any bytes in a reserved field",                "0200", {57: "0002 00FF"}, None),
    # what the reading survives
    ("the first of several",                         "0200", {4: "00000000400F", 49: "0A49", 60: "0005 '00001'"}, 4),
    ("a length that is no decimal",                  "0200", {45: "1A 'B6006491^'"}, 45),
    ("a length beyond the end",                      "0200", {62: "0009 '000018'"}, 62),
]
ASCII: list[tuple[str, str, dict[int, str | None], int | None]] = [
    ("well formed",                                  "0200", {}, None),
    ("a letter in the amount",                       "0200", {4: "00000000400F"}, 4),
    ("a superscript digit",                          "0200", {4: "00000000400²"}, 4),
    ("twenty digits are too many",                   "0200", {2: "2060064912345678901234"}, 2),
    ("a blank in a length",                          "0200", {2: " 6600649"}, None),
    ("track 2 with =",                               "0200", {2: None, 35: "216006491234567894=2912"}, None),
    ("track 2 with D",                               "0200", {2: None, 35: "216006491234567894D2912"}, None),
    ("track 2 of another card",                      "0200", {35: "216006491234567895=2912"}, 35),
    ("a PIN block in lower case",                    "0200", {52: "0123456789abcdef"}, None),
    ("a PIN block that is no hex",                   "0200", {52: "0123456789abcdeg"}, 52),
    ("half a byte of chip data",                     "0200", {55: "0039F2"}, 55),
    ("chip data of 255 bytes",                       "0200", {55: "510" + "9F" * 255}, None),
    ("chip data of 256 bytes",                       "0200", {55: "512" + "9F" * 256}, 55),
    ("a fee with its sign",                          "0200", {28: "D00001234"}, None),
    ("a fee without",                                "0200", {28: "000001234"}, 28),
    ("a table",                                      "0200", {48: "007CP002PT"}, None),
    ("a table in the other field",                   "0200", {63: "007CP002PT"}, None),
    ("a table longer than its field",                "0200", {48: "007CP003PT"}, 48),
    ("a table length that is none",                  "0200", {48: "007CP 02PT"}, 48),
    ("no card",                                      "0200", {2: None}, 2),
    ("a length beyond the end",                      "0200", {62: "009000018"}, 62),
]
# fmt: on


def changed(fields: Fields, changes: dict[int, str | None]) -> dict[int, str]:
    return {number: text for number, text in {**fields, **changes}.items() if text is not None}


@pytest.mark.parametrize(("name", "mti", "changes", "wrong"), NAC, ids=[row[0] for row in NAC])
def test_wrong_field_of_a_nac_message(name: str, mti: str, changes: dict[int, str | None], wrong: int | None) -> None:
    assert wrong_field("nac", nac_frame(mti, changed(NAC_REDEEM, changes))) == wrong


@pytest.mark.parametrize(("name", "mti", "changes", "wrong"), ASCII, ids=[row[0] for row in ASCII])
def test_wrong_field_of_an_ascii_message(
    name: str, mti: str, changes: dict[int, str | None], wrong: int | None
) -> None:
    if name == "a blank in a length":  # nothing behind it can be trusted, so there is nobody to answer
        with pytest.raises(MessageError):
            events_of("ascii", ascii_frame(mti, changed(ASCII_REDEEM, changes)))
        return
    assert wrong_field("ascii", ascii_frame(mti, changed(ASCII_REDEEM, changes))) == wrong


def test_trailing_bytes_are_the_fault_of_the_last_field() -> None:
    assert wrong_field("nac", nac_frame("0200", NAC_REDEEM, after="00")) == 42
    assert wrong_field("ascii", ascii_frame("0200", {**ASCII_REDEEM, 62: "006000018"}, after="0")) == 62


def test_trailing_bytes_come_before_a_missing_field() -> None:
    assert wrong_field("nac", nac_frame("0200", changed(NAC_REDEEM, {4: None}), after="00")) == 42


def test_a_wrong_field_does_not_hide_the_later_ones() -> None:
    fields = {**NAC_REDEEM, 2: "20 60064912345678901234", 60: "0006 '000007'", 62: "0006 '000018'"}
    request = request_of("nac", nac_frame("0200", fields))
    assert (request.kind, request.message_class, request.wrong_field) == (Kind.MALFORMED, MessageClass.REQUEST, 2)
    assert (request.stan, request.terminal_id, request.merchant_id) == (3, "TERM0001", "MERCHANT0000001")
    assert (request.nii, request.amount, request.batch, request.receipt) == ("010", 4000, 7, "000018")


@pytest.mark.parametrize("number", [11, 41])
@pytest.mark.parametrize("bad", [None, "FFFFFF", "0000000000000000"])
def test_a_message_of_nobody_cannot_be_answered(number: int, bad: str | None) -> None:
    if number == 11 and bad and len(bad) > 6:
        bad = "A00000"
    if number == 41 and bad == "FFFFFF":
        bad = "FFFFFFFFFFFFFFFF"
    with pytest.raises(MessageError) as caught:
        events_of("nac", nac_frame("0200", changed(NAC_REDEEM, {number: bad})))
    assert caught.value.field == number


@pytest.mark.parametrize("mti", ["0A00", "F200", "020B"])
def test_an_mti_that_is_not_four_digits_is_none(mti: str) -> None:
    with pytest.raises(MessageError) as caught:
        events_of("nac", nac_frame(mti, NAC_REDEEM))
    assert caught.value.field is None


@pytest.mark.parametrize("body", ["", "02", "0200", "0200 7020", "0200 8020010000C00000 00"])
def test_a_message_cut_off_before_its_fields_cannot_be_answered(body: str) -> None:
    payload = raw("6000100000" + body + ("" if body else "00"))
    with pytest.raises(MessageError):
        events_of("nac", len(payload).to_bytes(2, "big") + payload)


def test_a_bitmap_with_blanks_is_none() -> None:
    body = b"0200" + b" 7 0 2 0 0 1 0 0" + b"0" * 60
    with pytest.raises(MessageError):
        events_of("ascii", b"%04d" % len(body) + body)


# -- the third bitmap -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("third", ["", "8000000000000001", "0000000000000000"])
def test_a_third_bitmap_is_wrong_and_answered(third: str) -> None:
    plain = nac_frame("0200", {**NAC_REDEEM, 70: "0301"})
    start = 2 + 5 + 2 + 8  # length, TPDU, MTI, first bitmap
    second = bytes([plain[start] | 0x80]) + plain[start + 1 : start + 8]
    payload = plain[2:start] + second + bytes.fromhex(third) + plain[start + 8 :]
    request = request_of("nac", len(payload).to_bytes(2, "big") + payload)
    assert (request.kind, request.wrong_field) == (Kind.MALFORMED, 65)
    assert (request.stan, request.terminal_id) == (3, "TERM0001")


@pytest.mark.parametrize("third", ["", "8000000000000001"])
def test_a_third_bitmap_in_hex_is_wrong_and_answered(third: str) -> None:
    plain = ascii_frame("0200", {**ASCII_REDEEM, 70: "301"})
    body = plain[4:24] + b"8" + plain[25:40] + third.encode() + plain[40:]
    request = request_of("ascii", b"%04d" % len(body) + body)
    assert (request.wrong_field, request.stan) == (65, 3)


@pytest.mark.parametrize("third", ["", "8000000000000001"])
def test_a_third_bitmap_in_a_message_of_nobody_is_answered(third: str) -> None:
    plain = nac_frame("0800", ECHO_301)
    payload = plain[2:17] + bytes([plain[17] | 0x80]) + plain[18:25] + bytes.fromhex(third) + plain[25:]
    request = request_of("nac", len(payload).to_bytes(2, "big") + payload)
    assert (request.wrong_field, request.stan) == (65, 17)


# -- messages that name themselves by DE70 ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [({}, None), ({7: "11220715A0"}, 7), ({70: "0A01"}, 70), ({70: "1301"}, 70), ({41: "0000000000000000"}, 41)],
)
def test_wrong_field_of_a_message_by_network_code(changes: dict[int, str | None], wrong: int | None) -> None:
    assert wrong_field("nac", nac_frame("0800", changed(ECHO_301, changes))) == wrong


def test_a_message_by_network_code_needs_its_stan() -> None:
    with pytest.raises(MessageError):
        events_of("nac", nac_frame("0800", changed(ECHO_301, {11: None})))


@pytest.mark.parametrize("code", ["0001", "0002", "0101", "0999"])
def test_other_network_codes_are_not_offered(code: str) -> None:
    assert request_of("nac", nac_frame("0800", changed(ECHO_301, {70: code}))).kind is Kind.UNKNOWN


def test_the_network_code_decides_before_the_processing_code() -> None:
    request = request_of("nac", nac_frame("0800", {**ECHO_301, 3: "920000"}))
    assert request.kind is Kind.ECHO
