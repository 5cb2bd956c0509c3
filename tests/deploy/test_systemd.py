"""The unit: systemd understands it, it shuts out what it should, and a daemon under it says what it waits for."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from switch.cli.lifecycle import DEFAULT_PORTS
from switch.store.postgres import CONNECT_SECONDS, LOCK_SECONDS, STUCK_SECONDS
from tests.cli.operator import COMMAND, ROOT, Operator, new_operator

UNIT = ROOT / "deploy/systemd/tillswitch.service"
needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="NO TESTS OF THE UNIT: no systemd-analyze; make test-deps"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A copy whose program is there."""
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))
    shutil.copytree(UNIT.with_name("tillswitch.service.d"), tmp_path / "tillswitch.service.d")
    for listener in UNIT.parent.glob("*.socket"):
        shutil.copy(listener, tmp_path)
    return copy


@needs_systemd
def test_systemd_understands_the_unit(unit: Path) -> None:
    units = [unit, *unit.parent.glob("*.socket")]
    assert len(units) > 2
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "Documentation" not in line and "man" not in line]
    assert (done.returncode, complaints) == (0, [])


@needs_systemd
def test_the_unit_shuts_out_what_a_switch_does_not_need(unit: Path) -> None:
    """An exposure of 1.5 or better, as systemd counts."""
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=15", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_socket_units_have_the_names_and_ports_of_listeners() -> None:
    sockets = {}
    for file in UNIT.parent.glob("*.socket"):
        (port,), (name,) = (
            re.findall(rf"^{key}=(?:127.0.0.1:)?(\w+)$", file.read_text(), re.MULTILINE)
            for key in ("ListenStream", "FileDescriptorName")
        )
        assert file.name == f"tillswitch-{name}.socket"
        sockets[name] = int(port)
        assert file.name in UNIT.with_name("tillswitch.service.d").joinpath("sockets.conf").read_text()
    assert sockets == {name: DEFAULT_PORTS[name] for name in sockets}


def test_the_watchdog_is_longer_than_anything_the_daemon_waits_for() -> None:
    (watchdog,) = re.findall(r"^WatchdogSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    assert int(watchdog) > 2 * (CONNECT_SECONDS + LOCK_SECONDS + STUCK_SECONDS)
    assert "Type=notify" in UNIT.read_text()


@pytest.mark.slow
def test_a_daemon_tells_its_manager_when_it_is_ready_alive_and_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its master key handed over as a credential, and nowhere in its data folder."""
    office = new_operator(tmp_path / "data")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    office.config.vault.master_key.rename(credentials / "master.key")
    text = office.file.read_text()
    assert 'master_key = "master.key"' in text
    office.file.write_text(text.replace('master_key = "master.key"', 'master_key = "credential:master.key"'))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "900000"}
        for name, value in (environment | {"CREDENTIALS_DIRECTORY": str(credentials)}).items():
            monkeypatch.setenv(name, value)
        with office.log.open("ab") as log:
            command = [*COMMAND, "serve", "--config", str(office.file)]
            daemon = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            converse(office, daemon, manager)
        finally:
            daemon.kill()
            daemon.wait()


def converse(office: Operator, daemon: subprocess.Popen[bytes], manager: socket.socket) -> None:
    def next_word() -> str:
        return manager.recv(4096).decode().splitlines()[0]

    assert next_word() == "READY=1", office.log.read_text()
    assert [next_word() for _ in range(4)] == ["WATCHDOG=1"] * 4
    daemon.send_signal(signal.SIGHUP)
    words = [next_word() for _ in range(6)]
    assert words[[word != "WATCHDOG=1" for word in words].index(True)] == "RELOADING=1"
    assert "READY=1" in words
    daemon.send_signal(signal.SIGTERM)
    while (word := next_word()) != "STOPPING=1":
        assert word == "WATCHDOG=1"
    assert daemon.wait(20) == 0
