"""Undoing what was done with points: the negative of what was booked, made good where some of it is gone since.

What a lot lacks is taken from the member's other lots; what is not there at all is owed or uncovered, as the programme
says. Where a return has given back a redemption that is undone later, both meet in `_taken_back`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

import msgspec

from specs.transaction import Kind, MessageClass
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
    undo = msgspec.structs.replace(
        target, id=number, original=target.id, message_class=MessageClass.REVERSAL, decided_at=now
    )
    moves = _taken_back(target, undo, family)
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


def _taken_back(target: Row, undo: Row, family: Sequence[Row]) -> list[Move]:
    """The moves by which `undo` undoes `target`, and the returns that fall with it.

    What a return gave back of a redemption stands while both of them do; so it is reckoned apart from what else a row
    has booked: whichever of the two is undone first takes it along, and whichever stands again last brings it back.
    """
    moves: Counter[tuple[int, str]] = Counter()
    for row in (target, *live_refunds(target, family)):
        moves.subtract({(entry.account, entry.currency): entry.amount for entry in row.entries})
        before = [other for other in family if (other.decided_at, other.id) < (row.decided_at, row.id)]
        moves.update(_given_by(row, before))
    moves.update(_given_by(undo, family))
    return [Move(account, currency, amount) for (account, currency), amount in moves.items() if amount]


def _given_by(row: Row, before: Sequence[Row]) -> Counter[tuple[int, str]]:
    """By how much `row` changed what stands of all that returns gave back."""
    change = _given_in([*before, row])
    change.subtract(_given_in(before))
    return change


def _given_in(family: Sequence[Row]) -> Counter[tuple[int, str]]:
    """What stands of all that the returns of a family gave back."""
    sums: Counter[tuple[int, str]] = Counter()
    for row in family:
        if row.deed and row.deed.given and not row.is_undo and is_live(row, family):
            for given in row.deed.given:
                redemption = next(other for other in family if other.id == given.redemption)
                if is_live(redemption, family):
                    for move in given_back(given, redemption, row.merchant):
                        sums[move.account, move.currency] += move.amount
    return sums


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
