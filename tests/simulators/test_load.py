"""Load against a toy switch: right when all is well, alarmed when it is not, and patient when the line breaks."""

import json
from collections.abc import Callable

import pytest
import trio
from click.testing import CliRunner

from simulators.cli import main
from simulators.demo import Demo
from simulators.load import run_load
from simulators.load_line import LoadOptions, Timetable
from simulators.load_report import LoadReport
from simulators.wire import Message
from tests.simulators.conftest import write_demo
from tests.simulators.test_cli import tillsim
from tests.simulators.toy_switch import ToySwitch


@pytest.mark.parametrize("listener", ["nac", "ascii"])
def test_all_is_well_with_a_switch_that_is(switch: ToySwitch, listener: str) -> None:
    result = tillsim(switch, "load", "--transactions", "400", "--connections", "3", "--listener", listener)
    assert result.exit_code == 0, result.output
    assert "wrong 0, lost 0, dialled 3 times" in result.output
    assert "6 of 6 cards hold what this client reckons" in result.output
    assert {request.mti for request in switch.requests} == {"0100", "0200", "0201", "0400"}


@pytest.mark.parametrize(("rate", "lines"), [(300.0, 1500), (50.0, 4), (0.5, 1)])
def test_messages_at_a_rate_are_spread_evenly_over_all_lines(rate: float, lines: int) -> None:
    """A terminal sends when its customer pays, not when all others do."""
    tables = [Timetable(rate, lines, place) for place in range(lines)]
    due = [table.next(1000.0) for _ in range(3) for table in tables]
    assert due == pytest.approx([1000.0 + number / rate for number in range(3 * lines)])
    assert [table.next(2000.0) for table in tables][:1] == [2000.0], "the clock began anew"


def test_the_report_is_json_as_well(switch: ToySwitch) -> None:
    report = json.loads(tillsim(switch, "load", "--transactions", "50", "--connections", "1", "--json").output)
    assert report["ok"]
    assert report["answered"] >= 50
    assert set(report["latency_ms"]) == {"p50", "p90", "p95", "p99", "p99.9", "max"}


def test_fewer_terminals_than_connections_is_said(switch: ToySwitch) -> None:
    result = tillsim(switch, "load", "--transactions", "30", "--connections", "64")
    assert result.exit_code == 0
    assert "nac has 3 terminals" in result.output
    assert "--terminals 64" in result.output


def test_cards_that_are_too_few_are_shared_and_still_verified(switch: ToySwitch) -> None:
    content = json.loads(switch.demo.path.read_text())
    content["gift_cards"] = [card for card in content["gift_cards"] if card["pan"].endswith("0200")]
    switch.demo.path.write_text(json.dumps(content))
    result = tillsim(switch, "load", "--transactions", "200", "--connections", "3")
    assert result.exit_code == 0, result.output
    assert "3 connections share 1 cards" in result.output
    assert "1 of 1 cards" in result.output


def test_inactive_cards_are_sold_first_where_active_ones_are_missing(switch: ToySwitch) -> None:
    content = json.loads(switch.demo.path.read_text())
    content["gift_cards"] = [card for card in content["gift_cards"] if card["pan"][-4:-2] == "01"]
    switch.demo.path.write_text(json.dumps(content))
    assert tillsim(switch, "load", "--transactions", "50", "--connections", "2").exit_code == 0
    sold = [pan for pan, state in switch.states.items() if pan[-4:-2] == "01" and state == "active"]
    assert len(sold) == 2  # of six: four are left for people to sell


def one_too_much(request: Message, answer: Message) -> Message:
    return Message(answer.mti, answer.fields | {4: f"{int(answer.get(4)) + 1:012d}"}) if 38 in answer.fields else answer


def another_rrn(request: Message, answer: Message) -> Message:
    return Message(answer.mti, answer.fields | {37: "999999999999"}) if request.mti == "0201" else answer


def never_enough(request: Message, answer: Message) -> Message:
    return Message(answer.mti, answer.fields | {39: "14"}) if request.get(3) == "006000" else answer


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [(one_too_much, "was answered with"), (another_rrn, "another DE37"), (never_enough, "was answered 14, not 00")],
)
def test_wrong_answers_are_told_and_fail_the_run(
    switch: ToySwitch, fault: Callable[[Message, Message], Message], complaint: str
) -> None:
    switch.fault = fault
    result = tillsim(switch, "load", "--transactions", "200", "--connections", "1")
    assert result.exit_code == 1
    assert complaint in result.output


def test_a_reversal_that_gives_back_too_much_is_found_at_the_end(switch: ToySwitch) -> None:
    def generous(request: Message, answer: Message) -> Message:
        switch.balances[request.get(2)] += request.mti == "0400"
        return answer

    switch.fault = generous
    result = tillsim(switch, "load", "--transactions", "200", "--connections", "1")
    assert result.exit_code == 1
    assert "DIFFERENT   card 970000*********02" in result.output


def test_lost_answers_are_reversed_and_leave_no_difference(switch: ToySwitch) -> None:
    def every_seventh(request: Message, answer: Message) -> Message | str:
        lost = request.mti == "0400" or (request.mti[3] == "0" and len(switch.requests) % 7 == 0)
        return "close" if lost else answer

    switch.fault = every_seventh
    result = tillsim(switch, "load", "--transactions", "300", "--connections", "3")
    assert result.exit_code == 0, result.output
    assert "wrong 0" in result.output
    assert {"0400", "0401"} <= {request.mti for request in switch.requests}


def test_a_switch_that_goes_away_and_comes_back_is_waited_for(demo: Demo) -> None:
    reports: list[LoadReport] = []

    async def play() -> None:
        switch = ToySwitch(demo)
        ports: dict[str, int] = {}
        scopes: list[trio.CancelScope] = []

        def die_once(request: Message, answer: Message) -> Message | None:
            if len(switch.requests) != 60:
                return answer
            scopes[0].cancel()
            return None

        switch.fault = die_once

        async def first_life(task_status: trio.TaskStatus[None]) -> None:
            with trio.CancelScope() as scope:
                scopes.append(scope)

                def started(found: dict[str, int]) -> None:
                    ports.update(found)
                    task_status.started()

                await switch.listen(started)
            await switch.listen(lambda found: None, port=ports["nac"])

        async with trio.open_nursery() as nursery:
            await nursery.start(first_life)
            served = write_demo(demo.path.parent, ports)
            reports.append(await run_load(served, LoadOptions(connections=3, transactions=200)))
            nursery.cancel_scope.cancel()

    trio.run(play)
    [report] = reports
    assert report.ok, report.lines()
    assert report.lost >= 1
    assert report.dialled > 3


def test_a_full_switch_is_asked_again(switch: ToySwitch) -> None:
    def often_full(request: Message, answer: Message) -> Message:
        if len(switch.requests) % 5 or request.mti in ("0200", "0201"):
            return answer
        return Message(answer.mti, answer.fields | {39: "96"})

    switch.fault = often_full
    result = tillsim(switch, "load", "--transactions", "60", "--connections", "1")
    assert result.exit_code == 0, result.output
    assert "96 " in result.output


def test_patience_has_an_end(switch: ToySwitch) -> None:
    def silent_for_reversals(request: Message, answer: Message) -> Message | str:
        return "close" if request.mti in ("0200", "0400", "0401") else answer

    switch.fault = silent_for_reversals
    result = tillsim(switch, "load", "--transactions", "50", "--connections", "1", "--patience", "0.1")
    assert result.exit_code == 1
    assert "UNRESOLVED" in result.output


def test_nobody_listening_is_exit_code_three(demo: Demo) -> None:
    result = CliRunner().invoke(main, ["load", "--demo", str(demo.path), "--seconds", "1"])
    assert result.exit_code == 3
    assert "is `tillswitch serve` running?" in result.output


def test_no_card_number_in_any_report(switch: ToySwitch) -> None:
    switch.fault = never_enough
    output = tillsim(switch, "load", "--transactions", "100", "--connections", "2").output
    assert not [pan for pan in switch.balances if pan in output]
    assert "970000*********02" in output


def test_percentiles_and_histogram_are_of_all_answers() -> None:
    report = LoadReport("nac", latencies=[0.001] * 98 + [0.004, 0.1])
    assert report.percentiles() == {"p50": 1.0, "p90": 1.0, "p95": 1.0, "p99": 100.0, "p99.9": 100.0, "max": 100.0}
    assert sum(count for _, count in report.histogram()) == 100
    assert LoadReport("nac").histogram() == []
