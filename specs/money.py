"""Amounts are integers in minor units; rates are exact. Exponents are those of ISO 4217."""

from fractions import Fraction

#: ISO 4217 numeric code to (letters, exponent): what the switch can hold. Others are refused in configuration.
CURRENCIES: dict[str, tuple[str, int]] = {
    "008": ("ALL", 2),
    "012": ("DZD", 2),
    "036": ("AUD", 2),
    "048": ("BHD", 3),
    "124": ("CAD", 2),
    "156": ("CNY", 2),
    "208": ("DKK", 2),
    "356": ("INR", 2),
    "368": ("IQD", 3),
    "392": ("JPY", 0),
    "398": ("KZT", 2),
    "400": ("JOD", 3),
    "410": ("KRW", 0),
    "414": ("KWD", 3),
    "504": ("MAD", 2),
    "512": ("OMR", 3),
    "578": ("NOK", 2),
    "634": ("QAR", 2),
    "643": ("RUB", 2),
    "682": ("SAR", 2),
    "752": ("SEK", 2),
    "756": ("CHF", 2),
    "784": ("AED", 2),
    "788": ("TND", 3),
    "818": ("EGP", 2),
    "826": ("GBP", 2),
    "840": ("USD", 2),
    "941": ("RSD", 2),
    "944": ("AZN", 2),
    "946": ("RON", 2),
    "949": ("TRY", 2),
    "975": ("BGN", 2),
    "978": ("EUR", 2),
    "980": ("UAH", 2),
    "981": ("GEL", 2),
    "985": ("PLN", 2),
}

#: The currency code of points in balances (WIRE.md section 3).
POINTS_UNIT = "999"


def exponent(currency: str) -> int:
    """Digits behind the decimal point of `currency`.

    Raises:
        KeyError: the currency is not one the switch can hold.
    """
    return CURRENCIES[currency][1]


def format_minor(amount: int, currency: str) -> str:
    """`-12.34 TRY` for people; never parsed back."""
    letters, digits = CURRENCIES.get(currency, (currency, 0))
    sign, whole = ("-" if amount < 0 else ""), abs(amount)
    if not digits:
        return f"{sign}{whole} {letters}"
    return f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}d} {letters}"


def convert_up(amount: int, rate: Fraction) -> int:
    """What a debit of `amount` costs at `rate` (target minor units per source minor unit), rounded up."""
    return -(-amount * rate.numerator // rate.denominator)


def convert_down(amount: int, rate: Fraction) -> int:
    """What a credit of `amount` is worth at `rate`, rounded down."""
    return amount * rate.numerator // rate.denominator
