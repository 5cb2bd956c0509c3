"""The schema: made once, kept, never guessed at."""

from pathlib import Path

import pytest

from switch.store.database import Database
from switch.store.open import open_store
from switch.store.port import StoreError
from tests.store.make import NOW, changes, merchant
from tests.store.places import Place, PostgreSQLPlace, SQLitePlace


def applied(database: Database) -> list[tuple[int, str]]:
    return [(row[0], row[1]) for row in database.fetch("SELECT number, name FROM migrations ORDER BY number")]


def claim(place: Place, sql: str) -> None:
    """Change the table of migrations by hand."""
    database = place.database()
    with database.transaction():
        database.run_script(sql)
    place.close()


def test_new_books_get_every_migration_and_keep_what_is_written(sql_place: Place) -> None:
    store = sql_place.open()
    store.load([], NOW)
    store.commit(changes(merchant()), None)
    sql_place.close()
    database = sql_place.database()
    numbers = [number for number, _ in applied(database)]
    assert numbers == list(range(1, len(numbers) + 1))
    sql_place.close()
    assert sql_place.open().merchants() == [merchant()]


def test_books_of_a_newer_switch_are_refused_in_a_sentence(sql_place: Place) -> None:
    claim(sql_place, "INSERT INTO migrations (number, name) VALUES (9999, 'later.sql')")
    for opening in (sql_place.open, sql_place.reader):
        with pytest.raises(StoreError, match=r"^the books have schema 9999, newer than \d+: install a newer switch$"):
            opening()


def test_books_of_an_older_switch_are_not_read(sql_place: Place) -> None:
    claim(sql_place, "DELETE FROM migrations")
    with pytest.raises(StoreError, match=r"^the books are older than this switch: start the daemon once to apply 0001"):
        sql_place.reader()


def test_a_migration_that_fails_leaves_nothing_of_itself(sql_place: Place) -> None:
    """As if a daemon had forgotten that the tables are there: the first statement fails, and the connection lives."""
    claim(sql_place, "DELETE FROM migrations")
    for _ in range(2):  # the second time the same: the locks were given back, and nothing was half applied
        with pytest.raises(StoreError, match=r"already exists|DuplicateTable"):
            sql_place.open()


def test_a_file_that_is_no_database_and_one_that_is_empty_are_told_apart(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "not.db")
    place.path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"not\.db does not hold books$"):
        place.reader()
    place.path.write_bytes(b"")
    with pytest.raises(StoreError, match=r"^there are no books in this database"):
        place.reader()
    place.path.unlink()
    with pytest.raises(StoreError, match=r"^there are no books at .*not\.db: restore them, or"):
        place.reader()


def test_an_empty_postgresql_database_is_told_apart_as_well(postgresql: PostgreSQLPlace) -> None:
    claim(postgresql, "DROP TABLE migrations")
    with pytest.raises(StoreError, match=r"^there are no books in this database"):
        postgresql.reader()


def test_only_init_begins_new_books(tmp_path: Path) -> None:
    """A daemon that finds none looks in the wrong place, or they are to be restored: it must not begin at nothing."""
    path = tmp_path / "books.db"
    for _ in range(2):  # the second time the same: the first has left nothing
        with pytest.raises(StoreError, match=r"^there are no books at .*books\.db: restore them, or make new ones"):
            open_store(f"sqlite:///{path}")
        assert list(tmp_path.iterdir()) == []
    path.touch()
    with pytest.raises(StoreError, match=r"^there are no books in this database"):
        open_store(f"sqlite:///{path}")
    open_store(f"sqlite:///{path}", make=True).close()
    open_store(f"sqlite:///{path}").close()


@pytest.mark.parametrize("empty", ["DELETE FROM migrations", "DROP TABLE migrations"])
def test_only_init_begins_new_books_on_postgresql(empty: str, postgresql: PostgreSQLPlace) -> None:
    claim(postgresql, empty)
    with pytest.raises(StoreError, match=r"^there are no books in this database"):
        open_store(postgresql.url)
