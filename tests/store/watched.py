"""A database that is watched: it counts what is asked of it, remembers the SQL, and fails when told to."""

from collections.abc import Iterator, Sequence

from switch.store.database import Columns, Database
from switch.store.port import StoreError


class Watched(Database):
    """Hands everything on to `inner`; the `fails_at`-th call from now on raises `error` instead of doing anything."""

    def __init__(self, inner: Database) -> None:
        super().__init__()
        self.inner = inner
        self.statements: list[str] = []
        self.fails_at: int | None = None
        self.error: StoreError = StoreError("told to fail")

    def _count(self, sql: str) -> None:
        self.statements.append(sql)
        if self.fails_at == len(self.statements):
            raise self.error

    def watch(self, fails_at: int | None = None, error: StoreError | None = None) -> None:
        """Begin to count anew."""
        self.statements, self.fails_at, self.error = [], fails_at, error or self.error

    def prepare(self, sql: str) -> str:
        return self.inner.prepare(sql)

    def locked(self, alias: str) -> str:
        return self.inner.locked(alias)

    def begin(self) -> None:
        self._count("BEGIN")
        self.inner.begin()

    def run(self, sql: str, parameters: Columns) -> list[Columns]:
        self._count(sql)
        return self.inner.run(sql, parameters)

    def run_many(self, sql: str, rows: Sequence[Columns]) -> None:
        self._count(sql)
        self.inner.run_many(sql, rows)

    def run_script(self, sql: str) -> None:
        self._count(sql)
        self.inner.run_script(sql)

    def stream(self, sql: str) -> Iterator[Columns]:
        return self.inner.stream(sql)

    def commit(self) -> None:
        self._count("COMMIT")
        self.inner.commit()

    def rollback(self) -> None:
        self.inner.rollback()

    def backup(self, path: str) -> None:
        self.inner.backup(path)

    def close(self) -> None:
        self.inner.close()
