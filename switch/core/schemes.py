"""Points schemes: what points are, how they are earned, kept and spent. Data of the programme file.

The rules that use them are in earning.py, points.py and returns.py. `specs/POINTS.md` explains every key by examples.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from enum import Enum
from fractions import Fraction

import msgspec

from specs import limits
from specs.money import CURRENCIES
from specs.transaction import TenderKind
from switch.core.mistakes import ProgrammeError, check_id, check_prefix, check_range
from switch.core.texts import PointsText, check_texts


class Rounding(Enum):
    """What becomes of a part of a point when points are earned. Everything else rounds against the member."""

    DOWN = "down"
    UP = "up"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


class DebtPolicy(Enum):
    """What becomes of points that have to be taken back and are not there."""

    DEBT = "debt"  # the member owes them; what is earned next pays first
    FLOOR = "floor"  # booked as uncovered against the merchant, and reported


class Weekday(Enum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class LoyaltyProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of loyalty card of a scheme: the programme's own, a co-branded one."""

    id: str
    name: str
    prefix: str  # the first six digits of its cards
    pin: bool = False
    pin_for_balance: bool = False
    pin_tries: int = limits.PIN_TRIES
    stores: tuple[str, ...] | None = None


class EarnRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another ratio under conditions; all that are named must fit. The first rule that fits a line counts."""

    name: str
    earn_money: int
    earn_points: int
    stores: tuple[str, ...] | None = None
    departments: tuple[str, ...] | None = None  # product groups; only where the till tells its basket
    skus: tuple[str, ...] | None = None
    weekdays: tuple[Weekday, ...] | None = None
    from_time: str = "0000"  # hhmm, the store's own time
    to_time: str = "2400"  # excluded
    channels: tuple[str, ...] | None = None  # names of listeners

    @property
    def by_line(self) -> bool:
        """Whether it depends on what was bought."""
        return self.departments is not None or self.skus is not None


class Scheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of points. Money is in minor units of `currency`; a store without a line of its own has the rest's."""

    id: str
    number: int  # never changed, never used again: the books know the points by it
    name: str  # of the points, as people read it
    currency: str
    earn_money: int
    earn_points: int
    value: Fraction  # minor units one point pays
    cards: tuple[LoyaltyProduct, ...] = ()
    parent: str = ""  # of a sub-scheme: whose cards it uses
    stores: tuple[str, ...] = ()  # of a sub-scheme: where it takes the parent's place
    rounding: Rounding = Rounding.DOWN
    earn_rules: tuple[EarnRule, ...] = ()
    earning_tenders: tuple[TenderKind, ...] = (TenderKind.GIFT, TenderKind.OTHER)
    pending_days: int = 0
    expire_days: int | None = None
    expire_months: int | None = None
    expire_on: tuple[str, ...] = ()  # MM-DD
    expiring_days: int = 30
    store_values: dict[str, Fraction] = {}
    redeem_minimum: int = 1
    redeem_maximum: int | None = None
    redeem_step: int = 1
    redeem_partial: bool = False  # terminals that cannot say whether they take less get less
    transfer: bool = False
    transfer_minimum: int = 1
    transfer_maximum: int | None = None
    purchase_price: Fraction | None = None  # minor units one point costs; None: not for sale
    purchase_minimum: int = 1  # points
    purchase_maximum: int | None = None
    commitment_stores: tuple[str, ...] = ()
    debt: DebtPolicy = DebtPolicy.DEBT
    return_elsewhere: bool = True
    return_without_original: bool = False
    grace_days: int = 0
    point_cost: Fraction = Fraction(0)
    contribution: Fraction = Fraction(1)
    contributions: dict[str, Fraction] = {}
    conversions: dict[str, Fraction] = {}
    events: dict[str, int] = {}
    texts: tuple[PointsText, ...] = ()

    @property
    def unit(self) -> str:
        """What entries say instead of a currency. ISO 4217 numeric codes end at 999."""
        return str(limits.UNIT_BASE + self.number)

    def value_at(self, store: str) -> Fraction:
        return self.store_values.get(store, self.value)

    def cost_at(self, merchant_id: str) -> Fraction:
        """What a point given at a merchant's tills costs the merchant."""
        return self.point_cost * self.contributions.get(merchant_id, self.contribution)

    def lot_dates(self, day: dt.date) -> tuple[str, str]:
        """From when points earned on `day` can be spent, and the last day on which they can; "" = at once, always.

        They never end before they begin.
        """
        first = day + dt.timedelta(self.pending_days)
        available = first.isoformat() if self.pending_days else ""
        if self.expire_days is not None:
            return available, (day + dt.timedelta(self.expire_days)).isoformat()
        if self.expire_months is not None:
            return available, max(_month_end(day, self.expire_months), _month_end(first, 0)).isoformat()
        if self.expire_on:
            dates = (_date(year, text) for year in (first.year, first.year + 1) for text in sorted(self.expire_on))
            return available, next(date for date in dates if date >= first).isoformat()
        return available, ""


def _month_end(day: dt.date, months: int) -> dt.date:
    """The last day of the month `months` after that of `day`."""
    following = day.year * 12 + day.month + months
    return dt.date(following // 12, following % 12 + 1, 1) - dt.timedelta(1)


def _date(year: int, text: str) -> dt.date:
    """29 February is the 28th where there is none."""
    month, day = int(text[:2]), int(text[3:])
    return dt.date(year, month, day) if (month, day) != (2, 29) else dt.date(year, 3, 1) - dt.timedelta(1)


def check_schemes(schemes: Sequence[Scheme]) -> None:
    """
    Raises:
        ProgrammeError: with the first mistake.
    """
    seen: dict[str, dict[object, str]] = {"id": {}, "number": {}}
    for place, scheme in enumerate(schemes):
        key = f"points_schemes[{place}]"
        for name, taken in seen.items():
            value = getattr(scheme, name)
            if value in taken:
                raise ProgrammeError(f"{key}.{name}: {value!r} belongs to {taken[value]!r} already")
            taken[value] = scheme.id
        _check_scheme(key, scheme)
        for at, rule in enumerate(scheme.earn_rules):
            _check_rule(f"{key}.earn_rules[{at}]", rule)
            if rule.name in {other.name for other in scheme.earn_rules[:at]}:
                raise ProgrammeError(f"{key}.earn_rules[{at}].name: {rule.name!r} is there twice")
        for at, product in enumerate(scheme.cards):
            _check_card(f"{key}.cards[{at}]", product)
        check_texts(f"{key}.texts", scheme.texts)
    _check_family(schemes)


def _check_scheme(key: str, scheme: Scheme) -> None:
    check_id(f"{key}.id", scheme.id)
    check_range(f"{key}.number", scheme.number, 1, limits.SCHEME_NUMBER_MAX)
    if scheme.currency not in CURRENCIES:
        raise ProgrammeError(f"{key}.currency: {scheme.currency!r} is not one of {', '.join(sorted(CURRENCIES))}")
    check_range(f"{key}.earn_money", scheme.earn_money, 1, limits.AMOUNT_MAX)
    check_range(f"{key}.earn_points", scheme.earn_points, 0, limits.POINTS_MAX)
    for name, value in (
        {"value": scheme.value} | {f"store_values.{k}": v for k, v in scheme.store_values.items()}
    ).items():
        if not value:
            raise ProgrammeError(f"{key}.{name}: must be above zero")
    if scheme.purchase_price == 0:
        raise ProgrammeError(f"{key}.purchase_price: must be above zero; leave it out if points are not for sale")
    check_range(f"{key}.pending_days", scheme.pending_days, 0, 366)
    check_range(f"{key}.expiring_days", scheme.expiring_days, 0, 366)
    check_range(f"{key}.grace_days", scheme.grace_days, 0, 366)
    if sum((scheme.expire_days is not None, scheme.expire_months is not None, bool(scheme.expire_on))) > 1:
        raise ProgrammeError(f"{key}: only one of expire_days, expire_months, expire_on")
    if scheme.expire_days is not None:
        check_range(f"{key}.expire_days", scheme.expire_days, scheme.pending_days, 36_500)
    if scheme.expire_months is not None:
        check_range(f"{key}.expire_months", scheme.expire_months, 0, 1200)
    for text in scheme.expire_on:
        if not _is_date(text):
            raise ProgrammeError(f"{key}.expire_on: {text!r} must be a month and a day such as '12-31'")
    for what in ("redeem", "transfer", "purchase"):
        minimum, maximum = getattr(scheme, f"{what}_minimum"), getattr(scheme, f"{what}_maximum")
        check_range(f"{key}.{what}_minimum", minimum, 1, limits.POINTS_MAX)
        if maximum is not None:
            check_range(f"{key}.{what}_maximum", maximum, minimum, limits.POINTS_MAX)
    check_range(f"{key}.redeem_step", scheme.redeem_step, 1, limits.POINTS_MAX)
    shares = {"contribution": scheme.contribution} | {f"contributions.{k}": v for k, v in scheme.contributions.items()}
    for name, share in shares.items():
        if share > 1:
            raise ProgrammeError(f"{key}.{name}: must be from 0 to 1, the merchant's share of the cost")
    for event, points in scheme.events.items():
        check_id(f"{key}.events", event)
        check_range(f"{key}.events.{event}", points, 1, limits.POINTS_MAX)


def _check_rule(key: str, rule: EarnRule) -> None:
    check_id(f"{key}.name", rule.name)
    check_range(f"{key}.earn_money", rule.earn_money, 1, limits.AMOUNT_MAX)
    check_range(f"{key}.earn_points", rule.earn_points, 0, limits.POINTS_MAX)
    for name in ("stores", "departments", "skus", "weekdays", "channels"):
        if getattr(rule, name) == ():
            raise ProgrammeError(f"{key}.{name}: the rule would never count; leave the key out if it does not matter")
    for name in ("from_time", "to_time"):
        text = getattr(rule, name)
        if not re.fullmatch(r"([01][0-9]|2[0-3])[0-5][0-9]|2400", text):
            raise ProgrammeError(f"{key}.{name}: {text!r} must be a time hhmm from '0000' to '2400'")
    if rule.from_time == rule.to_time:
        raise ProgrammeError(f"{key}.to_time: the rule would never count; it begins at {rule.from_time} too")


def _check_card(key: str, product: LoyaltyProduct) -> None:
    check_id(f"{key}.id", product.id)
    check_prefix(f"{key}.prefix", product.prefix)
    check_range(f"{key}.pin_tries", product.pin_tries, 1, 10)
    if product.pin_for_balance and not product.pin:
        raise ProgrammeError(f"{key}.pin_for_balance: the product has no PIN")


def _check_family(schemes: Sequence[Scheme]) -> None:
    """Sub-schemes under main ones, each store under one; conversions between schemes there are."""
    known = {scheme.id: scheme for scheme in schemes}
    taken: dict[tuple[str, str], str] = {}
    for place, scheme in enumerate(schemes):
        key = f"points_schemes[{place}]"
        main = [other for other in known if not known[other].parent and other != scheme.id]
        if scheme.parent and scheme.parent not in main:
            raise ProgrammeError(f"{key}.parent: {scheme.parent!r} is not one of {', '.join(main) or 'none'}")
        if bool(scheme.parent) is not bool(scheme.stores):
            raise ProgrammeError(f"{key}.stores: a sub-scheme has a parent and stores, another scheme neither")
        if scheme.parent and scheme.cards:
            raise ProgrammeError(f"{key}.cards: a sub-scheme uses the cards of its parent")
        for store in scheme.stores:
            other = taken.setdefault((scheme.parent, store), scheme.id)
            if other != scheme.id:
                raise ProgrammeError(f"{key}.stores: {store!r} belongs to {other!r} already")
        for target, rate in scheme.conversions.items():
            others = ", ".join(sorted(known.keys() - {scheme.id})) or "none"
            if target not in known or target == scheme.id:
                raise ProgrammeError(f"{key}.conversions.{target}: is not one of {others}")
            if not rate:
                raise ProgrammeError(f"{key}.conversions.{target}: must be above zero")


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        dt.date(2024, int(text[:2]), int(text[3:]))  # a leap year
    except ValueError:
        return False
    return True
