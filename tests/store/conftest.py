"""Every store there is, each empty for each test."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store.places import MemoryPlace, Place, PostgreSQLPlace, SQLitePlace
from tests.store.servers import NoServer, postgresql_server

psycopg = pytest.importorskip("psycopg", reason="NO POSTGRESQL TESTS: psycopg is not installed")
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server."""
    try:
        with postgresql_server() as url:
            yield url
    except NoServer as reason:
        pytest.skip(f"NO POSTGRESQL TESTS: none could be started here ({reason})")


@pytest.fixture(scope="session")
def postgresql_template(server: str) -> Iterator[tuple[str, str]]:
    """A server, and the name of a database on it that holds empty books."""
    name = f"tillswitch_test_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        PostgreSQLPlace(server, name).open().close()
        yield server, name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql(postgresql_template: tuple[str, str]) -> Iterator[PostgreSQLPlace]:
    server, template = postgresql_template
    name = f"{template}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        place = PostgreSQLPlace(server, name)
        yield place
        place.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SQLitePlace]:
    place = SQLitePlace(tmp_path / "books.db")
    yield place
    place.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    """A place for books, of each kind in turn."""
    return _place(request, request.param)


@pytest.fixture(params=["sqlite", "postgresql"])
def sql_place(request: pytest.FixtureRequest) -> Place:
    return _place(request, request.param)


def _place(request: pytest.FixtureRequest, kind: str) -> Place:
    make: Callable[[str], Place] = request.getfixturevalue
    return MemoryPlace() if kind == "memory" else make(kind)
