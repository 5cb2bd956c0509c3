"""The commands against a toy switch: what they print, what they send, how they end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulators.cli import main
from simulators.wire import Message
from tests.simulators.conftest import PIN, PINNED_PAN
from tests.simulators.toy_switch import ToySwitch


def tillsim(switch: ToySwitch, *arguments: str) -> Result:
    environment = {"TILLSIM_DEMO": str(switch.demo.path), "COLUMNS": "120"}
    return CliRunner().invoke(main, list(arguments), env=environment, catch_exceptions=False)


@pytest.mark.parametrize("listener", ["nac", "ascii"])
def test_a_card_is_activated_reloaded_spent_and_asked(switch: ToySwitch, listener: str) -> None:
    assert tillsim(switch, "gift", "activate", "--amount", "50", "--listener", listener).exit_code == 0
    pan = switch.requests[-1].get(2)
    for command, amount in (("reload", "25.50"), ("redeem", "30"), ("refund", "1,25")):
        result = tillsim(switch, "gift", command, "--card", pan, "--amount", amount, "--listener", listener)
        assert result.exit_code == 0, result.output
    result = tillsim(switch, "gift", "balance", "--card", pan, "--listener", listener)
    assert "46.75 TRY" in result.output
    assert switch.balances[pan] == 4675


def test_the_slip_says_who_what_and_how_much(switch: ToySwitch) -> None:
    output = tillsim(switch, "gift", "redeem", "--amount", "12.5").output
    for words in ("Kelebek Kitap", "store-1", "TN000001", "GIFT CARD PAYMENT", "970000*********0200", "APPROVED"):
        assert words in output
    assert "12.50 TRY" in output
    assert "187.50 TRY" in output


def test_a_partial_approval_says_what_is_left_to_pay(switch: ToySwitch) -> None:
    result = tillsim(switch, "gift", "redeem", "--card", "active:1", "--amount", "250", "--partial")
    assert result.exit_code == 0
    assert "APPROVED IN PART" in result.output
    assert "LEFT TO PAY" in result.output
    assert "50.00 TRY" in result.output


def test_a_decline_is_told_in_words_and_by_exit_code_one(switch: ToySwitch) -> None:
    result = tillsim(switch, "gift", "redeem", "--card", "active:1", "--amount", "250")
    assert result.exit_code == 1
    assert "DECLINED (51: not enough on the card)" in result.output


def test_trace_numbers_go_on_between_commands(switch: ToySwitch) -> None:
    for _ in range(3):
        tillsim(switch, "gift", "balance")
    assert [request.get(11) for request in switch.requests] == ["000001", "000002", "000003"]


def test_the_clock_is_set_by_the_answers(switch: ToySwitch) -> None:
    tillsim(switch, "echo")
    tillsim(switch, "gift", "redeem", "--amount", "1")
    request = switch.requests[-1]
    assert request.get(13) == "1122"
    assert request.get(12)[:3] == "101"  # the toy switch says 10:11:12 whenever it is asked


def test_void_reversal_and_repeat_find_the_last_transaction(switch: ToySwitch) -> None:
    tillsim(switch, "gift", "redeem", "--amount", "10")
    pan = switch.requests[-1].get(2)
    assert tillsim(switch, "repeat").exit_code == 0
    assert switch.requests[-1].mti == "0201"
    assert switch.balances[pan] == 19000
    assert tillsim(switch, "void").exit_code == 0
    assert switch.balances[pan] == 20000
    assert tillsim(switch, "void").exit_code == 1  # already undone
    assert tillsim(switch, "reversal", "--stan", switch.requests[0].get(11)).exit_code == 0
    assert switch.balances[pan] == 20000


def test_a_void_of_another_programs_transaction_is_put_together_by_hand(switch: ToySwitch) -> None:
    tillsim(switch, "gift", "redeem", "--amount", "10", "--terminal", "TN000001")
    sale = switch.requests[-1]
    options = ["--card", sale.get(2), "--amount", "10", "--receipt", sale.get(62)]
    assert tillsim(switch, "void", "--terminal", "TN000002").exit_code == 2
    assert tillsim(switch, "void", "--terminal", "TN000002", *options).exit_code == 1
    assert switch.requests[-1].get(3) == "026000"


def test_a_lost_answer_is_reversed_three_times_at_most(switch: ToySwitch) -> None:
    switch.fault = lambda request, answer: "close"
    result = tillsim(switch, "gift", "redeem", "--amount", "10")
    assert result.exit_code == 3
    assert [request.mti for request in switch.requests] == ["0200", "0400", "0401", "0401"]
    assert "the outcome is open" in result.output.lower()


def test_a_lost_answer_followed_by_an_accepted_reversal_moves_nothing(switch: ToySwitch) -> None:
    switch.fault = lambda request, answer: answer if request.mti == "0400" else "close"
    result = tillsim(switch, "gift", "redeem", "--amount", "10")
    assert result.exit_code == 3
    assert "did not take place" in result.output
    assert switch.balances[switch.requests[0].get(2)] == 20000


def test_a_lost_advice_is_repeated_not_reversed(switch: ToySwitch) -> None:
    switch.fault = lambda request, answer: answer if request.mti == "0221" else "close"
    result = tillsim(switch, "advice", "redeem", "--amount", "10")
    assert [request.mti for request in switch.requests] == ["0220", "0221"]
    assert "The advice was accepted" in result.output


def test_nothing_listening_is_no_answer_and_nothing_to_reverse(switch: ToySwitch, tmp_path: Path) -> None:
    content = json.loads(switch.demo.path.read_text())
    content["listeners"]["nac"] = 1
    switch.demo.path.write_text(json.dumps(content))
    result = tillsim(switch, "gift", "redeem", "--amount", "10")
    assert result.exit_code == 3
    assert "tillswitch serve" in result.output


def test_a_missing_demo_says_which_command_makes_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["echo", "--demo", str(tmp_path / "demo.json")])
    assert result.exit_code == 2
    assert "tillswitch init --demo --data demo-data" in result.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["gift", "redeem"], "needs --amount"),
        (["gift", "redeem", "--amount", "1.234"], "TRY has 2 decimals"),
        (["gift", "redeem", "--amount", "ten"], "not an amount"),
        (["gift", "balance", "--card", "12x"], "6 to 19 digits"),
        (["gift", "balance", "--card", "active:99"], "cards that fit"),
        (["gift", "balance", "--terminal", "NOBODY"], "no terminal 'NOBODY'"),
        (["echo", "--listener", "nac-tls"], "no listener 'nac-tls'"),
        (["repeat"], "remembers no such transaction"),
    ],
)
def test_what_a_person_gets_wrong_is_one_line_and_exit_code_two(
    switch: ToySwitch, arguments: list[str], complaint: str
) -> None:
    result = tillsim(switch, *arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert len(result.output.splitlines()) == 1


def test_json_tells_scripts_the_same(switch: ToySwitch) -> None:
    shown = json.loads(tillsim(switch, "gift", "redeem", "--amount", "10", "--json").output)
    assert shown["result"] == "approved"
    assert shown["amount_minor"] == 1000
    assert shown["balances"] == [{"currency": "949", "amount_minor": 19000}]
    assert shown["answer"]["fields"]["39"] == "00"


def test_logon_tells_the_batch_that_later_messages_carry(switch: ToySwitch) -> None:
    assert "000001" in tillsim(switch, "logon").output
    tillsim(switch, "gift", "balance")
    assert switch.requests[-1].get(60) == "000001"
    assert tillsim(switch, "echo").exit_code == 0
    assert tillsim(switch, "parameters").exit_code == 0


def test_answers_to_somebody_else_are_passed_over(switch: ToySwitch) -> None:
    def with_wrong_stan(request: Message, answer: Message) -> Message:
        return Message(answer.mti, answer.fields | {11: "999999"})

    switch.fault = with_wrong_stan
    result = tillsim(switch, "gift", "balance", "--timeout", "0.2")
    assert result.exit_code == 3
    assert "no answer within 0.2 seconds" in result.output


@pytest.mark.parametrize("listener", ["nac", "ascii"])
@pytest.mark.parametrize("json_or_trace", ["--trace", "--json"])
def test_no_card_number_and_no_pin_in_any_output(switch: ToySwitch, listener: str, json_or_trace: str) -> None:
    common = ["--listener", listener, json_or_trace]
    card = ["--card", PINNED_PAN]
    outputs = [
        tillsim(switch, *command, *common).output
        for command in (
            ["gift", "redeem", *card, "--amount", "10"],
            ["gift", "redeem", *card, "--amount", "10", "--swipe"],
            ["gift", "redeem", *card, "--amount", "9999"],
            ["repeat"],
            ["void"],
            ["reversal"],
            ["advice", "redeem", *card, "--amount", "1", "--pin", PIN],
        )
    ]
    switch.fault = lambda request, answer: "close"
    outputs.append(tillsim(switch, "gift", "redeem", *card, "--amount", "10", *common).output)
    for output in outputs:
        assert "970000*********3310" in output
        assert PINNED_PAN not in output
        assert PIN not in output
    state = switch.demo.path.with_name("tillsim-state.json")
    assert PIN not in state.read_text()
    assert state.stat().st_mode & 0o077 == 0
