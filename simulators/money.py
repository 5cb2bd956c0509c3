"""Amounts as people write them and as messages carry them: integers in minor units, no floats anywhere."""

import re

LETTERS = {
    "008": "ALL", "036": "AUD", "048": "BHD", "124": "CAD", "156": "CNY", "208": "DKK", "344": "HKD", "356": "INR",
    "360": "IDR", "364": "IRR", "368": "IQD", "392": "JPY", "400": "JOD", "410": "KRW", "414": "KWD", "434": "LYD",
    "512": "OMR", "566": "NGN", "578": "NOK", "634": "QAR", "643": "RUB", "682": "SAR", "702": "SGD", "752": "SEK",
    "756": "CHF", "784": "AED", "788": "TND", "818": "EGP", "826": "GBP", "840": "USD", "933": "BYN", "944": "AZN",
    "946": "RON", "949": "TRY", "975": "BGN", "978": "EUR", "980": "UAH", "985": "PLN", "999": "points",
}  # fmt: skip
_EXPONENTS = {
    "048": 3, "368": 3, "400": 3, "414": 3, "434": 3, "512": 3, "788": 3,
    "392": 0, "410": 0, "999": 0,
}  # fmt: skip


def letters(currency: str) -> str:
    """The letters of a currency, its number where the table does not know it."""
    return LETTERS.get(currency, currency)


def exponent(currency: str) -> int:
    return _EXPONENTS.get(currency, 2)


def parse_amount(text: str, currency: str) -> int:
    """`12.5` in a currency of two decimals is 1250. Raises ValueError in words for the person who typed it."""
    digits = exponent(currency)
    match = re.fullmatch(r"(\d+)(?:[.,](\d+))?", text.strip(), re.ASCII)
    if not match:
        raise ValueError(f"not an amount: {text!r} (write 100 or 99.90)")
    whole, fraction = match[1], match[2] or ""
    if len(fraction) > digits:
        raise ValueError(f"{letters(currency)} has {digits} decimals, {text!r} has {len(fraction)}")
    minor = int(whole + fraction.ljust(digits, "0"))
    if minor >= 10**12:
        raise ValueError("an amount has at most 12 digits")
    return minor


def format_amount(minor: int, currency: str) -> str:
    digits = exponent(currency)
    sign, text = "-" if minor < 0 else "", str(abs(minor)).zfill(digits + 1)
    number = f"{text[:-digits]}.{text[-digits:]}" if digits else text
    return f"{sign}{number} {letters(currency)}"
