"""What the service manager is told: ready, reloading, stopping, and again and again that all is alive (sd_notify(3)).

It can also keep descriptors for the daemon that comes after us.

Alive is more than a process: the event loop takes turns, and the store's thread answers. A store that says "not now"
(disk full, database away) is alive, and a restart would not help it; one that does not come back is not.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import trio

from specs import limits
from switch.store.port import Conflict, Unavailable

BEAT_SECONDS: Final = 5.0  # between two signs of life, unless the watchdog wants them more often


class Supervisor:
    """
    Args:
        environment: Where the service manager says how it wants to be told; without it nobody is.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        wanted = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        #: The manager keeps descriptors while we are replaced. Since version 254 systemd says so itself.
        self.keeps = bool(self._address) and int(environment.get("FDSTORE", "0")) > 0
        self._watchdog_seconds = int(environment.get("WATCHDOG_USEC", "0")) / 1e6 if wanted else 0.0

    @property
    def beat_seconds(self) -> float:
        """A third of what the watchdog allows: two may be late."""
        return min(BEAT_SECONDS, self._watchdog_seconds / 3 or BEAT_SECONDS)

    def ready(self, status: str) -> None:
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self._tell("STOPPING=1", "STATUS=what was accepted is being answered")

    async def watch(self, ask_store: Callable[[], Awaitable[object]], status: Callable[[], str]) -> None:
        """Until cancelled: a sign of life as long as loop and store give one."""
        while self._address:
            with suppress(Unavailable, Conflict):  # also an answer
                await ask_store()
            self._tell("WATCHDOG=1", f"STATUS={status()}")
            await trio.sleep(self.beat_seconds)

    async def keep(self, name: str, descriptor: int) -> bool:
        """Give the manager a descriptor for the next daemon; whether it has it. It must know us still when it looks."""
        read, written = os.pipe()
        try:
            # No FDPOLL: a socket whose other end is ours is not to be thrown away when we end.
            told = self._tell("FDSTORE=1", f"FDNAME={name}", "FDPOLL=0", descriptors=[descriptor])
            told = told and self._tell("BARRIER=1", descriptors=[written])
        finally:
            os.close(written)
        with trio.move_on_after(limits.MANAGER_SECONDS) as waiting:
            if told:
                await trio.lowlevel.wait_readable(read)  # closed, as all before it has been read
        os.close(read)
        return told and not waiting.cancelled_caught

    def forget(self, name: str) -> None:
        """What was kept under this name has been taken."""
        self._tell("FDSTOREREMOVE=1", f"FDNAME={name}")

    def _tell(self, *lines: str, descriptors: Sequence[int] = ()) -> bool:
        """Never waits, and never fails: whoever does not listen is not told, and that is returned."""
        if not self._address:
            return False
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            try:
                sock.connect(address)
                socket.send_fds(sock, ["\n".join(lines).encode()], descriptors)
            except OSError:
                return False
        return True
