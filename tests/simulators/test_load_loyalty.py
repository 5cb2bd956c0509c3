"""Load of loyalty cards against a toy switch: right when all is well, alarmed when points are not what they must be."""

import json
from collections.abc import Callable

import pytest

from simulators.tables import encode_tables, find_tables
from simulators.wire import Message
from tests.simulators.test_cli import tillsim
from tests.simulators.toy_switch import ToySwitch


@pytest.mark.parametrize("listener", ["nac", "ascii"])
def test_all_is_well_with_a_switch_that_is(switch: ToySwitch, listener: str) -> None:
    options = ["--mix", "loyalty", "--transactions", "600", "--connections", "2", "--listener", listener]
    result = tillsim(switch, "load", *options)
    assert result.exit_code == 0, result.output
    assert "wrong 0, lost 0" in result.output
    assert "5 of 5 cards hold what this client reckons" in result.output  # one of each member, none of nobody's
    assert {request.get(3) for request in switch.requests} >= {
        "000090", "009000", "200090", "319000", "409090", "020090", "029000", "029090",
    }  # fmt: skip
    assert {request.mti for request in switch.requests} == {"0100", "0200", "0201", "0400"}


def test_gift_and_loyalty_cards_together(switch: ToySwitch) -> None:
    result = tillsim(switch, "load", "--mix", "mixed", "--transactions", "400", "--connections", "3")
    assert result.exit_code == 0, result.output
    assert "11 of 11 cards hold what this client reckons" in result.output
    assert {"006000", "009000"} <= {request.get(3) for request in switch.requests}


def test_members_that_are_too_few_are_shared_and_still_verified(switch: ToySwitch) -> None:
    content = json.loads(switch.demo.path.read_text())
    content["loyalty_cards"] = [card for card in content["loyalty_cards"] if card["member"] == "family"]
    switch.demo.path.write_text(json.dumps(content))
    result = tillsim(switch, "load", "--mix", "loyalty", "--transactions", "200", "--connections", "3")
    assert result.exit_code == 0, result.output
    assert "3 connections share 1 cards" in result.output
    assert "1 of 1 cards" in result.output


def changed_points(answer: Message, start: int, stop: int, change: int) -> Message:
    """Table PT with one of its counts changed."""
    tables = find_tables(answer, "nac")
    told = tables["PT"]
    tables["PT"] = told[:start] + f"{max(0, int(told[start:stop]) + change):0{stop - start}d}" + told[stop:]
    return Message(answer.mti, answer.fields | {63: encode_tables(tables.items(), "nac")})


def earns_one_more(request: Message, answer: Message) -> Message:
    return changed_points(answer, 0, 10, 1) if request.get(3) == "000090" and request.mti == "0200" else answer


def promises_one_more(request: Message, answer: Message) -> Message:
    return changed_points(answer, 0, 10, 1) if request.mti == "0100" and request.get(3) == "000090" else answer


def takes_back_one_less(request: Message, answer: Message) -> Message:
    return changed_points(answer, 0, 10, -1) if request.get(3) == "200090" and answer.get(39) == "00" else answer


def pays_out_one_more(request: Message, answer: Message) -> Message:
    if request.get(3) != "200090" or answer.get(39) != "00":
        return answer
    tables = find_tables(answer, "nac")
    tables["RT"] = tables["RT"][:12] + f"{int(tables['RT'][12:]) + 1:012d}"
    return Message(answer.mti, answer.fields | {63: encode_tables(tables.items(), "nac")})


def tells_no_points(request: Message, answer: Message) -> Message:
    return Message(answer.mti, {number: text for number, text in answer.fields.items() if number != 63})


def never_enough(request: Message, answer: Message) -> Message:
    return Message(answer.mti, answer.fields | {39: "51"}) if request.get(3) == "009000" else answer


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (earns_one_more, "a sale earned"),
        (promises_one_more, "a preview earned"),
        (takes_back_one_less, "return left"),
        (pays_out_one_more, "a return of"),
        (tells_no_points, "was answered without points"),
        (never_enough, "points-redeem was answered 51, not 00"),
    ],
)
def test_wrong_answers_are_told_and_fail_the_run(
    switch: ToySwitch, fault: Callable[[Message, Message], Message], complaint: str
) -> None:
    switch.fault = fault
    result = tillsim(switch, "load", "--mix", "loyalty", "--transactions", "200", "--connections", "1")
    assert result.exit_code == 1
    assert complaint in result.output
    assert not [pan for pan in switch.loyalty.points if pan in result.output]


def test_a_reversal_that_gives_back_too_much_is_found_at_the_end(switch: ToySwitch) -> None:
    def generous(request: Message, answer: Message) -> Message:
        switch.loyalty.points[request.get(2)] += request.mti == "0400"
        return answer

    switch.fault = generous
    result = tillsim(switch, "load", "--mix", "loyalty", "--transactions", "200", "--connections", "1")
    assert result.exit_code == 1
    assert "DIFFERENT   card 971100******" in result.output


def test_lost_answers_are_reversed_and_leave_no_difference(switch: ToySwitch) -> None:
    def every_seventh(request: Message, answer: Message) -> Message | str:
        lost = request.mti == "0400" or (request.mti[3] == "0" and len(switch.requests) % 7 == 0)
        return "close" if lost else answer

    switch.fault = every_seventh
    result = tillsim(switch, "load", "--mix", "loyalty", "--transactions", "400", "--connections", "2")
    assert result.exit_code == 0, result.output
    assert "wrong 0" in result.output
    assert {"0400", "0401"} <= {request.mti for request in switch.requests}


def test_a_demo_without_points_says_so(switch: ToySwitch) -> None:
    content = json.loads(switch.demo.path.read_text())
    del content["points"], content["loyalty_cards"]
    switch.demo.path.write_text(json.dumps(content))
    result = tillsim(switch, "load", "--mix", "loyalty", "--transactions", "1")
    assert (result.exit_code, result.output) == (2, f"tillsim: {switch.demo.path} has no active loyalty card\n")
