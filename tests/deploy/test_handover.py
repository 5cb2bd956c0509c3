"""The daemon is replaced while terminals dial: with sockets that the service manager holds, nobody is refused."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
import trio

from simulators.demo import load_demo
from simulators.fleet import run_fleet
from simulators.fleet_report import FleetReport
from simulators.fleet_till import FleetOptions
from tests.cli.operator import COMMAND, ROOT, Operator, new_operator
from tests.contract.client import Line, Message, WireError
from tests.contract.daemon import wait_until_ready

REPLACEMENTS = 2
FLEET = FleetOptions(terminals=4, deeds=250, lose=0, faults=0, answer_seconds=20)
TELLERS = 4
PATIENCE_SECONDS = 60.0  # a new daemon takes that long on a machine with much else to do


class Manager:
    """What systemd does with socket units: holds the sockets, starts the daemon with them."""

    def __init__(self, office: Operator) -> None:
        self.office = office
        ports = office.demo["listeners"]
        self.sockets = {
            name: socket.create_server(("127.0.0.1", ports[name]), backlog=1024) for name in ("nac", "ascii")
        }
        self.ports = {name: one.getsockname()[1] for name, one in self.sockets.items()}

    def start(self) -> subprocess.Popen[bytes]:
        def hand_over() -> None:
            """In the child: descriptors 3 and 4."""
            for place, one in enumerate(self.sockets.values()):
                os.dup2(one.fileno(), 100 + place)
            for place in range(len(self.sockets)):
                os.dup2(100 + place, 3 + place)

        names = ":".join(self.sockets)
        script = f'LISTEN_PID=$$ LISTEN_FDS={len(self.sockets)} LISTEN_FDNAMES={names} exec "$@"'
        command = ["sh", "-c", script, "sh", *COMMAND, "serve", "--config", str(self.office.file)]
        with self.office.log.open("ab") as log:
            daemon = subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, close_fds=False, preexec_fn=hand_over
            )
        wait_until_ready(daemon, self.office.config.ops.port, self.office.log)
        return daemon

    def close(self) -> None:
        for one in self.sockets.values():
            one.close()


class Teller(threading.Thread):
    """A terminal that dials for each message, one after another."""

    def __init__(self, manager: Manager, dialect: str, number: int) -> None:
        super().__init__()
        self.port, self.dialect, self.number = manager.ports[dialect], dialect, number
        self.answered = 0
        self.faults: list[str] = []
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            stan = f"{self.answered + 1:06d}"
            asked = Message({0: "0800", 3: "990000", 11: stan, 24: "010", 41: "BOOKS001", 42: "DEMOBOOKS000001"})
            try:
                with Line(self.dialect, self.port) as line:
                    line.sock.settimeout(PATIENCE_SECONDS)
                    answer = line.ask(asked)
            except (OSError, WireError) as fault:
                self.faults.append(repr(fault))
                continue
            if answer.rc == "00":
                self.answered += 1
            else:
                self.faults.append(answer.rc)


@contextlib.contextmanager
def dialling(manager: Manager) -> Iterator[list[Teller]]:
    tellers = [Teller(manager, ("nac", "ascii")[number % 2], number) for number in range(TELLERS)]
    for teller in tellers:
        teller.start()
    try:
        yield tellers
    finally:
        for teller in tellers:
            teller.enough.set()
        for teller in tellers:
            teller.join()


@pytest.mark.slow
def test_nobody_who_dials_is_refused_or_left_without_an_answer_while_the_daemon_is_replaced(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    office = new_operator(tmp_path_factory.mktemp("handover") / "data")
    manager = Manager(office)
    daemon = manager.start()
    try:
        with dialling(manager) as tellers:
            for _ in range(REPLACEMENTS):
                before = [teller.answered for teller in tellers]
                daemon.send_signal(signal.SIGTERM)
                assert daemon.wait(20) == 0, office.log.read_text()
                daemon = manager.start()
                while any(teller.answered < some + 5 for teller, some in zip(tellers, before, strict=True)):
                    assert daemon.poll() is None
                    assert not any(teller.faults for teller in tellers), [teller.faults for teller in tellers]
                    time.sleep(0.05)
        assert [teller.faults for teller in tellers] == [[]] * TELLERS
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    finally:
        manager.close()
        daemon.kill()
        daemon.wait()


@pytest.mark.slow
def test_a_fleet_that_trades_all_day_on_open_lines_comes_out_right(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A line is closed right behind an answer; what crosses that on its way is asked again, or reversed."""
    office = new_operator(tmp_path_factory.mktemp("handover") / "data", "--terminals", "8")
    manager = Manager(office)
    daemon = manager.start()
    replaced = 0

    async def replace_while_trading() -> FleetReport:
        nonlocal daemon, replaced
        demo, reports = load_demo(office.folder / "demo.json"), list[FleetReport]()

        async def trade() -> None:
            reports.append(await run_fleet(demo, FLEET, reports.append))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trade)
            while not reports or not reports[0].deeds:  # noqa: ASYNC110 - the fleet knows no watcher
                await trio.sleep(0.05)
            for _ in range(REPLACEMENTS):
                if len(reports) == 1:  # the day is not over
                    daemon.send_signal(signal.SIGTERM)
                    assert await trio.to_thread.run_sync(daemon.wait, 20) == 0
                    daemon = await trio.to_thread.run_sync(manager.start)
                    replaced += 1
        return reports[-1]

    try:
        report = trio.run(replace_while_trading)
        assert replaced, "the day was over before anything happened"
        assert report.ok, report.lines()
        assert report.lost <= replaced * report.terminals, "more than the one message a line can have on its way"
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
        office.do("audit")
    finally:
        manager.close()
        daemon.kill()
        daemon.wait()
