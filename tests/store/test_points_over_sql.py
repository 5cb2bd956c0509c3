"""The machine of tests/core/test_points_machine.py over SQL: lots, families and holders as databases keep them."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.core.test_points_machine import Points
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


def test_over_postgresql(postgresql: PostgreSQLPlace) -> None:
    database, store = postgresql.database(), postgresql.open()
    tables = [row[0] for row in database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    emptied = ", ".join(set(tables) - {"migrations", "counters"})

    class OverPostgreSQL(OverSQL):
        def open_store(self) -> Whole:
            store.rollback()
            database.fetch(f"TRUNCATE {emptied}")
            return store

    run_state_machine_as_test(OverPostgreSQL, settings=SETTINGS)
