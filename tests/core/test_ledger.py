"""Entries (`switch/core/ledger.py`): every movement of value adds up to nothing, in each currency."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.core.decision import check_entries
from switch.core.holdings import Account, AccountKind, describe_account, system_account
from switch.core.journal import Entry
from switch.core.ledger import Move, between, post

LIRA, DINAR = "949", "414"
CLEARING = system_account(AccountKind.CLEARING, 7, LIRA)
UNCOVERED = system_account(AccountKind.UNCOVERED, 7, DINAR)
CARD = Account(5, AccountKind.CARD, 5, LIRA, balance=100, entries=3)
FOREIGN = Account(6, AccountKind.CARD, 6, DINAR, balance=100, entries=3)


def test_a_sale_is_owed_by_the_merchant_and_held_by_the_card() -> None:
    entries, accounts = post(between(CARD, 7, 60, LIRA, 60), {5: CARD})
    assert entries == (Entry(CLEARING, LIRA, -60), Entry(5, LIRA, 60, balance_after=160, sequence=4))
    assert accounts == (Account(5, AccountKind.CARD, 5, LIRA, balance=160, entries=4),)


def test_two_currencies_meet_in_exchange_accounts() -> None:
    entries, _ = post(between(FOREIGN, 7, -30, LIRA, -390), {6: FOREIGN})
    assert {(entry.account, entry.amount) for entry in entries} == {
        (6, -30),
        (system_account(AccountKind.EXCHANGE, 0, DINAR), 30),
        (system_account(AccountKind.EXCHANGE, 0, LIRA), -390),
        (CLEARING, 390),
    }


def test_what_is_not_there_is_uncovered() -> None:
    entries, accounts = post(between(FOREIGN, 7, -130, LIRA, -1690, uncovered=30), {6: FOREIGN})
    assert accounts[0].balance == 0
    assert (UNCOVERED, -30) in {(entry.account, entry.amount) for entry in entries}


def test_moves_on_one_account_are_one_entry_and_moves_of_nothing_are_none() -> None:
    moves = [Move(5, LIRA, 60), Move(5, LIRA, -20), Move(CLEARING, LIRA, -40), Move(UNCOVERED, DINAR, 0)]
    entries, _ = post(moves, {5: CARD})
    assert [(entry.account, entry.amount) for entry in entries] == [(CLEARING, -40), (5, 40)]
    assert post([Move(5, LIRA, 5), Move(5, LIRA, -5)], {5: CARD}) == ((), ())


@given(
    st.sampled_from([CARD, FOREIGN]), st.integers(-100, 10**12), st.integers(-(10**12), 10**12), st.integers(0, 10**6)
)
def test_whatever_moves_adds_up_to_nothing(card: Account, card_amount: int, amount: int, uncovered: int) -> None:
    amount = card_amount if card.currency == LIRA else amount
    entries, _ = post(between(card, 7, card_amount, LIRA, amount, uncovered=uncovered), {card.id: card})
    check_entries(entries)


@pytest.mark.parametrize("kind", [AccountKind.CLEARING, AccountKind.UNCOVERED, AccountKind.EXCHANGE])
@pytest.mark.parametrize("owner", [0, 1, 2**40])
@pytest.mark.parametrize("currency", ["008", LIRA, "999"])
def test_accounts_nobody_reads_are_known_by_their_number(kind: AccountKind, owner: int, currency: str) -> None:
    number = system_account(kind, owner, currency)
    assert number < 0
    assert describe_account(number) == (kind, owner, currency)
