"""The shared store: several daemons on one PostgreSQL (or a compatible cluster), kept apart by row locks.

READ COMMITTED, the group's terminals and holders locked by SELECT … FOR UPDATE. One synchronous connection, used from
the thread that runs the groups. A transaction lives and dies with its connection: only `begin` makes a new one when the
database has been away, so that no half of a group can slip into another session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors

from switch.store.database import Columns, Database, Migrate
from switch.store.port import Conflict, Lost, StoreError, Unavailable

CONNECT_SECONDS = 5
LOCK_SECONDS = 5  # longer than any group of another daemon takes; beyond it that daemon is stuck
STUCK_SECONDS = 15  # after so long without a statement in a transaction, the server takes its locks from a stuck daemon
MIGRATION_LOCK = 8583  # any number, the same for all: two daemons starting at once migrate one after the other

#: A line that is dead without saying so is noticed within about ten seconds, not after two hours.
_LINE: dict[str, Any] = {
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

#: Every statement of a group looks up keys; a plan that reads whole tables, made while they were small, must not stay.
_SESSION = (
    "-c synchronous_commit=on -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
    f"-c lock_timeout={LOCK_SECONDS}s -c idle_in_transaction_session_timeout={STUCK_SECONDS}s"
)

_CONFLICTS = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation)
#: ReadOnlySqlTransaction: after a failover we are still talking to the server that has stepped down.
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction)


class PostgreSQL(Database):
    """A connection to the database at `url`; `make` begins new books there if there are none."""

    words = {"BYTES": "BYTEA"}  # noqa: RUF012 - never changed

    def __init__(
        self, url: str, *, read_only: bool = False, make: bool = False, migrate: Migrate | None = None
    ) -> None:
        super().__init__()
        self._url, self._read_only = url, read_only
        self._connection = self._connect()
        try:
            if read_only:
                self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                self.check_schema()
            else:
                self.migrate(make, migrate)
        except BaseException:
            self.close()
            raise

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        own: dict[str, Any] = {"target_session_attrs": "any" if self._read_only else "read-write"}
        if not self._read_only:
            own["options"] = _SESSION
        try:
            return psycopg.connect(self._url, autocommit=True, connect_timeout=CONNECT_SECONDS, **_LINE, **own)
        except psycopg.OperationalError as error:
            raise Unavailable(f"PostgreSQL: {_first_line(error)}") from None  # names host and user, not the password
        except psycopg.Error as error:
            raise StoreError(f"PostgreSQL: {_first_line(error)}") from None

    def prepare(self, sql: str) -> str:
        sql = sql.replace("%", "%%").replace("?", "%s").replace("KEYS k", "json_array_elements(%s::json) k(value)")
        return re.sub(r"\{(\d+):(\w+)\}", r"(k.value->>\1)::\2", sql)

    def locked(self, alias: str) -> str:
        return "" if self._read_only else f" FOR UPDATE OF {alias}"

    def begin(self) -> None:
        if self._connection.closed:
            self._connection = self._connect()
        self._execute("BEGIN ISOLATION LEVEL READ COMMITTED")

    def run(self, sql: str, parameters: Columns) -> list[Columns]:
        with _own_errors():
            cursor = self._connection.execute(sql, parameters)
            return list(cursor.fetchall()) if cursor.description else []

    def run_many(self, sql: str, rows: Sequence[Columns]) -> None:
        with _own_errors(), self._connection.cursor() as cursor:
            cursor.executemany(sql, rows)

    def run_script(self, sql: str) -> None:
        self._execute(sql)

    def stream(self, sql: str) -> Iterator[Columns]:
        """Read by a cursor of the server's; only readers, which are in a transaction, stream."""
        with _own_errors(), self._connection.cursor(name="stream") as cursor:
            cursor.itersize = 2000
            yield from cursor.execute(sql)

    def commit(self) -> None:
        if self._connection.closed:
            raise Unavailable("PostgreSQL: the connection was lost")  # and with it what was not committed
        try:
            done = self._connection.execute("COMMIT").statusmessage
        except _CONFLICTS:
            raise Conflict("PostgreSQL: another daemon was faster") from None
        except psycopg.Error as error:
            raise Lost(f"PostgreSQL: {type(error).__name__} while committing") from None
        if done != "COMMIT":
            raise Unavailable("PostgreSQL: rolled back where it should have committed")

    def rollback(self) -> None:
        """End the transaction; a connection that cannot even do that is given up, which ends it as well."""
        try:
            self._connection.execute("ROLLBACK")
        except psycopg.Error:
            self._connection.close()

    def migrate(self, make: bool, allowed: Migrate | None) -> None:
        self._execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK:d})")
        try:
            super().migrate(make, allowed)
        finally:
            with suppress(StoreError):  # the lock ends with the connection at the latest
                self._execute(f"SELECT pg_advisory_unlock({MIGRATION_LOCK:d})")

    def backup(self, path: str) -> None:
        raise StoreError("back PostgreSQL up with its own tools: pg_basebackup, or pg_dump --serializable-deferrable")

    def close(self) -> None:
        self._connection.close()

    def _execute(self, sql: str) -> None:
        with _own_errors():
            self._connection.execute(sql.encode())


def _first_line(error: psycopg.Error) -> str:
    return str(error).partition("\n")[0]


@contextmanager
def _own_errors() -> Iterator[None]:
    """Turn the driver's errors into ours; nothing has been committed yet, so nothing is written."""
    try:
        yield
    except _CONFLICTS:
        raise Conflict("PostgreSQL: another daemon was there") from None
    except errors.LockNotAvailable:
        raise Unavailable(f"PostgreSQL: another daemon has held a lock for {LOCK_SECONDS} seconds") from None
    except _AWAY as error:
        lost = type(error) in (psycopg.OperationalError, psycopg.InterfaceError)
        raise Unavailable(f"PostgreSQL: {'the connection was lost' if lost else type(error).__name__}") from None
    except psycopg.Error as error:
        raise StoreError(f"PostgreSQL: {type(error).__name__}") from None
