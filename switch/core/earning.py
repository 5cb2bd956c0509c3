"""How many points a sale earns, and what is left of them when part of it is returned. Arithmetic alone: nothing moves.

All parts of a sale are added up exactly and rounded once, so that partial returns together are the whole one.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import msgspec

from specs.transaction import BasketLine, Kind, Request, TenderKind
from switch.core.journal import EarnPart, Row
from switch.core.refusals import Reason
from switch.core.schemes import EarnRule, Rounding, Scheme, Weekday
from switch.core.undo import is_live
from switch.core.workset import View

_TENDERS = {Kind.GIFT_REDEEM: TenderKind.GIFT, Kind.POINTS_REDEEM: TenderKind.POINTS}


class Place(msgspec.Struct, frozen=True):
    """Where and when a sale was made, as far as rules ask."""

    store: str
    channel: str
    moment: dt.datetime  # the store's own time


def rounded(exact: Fraction, mode: Rounding) -> int:
    match mode:
        case Rounding.DOWN:
            return math.floor(exact)
        case Rounding.UP:
            return math.ceil(exact)
        case Rounding.HALF_UP:
            return math.floor(exact + Fraction(1, 2))
        case Rounding.HALF_EVEN:
            return round(exact)


def points_of(parts: Iterable[EarnPart], rate: Fraction, mode: Rounding) -> int:
    """What a sale of these parts earns.

    Args:
        rate: The scheme's minor units per minor unit of the sale.
    """
    return rounded(sum((Fraction(part.base * part.points, part.money) for part in parts), Fraction(0)) * rate, mode)


# -- a sale ------------------------------------------------------------------------------------------------------------
def find_wrong_sum(request: Request) -> Reason | None:
    """A basket or tenders that do not add up to DE4. What a part of a piece costs may have been rounded either way."""
    amount = request.amount or 0
    if request.basket:
        exact = [_price(line) for line in request.basket]
        if not sum(map(math.floor, exact)) <= amount <= sum(map(math.ceil, exact)):
            return Reason.BASKET
    if request.tenders and sum(tender.amount for tender in request.tenders) != amount:
        return Reason.TENDERS
    return None


def earning_base(request: Request, tenders: Mapping[TenderKind, int], scheme: Scheme) -> int:
    """The part of a sale that earns: what was not paid with tenders that do not."""
    others = sum(amount for kind, amount in tenders.items() if kind not in scheme.earning_tenders)
    return max(0, (request.amount or 0) - others)


def tenders_of(request: Request, view: View, currency: str) -> dict[TenderKind, int]:
    """What a sale was paid with: as the till says, else the redemptions of the same batch and receipt number.

    A redemption pays for one sale: those before an earlier sale with the same receipt number were that one's.
    """
    paid: dict[TenderKind, int] = {}
    if request.tenders:
        for tender in request.tenders:
            paid[tender.kind] = paid.get(tender.kind, 0) + tender.amount
        return paid
    for row in view.purchase:
        if not row.took_effect or row.is_undo or not is_live(row, view.family(row)):
            continue
        if row.kind is Kind.SALE:
            paid = {}
        elif row.kind in _TENDERS and row.currency == currency:
            kind = _TENDERS[row.kind]
            paid[kind] = paid.get(kind, 0) + row.amount
    return paid


def parts_of(request: Request, base: int, scheme: Scheme, place: Place) -> tuple[EarnPart, ...]:
    """A sale by the rules that its lines earn by; without a basket it is one line of which nothing is known."""
    rest = EarnRule("", scheme.earn_money, scheme.earn_points)
    rules = [rule for rule in scheme.earn_rules if _is_in_force(rule, place)]
    goods: dict[str, tuple[EarnRule, Fraction, list[str]]] = {}
    for line in request.basket or (BasketLine("", 1000, request.amount or 0),):
        rule = next((rule for rule in rules if _fits(rule, line, known=bool(request.basket))), rest)
        _, money, skus = goods.get(rule.name, (rule, Fraction(0), []))
        goods[rule.name] = rule, money + _price(line), [*skus, line.sku]
    bases = apportioned(base, [money for _, money, _ in goods.values()])
    alone = len(goods) == 1
    return tuple(
        EarnPart(rule.name, base, rule.earn_money, rule.earn_points, () if alone else tuple(dict.fromkeys(skus)))
        for base, (rule, _, skus) in zip(bases, goods.values(), strict=True)
    )


def _is_in_force(rule: EarnRule, place: Place) -> bool:
    if rule.stores is not None and place.store not in rule.stores:
        return False
    if rule.channels is not None and place.channel not in rule.channels:
        return False
    time, weekday = place.moment.strftime("%H%M"), place.moment.weekday()
    if rule.from_time < rule.to_time:
        in_time = rule.from_time <= time < rule.to_time
    else:  # over midnight: the small hours belong to the day before
        in_time = time >= rule.from_time or time < rule.to_time
        weekday -= time < rule.to_time
    return in_time and (rule.weekdays is None or list(Weekday)[weekday] in rule.weekdays)


def _fits(rule: EarnRule, line: BasketLine, *, known: bool) -> bool:
    if not rule.by_line:
        return True
    if not known:
        return False
    return (rule.departments is None or line.department in rule.departments) and (
        rule.skus is None or line.sku in rule.skus
    )


def _price(line: BasketLine) -> Fraction:
    return Fraction(line.unit_price * line.thousandths, 1000)


# -- a return ----------------------------------------------------------------------------------------------------------
def parts_left(sale: Row, returns: Iterable[Row]) -> list[int]:
    """What still earns of each part of a sale after these returns."""
    assert sale.deed is not None, "a sale remembers what it earned on"
    left = [part.base for part in sale.deed.parts]
    for row in returns:
        assert row.deed is not None, "a return remembers what it gave back"
        left = [base - part.base for base, part in zip(left, row.deed.parts, strict=True)]
    return left


def parts_returned(sale: Row, left: Sequence[int], remains: int, basket: Sequence[BasketLine]) -> list[int]:
    """By how much a return makes each part smaller.

    What did not earn is given back first: as long as what remains of the sale covers the earning part, nothing is
    taken from it. That is the order of the tenders: value on cards before money.

    Args:
        left: What still earns of each part before it.
        remains: Of the whole sale after it.
        basket: The lines returned, if known.
    """
    assert sale.deed is not None, "a sale remembers what it earned on"
    smaller = max(0, sum(left) - remains)
    wanted = [sum((_price(line) for line in basket if line.sku in part.skus), Fraction(0)) for part in sale.deed.parts]
    if not any(wanted):
        wanted = [Fraction(base) for base in left]
    given = [min(base, share) for base, share in zip(left, apportioned(smaller, wanted), strict=True)]
    for place, base in enumerate(left):
        given[place] += min(base - given[place], smaller - sum(given))
    return given


def apportioned(amount: int, weights: Sequence[Fraction]) -> list[int]:
    """`amount` in whole parts by weight that add up to it: largest remainders first, then in order."""
    total = sum(weights)
    if not total:
        return [amount, *(0 for _ in weights[1:])] if weights else []
    exact = [amount * weight / total for weight in weights]
    parts = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_remainder[: amount - sum(parts)]:
        parts[place] += 1
    return parts
