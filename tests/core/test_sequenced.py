"""Terminals that name themselves by a number and count their messages from 1 to 9999: who is it, the same message,
undoing without a reference (WIRE-VISA2.md sections 2 and 3)."""

from typing import Any

import msgspec
import pytest

from specs import limits
from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Acceptor, Kind, Line, MessageClass, Reply, Request
from switch.core.clock import HOUR
from tests.core.till import Shop, Till, available

HERE = Acceptor("888000000001", "0001", "0002", "999995")
NUMBER = HERE.number
REVERSAL = MessageClass.REVERSAL


class Register(Till):
    """A terminal that knows no ids."""

    def write(self, kind: Kind, card: PAN | None = None, amount: int | None = None, **fields: Any) -> Request:
        said: dict[str, Any] = {"acceptor": HERE, "sequenced": True} | fields
        request = super().write(kind, card, amount, **said)
        return msgspec.structs.replace(request, merchant_id="", terminal_id="")

    def undo(self, card: PAN, amount: int = 0, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_ANY, card, amount, message_class=REVERSAL, **fields))

    def void(self, card: PAN, amount: int = 0, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_VOID, card, amount, **fields))


@pytest.fixture
def shop() -> Shop:
    return Shop()


def register(shop: Shop, **profile: Any) -> Register:
    shop.till("REG1", number=NUMBER, **profile)
    return Register(shop, "REG1", "A")


# -- who is it --------------------------------------------------------------------------------------------------------
def test_a_terminal_is_found_by_its_number(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    assert till.redeem(card, 1000).outcome is Outcome.APPROVED
    assert (shop.newest.terminal, shop.newest.merchant) == (till.record.id, till.record.merchant)


@pytest.mark.parametrize(("profile", "said", "outcome"), [
    ({},                         {},                              Outcome.APPROVED),
    ({},                         {"merchant_number": "0" * 11 + "1"}, Outcome.UNKNOWN_MERCHANT),
    ({},                         {"store_number": "0002"},        Outcome.UNKNOWN_MERCHANT),
    ({},                         {"terminal_number": "0001"},     Outcome.UNKNOWN_MERCHANT),
    ({},                         {"acquirer": "111111"},          Outcome.APPROVED),
    ({"acquirer": "999995"},     {"acquirer": "111111"},          Outcome.UNKNOWN_TERMINAL),
    ({"acquirer": "999995"},     {},                              Outcome.APPROVED),
    ({"agent_bank": "000001"},   {"agent_bank": "000002"},        Outcome.UNKNOWN_TERMINAL),
    ({"agent_bank": "000001"},   {"agent_bank": ""},              Outcome.APPROVED),
    ({"agent_chain": "000001"},  {"agent_chain": "000002"},       Outcome.UNKNOWN_TERMINAL),
    ({"active": False},          {},                              Outcome.UNKNOWN_TERMINAL),
])  # fmt: skip
def test_what_is_not_said_or_not_known_is_not_compared(
    shop: Shop, profile: dict[str, Any], said: dict[str, str], outcome: Outcome
) -> None:
    till, card = register(shop, **profile), shop.card(balance=5000)
    assert till.redeem(card, 100, acceptor=msgspec.structs.replace(HERE, **said)).outcome is outcome


def test_a_certificate_speaks_for_its_merchants_only(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    assert till.redeem(card, 100, line=Line("tls", frozenset({"B"}))).outcome is Outcome.NOT_ALLOWED
    assert till.redeem(card, 100, line=Line("tls", frozenset({"A"}))).outcome is Outcome.APPROVED


def test_a_terminal_that_speaks_as_both_at_once_is_decided_once(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    ids = Till(shop, "REG1", "A").write(Kind.GIFT_REDEEM, card, 1000)
    replies = shop.hear_all([ids, till.write(Kind.GIFT_REDEEM, card, 1000)])
    assert [reply.outcome for reply in replies] == [Outcome.APPROVED, Outcome.INTERNAL]
    assert shop.balance(card) == 4000


def test_the_same_card_here_and_there(shop: Shop) -> None:
    till, other, card = register(shop), shop.till("T1"), shop.card(balance=None)
    assert other.activate(card, 5000).outcome is Outcome.APPROVED
    assert available(till.redeem(card, 1000)) == 4000
    assert available(other.balance(card)) == 4000


# -- the same message -------------------------------------------------------------------------------------------------
def test_the_same_number_code_card_and_amount_is_the_same_message(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    first = till.redeem(card, 1000, stan=7)
    assert till.redeem(card, 1000, stan=7) == first
    assert shop.balance(card) == 4000


def test_another_code_counts_by_itself(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    till.redeem(card, 1000, stan=7)
    till.reload(card, 1000, stan=7)
    assert till.redeem(card, 1000, stan=7).outcome is Outcome.APPROVED
    assert shop.balance(card) == 5000


@pytest.mark.parametrize("change", [{"amount": 1001}, {"card": 1}, {"rrn": "632600000001"}])
def test_other_content_is_a_duplicate(shop: Shop, change: dict[str, Any]) -> None:
    till, card, other = register(shop), shop.card(balance=5000), shop.card(balance=5000)
    till.refund(card, 1000, stan=7)
    said = change | ({"card": other} if "card" in change else {})
    assert till.say(msgspec.structs.replace(till.sent, **said)).outcome is Outcome.DUPLICATE


def test_after_a_day_the_number_is_a_new_one(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    first = till.redeem(card, 1000, stan=7)
    shop.now += (limits.SEQUENCE_HOURS - 1) * HOUR
    assert till.redeem(card, 1000, stan=7) == first
    shop.now += HOUR
    assert till.redeem(card, 1000, stan=7) != first
    assert shop.balance(card) == 3000


# -- undoing ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("amount", [0, 1000])
def test_a_reversal_finds_its_original_by_the_reference(shop: Shop, amount: int) -> None:
    till, card = register(shop), shop.card(balance=5000)
    first = till.redeem(card, 1000)
    till.redeem(card, 1000)
    reply = till.undo(card, amount, rrn=first.rrn)
    assert (reply.outcome, available(reply), shop.balance(card)) == (Outcome.APPROVED, 5000 - 1000, 4000)
    assert till.undo(card, amount, rrn=first.rrn).outcome is Outcome.APPROVED
    assert shop.balance(card) == 4000


def test_a_reversal_takes_the_amount_asked_or_approved(shop: Shop) -> None:
    till = register(shop)
    for amount in (9000, 5000):
        card = shop.card(balance=5000)
        first = till.redeem(card, 9000, partial=True)
        assert first.outcome is Outcome.PARTIAL
        till.undo(card, amount, rrn=first.rrn)
        assert shop.balance(card) == 5000


@pytest.mark.parametrize("wrong", [{"amount": 999}, {"rrn": "632600000001"}, {"card": 1}])
def test_what_does_not_fit_is_an_unknown_original(shop: Shop, wrong: dict[str, Any]) -> None:
    """No search by amount, no partial reversal; it is approved, and nothing moves."""
    till, card, other = register(shop), shop.card(balance=5000), shop.card(balance=5000)
    first = till.redeem(card, 1000)
    said: dict[str, Any] = (
        {"card": card, "amount": 1000, "rrn": first.rrn} | wrong | ({"card": other} if "card" in wrong else {})
    )
    reply = till.undo(said["card"], said["amount"], rrn=said["rrn"])
    assert (reply.outcome, shop.balance(card), shop.balance(other)) == (Outcome.APPROVED, 4000, 5000)


def test_without_a_reference_the_newest_that_still_stands_is_meant(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    for amount in (1000, 500, 1000):
        till.redeem(card, amount)
    balances = []
    for _ in range(3):
        till.undo(card, 1000)
        balances.append(shop.balance(card))
    assert balances == [3500, 4500, 4500]


def test_a_repeated_reversal_does_not_reach_the_one_before(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    till.redeem(card, 1000, stan=1)
    till.redeem(card, 1000, stan=2)
    for _ in range(3):
        assert till.undo(card, 1000, stan=2).outcome is Outcome.APPROVED
    assert shop.balance(card) == 4000
    till.undo(card, 1000, stan=3)
    assert shop.balance(card) == 5000


def test_a_reversal_without_amount_means_any(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    till.redeem(card, 1000)
    till.undo(card)
    assert shop.balance(card) == 5000


def test_the_newest_is_not_older_than_a_day(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    till.redeem(card, 1000)
    shop.now += limits.SEQUENCE_HOURS * HOUR
    till.undo(card, 1000)
    assert shop.balance(card) == 4000


@pytest.mark.parametrize("amount", [0, 1000])
def test_a_reversal_that_comes_first_is_remembered_by_its_number(shop: Shop, amount: int) -> None:
    till, card = register(shop), shop.card(balance=5000)
    assert till.undo(card, amount, stan=9).outcome is Outcome.APPROVED
    assert till.redeem(card, 1000, stan=9).outcome is Outcome.DUPLICATE
    assert till.redeem(card, 1000, stan=10).outcome is Outcome.APPROVED
    assert shop.balance(card) == 4000


def test_another_terminal_reverses_nothing(shop: Shop) -> None:
    other, card = shop.till("T1"), shop.card(balance=5000)
    first = other.redeem(card, 1000)
    till = register(shop)
    assert till.undo(card, 1000, rrn=first.rrn).outcome is Outcome.APPROVED
    assert till.void(card, 1000, rrn=first.rrn).outcome is Outcome.VOID_NOT_FOUND
    assert shop.balance(card) == 4000


def test_a_void_by_reference_and_its_reversal(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    first = till.redeem(card, 1000)
    void = till.void(card, 1000, rrn=first.rrn)
    assert (void.outcome, available(void)) == (Outcome.APPROVED, 5000)
    assert till.void(card, 1000, rrn=first.rrn).outcome is Outcome.ALREADY_UNDONE
    till.undo(card, 0, rrn=void.rrn)
    assert shop.balance(card) == 4000, "the voided transaction is live again"


@pytest.mark.parametrize("kind", ["activate", "reload", "redeem", "cash_out", "refund", "cash_back", "unload"])
def test_every_kind_can_be_voided_and_reversed(shop: Shop, kind: str) -> None:
    till = register(shop)
    for undo in ("void", "undo"):
        card = shop.card(balance=None if kind == "activate" else 5000)
        before = shop.balance(card)
        amount = None if kind == "cash_out" else 1000
        done = till.say(till.write(Kind(f"gift_{kind}"), card, amount))
        assert done.outcome is Outcome.APPROVED
        assert shop.balance(card) != before
        assert getattr(till, undo)(card, 0, rrn=done.rrn).outcome is Outcome.APPROVED
        assert shop.balance(card) == before


def test_a_void_without_a_reference_means_the_newest(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    assert till.void(card, 1000).outcome is Outcome.VOID_NOT_FOUND
    till.redeem(card, 1000)
    assert till.void(card, 1000).outcome is Outcome.APPROVED
    assert shop.balance(card) == 5000
    assert till.void(card, 1000).outcome is Outcome.VOID_NOT_FOUND


def test_a_void_of_a_closed_batch_is_not_found(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    first = till.redeem(card, 1000)
    Till(shop, "REG1", "A").close_batch()
    assert till.void(card, 1000, rrn=first.rrn).outcome is Outcome.VOID_NOT_FOUND


# -- rights and parts -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [Kind.GIFT_CASH_BACK, Kind.GIFT_UNLOAD])
def test_cash_back_and_unload_have_rights_of_their_own(shop: Shop, kind: Kind) -> None:
    rights = {"cash_back", "unload"} - {kind.value.removeprefix("gift_")}
    till, card = register(shop), shop.card(balance=5000)
    others = tuple(right for right in till.record.rights if right.value in rights)
    till = register(shop, rights=others)
    assert till.say(till.write(kind, card, 100)).outcome is Outcome.NOT_ALLOWED


@pytest.mark.parametrize("whole_only", [False, True])
def test_the_profile_takes_partial_approval_away(shop: Shop, whole_only: bool) -> None:
    till, card = register(shop, whole_only=whole_only), shop.card(balance=5000)
    outcome = till.redeem(card, 9000, partial=True).outcome
    assert outcome is (Outcome.NOT_ENOUGH if whole_only else Outcome.PARTIAL)


def test_every_answer_has_a_reference_and_the_year(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    for reply in (till.balance(card), till.redeem(card, 1), till.redeem(card, 99999), till.undo(card)):
        assert reply.rrn is not None
        assert reply.local_year == "26"


def test_the_journal_keeps_number_and_reference(shop: Shop) -> None:
    till, card = register(shop), shop.card(balance=5000)
    till.undo(card, 0, stan=3, rrn="632600000001")
    assert (shop.newest.stan, shop.newest.reference, shop.newest.reason) == (3, "632600000001", "never_seen")
