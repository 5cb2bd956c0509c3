"""A real daemon in a process of its own, to be killed, starved and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from simulators.demo import Demo, load_demo
from switch.audit import Audit, audit
from switch.config_file import load_config
from switch.store.open import open_reader
from switch.vault import Vault

ROOT = Path(__file__).parent.parent.parent
COMMAND = (sys.executable, "-m", "switch.cli.main")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
START_SECONDS = 60  # a machine so slow that it takes longer fails the test for that reason


def tillswitch(*arguments: str) -> str:
    """Run a command to its end."""
    command = [*COMMAND, *arguments]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True, text=True).stdout


def make_demo(folder: Path, terminals: int = 0) -> None:
    """A data folder whose ports are free now; they stay the same over every restart."""
    tillswitch("init", "--demo", "--data", str(folder), "--base-port", str(free_port()), "--terminals", str(terminals))


def free_port(least: int = 0) -> int:
    """The first of a block of ports, as `init --base-port` uses them, on which nobody listens."""
    for base in range(max(least, 10_000 + os.getpid() % 400 * 50), 32_000, 50):
        if all(_is_free(base + offset) for offset in (0, 1, 2, 10, 20, 21, 22)):
            return base
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Daemon:
    """The daemon of a data folder. Tests that have begun one let `kill_all` run at their end."""

    started: ClassVar[list["Daemon"]] = []

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "tillswitch.toml"
        self.lines: list[str] = []
        self._serving = threading.Event()
        self._process = subprocess.Popen(
            [*COMMAND, "serve", "--config", str(self.config)],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.started.append(self)

    @classmethod
    def kill_all(cls) -> None:
        """Those that still run, because a test failed."""
        while cls.started:
            daemon = cls.started.pop()
            if daemon.running:
                daemon.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_serving(self) -> "Daemon":
        """Raises AssertionError with what it said, if it ended instead."""
        assert self._serving.wait(START_SECONDS), self.lines
        assert any('"serving"' in line for line in self.lines), self.lines
        return self

    def kill(self) -> None:
        """SIGKILL to it and all that belongs to it: nothing is tidied up."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """SIGTERM: it drains."""
        self._process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Until it has ended; its exit code."""
        code = self._process.wait(START_SECONDS)
        self._reader.join()
        return code

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def not_ready(self) -> str | None:
        """What /health/ready has to complain of; None if it is ready."""
        port = load_config(self.config).ops.port
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10):
                return None
        except urllib.error.HTTPError as error:
            with error:
                return str(json.loads(error.read()))

    def demo(self) -> Demo:
        return load_demo(self.folder / "demo.json")

    def _read(self) -> None:
        assert self._process.stdout is not None, "a pipe was asked for"
        with self._process.stdout as output:
            for line in output:
                self.lines.append(line)
                if '"serving"' in line:
                    self._serving.set()
        self._serving.set()


def prove(folder: Path, store: str | None = None) -> Audit:
    """Audit the books of `folder`, or those at `store` with its keys; raises BrokenFact if they are not right."""
    config = load_config(folder / "tillswitch.toml")
    vault = Vault.open(config.vault.master_key, config.vault.keys)
    done = Audit()
    with closing(open_reader(store or config.store)) as reader:
        for done in audit(reader, vault.seal_key):  # noqa: B007 - the last is what counts
            pass
    return done
