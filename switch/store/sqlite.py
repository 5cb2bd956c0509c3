"""The embedded store: one file, one writer, every commit on disk before it returns.

WAL with synchronous=FULL: a commit is one fsync. A lock file beside the books keeps a second daemon out.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from switch.store.database import Columns, Database
from switch.store.port import Lost, StoreError, Unavailable

_NOTHING_WRITTEN = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN}


class SQLite(Database):
    """A connection to the file at `path`, which is made if it is not there (`:memory:` for tests)."""

    words = {"BYTES": "BLOB", "BIGINT PRIMARY KEY": "INTEGER PRIMARY KEY"}  # noqa: RUF012 - INTEGER is the row's own id

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        super().__init__()
        self._path = path
        self._lock_file = None if path == ":memory:" or read_only else _take_lock(path)
        try:
            self._connection = self._open_to_read() if read_only else self._open_to_write()
            if read_only:
                self.check_schema()
            else:
                self.migrate()
        except BaseException:
            self._release()
            raise

    def _open_to_write(self) -> sqlite3.Connection:
        with _own_errors(during_commit=False):
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA cache_size = -65536")  # 64 MB: the upper levels of every index
        return connection

    def _open_to_read(self) -> sqlite3.Connection:
        """One snapshot for everything that is read: it begins with the first statement and sees no later commit."""
        if not os.path.exists(self._path):
            raise StoreError(f"{self._path} is not there")
        with _own_errors(during_commit=False):
            connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, isolation_level=None)
            connection.execute("BEGIN")
        return connection

    def prepare(self, sql: str) -> str:
        sql = sql.replace("KEYS k", "json_each(?) k")
        return re.sub(r"\{(\d+):(\w+)\}", r"json_extract(k.value, '$[\1]')", sql)

    def locked(self, alias: str) -> str:
        return ""  # BEGIN IMMEDIATE locks everything

    def begin(self) -> None:
        with _own_errors(during_commit=False):
            self._connection.execute("BEGIN IMMEDIATE")

    def run(self, sql: str, parameters: Columns) -> list[Columns]:
        with _own_errors(during_commit=False):
            return self._connection.execute(sql, parameters).fetchall()

    def run_many(self, sql: str, rows: Sequence[Columns]) -> None:
        with _own_errors(during_commit=False):
            self._connection.executemany(sql, rows)

    def run_script(self, sql: str) -> None:
        with _own_errors(during_commit=False):
            for statement in re.sub(r"--[^\n]*", "", sql).split(";"):
                if statement.strip():
                    self._connection.execute(statement)

    def stream(self, sql: str) -> Iterator[Columns]:
        with _own_errors(during_commit=False):
            yield from self._connection.execute(sql)

    def commit(self) -> None:
        with _own_errors(during_commit=True):
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            with _own_errors(during_commit=False):
                self._connection.execute("ROLLBACK")

    def backup(self, path: str) -> None:
        """Copy the books with SQLite's own backup, in slices, to a file that must not exist yet."""
        if os.path.exists(path):
            raise StoreError(f"{path} is there already")
        with _own_errors(during_commit=False), sqlite3.connect(path) as target:
            self._connection.backup(target, pages=1024)
        target.close()
        with open(path, "rb") as copy:
            os.fsync(copy.fileno())

    def close(self) -> None:
        self._connection.close()
        self._release()

    def _release(self) -> None:
        if self._lock_file:
            self._lock_file.close()


def _take_lock(path: str) -> IO[Any]:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = open(f"{path}.lock", "w")  # noqa: SIM115 - held as long as the books are open
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StoreError(f"{path} is open in another process; only one daemon may use these books") from None
    return file


@contextmanager
def _own_errors(*, during_commit: bool) -> Iterator[None]:
    """Turn SQLite's errors into ours: nothing was written, or nobody knows."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if code in _NOTHING_WRITTEN:
            raise Unavailable(f"SQLite: {name}") from None
        if during_commit or code == sqlite3.SQLITE_IOERR:
            raise Lost(f"SQLite: {name}") from None
        raise StoreError(f"SQLite: {name}: {error}") from None
