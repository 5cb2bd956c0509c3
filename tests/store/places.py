"""Where books can lie: opening them, opening them again, and reading them beside whoever has them open."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from switch.store.database import Database
from switch.store.memory import MemoryStore
from switch.store.open import open_reader, open_store
from switch.store.port import Reader, Store
from switch.store.postgres import PostgreSQL
from switch.store.sqlite import SQLite


class Whole(Store, Reader, Protocol):
    """All stores can do both."""


class Place(ABC):
    """Books that one test uses; everything opened through it is closed with it."""

    several = False  # whether two daemons may have it open
    url = ""

    def __init__(self) -> None:
        self._opened: list[Reader | Store | Database] = []

    def open(self) -> Whole:
        """The store of a daemon."""
        store = open_store(self.url, make=True)
        self._opened.append(store)
        return store  # type: ignore[return-value]  # every Store of ours is a Reader too

    def reader(self) -> Reader:
        reader = open_reader(self.url)
        self._opened.append(reader)
        return reader

    def database(self) -> Database:
        """A bare connection for writing."""
        database = self.connect()
        self._opened.append(database)
        return database

    @abstractmethod
    def connect(self) -> Database: ...

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()


class MemoryPlace(Place):
    def __init__(self) -> None:
        super().__init__()
        self._store = MemoryStore()

    def open(self) -> Whole:
        return self._store

    def reader(self) -> Reader:
        return self._store

    def connect(self) -> Database:
        raise AssertionError("books in memory are no database")


class SQLitePlace(Place):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.url = f"sqlite:///{path}"

    def connect(self) -> Database:
        return SQLite(str(self.path), make=True)


class PostgreSQLPlace(Place):
    several = True

    def __init__(self, server: str, name: str) -> None:
        super().__init__()
        self.url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))

    def connect(self) -> Database:
        return PostgreSQL(self.url, make=True)
