"""Operators: beside a running daemon, without one, and with books of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.operator import Operator, new_operator


@pytest.fixture(scope="session", params=["stopped", pytest.param("running", marks=pytest.mark.slow)])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Both ways to the books. Shared by all tests: each works on merchants and cards of its own."""
    operator = new_operator(tmp_path_factory.mktemp(request.param) / "data")
    if request.param == "stopped":
        yield operator
        return
    with operator.running():
        yield operator


@pytest.fixture
def office(tmp_path: Path) -> Operator:
    """A new demo for one test, no daemon running."""
    return new_operator(tmp_path / "data")
