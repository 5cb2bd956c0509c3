"""What tillsim sends in VISA-2 the switch reads as it was meant, and the other way round: two codecs, one contract."""

import re
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.demo import DemoTerminal, DemoVisa2
from simulators.journal import Item
from simulators.requests import KINDS, Order, build_repeat, build_request, build_reversal, build_void
from simulators.settlement import build_settlement
from simulators.state import Counters, Deed
from simulators.tables import find_tables
from simulators.visa2_batch import batch_records, settlement_answer
from simulators.visa2_response import (
    answer_message,
    confirmation_record,
    decode_response,
    encode_response,
    is_response_to,
)
from simulators.visa2_wire import CODES, frame, request_record, unframe
from simulators.wire import Message, WireError
from specs.dialects import VISA2
from specs.limits import AMOUNT_MAX
from specs.outcomes import Outcome
from specs.sensitive import PAN, Secret
from specs.transaction import Balance, BalanceType, Kind, MessageClass, PointsTold, Purse, Reply, Request, Total
from specs.visa2 import CONFIRMATION_FORM
from terminals.visa2_answer import response_record
from terminals.visa2_capture import Capture
from tests.wire.golden import LINE
from tests.wire.visa2_tools import FRAMES, FS, PAN_DIGITS, read

NOW = datetime(2026, 11, 22, 10, 15, 30)
HERE = DemoVisa2("999995", "888000000001", "0001", "0005", "000000", "111111", "003", "5942")
amounts = st.integers(-AMOUNT_MAX // 10, AMOUNT_MAX)
WHO = DemoTerminal("DEMOBOOKS000001", "BOOKS005", "visa2", "ist-01", "949", "010", visa2=HERE)

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
    ("enrol",          MessageClass.REQUEST, Kind.ENROL),
    ("sale",           MessageClass.REQUEST, Kind.SALE),
    ("return",         MessageClass.REQUEST, Kind.SALE_RETURN),
    ("points-redeem",  MessageClass.REQUEST, Kind.POINTS_REDEEM),
    ("points-balance", MessageClass.INQUIRY, Kind.POINTS_BALANCE),
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


def test_a_debit_is_read_as_it_was_meant_and_confirmed() -> None:
    data = request_record(message("redeem"), WHO, record="T")
    request, slip = read(data)
    assert (request.kind, request.awaits_confirmation, request.amount) == (Kind.GIFT_REDEEM, True, 6000)
    assert request.acceptor is not None
    assert (request.acceptor.agent_bank, request.acceptor.agent_chain) == ("000000", "111111")
    reply = Reply(Outcome.APPROVED, rrn="632600004711", local_date="1122", local_time="101530", local_year="26")
    response = decode_response(response_record(reply, slip, VISA2))
    assert (response.letter, response.debit) == ("U", "99999500004711000011 1122")
    assert response.block("200") == f"{FS}000000006000{FS}"
    confirmation = confirmation_record(response, "0")
    assert re.fullmatch(CONFIRMATION_FORM, confirmation.decode())
    assert confirmation == b"V0.99999500004711000011"


@pytest.mark.parametrize(("name", "message_class", "kind"), ROWS)
@pytest.mark.parametrize("swipe", [False, True])
def test_an_old_record_is_read_as_it_was_meant(name: str, message_class: MessageClass, kind: Kind, swipe: bool) -> None:
    request, slip = read(request_record(message(name, swipe=swipe, rrn="632600004711"), WHO, "2", "J"))
    assert (request.message_class, request.kind, request.card, request.stan, request.rrn, request.partial) == (
        message_class, kind, PAN(PAN_DIGITS), 11, None, False,
    )  # fmt: skip
    assert request.amount == (0 if KINDS[name].amount == "none" else 6000)
    assert str(request.acceptor) == "888000000001/0001/0005"
    assert (slip.letter, slip.application_type) == ("J", "2")


@given(st.sampled_from(["redeem", "balance", "sale", "points-balance"]), st.sampled_from(Outcome), amounts)
def test_the_answer_to_an_old_record_is_read_as_it_was_meant(name: str, outcome: Outcome, balance: int) -> None:
    request = message(name)
    points = "points" in name or name == "sale"
    purse, unit = (Purse.POINTS, "999") if points else (Purse.STORED_VALUE, "949")
    told = (Balance(purse, BalanceType.AVAILABLE, unit, balance),)
    reply = Reply(outcome, "1122", "101530", 6000, "632600004711", "004711", balances=told, local_year="26")
    record = response_record(reply, read(request_record(request, WHO, record="J"))[1], VISA2)
    response = decode_response(record, "J")
    assert encode_response(response) == record
    assert is_response_to(response, request, WHO)
    answer = answer_message(response, request, "949")
    assert (answer.get(39), answer.get(13), answer.get(37)) == (VISA2.outcomes[outcome].code, "1122", "")
    number = f"{abs(balance)}" if points else f"{abs(balance) // 100}.{abs(balance) % 100:02d}"
    if outcome is Outcome.APPROVED and len(number) + (balance < 0) <= 11:
        account = "90" if points else "60"
        assert answer.get(54) == f"{account}02{unit}{'D' if balance < 0 else 'C'}{abs(balance):012d}"


def test_what_an_old_record_has_no_place_for() -> None:
    logon = build_request(WHO, "visa2", Order(KINDS["logon"]), Counters("000011", "000031", None), NOW)
    with pytest.raises(WireError, match="no block"):
        request_record(logon, WHO, record="J")
    west = DemoTerminal(**{**msgspec.structs.asdict(WHO), "visa2": msgspec.structs.replace(HERE, time_zone="708")})
    assert read(request_record(message("redeem"), west, record="J"))[0].kind is Kind.GIFT_REDEEM
    assert b"708" not in request_record(message("redeem"), west, record="J")


def test_every_code_is_sent() -> None:
    assert {*CODES.values(), "GF", "LF"} == set(VISA2.transactions)


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


@pytest.mark.parametrize("name", ["block", "unblock", "echo", "parameters", "points-transfer", "preview"])
def test_what_has_no_code_is_said_so(name: str) -> None:
    with pytest.raises(WireError, match="no code"):
        request_record(message(name), WHO)


def test_a_terminal_without_numbers_cannot_speak_it() -> None:
    other = DemoTerminal("DEMOBOOKS000001", "BOOKS001", "nac", "ist-01", "949", "010")
    with pytest.raises(WireError, match=r"demo\.json"):
        request_record(message("redeem"), other)


def test_trace_numbers_go_round_sooner() -> None:
    assert [understood(message("redeem", stan)).stan for stan in (9999, 10_000, 999_999)] == [9999, 1, 99]


GIFT = [name for name, _, kind in ROWS if kind.value.startswith("gift")]
LOYALTY = [name for name, _, _ in ROWS if name not in GIFT]


@given(st.sampled_from(GIFT), st.sampled_from(Outcome), amounts, st.integers(0, AMOUNT_MAX))
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


@given(st.sampled_from(LOYALTY), amounts, st.integers(0, 10**9), st.integers(0, 10**9))
def test_points_are_read_as_they_were_meant(name: str, available: int, earned: int, redeemed: int) -> None:
    request = message(name)
    told = (Balance(Purse.POINTS, BalanceType.AVAILABLE, "999", available),)
    points = None if name == "enrol" else PointsTold(earned, redeemed, available)
    reply = Reply(Outcome.APPROVED, balances=told, points=points, points_worth=available // 10, display="Thank you")
    response = decode_response(response_record(reply, read(request_record(request, WHO))[1], VISA2))
    assert response.block("900") == "".join(
        part + FS
        for part in (
            f"{available:012d}",
            f"{earned:012d}" if name in ("sale", "return") else "",
            f"{redeemed:012d}" if name in ("points-redeem", "return") else "",
            f"{available // 10:012d}",
            "Thank you",
        )
    )
    sign = "D" if available < 0 else "C"
    assert answer_message(response, request, "949").get(54) == f"9002999{sign}{abs(available):012d}"


@pytest.mark.parametrize("number", ["000007", ""])
def test_a_batch_is_opened_settled_and_cleared(number: str) -> None:
    logon = build_request(WHO, "visa2", Order(KINDS["logon"]), Counters("000011", "000031", number or None), NOW)
    opened = understood(logon)
    assert (opened.message_class, opened.kind, opened.batch, opened.card) == (
        MessageClass.NETWORK, Kind.LOGON, 7 if number else None, None,
    )  # fmt: skip
    response = decode_response(
        response_record(Reply(Outcome.APPROVED, batch=7), read(request_record(logon, WHO))[1], VISA2)
    )
    assert response.block("901") == f"007{FS}"
    assert answer_message(response, logon, "949").get(60) == "000007"


def test_totals_go_both_ways() -> None:
    settle = build_settlement(WHO, "920000", 7, [(3, 4500), (12, 500000)], "000011", NOW)
    request = understood(settle)
    assert (request.kind, request.batch, request.totals) == (Kind.SETTLE, 7, (Total(3, 4500), Total(12, 500000)))
    many = request_record(settle, WHO).replace(b"000003", b"001003").replace(b"000012", b"999012")
    assert read(many)[0].totals == (Total(3, 4500), Total(12, 500000)), "counts are modulo 1000"
    slip = read(request_record(settle, WHO))[1]
    hosts = (Total(4, 4600), Total(11, 400000))
    differ = decode_response(response_record(Reply(Outcome.TOTALS, batch=7, totals=hosts), slip, VISA2))
    assert (differ.code, differ.text) == ("95", "RECONCILE ERROR ")
    assert differ.block("901") == f"007{FS}000004{FS}000000004600{FS}000011{FS}000000400000{FS}"
    assert answer_message(differ, settle, "949").get(63) == "004000000004600" + "011000000400000"
    agreed = decode_response(response_record(Reply(Outcome.APPROVED, batch=7, totals=hosts), slip, VISA2))
    assert agreed.block("901") == differ.block("901")
    clear = build_settlement(WHO, "940000", 7, None, "000012", NOW)
    assert (understood(clear).kind, understood(clear).batch) == (Kind.CLEAR_BATCH, 7)
    six = (*hosts, *[Total()] * 4)
    cleared = response_record(Reply(Outcome.APPROVED, batch=7, totals=six), read(request_record(clear, WHO))[1], VISA2)
    assert decode_response(cleared).block("901") == differ.block("901")


@pytest.mark.parametrize("name", [name for name, one in FRAMES.items() if one.record[:1] in (b"E", b"U")])
def test_an_example_response_is_read_and_written_again(name: str) -> None:
    assert encode_response(decode_response(FRAMES[name].record)) == FRAMES[name].record


def test_the_example_of_an_old_response_is_read_and_written_again() -> None:
    response = decode_response(FRAMES["J2"].record, "J")
    assert (response.letter, response.code, response.approval, response.validation) == ("J", "00", "12AB45", "ABCD")
    assert encode_response(response) == FRAMES["J2"].record
    for wrong in (b"", FRAMES["J2"].record[:40], FRAMES["J2"].record[:50], FRAMES["J2"].record + b"x"):
        with pytest.raises(WireError):
            decode_response(wrong, "J")


@pytest.mark.parametrize("name", FRAMES)
def test_every_example_is_unframed_in_either_parity(name: str) -> None:
    both = [FRAMES[name].plain, FRAMES[name].even or FRAMES[name].plain]
    assert [unframe(one) for one in both] == [FRAMES[name].record] * 2


# -- data capture -----------------------------------------------------------------------------------------------------
def test_a_batch_is_captured_as_it_was_meant() -> None:
    requests = [message("redeem", 11), message("refund", 12), message("points-redeem", 13), message("activate", 14)]
    items = [Item("", one, 6000, approval=f"00471{place}") for place, one in enumerate(requests)]
    settlement = build_settlement(WHO, "960000", 7, [(2, 12000), (2, 12000)], "000015", NOW)
    capture = Capture(VISA2, LINE)
    assert [capture.take(one.decode()) for one in batch_records(settlement, items, WHO, "1")] == [None] * 7
    assert (capture.complete, capture.net) == (True, 0)
    begin, *uploads, end = capture.requests()
    assert begin.batch == 7
    assert [(one.kind, one.card, one.original_stan, one.approval, one.amount) for one in uploads] == [
        (kind, PAN(PAN_DIGITS), 11 + place, f"00471{place}", 6000)
        for place, kind in enumerate((Kind.GIFT_REDEEM, Kind.GIFT_REFUND, Kind.POINTS_REDEEM, Kind.GIFT_ACTIVATE))
    ]
    assert end.totals == (Total(2, 12000), Total(2, 12000), Total(), Total())
    answers = {
        "00": (capture.good(), capture.duplicate("1122")),
        "30": (capture.rejected(capture.wrong_number()),),
    }
    for code, records in answers.items():
        for one in records:
            assert settlement_answer(unframe(frame(one)), settlement).get(39) == code
