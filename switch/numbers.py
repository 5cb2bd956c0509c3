"""Card numbers and PINs that are hard to guess: 19 digits, of which 12 are random and the last is a check digit."""

from __future__ import annotations

import secrets

from specs.sensitive import PAN, Secret
from switch.core.commands import NewNumber
from switch.vault import Vault

RANDOM_DIGITS = 12
PIN_DIGITS = 6


def new_pan(prefix: str) -> PAN:
    """A number that begins with the product's six digits."""
    body = prefix + _digits(RANDOM_DIGITS)
    return PAN(body + check_digit(body))


def new_pin() -> Secret:
    return Secret(_digits(PIN_DIGITS))


def new_number(vault: Vault, pan: PAN, pin: Secret | None) -> NewNumber:
    """A card number as the books keep it."""
    card_hash = vault.card_hash(pan)
    return NewNumber(
        hash=card_hash.hex(),
        sealed_pan=vault.encrypt_pan(pan),
        masked_pan=pan.masked,
        pin_hash=vault.pin_hash(card_hash, pin) if pin else None,
    )


def check_digit(body: str) -> str:
    """The digit that makes `body` pass the Luhn check (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def _digits(count: int) -> str:
    return f"{secrets.randbelow(10**count):0{count}d}"
