"""At every n-th write and sync the disk fails: no answer is given that is not on disk.

A full disk is waited out by the same daemon. After anything else nobody knows what was written: the daemon ends, and
the next one, also after a power cut, finds all that was answered; what was not is reversed, and then every card holds
what the client reckons. TILLSWITCH_FAULTS=1 tries every write, not every second.
"""

import os
import shutil
from pathlib import Path

import pytest

from specs.outcomes import Outcome
from specs.transaction import Reply
from switch.books import Books
from switch.core.needs import Case
from switch.store.open import open_store
from switch.store.port import Lost, StoreError, Unavailable
from switch.store.sql import SQLStore
from switch.store.sqlite import SQLite
from tests.crash.disk import Disk, Fault, find_library
from tests.store.places import SQLitePlace
from tests.store.shop import FILLED, NOW, balances, fill, message, open_books, prove

LIBRARY = find_library()
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="NO DISK FAULTS: Python's SQLite is not libsqlite3.so.0")

STEP = 1 if os.environ.get("TILLSWITCH_FAULTS") else 2
TERMINALS = 3
GROUPS = 4
#: What becomes of the machine when the daemon ends, and after how many pages the WAL is taken into the books: after
#: few, the calls of checkpoints fail too; after many, the WAL grows behind what a sync that failed has left.
MODES = {"killed": (False, 1000), "killed_with_checkpoints": (False, 30), "power_cut": (True, 30)}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "books.db"
    store = open_store(f"sqlite:///{path}", make=True)
    fill(store, TERMINALS, TERMINALS)
    store.close()
    return path


class Client:
    """Its terminals pay with a card each, and reverse what was not answered."""

    def __init__(self) -> None:
        self.expected = [FILLED] * TERMINALS
        self.answered: set[str | None] = set()
        self.open: list[Case] = []
        self._stan = 0

    def pay(self) -> list[Case]:
        self._stan += 1
        self.open = [message("redeem", place, self._stan, place, 10 + self._stan) for place in range(TERMINALS)]
        return self.open

    def reversals(self) -> list[Case]:
        self._stan += 1
        return [
            message("redeem", place, self._stan, place, case.request.amount or 0, reversal_of=case.request.stan)
            for place, case in enumerate(self.open)
        ]

    def hear(self, group: list[Case], replies: list[Reply]) -> None:
        for place, (case, reply) in enumerate(zip(group, replies, strict=True)):
            assert reply.outcome is Outcome.APPROVED
            self.answered.add(reply.rrn)
            self.expected[place] -= case.request.amount or 0
        self.open = []


class Machine:
    """A daemon's books on a disk that may fail, started again when the daemon would end."""

    def __init__(self, disk: Disk, place: SQLitePlace, mode: str) -> None:
        self._disk, self._place = disk, place
        self._power_cut, self._checkpoint_pages = MODES[mode]
        self.restarts, self.waits, self._now = 0, 0, NOW
        self._books: Books | None = None
        self._database: SQLite | None = None

    def run(self, group: list[Case]) -> list[Reply] | None:
        """Answers; None if the daemon ended without one."""
        self._now += 1000
        while True:
            try:
                self._books = self._books or self._start()
                return self._books.run_group(group, self._now)
            except Unavailable:
                self.waits += 1
                if self._books is None:
                    self._end()
                self._disk.heal()
            except Lost:
                self._end()
                return None
            except StoreError:
                assert self._books is None, "a running daemon knows what its store's errors mean"
                self._end()

    def cut_power(self) -> None:
        """The daemon may have been started again since a sync failed, and have built on what it read."""
        self._power_cut = True
        self._end()

    def _start(self) -> Books:
        self._database = SQLite(str(self._place.path))
        self._database.fetch(f"PRAGMA wal_autocheckpoint = {self._checkpoint_pages}")
        return open_books(SQLStore(self._database))

    def _end(self) -> None:
        self._disk.die()
        if self._database:
            self._database.close()
        self._books = self._database = None
        self._disk.restart(power_cut=self._power_cut)
        self.restarts += 1


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", list(Fault))
def test_nothing_is_answered_that_is_not_on_disk(fault: Fault, mode: str, filled: Path, tmp_path: Path) -> None:
    at, ends, waits = 1, 0, 0
    while True:
        folder = tmp_path / str(at)
        folder.mkdir()
        place = SQLitePlace(Path(shutil.copy(filled, folder / "books.db")))
        with Disk(LIBRARY) as disk:
            machine, client = Machine(disk, place, mode), Client()
            disk.fail(fault, at)
            for _ in range(GROUPS):
                converse(machine, client)
            struck = disk.struck
            machine.cut_power()
            converse(machine, client)
            machine.cut_power()
        check(place, client)
        shutil.rmtree(folder)
        ends, waits = ends + machine.restarts - 2, waits + machine.waits
        if not struck:
            break  # there is no n-th call: all have failed once
        at += 1 if fault is Fault.SYNC else STEP
    assert at > 5
    assert (waits if fault is Fault.FULL else ends) > 3, "it was felt"


def converse(machine: Machine, client: Client) -> None:
    """Pay; or if that was not answered, make sure that it has not been."""
    group = client.pay()
    replies = machine.run(group)
    if replies is not None:
        client.hear(group, replies)
        return
    reversals = client.reversals()
    while machine.run(reversals) is None:
        pass
    client.open = []


def check(place: SQLitePlace, client: Client) -> None:
    reader = place.reader()
    prove(reader)
    assert client.answered <= {row.rrn for row in reader.rows()}
    assert balances(reader, TERMINALS) == client.expected
    place.close()
