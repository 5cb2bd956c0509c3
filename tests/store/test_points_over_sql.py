"""The machine of tests/core/test_points_machine.py over SQL: lots, families and holders as databases keep them."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from specs.transaction import Reply
from switch.books import Books, Item
from tests.core.test_points_machine import Points
from tests.core.till import SEAL_KEY
from tests.store.places import Place, PostgreSQLPlace, SQLitePlace, Whole

pytestmark = pytest.mark.slow
SETTINGS = settings(max_examples=12, stateful_step_count=40, deadline=None)


class OverSQL(Points):
    place: Place


def test_over_sqlite(tmp_path: Path) -> None:
    class OverSQLite(OverSQL):
        def open_store(self) -> Whole:
            path = tmp_path / "books.db"
            for file in tmp_path.glob("books.db*"):
                os.remove(file)
            self.place = SQLitePlace(path)
            return self.place.open()

        def teardown(self) -> None:
            super().teardown()
            if hasattr(self, "members"):
                self.place.close()

    run_state_machine_as_test(OverSQLite, settings=SETTINGS)


def raised(bug: Exception) -> None:
    raise bug


class InTurn(Books):
    """Two daemons on the same books: each message comes to the other one."""

    def __init__(self, first: Books, second: Books) -> None:
        self.daemons, self.programme = (first, second), first.programme

    def run_group(self, group: Sequence[Item], now: int) -> list[Reply]:
        self.daemons = self.daemons[::-1]
        return self.daemons[0].run_group(group, now)


def test_over_postgresql_by_two_daemons_in_turn(postgresql: PostgreSQLPlace) -> None:
    database, store, other = postgresql.database(), postgresql.open(), postgresql.open()
    tables = [row[0] for row in database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    emptied = ", ".join(set(tables) - {"migrations", "counters"})

    class OverPostgreSQL(OverSQL):
        def open_store(self) -> Whole:
            store.rollback()
            other.rollback()
            database.fetch(f"TRUNCATE {emptied}")
            return store

        def decided_by(self, books: Books) -> Books:
            return InTurn(books, Books(other, SEAL_KEY, "second", report=raised))

    run_state_machine_as_test(OverPostgreSQL, settings=SETTINGS)
