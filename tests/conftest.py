"""Settings of all tests."""

import os

import pytest
from hypothesis import settings

# How long an example takes says something about the machine, not about the switch. The examples are the same each
# time, so that a red run means a change; with EXPLORE set they are new ones.
settings.register_profile("tillswitch", deadline=None, derandomize="EXPLORE" not in os.environ)
settings.load_profile("tillswitch")

#: Left out of `make check` like single tests marked slow: whole daemons, the third of three stores, long searches.
SLOW = ("tests/contract/", "tests/robustness/", "[postgresql", "core/test_properties.py", "store/test_equivalence.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(part in item.nodeid for part in SLOW):
            item.add_marker(pytest.mark.slow)
