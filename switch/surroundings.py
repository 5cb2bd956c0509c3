"""What the daemon depends on, as metrics: its disk, its clock, its certificates, its own event loop.

Most are asked at each scrape, in the thread that renders; nothing here waits for a terminal or makes one wait.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import trio
from cryptography import x509
from prometheus_client import Gauge

from switch.config import Config
from switch.metrics import Metrics

BEAT_SECONDS: Final = 0.25  # between two measurements of the loop


class Surroundings:
    """
    Args:
        ready: Whether the daemon takes transactions.
    """

    def __init__(self, metrics: Metrics, config: Config, ready: Callable[[], bool]) -> None:
        self._metrics = metrics
        self._expiry = self._gauge("tillswitch_certificate_expiry_timestamp_seconds", "When it expires.", ["door"])
        self._reload_failed = self._gauge("tillswitch_reload_failed", "1: the file is not what the daemon runs on.")
        self._gauge("tillswitch_ready", "1: it takes transactions.").set_function(lambda: float(ready()))
        self._gauge("tillswitch_time_seconds", "What time the switch thinks it is.").set_function(time.time)
        self._gauge("tillswitch_start_timestamp_seconds", "When it began.").set(time.time())
        if config.store.startswith("sqlite:///"):
            file = Path(config.store.removeprefix("sqlite:///"))
            free = self._gauge("tillswitch_store_free_bytes", "Room left for the books.")
            free.set_function(lambda: _free_bytes(file))
            size = self._gauge("tillswitch_store_bytes", "Size of the books.")
            size.set_function(lambda: _size_of(file) + _size_of(file.with_name(f"{file.name}-wal")))
        self.use(config)

    def use(self, config: Config) -> None:
        """The certificates of a configuration that is in force from now on."""
        self._reload_failed.set(0)
        doors = [(listener.name, listener.tls) for listener in config.listeners] + [("ops", config.ops.tls)]
        for name, tls in doors:
            if tls:
                self._expiry.labels(name).set(expiry_of(tls.certificate))

    def reload_failed(self) -> None:
        self._reload_failed.set(1)

    async def measure_loop(self) -> None:
        """Until cancelled: how late the loop is to whoever waits for it."""
        while True:
            due = trio.current_time() + BEAT_SECONDS
            await trio.sleep_until(due)
            self._metrics.loop_late(trio.current_time() - due)

    def _gauge(self, name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(name, text, tuple(labels), registry=self._metrics.registry)


def expiry_of(certificate: Path) -> float:
    """When the first certificate of a file expires, in seconds since 1970."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()


def _free_bytes(file: Path) -> float:
    found = os.statvfs(file.parent)
    return float(found.f_bavail * found.f_frsize)


def _size_of(file: Path) -> float:
    try:
        return float(file.stat().st_size)
    except FileNotFoundError:
        return 0.0
