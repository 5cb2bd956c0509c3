"""What the stores cost: `python -m tests.bench_store` prints a table; nothing is asserted.

Environment: BENCH_CARDS (100000; say 1000000 for the large programme), BENCH_GROUPS (how many of each size),
TILLSWITCH_TEST_POSTGRES (a server; else one is started). A disk that acknowledges without a flush, as many virtual ones
do, makes commits look faster than they are.
"""

import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from switch.core.decision import Changes
from switch.core.holdings import CardState
from switch.core.journal import Seal
from switch.core.needs import Needs
from switch.core.workset import Workset
from switch.store.database import Database
from switch.store.postgres import PostgreSQL
from switch.store.sql import SQLStore
from switch.store.sqlite import SQLite
from tests.store.make import account, card, changes
from tests.store.places import PostgreSQLPlace
from tests.store.servers import NoServer, postgresql_server
from tests.store.shop import NOW, approved, card_hash, fill, message, open_books

CARDS = int(os.environ.get("BENCH_CARDS", "100000"))
GROUPS = int(os.environ.get("BENCH_GROUPS", "150"))
SIZES = (1, 8, 64)
CHUNK = 5_000
FIRST_CARD = 1_000_000_000  # ids of the many cards, beyond those that are leased


class Timed(SQLStore):
    """Adds up how long loads and commits took."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.load_seconds = self.commit_seconds = 0.0

    def load(self, needs: Sequence[Needs], now: int) -> Workset:
        began = time.perf_counter()
        workset = super().load(needs, now)
        self.load_seconds += time.perf_counter() - began
        return workset

    def commit(self, changes: Changes, seal: Seal | None) -> None:
        began = time.perf_counter()
        super().commit(changes, seal)
        self.commit_seconds += time.perf_counter() - began


def main() -> None:
    print(f"{'store':<12}{'cards':>10}{'group':>7}{'load ms':>10}{'commit ms':>11}{'load µs/tx':>12}{'tx/s':>8}")
    for name, database in databases():
        for cards in sorted({min(10_000, CARDS), CARDS}):
            store = Timed(database)
            issue(store, cards)
            for size in SIZES:
                measure(name, store, cards, size)
            print()


def databases() -> Iterator[tuple[str, Database]]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tillswitch-bench-"))
        database: Database = SQLite(str(Path(folder) / "books.db"), make=True)
        yield "sqlite", database
        database.close()
        try:
            url = stack.enter_context(own_database())
        except NoServer as reason:
            print(f"no PostgreSQL: {reason}")
            return
        database = PostgreSQL(url, make=True)
        yield "postgresql", database
        database.close()


@contextmanager
def own_database() -> Iterator[str]:
    name = f"tillswitch_bench_{os.getpid()}"
    with postgresql_server() as server, psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield PostgreSQLPlace(server, name).url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def issue(store: SQLStore, cards: int) -> None:
    """Terminals, and so many cards in all."""
    if store.programme() is None:
        fill(store, max(SIZES), 0)

    known = store.cards(FIRST_CARD, 10_000_000)
    for first in range(len(known), cards, CHUNK):
        numbers = range(first + 1, min(first + CHUNK, cards) + 1)
        store.load([], NOW)
        new = [card(FIRST_CARD + n, hash=card_hash(n), account=FIRST_CARD + n, state=CardState.ACTIVE) for n in numbers]
        store.commit(changes(*new, *(account(FIRST_CARD + n, 10**9) for n in numbers)), None)


STANS = iter(range(1, 1_000_000))


def measure(name: str, store: Timed, cards: int, size: int) -> None:
    """Payments with cards that nobody has used just before."""
    books, chance = open_books(store), random.Random(size)
    store.load_seconds = store.commit_seconds = 0.0
    began = time.perf_counter()
    for _ in range(GROUPS):
        stan = next(STANS)
        group = [message("redeem", till, stan, chance.randint(1, cards), 5) for till in range(size)]
        assert all(approved(books.run_group(group, NOW + stan * 1000)))
    seconds = time.perf_counter() - began
    load, commit = store.load_seconds / GROUPS * 1000, store.commit_seconds / GROUPS * 1000
    print(
        f"{name:<12}{cards:>10}{size:>7}{load:>10.2f}{commit:>11.2f}{load / size * 1000:>12.0f}"
        f"{GROUPS * size / seconds:>8.0f}"
    )


if __name__ == "__main__":
    main()
