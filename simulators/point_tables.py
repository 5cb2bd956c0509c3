"""What is packed inside the tables of points: baskets and tenders that go out, points and returns that come back.

Section 3 of the terminal interface page, "Private tables"; baskets and tenders as a cashier types them, too.
"""

import re
from collections.abc import Iterable

import msgspec

from simulators.money import parse_amount
from simulators.wire import WireError


class BasketLine(msgspec.Struct, frozen=True):
    """`quantity` is text as the table has it: up to three decimals behind a point."""

    sku: str
    quantity: str
    price: int
    department: str = ""

    @property
    def thousandths(self) -> int:
        """A thousand times what the line costs, so that nothing is rounded."""
        whole, _, decimals = self.quantity.partition(".")
        return int(whole + decimals.ljust(3, "0")) * self.price


class Points(msgspec.Struct, frozen=True):
    """Table PT. In returns and voids `earned` is what was taken back, `redeemed` what was given back."""

    earned: int
    redeemed: int
    available: int
    expiring: int
    expires_on: str  # YYMMDD, or six zeros


class Returned(msgspec.Struct, frozen=True):
    """Table RT: what the points given back are worth in money, and what is left for the till to pay out."""

    worth: int
    rest: int


#: The letter of a tender, and what a person may call it.
TENDER_LETTERS = {"gift": "G", "points": "P", "code": "C", "other": "O"}
TENDER_NAMES = {letter: name for name, letter in TENDER_LETTERS.items()}

_LINE = re.compile(r"([^,;]+),([0-9]{1,9}(?:\.[0-9]{1,3})?),([^,;]+)(?:,([^,;]*))?")


# --- what goes out ---


def encode_basket(lines: Iterable[BasketLine]) -> str:
    return ";".join(f"{one.sku},{one.quantity},{one.price},{one.department}" for one in lines)


def encode_tenders(tenders: Iterable[tuple[str, int]]) -> str:
    """Pairs of a tender's name and its amount."""
    return ";".join(f"{TENDER_LETTERS[name]},{amount}" for name, amount in tenders)


def basket_total(lines: Iterable[BasketLine]) -> int:
    """What the basket costs; ValueError in words where that is no whole number of minor units."""
    whole, rest = divmod(sum(line.thousandths for line in lines), 1000)
    if rest:
        raise ValueError("the basket does not come to whole minor units; say --amount")
    return whole


def parse_basket(text: str, currency: str) -> list[BasketLine]:
    """`coffee,2,12.50,food;milk,1.5,6.66` as it is typed; ValueError in words for the person who typed it."""
    lines = []
    for part in text.split(";"):
        match = _LINE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"not a line of a basket: {part!r} (write sku,quantity,price or sku,quantity,price,group)")
        lines.append(BasketLine(match[1], match[2], parse_amount(match[3], currency), match[4] or ""))
    return lines


def parse_tender(text: str, currency: str) -> tuple[str, int]:
    """`points=25` as it is typed; ValueError in words for the person who typed it."""
    name, equals, amount = text.partition("=")
    name = TENDER_NAMES.get(name, name)
    if not equals or name not in TENDER_LETTERS:
        raise ValueError(f"not a tender: {text!r} (write gift=, points=, code= or other= and an amount)")
    return name, parse_amount(amount, currency)


# --- what comes back, and what `decode` reads ---


def decode_points(text: str) -> Points:
    match = re.fullmatch("([0-9]{10})([0-9]{10})([CD])([0-9]{10})([0-9]{10})([0-9]{6})", text)
    if match is None:
        raise WireError("table PT is not made of counts around C or D, and a date")
    available = int(match[4]) * (1 if match[3] == "C" else -1)
    return Points(int(match[1]), int(match[2]), available, int(match[5]), match[6])


def decode_return(text: str) -> Returned:
    match = re.fullmatch("([0-9]{12})([0-9]{12})", text)
    if match is None:
        raise WireError("table RT is not two amounts of 12 digits")
    return Returned(int(match[1]), int(match[2]))


def decode_basket(text: str) -> list[BasketLine]:
    parts = [part.split(",") for part in text.split(";")]
    if not all(len(part) == 4 and part[2].isdecimal() for part in parts):
        raise WireError("table BK is not made of sku, quantity, unit price and department")
    return [BasketLine(sku, quantity, int(price), department) for sku, quantity, price, department in parts]


def decode_tenders(text: str) -> list[tuple[str, int]]:
    parts = [part.split(",") for part in text.split(";")]
    if not all(len(part) == 2 and part[0] in TENDER_NAMES and part[1].isdecimal() for part in parts):
        raise WireError("table TD is not made of kinds and amounts")
    return [(TENDER_NAMES[kind], int(amount)) for kind, amount in parts]
