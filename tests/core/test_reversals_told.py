"""What a reversal tells that has nothing to undo: the balance (WIRE-VISA2.md section 3), and to whom not."""

from typing import Any

import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from tests.core.test_sequenced import register
from tests.core.till import PROGRAMME, Shop, available


@pytest.fixture
def shop() -> Shop:
    return Shop()


# fmt: off
NOTHING_TO_UNDO = [
    ("the same once more",   {"rrn": "reversed"}),
    ("undone already",       {"rrn": "reversed", "stan": 90}),
    ("unknown reference",    {"rrn": "632600099999"}),
    ("another amount",       {"rrn": "live", "amount": 1}),
    ("no reference",         {"amount": 7}),
]
# fmt: on


@pytest.mark.parametrize(("name", "asked"), NOTHING_TO_UNDO, ids=[row[0] for row in NOTHING_TO_UNDO])
def test_every_reversal_tells_the_balance_it_leaves(shop: Shop, name: str, asked: dict[str, Any]) -> None:
    till, card = register(shop), shop.card(balance=5000)
    named = {"reversed": till.redeem(card, 1000).rrn, "live": till.redeem(card, 300).rrn}
    assert available(till.undo(card, stan=50, rrn=named["reversed"])) == 4700
    reply = till.undo(card, **{"stan": 50, **asked, "rrn": named.get(asked.get("rrn", ""), asked.get("rrn"))})
    assert (reply.outcome, available(reply), shop.balance(card)) == (Outcome.APPROVED, 4700, 4700)


def test_other_terminals_are_told_nothing_by_a_reversal(shop: Shop) -> None:
    card = shop.card(balance=5000)
    till = shop.till("T1")
    till.redeem(card, 1000)
    assert [till.reverse().balances for _ in range(2)] == [(), ()]


def test_a_reversal_is_no_way_to_ask_for_a_balance_that_a_pin_protects(shop: Shop) -> None:
    till, card = register(shop), shop.card("secret", 5000, pin="4711")
    assert till.undo(card, rrn="632600099999").balances == ()
    paid = till.redeem(card, 1000, pin="4711")
    for _ in range(2):
        assert available(till.undo(card, rrn=paid.rrn)) == 5000, "it has paid here, and was told then"


def test_a_reversal_is_no_way_to_find_cards_under_the_uniform_policy() -> None:
    shop = Shop(PROGRAMME.replace('"plain"', '"uniform"'))
    till, card = register(shop), shop.card(balance=5000)
    answers = [till.undo(one, rrn="632600099999") for one in (card, PAN("9900010000000099999"))]
    assert {(answer.outcome, answer.balances) for answer in answers} == {(Outcome.APPROVED, ())}
    paid = till.redeem(card, 1000)
    assert available(till.undo(card, rrn=paid.rrn)) == available(till.undo(card, rrn=paid.rrn)) == 5000


def test_who_has_guessed_too_often_is_told_nothing_by_a_reversal(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    for number in range(10):
        till.redeem(PAN(f"99000100000000{number:05d}"), 100)
    assert till.redeem(card, 100).outcome is Outcome.COUNT_LIMIT
    assert till.undo(card, rrn="632600099999").balances == ()
