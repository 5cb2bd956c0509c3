"""The rules of points: for each kind, refusals in a fixed order, then what moves. Returns are in returns.py.

Points taken are rounded up, points bought down; points earned by the scheme's own mode. DESIGN section 4 says what is
booked for each.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import msgspec

from specs import limits
from specs.money import convert_down, convert_up
from specs.transaction import Kind
from switch.core import cards
from switch.core.earning import Place as SalePlace
from switch.core.earning import earning_base, find_wrong_sum, parts_of, points_of, tenders_of
from switch.core.families import counted, within_limit
from switch.core.holdings import AccountKind, CardState
from switch.core.irregular import UNCOVERED
from switch.core.journal import Deed, EarnPart
from switch.core.ledger import Move
from switch.core.lots import Purse, dates_kept
from switch.core.merchants import Right
from switch.core.points_books import charged, issued, spent
from switch.core.points_matter import PointsMatter, cover, with_points
from switch.core.refusals import Reason
from switch.core.returns import give_back
from switch.core.ruling import Ruling, refused

#: What each kind asks of the terminal; a kind that is not here is not offered.
RIGHTS: dict[Kind, Right] = {
    Kind.SALE: Right.SALE,
    Kind.PREVIEW: Right.PREVIEW,
    Kind.POINTS_REDEEM: Right.POINTS_REDEEM,
    Kind.POINTS_BALANCE: Right.BALANCE,
    Kind.SALE_RETURN: Right.RETURN,
    Kind.POINTS_TRANSFER: Right.TRANSFER,
    Kind.POINTS_PURCHASE: Right.POINTS_PURCHASE,
    Kind.ENROL: Right.ENROL,
    Kind.LOYALTY_BLOCK: Right.BLOCK,
    Kind.LOYALTY_UNBLOCK: Right.UNBLOCK,
    Kind.VOID_EARN: Right.VOID,
    Kind.VOID_BURN: Right.VOID,
    Kind.VOID_TRANSFER: Right.VOID,
    Kind.LOYALTY_VOID: Right.VOID,
}


def balance(matter: PointsMatter) -> Ruling:
    return matter.approve(0)


class _Earned(msgspec.Struct, frozen=True):
    points: int
    parts: tuple[EarnPart, ...]


def sale(matter: PointsMatter) -> Ruling:
    """What is bought earns points; the merchant pays its share of what they cost."""
    earned = _earned(matter)
    if isinstance(earned, Reason):
        return refused(earned)
    points, scheme = earned.points, matter.scheme
    point_cost = scheme.cost_at(matter.terminal.merchant_id) / (matter.rate or 1)
    cost = convert_up(points, point_cost)
    # From here it must succeed.
    matter.purse.put(points, matter.dates)
    merchant = matter.terminal.merchant
    moves = (*issued(merchant, scheme.unit, points), *charged(merchant, matter.currency, cost))
    ruling = matter.approve(points, moves, told=(points, 0))
    deed = Deed(
        earned=points,
        cost=cost,
        parts=earned.parts,
        rounding=scheme.rounding.value,
        rate=str(matter.rate),
        point_cost=str(point_cost),
    )
    return with_points(ruling, deed=deed)


def preview(matter: PointsMatter) -> Ruling:
    """What the sale would earn."""
    earned = _earned(matter)
    if isinstance(earned, Reason):
        return refused(earned)
    return matter.approve(0, told=(earned.points, 0))


def _earned(matter: PointsMatter) -> _Earned | Reason:
    request, scheme = matter.request, matter.scheme
    if not matter.asked:
        return Reason.AMOUNT
    wrong = find_wrong_sum(request)
    if wrong:
        return wrong
    if matter.rate is None:
        return Reason.NO_RATE
    base = earning_base(request, tenders_of(request, matter.view, matter.currency), scheme)
    place = SalePlace(matter.terminal.store, request.line.listener, matter.moment)
    parts = parts_of(request, base, scheme, place)
    points = points_of(parts, matter.rate, scheme.rounding)
    if max(points, matter.purse.total + points) > limits.POINTS_MAX:
        return Reason.AMOUNT
    return _Earned(points, parts)


def redeem(matter: PointsMatter) -> Ruling:
    """Pay with points: by the store's rate, what expires soonest first."""
    scheme, asked = matter.scheme, matter.asked
    if not asked:
        return refused(Reason.AMOUNT)
    if matter.rate is None:
        return refused(Reason.NO_RATE)
    value = scheme.value_at(matter.terminal.store) / matter.rate  # of a point, in the terminal's currency
    amount, points, partial = asked, convert_up(asked, 1 / value), False
    held = max(0, matter.purse.available)
    if matter.forced and points > limits.POINTS_MAX:
        return refused(Reason.AMOUNT)
    if not matter.forced:
        if points < scheme.redeem_minimum or points % scheme.redeem_step:
            return refused(Reason.AMOUNT)
        if scheme.redeem_maximum is not None and points > scheme.redeem_maximum:
            return refused(Reason.AMOUNT)
        if points > held:
            asked_for = matter.request.partial and (scheme.redeem_partial or not matter.request.sequenced)
            may = matter.terminal.may_take_less(asked_for)
            amount, points = _affordable(matter, value, held) if may else (0, 0)
            if not amount:
                return matter.refuse(Reason.NOT_ENOUGH)
            partial = True
        if not within_limit(matter.card, points, matter.moment):
            return matter.refuse(Reason.CARD_LIMIT)
    # From here it must succeed.
    taken = matter.purse.take(min(points, held))
    missing = max(0, points - held)
    covering, moves = cover(matter, missing)
    moves += spent(matter.terminal.merchant, scheme.unit, points, matter.currency, amount)
    ruling = with_points(matter.approve(points, moves, told=(0, points)), deed=Deed(taken=(*taken, *covering)))
    return msgspec.structs.replace(
        ruling,
        amount=amount,
        partial=partial,
        tell_amount=True,
        rate=1 / value,
        card=counted(matter.card, points, matter.moment),
        note=UNCOVERED if missing else "",
    )


def _affordable(matter: PointsMatter, value: Fraction, held: int) -> tuple[int, int]:
    """The most that can be paid, and the points it takes; nothing where that is less than the scheme's least."""
    scheme = matter.scheme
    points = held - held % scheme.redeem_step
    amount = convert_down(points, value)
    if points < scheme.redeem_minimum or not amount:
        return 0, 0
    needed = convert_up(amount, 1 / value)
    return amount, needed + -needed % scheme.redeem_step


def purchase(matter: PointsMatter) -> Ruling:
    """Points for money; on commitment where the programme lets the store give them before they are paid."""
    scheme = matter.scheme
    if scheme.purchase_price is None:
        return refused(Reason.NO_PURCHASE)
    if matter.rate is None:
        return refused(Reason.NO_RATE)
    points = convert_down(matter.asked, matter.rate / scheme.purchase_price)
    most = limits.POINTS_MAX if scheme.purchase_maximum is None else scheme.purchase_maximum
    if not scheme.purchase_minimum <= points <= most or matter.purse.total + points > limits.POINTS_MAX:
        return refused(Reason.AMOUNT)
    # From here it must succeed.
    matter.purse.put(points, ("", matter.dates[1]))
    merchant, promised = matter.terminal.merchant, matter.terminal.store in scheme.commitment_stores
    payer = AccountKind.COMMITMENT if promised else AccountKind.CLEARING
    moves = (*issued(merchant, scheme.unit, points), *charged(merchant, matter.currency, matter.asked, payer))
    return matter.approve(points, moves, told=(points, 0))


def transfer(matter: PointsMatter) -> Ruling:
    """Points to another member. They keep their dates."""
    scheme, other, points = matter.scheme, matter.view.other_card, matter.asked
    if not scheme.transfer:
        return refused(Reason.NO_TRANSFER)
    most = limits.POINTS_MAX if scheme.transfer_maximum is None else scheme.transfer_maximum
    if not scheme.transfer_minimum <= points <= most:
        return refused(Reason.AMOUNT)
    if other is None:
        return refused(Reason.UNKNOWN_CARD)
    product = matter.programme.loyalty.get(other.product)
    if product is None or other.currency != matter.card.currency:
        return refused(Reason.OTHER_SCHEME)
    if other.holder == matter.card.holder:
        return refused(Reason.TO_ONESELF)
    fault = cards.find_fault(matter.request.kind, other, product, matter.terminal, matter.now)
    if fault:
        return refused(fault)
    if points > matter.purse.available:
        return matter.refuse(Reason.NOT_ENOUGH)
    if not within_limit(matter.card, points, matter.moment):
        return matter.refuse(Reason.CARD_LIMIT)
    receiver = Purse.of(matter.view, other.holder, scheme.unit, matter.today, matter.opening)
    if receiver.total + points > limits.POINTS_MAX:
        return refused(Reason.AMOUNT)
    # From here it must succeed.
    for number, part in matter.purse.take(points):
        receiver.put(part, dates_kept(matter.view.account_of(number), matter.purse.today))
    ruling = matter.approve(points, tuple(receiver.moves))
    ruling = msgspec.structs.replace(ruling, card=counted(matter.card, points, matter.moment))
    opened = (*matter.purse.opened, *receiver.opened)
    return with_points(ruling, opened=opened, other_holder=other.holder)


def enrol(matter: PointsMatter) -> Ruling:
    """Activate a card; with an amount, which counts points, by a right of its own."""
    if matter.asked and Right.OPENING_POINTS not in matter.terminal.rights:
        return refused(Reason.AMOUNT)
    if max(matter.asked, matter.purse.total + matter.asked) > limits.POINTS_MAX:
        return refused(Reason.AMOUNT)
    # From here it must succeed.
    moves: tuple[Move, ...] = ()
    if matter.asked:
        matter.purse.put(matter.asked, matter.dates)
        moves = issued(matter.terminal.merchant, matter.scheme.unit, matter.asked)
    phone = matter.case.sealed_phone or matter.card.sealed_phone
    active = msgspec.structs.replace(matter.card, state=CardState.ACTIVE, sealed_phone=phone)
    return msgspec.structs.replace(matter.approve(matter.asked, moves, told=(matter.asked, 0)), card=active)


#: The rule of each kind; voids have theirs in points_undo.py.
RULES: dict[Kind, Callable[[PointsMatter], Ruling]] = {
    Kind.SALE: sale,
    Kind.PREVIEW: preview,
    Kind.POINTS_REDEEM: redeem,
    Kind.POINTS_BALANCE: balance,
    Kind.SALE_RETURN: give_back,
    Kind.POINTS_TRANSFER: transfer,
    Kind.POINTS_PURCHASE: purchase,
    Kind.ENROL: enrol,
    Kind.LOYALTY_BLOCK: cards.block,
    Kind.LOYALTY_UNBLOCK: cards.unblock,
}
