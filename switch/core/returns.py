"""Returns of sales: what was earned is taken back, points that paid for it are given back, the rest is money.

Part by part, a return takes back `points(sale) - points(what remains)` less what the live returns before it took, so
that all parts together are exactly the whole. Redeemed points come first: they never become money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import msgspec

from specs import limits
from specs.money import convert_up
from specs.transaction import Kind, Returned
from switch.core.earning import Place as SalePlace
from switch.core.earning import find_wrong_sum, parts_left, parts_of, parts_returned, points_of
from switch.core.journal import Deed, Given, Row
from switch.core.ledger import Move
from switch.core.lots import Part, Purse
from switch.core.merchants import Right
from switch.core.points_books import charged, given_back, issued
from switch.core.points_matter import PointsMatter, cover, with_points
from switch.core.refusals import Reason
from switch.core.ruling import Ruling, refused
from switch.core.schemes import Rounding
from switch.core.undo import is_live, live_refunds


def give_back(matter: PointsMatter) -> Ruling:
    """The rule of a return: of a sale, of a redemption without one, or of something nobody knows."""
    if not matter.asked:
        return refused(Reason.AMOUNT)
    wrong = find_wrong_sum(matter.request)
    if wrong:
        return refused(wrong)
    if matter.request.rrn is None:
        return _without_original(matter)
    original = matter.view.by_rrn
    if original is None or original.holder != matter.card.holder or original.is_undo or not original.took_effect:
        return refused(Reason.NO_ORIGINAL)
    family = matter.view.family(original)
    sales = [row for row in family if row.kind is Kind.SALE and not row.is_undo and is_live(row, family)]
    alone = original.kind is Kind.POINTS_REDEEM and not _sale_of(original, sales)
    if not (alone or original.kind is Kind.SALE) or not is_live(original, family):
        return refused(Reason.NO_ORIGINAL)
    elsewhere = (original.merchant, original.store) != (matter.terminal.merchant, matter.terminal.store)
    if elsewhere and not matter.scheme.return_elsewhere:
        return refused(Reason.OTHER_STORE)
    if original.currency != matter.currency:
        return refused(Reason.CURRENCY)
    before = live_refunds(original, family)
    if sum(row.amount for row in before) + matter.asked > original.amount:
        return matter.refuse(Reason.MORE_THAN_LEFT)
    # From here it must succeed.
    return _return_of(matter, original, before, family, sales)


def _return_of(matter: PointsMatter, original: Row, before: list[Row], family: list[Row], sales: list[Row]) -> Ruling:
    redemptions = [original]
    if original.kind is Kind.SALE:
        redemptions = [row for row in _redemptions(family) if _sale_of(row, sales) is original]
    purses = {_whose(row): matter.purse_of(*_whose(row)) for row in redemptions}
    # Given back before anything is taken back: who returns all has what paid for it, and owes what it earned.
    given = _given(matter, redemptions, family, purses)
    worth, moves = sum(one.worth for one in given), _give(matter, given, redemptions, purses)
    others = [purse for purse in purses.values() if purse is not matter.purse]
    moves += [move for purse in others for move in purse.moves]
    points, deed = 0, Deed()
    if original.kind is Kind.SALE:
        points, deed = _taken(matter, original, before)
        moves += _take(matter, points, _lots_of(original), deed.cost)
    told = sum(
        sum(part for _, part in one.points)
        for one, redemption in zip(given, redemptions, strict=True)
        if redemption.card_currency == matter.scheme.unit
    )
    ruling = matter.approve(points, tuple(moves), told=(points, told))
    return with_points(
        msgspec.structs.replace(ruling, original=original),
        deed=msgspec.structs.replace(deed, given=tuple(one for one in given if one.worth)),
        opened=tuple(account for purse in (matter.purse, *others) for account in purse.opened),
        returned=Returned(worth, matter.asked - worth),
    )


def _whose(row: Row) -> tuple[int, str]:
    """Whose points a redemption took, and of which kind."""
    return row.holder, row.card_currency


def _give(
    matter: PointsMatter, given: Sequence[Given], redemptions: Sequence[Row], purses: Mapping[tuple[int, str], Purse]
) -> list[Move]:
    """Put points back into the purses they were paid from; returns what is moved beside those."""
    moves: list[Move] = []
    for one, redemption in zip(given, redemptions, strict=True):
        purse = purses[_whose(redemption)]
        for move in given_back(one, redemption, matter.terminal.merchant):
            if purse.holds(move.account):
                purse.move(move.account, move.amount)
            else:
                moves.append(move)
    for (_, unit), purse in purses.items():
        scheme = matter.programme.units.get(unit)
        purse.settle(scheme.lot_dates(matter.today) if scheme else ("", ""))
    return moves


def _without_original(matter: PointsMatter) -> Ruling:
    """Points at today's rule, where the programme trusts the till that there was a sale."""
    scheme = matter.scheme
    if not scheme.return_without_original:
        return refused(Reason.NO_ORIGINAL)
    if Right.REFUND_WITHOUT_ORIGINAL not in matter.terminal.rights:
        return refused(Reason.NO_RIGHT)
    if matter.rate is None:
        return refused(Reason.NO_RATE)
    place = SalePlace(matter.terminal.store, matter.request.line.listener, matter.moment)
    points = points_of(parts_of(matter.request, matter.asked, scheme, place), matter.rate, scheme.rounding)
    if points > limits.POINTS_MAX:
        return refused(Reason.AMOUNT)
    cost = convert_up(points, scheme.cost_at(matter.terminal.merchant_id) / matter.rate)
    # From here it must succeed.
    moves = tuple(_take(matter, points, (), cost))
    ruling = matter.approve(points, moves, told=(points, 0))
    return with_points(ruling, deed=Deed(earned=points, cost=cost), returned=Returned(0, matter.asked))


# -- points that were earned -------------------------------------------------------------------------------------------
def _taken(matter: PointsMatter, sale: Row, before: list[Row]) -> tuple[int, Deed]:
    """The points a return takes back, and what it remembers of it."""
    deed = sale.deed
    assert deed is not None, "a sale remembers what it earned on"
    remains = sale.amount - sum(row.amount for row in before) - matter.asked
    left = parts_left(sale, before)
    smaller = parts_returned(sale, left, remains, matter.request.basket)
    after = [
        msgspec.structs.replace(part, base=base - less)
        for part, base, less in zip(deed.parts, left, smaller, strict=True)
    ]
    rate, point_cost = Fraction(deed.rate), Fraction(deed.point_cost)
    kept = points_of(after, rate, Rounding(deed.rounding))
    back = [row.deed for row in before if row.deed is not None]
    # A part takes back nothing where those before it took more than their share: one between them was undone since.
    points = max(0, deed.earned - kept - sum(one.earned for one in back))
    still = deed.earned - points - sum(one.earned for one in back)
    cost = max(0, deed.cost - convert_up(still, point_cost) - sum(one.cost for one in back))
    parts = tuple(msgspec.structs.replace(part, base=less) for part, less in zip(deed.parts, smaller, strict=True))
    return points, Deed(earned=points, cost=cost, parts=parts)


def _take(matter: PointsMatter, points: int, first: Sequence[int], cost: int) -> list[Move]:
    """Take points back, first from the lots they were put into; the merchant gets back what it paid for them."""
    merchant, unit = matter.terminal.merchant, matter.scheme.unit
    _, moves = cover(matter, matter.purse.take_back(points, first))
    return [*moves, *issued(merchant, unit, -points), *charged(merchant, matter.currency, -cost)]


def _lots_of(sale: Row) -> list[int]:
    return [entry.account for entry in sale.entries if entry.account > 0 and entry.amount > 0]


# -- points that were paid ---------------------------------------------------------------------------------------------
def _redemptions(family: Iterable[Row]) -> list[Row]:
    rows = list(family)
    return [row for row in rows if row.kind is Kind.POINTS_REDEEM and not row.is_undo and is_live(row, rows)]


def _sale_of(redemption: Row, sales: Sequence[Row]) -> Row | None:
    """The sale a redemption paid for: the next one with the same receipt number, else the last before it."""

    def place(row: Row) -> tuple[object, ...]:
        return row.terminal, row.batch, row.receipt, row.currency

    same = [sale for sale in sales if place(sale) == place(redemption)]
    after = (sale for sale in same if sale.decided_at > redemption.decided_at)
    return next(after, same[-1] if same else None)


def _given(
    matter: PointsMatter, redemptions: Sequence[Row], family: Sequence[Row], purses: Mapping[tuple[int, str], Purse]
) -> list[Given]:
    """What this return gives back of each redemption: as much money's worth as it can, in order."""
    left = matter.asked
    found = []
    for redemption in redemptions:
        earlier = given_of(redemption, family)
        # below zero where a return between them was undone since, and that undo as well
        worth = max(0, min(left, redemption.amount - sum(one.worth for one in earlier)))
        left -= worth
        scheme = matter.programme.units.get(redemption.card_currency)
        grace, purse = scheme.grace_days if scheme else 0, purses[_whose(redemption)]
        found.append(Given(redemption.id, worth, _points_back(purse, grace, redemption, earlier, worth)))
    return found


def given_of(redemption: Row, family: Sequence[Row], among: Sequence[Row] | None = None) -> list[Given]:
    """What live returns have given back of a redemption; all of them, or some."""
    rows = family if among is None else among
    deeds = (row.deed for row in rows if row.deed and row.deed.given and not row.is_undo and is_live(row, family))
    return [given for deed in deeds for given in deed.given if given.redemption == redemption.id]


def _points_back(
    purse: Purse, grace_days: int, redemption: Row, earlier: Sequence[Given], worth: int
) -> tuple[Part, ...]:
    """The points of one part, into the accounts they came from; the last part takes what the others left."""
    assert redemption.deed is not None, "a redemption remembers what it took"
    sofar = sum(part for given in earlier for _, part in given.points)
    total = redemption.card_amount * (sum(given.worth for given in earlier) + worth) // redemption.amount
    points, parts = max(0, total - sofar), []
    for account, taken in reversed(redemption.deed.taken):  # what was not there first, then what expires last
        skipped = min(sofar, taken)
        sofar -= skipped
        part = min(points, taken - skipped)
        points -= part
        if part:
            parts.append((purse.living(account, grace_days), part))
    return _merged(parts)


def _merged(parts: Iterable[Part]) -> tuple[Part, ...]:
    sums: dict[int, int] = {}
    for account, points in parts:
        sums[account] = sums.get(account, 0) + points
    return tuple(sums.items())
