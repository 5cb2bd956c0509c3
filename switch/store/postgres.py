"""The shared store: several daemons on one PostgreSQL (or a compatible cluster), kept apart by row locks.

READ COMMITTED, the group's terminals and holders locked by SELECT … FOR UPDATE. One synchronous connection, used from
the thread that runs the groups; it is made anew when the database has been away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

from switch.store.database import Columns, Database
from switch.store.port import Conflict, Lost, StoreError, Unavailable

CONNECT_SECONDS = 5
LOCK_SECONDS = 5  # longer than any group of another daemon takes; beyond it that daemon is stuck
MIGRATION_LOCK = 8583  # any number, the same for all: two daemons starting at once migrate one after the other

_CONFLICTS = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation, errors.LockNotAvailable)


class PostgreSQL(Database):
    """A connection to the database at `url`."""

    words = {"BYTES": "BYTEA"}  # noqa: RUF012 - never changed

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        super().__init__()
        self._url, self._read_only = url, read_only
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        if read_only:
            self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self.check_schema()
        else:
            self.migrate()

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                options=f"-c lock_timeout={LOCK_SECONDS}s -c synchronous_commit=on",
            )
        return self._connection

    def prepare(self, sql: str) -> str:
        sql = sql.replace("%", "%%").replace("?", "%s").replace("KEYS k", "json_array_elements(%s::json) k(value)")
        return re.sub(r"\{(\d+):(\w+)\}", r"(k.value->>\1)::\2", sql)

    def locked(self, alias: str) -> str:
        return "" if self._read_only else f" FOR UPDATE OF {alias}"

    def begin(self) -> None:
        self._execute("BEGIN ISOLATION LEVEL READ COMMITTED")

    def run(self, sql: str, parameters: Columns) -> list[Columns]:
        with self._own_errors():
            cursor = self._connect().execute(sql, parameters)
            return list(cursor.fetchall()) if cursor.description else []

    def run_many(self, sql: str, rows: Sequence[Columns]) -> None:
        with self._own_errors(), self._connect().cursor() as cursor:
            cursor.executemany(sql, rows)

    def run_script(self, sql: str) -> None:
        self._execute(sql)

    def stream(self, sql: str) -> Iterator[Columns]:
        """Read by a cursor of the server's; only readers, which are in a transaction, stream."""
        with self._own_errors(), self._connect().cursor(name="stream") as cursor:
            cursor.itersize = 2000
            yield from cursor.execute(sql)

    def commit(self) -> None:
        try:
            self._connect().execute("COMMIT")
        except _CONFLICTS:
            raise Conflict("PostgreSQL: another daemon was faster") from None
        except psycopg.Error as error:
            raise Lost(f"PostgreSQL: {type(error).__name__} while committing") from None

    def rollback(self) -> None:
        """End the transaction; a connection that cannot even do that is given up, which ends it as well."""
        if self._connection is None:
            return
        try:
            self._connection.execute("ROLLBACK")
        except psycopg.Error:
            self._connection.close()

    def migrate(self) -> None:
        self._execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK:d})")
        try:
            super().migrate()
        finally:
            self._execute(f"SELECT pg_advisory_unlock({MIGRATION_LOCK:d})")

    def backup(self, path: str) -> None:
        raise StoreError("back PostgreSQL up with its own tools: pg_basebackup, or pg_dump --serializable-deferrable")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _execute(self, sql: str) -> None:
        with self._own_errors():
            self._connect().execute(sql.encode())

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        """Turn the driver's errors into ours; nothing has been committed yet, so nothing is written."""
        try:
            yield
        except _CONFLICTS:
            raise Conflict("PostgreSQL: another daemon was there") from None
        except (psycopg.OperationalError, psycopg.InterfaceError, errors.DiskFull) as error:
            raise Unavailable(f"PostgreSQL: {type(error).__name__}") from None
        except psycopg.Error as error:
            raise StoreError(f"PostgreSQL: {type(error).__name__}") from None
