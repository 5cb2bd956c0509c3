"""What a terminal is told of a refusal, and how often it may guess (`switch/core/refusals.py`, WIRE.md section 6)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from specs.outcomes import NOT_STORED, Outcome
from specs.sensitive import PAN
from specs.transaction import MessageClass, Reply
from switch.core.holdings import Block
from switch.core.refusals import Reason
from tests.core.till import PROGRAMME, Shop, Till, clock

UNIFORM = PROGRAMME.replace('"plain"', '"uniform"').replace("guess_limit = 3", "guess_limit = 1000")
UNKNOWN = {"open": PAN("9900100000000009999"), "secret": PAN("9900400000000009999")}
LIMIT = Outcome.COUNT_LIMIT


def inactive(shop: Shop, product: str) -> PAN:
    return shop.card(product)


def expired(shop: Shop, product: str) -> PAN:
    card = shop.card(product, 1000)
    shop.pass_time(days=11)
    return card


def spent(shop: Shop, product: str) -> PAN:
    card = shop.card(product, 1000)
    shop.till("T9").cash_out(card, pin="1234")
    return card


def replaced(shop: Shop, product: str) -> PAN:
    card = shop.card(product, 1000)
    shop.replace(card)
    return card


def blocked(block: Block) -> Callable[[Shop, str], PAN]:
    def make(shop: Shop, product: str) -> PAN:
        card = shop.card(product, 1000)
        shop.block(card, block)
        return card

    return make


HIDDEN: dict[str, Callable[[Shop, str], PAN]] = {
    "unknown": lambda shop, product: UNKNOWN[product],
    "inactive": inactive,
    "expired": expired,
    "spent": spent,
    "replaced": replaced,
    "blocked": blocked(Block.BLOCKED),
    "lost": blocked(Block.LOST),
    "stolen": blocked(Block.STOLEN),
}


def bare(reply: Reply) -> Reply:
    """Without what differs from message to message."""
    return msgspec.structs.replace(reply, rrn=reply.rrn and "", local_date="", local_time="")


@pytest.mark.parametrize("product", ["open", "secret"])
def test_under_the_uniform_policy_all_reasons_about_a_card_look_alike_and_count_alike(product: str) -> None:
    told = set()
    for make in HIDDEN.values():
        shop = Shop(UNIFORM.replace(f'id="{product}",', f'id="{product}", valid_days=10,'))
        till = shop.till()
        card = make(shop, product)
        counted = len(shop.refusals())
        told.add(bare(till.redeem(card, 10, pin="1234")))
        assert len(shop.refusals()) == counted + 2, "by terminal, and by range and store"
    if product == "secret":
        shop = Shop(UNIFORM)
        told.add(bare(shop.till().redeem(shop.card("secret", 1000), 10, pin="0000")))
    (only,) = told
    assert only.outcome is (Outcome.WRONG_PIN if product == "secret" else Outcome.UNKNOWN_CARD)
    assert (only.amount, only.balances, only.approval) == (None, (), None)


def test_the_journal_keeps_the_true_reason() -> None:
    shop = Shop(UNIFORM)
    till, card = shop.till(), shop.card()
    till.redeem(card, 10)
    assert (shop.newest.outcome, shop.newest.reason) == (Outcome.UNKNOWN_CARD, "card_inactive")


def test_a_card_of_another_kind_is_told_under_either_policy_and_counts_nothing() -> None:
    for programme in (PROGRAMME, UNIFORM):
        shop = Shop(programme)
        till, card = shop.till(), shop.card("single", 1000)
        assert till.reload(card, 1000).outcome is Outcome.CARD_NOT_ACTIVE
        assert till.activate(card, 1000).outcome is Outcome.CARD_NOT_ACTIVE
        assert till.redeem(card, 5000).outcome is Outcome.NOT_ENOUGH
        assert shop.refusals() == []


def guess(till: Till, prefix: str, count: int) -> list[Outcome]:
    return [till.redeem(PAN(f"{prefix}{number:08d}"), 10).outcome for number in range(count)]


def test_more_than_the_limit_by_one_terminal_closes_it_for_every_card() -> None:
    shop = Shop()
    till, other, card = shop.till(), shop.till("T2"), shop.card(balance=1000)
    for number, prefix in enumerate(("55550000", "55550001", "55550002", "55550003")):
        assert guess(till, prefix, 1) == [Outcome.UNKNOWN_CARD], number
    assert till.redeem(card, 10).outcome is LIMIT
    assert till.balance(card).outcome is LIMIT
    assert till.void_spend(card, 10, rrn="1").outcome is LIMIT
    assert other.redeem(card, 10).outcome is Outcome.APPROVED


def test_more_than_the_limit_of_one_range_closes_it_in_that_store() -> None:
    shop = Shop()
    tills = [shop.till(f"T{number}") for number in range(6)]
    for till in tills[:4]:
        assert guess(till, "99001000", 1) == [Outcome.UNKNOWN_CARD]
    card, other_range = shop.card(balance=1000), shop.card("gulf", 1000)
    assert tills[4].redeem(card, 10).outcome is LIMIT
    assert tills[4].redeem(other_range, 10).outcome is Outcome.APPROVED
    assert tills[0].redeem(other_range, 10).outcome is Outcome.APPROVED, "one guess does not close a terminal"
    assert shop.till("S1", store="south").redeem(card, 10).outcome is Outcome.APPROVED
    assert shop.till("E1", "B").redeem(card, 10).outcome is Outcome.APPROVED


@pytest.mark.parametrize(("minutes", "outcome"), [(9.9, LIMIT), (11, Outcome.APPROVED)])
@pytest.mark.parametrize("seconds", [0, 29, 50])
def test_guesses_count_for_ten_minutes(minutes: float, outcome: Outcome, seconds: int) -> None:
    """By whole minutes: never shorter than ten, and not much longer."""
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    shop.pass_time(seconds=seconds)
    guess(till, "55550000", 4)
    shop.pass_time(minutes=minutes, seconds=-1)
    assert till.redeem(card, 10).outcome is outcome


def test_the_limit_itself_counts_nothing_so_that_it_ends() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    guess(till, "55550000", 4)
    for _ in range(20):
        assert till.redeem(card, 10).outcome is LIMIT
        shop.pass_time(minutes=0.4)
    shop.pass_time(minutes=4)
    assert till.redeem(card, 10).outcome is Outcome.APPROVED


def test_forced_messages_and_reversals_are_not_held_up_by_guesses() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    till.redeem(card, 10)
    message = till.sent
    guess(till, "55550000", 4)
    assert till.redeem(card, 10, message_class=MessageClass.ADVICE, **clock(shop.now)).outcome is Outcome.APPROVED
    assert till.reverse(message).outcome is Outcome.APPROVED


def test_wrong_pins_count_as_guesses() -> None:
    shop = Shop()
    till = shop.till()
    for _ in range(4):
        assert till.redeem(shop.card("private", 1000), 10, pin="0000").outcome is Outcome.WRONG_PIN
    assert till.redeem(shop.card(balance=1000), 10).outcome is LIMIT


@pytest.mark.parametrize("reason", Reason)
def test_no_reason_that_counts_as_a_guess_goes_unrecorded(reason: Reason) -> None:
    assert not (reason.guess and reason.outcome in NOT_STORED)


def test_every_reason_has_a_name_of_its_own() -> None:
    assert len({reason.text for reason in Reason}) == len(list(Reason))
