"""What is booked for points besides the member's own: DESIGN section 4, line by line. Each adds up to zero with it."""

from __future__ import annotations

from switch.core.holdings import AccountKind, system_account
from switch.core.journal import Given, Row
from switch.core.ledger import Move


def issued(merchant: int, unit: str, points: int) -> tuple[Move, ...]:
    """Points earned or bought at a merchant: its issuing -p."""
    return (_move(AccountKind.ISSUING, merchant, unit, -points),)


def charged(merchant: int, currency: str, amount: int, payer: AccountKind = AccountKind.CLEARING) -> tuple[Move, ...]:
    """Money for points given: the merchant's clearing -m, the programme's points cost +m."""
    return (_move(payer, merchant, currency, -amount), _move(AccountKind.POINTS_COST, 0, currency, amount))


def spent(merchant: int, unit: str, points: int, currency: str, amount: int) -> tuple[Move, ...]:
    """Points paid with at a merchant: redeemed +p; points cost -m, the merchant's clearing +m."""
    return (
        _move(AccountKind.REDEEMED, merchant, unit, points),
        _move(AccountKind.POINTS_COST, 0, currency, -amount),
        _move(AccountKind.CLEARING, merchant, currency, amount),
    )


def given_back(given: Given, redemption: Row, merchant: int) -> tuple[Move, ...]:
    """Part of a redemption given back by a return at `merchant`, which keeps that part of what it would pay out."""
    unit, currency = redemption.card_currency, redemption.currency
    points = sum(part for _, part in given.points)
    return (
        *(Move(account, unit, part) for account, part in given.points),
        _move(AccountKind.REDEEMED, redemption.merchant, unit, -points),
        _move(AccountKind.POINTS_COST, 0, currency, given.worth),
        _move(AccountKind.CLEARING, merchant, currency, -given.worth),
    )


def _move(kind: AccountKind, owner: int, unit: str, amount: int) -> Move:
    return Move(system_account(kind, owner, unit), unit, amount)
