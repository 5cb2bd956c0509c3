"""What an answer holds (WIRE.md section 2 "Answers", section 3 "DE54" and "Private tables"); whole ones are golden."""

import msgspec
import pytest

from specs.dialects import Dialect, TableLayout, load_dialect
from specs.outcomes import Outcome
from specs.transaction import Balance, BalanceType, Purse, Reply
from terminals.iso8583_answer import answer_fields
from terminals.iso8583_codec import build_codec
from terminals.private_tables import ROOM, parse_tables
from tests.wire.tools import ASCII_REDEEM, NAC_REDEEM, Fields, answer, ascii_frame, nac_frame, received

NAC = load_dialect("nac")
APPROVED = Reply(Outcome.APPROVED, local_date="1122", local_time="101530")
REFUSED = msgspec.structs.replace(APPROVED, outcome=Outcome.NOT_ENOUGH)
CARD_DATA: Fields = {
    14: "2912",
    15: "1122",
    35: "21 6006491234567894D2912F",
    45: "18 'B6006491234567894^'",
    52: "0123456789ABCDEF",
    55: "0002 9F26",
}


def fields_of(reply: Reply, request: Fields, mti: str = "0200", dialect: Dialect = NAC) -> dict[int, str]:
    return answer_fields(reply, received("nac", nac_frame(mti, request)).slip, dialect)


def test_card_data_never_comes_back() -> None:
    fields = fields_of(APPROVED, {**NAC_REDEEM, **CARD_DATA})
    assert sorted(fields) == [3, 4, 11, 12, 13, 24, 39, 41, 42]


def test_what_was_read_wrongly_is_not_repeated() -> None:
    refused = msgspec.structs.replace(APPROVED, outcome=Outcome.FORMAT_ERROR, wrong_field=4)
    fields = fields_of(refused, {**NAC_REDEEM, 4: "00000000400F", 24: "A010"})
    assert sorted(fields) == [3, 11, 12, 13, 38, 39, 41, 42]
    assert fields[38] == "000004"


def test_a_format_error_of_no_field_says_so() -> None:
    assert fields_of(msgspec.structs.replace(APPROVED, outcome=Outcome.FORMAT_ERROR), NAC_REDEEM)[38] == "000000"


# fmt: off
AMOUNTS: list[tuple[str, str | None, int | None, str | None]] = [
    ("asked",                 "000000004000", None, "000000004000"),
    ("approved",              "000000004000", 2500, "000000002500"),
    ("approved, none asked",  None,           2500, "000000002500"),
    ("neither",               None,           None, None),
    ("nothing was put on",    "000000000000", 0,    "000000000000"),
]
BATCHES: list[tuple[str, Reply, int | None, str | None, str | None]] = [
    # what it is                      reply     joined  asked                  answered
    ("joined another",                APPROVED, 2,      "0006 '000001'",       "000002"),
    ("joined, none asked",            APPROVED, 2,      None,                  None),
    ("joined none",                   APPROVED, None,   "0006 '000001'",       None),
    ("refused, joined",               REFUSED,  2,      "0006 '000001'",       "000002"),
    ("refused, joined none",          REFUSED,  None,   "0006 '000001'",       "000001"),
    ("refused, no batch number",      REFUSED,  None,   "0006 '00000A'",       None),
    ("refused, an original amount",   REFUSED,  None,   "0012 '000000004000'", None),
    ("an original amount, joined",    APPROVED, 2,      "0012 '000000004000'", "000002"),
    ("refused, none asked",           REFUSED,  None,   None,                  None),
]
# fmt: on


@pytest.mark.parametrize(("name", "asked", "approved", "answered"), AMOUNTS, ids=[row[0] for row in AMOUNTS])
def test_the_amount_of_an_answer(name: str, asked: str | None, approved: int | None, answered: str | None) -> None:
    request = {number: text for number, text in {**NAC_REDEEM, 3: "720060", 4: asked or ""}.items() if text}
    assert fields_of(msgspec.structs.replace(APPROVED, amount=approved), request).get(4) == answered


@pytest.mark.parametrize(("name", "reply", "joined", "asked", "answered"), BATCHES, ids=[row[0] for row in BATCHES])
def test_the_batch_of_an_answer(
    name: str, reply: Reply, joined: int | None, asked: str | None, answered: str | None
) -> None:
    request = {number: text for number, text in {**NAC_REDEEM, 60: asked or ""}.items() if text}
    assert fields_of(msgspec.structs.replace(reply, batch=joined), request).get(60) == answered


def test_currency_and_receipt_come_back_as_received() -> None:
    fields = fields_of(APPROVED, {**NAC_REDEEM, 49: "0949", 62: "0006 'R 0001'"})
    assert (fields[49], fields[62]) == ("949", "R 0001")


def test_blanks_of_ids_come_back() -> None:
    fields = fields_of(APPROVED, {**NAC_REDEEM, 41: "'  T1    '", 42: "'               '"})
    assert (fields[41], fields[42]) == ("  T1    ", " " * 15)


def test_balances_are_blocks_of_twenty() -> None:
    balances = (
        Balance(Purse.POINTS, BalanceType.AVAILABLE, "999", -120),
        Balance(Purse.POINTS, BalanceType.LEDGER, "999", 0),
    )
    fields = fields_of(msgspec.structs.replace(APPROVED, balances=balances), NAC_REDEEM)
    assert fields[54] == "9002999D000000000120" + "9001999C000000000000"
    fields = fields_of(msgspec.structs.replace(APPROVED, balances=balances * 4), NAC_REDEEM)
    assert len(fields[54]) == 120


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_can_be_sent(outcome: Outcome) -> None:
    reply = msgspec.structs.replace(APPROVED, outcome=outcome)
    assert answer("nac", nac_frame("0200", NAC_REDEEM), reply)
    assert answer("ascii", ascii_frame("0200", ASCII_REDEEM), reply)


def test_a_longer_number_than_its_field_is_our_mistake_and_shows_as_one() -> None:
    fields = fields_of(msgspec.structs.replace(APPROVED, approval="A00001X"), NAC_REDEEM)
    encode = build_codec(NAC.elements, NAC.encoding)[1]
    with pytest.raises(Exception, match="field 38 of an answer"):
        encode("0210", fields)


# -- texts ------------------------------------------------------------------------------------------------------------
def pieces_of(reply: Reply, mti: str = "0200", dialect: Dialect = NAC) -> list[tuple[str, str]]:
    fields = fields_of(reply, NAC_REDEEM, mti, dialect)
    assert len(fields[63]) <= ROOM
    return parse_tables(fields[63], TableLayout.LENGTH_FIRST)


def test_a_receipt_too_long_is_cut_at_a_line() -> None:
    receipt = "".join(f"LINE {number:02d}\n" for number in range(200))
    pieces = pieces_of(msgspec.structs.replace(APPROVED, display="HELLO", receipt_text=receipt))
    assert [table_id for table_id, _ in pieces] == ["22", "29"]
    text = pieces[1][1]
    assert receipt.startswith(text)
    assert text.endswith("\n")
    assert 999 - 8 < len(text) + 4 + 9 <= 999


def test_a_receipt_of_one_endless_line_is_left_out() -> None:
    pieces = pieces_of(msgspec.structs.replace(APPROVED, command="LOGON", receipt_text="X" * 1000))
    assert pieces == [("42", "LOGON")]


def test_texts_are_in_the_code_page() -> None:
    turkish = msgspec.structs.replace(NAC, code_page="cp1254")
    reply = msgspec.structs.replace(APPROVED, display="TEŞEKKÜR")
    assert pieces_of(reply, dialect=turkish) == [("22", "TE\xdeEKK\xdcR")]
    assert pieces_of(reply) == [("22", "TE?EKK?R")]


def test_settlements_answer_their_tables_in_de48() -> None:
    reply = msgspec.structs.replace(APPROVED, command="LOGON")
    fields = fields_of(reply, {**NAC_REDEEM, 3: "920000", 63: "0015 '001000000050000'"}, "0500")
    assert fields[48] == "\x00\x0742LOGON"
    assert 63 not in fields
