"""A fleet against a toy switch: all is well when it is, and whatever is not is told."""

import json
import re
from collections.abc import Callable

import pytest

from simulators.demo import load_demo
from simulators.fleet_report import FleetReport, Settled
from simulators.journal_file import JournalFile
from simulators.tables import encode_tables
from simulators.wire import Message
from tests.simulators.test_cli import tillsim
from tests.simulators.toy_switch import ToySwitch

SMALL = ("--terminals", "3", "--deeds", "25")


@pytest.mark.parametrize("listener", ["nac", "ascii"])
def test_a_day_without_losses_and_faults_balances_everywhere(switch: ToySwitch, listener: str) -> None:
    result = tillsim(switch, "fleet", *SMALL, "--listener", listener, "--lose", "0", "--faults", "0")
    assert result.exit_code == 0, result.output
    assert "0 lost" in result.output
    assert "3 of 3 batches have the same totals on both sides" in result.output
    assert re.search(r"\b(\d+) of \1 cards hold what the terminals reckon", result.output)
    assert "0320" not in {request.mti for request in switch.requests}


def test_lost_answers_and_power_cuts_change_nothing(switch: ToySwitch) -> None:
    for seed in range(1, 6):
        lose_answers(switch, seed)
    assert {"0200", "0201", "0220", "0400", "0401", "0500"} <= {request.mti for request in switch.requests}


def lose_answers(switch: ToySwitch, seed: int) -> None:
    result = tillsim(switch, "fleet", *SMALL, "--lose", "0.2", "--faults", "0", "--seed", str(seed), "--json")
    report = json.loads(result.output)
    assert result.exit_code == 0, result.output
    assert report["lost"] > 10
    assert report["power_cuts"] > 0
    assert [batch["balanced"] for batch in report["batches"]] == [True] * 3


def test_damaged_journals_are_uploaded_and_explained(switch: ToySwitch) -> None:
    result = tillsim(switch, "fleet", *SMALL, "--faults", "1", "--json")
    report = json.loads(result.output)
    assert result.exit_code == 0, result.output
    forgets, miscounts, untold = sorted(report["batches"], key=lambda batch: str(batch["terminal"]))
    assert "lost a record" in forgets["fault"]
    assert "100 too much" in miscounts["fault"]
    assert "never told" in untold["fault"]
    assert [batch["balanced"] for batch in (forgets, miscounts, untold)] == [False, False, True]
    assert all(batch["uploaded"] for batch in report["batches"])
    assert "differ as they must" in tillsim(switch, "fleet", *SMALL, "--faults", "1").output


def one_more(request: Message, answer: Message) -> Message:
    """Totals that agree, told as if they did not."""
    wrong = request.mti == "0500" and request.get(3) == "920000"
    return Message(answer.mti, answer.fields | {39: "95"}) if wrong else answer


def one_too_many(request: Message, answer: Message) -> Message:
    totals = answer.get(63)
    return Message(answer.mti, answer.fields | {63: "099" + totals[3:]}) if answer.mti == "0510" else answer


def never_enough(request: Message, answer: Message) -> Message:
    return Message(answer.mti, answer.fields | {39: "14"}) if request.get(3) == "006000" else answer


def no_match(request: Message, answer: Message) -> Message:
    return Message(answer.mti, answer.fields | {39: "80"}) if request.mti == "0500" else answer


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [(one_more, "told 95 although they agree"), (one_too_many, "DIFFERENT"), (never_enough, "answered 14, not 00"),
     (no_match, "settle was answered 80")],
)  # fmt: skip
def test_a_switch_that_is_wrong_is_told_of(
    switch: ToySwitch, fault: Callable[[Message, Message], Message], complaint: str
) -> None:
    switch.fault = fault
    result = tillsim(switch, "fleet", *SMALL, "--lose", "0", "--faults", "0")
    assert result.exit_code == 1
    assert complaint in result.output


def test_a_card_that_holds_something_else_is_told_of(switch: ToySwitch) -> None:
    def generous(request: Message, answer: Message) -> Message:
        if request.mti == "0500" and request.get(60) != "000001":
            switch.balances = {pan: balance + 1 for pan, balance in switch.balances.items()}
        return answer

    switch.fault = generous
    result = tillsim(switch, "fleet", "--terminals", "1", "--deeds", "5", "--lose", "0", "--faults", "0")
    assert result.exit_code == 1
    assert "DIFFERENT   card 970000*********02" in result.output


def test_yesterdays_open_batch_is_settled_first(switch: ToySwitch) -> None:
    tillsim(switch, "gift", "redeem", "--amount", "10")
    switch.fault = lambda request, answer: "close" if request.mti == "0200" else answer
    tillsim(switch, "gift", "redeem", "--amount", "10", "--no-reverse")
    switch.fault = lambda request, answer: answer
    before = len(switch.requests)
    assert tillsim(switch, "fleet", "--terminals", "1", "--deeds", "5", "--lose", "0").exit_code == 0
    assert [request.mti for request in switch.requests[before : before + 4]] == ["0400", "0800", "0500", "0800"]
    demo = load_demo(switch.demo.path)
    journal = JournalFile(demo, demo.terminal("TN000001")).read()
    assert [closed.number for closed in journal.closed] == [1, 2]


def test_a_command_to_settle_is_obeyed(switch: ToySwitch) -> None:
    def often(request: Message, answer: Message) -> Message:
        table = encode_tables([("42", "SETTLE")], "nac")
        due = request.mti == "0200" and len(switch.requests) % 20 == 0
        return Message(answer.mti, answer.fields | {63: table}) if due else answer

    switch.fault = often
    result = tillsim(switch, "fleet", "--terminals", "1", "--deeds", "60", "--json")
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.output)["batches"]) > 2


def test_too_few_terminals_and_cards_are_said(switch: ToySwitch) -> None:
    content = json.loads(switch.demo.path.read_text())
    content["gift_cards"] = [card for card in content["gift_cards"] if card["pan"].endswith("0200")]
    switch.demo.path.write_text(json.dumps(content))
    result = tillsim(switch, "fleet", "--deeds", "10")
    assert result.exit_code == 0, result.output
    assert "nac has 3. `tillswitch init --demo --data DIR --terminals 50` makes more." in result.output
    assert "3 terminals share 1 cards" in result.output


def test_nobody_listening_is_exit_code_three(switch: ToySwitch) -> None:
    content = json.loads(switch.demo.path.read_text())
    content["listeners"]["nac"] = 1
    switch.demo.path.write_text(json.dumps(content))
    assert tillsim(switch, "fleet").exit_code == 3


def test_a_demo_without_a_fitting_card_is_said_in_a_sentence(switch: ToySwitch) -> None:
    content = json.loads(switch.demo.path.read_text())
    content["gift_cards"] = [card for card in content["gift_cards"] if card["state"] == "inactive"]
    switch.demo.path.write_text(json.dumps(content))
    result = tillsim(switch, "fleet")
    assert result.exit_code == 2
    assert "has no card that can be loaded and spent at" in result.output


def test_patience_has_an_end(switch: ToySwitch) -> None:
    switch.fault = lambda request, answer: "close" if request.mti == "0500" else answer
    result = tillsim(switch, "fleet", "--terminals", "1", "--patience", "0.2")
    assert result.exit_code == 1
    assert "UNRESOLVED" in result.output


def test_a_switch_that_went_away_is_waited_for_once_and_not_for_each_card(switch: ToySwitch) -> None:
    def gone_after_the_day(request: Message, answer: Message) -> Message | str:
        said = [earlier.mti for earlier in switch.requests if earlier.mti != "0100"]
        return "close" if "0200" in said and said[-1] == "0500" and request.mti == "0100" else answer

    switch.fault = gone_after_the_day
    report = json.loads(tillsim(switch, "fleet", "--terminals", "1", "--patience", "0.2", "--json").output)
    assert len(report["unresolved"]) == 1
    assert "and those after it" in report["unresolved"][0]


def test_no_card_number_in_the_report(switch: ToySwitch) -> None:
    switch.fault = never_enough
    outputs = [tillsim(switch, "fleet", *SMALL, "--faults", "1", *option).output for option in ([], ["--json"])]
    assert not [pan for pan in switch.balances for output in outputs if pan in output]
    assert all("970000*********02" in output for output in outputs)


def test_the_report_tells_expected_from_unexpected_differences() -> None:
    def settled(terminal: int, switch: int, expected: int, fault: str = "") -> Settled:
        one, other, true = ([(count, 100 * count)] for count in (terminal, switch, expected))
        return Settled("TN000001", 7, "949", one, other, true, fault=fault)

    explained = [settled(2, 2, 2), settled(2, 3, 3, "it lost a record")]
    report = FleetReport("nac", settled=explained)
    assert report.ok
    assert "1 of 2 batches" in report.lines()[-2]
    unexplained = FleetReport("nac", settled=[*explained, settled(2, 3, 2)])
    assert not unexplained.ok
    assert [one["as_expected"] for one in unexplained.as_json()["batches"]] == [True, True, False]
    equal_by_mistake = FleetReport("nac", settled=[settled(2, 2, 3, "it lost a record")])
    assert not equal_by_mistake.ok
    assert "must not" in "\n".join(equal_by_mistake.lines())
