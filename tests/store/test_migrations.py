"""The schema: made once, kept, never guessed at."""

from importlib import resources
from pathlib import Path

import pytest

from switch.store.database import Database
from switch.store.open import open_store
from switch.store.port import StoreError
from tests.store.make import NOW, changes, merchant, terminal
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
    assert numbers == sorted(set(numbers))
    assert len(numbers) == len(
        [name for name in resources.files("switch.store.migrations").iterdir() if name.name.endswith(".sql")]
    )
    sql_place.close()
    assert sql_place.open().merchants() == [merchant()]


def test_books_of_a_newer_switch_are_refused_in_a_sentence(sql_place: Place) -> None:
    claim(sql_place, "INSERT INTO migrations (number, name) VALUES (9999, 'later.sql')")
    for opening in (sql_place.open, sql_place.reader):
        with pytest.raises(StoreError, match=r"^the books have schema 9999, newer than \d+: install a newer switch$"):
            opening()


def test_books_of_an_older_switch_are_not_read(sql_place: Place) -> None:
    claim(sql_place, "DELETE FROM migrations")
    with pytest.raises(StoreError, match=r"^the books are older than this switch \(schema 0\): .* applies 0001"):
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


# -- books of an older version -----------------------------------------------------------------------------------------
#: Takes the newest migrations back, so that the books are as a version before them had left them.
BEFORE_0005 = (
    "CREATE INDEX journal_by_batch ON journal (batch) WHERE batch > 0; "
    "DROP TABLE presences; DROP TABLE deliveries; ALTER TABLE terminals DROP COLUMN answers_echo; "
    "DELETE FROM migrations WHERE number >= 5"
)


def test_older_books_are_left_alone_unless_it_is_allowed_to_change_them(sql_place: Place) -> None:
    store = sql_place.open()
    store.load([], NOW)
    store.commit(changes(merchant(), terminal()), None)
    sql_place.close()
    claim(sql_place, BEFORE_0005)
    refusal = (
        r"^the books are older than this switch \(schema \d\): `tillswitch serve --migrate` copies them, applies 0005"
    )
    for opening in (lambda: open_store(sql_place.url), sql_place.reader):
        with pytest.raises(StoreError, match=refusal):
            opening()
    told: list[str] = []
    migrated = open_store(sql_place.url, migrate=told.append)
    assert migrated.stations(0, 10)[0].terminal == terminal()
    migrated.close()
    assert told[0].startswith("the books as they were: ")
    assert told[1:] == ["applied 0005_presence.sql", "applied 0006_lighter.sql"]
    open_store(sql_place.url).close()


def test_the_copy_of_older_books_can_be_brought_up_to_date_as_well(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "books.db")
    place.open()
    place.close()
    claim(place, BEFORE_0005)
    open_store(place.url, migrate=lambda done: None).close()
    (copy,) = tmp_path.glob("books.db.before-0005_presence-*Z")
    with pytest.raises(StoreError, match=r"schema \d"):
        open_store(f"sqlite:///{copy}")
    open_store(f"sqlite:///{copy}", migrate=lambda done: None).close()


def test_books_that_are_up_to_date_are_not_copied(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "books.db")
    place.open()
    place.close()
    open_store(place.url, migrate=pytest.fail).close()
    assert not list(tmp_path.glob("*.before-*"))
