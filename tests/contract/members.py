"""The members of the demo and its points programme, handed out so that no test depends on another.

Read from demo.json as the issue of points describes it: `loyalty_cards` (pan, member, points; the first four have an
account of their own and no debt) and `points` (earn_money minor units give earn_points; what a point is worth by store;
the least that may be redeemed). The base rule is plain for the first merchant only, so its terminals are used.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

from tests.contract.client import Secret
from tests.contract.points import SALE
from tests.contract.till import Till

if TYPE_CHECKING:
    from tests.contract.conftest import House  # whose fixtures import this file

OWN_ACCOUNTS = 4  # the first cards of demo.json
PLENTY = 1_000


@dataclass(frozen=True)
class Programme:
    """What earns, and what a point is worth."""

    earn_money: int
    earn_points: int
    value_minor: Mapping[str, int]
    redeem_minimum: int

    def earned(self, amount: int) -> int:
        """Points of money: rounded down to whole points."""
        return amount * self.earn_points // self.earn_money

    def money(self, points: int) -> int:
        """The least money that earns so many points, or a little more where a ratio has no such number."""
        return -(-points * self.earn_money // self.earn_points)

    def value(self, till: Till) -> int:
        """What a point is worth at a terminal's store, in minor units."""
        return self.value_minor[till.record.store]

    def worth(self, till: Till, points: int) -> int:
        return points * self.value(till)

    def taken(self, till: Till, amount: int) -> int:
        """Points for money: rounded up to whole points."""
        return -(-amount // self.value(till))

    def some(self, points: int = 60) -> int:
        """A number of points that may be redeemed."""
        return max(points, self.redeem_minimum)


@dataclass(frozen=True)
class Member:
    """One entry of loyalty_cards."""

    pan: Secret
    member: str
    points: int

    def __repr__(self) -> str:
        return f"<loyalty card …{self.pan[-4:]} of {self.member}>"


class Club:
    """The members seen from the shop floor."""

    def __init__(self, house: House) -> None:
        demo = json.loads((house.demo.folder / "demo.json").read_text(encoding="utf-8"))
        self.house = house
        self.programme = read_programme(demo["points"])
        self.cards = tuple(
            Member(Secret(row["pan"]), str(row["member"]), int(row["points"]))
            for row in demo["loyalty_cards"]
            if row["member"]
        )
        self.unenrolled = tuple(map(Secret, demo["unenrolled_cards"]))
        self.shelf = deque(self.cards[:OWN_ACCOUNTS])
        merchant = house.demo.merchants[0]
        self.tills = {
            dialect: [till for till in tills if till.record.merchant_id == merchant]
            for dialect, tills in house.tills.items()
        }
        self.turns = {dialect: cycle(tills) for dialect, tills in self.tills.items()}

    def till(self, dialect: str) -> Till:
        return next(self.turns[dialect])

    def colleague(self, till: Till) -> Till:
        """Another terminal of the same store, over whichever dialect."""
        others = [other for tills in self.tills.values() for other in tills if other is not till]
        return next(other for other in others if other.record.store == till.record.store)

    def elsewhere(self, till: Till) -> Till:
        """A terminal of another store of the same merchant."""
        others = [other for tills in self.tills.values() for other in tills]
        return next(other for other in others if other.record.store != till.record.store)

    def member(self, till: Till, points: int = 0) -> Secret:
        """A card with an account of its own and at least so many points; never the one handed out before it.

        A card that a failed test left unusable is laid aside, so that one failure does not become a hundred.
        """
        faults: list[AssertionError] = []
        while len(self.shelf) > 1:
            self.shelf.rotate(-1)
            pan = self.shelf[-1].pan
            try:
                missing = max(points, PLENTY, self.programme.redeem_minimum * 10) - till.points(pan)
                if missing > 0:
                    till.do(SALE, pan, self.programme.money(missing)).expect("00")
                return pan
            except AssertionError as fault:
                faults.append(fault)
                self.shelf.pop()
        raise faults[-1] if faults else AssertionError("earlier tests left no usable member")

    def two_cards_of_one_account(self) -> tuple[Member, Member]:
        """The member who has two cards."""
        for nth, card in enumerate(self.cards):
            for other in self.cards[nth + 1 :]:
                if other.member == card.member:
                    return card, other
        raise AssertionError("no member of the demo has two cards")


def read_programme(row: Mapping[str, Any]) -> Programme:
    return Programme(
        earn_money=int(row["earn_money"]),
        earn_points=int(row["earn_points"]),
        value_minor={store: int(value) for store, value in row["value_minor"].items()},
        redeem_minimum=int(row["redeem_minimum"] or 0),
    )
