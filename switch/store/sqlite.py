"""The embedded store: one file, one writer, every commit on disk before it returns.

WAL with synchronous=FULL: a commit is one fsync. A lock file beside the books keeps a second daemon out.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from switch.store.database import Columns, Database, Migrate
from switch.store.port import Lost, StoreError, Unavailable

#: Errors of a statement that changed nothing and may succeed later: space, locks, a file system gone read-only.
_LATER = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PROTOCOL,
}
#: Of these, the ones that also a COMMIT can fail with and yet have written nothing: in WAL mode the frame that makes
#: a commit is written last, so without space for it there is none.
_NOT_COMMITTED = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY}
#: The disk cannot be trusted.
_LOST = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class SQLite(Database):
    """A connection to the file at `path` (`:memory:` for tests); `make` begins new books there if there are none."""

    words = {"BYTES": "BLOB", "BIGINT PRIMARY KEY": "INTEGER PRIMARY KEY"}  # noqa: RUF012 - INTEGER is the row's own id

    def __init__(
        self, path: str, *, read_only: bool = False, make: bool = False, migrate: Migrate | None = None
    ) -> None:
        super().__init__()
        self._path = path
        if not make and path != ":memory:" and not os.path.exists(path):
            raise StoreError(f"there are no books at {path}: restore them, or make new ones with `tillswitch init`")
        self._lock_file = None if path == ":memory:" or read_only else hold_lock(path)
        try:
            self._connection = _open_to_read(path) if read_only else _open_to_write(path)
        except BaseException:
            self._release()
            raise
        try:
            if read_only:
                self.check_schema()
            else:
                self.migrate(make, migrate)
        except BaseException:
            self.close()
            raise

    def prepare(self, sql: str) -> str:
        sql = sql.replace("KEYS k", "json_each(?) k")
        return re.sub(r"\{(\d+):(\w+)\}", r"json_extract(k.value, '$[\1]')", sql)

    def locked(self, alias: str) -> str:
        return ""  # BEGIN IMMEDIATE locks everything

    def begin(self) -> None:
        with _own_errors():
            self._connection.execute("BEGIN IMMEDIATE")

    def run(self, sql: str, parameters: Columns) -> list[Columns]:
        with _own_errors():
            return self._connection.execute(sql, parameters).fetchall()

    def run_many(self, sql: str, rows: Sequence[Columns]) -> None:
        with _own_errors():
            self._connection.executemany(sql, rows)

    def run_script(self, sql: str) -> None:
        with _own_errors():
            for statement in re.sub(r"--[^\n]*", "", sql).split(";"):
                if statement.strip():
                    self._connection.execute(statement)

    def stream(self, sql: str) -> Iterator[Columns]:
        with _own_errors():
            for row in self._connection.execute(sql):  # noqa: UP028 - that would close it after us
                yield row

    def commit(self) -> None:
        with _own_errors(during_commit=True):
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            with _own_errors():
                self._connection.execute("ROLLBACK")

    def backup(self, path: str) -> None:
        """Copy the books with SQLite's own backup, in slices, to a file that must not exist yet."""
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            raise StoreError(f"{path} is there already") from None
        except OSError as error:
            raise StoreError(f"{path} cannot be made: {error.strerror}") from None
        try:
            with _own_errors(), closing(sqlite3.connect(path, isolation_level=None)) as target:
                self._connection.backup(target, pages=1024)
                target.execute("PRAGMA journal_mode = DELETE")  # one file, readable also where nothing can be written
            sync_folder(path)
            sync_folder(os.path.dirname(os.path.abspath(path)))
        except BaseException:
            os.unlink(path)
            raise

    def copy_before(self, migration: str) -> str:
        file = f"{self._path}.before-{migration.removesuffix('.sql')}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        if self._path != ":memory:":
            self.backup(file)
        return file

    def close(self) -> None:
        self._connection.close()
        self._release()

    def _release(self) -> None:
        if self._lock_file:
            self._lock_file.close()


def _open_to_write(path: str) -> sqlite3.Connection:
    if path != ":memory:" and not os.path.exists(path):
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))  # SQLite gives its other files the same mode
    _write_again(f"{path}-wal")
    with _own_errors():
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA cache_size = -65536")  # 64 MB: the upper levels of every index
        except BaseException:
            connection.close()
            raise
    return connection


def _write_again(wal: str) -> None:
    """Put on the disk what the system believes to be there.

    After an fsync that failed, Linux keeps what was not written in memory and calls it clean: a restarted daemon would
    read it, build on it, and lose both with the power. Written once more, in place, it is on the disk or fails again.
    """
    if not os.path.exists(wal):
        return
    try:
        with open(wal, "r+b") as file:
            content = file.read()
            file.seek(0)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"{wal} cannot be written: {error.strerror}") from None


def _open_to_read(path: str) -> sqlite3.Connection:
    """One snapshot for everything that is read: it begins with the first statement and sees no later commit."""
    try:
        return _snapshot(path, "mode=ro")
    except sqlite3.OperationalError:
        # Even a reader needs to write a file beside the books, unless nobody has them open: then there is no WAL.
        if not os.path.exists(f"{path}-wal"):
            with _own_errors():
                return _snapshot(path, "mode=ro&immutable=1")
        raise StoreError(f"{path} cannot be read: run this as the user that the daemon runs as") from None
    except sqlite3.DatabaseError:
        raise StoreError(f"{path} does not hold books") from None


def _snapshot(path: str, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(path)}?{options}", uri=True, isolation_level=None)
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def hold_lock(path: str) -> IO[Any]:
    """Keep every daemon out of these books until it is closed.

    Raises:
        StoreError: somebody else has them open.
    """
    lock = f"{os.path.realpath(path)}.lock"  # the books' own place: a link to them is no second set of books
    try:
        Path(lock).parent.mkdir(parents=True, exist_ok=True)
        file = open(lock, "w")  # noqa: SIM115 - held as long as the books are open
    except OSError as error:
        raise StoreError(f"{lock} cannot be opened: {error.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StoreError(f"{path} is open in another process; only one daemon may use these books") from None
    return file


def sync_folder(path: str) -> None:
    """Put on the disk what a folder, or a file, holds."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _own_errors(*, during_commit: bool = False) -> Iterator[None]:
    """Turn SQLite's errors into ours: nothing was written, or nobody knows."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if code in (_NOT_COMMITTED if during_commit else _LATER):
            raise Unavailable(f"SQLite: {name}") from None
        if during_commit or code in _LOST:
            raise Lost(f"SQLite: {name}") from None
        raise StoreError(f"SQLite: {name}: {error}") from None
