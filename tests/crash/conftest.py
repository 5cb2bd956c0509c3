"""A demo of one's own for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.daemon import Daemon, make_demo
from tests.crash.traffic import CONNECTIONS


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once, copied for each test; no two tests run at the same time, so they can have the same ports."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    make_demo(folder, CONNECTIONS)
    return folder


@pytest.fixture(autouse=True)
def no_daemon_stays() -> Iterator[None]:
    yield
    Daemon.kill_all()


@pytest.fixture
def data(demo: Path, tmp_path: Path) -> Path:
    return shutil.copytree(demo, tmp_path / "data")
