"""What tillsim sends in VISA-2 the switch reads as it was meant, and the other way round: two codecs, one contract."""

from datetime import datetime
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from simulators.cli import main
from simulators.demo import DemoTerminal, DemoVisa2
from simulators.requests import KINDS, Order, build_repeat, build_request, build_reversal, build_void
from simulators.state import Counters, Deed
from simulators.tables import find_tables
from simulators.visa2_describe import describe_pasted
from simulators.visa2_wire import (
    CODES,
    answer_message,
    decode_response,
    encode_response,
    frame,
    is_response_to,
    request_record,
    unframe,
)
from simulators.wire import Message, WireError
from specs.dialects import VISA2
from specs.limits import AMOUNT_MAX
from specs.outcomes import Outcome
from specs.sensitive import PAN, Secret
from specs.transaction import Balance, BalanceType, Kind, MessageClass, Purse, Reply, Request
from terminals.visa2_answer import response_record
from tests.wire.visa2_tools import FRAMES, PAN_DIGITS, read

NOW = datetime(2026, 11, 22, 10, 15, 30)
HERE = DemoVisa2("999995", "888000000001", "0001", "0005", "000000", "111111", "003", "5942")
WHO = DemoTerminal("DEMOBOOKS000001", "BOOKS005", "visa2", "ist-01", "949", "010", HERE)

# fmt: off
ROWS: list[tuple[str, MessageClass, Kind]] = [
    ("activate",  MessageClass.REQUEST, Kind.GIFT_ACTIVATE),
    ("reload",    MessageClass.REQUEST, Kind.GIFT_RELOAD),
    ("redeem",    MessageClass.REQUEST, Kind.GIFT_REDEEM),
    ("refund",    MessageClass.REQUEST, Kind.GIFT_REFUND),
    ("cash-out",  MessageClass.REQUEST, Kind.GIFT_CASH_OUT),
    ("cash-back", MessageClass.REQUEST, Kind.GIFT_CASH_BACK),
    ("unload",    MessageClass.REQUEST, Kind.GIFT_UNLOAD),
    ("balance",   MessageClass.INQUIRY, Kind.GIFT_BALANCE),
]
# fmt: on


def message(kind: str, stan: int = 11, **other: Any) -> Message:
    order = Order(KINDS[kind], PAN_DIGITS, 6000, **other)
    return build_request(WHO, "visa2", order, Counters(f"{stan:06d}", "000031", None), NOW)


def understood(request: Message, application_type: str = "0") -> Request:
    return read(unframe(frame(request_record(request, WHO, application_type))))[0]


@pytest.mark.parametrize(("name", "message_class", "kind"), ROWS)
@pytest.mark.parametrize("swipe", [False, True])
def test_a_transaction_is_read_as_it_was_meant(name: str, message_class: MessageClass, kind: Kind, swipe: bool) -> None:
    request = understood(message(name, swipe=swipe))
    assert (request.message_class, request.kind, request.card, request.stan) == (
        message_class, kind, PAN(PAN_DIGITS), 11,
    )  # fmt: skip
    assert request.amount == (0 if KINDS[name].amount == "none" else 6000)
    assert request.acceptor is not None
    assert str(request.acceptor) == "888000000001/0001/0005"
    assert (request.acceptor.acquirer, request.currency) == ("999995", "949")


def test_every_code_of_gift_cards_is_sent() -> None:
    sent = {*CODES.values(), "GF"}
    assert sent == {code for code, one in VISA2.transactions.items() if one.kind.value.startswith("gift")}


@pytest.mark.parametrize("name", ["redeem", "activate"])
def test_voids_reversals_and_repeats(name: str) -> None:
    request = message(name)
    deed = Deed(name, request, "00", "000000006000", "632600004711")
    void = build_void(WHO, deed, Counters("000012", "000032", None), NOW)
    read_void = understood(void)
    assert (read_void.kind, read_void.rrn, read_void.stan) == (Kind.GIFT_VOID, "632600004711", 12)
    reversal = understood(build_reversal(deed))
    assert (reversal.message_class, reversal.kind, reversal.rrn) == (
        MessageClass.REVERSAL, Kind.GIFT_ANY, "632600004711",
    )  # fmt: skip
    unanswered = understood(build_reversal(Deed(name, request)))
    assert (unanswered.rrn, unanswered.stan) == (None, 11)
    of_void = understood(build_reversal(Deed(f"void {name}", void, "00", None, "632600004712")))
    assert of_void.rrn is None, "the reference in it is the voided transaction's"
    assert understood(build_repeat(request)) == understood(request)


def test_a_pin_and_a_reference_arrive() -> None:
    assert understood(message("redeem", pin="4711")).pin == Secret("4711")
    assert understood(message("refund", rrn="632600004711")).rrn == "632600004711"


@pytest.mark.parametrize("name", ["block", "unblock", "logon", "echo", "parameters"])
def test_what_has_no_code_is_said_so(name: str) -> None:
    with pytest.raises(WireError, match="no code"):
        request_record(message(name), WHO)


def test_a_terminal_without_numbers_cannot_speak_it() -> None:
    other = DemoTerminal("DEMOBOOKS000001", "BOOKS001", "nac", "ist-01", "949", "010")
    with pytest.raises(WireError, match=r"demo\.json"):
        request_record(message("redeem"), other)


def test_trace_numbers_go_round_sooner() -> None:
    assert [understood(message("redeem", stan)).stan for stan in (9999, 10_000, 999_999)] == [9999, 1, 99]


amounts = st.integers(-AMOUNT_MAX // 10, AMOUNT_MAX)


@given(st.sampled_from([name for name, _, _ in ROWS]), st.sampled_from(Outcome), amounts, st.integers(0, AMOUNT_MAX))
def test_an_answer_is_read_as_it_was_meant(name: str, outcome: Outcome, balance: int, used: int) -> None:
    request = message(name)
    told = (Balance(Purse.STORED_VALUE, BalanceType.AVAILABLE, "949", balance),)
    reply = Reply(
        outcome, "1122", "101530", used, "632600004711", "004711", balances=told, local_year="26", wrong_field=7
    )
    response = decode_response(response_record(reply, read(request_record(request, WHO))[1], VISA2))
    assert is_response_to(response, request, WHO)
    answer = answer_message(response, request, "949")
    assert (answer.get(39), answer.get(37), answer.get(13), answer.get(12)) == (
        VISA2.outcomes[outcome].code, "632600004711", "1122", "101530",
    )  # fmt: skip
    if reply.accepted and name != "balance":
        assert answer.get(4) == f"{used:012d}"
    if name != "cash-out":
        sign, digits = "D" if balance < 0 else "C", f"{abs(balance):012d}"
        assert answer.get(54) == f"6002949{sign}{digits}"
    assert find_tables(answer, "visa2")["22"] == response.text.strip()


@pytest.mark.parametrize("name", [name for name, one in FRAMES.items() if one.record[:1] == b"E"])
def test_an_example_response_is_read_and_written_again(name: str) -> None:
    assert encode_response(decode_response(FRAMES[name].record)) == FRAMES[name].record


@pytest.mark.parametrize("name", FRAMES)
def test_every_example_is_unframed_in_either_parity(name: str) -> None:
    both = [FRAMES[name].plain, FRAMES[name].even or FRAMES[name].plain]
    assert [unframe(one) for one in both] == [FRAMES[name].record] * 2


# -- tillsim decode ---------------------------------------------------------------------------------------------------
def decoded(text: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["decode", "--dialect", "visa2", text])
    return result.exit_code, result.output


def test_a_request_is_shown_field_by_field_and_masked() -> None:
    code, shown = decoded(FRAMES["G1"].plain.hex())
    assert code == 0
    for words in ("sequence number", "0010", "transaction code", "GC", "III 200", "no parity", "of a track hidden"):
        assert words in shown
    assert PAN_DIGITS not in shown
    keyed = decoded(FRAMES["B1"].plain.hex())[1]
    assert "411111******1111 keyed" in keyed
    assert "8320 85284" not in keyed


def test_a_response_in_even_parity_is_shown() -> None:
    frames = FRAMES["A2"]
    assert frames.even is not None
    code, shown = decoded(frames.even.hex(" "))
    assert (code, "even parity" in shown, "APPROVAL T00001" in shown) == (0, True, True)


@pytest.mark.parametrize("text", ["zz", "0", "", "02", "0244", "024430031F", FRAMES["G1"].plain.hex()[:-2] + "00"])
def test_what_is_no_frame_is_said_in_a_sentence(text: str) -> None:
    assert decoded(text)[0] == 2


@given(st.binary(max_size=120))
def test_any_bytes_are_rows_or_a_sentence(data: bytes) -> None:
    described = describe_pasted(data.hex())
    assert bool(described.rows) is (described.problem is None)
