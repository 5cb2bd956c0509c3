"""Settings of all tests."""

import os

import pytest
from hypothesis import settings

# How long an example takes says something about the machine, not about the switch. The examples are the same each
# time, so that a red run means a change; with EXPLORE set they are new ones.
settings.register_profile("tillswitch", deadline=None, derandomize="EXPLORE" not in os.environ)
settings.load_profile("tillswitch")

#: Left out of `make check` like single tests marked slow: whole daemons, long searches; and the third of three stores.
SLOW = (
    "tests/contract/",
    "tests/robustness/",
    "_machine.py",
    "core/test_properties.py",
    "simulators/test_fleet.py",
    "store/test_equivalence.py",
    "store/test_mapping.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if (
            "postgresql_template" in fixtures
            or "[postgresql" in item.nodeid
            or any(part in item.nodeid for part in SLOW)
        ):
            item.add_marker(pytest.mark.slow)
