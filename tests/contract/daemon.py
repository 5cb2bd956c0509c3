"""An installed daemon of the tests' own, started and stopped as an operator would, and its demo data.

Knows the commands `init`, `serve` and `audit` and the file demo.json; nothing of what the switch does.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.client import Secret

READY_SECONDS = 30.0
STOP_SECONDS = 20.0  # the daemon drains for ten
PORTS_USED = (0, 1, 2, 10, 20, 21, 22)  # what `init --base-port N` lays from N on


@dataclass(frozen=True)
class Product:
    """One entry of gift_products."""

    name: str
    currency: str
    exponent: int
    denominations: tuple[int, ...]
    minimum: int
    maximum: int
    reload: bool
    single_use: bool
    pin: bool
    stores: tuple[str, ...] | None

    @property
    def is_plain_range(self) -> bool:
        """Any amount, reloads, no PIN, any store: what most tests need."""
        limited = self.denominations or self.single_use or self.pin or self.stores is not None
        return self.reload and self.maximum >= 100_000 and not limited


@dataclass(frozen=True)
class GiftCard:
    """One entry of gift_cards."""

    pan: Secret
    product: Product
    active: bool
    balance: int
    currency: str
    pin: Secret | None

    def __repr__(self) -> str:
        return f"<card …{self.pan[-4:]} of {self.product.name}>"


@dataclass(frozen=True)
class TerminalRecord:
    """One entry of terminals."""

    merchant_id: str
    terminal_id: str
    listener: str
    store: str
    currency: str
    nii: str


@dataclass(frozen=True)
class Demo:
    """demo.json, read."""

    folder: Path
    listeners: dict[str, int]
    tls: Any
    merchants: tuple[str, ...]
    terminals: tuple[TerminalRecord, ...]
    cards: tuple[GiftCard, ...]

    @classmethod
    def read(cls, path: Path) -> Demo:
        demo = json.loads(path.read_text(encoding="utf-8"))
        products = {row["id"]: read_product(row) for row in demo["gift_products"]}
        return cls(
            folder=path.parent,
            listeners={name: int(port) for name, port in demo["listeners"].items()},
            tls=demo["tls"],
            merchants=tuple(row["merchant_id"] for row in demo["merchants"]),
            terminals=tuple(
                TerminalRecord(
                    row["merchant_id"],
                    row["terminal_id"],
                    row["listener"],
                    row["store"],
                    row["currency"],
                    str(row["nii"]).zfill(3),
                )
                for row in demo["terminals"]
            ),
            cards=tuple(
                GiftCard(
                    Secret(row["pan"]),
                    products[row["product"]],
                    row["state"] == "active",
                    int(row["balance"] or 0),
                    row["currency"],
                    Secret(row["pin"]) if row["pin"] else None,
                )
                for row in demo["gift_cards"]
            ),
        )

    def command(self, *arguments: str) -> None:
        """An operator's command against this daemon's books."""
        run_to_end([installed_command(), *arguments, "--config", str(self.folder / "tillswitch.toml")])

    def tls_port(self, dialect: str) -> int:
        """The listener of this dialect with TLS, whatever its name; else where `init` lays it."""
        names = [name for name in self.listeners if dialect in name and "tls" in name.lower()]
        return self.listeners[names[0]] if names else self.listeners[dialect] + 20

    def tls_context(self, merchant_id: str | None) -> ssl.SSLContext:
        """What a client of this merchant uses (None: without a certificate); the server must be of the demo's CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.folder / self.tls["ca"])
        if merchant_id is not None:
            files = find_certificate(self.tls, merchant_id)
            context.load_cert_chain(self.folder / files["cert"], self.folder / files["key"])
        return context


def read_product(row: Mapping[str, Any]) -> Product:
    stores = row.get("stores")
    return Product(
        name=str(row["id"]),
        currency=row["currency"],
        exponent=int(row["exponent"]),
        denominations=tuple(row.get("denominations") or ()),
        minimum=int(row.get("minimum") or 0),
        maximum=int(row.get("maximum") or 0),
        reload=bool(row["reload"]),
        single_use=bool(row["single_use"]),
        pin=bool(row["pin"]),
        stores=None if stores is None else tuple(stores),
    )


def find_certificate(tls: Any, merchant_id: str) -> dict[str, str]:
    """The issue names what `tls` holds, not how it is nested: look for the merchant at any depth."""
    if isinstance(tls, dict):
        if tls.get("merchant_id") == merchant_id and "cert" in tls:
            return {"cert": tls["cert"], "key": tls["key"]}
        if isinstance(tls.get(merchant_id), dict):
            return {"cert": tls[merchant_id]["cert"], "key": tls[merchant_id]["key"]}
    for inner in tls.values() if isinstance(tls, dict) else tls if isinstance(tls, list) else ():
        if found := find_certificate(inner, merchant_id):
            return found
    return {}


class Daemon:
    """A data folder with a demo, served by a process that can be killed and begun again."""

    def __init__(self, folder: Path, newcomers: int = 0, settings: str = "") -> None:
        self.data, self.base_port, self.log = folder / "data", free_base_port(), folder / "serve.log"
        size = ["--base-port", str(self.base_port), "--terminals", str(8 + newcomers)]
        run_to_end([installed_command(), "init", "--demo", "--data", str(self.data), *size])
        with (self.data / "tillswitch.toml").open("a") as file:
            file.write(f"\n{settings}")
        self.demo = Demo.read(self.data / "demo.json")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serves until ready."""
        config = ["--config", str(self.data / "tillswitch.toml")]
        with self.log.open("ab") as output:
            command = [installed_command(), "serve", *config]
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        wait_until_ready(self.process, self.base_port + 10, self.log)

    def kill(self) -> None:
        """SIGKILL: what a power cut leaves."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """SIGTERM, exit code 0, and an audit that finds nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS)
        assert code == 0, f"the daemon ended with {code} after SIGTERM:\n{tail(self.log)}"
        self.demo.command("audit")


@contextlib.contextmanager
def running(folder: Path, newcomers: int = 0, settings: str = "") -> Iterator[Daemon]:
    """A daemon that is stopped, and audited, when the tests with it have passed.

    Its last `newcomers` terminals are beyond those that tests share; `settings` end its configuration.
    """
    daemon = Daemon(folder, newcomers, settings)
    try:
        daemon.start()
        yield daemon
        daemon.stop()
    finally:
        daemon.kill()


@contextlib.contextmanager
def running_daemon(folder: Path, newcomers: int = 0) -> Iterator[Demo]:
    """The demo of such a daemon, for tests that never end it."""
    with running(folder, newcomers) as daemon:
        yield daemon.demo


def installed_command() -> str:
    beside = Path(sys.executable).with_name("tillswitch")
    command = str(beside) if beside.exists() else shutil.which("tillswitch")
    assert command, "the command tillswitch is not installed beside this Python"
    return command


def run_to_end(arguments: list[str]) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    words = " ".join(arguments[1:2])
    assert done.returncode == 0, f"tillswitch {words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"


def wait_until_ready(daemon: subprocess.Popen[bytes], ops_port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(f"http://127.0.0.1:{ops_port}/health/ready", timeout=2) as answer,
        ):
            if answer.status == 200:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):  # waits a moment, and notices an early end
            code = daemon.wait(0.05)
            raise AssertionError(f"the daemon ended with {code} before it was ready:\n{tail(log)}")
    raise AssertionError(f"the daemon was not ready within {READY_SECONDS} s:\n{tail(log)}")


def tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-3000:]


def free_base_port() -> int:
    """A block of ports that nobody listens on now."""
    for _ in range(100):
        base = random.randrange(15_000, 30_000)  # below the ports that systems give to clients
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for offset in PORTS_USED:
                stack.enter_context(socket.create_server(("127.0.0.1", base + offset)))
            return base
    raise AssertionError("no free block of ports on this machine")
