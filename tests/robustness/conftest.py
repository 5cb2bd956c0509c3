"""One daemon for the tests that leave it whole; others make their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.robustness.victim import Victim, few_connections, running


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """With few connections for each listener, so that they can be used up."""
    with running(Victim(tmp_path_factory.mktemp("victim"), few_connections)) as victim:
        yield victim
        victim.stop()


@pytest.fixture
def victim(shared: Victim) -> Iterator[Victim]:
    """The shared daemon, unharmed before and after."""
    shared.check_unharmed()
    yield shared
    shared.check_unharmed()
    shared.check_descriptors()
