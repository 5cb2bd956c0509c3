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
from typing import Any

import msgspec

from specs import limits
from specs.money import CURRENCIES, exponent


class ProgrammeError(ValueError):
    """A programme file that cannot be used: `key: reason`."""


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


class Programme(msgspec.Struct, frozen=True):
    version: int
    time_zone: str  # the host's: local time for terminals it does not know
    card_refusals: CardRefusals
    guess_limit: int
    pin_lock_minutes: int
    rates: dict[str, Fraction]  # USD for one unit of the currency
    products: dict[str, GiftProduct]
    by_prefix: dict[str, GiftProduct]

    def rate(self, source: str, target: str) -> Fraction | None:
        """Minor units of `target` for one minor unit of `source`, through USD; None where the table has no answer."""
        if source == target:
            return Fraction(1)
        if source not in self.rates or target not in self.rates:
            return None
        return self.rates[source] / self.rates[target] * Fraction(10) ** (exponent(target) - exponent(source))


class _File(msgspec.Struct, forbid_unknown_fields=True):
    time_zone: str = "UTC"
    card_refusals: CardRefusals = CardRefusals.UNIFORM
    guess_limit: int = limits.GUESS_LIMIT
    pin_lock_minutes: int = limits.PIN_LOCK_MINUTES
    rates: dict[str, object] = {}  # checked one by one, so that a mistake names its currency
    gift_products: list[GiftProduct] = []


def parse_programme(text: str, version: int) -> Programme:
    """The programme in `text` (TOML).

    Raises:
        ProgrammeError: with the first mistake, as `key: reason`.
    """
    try:
        raw: dict[str, Any] = tomllib.loads(text)
        file = msgspec.convert(raw, _File)
    except tomllib.TOMLDecodeError as error:
        raise ProgrammeError(f"not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ProgrammeError(_said(str(error))) from None
    if file.time_zone not in zoneinfo.available_timezones():
        raise ProgrammeError(f"time_zone: {file.time_zone!r} is not a time zone such as 'Europe/Istanbul'")
    _check_range("guess_limit", file.guess_limit, 1, 1_000_000)
    _check_range("pin_lock_minutes", file.pin_lock_minutes, 1, 60 * 24)
    rates = {code: _rate(f"rates.{code}", code, rate) for code, rate in file.rates.items()}
    rates.setdefault("840", Fraction(1))
    if rates["840"] != 1:
        raise ProgrammeError("rates.840: a US dollar is worth one US dollar; leave it out or say 1")
    products: dict[str, GiftProduct] = {}
    prefixes: dict[str, GiftProduct] = {}
    for place, product in enumerate(file.gift_products):
        key = f"gift_products[{place}]"
        _check_product(key, product)
        if product.id in products:
            raise ProgrammeError(f"{key}.id: {product.id!r} is there twice")
        if product.prefix in prefixes:
            raise ProgrammeError(f"{key}.prefix: {product.prefix} belongs to {prefixes[product.prefix].id!r} already")
        products[product.id] = prefixes[product.prefix] = product
    return Programme(
        version=version,
        time_zone=file.time_zone,
        card_refusals=file.card_refusals,
        guess_limit=file.guess_limit,
        pin_lock_minutes=file.pin_lock_minutes,
        rates=rates,
        products=products,
        by_prefix=prefixes,
    )


def _check_product(key: str, product: GiftProduct) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", product.id):
        raise ProgrammeError(f"{key}.id: {product.id!r} must be 1 to 32 of a-z 0-9 _ -")
    if not re.fullmatch(r"[1-9][0-9]{5}", product.prefix):
        raise ProgrammeError(f"{key}.prefix: {product.prefix!r} must be six digits, the first not 0")
    if product.currency not in CURRENCIES:
        raise ProgrammeError(f"{key}.currency: {product.currency!r} is not one of {', '.join(sorted(CURRENCIES))}")
    _check_range(f"{key}.pin_tries", product.pin_tries, 1, 10)
    if product.valid_days is not None:
        _check_range(f"{key}.valid_days", product.valid_days, 1, 36_500)
    has_range = product.minimum is not None or product.maximum is not None
    if bool(product.denominations) == has_range:
        raise ProgrammeError(f"{key}: needs either denominations, or minimum and maximum")
    if has_range:
        if product.minimum is None or product.maximum is None:
            raise ProgrammeError(f"{key}: minimum and maximum go together")
        _check_range(f"{key}.minimum", product.minimum, 1, limits.AMOUNT_MAX)
        _check_range(f"{key}.maximum", product.maximum, product.minimum, limits.AMOUNT_MAX)
    for amount in product.denominations:
        _check_range(f"{key}.denominations", amount, 1, limits.AMOUNT_MAX)
    if product.method is Method.PRELOADED and has_range:
        raise ProgrammeError(f"{key}.method: a preloaded card needs denominations")
    if product.single_use and product.reload:
        raise ProgrammeError(f"{key}.single_use: a reloadable card is not single use")
    if product.pin_for_balance and not product.pin:
        raise ProgrammeError(f"{key}.pin_for_balance: the product has no PIN")
    if product.balance_limit is not None:
        _check_range(f"{key}.balance_limit", product.balance_limit, 1, limits.AMOUNT_MAX)


def _rate(key: str, code: str, text: object) -> Fraction:
    if code not in CURRENCIES:
        raise ProgrammeError(f"{key}: {code!r} is not one of {', '.join(sorted(CURRENCIES))}")
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", text) or not Fraction(text):
        raise ProgrammeError(f'{key}: {text!r} must be a decimal above zero in quotes, such as "0.0312"')
    return Fraction(text)


def _check_range(key: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ProgrammeError(f"{key}: {value} must be from {low} to {high}")


def _said(message: str) -> str:
    """msgspec says `Expected … - at `$.a[0].b``; people read `a[0].b: expected …`, and what is allowed instead."""
    reason, _, place = message.partition(" - at `$")
    key = place.rstrip("`").lstrip(".")
    struct = GiftProduct if key.startswith("gift_products[") else _File
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", reason):
        return f"{_join(key, found[1])}: is not a key; allowed: {', '.join(struct.__struct_fields__)}"
    if found := re.fullmatch(r"Object missing required field `(.*)`", reason):
        return f"{_join(key, found[1])}: is missing"
    reason = reason[:1].lower() + reason[1:]
    choices = {"card_refusals": CardRefusals, "method": Method}.get(key.rpartition(".")[2])
    if choices and reason.startswith("invalid enum value"):
        reason += f"; allowed: {', '.join(choice.value for choice in choices)}"
    return f"{key}: {reason}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
