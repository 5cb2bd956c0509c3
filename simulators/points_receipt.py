"""What a slip, a script and a trace say of points: earned, redeemed, soon expiring, paid out."""

from typing import Any

import msgspec

from simulators.codecs import Dialect
from simulators.money import format_amount
from simulators.point_tables import (
    Points,
    Returned,
    decode_basket,
    decode_points,
    decode_return,
    decode_tenders,
)
from simulators.requests import POINTS_UNIT
from simulators.tables import find_tables
from simulators.wire import Message, WireError

Pair = tuple[str, str]


def find_points(answer: Message, dialect: Dialect) -> Points | None:
    """Table PT of an answer; None where it has none that can be read."""
    try:
        return decode_points(find_tables(answer, dialect)["PT"])
    except (KeyError, WireError):
        return None


def find_return(answer: Message, dialect: Dialect) -> Returned | None:
    """Table RT of an answer; None where it has none that can be read."""
    try:
        return decode_return(find_tables(answer, dialect)["RT"])
    except (KeyError, WireError):
        return None


def points_pairs(kind: str, answer: Message, dialect: Dialect, currency: str) -> list[Pair]:
    """The lines of a slip. In returns and voids points are taken back and given back."""
    pairs: list[Pair] = []
    told, returned = find_points(answer, dialect), find_return(answer, dialect)
    if told:
        counts = zip(_names(kind), (told.earned, told.redeemed), strict=True)
        pairs += [(name, str(count)) for name, count in counts if count]
        if not answer.get(54):  # a preview tells no balance; elsewhere that stands in DE54
            pairs.append(("Points balance", _points(told.available)))
        if told.expiring:
            pairs.append((f"Expiring on {_date(told.expires_on)}", _points(told.expiring)))
    if returned:
        pairs.append(("Worth of points given back", format_amount(returned.worth, currency)))
        pairs.append(("PAY OUT", format_amount(returned.rest, currency)))
    return pairs


def points_json(answer: Message, dialect: Dialect) -> dict[str, Any]:
    """For scripts; what the answer does not have is null."""
    told, returned = find_points(answer, dialect), find_return(answer, dialect)
    return {
        "points": msgspec.structs.asdict(told) if told else None,
        "return": {"worth_minor": returned.worth, "pay_out_minor": returned.rest} if returned else None,
    }


def table_pairs(name: str, data: str) -> list[Pair]:
    """The parts of a table of points, for a trace. Raises WireError where it has none."""
    if not data:
        return []
    if name == "PT":
        told = decode_points(data)
        return [
            ("earned, or taken back", str(told.earned)),
            ("redeemed, or given back", str(told.redeemed)),
            ("available", str(told.available)),
            (f"expiring on {_date(told.expires_on)}", str(told.expiring)),
        ]
    if name == "RT":
        returned = decode_return(data)
        return [("worth of points given back", str(returned.worth)), ("for the till to pay out", str(returned.rest))]
    if name == "BK":
        return [
            (one.sku, f"{one.quantity} at {one.price}, {one.department or 'no group'}") for one in decode_basket(data)
        ]
    if name == "TD":
        return [(kind, str(amount)) for kind, amount in decode_tenders(data)]
    return []


def _names(kind: str) -> tuple[str, str]:
    """What PT counts first and second."""
    if kind in ("void return", "void advice-return"):
        return "Points earned again", "Points redeemed again"
    if kind in ("return", "advice-return") or kind.startswith("void "):
        return "Points taken back", "Points given back"
    return "Points earned", "Points redeemed"


def _points(count: int) -> str:
    return format_amount(count, POINTS_UNIT)


def _date(expires_on: str) -> str:
    """`261231` is 2026-12-31."""
    if not expires_on.strip("0"):
        return "no date"
    return f"20{expires_on[:2]}-{expires_on[2:4]}-{expires_on[4:]}"
