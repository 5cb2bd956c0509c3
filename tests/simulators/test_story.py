"""Stories: read, checked, played on a toy switch, and their differences told."""

from typing import Any

import pytest
from click.testing import CliRunner

from simulators.cli import main
from simulators.demo import DemoError
from simulators.expectations import Difference, Played, differences, resolve
from simulators.state import Deed
from simulators.story import Expectation, Step, packaged_stories, parse_story
from simulators.terminal import Exchange
from simulators.wire import Message
from tests.simulators.conftest import PIN, PINNED_PAN
from tests.simulators.test_cli import tillsim
from tests.simulators.toy_switch import ToySwitch

PLAYED = [(name, listener) for name, one in packaged_stories().items() for listener in one.dialects]


@pytest.mark.parametrize(("name", "listener"), [(name, where) for name, where in PLAYED if where != "visa2"])
def test_every_packaged_story_can_be_played_again_and_again(switch: ToySwitch, name: str, listener: str) -> None:
    before = dict(switch.balances), dict(switch.states), dict(switch.loyalty.points), dict(switch.loyalty.states)
    for _ in range(2):
        result = tillsim(switch, "story", name, "--listener", listener)
        assert result.exit_code == 0, result.output
        assert "as expected" in result.output
        assert (switch.balances, switch.states, switch.loyalty.points, switch.loyalty.states) == before


def test_a_story_that_fails_shows_what_was_expected_and_what_came(switch: ToySwitch) -> None:
    def greedy(request: Message, answer: Message) -> Message:
        return Message(answer.mti, answer.fields | {4: "000000002501"}) if request.get(3) == "006000" else answer

    switch.fault = greedy
    result = tillsim(switch, "story", "first-sale")
    assert result.exit_code == 1
    assert "FAIL  sale" in result.output
    row = next(line.split() for line in result.output.splitlines() if line.strip().startswith("amount"))
    assert row == ["amount", "2500", "2501"]
    assert "after" not in result.output  # what follows a failure is not played, the cleanup is
    assert switch.balances == {card.pan: card.balance for card in switch.demo.gift_cards}


def test_a_switch_that_says_nothing_is_exit_code_three(switch: ToySwitch) -> None:
    switch.fault = lambda request, answer: None if request.mti == "0200" else answer
    result = tillsim(switch, "story", "first-sale", "--timeout", "0.2")
    assert result.exit_code == 3
    assert "no answer within 0.2 seconds" in result.output


def test_stories_show_no_secrets(switch: ToySwitch) -> None:
    for option in ("--trace", "--json"):
        output = tillsim(switch, "story", "card-with-pin", option).output
        assert "970000*********3310" in output
        assert PINNED_PAN not in output
        assert PIN not in output


def test_a_story_is_played_only_in_its_dialects(switch: ToySwitch) -> None:
    refused = tillsim(switch, "story", "visa2-debit", "--listener", "nac")
    assert (refused.exit_code, "is for visa2" in refused.output) == (2, True)
    played = tillsim(switch, "story", "all", "--listener", "ascii").output
    assert [name for name, where in PLAYED if where == "ascii"] == [
        line.partition(":")[0] for line in played.splitlines() if line[:1].isalpha()
    ]


def test_the_packaged_stories_are_listed() -> None:
    output = CliRunner().invoke(main, ["stories"]).output
    assert all(line.startswith(f"{name} ") for line, name in zip(output.splitlines(), packaged_stories(), strict=True))
    assert len(output.splitlines()) == len(packaged_stories()) >= 11
    assert "first-sale" in output


HEAD = 'title = "t"\n[cards]\ngift = {}\n[[steps]]\n'
BALANCE = HEAD + 'send = "balance"\ncard = "gift"\n'
# fmt: off
WRONG: list[tuple[str, str, str]] = [
    ("no toml",          "title = ",                                          "Invalid"),
    ("no title",         "steps = []",                                        "title"),
    ("unknown key",      BALANCE + "ammount = 3",                             "ammount"),
    ("unknown send",     HEAD + 'send = "reedem"',                            "reedem"),
    ("unknown card",     HEAD + 'send = "balance"\ncard = "gitf"',            "gitf"),
    ("of nothing",       HEAD + 'send = "void"\nof = "sale"',                 "no earlier step"),
    ("later reference",  BALANCE + 'expect = { balance = "$x.balance" }',     "no earlier step"),
    ("no dialect",       "dialects = []\n" + BALANCE,                        "dialects"),
    ("unknown dialect",  'dialects = ["visa3"]\n' + BALANCE,                 "visa3"),
    ("damage elsewhere", BALANCE + 'damage = "request"',                     "visa2 alone"),
    ("unknown damage",   BALANCE + 'damage = "everything"',                  "everything"),
    ("session elsewhere", BALANCE + 'expect = { session = "<ENQ" }',         "visa2 alone"),
    ("expression",       BALANCE + 'expect = { balance = "$x.balance / 2" }', "not a reference"),
]
# fmt: on


@pytest.mark.parametrize(("name", "content", "words"), WRONG, ids=[row[0] for row in WRONG])
def test_a_story_with_a_mistake_is_refused_before_anything_is_sent(name: str, content: str, words: str) -> None:
    with pytest.raises(DemoError, match=words):
        parse_story(content.encode(), "mine.toml")


def exchange(fields: dict[int, str], asked: dict[int, str] | None = None) -> Exchange:
    request = Message("0200", {11: "000001", 62: "000009"} | (asked or {}))
    return Exchange(Deed("redeem", request), request, Message("0210", fields))


SALE = Played("redeem", Message("0200", {11: "000001", 62: "000009"}), exchange({
    4: "000000002500", 37: "632700000001", 38: "A1", 39: "00", 54: "6002949C000000007500",
}))  # fmt: skip


@pytest.mark.parametrize(
    ("value", "found"),
    [(7, 7), ("00", "00"), ("$sale.rrn", "632700000001"), ("$sale.balance", 7500), ("$sale.balance - 2500", 5000),
     ("$sale.amount + 1", 2501), ("$sale.stan", "000001"), ("$sale.receipt", "000009"), ("$sale.code", "00")],
)  # fmt: skip
def test_references_are_resolved(value: int | str, found: int | str) -> None:
    assert resolve(value, {"sale": SALE}) == found


# fmt: off
DIFFERENT: list[tuple[dict[str, Any], list[Difference]]] = [
    ({"code": "00", "amount": 2500, "balance": 7500, "present": [37, 38], "absent": [2, "TP"]}, []),
    ({"code": "51"},                   [Difference("code", "51", "00")]),
    ({"balance": "$sale.balance - 1"}, [Difference("balance", "7499", "7500")]),
    ({"currencies": 2},                [Difference("currencies", "2", "1")]),
    ({"batch": "000001"},              [Difference("batch", "000001", "nothing")]),
    ({"present": [60, "TP"]},          [Difference("field 60", "present", "absent"),
                                        Difference("field TP", "present", "absent")]),
    ({"absent": [38]},                 [Difference("field 38", "absent", "present")]),
    ({"same_as": "sale"},              []),
]
# fmt: on


@pytest.mark.parametrize(("expect", "found"), DIFFERENT)
def test_differences_name_field_expectation_and_answer(expect: dict[str, Any], found: list[Difference]) -> None:
    step = Step("redeem", expect=Expectation(**expect))
    assert SALE.exchange
    assert differences(step, SALE.exchange, {"sale": SALE}, "nac") == found


def test_an_unreadable_balance_is_a_difference_not_a_crash() -> None:
    step = Step("redeem", expect=Expectation(balance=1))
    found = differences(step, exchange({39: "00", 54: "nonsense"}), {}, "nac")
    assert found == [Difference("balance", "1", "nothing readable")]
