"""The programme: what the owner has decided, as data. Card products, exchange rates, policies.

Read from TOML and validated as a whole; a mistake names the key, the reason and what is allowed, and nothing of the
file is used. Money in the file is in minor units.
"""

from __future__ import annotations

import re
import tomllib
import zoneinfo
from enum import Enum
from fractions import Fraction
from typing import Any, Final

import msgspec

from specs import limits
from specs.money import CURRENCIES, exponent
from specs.transaction import TenderKind
from switch.core.mistakes import ProgrammeError as ProgrammeError  # where everyone looks for it
from switch.core.mistakes import check_id, check_prefix, check_range, explained, read_fraction
from switch.core.scheme_checks import check_schemes
from switch.core.schemes import (
    DebtPolicy,
    EarnRule,
    LoyaltyProduct,
    Rounding,
    Scheme,
    Weekday,
)
from switch.core.texts import PointsText


class Method(Enum):
    """How a card comes by its value (the three methods of R86 to R88)."""

    PRELOADED = "preloaded"  # its denomination, at activation; no reload
    AT_ACTIVATION = "at_activation"  # the amount asked, at activation; no reload
    RELOADABLE = "reloadable"  # the amount asked, at activation; reload later


class CardRefusals(Enum):
    """Whether terminals are told why a card is refused (WIRE.md section 6)."""

    PLAIN = "plain"
    UNIFORM = "uniform"


class GiftProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of gift card. Amounts are in minor units of `currency`."""

    id: str
    name: str
    prefix: str  # the first six digits of its cards
    currency: str
    method: Method
    denominations: tuple[int, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    balance_limit: int | None = None
    single_use: bool = False
    pin: bool = False
    pin_for_balance: bool = False
    pin_tries: int = limits.PIN_TRIES
    valid_days: int | None = None  # from activation
    stores: tuple[str, ...] | None = None
    refund_elsewhere: bool = True  # goods may be returned at another terminal than they were bought at

    @property
    def reload(self) -> bool:
        return self.method is Method.RELOADABLE

    @property
    def whole_denomination(self) -> int | None:
        """What "the denomination" means when a terminal names no amount: the only one there is."""
        return self.denominations[0] if len(self.denominations) == 1 else None


CardProduct = GiftProduct | LoyaltyProduct


class Programme(msgspec.Struct, frozen=True):
    version: int
    time_zone: str  # the host's: local time for terminals it does not know
    card_refusals: CardRefusals
    guess_limit: int
    pin_lock_minutes: int
    rates: dict[str, Fraction]  # USD for one unit of the currency
    products: dict[str, GiftProduct]
    by_prefix: dict[str, CardProduct]
    schemes: dict[str, Scheme]
    loyalty: dict[str, LoyaltyProduct]
    units: dict[str, Scheme]

    def card_product(self, product: str) -> CardProduct | None:
        """The product of any card, by its id."""
        return self.products.get(product) or self.loyalty.get(product)

    def scheme_at(self, unit: str, store: str) -> Scheme | None:
        """The points that count at a store for cards of the scheme `unit`: its own, or a sub-scheme's."""
        scheme = self.units.get(unit)
        if scheme is None:
            return None
        subs = (sub for sub in self.schemes.values() if sub.parent == scheme.id and store in sub.stores)
        return next(subs, scheme)

    def schemes_of(self, unit: str) -> list[Scheme]:
        """All points that cards of the scheme `unit` can hold: the scheme's own first, then its sub-schemes'."""
        main = self.units.get(unit)
        return [main, *(sub for sub in self.schemes.values() if sub.parent == main.id)] if main else []

    def rate(self, source: str, target: str) -> Fraction | None:
        """Minor units of `target` for one minor unit of `source`, through USD; None where the table has no answer."""
        if source == target:
            return _SAME
        if source not in self.rates or target not in self.rates:
            return None
        return self.rates[source] / self.rates[target] * Fraction(10) ** (exponent(target) - exponent(source))


_SAME: Final = Fraction(1)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    time_zone: str = "UTC"
    card_refusals: CardRefusals = CardRefusals.UNIFORM
    guess_limit: int = limits.GUESS_LIMIT
    pin_lock_minutes: int = limits.PIN_LOCK_MINUTES
    rates: dict[str, object] = {}  # checked one by one, so that a mistake names its currency
    gift_products: list[GiftProduct] = []
    points_schemes: list[Scheme] = []


_STRUCTS: dict[str, type[msgspec.Struct]] = {
    "": _File,
    "gift_products": GiftProduct,
    "points_schemes": Scheme,
    "points_schemes.cards": LoyaltyProduct,
    "points_schemes.earn_rules": EarnRule,
    "points_schemes.texts": PointsText,
}
_CHOICES: dict[str, type[Enum]] = {
    "card_refusals": CardRefusals,
    "method": Method,
    "rounding": Rounding,
    "debt": DebtPolicy,
    "weekdays": Weekday,
    "earning_tenders": TenderKind,
}


def parse_programme(text: str, version: int) -> Programme:
    """The programme in `text` (TOML).

    Raises:
        ProgrammeError: with the first mistake, as `key: reason`.
    """
    try:
        raw: dict[str, Any] = tomllib.loads(text)
        file = msgspec.convert(raw, _File, dec_hook=read_fraction)
    except tomllib.TOMLDecodeError as error:
        raise ProgrammeError(f"not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ProgrammeError(explained(str(error), _STRUCTS, _CHOICES)) from None
    if not _is_time_zone(file.time_zone):
        raise ProgrammeError(f"time_zone: {file.time_zone!r} is not a time zone such as 'Europe/Istanbul'")
    check_range("guess_limit", file.guess_limit, 1, 1_000_000)
    check_range("pin_lock_minutes", file.pin_lock_minutes, 1, 60 * 24)
    rates = {code: _rate(f"rates.{code}", code, rate) for code, rate in file.rates.items()}
    rates.setdefault("840", Fraction(1))
    if rates["840"] != 1:
        raise ProgrammeError("rates.840: a US dollar is worth one US dollar; leave it out or say 1")
    products: dict[str, GiftProduct] = {}
    prefixes: dict[str, CardProduct] = {}
    for place, product in enumerate(file.gift_products):
        key = f"gift_products[{place}]"
        _check_product(key, product)
        if product.id in products:
            raise ProgrammeError(f"{key}.id: {product.id!r} is there twice")
        if product.prefix in prefixes:
            raise ProgrammeError(f"{key}.prefix: {product.prefix} belongs to {prefixes[product.prefix].id!r} already")
        products[product.id] = prefixes[product.prefix] = product
    check_schemes(file.points_schemes)
    loyalty = _loyalty_cards(file.points_schemes, products, prefixes)
    return Programme(
        version=version,
        time_zone=file.time_zone,
        card_refusals=file.card_refusals,
        guess_limit=file.guess_limit,
        pin_lock_minutes=file.pin_lock_minutes,
        rates=rates,
        products=products,
        by_prefix=prefixes | {product.prefix: product for product in loyalty.values()},
        schemes={scheme.id: scheme for scheme in file.points_schemes},
        loyalty=loyalty,
        units={scheme.unit: scheme for scheme in file.points_schemes},
    )


def _is_time_zone(name: str) -> bool:
    """Asked of one name: listing all there are reads a thousand files."""
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, zoneinfo.ZoneInfoNotFoundError, OSError):
        return False
    return True


def _loyalty_cards(
    schemes: list[Scheme], products: dict[str, GiftProduct], prefixes: dict[str, CardProduct]
) -> dict[str, LoyaltyProduct]:
    """Every loyalty card by its id; ids and prefixes are unlike those of gift products and of each other."""
    loyalty: dict[str, LoyaltyProduct] = {}
    taken = {prefix: product.id for prefix, product in prefixes.items()}
    for place, scheme in enumerate(schemes):
        for at, product in enumerate(scheme.cards):
            key = f"points_schemes[{place}].cards[{at}]"
            if product.id in products or product.id in loyalty:
                raise ProgrammeError(f"{key}.id: {product.id!r} is there twice")
            if product.prefix in taken:
                raise ProgrammeError(f"{key}.prefix: {product.prefix} belongs to {taken[product.prefix]!r} already")
            loyalty[product.id] = product
            taken[product.prefix] = product.id
    return loyalty


def _check_product(key: str, product: GiftProduct) -> None:
    check_id(f"{key}.id", product.id)
    check_prefix(f"{key}.prefix", product.prefix)
    if product.currency not in CURRENCIES:
        raise ProgrammeError(f"{key}.currency: {product.currency!r} is not one of {', '.join(sorted(CURRENCIES))}")
    check_range(f"{key}.pin_tries", product.pin_tries, 1, 10)
    if product.valid_days is not None:
        check_range(f"{key}.valid_days", product.valid_days, 1, 36_500)
    has_range = product.minimum is not None or product.maximum is not None
    if bool(product.denominations) == has_range:
        raise ProgrammeError(f"{key}: needs either denominations, or minimum and maximum")
    if has_range:
        if product.minimum is None or product.maximum is None:
            raise ProgrammeError(f"{key}: minimum and maximum go together")
        check_range(f"{key}.minimum", product.minimum, 1, limits.AMOUNT_MAX)
        check_range(f"{key}.maximum", product.maximum, product.minimum, limits.AMOUNT_MAX)
    for amount in product.denominations:
        check_range(f"{key}.denominations", amount, 1, limits.AMOUNT_MAX)
    if product.method is Method.PRELOADED and has_range:
        raise ProgrammeError(f"{key}.method: a preloaded card needs denominations")
    if product.single_use and product.reload:
        raise ProgrammeError(f"{key}.single_use: a reloadable card is not single use")
    if product.pin_for_balance and not product.pin:
        raise ProgrammeError(f"{key}.pin_for_balance: the product has no PIN")
    if product.balance_limit is not None:
        check_range(f"{key}.balance_limit", product.balance_limit, 1, limits.AMOUNT_MAX)


def _rate(key: str, code: str, text: object) -> Fraction:
    if code not in CURRENCIES:
        raise ProgrammeError(f"{key}: {code!r} is not one of {', '.join(sorted(CURRENCIES))}")
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", text) or not Fraction(text):
        raise ProgrammeError(f'{key}: {text!r} must be a decimal above zero in quotes, such as "0.0312"')
    return Fraction(text)
