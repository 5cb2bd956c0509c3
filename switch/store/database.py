"""One connection to one SQL database: what differs between SQLite and PostgreSQL, and the few shapes of statements.

The keys of a group travel as one JSON array of arrays for each statement, whose rows the statement joins with. SQL here
writes `?` for a parameter, `KEYS k` for that table and `{0:bigint}`, `{1:text}` for its columns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Words
from contextlib import contextmanager
from importlib import resources
from typing import Any

import msgspec

from switch.store.mapping import Mapping, Record
from switch.store.port import Lost, StoreError, Unavailable

Columns = Sequence[Any]
Migrate = Callable[[str], None]
_NO_BOOKS = "there are no books in this database: restore them, or make new ones with `tillswitch init`"
_OLDER = (
    "the books are older than this switch (schema {}): `tillswitch serve --migrate` copies them, applies {} and what "
    "follows, and serves"
)
_MIGRATIONS = resources.files("switch.store") / "migrations"


class Database(ABC):
    """Subclasses turn their driver's errors into those of `port`."""

    words: Words[str, str] = {}  # what the migrations call otherwise

    def __init__(self) -> None:
        self._prepared: dict[str, str] = {}

    @abstractmethod
    def prepare(self, sql: str) -> str:
        """`sql` in this database's own words."""

    @abstractmethod
    def locked(self, alias: str) -> str:
        """What makes a SELECT lock the rows of `alias` until the transaction ends."""

    @abstractmethod
    def begin(self) -> None: ...

    @abstractmethod
    def run(self, sql: str, parameters: Columns) -> list[Columns]: ...

    @abstractmethod
    def run_many(self, sql: str, rows: Sequence[Columns]) -> None: ...

    @abstractmethod
    def run_script(self, sql: str) -> None: ...

    @abstractmethod
    def stream(self, sql: str) -> Iterator[Columns]:
        """The rows of a large answer, read as they are wanted."""

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def rollback(self) -> None: ...

    @abstractmethod
    def backup(self, path: str) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What belongs to no group: committed at the end, rolled back if anything fails."""
        try:
            self.begin()
            yield
            self.commit()
        except BaseException:
            self.rollback()
            raise

    # -- shapes of statements -----------------------------------------------------------------------------------------

    def fetch(self, sql: str, parameters: Columns = ()) -> list[Columns]:
        return self.run(self._own(sql), parameters)

    def write(self, sql: str, rows: Sequence[Columns]) -> None:
        """Run `sql` once for each of `rows`."""
        if rows:
            self.run_many(self._own(sql), rows)

    def keyed(self, sql: str, keys: Sequence[Columns]) -> list[Columns]:
        """Run `sql` once for all of `keys`; not at all if there are none."""
        return self.fetch(sql, (msgspec.json.encode(keys).decode(),)) if keys else []

    def pick(self, mapping: Mapping[Record], alias: str, sql: str, keys: Sequence[Columns]) -> list[Record]:
        """Records that `keys` name: `sql` is what follows FROM."""
        return [mapping.from_row(row) for row in self.keyed(f"SELECT {mapping.select(alias)} FROM {sql}", keys)]

    def read(self, mapping: Mapping[Record], alias: str, sql: str, parameters: Columns = ()) -> list[Record]:
        return [mapping.from_row(row) for row in self.fetch(f"SELECT {mapping.select(alias)} FROM {sql}", parameters)]

    def _own(self, sql: str) -> str:
        prepared = self._prepared.get(sql)
        if prepared is None:
            prepared = self._prepared[sql] = self.prepare(sql)
        return prepared

    # -- the schema ---------------------------------------------------------------------------------------------------

    def migrate(self, make: bool, allowed: Migrate | None) -> None:
        """Apply the migrations that are missing, each in a transaction of its own.

        Args:
            make: All of them, to begin new books.
            allowed: Books that are older may be changed; it is told what was done, after a copy was made.

        Raises:
            StoreError: there are no books, they are older and must not be changed, or newer than this switch.
        """
        if make:
            with self.transaction():
                columns = "number INTEGER PRIMARY KEY, name TEXT NOT NULL"
                self.run_script(f"CREATE TABLE IF NOT EXISTS migrations ({columns})")
        applied = self._applied()
        if not applied and not make:
            raise StoreError(_NO_BOOKS)
        missing = _missing(applied)
        if applied and missing:
            if allowed is None:
                raise StoreError(_OLDER.format(max(applied), missing[0]))
            allowed(f"the books as they were: {self.copy_before(missing[0])}")
        for name in missing:
            with self.transaction():
                text = (_MIGRATIONS / name).read_text("utf-8")
                for word, own in self.words.items():
                    text = text.replace(word, own)
                self.run_script(text)
                self.write("INSERT INTO migrations (number, name) VALUES (?, ?)", [(int(name[:4]), name)])
            if applied and allowed:
                allowed(f"applied {name}")

    def copy_before(self, migration: str) -> str:
        """Copy the books before they are changed; where the copy is, in words."""
        return "in the database's own backups"

    def check_schema(self) -> None:
        """
        Raises:
            StoreError: the books are not of exactly this version.
        """
        missing = _missing(self._applied())
        if missing:
            raise StoreError(_OLDER.format(max(self._applied(), default=0), missing[0]))

    def _applied(self) -> set[int]:
        try:
            return {row[0] for row in self.fetch("SELECT number FROM migrations")}
        except (Unavailable, Lost):
            raise
        except StoreError:
            raise StoreError(_NO_BOOKS) from None


def _missing(applied: set[int]) -> list[str]:
    """The migrations still to be applied, in order."""
    steps = sorted(entry.name for entry in _MIGRATIONS.iterdir() if entry.name.endswith(".sql"))
    newest = max(int(name[:4]) for name in steps)
    if applied and max(applied) > newest:
        raise StoreError(f"the books have schema {max(applied)}, newer than {newest}: install a newer switch")
    return [name for name in steps if int(name[:4]) not in applied]
