"""Sockets that the service manager holds open and hands over (sd_listen_fds(3)).

They stay open while the daemon is replaced: who dials meanwhile waits a moment, and is refused nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from typing import Final

FIRST: Final = 3  # after standard input, output and error


def take_sockets(environment: MutableMapping[str, str] = os.environ) -> dict[str, list[socket.socket]]:
    """What was handed over, by the names of the listeners. Taken once: nothing is left for a child."""
    pid, count = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "0")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    found: dict[str, list[socket.socket]] = {}
    if pid == str(os.getpid()):
        for place in range(int(count)):
            os.set_inheritable(FIRST + place, False)
            name = names[place] if place < len(names) else "unknown"
            found.setdefault(name, []).append(socket.socket(fileno=FIRST + place))
    return found
