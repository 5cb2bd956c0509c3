"""What members hold and could spend, by age: the programme's liability for points, added up lot by lot.

The points in a lot are taken for the newest that were put on it: within a lot what came first is spent first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from switch.core.clock import DAY
from switch.core.holdings import Account, AccountKind
from switch.store.port import Reader

#: Days: the last of each age but the oldest, which has none.
AGES: Final = (30, 90, 180, 365)


class Ageing(msgspec.Struct):
    """Of one kind of points."""

    outstanding: int = 0  # what can be spent today or later
    pending: int = 0  # of that: later
    owed: int = 0  # by members, beside that
    expired: int = 0  # not booked out yet, beside that
    by_age: list[int] = msgspec.field(default_factory=lambda: [0] * (len(AGES) + 1))  # of what is outstanding


def ageing(reader: Reader, today: str, now: int) -> dict[str, Ageing]:
    """By unit of points.

    Args:
        today: ISO 8601, in the programme's zone.
    """
    found: dict[str, Ageing] = {}
    for account, credits in reader.credits():
        liability = found.setdefault(account.currency, Ageing())
        if account.kind is AccountKind.DEBT:
            liability.owed -= account.balance
        elif account.expires_on and account.expires_on < today:
            liability.expired += account.balance
        else:
            _add(liability, account, credits, today, now)
    return found


def _add(liability: Ageing, lot: Account, credits: Iterable[tuple[int, int]], today: str, now: int) -> None:
    liability.outstanding += lot.balance
    if lot.available_from > today:
        liability.pending += lot.balance
    left = lot.balance
    for put_at, points in credits:
        part = min(left, points)
        liability.by_age[_age(now - put_at)] += part
        left -= part
    assert left == 0, "a lot holds more than was put on it"


def _age(passed: int) -> int:
    """The place in AGES."""
    return sum(passed // DAY > days for days in AGES)
