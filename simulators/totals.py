"""The totals of a batch: which transaction counts in which block, and how blocks stand in DE63 of 05xx.

Section 5 of the terminal interface page: amounts are approved amounts, without a sign; counts are modulo 1000.
"""

from collections.abc import Iterable

from simulators.wire import WireError

Total = tuple[int, int]

BLOCK_CHOICES = (1, 2, 4, 6)
BLOCK_NAMES = ("redeemed", "loaded", "sales", "returns", "block 5", "block 6")  # the last two stay at zero
COUNT_MODULUS = 1000  # a count has three digits

#: Type and account digits of a processing code; its sixth digit is a flow flag.
# fmt: off
_BLOCK_OF = {
    "00600": 0,  # gift redeem
    "01600": 0,  # gift cash-out
    "00900": 0,  # points redeem, in money
    "72006": 1,  # gift activate, the value put on
    "21006": 1,  # gift reload
    "20006": 1,  # refund onto a gift card
    "21009": 1,  # points purchase, in money
    "00009": 2,  # sale that earns points
    "20009": 3,  # return of a sale
}
# fmt: on


def block_of(processing_code: str) -> int | None:
    """The block a transaction counts in; None if it counts in none."""
    return _BLOCK_OF.get(processing_code[:5])


def add_up(deeds: Iterable[tuple[str, int]]) -> list[Total]:
    """The six blocks of these processing codes and approved amounts; counts as they are, not yet modulo 1000."""
    totals = [(0, 0)] * len(BLOCK_NAMES)
    for code, amount in deeds:
        block = block_of(code)
        if block is not None:
            totals[block] = totals[block][0] + 1, totals[block][1] + amount
    return totals


def encode_totals(totals: Iterable[Total]) -> str:
    return "".join(f"{count % COUNT_MODULUS:03d}{amount:012d}" for count, amount in totals)


def decode_totals(text: str) -> list[Total]:
    """Count and amount of each block of DE63 in 05xx."""
    if not text or len(text) % 15 or not text.isdecimal():
        raise WireError("DE63 is not made of totals (count of 3 digits, amount of 12)")
    return [(int(text[start : start + 3]), int(text[start + 3 : start + 15])) for start in range(0, len(text), 15)]


def same_totals(ours: Iterable[Total], theirs: Iterable[Total]) -> bool:
    """Whether they agree as DE63 can say it."""
    return encode_totals(ours) == encode_totals(theirs)
