"""Signs of life: the status that goes with an echo, and a terminal that stays on the line."""

import json
from datetime import datetime

import pytest

from simulators.requests import answer_echo, is_echo
from simulators.tables import find_tables
from simulators.wire import Message
from tests.simulators.test_cli import tillsim
from tests.simulators.toy_switch import ToySwitch


@pytest.mark.parametrize("listener", ["nac", "ascii"])
def test_an_echo_tells_the_terminals_status(switch: ToySwitch, listener: str) -> None:
    assert tillsim(switch, "echo", "--listener", listener).exit_code == 0
    told = find_tables(switch.requests[-1], listener)["TS"]  # type: ignore[arg-type]  # listener is a dialect's name
    keys = [piece.partition("=")[0] for piece in told.split(";")]
    assert keys == ["paper", "battery", "tamper", "pending", "sw", "sn"]
    assert "pending=0" in told


def test_a_status_can_be_given_or_left_out(switch: ToySwitch) -> None:
    tillsim(switch, "echo", "--status", "paper=out;x")
    assert find_tables(switch.requests[-1], "nac")["TS"] == "paper=out;x"
    tillsim(switch, "echo", "--status", "")
    assert switch.requests[-1].get(63) == ""


def test_a_reversal_that_found_no_answer_is_told_as_pending(switch: ToySwitch) -> None:
    switch.fault = lambda request, answer: None if request.mti[:2] in ("02", "04") else answer
    tillsim(switch, "gift", "redeem", "--amount", "1", "--timeout", "0.2")
    switch.fault = lambda request, answer: answer
    tillsim(switch, "echo")
    assert "pending=1" in find_tables(switch.requests[-1], "nac")["TS"]


def test_staying_on_the_line_sends_echoes_and_tells_how_it_went(switch: ToySwitch) -> None:
    result = tillsim(switch, "online", "--seconds", "0.5", "--every", "0.2", "--json")
    assert result.exit_code == 0
    stay = json.loads(result.output)
    assert (stay["echoes"], stay["asked"], stay["problem"]) == (3, 0, "")


@pytest.mark.slow
def test_a_lost_line_is_told_and_ends_with_three(switch: ToySwitch) -> None:
    switch.fault = lambda request, answer: "close"
    result = tillsim(switch, "online", "--seconds", "5")
    assert result.exit_code == 3
    assert "closed the connection" in result.output


def test_an_echo_of_the_switch_is_known_and_answered() -> None:

    asked = Message("0800", {3: "990000", 11: "000007", 24: "010", 41: "T1", 42: "M1"})
    assert is_echo(asked)
    assert not is_echo(Message("0810", asked.fields))
    assert not is_echo(Message("0800", asked.fields | {3: "920000"}))
    answer = answer_echo(asked, datetime(2026, 3, 1, 12, 30, 59))
    assert answer == Message("0810", asked.fields | {12: "123059", 13: "0301", 39: "00"})
