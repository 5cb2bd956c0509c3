"""Records D and E: the worked examples of the reference, what each field means, and which one is wrong."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.dialects import VISA2
from specs.outcomes import Outcome
from specs.sensitive import PAN, Secret
from specs.transaction import Acceptor, Balance, BalanceType, Kind, MessageClass, Purse, Reply, Request, Total
from terminals.errors import MessageError
from terminals.visa2_answer import response_record
from terminals.visa2_frames import even_parity, write_frame
from terminals.visa2_request import Visa2Slip
from tests.wire.golden import LINE
from tests.wire.visa2_tools import FIXED, FRAMES, FS, GS, PAN_DIGITS, framed, read, record, reversal_data, session

TIME: dict[str, Any] = {"local_date": "1122", "local_time": "110000", "local_year": "26"}


def balance(amount: int, currency: str = "840") -> tuple[Balance, ...]:
    return (Balance(Purse.STORED_VALUE, BalanceType.AVAILABLE, currency, amount),)


def slip_of(**fields: str) -> Visa2Slip:
    return read(record(**fields))[1]


# -- the worked examples ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_its_record_with_length_and_parity(name: str) -> None:
    frame = FRAMES[name]
    assert write_frame(frame.record, frame.plain[-2]) == frame.plain
    if frame.even is not None:
        assert even_parity(frame.plain) == frame.even


def test_the_reference_has_twenty_five_frames() -> None:
    assert len(FRAMES) == 25
    assert sum(frame.even is not None for frame in FRAMES.values()) == 8


G1 = Request(
    MessageClass.REQUEST,
    Kind.GIFT_ACTIVATE,
    LINE,
    stan=10,
    card=PAN(PAN_DIGITS),
    amount=5000,
    currency="840",
    partial=True,
    language="en",
    sequenced=True,
    acceptor=Acceptor("888000000001", "0001", "0002", "999995"),
)
REQUESTS = {
    "G1": G1,
    "G3": msgspec.structs.replace(G1, kind=Kind.GIFT_REDEEM, stan=11, amount=6000),
    "G5": msgspec.structs.replace(G1, message_class=MessageClass.INQUIRY, kind=Kind.GIFT_BALANCE, stan=12, amount=0),
    "A1": msgspec.structs.replace(G1, kind=Kind.UNKNOWN, stan=1, card=None, amount=None, partial=False),
    "B1": msgspec.structs.replace(G1, kind=Kind.UNKNOWN, stan=2, card=None, amount=None, partial=False),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_an_example_request_means(name: str) -> None:
    assert read(FRAMES[name].record)[0] == REQUESTS[name]


ANSWERS = {
    "G2": ("G1", Reply(Outcome.APPROVED, approval="G00010", rrn="632619000010", balances=balance(5000), **TIME)),
    "G4": (
        "G3",
        Reply(Outcome.PARTIAL, amount=5000, approval="G00011", rrn="632619000011", balances=balance(0), **TIME),
    ),
    "G6": ("G5", Reply(Outcome.APPROVED, approval="G00012", rrn="632619000012", balances=balance(5000), **TIME)),
}
TIMES = {"G4": "110105", "G6": "110210"}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_example_response_is_these_bytes(name: str) -> None:
    asked, reply = ANSWERS[name]
    reply = msgspec.structs.replace(reply, local_time=TIMES.get(name, reply.local_time))
    assert response_record(reply, read(FRAMES[asked].record)[1], VISA2) == FRAMES[name].record


def test_the_example_decline_is_these_bytes() -> None:
    reply = Reply(Outcome.NOT_ENOUGH, rrn="632618000002", local_date="1122", local_time="103015", local_year="26")
    slip = msgspec.structs.replace(slip_of(f17="0001"), blocks=("020",))
    assert response_record(reply, slip, VISA2) == FRAMES["A3"].record


# -- what a request means ---------------------------------------------------------------------------------------------
# fmt: off
CODES = [
    ("GC", "request",  "gift_activate"),
    ("G6", "request",  "gift_reload"),
    ("G5", "request",  "gift_refund"),
    ("G4", "request",  "gift_redeem"),
    ("GG", "request",  "gift_cash_back"),
    ("G7", "request",  "gift_unload"),
    ("G3", "inquiry",  "gift_balance"),
    ("G2", "request",  "gift_cash_out"),
    ("GE", "request",  "gift_void"),
    ("GF", "reversal", "gift_any"),
    ("LC", "request",  "enrol"),
    ("L6", "request",  "sale"),
    ("L4", "request",  "points_redeem"),
    ("L5", "request",  "sale_return"),
    ("L3", "inquiry",  "points_balance"),
    ("LE", "request",  "loyalty_void"),
    ("LF", "reversal", "loyalty_any"),
    ("L2", "request",  "unknown"),
    ("L7", "request",  "unknown"),
    ("GD", "request",  "unknown"),
    ("GB", "request",  "unknown"),
    ("54", "request",  "unknown"),
    ("9M", "request",  "unknown"),
]
# fmt: on


@pytest.mark.parametrize(("code", "message_class", "kind"), CODES)
def test_transaction_codes(code: str, message_class: str, kind: str) -> None:
    request = read(record(f18=code))[0]
    assert (request.message_class.value, request.kind.value) == (message_class, kind)


# fmt: off
CARDS = [
    ("D", f"{PAN_DIGITS}=4912000"),
    ("G", f"{PAN_DIGITS}D4912000"),
    ("S", PAN_DIGITS),
    ("H", f"B{PAN_DIGITS}^TEST/CARD^4912101"),
    ("H", f"{PAN_DIGITS}^TEST/CARD^4912101"),
    ("A", PAN_DIGITS),
    ("T", f"{PAN_DIGITS}{FS}1228{FS}"),
    ("X", f"{PAN_DIGITS}{FS}1228{FS}"),
    ("P", f"{PAN_DIGITS}{FS}{FS}"),
    ("@", f"{PAN_DIGITS}{FS}{FS}"),
]
# fmt: on


@pytest.mark.parametrize(("source", "customer"), CARDS)
def test_forms_of_a_card(source: str, customer: str) -> None:
    request = read(record(f20=source, f21=customer))[0]
    assert (request.kind, request.card, request.amount) == (Kind.GIFT_REDEEM, PAN(PAN_DIGITS), 6000)


def test_a_pin_stands_in_a_block_of_our_own() -> None:
    assert read(record(f"902 4711{FS}".replace(" ", "")))[0].pin == Secret("4711")
    assert read(record())[0].pin is None


def test_field_29_names_an_original_by_its_reference() -> None:
    assert read(record(f18="GF", f29=reversal_data("632619000010")))[0].rrn == "632619000010"
    assert read(record(f18="GF", f29=" " * 30))[0].rrn is None


def test_unknown_blocks_are_kept_and_mean_nothing() -> None:
    request, slip = read(record(GS.join(["0071 999", f"555x{FS}y", f"200{FS}{FS}"])))
    assert request.kind is Kind.GIFT_REDEEM
    assert slip.blocks == ("007", "555", "200")


def test_an_amount_may_be_missing_where_it_is_not_needed() -> None:
    for code in ("GC", "G2", "G3", "GE", "GF"):
        assert read(record(f18=code, f24=""))[0].amount == 0


# -- what is wrong with a request -------------------------------------------------------------------------------------
WRONG = {
    1: ["Q", " "], 2: ["1", "3", "5", "x"], 3: [",", "\x1c"], 4: ["99999x"], 5: ["0" * 12, "88800000000x"],
    6: ["0000"], 7: ["0000"], 8: ["\x01", FS], 9: ["\x7f", GS], 10: ["84x", "   "], 11: ["84 "], 12: ["94546\x1c   "],
    13: ["0x"], 14: ["808", "90 "], 15: ["59 9"], 16: ["\x00"], 17: ["0000"], 18: ["g4", "G "], 19: ["9", "H", "G"],
    20: ["E", "0"], 21: ["", "12345", "x" * 16, f"{PAN_DIGITS}{FS}{FS}"],
    22: ["\x01", "x" * 129], 23: ["12345", "1234567"],
    24: ["", "60x", "1" * 13, "-1"], 25: ["x"], 26: ["P"], 27: ["x" * 39], 28: ["x" * 14], 29: ["x" * 29],
}  # fmt: skip


@pytest.mark.parametrize(("number", "text"), [(number, text) for number, texts in WRONG.items() for text in texts])
def test_the_first_wrong_field_is_told(number: int, text: str) -> None:
    """A number with separators behind it, swiped: the separators are an empty field 22 and what comes too early."""
    request, slip = read(record(**{f"f{number}": text}))
    assert (request.kind, request.wrong_field) == (Kind.MALFORMED, 24 if FS in text and number == 21 else number)
    reply = Reply(Outcome.FORMAT_ERROR, wrong_field=request.wrong_field, **TIME)
    response = response_record(reply, slip, VISA2).decode()
    assert response[17:19] == "06"
    assert response[37:53] == f"ERROR {request.wrong_field:02d}        "
    assert re.fullmatch("[0-9]", response[1])


@pytest.mark.parametrize(
    "blocks",
    ["20", "2x0", f"200{FS}", f"200123456789{FS}{FS}", f"200{FS}12{FS}", "902", f"902{FS}", "020\x01", f"200{FS}{FS}x"],
)
def test_a_wrong_block_is_field_30(blocks: str) -> None:
    assert read(record(blocks))[0].wrong_field == 30


@pytest.mark.parametrize("missing", range(1, 10))
def test_a_record_that_is_cut_off_names_the_field_that_nothing_closes(missing: int) -> None:
    cut = FS.join(record("").decode().split(FS)[:-missing])
    assert read(cut.encode())[0].wrong_field == max(30 - missing, 22)


@pytest.mark.parametrize("length", range(60))
def test_without_store_terminal_and_sequence_number_nothing_can_be_answered(length: int) -> None:
    with pytest.raises(MessageError):
        read(record()[:length])


@pytest.mark.parametrize("length", range(60, 64))
def test_with_them_a_short_record_is_answered(length: int) -> None:
    assert read(record()[:length])[0].kind is Kind.MALFORMED


@pytest.mark.parametrize("letter", "GKVH")
def test_records_of_another_layout_cannot_be_answered(letter: str) -> None:
    with pytest.raises(MessageError):
        read(record(f1=letter))


# -- what a response says ---------------------------------------------------------------------------------------------
# fmt: off
TEXTS = [
    (5000,          "840", "BAL       50.00 "),
    (5,             "840", "BAL        0.05 "),
    (0,             "840", "BAL        0.00 "),
    (1234567,       "414", "BAL    1234.567 "),
    (1234567,       "392", "BAL     1234567 "),
    (-1250,         "840", "BAL      -12.50 "),
    (9999999999,    "840", "BAL 99999999.99 "),
    (999999999999,  "840", "APPROVAL        "),
]
# fmt: on


@pytest.mark.parametrize(("amount", "currency", "text"), TEXTS)
def test_a_terminal_that_shows_nothing_else_is_told_the_balance(amount: int, currency: str, text: str) -> None:
    slip = read(record("", f18="G3", f10=currency))[1]
    reply = Reply(Outcome.APPROVED, balances=balance(amount, currency), **TIME)
    assert response_record(reply, slip, VISA2).decode()[37:53] == text


# fmt: off
BLOCKS = [
    ("G4", Reply(Outcome.APPROVED, amount=6000, balances=balance(100)), "000000000100/000000006000/"),
    ("GG", Reply(Outcome.PARTIAL,  amount=100,  balances=balance(0)),   "000000000000/000000000100/"),
    ("G7", Reply(Outcome.APPROVED, amount=6000, balances=balance(1)),   "000000000001/000000006000/"),
    ("G6", Reply(Outcome.APPROVED,              balances=balance(9000)), "000000009000/000000006000/"),
    ("G5", Reply(Outcome.APPROVED,              balances=balance(9000)), "000000009000/000000006000/"),
    ("GC", Reply(Outcome.APPROVED, amount=2500, balances=balance(2500)), "000000002500/000000002500/"),
    ("G3", Reply(Outcome.APPROVED,              balances=balance(2500)), "000000002500//"),
    ("G2", Reply(Outcome.APPROVED, amount=2500),                         "000000000000/000000002500/"),
    ("GE", Reply(Outcome.APPROVED,              balances=balance(2500)), "000000002500//"),
    ("GF", Reply(Outcome.APPROVED,              balances=balance(2500)), "000000002500//"),
    ("GF", Reply(Outcome.APPROVED),                                      "//"),
    ("G4", Reply(Outcome.NOT_ENOUGH,            balances=balance(100)),  "000000000100//"),
    ("G4", Reply(Outcome.NOT_ENOUGH),                                    None),
    ("G3", Reply(Outcome.APPROVED,              balances=balance(-12)),  "-00000000012//"),
]
# fmt: on


@pytest.mark.parametrize(("code", "reply", "block"), BLOCKS)
def test_block_200(code: str, reply: Reply, block: str | None) -> None:
    slip = slip_of(f18=code)
    blocks = response_record(reply, slip, VISA2).decode().split(FS, 2)[2]
    assert blocks == ("" if block is None else "200" + block.replace("/", FS))


def test_what_is_not_asked_is_not_answered() -> None:
    slip = read(record(f"020000000T001{FS}{FS}{GS}0071 999{GS}999"))[1]
    response = response_record(Reply(Outcome.APPROVED, balances=balance(1), **TIME), slip, VISA2)
    assert response.decode().split(FS, 2)[2] == "020"


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_code_and_a_text_that_fits(outcome: Outcome) -> None:
    response = response_record(Reply(outcome, **TIME), slip_of(), VISA2).decode()
    assert response[17:19] == VISA2.outcomes[outcome].code
    assert response[3] == ("N" if outcome in (Outcome.APPROVED, Outcome.PARTIAL) else " ")
    assert len(response.split(FS)[0]) == 67


# -- debit: T and U ----------------------------------------------------------------------------------------------------
def debit_record(code: str = "G4", group: str = f"{FS}V{FS}{FS}0000001111110170{FS}", **fields: str) -> bytes:
    data = record("", f1="T", f18=code, **fields).decode()
    return (data + group + f"200{FS}{FS}").encode()


def test_the_example_debit_is_not_offered() -> None:
    request, slip = read(FRAMES["T1"].record)
    assert (request.kind, slip.letter) == (Kind.UNKNOWN, "T")
    response = response_record(Reply(Outcome.NOT_OFFERED, rrn="632618000004", **TIME), slip, VISA2).decode()
    assert response[0] == "U"
    assert response.split(FS)[2] == "99999518000004000003 1122"


def test_a_debit_of_a_gift_card_wants_its_answer_confirmed() -> None:
    request, slip = read(debit_record())
    assert (request.kind, request.awaits_confirmation, request.amount) == (Kind.GIFT_REDEEM, True, 6000)
    assert request.acceptor == Acceptor("888000000001", "0001", "0002", "999995", "000000", "111111")
    response = response_record(Reply(Outcome.APPROVED, rrn="632618000004", balances=balance(5), **TIME), slip, VISA2)
    assert response.decode().split(FS)[2:] == ["99999518000004000011 1122", f"200{5:012d}", f"{6000:012d}", ""]


GROUPS = [
    "",
    FS,
    f"x{FS}V{FS}{FS}0000001111110170{FS}",
    f"{FS}V{FS}{FS}000000111111017{FS}",
    f"{FS}V{FS}12{FS}0000001111110170{FS}",
]


@pytest.mark.parametrize("group", GROUPS)
def test_a_wrong_group_two_is_told_as_field_30(group: str) -> None:
    assert read(debit_record(group=group))[0].wrong_field == 30


# -- the older record J ------------------------------------------------------------------------------------------------
def old_record(code: str = "G4", source: str = "T", customer: str = f"{PAN_DIGITS}{FS}1228", rest: str = "") -> bytes:
    head = f"J0.99999588800000000100010002599984094546108{code}12345678Y0011@{source}"
    return (head + customer + FS + (rest or f"{FS}6000{FS}ER{FS}{FS}000{FS}")).encode()


def test_the_example_of_j_is_read_and_answered() -> None:
    request, slip = read(FRAMES["J1"].record)
    assert (request.kind, request.stan, request.acceptor) == (
        Kind.UNKNOWN, 1, Acceptor("123456789012", "0001", "0001", "401205"),
    )  # fmt: skip
    reply = Reply(Outcome.NOT_OFFERED, local_date="1119", local_year="92")
    assert response_record(reply, slip, VISA2) == f" 000100015000112      111992INVALID TRANS   0{FS}{FS}".encode()


@pytest.mark.parametrize(
    ("source", "customer", "rest"),
    [
        ("T", f"{PAN_DIGITS}{FS}1228", f"{FS}6000{FS}ER{FS}{FS}000{FS}"),
        ("T", f"{PAN_DIGITS}{FS}1228", f"6000{FS}ER{FS}{FS}000{FS}"),
        ("T", f"{PAN_DIGITS}{FS}1228", f"{FS}{FS}6000{FS}ER{FS}{FS}000{FS}"),
        ("@", f"{PAN_DIGITS}{FS}", f"{FS}6000{FS}ER{FS}{FS}"),
        ("D", f"{PAN_DIGITS}=4912", f"{FS}6000{FS}ER{FS}{FS}000{FS}"),
        ("A", PAN_DIGITS, f"{FS}6000{FS}ER{FS}{FS}000{FS}{'MERCHANT':40}V{FS}"),
    ],
)
def test_j_carries_the_codes_of_gift_cards_too(source: str, customer: str, rest: str) -> None:
    request, slip = read(old_record("G4", source, customer, rest))
    assert (request.kind, request.card, request.amount, request.currency, request.partial) == (
        Kind.GIFT_REDEEM, PAN(PAN_DIGITS), 6000, None, False,
    )  # fmt: skip
    reply = Reply(Outcome.APPROVED, approval="123456", balances=balance(1250, "949"), **TIME)
    said = response_record(reply, slip, VISA2).decode()
    assert said == f"N000100025001100123456112226BAL       12.50 0{FS}{FS}"


def test_j_tells_points_too_and_the_number_of_a_wrong_field() -> None:
    slip = read(old_record("L3"))[1]
    told = (Balance(Purse.POINTS, BalanceType.AVAILABLE, "999", 1250),)
    said = response_record(Reply(Outcome.APPROVED, balances=told, **TIME), slip, VISA2).decode()
    assert said[28:44] == "PTS        1250 "
    request, slip = read(old_record(rest=f"{FS}60x{FS}ER{FS}{FS}"))
    assert request.wrong_field == 24
    wrong = response_record(Reply(Outcome.FORMAT_ERROR, wrong_field=24, **TIME), slip, VISA2).decode()
    assert (wrong[14:16], wrong[28:44]) == ("06", "ERROR 24        ")


# -- batches ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source", "customer"), [("D", ""), ("D", "whatever"), ("@", ""), ("@", f"{FS}{FS}"), ("A", "")]
)
def test_field_21_of_a_batch_code_is_not_looked_at(source: str, customer: str) -> None:
    request = read(record(f"901007{FS}", f18="X1", f20=source, f21=customer, f24="0"))[0]
    assert (request.kind, request.batch, request.card) == (Kind.LOGON, 7, None)


# fmt: off
BATCHES = [
    ("X1", "",                         (None, None)),
    ("X1", f"901{FS}",                 (None, None)),
    ("X1", f"901999{FS}",              (999,  None)),
    ("X1", f"901000{FS}",              30),
    ("X1", "901007",                   30),
    ("X1", f"9010007{FS}",             30),
    ("X2", f"901007{FS}000001{FS}000000000100{FS}000000{FS}000000000000{FS}", (7, (Total(1, 100), Total(0, 0)))),
    ("X2", f"901007{FS}",              30),
    ("X2", f"901{FS}000001{FS}000000000100{FS}000000{FS}000000000000{FS}", 30),
    ("X2", "",                         30),
    ("X3", f"901007{FS}",              (7,    None)),
    ("X3", "",                         30),
]
# fmt: on


@pytest.mark.parametrize(("code", "blocks", "meaning"), BATCHES)
def test_block_901_says_which_batch(code: str, blocks: str, meaning: object) -> None:
    request = read(record(blocks, f18=code, f24="0"))[0]
    if isinstance(meaning, int):
        assert request.wrong_field == meaning
    else:
        assert (request.batch, request.totals) == meaning


# -- properties -------------------------------------------------------------------------------------------------------
@given(st.binary(max_size=200).map(lambda data: bytes(byte & 0x7F for byte in data)), st.booleans())
def test_any_record_is_a_request_or_an_error(data: bytes, with_head: bool) -> None:
    head = "".join(FIXED.values()).encode() if with_head else b""
    try:
        request, slip = read(head + data)
    except MessageError:
        return
    assert (request.wrong_field is not None) is (request.kind is Kind.MALFORMED)
    assert len(response_record(Reply(Outcome.INTERNAL, **TIME), slip, VISA2)) >= 69


@given(st.integers(0, len(record()) - 1), st.integers(0, 127))
def test_one_wrong_character_is_noticed_or_means_something_else(place: int, character: int) -> None:
    data = bytearray(record())
    data[place] = character
    try:
        request, _ = read(bytes(data))
    except MessageError:
        return
    assert isinstance(request, Request)


def test_no_secret_shows_in_a_slip_or_a_request() -> None:
    request, slip = read(record(f"9024711{FS}"))
    assert "4711" not in repr(request) + repr(slip)
    assert PAN_DIGITS not in repr(request) + repr(slip)


def test_a_session_answers_a_frame() -> None:
    wire = session()
    assert wire.take_output() == b"\x05"
    wire.receive_data(framed(record()))
    event = wire.next_event()
    assert not isinstance(event, str)
    assert wire.take_output() == b""
