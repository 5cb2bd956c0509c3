"""Section 4, *same message*: what is replayed, what is new, and what is refused 94."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from tests.contract.client import Message
from tests.contract.conftest import House
from tests.contract.till import ACTIVATE, BALANCE, CASH_OUT, REDEEM, REFUND, RELOAD, Answer, Till

Verdict = Literal["stored", "new", "94"]
Changes = dict[int, str | None]


@dataclass
class Scene:
    """A redemption of 10.00 with everything that is compared, already answered, and what may differ in the next."""

    till: Till
    card: str
    other_card: str
    first: Message
    answer: Answer
    next_batch: str

    def changes(self, name: str) -> Changes:
        earlier = self.till.when(minutes=-9)
        much_earlier = self.till.when(minutes=-40)
        table: dict[str, Changes] = {
            "nothing": {},
            "card": {2: self.other_card},
            "amount": {4: f"{1_001:012}"},
            "transaction": {3: RELOAD},
            "receipt": {62: "R-2222"},
            "no receipt": {62: None},
            "batch": {60: self.next_batch},
            "no batch": {60: None},
            "nine minutes": earlier,
            "forty minutes": much_earlier,
            "no time": {12: None, 13: None},
            "track": {2: None, 35: f"{self.card}=4912"},
            "flow digit": {3: "006001"},
            "things not compared": {22: "012", 25: "00", 14: "4912"},
            "amount and batch": {4: f"{1_001:012}", 60: self.next_batch},
            "amount and time": {4: f"{1_001:012}", **much_earlier},
            "amount and nine minutes": {4: f"{1_001:012}", **earlier},
            "receipt and time": {62: "R-2222", **much_earlier},
            "receipt, no time, no batch": {62: "R-2222", 12: None, 13: None, 60: None},
            "card and batch": {2: self.other_card, 60: self.next_batch},
        }
        return table[name]


@pytest.fixture
def scene(house: House, till: Till) -> Scene:
    card, other_card = house.card(till), house.card(till, 30_000)
    batch = till.open_batch()
    first = till.message("0200", REDEEM, card, 1_000, {**till.when(), 60: batch, 62: "R-1111"})
    answer = till.ask(first).expect("00")
    return Scene(till, card, other_card, first, answer, f"{int(batch) % 999_999 + 1:06}")


# fmt: off
AGAIN: list[tuple[str, str, Verdict]] = [
    # MTI    what differs                  what it is
    ("0200", "nothing",                    "stored"),
    ("0200", "no receipt",                 "stored"),
    ("0200", "no batch",                   "stored"),
    ("0200", "no time",                    "stored"),
    ("0200", "nine minutes",               "stored"),
    ("0200", "track",                      "stored"),
    ("0200", "flow digit",                 "stored"),
    ("0200", "things not compared",        "stored"),
    ("0200", "card",                       "94"),
    ("0200", "amount",                     "94"),
    ("0200", "transaction",                "94"),
    ("0200", "receipt",                    "94"),
    ("0200", "amount and nine minutes",    "94"),
    ("0200", "receipt, no time, no batch", "94"),
    ("0200", "forty minutes",              "new"),
    ("0200", "batch",                      "new"),
    ("0200", "amount and batch",           "new"),
    ("0200", "amount and time",            "new"),
    ("0200", "receipt and time",           "new"),
    ("0200", "card and batch",             "new"),
    ("0201", "nothing",                    "stored"),
    ("0201", "forty minutes",              "stored"),
    ("0201", "no receipt",                 "stored"),
    ("0201", "no batch",                   "stored"),
    ("0201", "track",                      "stored"),
    ("0201", "amount",                     "94"),
    ("0201", "card",                       "94"),
    ("0201", "receipt",                    "94"),
]
# fmt: on


@pytest.mark.parametrize(("mti", "differs", "verdict"), AGAIN, ids=[f"{row[0]} {row[1]}" for row in AGAIN])
def test_the_same_stan_again_is_the_stored_answer_or_a_new_message_or_94(
    scene: Scene, mti: str, differs: str, verdict: Verdict
) -> None:
    before = scene.till.balance(scene.card) + scene.till.balance(scene.other_card)
    answer = scene.till.ask(scene.first.but(mti, scene.changes(differs)))
    moved = before - scene.till.balance(scene.card) - scene.till.balance(scene.other_card)
    told = f"the first:\n{scene.answer.story()}\nthe second:\n{answer.story()}"
    if verdict == "stored":
        assert (answer.rc, answer.get(37), moved) == ("00", scene.answer.rrn, 0), told
        assert (answer.get(38), answer.get(54), answer.get(4)) == tuple(scene.answer[de] for de in (38, 54, 4)), told
    elif verdict == "94":
        assert (answer.rc, moved) == ("94", 0), told
    else:
        assert answer.rc == "00", told
        assert answer.rrn != scene.answer.rrn, told
        assert moved == int(answer.asked[4]), told


def test_an_identical_message_gets_an_identical_answer(scene: Scene) -> None:
    again = scene.till.ask(scene.first)
    assert dict(again) == dict(scene.answer), f"{scene.answer.story()}\n{again.story()}"


def test_a_94_is_not_stored_and_leaves_the_first_answer_in_its_place(scene: Scene) -> None:
    scene.till.ask(scene.first.but(changes={4: f"{5:012}"})).expect("94")
    assert scene.till.ask(scene.first.but("0201")).expect("00").rrn == scene.answer.rrn


def test_only_the_newest_message_with_a_stan_counts(scene: Scene) -> None:
    second = scene.first.but(changes={4: f"{1_500:012}", 60: scene.next_batch})
    newest = scene.till.ask(second).expect("00")
    assert scene.till.ask(second.but("0201")).expect("00").rrn == newest.rrn
    assert scene.till.ask(second).expect("00").rrn == newest.rrn


def test_another_terminal_may_use_the_same_stan(scene: Scene, house: House) -> None:
    other = house.till(scene.till.dialect)
    answer = other.do(REDEEM, scene.card, 1_000, {11: scene.first[11]}).expect("00")
    assert answer.rrn != scene.answer.rrn


def test_an_advice_may_use_the_stan_of_a_request(scene: Scene) -> None:
    advice = scene.till.message("0220", REDEEM, scene.card, 300, {11: scene.first[11], **scene.till.when()})
    scene.till.ask(advice).expect("00")
    assert scene.till.balance(scene.card) == 18_700


@pytest.mark.parametrize("de3", [RELOAD, REDEEM, CASH_OUT, REFUND])
def test_any_gift_movement_repeated_moves_once(till: Till, card: str, de3: str) -> None:
    request = till.message("0200", de3, card, None if de3 == CASH_OUT else 10_000)
    first = till.ask(request).expect("00")
    for mti in ("0200", "0201", "0201"):
        assert till.ask(request.but(mti)).expect("00").rrn == first.rrn
    if de3 == CASH_OUT:
        till.void(first).expect("00")
        assert till.balance(card) == 20_000
    else:
        assert till.balance(card) == (10_000 if de3 == REDEEM else 30_000)


def test_an_activation_repeated_sells_once(house: House, till: Till) -> None:
    card = house.inactive_card(till)
    request = till.message("0200", ACTIVATE, card.pan, 15_000)
    first = till.ask(request).expect("00")
    again = till.ask(request.but("0201")).expect("00")
    assert (again.rrn, till.balance(card.pan)) == (first.rrn, 15_000)
    till.void(first).expect("00")


def test_a_void_repeated_undoes_once(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 500).expect("00")
    request = till.void_message(done)
    first = till.ask(request).expect("00")
    assert till.ask(request.but("0201")).expect("00").rrn == first.rrn
    assert till.balance(card) == 20_000


def test_a_partial_approval_is_replayed_as_a_partial_approval(till: Till, card: str) -> None:
    request = till.message("0200", REDEEM, card, 25_000, tables={"CP": "P"})
    first = till.ask(request).expect("10")
    till.do(RELOAD, card, 10_000).expect("00")
    again = till.ask(request.but("0201")).expect("10")
    assert (again.rrn, again.amount, again[54]) == (first.rrn, 20_000, first[54]), again.story()
    assert till.balance(card) == 10_000


def test_a_decline_is_replayed_and_a_new_try_needs_a_new_stan(house: House, till: Till) -> None:
    card = house.card(till, 0)
    request = till.message("0200", REDEEM, card, 500)
    first = till.ask(request).expect("51")
    till.do(RELOAD, card, 10_000).expect("00")
    for mti in ("0200", "0201"):
        assert till.ask(request.but(mti)).expect("51").rrn == first.rrn
    till.ask(request.but(changes={11: till.stan()})).expect("00")
    assert till.balance(card) == 9_500


def test_a_repeat_whose_first_was_never_seen_is_handled_as_the_first(till: Till, card: str) -> None:
    request = till.message("0201", REDEEM, card, 500)
    first = till.ask(request).expect("00")
    assert till.ask(request).expect("00").rrn == first.rrn
    assert till.ask(request.but("0200")).expect("00").rrn == first.rrn
    assert till.balance(card) == 19_500


@pytest.mark.parametrize("undone_by", ["void", "reversal"])
@pytest.mark.parametrize("mti", ["0200", "0201"])
def test_a_message_undone_since_is_not_replayed_but_refused_94(till: Till, card: str, undone_by: str, mti: str) -> None:
    done = till.do(REDEEM, card, 500).expect("00")
    (till.void(done) if undone_by == "void" else till.reverse(done.asked)).expect("00")
    till.ask(done.asked.but(mti)).expect("94")
    assert till.balance(card) == 20_000


def test_a_void_reversed_since_is_not_replayed_but_refused_94(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 500).expect("00")
    void = till.void(done).expect("00")
    till.reverse(void.asked).expect("00")
    till.ask(void.asked.but("0201")).expect("94")
    assert till.balance(card) == 19_500


def test_a_format_error_is_not_stored_the_corrected_message_is_decided(till: Till, card: str) -> None:
    request = till.message("0200", REDEEM, card, 500)
    till.ask(request.but(changes={4: None})).expect("30")
    till.ask(request).expect("00")
    assert till.balance(card) == 19_500


def test_an_unknown_terminals_message_is_not_stored_under_another(till: Till, card: str) -> None:
    request = till.message("0200", REDEEM, card, 500)
    till.ask(request.but(changes={41: "NOSUCHTM"})).expect("89")
    till.ask(request).expect("00")


def test_a_logon_begins_a_new_stan_count(till: Till, card: str) -> None:
    request = till.message("0200", REDEEM, card, 500)
    first = till.ask(request).expect("00")
    till.open_batch()
    assert till.ask(request.but("0201")).expect("00").rrn == first.rrn, "a repeat looks behind the logon"
    second = till.ask(request).expect("00")
    assert second.rrn != first.rrn, f"{first.story()}\n{second.story()}"
    assert till.balance(card) == 19_000


def test_behind_a_logon_a_message_is_found_when_both_carry_the_time(till: Till, card: str) -> None:
    request = till.message("0200", REDEEM, card, 500, till.when())
    first = till.ask(request).expect("00")
    till.open_batch()
    assert till.ask(request).expect("00").rrn == first.rrn
    assert till.balance(card) == 19_500


def test_an_inquiry_with_a_stan_used_before_is_answered(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 500).expect("00")
    inquiry = till.message("0100", BALANCE, card, more={11: done.asked[11]})
    assert till.ask(inquiry).expect("00").available == 19_500
    till.do(REDEEM, card, 500).expect("00")
    assert till.ask(inquiry).expect("00").available == 19_000
