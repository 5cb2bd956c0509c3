"""What the daemon depends on, in numbers: disk, clock, certificates, the loop."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from cryptography import x509

from switch.config import Config, ListenerConfig, TLSConfig
from switch.demo.certificates import write_demo_certificates
from switch.metrics import Metrics
from switch.surroundings import Surroundings

PLAIN = ListenerConfig(name="nac", dialect="nac", port=0)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"tillswitch_{name}", labels)


def test_the_books_tell_their_size_and_the_room_that_is_left(tmp_path: Path) -> None:
    metrics = Metrics(["nac"])
    books = tmp_path / "books.db"
    Surroundings(metrics, Config(store=f"sqlite:///{books}", listeners=(PLAIN,)), lambda: True)
    assert value(metrics, "store_bytes") == 0
    books.write_bytes(b"x" * 1000)
    (tmp_path / "books.db-wal").write_bytes(b"x" * 234)
    assert value(metrics, "store_bytes") == 1234
    assert (value(metrics, "store_free_bytes") or 0) > 1000


def test_a_database_elsewhere_has_its_own_metrics() -> None:
    metrics = Metrics(["nac"])
    Surroundings(metrics, Config(store="postgresql://db.example/till", listeners=(PLAIN,)), lambda: True)
    assert value(metrics, "store_bytes") is None


def test_readiness_and_time_are_those_of_the_scrape() -> None:
    metrics, ready = Metrics(["nac"]), [False]
    Surroundings(metrics, Config(store="memory:", listeners=(PLAIN,)), lambda: ready[0])
    assert value(metrics, "ready") == 0
    ready[0] = True
    assert value(metrics, "ready") == 1
    assert abs((value(metrics, "time_seconds") or 0) - time.time()) < 5
    assert abs((value(metrics, "start_timestamp_seconds") or 0) - time.time()) < 5


def test_certificates_tell_when_they_expire_also_after_a_reload(tmp_path: Path) -> None:
    demo = write_demo_certificates(tmp_path, ["M"])["server"]
    tls = TLSConfig(certificate=Path(demo["cert"]), key=Path(demo["key"]), client_ca=Path(demo["cert"]))
    plain = Config(store="memory:", listeners=(PLAIN,))
    secure = replace(plain, listeners=(PLAIN, replace(PLAIN, name="nac-tls", tls=tls)), ops=replace(plain.ops, tls=tls))
    metrics = Metrics(["nac"])
    surroundings = Surroundings(metrics, plain, lambda: True)
    assert value(metrics, "certificate_expiry_timestamp_seconds", door="nac-tls") is None
    surroundings.reload_failed()
    assert value(metrics, "reload_failed") == 1
    surroundings.use(secure)
    assert value(metrics, "reload_failed") == 0
    expiry = x509.load_pem_x509_certificate(Path(demo["cert"]).read_bytes()).not_valid_after_utc
    for door in ("nac-tls", "ops"):
        told = value(metrics, "certificate_expiry_timestamp_seconds", door=door)
        assert datetime.fromtimestamp(told or 0, UTC) == expiry


async def test_a_loop_that_is_held_up_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics(["nac"])
    surroundings = Surroundings(metrics, Config(store="memory:", listeners=(PLAIN,)), lambda: True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(surroundings.measure_loop)
        await trio.sleep(0.01)
        time.sleep(0.4)  # noqa: ASYNC251 - as something does that should not
        await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert value(metrics, "loop_late_seconds_count") == 1
    assert value(metrics, "loop_late_seconds_bucket", le="0.1") == 0
