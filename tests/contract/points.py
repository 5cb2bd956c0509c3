"""Points on the wire: the codes of purse 90, the tables `PT` and `RT`, and what an answer about points must carry.

Sections 2 (DE54, private tables) and 3 of the terminal interface. Knows nothing of tills; till.py calls `table_faults`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from tests.contract.client import Message, WireError, table_field, unpack_tables

# fmt: off
SALE          = "000090"
POINTS_REDEEM = "009000"
POINTS        = "319000"
RETURN        = "200090"
TRANSFER      = "409090"
PURCHASE      = "210090"
ENROL         = "720090"
CARD_BLOCK    = "739000"
CARD_UNBLOCK  = "749000"
CURRENCY      = "999"

ANSWER_ADDS: dict[tuple[str, str], set[int]] = {  # besides tables; the key as in till.py
    ("020", "00009"): {37, 38, 54},     # sale
    ("020", "00900"): {4, 37, 38, 54},  # points redeem
    ("010", "31900"): {54},             # points balance
    ("010", "00009"): set(),            # preview
    ("020", "20009"): {37, 38, 54},     # return
    ("020", "40909"): {37, 38, 54},     # transfer
    ("020", "21009"): {37, 38, 54},     # purchase
    ("020", "72009"): {37, 38, 54},     # enrol
    ("020", "73900"): {37, 38},         # block
    ("020", "74900"): {37, 38},         # unblock
    ("020", "02009"): {37, 38, 54},     # void of sale, return, purchase
    ("020", "02900"): {37, 38, 54},     # void of points redeem
    ("020", "02909"): {37, 38, 54},     # void of transfer
    ("022", "00009"): {37},
    ("022", "20009"): {37},
    ("022", "00900"): {37},
    ("022", "02009"): {37},
    ("022", "02900"): {37},
}
TABLES: dict[tuple[str, str], set[str]] = {  # of an approved answer
    ("020", "00009"): {"PT"},
    ("020", "00900"): {"PT"},
    ("010", "31900"): {"PT"},
    ("010", "00009"): {"PT"},
    ("020", "20009"): {"PT", "RT"},
    ("020", "21009"): {"PT"},
}
MAY_TELL_POINTS = {("020", "02009"), ("020", "02900"), ("020", "02909")}  # "in returns and voids" of table PT
TEXTS = {"22", "29", "CA", "42"}  # only to terminals with capability T
# fmt: on


class PointsTold(NamedTuple):
    """Table `PT`."""

    earned: int
    redeemed: int
    available: int
    expiring: int
    expires_on: str


class Returned(NamedTuple):
    """Table `RT`, in minor units."""

    worth: int
    rest: int


def is_points(de3: str) -> bool:
    """Whether a processing code names purse 90."""
    return de3[2:4] == "90" or de3[4:5] == "9"


def key_of(asked: Mapping[int, str]) -> tuple[str, str]:
    return asked[0][:3], asked.get(3, "")[:5]


def read_told(data: str) -> PointsTold:
    form = re.fullmatch(r"(\d{10})(\d{10})([CD])(\d{10})(\d{10})(\d{6})", data)
    if not form:
        raise WireError(f"PT is malformed: {data!r}")
    earned, redeemed, sign, available, expiring, on = form.groups()
    if sign == "D" and not int(available):
        raise WireError(f"PT has a zero below zero: {data!r}")
    if (on == "000000") != (int(expiring) == 0):
        raise WireError(f"PT tells a date without points or points without a date: {data!r}")
    if on != "000000":
        datetime.strptime(on, "%y%m%d")
    return PointsTold(int(earned), int(redeemed), int(available) * (1 if sign == "C" else -1), int(expiring), on)


def read_returned(data: str) -> Returned:
    if not re.fullmatch(r"\d{24}", data):
        raise WireError(f"RT is malformed: {data!r}")
    return Returned(int(data[:12]), int(data[12:]))


def can_show_texts(asked: Mapping[int, str], dialect: str) -> bool:
    """Whether a request told capability T, in whichever field its tables were."""
    for field in (48, 63):
        packed = {table_field(dialect): asked.get(field, "")}
        try:
            if "T" in unpack_tables(dialect, packed).get("CP", ""):
                return True
        except (WireError, ValueError):
            continue
    return False


def table_faults(asked: Message, answer: Message, dialect: str, available: int | None, approved: bool) -> list[str]:
    """What in the private tables of an answer is not as the terminal interface says; those of 05xx are elsewhere."""
    if asked[0][:2] == "05":
        return []
    try:
        tables = unpack_tables(dialect, answer)
        told = read_told(tables["PT"]) if "PT" in tables else None
        returned = read_returned(tables["RT"]) if "RT" in tables else None
    except (WireError, ValueError) as error:
        return [f"- {error}"]
    faults: list[str] = []
    key = key_of(asked)
    needed = TABLES.get(key, set()) if approved else set()
    allowed = needed | ({"PT"} if key in MAY_TELL_POINTS else set())
    allowed |= TEXTS if can_show_texts(asked, dialect) else set()
    if asked[0][:2] != "08" and not needed <= tables.keys() <= (allowed if approved else TEXTS & allowed):
        faults.append(f"- tables {sorted(tables)}, needed {sorted(needed)}, allowed {sorted(allowed)}")
    if told and available is not None and told.available != available:
        faults.append(f"- PT tells {told.available} available, DE54 {available}")
    if told and told.expiring > max(told.available, 0):
        faults.append(f"- more is said to expire soon than there is: {told}")
    if returned and returned.worth + returned.rest != int(asked.get(4, "0")):
        faults.append(f"- {returned} does not add up to the DE4 of the return")
    for name in ("22", "29"):
        if name in tables and not tables[name].strip():
            faults.append(f"- table {name} is empty")
    if "29" in tables and not tables["29"].endswith("\n"):
        faults.append("- the last line of table 29 does not end with LF")
    return faults
