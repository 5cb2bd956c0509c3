"""The real daemon on a disk that fails: strace stands between it and the system, and is taken away again.

A full disk: not ready, with the reason; nothing is answered; when there is space it goes on by itself. A failed write
or fsync: exit code 70. What was answered is in the books either way, and the client's view of every card holds.
TILLSWITCH_FAULTS=1 fails every call up to the last of FAULTS.
"""

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
import trio

from simulators.load_report import LoadReport
from switch.daemon import EXIT_LOST
from tests.crash.daemon import Daemon, prove
from tests.crash.traffic import Load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("strace"), reason="NO DISK FAULTS IN THE DAEMON: no strace; make test-deps"),
]
EVERY = bool(os.environ.get("TILLSWITCH_FAULTS"))
FAULTS = {
    # fault                 system call            n-th of a group or two
    "ENOSPC": ("pwrite64", [1, 2, 5, 30]),
    "EIO": ("pwrite64", [1, 20]),
    "EIO at fsync": ("fdatasync,fsync", [1, 3]),
}
ENOUGH = 200  # answers before the fault, and after it


class Strace:
    """From the `first`-th on, `calls` of `daemon` that concern its books fail with `error`, until it is let go."""

    def __init__(self, daemon: Daemon, calls: str, error: str, first: int) -> None:
        books = daemon.folder / "books.db"
        files = [argument for name in (books, f"{books}-wal") for argument in ("-P", str(name))]
        inject = f"inject={calls}:error={error}:when={first}+"
        self._process = subprocess.Popen(
            ["strace", "-f", "-p", str(daemon.pid), *files, "-e", f"trace={calls}", "-e", inject],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._attached = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._attached.wait()
        if not any("attached" in line for line in self.lines):
            pytest.skip(f"NO DISK FAULTS IN THE DAEMON: strace may not attach ({''.join(self.lines).strip()})")

    @property
    def injected(self) -> bool:
        return any("(INJECTED)" in line for line in self.lines)

    def let_go(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stderr is not None, "a pipe was asked for"
        with self._process.stderr as output:
            for line in output:
                self.lines.append(line)
                if "attached" in line:
                    self._attached.set()
        self._attached.set()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_disk_costs_no_answer(fault: str, data: Path) -> None:
    calls, chosen = FAULTS[fault]
    error = fault.split()[0]
    for first in range(1, max(chosen) + 1) if EVERY else chosen:
        daemon = Daemon(data).wait_until_serving()
        report, daemon = trio.run(suffer, daemon, calls, error, first)
        assert daemon.stop() == 0, daemon.lines[-5:]
        assert report.ok, report.lines()
        assert report.verified == report.cards
        prove(data)


async def suffer(daemon: Daemon, calls: str, error: str, first: int) -> tuple[LoadReport, Daemon]:
    """Traffic, the fault in the middle of it, traffic again."""
    load = Load(daemon, 2 * ENOUGH)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(load.run)
        await load.until(ENOUGH)
        strace = await trio.to_thread.run_sync(Strace, daemon, calls, error, first)
        if error == "ENOSPC":
            await trio.to_thread.run_sync(wait_out, daemon, strace)
        else:
            code = await trio.to_thread.run_sync(daemon.wait)
            assert code == EXIT_LOST, daemon.lines[-5:]
            assert any("store lost" in line for line in daemon.lines)
            strace.let_go()
            daemon = await trio.to_thread.run_sync(Daemon, daemon.folder)
            await trio.to_thread.run_sync(daemon.wait_until_serving)
        assert strace.injected
    return load.report, daemon


def wait_out(daemon: Daemon, strace: Strace) -> None:
    """The disk is full until the daemon says so, and free again."""
    while (reason := daemon.not_ready()) is None:
        assert daemon.running, daemon.lines[-5:]
    assert "SQLITE_FULL" in reason
    strace.let_go()
    while daemon.not_ready() is not None:
        assert daemon.running, daemon.lines[-5:]
