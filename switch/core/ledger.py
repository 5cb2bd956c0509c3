"""Entries: how amounts become double-entry postings. Every movement of value goes through `post`.

Gift card sold at M for 100: M's clearing -100, card +100. Spent at N for 60: card -60, N's clearing +60. Two
currencies meet in exchange accounts; what is not there goes against *uncovered* of the merchant (DESIGN section 4).
"""

from __future__ import annotations

import msgspec

from switch.core.holdings import Account, AccountKind, system_account
from switch.core.journal import Entry


class Move(msgspec.Struct, frozen=True):
    """A signed amount for one account; `holder` tells whether the account is one that has to be read."""

    account: int
    currency: str
    amount: int


def between(
    card: Account, merchant: int, card_amount: int, currency: str, amount: int, *, uncovered: int = 0
) -> list[Move]:
    """Value between a card and a merchant's clearing account.

    Args:
        card: The card's account.
        merchant: Merchant.id.
        card_amount: What the card gets (+) or gives (-), in its currency.
        currency: The terminal's.
        amount: What the merchant owes (+) or is owed (-) for it, in the terminal's currency.
        uncovered: The part of what the card should give that it does not hold, in its currency (0 or more).
    """
    moves = [
        Move(card.id, card.currency, card_amount + uncovered),
        Move(system_account(AccountKind.UNCOVERED, merchant, card.currency), card.currency, -uncovered),
        Move(system_account(AccountKind.CLEARING, merchant, currency), currency, -amount),
    ]
    if card.currency != currency:
        moves.append(Move(system_account(AccountKind.EXCHANGE, 0, card.currency), card.currency, -card_amount))
        moves.append(Move(system_account(AccountKind.EXCHANGE, 0, currency), currency, amount))
    return moves


def post(moves: list[Move], accounts: dict[int, Account]) -> tuple[tuple[Entry, ...], tuple[Account, ...]]:
    """Entries of one row, and the holders' accounts after it.

    Moves on the same account are added up, moves of nothing left out. `accounts` holds the holders' accounts; ids
    below zero are accounts nobody reads.
    """
    amounts: dict[int, int] = {}
    currencies: dict[int, str] = {}
    for move in moves:
        amounts[move.account] = amounts.get(move.account, 0) + move.amount
        currencies[move.account] = move.currency
    entries: list[Entry] = []
    changed: list[Account] = []
    for number, amount in amounts.items():
        if not amount:
            continue
        if number < 0:
            entries.append(Entry(number, currencies[number], amount))
            continue
        before = accounts[number]
        balance = before.balance + amount
        spent = before.kind is AccountKind.LOT and not balance
        after = msgspec.structs.replace(before, balance=balance, entries=before.entries + 1, spent=spent)
        changed.append(after)
        entries.append(Entry(number, currencies[number], amount, after.balance, after.entries))
    return tuple(sorted(entries, key=lambda entry: entry.account)), tuple(changed)
