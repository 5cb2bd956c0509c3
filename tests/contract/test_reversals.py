"""Section 4, *Reversal*: how the original is found, what is undone, and what a reversal before its original does."""

from __future__ import annotations

import pytest

from tests.contract.client import Message
from tests.contract.conftest import House
from tests.contract.till import ACTIVATE, CASH_OUT, REDEEM, REFUND, RELOAD, Answer, Till, by_de90

Changes = dict[int, str | None]


def references(till: Till, original: Answer) -> dict[str, Changes]:
    """The four ways to name an original; all but the last under a STAN of the reversal's own."""
    return {
        "DE90": {90: by_de90(original.asked)},
        "DE37": {37: original.rrn},
        "DE62": {62: original.asked[62]},
        "DE11": {11: original.asked[11]},
    }


@pytest.mark.parametrize("mti", ["0400", "0401", "0420", "0421"])
@pytest.mark.parametrize("reference", ["DE90", "DE37", "DE62", "DE11"])
def test_a_reversal_finds_its_original_by_any_reference(till: Till, card: str, reference: str, mti: str) -> None:
    done = till.do(REDEEM, card, 900, {62: till.receipt()}).expect("00")
    till.reverse(done.asked, references(till, done)[reference], mti).expect("00")
    assert till.balance(card) == 20_000


@pytest.mark.parametrize("de3", [RELOAD, REDEEM, REFUND])
def test_every_gift_movement_can_be_reversed(till: Till, card: str, de3: str) -> None:
    done = till.do(de3, card, 10_000).expect("00")
    till.reverse(done.asked).expect("00")
    assert till.balance(card) == 20_000


def test_a_cash_out_is_reversed_by_what_it_took(till: Till, card: str) -> None:
    done = till.do(CASH_OUT, card).expect("00")
    till.reverse(done.asked, {4: done[4], 37: done.rrn}).expect("00")
    assert till.balance(card) == 20_000


def test_an_activation_is_reversed_and_the_card_is_unsold_again(house: House, till: Till) -> None:
    card = house.inactive_card(till)
    done = till.do(ACTIVATE, card.pan, 15_000).expect("00")
    till.reverse(done.asked).expect("00")
    again = till.do(ACTIVATE, card.pan, 16_000).expect("00")
    assert again.available == 16_000, again.story()
    till.reverse(again.asked).expect("00")


@pytest.mark.parametrize("reference", ["DE90", "DE37", "DE62", "DE11"])
@pytest.mark.parametrize("named", ["asked", "approved"])
def test_a_partial_approval_is_reversed_by_either_amount_and_gives_back_what_was_taken(
    till: Till, card: str, reference: str, named: str
) -> None:
    done = till.do(REDEEM, card, 30_000, {62: till.receipt()}, {"CP": "P"}).expect("10")
    amount = done.asked[4] if named == "asked" else done[4]
    till.reverse(done.asked, {**references(till, done)[reference], 4: amount}).expect("00")
    assert till.balance(card) == 20_000


@pytest.mark.parametrize("reference", ["DE90", "DE37", "DE62", "DE11"])
def test_a_reversal_repeated_undoes_once(till: Till, card: str, reference: str) -> None:
    done = till.do(REDEEM, card, 900, {62: till.receipt()}).expect("00")
    reversal = till.reversal_message(done.asked, references(till, done)[reference])
    for mti in ("0400", "0401", "0400", "0420", "0421"):
        till.ask(reversal.but(mti)).expect("00")
        assert till.balance(card) == 20_000


def test_a_second_reversal_with_a_new_stan_moves_nothing(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 900).expect("00")
    till.reverse(done.asked, {37: done.rrn}).expect("00")
    till.reverse(done.asked, {37: done.rrn}).expect("00")
    assert till.balance(card) == 20_000


@pytest.mark.parametrize("reference", ["DE90", "DE37", "DE62", "DE11"])
@pytest.mark.parametrize("differs", ["card", "amount", "transaction"])
def test_a_reversal_with_another_card_amount_or_transaction_finds_nothing(
    house: House, till: Till, card: str, reference: str, differs: str
) -> None:
    other = house.card(till, 30_000)
    done = till.do(REDEEM, card, 900, {62: till.receipt()}).expect("00")
    wrong = {"card": (2, other), "amount": (4, f"{901:012}"), "transaction": (3, REFUND)}
    field, text = wrong[differs]
    reversal = till.reversal_message(done.asked, references(till, done)[reference])
    till.ask(reversal.but(changes={field: text})).expect("00")
    assert (till.balance(card), till.balance(other)) == (19_100, 30_000)


def test_the_sixth_digit_is_not_compared_in_a_reversal(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 900).expect("00")
    till.ask(till.reversal_message(done.asked).but(changes={3: "006001"})).expect("00")
    assert till.balance(card) == 20_000


def test_the_card_of_a_reversal_may_come_from_a_track(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 900).expect("00")
    till.ask(till.reversal_message(done.asked).but(changes={2: None, 35: f"{card}=4912"})).expect("00")
    assert till.balance(card) == 20_000


# fmt: off
STRONGER_WINS = [  # the stronger names the first redemption, the weaker the second
    ("DE90", "DE37"), ("DE90", "DE62"), ("DE90", "DE11"), ("DE37", "DE62"), ("DE37", "DE11"), ("DE62", "DE11"),
]
# fmt: on


@pytest.mark.parametrize(("stronger", "weaker"), STRONGER_WINS)
def test_of_two_references_the_stronger_one_decides(till: Till, card: str, stronger: str, weaker: str) -> None:
    first = till.do(REDEEM, card, 900, {62: till.receipt()}).expect("00")
    second = till.do(REDEEM, card, 900, {62: till.receipt()}).expect("00")
    named = references(till, second)[weaker] | references(till, first)[stronger]
    till.reverse(first.asked, named).expect("00")
    till.void(first).expect("79")
    till.void(second).expect("00")
    assert till.balance(card) == 20_000


def test_of_several_that_fit_the_newest_not_yet_undone_is_meant(till: Till, card: str) -> None:
    receipt = till.receipt()
    first = till.do(REDEEM, card, 900, {62: receipt}).expect("00")
    second = till.do(REDEEM, card, 900, {62: receipt}).expect("00")
    till.reverse(second.asked, {62: receipt}).expect("00")
    till.void(second).expect("79")
    till.reverse(first.asked, {62: receipt}).expect("00")
    till.void(first).expect("79")
    assert till.balance(card) == 20_000


def test_a_receipt_finds_nothing_whose_stan_comes_after_the_reversals(till: Till, card: str) -> None:
    receipt, earlier = till.receipt(), till.stan()
    done = till.do(REDEEM, card, 900, {62: receipt}).expect("00")
    till.reverse(done.asked, {62: receipt, 11: earlier}).expect("00")
    assert till.balance(card) == 19_100
    till.reverse(done.asked, {62: receipt}).expect("00")
    assert till.balance(card) == 20_000


def test_stans_are_compared_around_the_wrap(till: Till, card: str) -> None:
    receipt = till.receipt()
    high = till.do(REDEEM, card, 900, {62: receipt, 11: f"{999_000 + int(receipt) % 900:06}"}).expect("00")
    till.reverse(high.asked, {62: receipt, 11: f"{1 + int(receipt) % 900:06}"}).expect("00")
    assert till.balance(card) == 20_000


# Before the original.


def early(till: Till, original: Message, more: Changes) -> None:
    till.ask(till.reversal_message(original, more)).expect("00")


@pytest.mark.parametrize("mti", ["0200", "0201"])
@pytest.mark.parametrize("de3", [RELOAD, REDEEM, REFUND])
def test_an_original_that_comes_after_its_reversal_is_refused_94(till: Till, card: str, de3: str, mti: str) -> None:
    original = till.message(mti, de3, card, 10_000)
    early(till, original, {11: original[11]})
    till.ask(original).expect("94")
    till.ask(original.but("0201")).expect("94")
    assert till.balance(card) == 20_000


def test_an_activation_that_comes_after_its_reversal_is_refused_94(house: House, till: Till) -> None:
    card = house.inactive_card(till)
    original = till.message("0200", ACTIVATE, card.pan, 15_000)
    early(till, original, {11: original[11]})
    till.ask(original).expect("94")
    done = till.do(ACTIVATE, card.pan, 15_000).expect("00")
    till.void(done).expect("00")


def test_an_advice_that_comes_after_its_reversal_is_refused_94(till: Till, card: str) -> None:
    original = till.message("0220", REDEEM, card, 900, till.when())
    early(till, original, {11: original[11]})
    till.ask(original).expect("94")
    assert till.balance(card) == 20_000


def test_a_lower_stan_with_the_reversed_receipt_is_refused_94(till: Till, card: str) -> None:
    original = till.message("0200", REDEEM, card, 900, {62: till.receipt()})
    early(till, original, {62: original[62]})
    till.ask(original).expect("94")
    assert till.balance(card) == 20_000


# fmt: off
NOT_MEANT: list[tuple[str, Changes]] = [
    ("a higher STAN with the receipt", {11: "higher"}),
    ("another receipt and STAN",       {11: "higher", 62: "OTHER1"}),
    ("another amount",                 {4: f"{901:012}"}),
    ("another card",                   {2: "other"}),
    ("another batch",                  {60: "next"}),
]
# fmt: on


@pytest.mark.parametrize(("what", "changes"), NOT_MEANT, ids=[row[0] for row in NOT_MEANT])
def test_an_early_reversal_stops_only_what_it_names(
    house: House, till: Till, card: str, what: str, changes: Changes
) -> None:
    other = house.card(till, 30_000)
    batch = till.open_batch()
    original = till.message("0200", REDEEM, card, 900, {60: batch, 62: till.receipt()})
    early(till, original, {62: original[62]})
    words = {"higher": till.stan(), "other": other, "next": f"{int(batch) % 999_999 + 1:06}"}
    changed: Changes = {de: words.get(text, text) if text else text for de, text in changes.items()}
    till.ask(original.but(changes=changed)).expect("00")
    till.ask(original).expect("94")


def test_another_terminals_reversal_stops_nothing(till: Till, other_till: Till, card: str) -> None:
    original = till.message("0200", REDEEM, card, 900)
    early(other_till, original, {11: original[11]})
    till.ask(original).expect("00")


# What a reversal does, by what the original is: the column "reversal" of the table of undoing.


def test_a_reversal_of_a_refused_transaction_moves_nothing(house: House, till: Till) -> None:
    card = house.card(till, 0)
    refused = till.do(REDEEM, card, 900).expect("51")
    till.do(RELOAD, card, 10_000).expect("00")
    till.reverse(refused.asked).expect("00")
    assert till.balance(card) == 10_000


def test_a_reversal_of_another_terminals_transaction_moves_nothing(till: Till, other_till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 900, {62: till.receipt()}).expect("00")
    for more in references(till, done).values():
        other_till.reverse(done.asked, more).expect("00")
    assert till.balance(card) == 19_100
    till.void(done).expect("00")


def test_a_reversal_of_a_voided_transaction_moves_nothing(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 900).expect("00")
    till.void(done).expect("00")
    till.reverse(done.asked).expect("00")
    assert till.balance(card) == 20_000


@pytest.mark.parametrize("reference", ["DE11", "DE37", "DE62"])
def test_a_reversed_void_makes_the_transaction_live_again(till: Till, card: str, reference: str) -> None:
    done = till.do(REDEEM, card, 900, {62: till.receipt()}).expect("00")
    void = till.void(done, {62: done.asked[62]}).expect("00")
    names: dict[str, Changes] = {
        "DE11": {11: void.asked[11]},
        "DE37": {37: done.rrn},  # of the voided transaction
        "DE62": {62: done.asked[62]},
    }
    named = names[reference]
    till.reverse(void.asked, named).expect("00")
    assert till.balance(card) == 19_100
    till.reverse(void.asked, named, "0401").expect("00")
    assert till.balance(card) == 19_100
    till.void(done).expect("00")
    assert till.balance(card) == 20_000


def test_a_reversal_undoes_the_live_returns_too(till: Till, card: str) -> None:
    done = till.do(REDEEM, card, 900).expect("00")
    returned = till.do(REFUND, card, 400, {37: done.rrn}).expect("00")
    till.reverse(done.asked).expect("00")
    assert till.balance(card) == 20_000
    till.void(returned).expect("79")


def test_a_reversal_in_a_closed_batch_still_undoes(till: Till, card: str) -> None:
    batch = till.open_batch()
    done = till.do(REDEEM, card, 900, {60: batch}).expect("00")
    till.do(REDEEM, card, 10, {60: f"{int(batch) % 999_999 + 1:06}"}).expect("00")
    till.reverse(done.asked, {37: done.rrn, 60: None}).expect("00")
    assert till.balance(card) == 19_990


def test_a_reversed_load_that_was_spent_leaves_the_card_empty_never_below(house: House, till: Till) -> None:
    card = house.card(till, 0)
    done = till.do(RELOAD, card, 10_000).expect("00")
    till.do(REDEEM, card, 7_000).expect("00")
    till.reverse(done.asked).expect("00")
    assert till.balance(card) == 0
    till.do(RELOAD, card, 12_000).expect("00")
    assert till.balance(card) == 12_000, "what was missing is the merchant's, not the card's"
