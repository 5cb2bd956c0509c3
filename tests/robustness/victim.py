"""A daemon of this checkout that tests may attack, and what must be true of it afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from tests.contract.client import Secret
from tests.contract.daemon import STOP_SECONDS, Demo, free_base_port, wait_until_ready
from tests.contract.till import Till

ROOT = Path(__file__).parents[2]
TILLSWITCH = (sys.executable, "-m", "switch.cli.main")
DESCRIPTORS_SPARE = 5  # kept-alive ops connections and the like: a leak has as many as there were attacks

TRIES = 5_000  # looks at what takes a while, each behind an answer
FEW = 20  # connections of each listener

Edit = Callable[[str], str]


class Victim:
    """One daemon with demo data.

    Args:
        edit: Changes the text of the configuration before the start.
        prefix: Of the command line, a `prlimit` for instance.
    """

    def __init__(self, folder: Path, edit: Edit = str, prefix: Sequence[str] = ()) -> None:
        self.data, self.base_port, self.prefix = folder / "data", free_base_port(), tuple(prefix)
        self.file, self.log = self.data / "tillswitch.toml", folder / "serve.log"
        run("init", "--demo", "--data", self.data, "--base-port", self.base_port, "--terminals", 8)
        self.file.write_text(edit(self.file.read_text()))
        self.demo = Demo.read(self.data / "demo.json")
        self._last_stan = 0

    def start(self, stdout: IO[Any] | None = None, stderr: IO[Any] | None = None) -> None:
        """What the daemon says goes to a file, except what goes to a pipe of the test's."""
        with self.log.open("ab") as log:
            command = [*self.prefix, *TILLSWITCH, "serve", "--config", str(self.file)]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=stdout or log, stderr=stderr or log)
        wait_until_ready(self.process, self.demo.listeners["ops"], self.log)
        self.descriptors = self.count_descriptors()

    def till(self, dialect: str = "nac", nth: int = 0) -> Till:
        """A terminal, with STANs that no other till of a test has; the test closes it."""
        self._last_stan = (self._last_stan + 5_000) % 990_000
        records = [record for record in self.demo.terminals if record.listener == dialect]
        return Till(records[nth], self.demo.listeners[dialect], self._last_stan)

    def cards(self, currency: str) -> list[Secret]:
        """Active cards without conditions."""
        cards = [card for card in self.demo.cards if card.active and card.product.is_plain_range]
        return [card.pan for card in cards if card.currency == currency]

    def loyalty_cards(self) -> list[Secret]:
        """Members' cards."""
        listed = json.loads((self.data / "demo.json").read_text())["loyalty_cards"]
        return [Secret(row["pan"]) for row in listed]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """It ends as it should, and its books are right."""
        self.signal(signal.SIGTERM)
        assert self.wait() == 0, self.log.read_text()[-3000:]
        self.audit()

    def kill(self) -> None:
        """At the end of a test that failed."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def audit(self) -> None:
        run("audit", "--config", self.file)

    def count_descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    # -- what must be true --------------------------------------------------------------------------------------------
    def check_unharmed(self) -> None:
        """It runs, is ready, answers a neighbour, kept no descriptors, and said nothing it should not."""
        assert self.process.poll() is None, f"the daemon ended: {self.log.read_text()[-3000:]}"
        wait_until_ready(self.process, self.demo.listeners["ops"], self.log)
        for dialect in ("nac", "ascii"):
            till = self.till(dialect, 1)
            till.ask(till.message("0800", "990000")).expect("00")
            till.close()
        self.check_log()

    def check_descriptors(self) -> None:
        """After an attack whose connections are closed on our side: what was read is still decided, then they end."""
        till = self.till()
        for _ in range(TRIES):
            if self.count_descriptors() <= self.descriptors + DESCRIPTORS_SPARE:
                break
            till.ask(till.message("0800", "990000")).expect("00")  # a moment of the daemon's own time
        else:
            raise AssertionError(f"{self.count_descriptors()} descriptors, {self.descriptors} before")
        till.close()

    def check_log(self) -> None:
        written = self.log.read_text(errors="replace")
        assert "Traceback" not in written, written[written.index("Traceback") - 500 :][:3000]
        assert not [card for card in self.demo.cards if str(card.pan) in written]
        assert not [pan for pan in self.loyalty_cards() if str(pan) in written]
        pins = {str(card.pin) for card in self.demo.cards if card.pin}
        assert not [pin for pin in pins if re.search(rf'"{pin}"', written)]


def connect_control(victim: Victim) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(8)
    connection.connect(str(victim.data / "control.sock"))
    return connection


def exchange(connection: socket.socket, data: bytes) -> bytes:
    """What comes back until the other side closes; we have ended ours."""
    answer = b""
    with connection:
        with suppress(OSError):  # it reads no more
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while piece := connection.recv(65_536):
                answer += piece
    return answer


def few_connections(configuration: str) -> str:
    """Every listener takes only `FEW`."""
    without = re.sub(r"(?m)^connections_max = .*\n", "", configuration)
    return re.sub(r"(?m)^dialect = .*$", rf"\g<0>\nconnections_max = {FEW}", without)


def run(*arguments: object) -> None:
    command = [*TILLSWITCH, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{arguments[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"


@contextmanager
def running(victim: Victim, stdout: IO[Any] | None = None, stderr: IO[Any] | None = None) -> Iterator[Victim]:
    victim.start(stdout, stderr)
    try:
        yield victim
    finally:
        victim.kill()
