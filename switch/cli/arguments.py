"""What people type, and what it must look like: card numbers, ids, currencies, zones, times, amounts.

Each says in one sentence what is allowed. A card number is never repeated in an error.
"""

from __future__ import annotations

import re
import sys
import zoneinfo
from datetime import UTC, datetime
from typing import Any, NoReturn

import click

from specs import limits
from specs.money import CURRENCIES, exponent
from specs.sensitive import PAN, Secret
from switch.cli.output import letters
from switch.core.clock import SECOND

_BY_LETTERS = {name: code for code, (name, _) in CURRENCIES.items()}


class CardNumber(click.ParamType[PAN]):
    """A PAN; `-` reads it from standard input, so that it stays out of the shell's history and the process list."""

    name = "pan"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> PAN:
        if isinstance(value, PAN):
            return value
        digits = sys.stdin.readline() if value == "-" else value
        try:
            return PAN(digits.replace(" ", "").strip())
        except ValueError:
            self.fail("a card number has 6 to 19 digits, or is - to be read from standard input", parameter, context)


class PhoneNumber(click.ParamType[Secret]):
    """Digits with country code, as terminals send them; `-` reads it from standard input. No error repeats it."""

    name = "phone"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Secret:
        if isinstance(value, Secret):
            return value
        digits = (sys.stdin.readline() if value == "-" else value).strip().removeprefix("+").replace(" ", "")
        low, high = limits.PHONE_DIGITS_MIN, limits.PHONE_DIGITS_MAX
        if not (re.fullmatch("[0-9]+", digits) and low <= len(digits) <= high):
            allowed = f"a phone number has {low} to {high} digits, or is - to be read from standard input"
            self.fail(allowed, parameter, context)
        return Secret(digits)


class Pattern(click.ParamType[str]):
    """Text of one form."""

    name = "text"

    def __init__(self, pattern: str, allowed: str) -> None:
        self._pattern, self._allowed = pattern, allowed

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> str:
        if not re.fullmatch(self._pattern, value):
            self.fail(f"{value!r} must be {self._allowed}", parameter, context)
        return str(value)


class Visa2Number(Pattern):
    """What a VISA-2 terminal goes by, with slashes for people."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> str:
        return super().convert(value, parameter, context).replace("/", "")


def word(most: int) -> Pattern:
    """An id as terminals send it."""
    return Pattern(f"[!-~]{{1,{most}}}", f"1 to {most} printable ASCII characters without spaces")


class Currency(click.ParamType[str]):
    """ISO 4217, in letters or digits; digits for the books."""

    name = "currency"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> str:
        code = _BY_LETTERS.get(value.upper(), value)
        if code not in CURRENCIES:
            self.fail(f"{value!r} is not one of {', '.join(sorted(_BY_LETTERS))}", parameter, context)
        return str(code)


class TimeZone(click.ParamType[str]):
    name = "zone"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            self.fail(f"{value!r} is no time zone; allowed: names like Europe/Istanbul, or UTC", parameter, context)
        return str(value)


class Moment(click.ParamType[datetime]):
    """ISO 8601; without an offset it is meant in the zone of the other times shown."""

    name = "time"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> datetime:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no time; allowed: ISO 8601 such as 2026-01-31 or 2026-01-31T18:30:00+03:00",
                parameter,
                context,
            )


CARD_NUMBER, PHONE, CURRENCY, TIME_ZONE, MOMENT = CardNumber(), PhoneNumber(), Currency(), TimeZone(), Moment()
MERCHANT_ID, TERMINAL_ID, STORE = word(15), word(8), word(32)
NII = Pattern("[0-9]{3}", "three digits")
VISA2_NUMBER = Visa2Number(
    "(?!0+/)[0-9]{12}/(?!0+/)[0-9]{4}/(?!0+$)[0-9]{4}", "12, 4 and 4 digits with slashes, none of them only zeros"
)
VISA2_SIX = Pattern("[0-9]{6}", "six digits")
RRN = Pattern("[0-9]{12}", "twelve digits")
CLOCK = Pattern("([01][0-9]|2[0-3])[0-5][0-9]", "a time of day such as 2330")
DAY_END = Pattern("([01][0-9]|2[0-3])[0-5][0-9]|never", "a time of day such as 0400, or never")


def instant(given: datetime | None, utc: bool) -> int | None:
    """Microseconds since 1970; without an offset the time is the shell's, or UTC."""
    if given is None:
        return None
    if given.tzinfo is None:
        given = given.replace(tzinfo=UTC) if utc else given.astimezone()
    return round(given.timestamp() * SECOND)


def minor_units(text: str, currency: str, option: str) -> int:
    """An amount as people write it (`100`, `99.90`) in minor units of `currency`."""
    digits = exponent(currency)
    found = re.fullmatch(rf"([0-9]{{1,{12 - digits}}})(?:\.([0-9]{{1,{max(digits, 1)}}}))?", text)
    if not found or (found[2] and not digits):
        point = f", at most {digits} behind the point" if digits else " without a point"
        bad_option(option, f"{text!r} must be an amount in {letters(currency)}: digits{point}")
    return int(found[1] + (found[2] or "").ljust(digits, "0"))


def bad_option(option: str, reason: str) -> NoReturn:
    raise click.BadParameter(reason, param_hint=f"'{option}'")
