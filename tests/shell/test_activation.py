"""Sockets that the service manager hands over: taken by name, once, and only by the process they are for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from switch.activation import take_sockets
from switch.doors import CannotListen, check_given

SAY = """
import os, socket, sys
from switch.activation import take_sockets
names = sys.argv[1]
given = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[2]))]
ports = [one.getsockname()[1] for one in given]
for place, one in enumerate(given):
    os.dup2(one.fileno(), 100 + place)
for place in range(len(given)):
    os.dup2(100 + place, 3 + place)
environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(given)), "LISTEN_FDNAMES": names}
found = take_sockets(environment)
print({name: [ports.index(one.getsockname()[1]) for one in some] for name, some in found.items()}, environment)
print([os.get_inheritable(one.fileno()) for some in found.values() for one in some])
"""


@pytest.mark.parametrize(
    ("names", "count", "found"),
    [
        ("nac:ascii", 2, "{'nac': [0], 'ascii': [1]} {}"),
        ("nac:ascii:nac", 3, "{'nac': [0, 2], 'ascii': [1]} {}"),
        ("nac", 2, "{'nac': [0], 'unknown': [1]} {}"),
    ],
)
def test_sockets_are_taken_by_name_and_not_given_on(names: str, count: int, found: str) -> None:
    done = subprocess.run([sys.executable, "-c", SAY, names, str(count)], capture_output=True, text=True, check=True)
    told, inheritable = done.stdout.splitlines()
    assert told == found
    assert "True" not in inheritable


def test_what_is_for_another_process_is_left_alone() -> None:
    assert take_sockets({"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}) == {}
    assert take_sockets({}) == {}


def test_a_socket_for_no_listener_is_refused() -> None:
    check_given({"nac": []}, ["nac", "ascii"])
    with pytest.raises(CannotListen, match=r"a socket called web was handed over; the listeners are nac, ascii"):
        check_given({"web": []}, ["nac", "ascii"])
