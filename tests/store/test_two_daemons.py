"""Two daemons on one PostgreSQL are given the same messages, each in an order of its own: nothing moves twice.

A second, simpler model says what every card must hold: each message counts once, unless it is reversed. That does not
depend on the order, because no card runs dry.
"""

import random
import threading
from collections import Counter
from collections.abc import Sequence

import pytest

from specs.outcomes import Outcome
from switch.core.decision import Changes
from switch.core.journal import Seal
from switch.core.needs import Case, Needs
from switch.core.workset import Workset
from switch.store.port import Conflict, JournalFilter, Reader
from switch.store.sql import SQLStore
from tests.store.places import PostgreSQLPlace
from tests.store.shop import FILLED, NOW, balances, fill, groups, message, open_books, prove

TERMINALS, CARDS = 24, 12
LARGEST = 16


class Story:
    """Messages, and what the cards hold once all of them have been answered."""

    def __init__(self, chance: random.Random, count: int) -> None:
        self._chance = chance
        self.expected = [FILLED] * CARDS
        self.cases: list[Case] = []
        self.paid: list[tuple[int, int, int, int]] = []  # terminal, stan, card, amount of payments that stand
        self._stans = Counter[int]()
        for _ in range(count):
            self._deed(self._chance.choice(("redeem", "redeem", "reload")))

    def _deed(self, what: str) -> None:
        terminal, card = self._chance.randrange(TERMINALS), self._chance.randrange(CARDS)
        amount, stan = self._chance.randint(2, 90), self._stan(terminal)
        if self._say(what, terminal, stan, card, amount):
            self.expected[card] += amount if what == "reload" else -amount
            if what == "redeem":
                self.paid.append((terminal, stan, card, amount))

    def _say(self, what: str, terminal: int, stan: int, card: int, amount: int, rrn: str | None = None) -> bool:
        """One message, perhaps repeated, perhaps reversed; whether it stands."""
        self.cases.append(message(what, terminal, stan, card, amount, rrn=rrn))
        if self._chance.random() < 0.2:
            self.cases.append(message(what, terminal, stan, card, amount, rrn=rrn, repeat=True))
        if self._chance.random() < 0.75:
            return True
        reversal = message(what, terminal, self._stan(terminal), card, amount, rrn=rrn, reversal_of=stan)
        self.cases += [reversal] * self._chance.randint(1, 2)
        return False

    def _stan(self, terminal: int) -> int:
        self._stans[terminal] += 1
        return self._stans[terminal]

    def afterwards(self, reader: Reader) -> None:
        """Refunds, at any terminal, and voids, at their own, of payments that stand."""
        rows = {(row.terminal, row.stan): row for row in reader.journal(JournalFilter(limit=1_000_000)) if row.accepted}
        ids = {one.terminal_id: one.id for one in reader.terminals()}
        self.cases = []
        for terminal, stan, card, amount in self._chance.sample(self.paid, len(self.paid) // 2):
            rrn = rows[ids[f"T{terminal:07d}"], stan].rrn
            if self._chance.random() < 0.5:
                if self._say("void", terminal, self._stan(terminal), card, amount, rrn):
                    self.expected[card] += amount
                continue
            elsewhere, part = self._chance.randrange(TERMINALS), amount // 2
            if self._say("refund", elsewhere, self._stan(elsewhere), card, part, rrn):
                self.expected[card] += part

    def shuffled(self) -> list[Case]:
        return self._chance.sample(self.cases, len(self.cases))


class Strict(SQLStore):
    """With both locks taken, in one order, no daemon ever gets into another's way: a conflict fails the test."""

    def load(self, needs: Sequence[Needs], now: int) -> Workset:
        try:
            return super().load(needs, now)
        except Conflict as error:
            raise AssertionError(str(error)) from error

    def commit(self, changes: Changes, seal: Seal | None) -> None:
        try:
            super().commit(changes, seal)
        except Conflict as error:
            raise AssertionError(str(error)) from error


def play(place: PostgreSQLPlace, scripts: list[list[Case]]) -> Counter[Outcome]:
    """Each script by a daemon of its own, all at once."""
    outcomes: list[Outcome] = []
    failed: list[BaseException] = []

    def run(name: str, cases: list[Case]) -> None:
        try:
            books, now = open_books(Strict(place.database()), name), NOW
            for group in groups(cases, LARGEST):
                now += 1000
                outcomes.extend(reply.outcome for reply in books.run_group(group, now))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(f"daemon{number}", cases)) for number, cases in enumerate(scripts, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    return Counter(outcomes)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_messages_at_two_daemons_move_value_once(postgresql: PostgreSQLPlace, seed: int) -> None:
    fill(postgresql.open(), TERMINALS, CARDS)
    story = Story(random.Random(seed), 1500)
    first = play(postgresql, [story.shuffled(), story.shuffled()])
    assert balances(postgresql.reader(), CARDS) == story.expected
    story.afterwards(postgresql.reader())
    second = play(postgresql, [story.shuffled(), story.shuffled()])
    assert balances(postgresql.reader(), CARDS) == story.expected
    assert Outcome.INTERNAL not in first | second
    done = prove(postgresql.reader())
    assert len(done.newest) == 3, "two daemons and the operator, a chain of seals each"
    moved = Counter(
        (row.terminal, row.message_class, row.stan)
        for row in postgresql.reader().rows()
        if row.entries and row.terminal
    )
    assert set(moved.values()) == {1}, "no message moved value twice"
