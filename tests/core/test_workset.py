"""What a group sees of itself, and what is refused before anything changes (`switch/core/workset.py`)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from specs.outcomes import Outcome
from specs.transaction import Kind, MessageClass, Reply
from switch.books import Item
from switch.core.commands import PutTerminal, SetBlock
from switch.core.decide import decide
from switch.core.decision import Changes, Decision, check_entries
from switch.core.holdings import AccountKind, Block, system_account
from switch.core.journal import Entry
from switch.core.merchants import Terminal
from switch.core.needs import needs
from tests.core.till import Shop, case_of, hash_of, outcomes

APPROVED, NOT_ENOUGH = Outcome.APPROVED, Outcome.NOT_ENOUGH
CLEARING = system_account(AccountKind.CLEARING, 1, "949")


def test_requests_of_one_group_see_what_those_before_them_did_to_a_card() -> None:
    shop = Shop()
    tills = [shop.till(f"T{number}") for number in range(5)]
    card = shop.card(balance=250)
    replies = shop.hear_all([till.write(Kind.GIFT_REDEEM, card, 100) for till in tills])
    assert outcomes(replies) == [APPROVED, APPROVED, NOT_ENOUGH, NOT_ENOUGH, NOT_ENOUGH]
    assert [reply.balances[0].amount for reply in replies] == [150, 50, 50, 50, 50]
    assert shop.balance(card) == 50
    shop.prove()


def test_requests_of_one_group_share_pin_tries_and_guesses() -> None:
    shop = Shop()
    tills = [shop.till(f"T{number}") for number in range(6)]
    card = shop.card("secret", 1000)
    replies = shop.hear_all([till.write(Kind.GIFT_REDEEM, card, 100, pin="0000") for till in tills])
    assert outcomes(replies) == [Outcome.WRONG_PIN] * 3 + [Outcome.PIN_TRIES] * 3


def test_two_refunds_in_one_group_do_not_give_back_more_than_was_taken() -> None:
    shop = Shop()
    here, there = shop.till("T1"), shop.till("T2")
    card = shop.card(balance=1000)
    spent = here.redeem(card, 100)
    refunds = [till.write(Kind.GIFT_REFUND, card, 60, rrn=spent.rrn) for till in (here, there)]
    assert outcomes(shop.hear_all(refunds)) == [APPROVED, Outcome.AMOUNT]
    assert shop.balance(card) == 960


def test_a_reversal_and_a_refund_of_the_same_redemption_in_one_group() -> None:
    for reversal_first in (True, False):
        shop = Shop()
        here, there = shop.till("T1"), shop.till("T2")
        card = shop.card(balance=1000)
        spent = here.redeem(card, 100)
        reversal = msgspec.structs.replace(here.sent, message_class=MessageClass.REVERSAL)
        refund = there.write(Kind.GIFT_REFUND, card, 60, rrn=spent.rrn)
        group = [reversal, refund] if reversal_first else [refund, reversal]
        expected = [APPROVED, Outcome.ORIGINAL_NOT_FOUND] if reversal_first else [APPROVED, APPROVED]
        assert outcomes(shop.hear_all(group)) == expected
        assert shop.balance(card) == 1000
        shop.prove()


def test_a_command_and_a_message_in_one_group() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    items: list[Item] = [SetBlock(hash_of(card), Block.LOST), case_of(till.write(Kind.GIFT_REDEEM, card, 100))]
    assert outcomes(shop.books.run_group(items, shop.now + 1)) == [APPROVED, Outcome.CARD_LOST]


def test_a_terminal_without_merchant_is_found_only_if_there_is_one() -> None:
    shop = Shop()
    shop.till("T1")
    shop.till("T1", "B")
    shop.till("T2")
    workset = shop.store.load([needs(case_of(shop.till(name).write(Kind.LOGON))) for name in ("T1", "T2")], shop.now)
    assert workset.terminal("", "T1") is None or len(workset.terminals) < 3
    found = workset.terminal("A", "T1")
    assert found is not None
    assert found.merchant_id == "A"


# -- check -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([],                                                            None),
        ([Entry(CLEARING, "949", -5), Entry(7, "949", 5)],              None),
        ([Entry(CLEARING, "949", -5)],                                  "a row that does not balance"),
        ([Entry(CLEARING, "949", -5), Entry(7, "414", 5)],              "a row that does not balance"),
        ([Entry(CLEARING, "949", 0)],                                   "an entry of nothing"),
        ([Entry(7, "949", 5), Entry(7, "949", -5)],                     "an account posted to twice in a row"),
    ],
)  # fmt: skip
def test_entries_of_a_row(entries: list[Entry], fault: str | None) -> None:
    if fault is None:
        check_entries(entries)
        return
    with pytest.raises(AssertionError, match=fault):
        check_entries(entries)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"balance": -1}, "below zero"),
        ({"balance": 901}, "balance and entry differ"),
        ({"entries": 5}, "out of sequence"),
        ({"currency": "414"}, "changed its currency"),
    ],
)
def test_a_decision_that_would_break_the_books_is_refused_whole(change: dict[str, Any], fault: str | None) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    case = case_of(till.write(Kind.GIFT_REDEEM, card, 100))
    workset = shop.store.load([needs(case)], shop.now)
    decision = decide(case, workset.view(case), shop.books.programme, shop.now, 10_000)
    broken = [msgspec.structs.replace(account, **change) for account in decision.accounts]
    decision = msgspec.structs.replace(decision, accounts=tuple(broken))
    if fault is None:
        workset.check(decision)
        return
    with pytest.raises(AssertionError, match=fault):
        workset.check(decision)
    assert not workset.changes


def test_accounts_without_entries_are_refused() -> None:
    shop = Shop()
    card = shop.card(balance=1000)
    workset = shop.store.load([needs(case_of(shop.till().write(Kind.GIFT_REDEEM, card, 1)))], shop.now)
    account = workset.accounts[shop.record(card).account]
    with pytest.raises(AssertionError, match="entries and accounts differ"):
        workset.check(Decision(Reply(APPROVED), accounts=(account,)))


def test_changes_know_whether_there_are_any() -> None:
    assert not Changes()
    assert Changes(desks={(1, ""): object()})  # type: ignore[dict-item]  # any content counts


def test_changes_of_two_groups_are_apart() -> None:
    """msgspec copies empty defaults; a shared list would book a group twice."""
    first, second = Changes(), Changes()
    first.rows.append(None)  # type: ignore[arg-type]  # what it holds plays no part
    assert not second


# -- a bug in the rules ------------------------------------------------------------------------------------------------
def test_a_bug_discards_its_request_alone_and_is_not_stored() -> None:
    """A terminal in a zone that does not exist cannot be decided for; its neighbour can."""
    shop = Shop()
    bugs: list[Exception] = []
    good, bad = shop.till("T1"), shop.till("T2")
    shop.command(PutTerminal(msgspec.structs.replace(bad.record, time_zone="Nowhere/Land")))
    shop.books._report = bugs.append
    card = shop.card(balance=1000)
    replies = shop.hear_all([till.write(Kind.GIFT_REDEEM, card, 100) for till in (bad, good)])
    assert outcomes(replies) == [Outcome.INTERNAL, APPROVED]
    assert [type(bug).__name__ for bug in bugs] == ["ZoneInfoNotFoundError"]
    assert shop.balance(card) == 900
    assert isinstance(bad.record, Terminal)
    shop.prove()
