"""How many connections each door may have, and when somebody should hear that these are few."""

from __future__ import annotations

import resource
import sys

import pytest
from structlog.testing import capture_logs

from specs import limits
from switch.config import ListenerConfig
from switch.doors import make_listeners

OURS = limits.DESCRIPTORS_KEPT + 2 * limits.OPS_CONNECTIONS_MAX
MOST = limits.CONNECTIONS_MAX


@pytest.mark.parametrize(
    ("descriptors", "wanted", "places", "missed"),
    [
        # descriptors of the process,  connections_max of the listeners, places of each, what the warning names
        (resource.RLIM_INFINITY,       [MOST] * 6,                       sys.maxsize, None),
        (20_000,                       [MOST] * 6,                       3317,        None),  # the demo, as it comes
        (20_000,                       [MOST] * 5 + [3317],              3317,        None),
        (20_000,                       [MOST] * 5 + [3318],              3317,        3318),
        (OURS + 2 * 128,               [MOST] * 2,                       128,         None),
        (OURS + 2 * 128 - 1,           [MOST] * 2,                       127,         128),
        (OURS + 2 * 10,                [10, 10],                         10,          None),
        (OURS,                         [10],                             1,           10),
    ],
)  # fmt: skip
def test_descriptors_are_shared_and_who_asked_for_more_is_told(
    descriptors: int, wanted: list[int], places: int, missed: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda what: (descriptors, descriptors))
    monkeypatch.setattr(resource, "setrlimit", lambda what, both: None)
    configs = [
        ListenerConfig(name=f"n{place}", dialect="nac", port=0, connections_max=most)
        for place, most in enumerate(wanted)
    ]
    with capture_logs() as logged:
        listeners = make_listeners(configs)
    assert {listener.places for listener in listeners} == {places}
    assert [line["connections_max"] for line in logged] == ([missed] if missed else [])
