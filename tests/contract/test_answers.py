"""What stands in every answer: echoes, the flow digit, who is speaking, currencies, and the 0800 family."""

from __future__ import annotations

import pytest

from tests.contract.client import Message
from tests.contract.conftest import House
from tests.contract.till import BALANCE, REDEEM, Till


def test_a_message_with_every_echoed_field_gets_them_all_back(till: Till, card: str) -> None:
    more: dict[int, str | None] = {**till.when(), 14: "4912", 22: "012", 25: "00", 49: till.record.currency}
    answer = till.do(REDEEM, card, 150, {**more, 60: till.open_batch(), 62: till.receipt()})
    answer.expect("00")
    assert answer[60] == answer.asked[60], answer.story()


def test_fields_a_transaction_does_not_use_are_ignored_when_well_formed(till: Till, card: str) -> None:
    more: dict[int, str | None] = {7: "0102030405", 18: "6010", 32: "12345", 33: "503", 53: "0" * 16, 55: "9F2701AA"}
    till.do(REDEEM, card, 150, {**more, 61: "001 whatever", 102: "account", 128: "00" * 8}).expect("00")


@pytest.mark.parametrize("de3", ["006001", "006000", "006009"])
def test_the_flow_digit_is_not_compared_and_comes_back(till: Till, card: str, de3: str) -> None:
    answer = till.do(de3, card, 150).expect("00")
    assert answer[3] == de3, answer.story()


def test_the_amount_of_a_refusal_is_what_was_asked(house: House, till: Till) -> None:
    answer = till.do(REDEEM, house.card(till, 0), 777, {62: till.receipt(), 49: till.record.currency}).expect("51")
    assert answer.amount == 777, answer.story()


def test_terminal_and_merchant_are_found_without_their_surrounding_spaces_and_come_back_as_sent(
    till: Till, card: str
) -> None:
    moved: dict[int, str | None] = {
        41: till.record.terminal_id.rjust(8),
        42: f" {till.record.merchant_id}".ljust(15) if len(till.record.merchant_id) < 15 else till.record.merchant_id,
    }
    till.do(REDEEM, card, 150, moved).expect("00")


def test_a_terminal_id_that_only_one_has_is_enough(house: House, till: Till, card: str) -> None:
    mine = till.record.terminal_id
    same = [record for record in house.demo.terminals if record.terminal_id == mine]
    answer = till.do(REDEEM, card, 150, {42: None}).expect("00" if len(same) == 1 else "03")
    assert 42 not in answer, answer.story()


def test_an_unknown_merchant_gets_03(till: Till, card: str) -> None:
    till.do(REDEEM, card, 150, {42: "NOSUCHMERCHANT ", 62: till.receipt()}).expect("03")
    assert till.balance(card) == 20_000


def test_an_unknown_terminal_of_a_known_merchant_gets_89(till: Till, card: str) -> None:
    till.do(REDEEM, card, 150, {41: "NOSUCHTM"}).expect("89")
    till.ask(till.message("0100", BALANCE, card, more={41: "NOSUCHTM"})).expect("89")
    assert till.balance(card) == 20_000


def test_a_terminal_nobody_has_and_no_merchant_gets_03(till: Till, card: str) -> None:
    till.do(REDEEM, card, 150, {41: "NOSUCHTM", 42: None}).expect("03")


def test_the_terminals_own_currency_may_be_named_and_any_other_is_refused_12(till: Till, card: str) -> None:
    till.do(REDEEM, card, 150, {49: till.record.currency}).expect("00")
    other = "840" if till.record.currency != "840" else "978"
    till.do(REDEEM, card, 150, {49: other}).expect("12")
    assert till.balance(card) == 19_850


def test_an_echo_test_is_answered_and_may_carry_a_status(till: Till) -> None:
    till.ask(till.message("0800", "990000")).expect("00")
    status = {"TS": "paper=ok;battery=80;tamper=0;pending=2;sw=1.4.2;sn=A1B2C3"}
    till.ask(till.message("0800", "990000", tables=status)).expect("00")


@pytest.mark.parametrize("brought", [(), (41, 42), (3, 24, 41, 42)])
def test_an_echo_by_de70_is_answered_with_what_it_brought(till: Till, brought: tuple[int, ...]) -> None:
    whole = till.message("0800", "990000", more={7: "1204092457", 70: "301"})
    request = Message({de: text for de, text in whole.items() if de in (0, 7, 11, 70, *brought)})
    answer = till.line.ask(request)
    story = f"  >> {request}\n  << {answer}"
    assert (answer.mti, answer.rc) == ("0810", "00"), story
    assert {de: answer.get(de) for de in request if de} == {de: text for de, text in request.items() if de}, story
    assert answer.keys() == request.keys() | {39} | ({12, 13} if 41 in brought else set()), story


def test_parameters_are_told_in_their_table(till: Till) -> None:
    answer = till.ask(till.message("0800", "930000")).expect("00")
    pairs = dict(pair.split("=", 1) for pair in answer.tables["TP"].rstrip(";").split(";"))
    assert pairs["cur"] == till.record.currency, answer.story()
    assert {"exp", "tz", "echo", "settle"} <= pairs.keys(), answer.story()


def test_a_0800_is_always_done_anew_and_never_refused_as_a_duplicate(till: Till, card: str) -> None:
    echo = till.message("0800", "990000")
    till.ask(echo).expect("00")
    till.ask(echo).expect("00")
    till.ask(echo.but("0800", {3: "930000"})).expect("00")
    till.ask(till.message("0200", REDEEM, card, 50, {11: echo[11]})).expect("00")


def test_texts_go_only_to_terminals_that_can_show_them(till: Till, card: str) -> None:
    answer = till.do(REDEEM, card, 50)
    assert not {"22", "29", "CA", "42"} & answer.tables.keys(), answer.story()


@pytest.mark.parametrize("mti", ["0300", "0600", "0620", "1200", "0120"])
def test_a_class_of_messages_nobody_offers_is_answered_12(till: Till, card: str, mti: str) -> None:
    answer = till.line.ask(till.message(mti, REDEEM, card, 50))
    assert (answer.mti, answer.rc) == (f"{mti[:2]}{int(mti[2]) + 1}0", "12"), answer


@pytest.mark.parametrize(("mti", "de3"), [("0200", "996000"), ("0200", "316000"), ("0100", "720060")])
def test_a_processing_code_its_class_does_not_have_is_answered_12(till: Till, card: str, mti: str, de3: str) -> None:
    till.ask(till.message(mti, de3, card, 50)).expect("12")


def test_a_0800_nobody_offers_is_answered_12(till: Till) -> None:
    till.ask(till.message("0800", "950000")).expect("12")
