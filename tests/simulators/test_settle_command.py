"""`tillsim settle` against a toy switch: what it prints, what it sends, how it ends and goes on."""

import json

import pytest

from simulators.demo import load_demo
from simulators.journal_file import FOLDER, JournalFile
from simulators.wire import Message
from tests.simulators.conftest import PIN, PINNED_PAN
from tests.simulators.test_cli import tillsim
from tests.simulators.toy_switch import ToySwitch


def trade(switch: ToySwitch, *options: str) -> None:
    for command, amount in (("redeem", "25"), ("redeem", "10"), ("reload", "50")):
        assert tillsim(switch, "gift", command, "--amount", amount, *options).exit_code == 0


def settlements(switch: ToySwitch) -> list[tuple[str, str]]:
    return [(one.get(3), one.get(60)) for one in switch.requests if one.mti == "0500"]


@pytest.mark.parametrize("listener", ["nac", "ascii"])
def test_a_day_that_agrees_is_closed(switch: ToySwitch, listener: str) -> None:
    tillsim(switch, "logon", "--listener", listener)
    trade(switch, "--listener", listener)
    result = tillsim(switch, "settle")
    assert result.exit_code == 0
    assert settlements(switch) == [("920000", "000001")]
    assert [line.split() for line in result.output.splitlines()][-5:] == [
        ["Batch", "000001"],
        ["terminal", "switch"],
        ["redeemed", "2x", "35.00", "2x", "35.00"],
        ["loaded", "1x", "50.00", "1x", "50.00"],
        ["CLOSED"],
    ]
    tillsim(switch, "gift", "balance", "--listener", listener)
    assert switch.requests[-1].get(60) == "000002"


def test_what_the_terminal_does_not_have_is_told_and_uploaded(switch: ToySwitch) -> None:
    trade(switch)
    demo = load_demo(switch.demo.path)
    with JournalFile(demo, demo.terminal("TN000001")).change() as journal:
        del journal.items[0]
    output = tillsim(switch, "settle").output
    assert "TOTALS DIFFER (95)" in output
    assert "2 records uploaded" in output
    assert "CLOSED AFTER UPLOAD, TOTALS DIFFER" in output
    assert [code for code, _ in settlements(switch)] == ["920000", "960000"]


def test_a_terminal_without_a_number_asks_for_it(switch: ToySwitch) -> None:
    trade(switch)
    assert all(60 not in request.fields for request in switch.requests)
    result = tillsim(switch, "settle", "--json")
    shown = json.loads(result.output)
    assert (shown["result"], shown["batch"], shown["uploaded"]) == ("closed", "000001", 0)
    assert shown["terminal"]["redeemed"] == shown["switch"]["redeemed"] == {"count": 2, "amount_minor": 3500}
    assert [message["transaction"] for message in shown["messages"]] == ["logon", "settle"]


@pytest.mark.parametrize("blocks", ["1", "2", "4", "6"])
def test_as_many_blocks_as_asked_for(switch: ToySwitch, blocks: str) -> None:
    trade(switch)
    assert tillsim(switch, "settle", "--blocks", blocks).exit_code == 0
    assert len(switch.requests[-1].get(63)) == 15 * int(blocks)


def test_a_clear_closes_whatever_the_totals(switch: ToySwitch) -> None:
    trade(switch)
    result = tillsim(switch, "settle", "--clear")
    assert result.exit_code == 0
    assert "CLEARED" in result.output
    assert [code for code, _ in settlements(switch)] == ["940000"]


def test_an_unanswered_sale_is_reversed_before_the_settlement(switch: ToySwitch) -> None:
    tillsim(switch, "logon")
    switch.fault = lambda request, answer: "close" if request.mti == "0200" else answer
    tillsim(switch, "gift", "redeem", "--amount", "10", "--no-reverse")
    output = tillsim(switch, "settle").output
    assert [request.mti for request in switch.requests[-2:]] == ["0400", "0500"]
    assert "REVERSAL OF GIFT CARD PAYMENT: 00 approved" in output
    assert "nothing in it" in output


def test_a_settlement_without_answer_goes_on_later(switch: ToySwitch) -> None:
    trade(switch)
    switch.fault = lambda request, answer: "close" if request.mti == "0500" else answer
    result = tillsim(switch, "settle")
    assert result.exit_code == 3
    assert result.output.count("SETTLEMENT: the switch closed the connection") == 1
    assert "goes on from here" in result.output
    assert len(settlements(switch)) == 3
    switch.fault = lambda request, answer: answer
    assert "CLOSED" in tillsim(switch, "settle").output
    assert {number for _, number in settlements(switch)} == {"000001"}


def test_an_upload_that_stopped_goes_on_with_the_rest(switch: ToySwitch) -> None:
    trade(switch)

    def stops(request: Message, answer: Message) -> Message | str:
        if request.get(3) == "920000" and request.mti == "0500":
            return Message(answer.mti, answer.fields | {39: "95"})
        return "close" if request.get(60)[4:10] == "000002" else answer

    switch.fault = stops
    assert tillsim(switch, "settle").exit_code == 3
    switch.fault = lambda request, answer: answer
    assert tillsim(switch, "settle").exit_code == 0
    uploads = [request.get(60)[4:10] for request in switch.requests if request.mti == "0320"]
    assert uploads == ["000001", "000002", "000002", "000002", "000002", "000003"]


def test_a_refused_settlement_is_exit_code_one(switch: ToySwitch) -> None:
    tillsim(switch, "logon")
    switch.fault = lambda request, answer: Message(answer.mti, answer.fields | {39: "80"})
    result = tillsim(switch, "settle")
    assert result.exit_code == 1
    assert "NOT CLOSED (80)" in result.output


def test_two_niis_have_two_batches(switch: ToySwitch) -> None:
    tillsim(switch, "logon", "--nii", "90")
    trade(switch, "--nii", "90")
    assert switch.requests[-1].get(24) == "090"
    assert "nothing in it" in tillsim(switch, "settle").output
    assert "2x 35.00" in tillsim(switch, "settle", "--nii", "90").output


def test_no_secret_in_what_a_settlement_shows(switch: ToySwitch) -> None:
    tillsim(switch, "logon")
    for options in (["--trace"], ["--json"]):
        tillsim(switch, "gift", "redeem", "--card", PINNED_PAN, "--amount", "10")
        switch.fault = lambda request, answer: (
            Message(answer.mti, answer.fields | {39: "95"}) if request.get(3) == "920000" else answer
        )
        output = tillsim(switch, "settle", *options).output
        switch.fault = lambda request, answer: answer
        assert "970000*********3310" in output
        assert PINNED_PAN not in output
        assert PIN not in output
    files = list(switch.demo.path.with_name(FOLDER).iterdir())
    assert all(file.stat().st_mode & 0o077 == 0 for file in files if file.suffix == ".json")
    assert not [file for file in files if PIN in file.read_text()]
