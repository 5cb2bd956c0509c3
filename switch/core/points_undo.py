"""Undoing what was done with points: the negative of what was booked, made good where some of it is gone since.

What a lot lacks is taken from the member's other lots; what is not there at all is owed or uncovered, as the programme
says. Where a return has given back a redemption that is undone later, both meet in `_standing`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec

from specs.transaction import Kind
from switch.core.clock import local_time
from switch.core.families import counted, uncounted
from switch.core.holdings import AccountKind, Block, Card, CardState, system_account
from switch.core.irregular import UNCOVERED
from switch.core.journal import Row
from switch.core.ledger import Move
from switch.core.lots import Opening, Purse
from switch.core.merchants import Terminal
from switch.core.points_books import given_back
from switch.core.points_matter import day_of
from switch.core.programme import Programme
from switch.core.refusals import Reason
from switch.core.returns import given_of
from switch.core.ruling import PointsRuling, Ruling, refused
from switch.core.schemes import DebtPolicy
from switch.core.undo import is_live, live_refunds
from switch.core.workset import View


def undo_points(
    view: View, target: Row, terminal: Terminal, programme: Programme, now: int, number: int, *, forced: bool
) -> Ruling:
    """Undo a live `target`; unless `forced`, only if what it put on is still there.

    Args:
        number: Of the row that undoes.
    """
    family = view.family(target)
    deed = next(row for row in family if row.id == target.original) if target.is_undo else target
    if not forced and deed.kind is Kind.POINTS_REDEEM and not target.is_undo and given_of(target, family):
        return refused(Reason.NOT_VOIDABLE)
    moves = _taken_back(target, family)
    opening, today = Opening(number), day_of(programme, now)
    touched = [view.account_of(move.account) for move in moves if move.account > 0]
    whose = sorted({(account.holder, account.currency) for account in touched})
    rest = [move for move in moves if move.account < 0]
    purses, uncovered, gone = [], 0, False
    for holder, unit in whose:
        scheme = programme.units.get(unit)
        dates = scheme.lot_dates(today) if scheme else ("", "")
        purse = Purse.of(view, holder, unit, today, opening)
        purses.append(purse)
        before = purse.total
        for move in moves:
            if purse.holds(move.account):
                purse.move(move.account, move.amount)
        missing = purse.settle(dates)
        gone = gone or purse.total - missing < min(0, before)
        if missing and scheme and scheme.debt is DebtPolicy.DEBT:
            purse.owe(missing)
        elif missing:
            account = system_account(AccountKind.UNCOVERED, terminal.merchant, unit)
            rest.append(Move(account, unit, -missing))
        uncovered += missing
    if gone and not forced:  # a debt counts: its points lie in lots, but they are not the member's to lose
        return refused(Reason.NOT_ENOUGH, tell_balances=_may_tell(view, programme))
    return Ruling(
        amount=target.amount,
        card_amount=target.card_amount,
        rate=target.fraction,
        moves=tuple(move for move in (*rest, *(move for purse in purses for move in purse.moves)) if move.amount),
        card=_card_after(view.workset.cards[target.card_id], deed, target, terminal),
        original=target,
        note=UNCOVERED if uncovered else "",
        tell_balances=True,
        points=PointsRuling(
            target.card_currency,
            _told(deed),
            opened=tuple(account for purse in purses for account in purse.opened),
            other_holder=target.other_holder,
        ),
    )


def _taken_back(target: Row, family: Sequence[Row]) -> list[Move]:
    """The moves that undo `target`, and the returns that fall with it."""
    falling = (target, *live_refunds(target, family))
    moves = [Move(move.account, move.currency, -move.amount) for row in falling for move in _standing(row, family)]
    if target.kind is Kind.POINTS_REDEEM and not target.is_undo:
        direct = {row.id for row in falling}
        for row in family:  # what returns of the sale gave back of it was given back already
            if row.deed and row.id not in direct and not row.is_undo and is_live(row, family):
                for given in row.deed.given:
                    if given.redemption == target.id:
                        back = given_back(given, target, row.merchant)
                        moves += [Move(move.account, move.currency, -move.amount) for move in back]
    return moves


def _standing(row: Row, family: Sequence[Row]) -> Iterable[Move]:
    """What of a row's entries stands: not what it gave back of redemptions that were themselves undone since.

    A row that undoes a return stands for the negative of that return, and so for the negative of those parts.
    """
    moves = [Move(entry.account, entry.currency, entry.amount) for entry in row.entries]
    returned, sign = row, -1
    while returned.is_undo:
        returned, sign = next(other for other in family if other.id == returned.original), -sign
    for given in returned.deed.given if returned.deed else ():
        redemption = next(other for other in family if other.id == given.redemption)
        if _undone_since(redemption, row, family):
            back = given_back(given, redemption, returned.merchant)
            moves += [Move(move.account, move.currency, sign * move.amount) for move in back]
    return moves


def _undone_since(redemption: Row, row: Row, family: Sequence[Row]) -> bool:
    undone = (other for other in family if other.original == redemption.id and other.is_undo and is_live(other, family))
    return any(other.decided_at > row.decided_at for other in undone)


def _told(deed: Row) -> tuple[int, int]:
    """Points taken back and given back; of an undone return, what it had taken and given."""
    match deed.kind:
        case Kind.SALE | Kind.POINTS_PURCHASE:
            return deed.card_amount, 0
        case Kind.POINTS_REDEEM:
            return 0, deed.card_amount
        case Kind.SALE_RETURN:
            given = deed.deed.given if deed.deed else ()
            return deed.card_amount, sum(points for one in given for _, points in one.points)
        case _:
            return 0, 0


def _may_tell(view: View, programme: Programme) -> bool:
    product = programme.loyalty.get(view.card.product) if view.card else None
    return product is not None and not product.pin


def _card_after(card: Card, deed: Row, target: Row, terminal: Terminal) -> Card:
    """The card once `target` is undone: its limit, its block, its state; a replaced card stays as it is."""
    undone = not target.is_undo
    if card.state is CardState.REPLACED:
        return card
    match deed.kind:
        case Kind.POINTS_REDEEM | Kind.POINTS_TRANSFER:
            moment = _local(deed.decided_at, terminal)
            return uncounted(card, deed.card_amount, moment) if undone else counted(card, deed.card_amount, moment)
        case Kind.LOYALTY_BLOCK | Kind.LOYALTY_UNBLOCK:
            left, before = Block.BLOCKED, Block.NONE
            if (deed.kind is Kind.LOYALTY_BLOCK) is not undone:
                left, before = before, left
            # else the owner has said something since
            return msgspec.structs.replace(card, block=before) if card.block is left else card
        case Kind.ENROL if undone:
            return msgspec.structs.replace(card, state=CardState.INACTIVE)
        case _:
            return card


def _local(at: int, terminal: Terminal) -> dt.datetime:
    return local_time(at, terminal.time_zone)
