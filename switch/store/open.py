"""Which store a URL means."""

from __future__ import annotations

from switch.store.database import Database, Migrate
from switch.store.memory import MemoryStore
from switch.store.port import Store, StoreError
from switch.store.sql import SQLStore
from switch.store.sqlite import SQLite


def open_store(url: str, *, make: bool = False, migrate: Migrate | None = None) -> Store:
    """The store of a daemon: `sqlite:///FILE`, `postgresql://…` or `memory:`.

    Args:
        make: Begin new books where there are none. Only `init` does: a daemon that finds no books is looking in the
            wrong place, or they are to be restored.
        migrate: Bring older books up to date, after a copy was made; it is told what was done. Without it they are
            refused.

    Raises:
        StoreError: there are no books, or they are in use, of another version, or cannot be reached.
    """
    if url == "memory:":
        return MemoryStore()
    if url.startswith("sqlite:///"):
        return SQLStore(SQLite(url.removeprefix("sqlite:///"), make=make, migrate=migrate))
    return SQLStore(_postgres(url, make=make, migrate=migrate))


def open_reader(url: str) -> SQLStore:
    """The same books for reading only, in one snapshot, beside a running daemon.

    Raises:
        StoreError: there are none, or they cannot be reached.
    """
    if url.startswith("sqlite:///"):
        return SQLStore(SQLite(url.removeprefix("sqlite:///"), read_only=True))
    if url == "memory:":
        raise StoreError("books in memory cannot be read from outside the daemon")
    return SQLStore(_postgres(url, read_only=True))


def _postgres(url: str, *, read_only: bool = False, make: bool = False, migrate: Migrate | None = None) -> Database:
    try:
        from switch.store.postgres import PostgreSQL
    except ImportError:
        raise StoreError("PostgreSQL needs the extra `postgres`: pip install 'tillswitch[postgres]'") from None
    return PostgreSQL(url, read_only=read_only, make=make, migrate=migrate)
