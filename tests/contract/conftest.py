"""The running switch, its tills and its cards, handed out so that no test depends on another."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from tests.contract.batch import Shift
from tests.contract.client import Secret
from tests.contract.daemon import Demo, GiftCard, running_daemon
from tests.contract.till import ACTIVATE, REDEEM, RELOAD, Till

DIALECTS = ("nac", "ascii")
NEWCOMERS = 160  # each is used by one test


class House:
    """One daemon seen from the shop floor."""

    def __init__(self, demo: Demo, *, fresh: bool, newcomers: int = 0) -> None:
        self.demo = demo
        shared = len(demo.terminals) - newcomers
        self.terminals, self.newcomers = demo.terminals[:shared], deque(demo.terminals[shared:])
        # A daemon that ran already may know the last runs' STANs: every half minute another of fifteen blocks.
        self.first_stan = int(time.time()) // 30 % 15 * 65_000 + 1_000
        self.tills = {dialect: self.make_tills(dialect) for dialect in DIALECTS}
        # Kept back for the one test that needs a terminal without a past.
        self.untouched: Till | None = self.tills["nac"].pop() if fresh else None
        self.turns = {dialect: cycle(tills) for dialect, tills in self.tills.items()}
        self.active: dict[str, deque[GiftCard]] = {}
        self.inactive: dict[str, deque[GiftCard]] = {}
        for card in demo.cards:
            if card.product.is_plain_range:
                shelf = self.active if card.active else self.inactive
                shelf.setdefault(card.currency, deque()).append(card)

    def make_tills(self, dialect: str) -> list[Till]:
        """The terminals of a listener that share the currency of its first."""
        records = [record for record in self.terminals if record.listener == dialect]
        alike = [record for record in records if record.currency == records[0].currency]
        port = self.demo.listeners[dialect]
        # Far apart, so that a test may lend a terminal another's STAN without spoiling it for a later one.
        return [Till(record, port, self.first_stan + nth * 5_000 % 60_000) for nth, record in enumerate(alike)]

    def till(self, dialect: str) -> Till:
        return next(self.turns[dialect])

    def newcomer(self, dialect: str) -> Till:
        """A terminal that has sent nothing yet, for the tests that need a batch without a past; each is used once."""
        if not self.newcomers:
            pytest.skip("a daemon that ran already may have no terminal without a past")
        record = replace(self.newcomers.popleft(), listener=dialect)  # a terminal may speak at any listener
        return Till(record, self.demo.listeners[dialect], 0)

    def card(self, till: Till, balance: int = 20_000) -> Secret:
        """The number of an active plain card, brought to exactly this balance by this till.

        A card that a failed test left unusable is laid aside, so that one failure does not become a hundred.
        """
        shelf = self.active[till.record.currency]
        faults: list[AssertionError] = []
        while len(shelf) > 1 or self.sell_another(till):
            shelf.rotate(-1)
            try:
                self.bring_to(till, shelf[-1], balance)
                return shelf[-1].pan
            except AssertionError as fault:
                faults.append(fault)
                shelf.pop()
        raise faults[-1] if faults else AssertionError("earlier tests left no usable card")

    def sell_another(self, till: Till) -> bool:
        """Two cards at least are in use at once; the last three unsold are for the tests of selling."""
        unsold = self.inactive[till.record.currency]
        while len(unsold) > 3:
            card = unsold.popleft()
            if till.do(ACTIVATE, card.pan, max(card.product.minimum, 10_000)).rc == "00":
                self.active[till.record.currency].append(card)
                return True
        return False

    def bring_to(self, till: Till, card: GiftCard, balance: int) -> None:
        there = till.balance(card.pan)
        if there < balance:
            put_on = max(balance - there, card.product.minimum)
            till.do(RELOAD, card.pan, put_on).expect("00")
            there += put_on
        if there > balance:
            till.do(REDEEM, card.pan, there - balance).expect("00")

    def inactive_card(self, till: Till) -> GiftCard:
        """A plain card not yet sold. The test leaves it so again: there are six."""
        shelf = self.inactive[till.record.currency]
        shelf.rotate(-1)
        return shelf[-1]

    def close(self) -> None:
        kept = [self.untouched] if self.untouched else []
        for till in [*kept, *self.tills["nac"], *self.tills["ascii"]]:
            till.close()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The daemon that most tests share; TILLSWITCH_CONTRACT_DEMO names the demo.json of one that runs already."""
    running = os.environ.get("TILLSWITCH_CONTRACT_DEMO")
    if running:
        yield from open_house(Demo.read(Path(running)), fresh=False)
        return
    with running_daemon(tmp_path_factory.mktemp("switch"), NEWCOMERS) as demo:
        yield from open_house(demo, fresh=True, newcomers=NEWCOMERS)


@pytest.fixture(scope="module")
def own_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A daemon of this module's own, for tests that use up what others need (the guess limit)."""
    with running_daemon(tmp_path_factory.mktemp("own")) as demo:
        yield from open_house(demo, fresh=True)


def open_house(demo: Demo, *, fresh: bool, newcomers: int = 0) -> Iterator[House]:
    house = House(demo, fresh=fresh, newcomers=newcomers)
    try:
        yield house
    finally:
        house.close()


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def till(house: House, dialect: str) -> Till:
    return house.till(dialect)


@pytest.fixture
def other_till(house: House, till: Till) -> Till:
    """Another terminal of the same listener and currency."""
    return house.till(till.dialect)


@pytest.fixture
def newcomer(house: House, dialect: str) -> Iterator[Till]:
    """A terminal that has sent nothing yet."""
    till = house.newcomer(dialect)
    yield till
    till.close()


@pytest.fixture
def shift(till: Till, card: Secret) -> Shift:
    """A batch just opened under a number of its own, at a till whose card was brought to 200.00 before."""
    return Shift.open(till, card)


@pytest.fixture
def nac_till(house: House) -> Till:
    return house.till("nac")


@pytest.fixture
def card(house: House, till: Till) -> Secret:
    """A plain card with 200.00 on it."""
    return house.card(till)


@pytest.fixture
def nac_card(house: House, nac_till: Till) -> Secret:
    return house.card(nac_till)
