"""Points schemes: what points are, how they are earned, kept and spent. Data of the programme file.

The rules that use them are in earning.py, points.py and returns.py; what a programme may say is checked in
scheme_checks.py. `specs/POINTS.md` explains every key by examples.
"""

from __future__ import annotations

import datetime as dt
from enum import Enum
from fractions import Fraction

import msgspec

from specs import limits
from specs.transaction import TenderKind
from switch.core.texts import PointsText


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
