"""An operator at a shell: a demo folder, commands in this process, and a daemon in another if wanted."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from simulators.cli import main as tillsim
from specs.sensitive import PAN
from switch.cli.main import main as tillswitch
from switch.config import Config
from switch.config_file import load_config
from switch.vault import Vault
from tests.contract.daemon import free_base_port, wait_until_ready

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "switch.cli.main")  # not the installed one: it may be of another checkout
STOP_SECONDS = 20.0  # the daemon drains for ten


class Told:
    """What a command said and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Operator:
    """Gives commands on one data folder; `do` expects them to succeed, `tell` takes them as they end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "tillswitch.toml"
        self.log = folder.parent / f"{folder.name}.log"
        self.daemon: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Config:
        return load_config(self.file)

    @property
    def vault(self) -> Vault:
        return Vault.open(self.config.vault.master_key, self.config.vault.keys)

    @property
    def demo(self) -> Any:
        return json.loads((self.folder / "demo.json").read_text())

    def tell(self, *arguments: object, stdin: str | None = None) -> Told:
        return invoke(tillswitch, [*map(str, arguments), "--config", str(self.file)], stdin)

    def do(self, *arguments: object, stdin: str | None = None) -> Told:
        told = self.tell(*arguments, stdin=stdin)
        assert told.code == 0, f"{arguments}: {told}"
        return told

    def record(self, *arguments: object, stdin: str | None = None) -> dict[str, Any]:
        """The only JSON object that a command shows."""
        (record,) = self.do(*arguments, "--json", stdin=stdin).records
        return record

    def sell(self, *arguments: object) -> Told:
        """A terminal's transaction; the daemon must run."""
        demo = ["--demo", str(self.folder / "demo.json")]
        return invoke(tillsim, [*map(str, arguments), *demo], None)

    def card(self, product: str, state: str = "active") -> str:
        """A demo card's number."""
        cards = self.demo["gift_cards"]
        return str(next(card["pan"] for card in cards if (card["product"], card["state"]) == (product, state)))

    def card_hash(self, pan: str) -> str:
        return self.vault.card_hash(PAN(pan)).hex()

    def start(self) -> subprocess.Popen[bytes]:
        """Start the daemon; returns when it is ready."""
        command = [*COMMAND, "serve", "--config", str(self.file)]
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        wait_until_ready(self.daemon, self.config.ops.port, self.log)
        return self.daemon

    def stop(self) -> None:
        """End the daemon as a service manager does; it must say that all is well."""
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGTERM)
        assert self.daemon.wait(STOP_SECONDS) == 0, self.log.read_text()

    @contextlib.contextmanager
    def running(self) -> Iterator[Operator]:
        daemon = self.start()
        try:
            yield self
            self.stop()
        finally:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()


def invoke(program: Any, arguments: list[str], stdin: str | None) -> Told:
    result = CliRunner().invoke(program, arguments, input=stdin, prog_name="tillswitch")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Told(result.exit_code, result.stdout, result.stderr)


def new_operator(folder: Path, *options: str) -> Operator:
    """With a new demo on free ports."""
    arguments = ["init", "--demo", "--data", str(folder), "--base-port", str(free_base_port()), *options]
    told = invoke(tillswitch, arguments, None)
    assert told.code == 0, told
    return Operator(folder)
