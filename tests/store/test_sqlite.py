"""What only the embedded store has: one writer, its files, its errors."""

import itertools
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from switch.store.port import Lost, Store, StoreError, Unavailable
from switch.store.sql import SQLStore
from switch.store.sqlite import SQLite, _own_errors
from tests.store.make import NOW, changes, merchant, row
from tests.store.places import SQLitePlace


def keep(store: Store, *records: object) -> None:
    store.load([], NOW)
    store.commit(changes(*records), None)


def test_a_second_daemon_is_refused_in_a_sentence(sqlite: SQLitePlace, tmp_path: Path) -> None:
    sqlite.open()
    (tmp_path / "link.db").symlink_to(sqlite.path)
    for path in (sqlite.path, tmp_path / "link.db"):
        with pytest.raises(StoreError, match=r"is open in another process; only one daemon may use these books$"):
            SQLitePlace(path).open()
    sqlite.close()
    sqlite.open()


def test_a_second_process_is_refused_as_well_and_a_killed_one_leaves_no_lock(sqlite: SQLitePlace) -> None:
    opens = (
        "import sys, os, signal\n"
        "from switch.store.open import open_store\n"
        "open_store(sys.argv[1])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    store = sqlite.open()
    command = [sys.executable, "-c", opens, sqlite.url]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, "is open in another process" in refused.stderr) == (1, True)
    keep(store, merchant())
    sqlite.close()
    assert subprocess.run(command, check=False).returncode == -9
    assert sqlite.open().merchants() == [merchant()]


def test_the_books_are_for_their_owner_alone(sqlite: SQLitePlace) -> None:
    keep(sqlite.open(), merchant())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in sqlite.path.parent.glob("books.db*")}
    del modes["books.db.lock"]
    assert modes == {"books.db": 0o600, "books.db-wal": 0o600, "books.db-shm": 0o600}


@pytest.mark.parametrize("name", ["a ?mode=rw&x#y.db", "50%.db", "Ş ü.db"])
def test_any_file_name_will_do(name: str, tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / name)
    keep(place.open(), merchant())
    assert place.reader().merchants() == [merchant()]
    place.close()


def test_books_that_cannot_be_made_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened: "):
        SQLitePlace(tmp_path / "file" / "books.db").open()


READ = """
import os, sys
from switch.store.open import open_reader
from switch.store.port import StoreError
os.setuid(65534)
try:
    print(len(list(open_reader(sys.argv[1]).rows())))
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="NOT TESTED: only root can become another user")
def test_another_user_reads_what_lies_still_and_is_told_where_that_is_not_possible() -> None:
    """Modes as an operator may have set them: everybody may read, nobody else may write."""
    with tempfile.TemporaryDirectory() as folder:  # pytest keeps its own for itself
        Path(folder).chmod(0o755)
        look_as_another_user(SQLitePlace(Path(folder) / "books.db"))


def look_as_another_user(sqlite: SQLitePlace) -> None:
    def read() -> str:
        for path in sqlite.path.parent.glob("books.db*"):
            path.chmod(0o644)
        done = subprocess.run([sys.executable, "-c", READ, sqlite.url], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    keep(sqlite.open(), row(1))
    assert read() == "1", "beside a daemon: its files are there"
    sqlite.close()
    assert read() == "1", "without one: no WAL, nothing can change"
    sqlite.path.with_name("books.db-wal").write_bytes(b"\x00" * 64)
    assert read().endswith("cannot be read: run this as the user that the daemon runs as")


def test_a_full_disk_refuses_the_group_and_goes_on_when_there_is_space(sqlite: SQLitePlace) -> None:
    """PRAGMA max_page_count stands for the disk: SQLite itself reports SQLITE_FULL, wherever it needs a page."""
    database = SQLite(str(sqlite.path), make=True)
    store = SQLStore(database)
    (pages,) = database.fetch("PRAGMA page_count")[0]
    for room in range(6):
        database.fetch(f"PRAGMA max_page_count = {pages + room}")
        with pytest.raises(Unavailable, match="SQLITE_FULL"):
            fill(store)
        store.rollback()
        rows = len(list(store.rows()))
        assert [one.id for one in store.rows()] == list(range(1, rows + 1))
        database.fetch("PRAGMA max_page_count = 1000000")
        keep(store, row(rows + 1))
        (pages,) = database.fetch("PRAGMA page_count")[0]
    database.close()


def fill(store: SQLStore) -> None:
    """One group after another, until something is in the way."""
    for number in itertools.count(len(list(store.rows())) + 1):
        keep(store, row(number, reason="x" * 1500))


CODES = {
    # code                    before COMMIT  at COMMIT
    "SQLITE_FULL":           (Unavailable, Unavailable),
    "SQLITE_BUSY":           (Unavailable, Unavailable),
    "SQLITE_BUSY_SNAPSHOT":  (Unavailable, Unavailable),
    "SQLITE_LOCKED":         (Unavailable, Lost),
    "SQLITE_CANTOPEN":       (Unavailable, Lost),
    "SQLITE_READONLY":       (Unavailable, Lost),
    "SQLITE_IOERR":          (Lost, Lost),
    "SQLITE_IOERR_FSYNC":    (Lost, Lost),
    "SQLITE_IOERR_WRITE":    (Lost, Lost),
    "SQLITE_CORRUPT":        (Lost, Lost),
    "SQLITE_NOTADB":         (Lost, Lost),
    "SQLITE_CONSTRAINT":     (StoreError, Lost),
    "SQLITE_ERROR":          (StoreError, Lost),
}  # fmt: skip


@pytest.mark.parametrize("name", CODES)
def test_each_error_means_what_it_says(name: str) -> None:
    for during_commit, meant in zip((False, True), CODES[name], strict=True):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode, error.sqlite_errorname = getattr(sqlite3, name), name
        with pytest.raises(StoreError) as raised, _own_errors(during_commit=during_commit):
            raise error
        assert type(raised.value) is meant
        assert name in str(raised.value)
