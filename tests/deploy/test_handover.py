"""The daemon is replaced under load: whoever dials is not refused, plain lines stay open, no answer is lost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest
import trio

from simulators.demo import Demo, load_demo
from simulators.fleet import run_fleet
from simulators.fleet_report import FleetReport
from simulators.fleet_till import FleetOptions
from simulators.line import Line as SimulatorLine
from simulators.link import open_link
from simulators.requests import KINDS, Order, build_request
from simulators.state import Counters
from tests.cli.operator import new_operator
from tests.contract.client import Line, Message, WireError, encode, frame
from tests.deploy.manager import Manager

REPLACEMENTS = 2
FLEET = FleetOptions(terminals=4, deeds=250, lose=0, faults=0, answer_seconds=20)
TELLERS = 4
PATIENCE_SECONDS = 60.0  # a new daemon takes that long on a machine with much else to do


@pytest.fixture
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    one = Manager(new_operator(tmp_path_factory.mktemp("handover") / "data", "--terminals", "8"))
    try:
        yield one
    finally:
        one.close()


def echo(stan: int) -> Message:
    return Message({0: "0800", 3: "990000", 11: f"{stan:06d}", 24: "010", 41: "BOOKS001", 42: "DEMOBOOKS000001"})


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
            try:
                with Line(self.dialect, self.port) as line:
                    line.sock.settimeout(PATIENCE_SECONDS)
                    answer = line.ask(echo(self.answered + 1))
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
def test_nobody_who_dials_is_refused_or_left_without_an_answer_while_the_daemon_is_replaced(manager: Manager) -> None:
    with dialling(manager) as tellers:
        for _ in range(REPLACEMENTS):
            before = [teller.answered for teller in tellers]
            manager.replace()
            while any(teller.answered < some + 5 for teller, some in zip(tellers, before, strict=True)):
                assert manager.daemon.poll() is None
                assert not any(teller.faults for teller in tellers), [teller.faults for teller in tellers]
                time.sleep(0.05)
    assert [teller.faults for teller in tellers] == [[]] * TELLERS


@pytest.mark.slow
@pytest.mark.parametrize("listener", ["all", "nac-tls"])
async def test_no_answer_is_lost_to_a_fleet_that_trades_all_day_on_open_lines(manager: Manager, listener: str) -> None:
    """Plain lines never close. TLS cannot be handed over: what crosses the close is asked again on the next line."""
    demo, reports, replaced = load_demo(manager.office.folder / "demo.json"), list[FleetReport](), 0
    over = trio.Event()

    async def trade() -> None:
        await run_fleet(demo, msgspec.structs.replace(FLEET, listener=listener), reports.append)
        over.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trade)
        while not reports or not reports[0].deeds:  # noqa: ASYNC110 - the fleet knows no watcher
            await trio.sleep(0.05)
        for _ in range(REPLACEMENTS):
            if not over.is_set():
                await trio.to_thread.run_sync(manager.replace)
                replaced += 1
    (report,) = reports
    assert replaced, "the day was over before anything happened"
    assert report.ok, report.lines()
    assert report.lost == 0, report.lines()
    assert report.repeated == 0 or listener == "nac-tls"
    manager.stop()
    manager.office.do("audit")


@pytest.mark.slow
async def test_what_is_said_while_no_daemon_runs_is_answered_by_the_next(manager: Manager) -> None:
    """On the same line, also where a frame began with the daemon before."""
    with Line("nac", manager.ports["nac"]) as nac, Line("ascii", manager.ports["ascii"]) as ascii_:
        for line in (nac, ascii_):
            assert line.ask(echo(1)).rc == "00"
        for replacement in range(REPLACEMENTS):
            whole = [[framed(line, echo(2 * replacement + number)) for number in (10, 11)] for line in (nac, ascii_)]
            for line, (first, _) in zip((nac, ascii_), whole, strict=True):
                line.send_bytes(first[:9])
            manager.stop()
            for line, (first, second) in zip((nac, ascii_), whole, strict=True):
                line.send_bytes(first[9:] + second)
            manager.start()
            for line in (nac, ascii_):
                assert {line.receive()[11] for _ in range(2)} == {
                    f"{2 * replacement + number:06d}" for number in (10, 11)
                }


@pytest.mark.slow
async def test_a_visa2_line_goes_on_whether_its_terminal_has_spoken_or_not(manager: Manager) -> None:
    demo = load_demo(manager.office.folder / "demo.json")
    spoken, polled = await dial_visa2(demo), await dial_visa2(demo)
    for stan in (1, 2):
        await ask_balance(demo, spoken, stan)
        assert (await spoken.receive()).get(39) == "00"
        manager.stop()
        await ask_balance(demo, spoken, stan + 10)
        manager.start()
        assert (await spoken.receive()).get(39) == "00"
    await ask_balance(demo, polled, 4)
    assert (await polled.receive()).get(39) == "00"
    for line in (spoken, polled):
        await line.aclose()


@pytest.mark.slow
def test_a_line_is_closed_whose_listener_speaks_something_else_now(manager: Manager) -> None:
    with Line("nac", manager.ports["nac"]) as nac, Line("ascii", manager.ports["ascii"]) as ascii_:
        for line in (nac, ascii_):
            assert line.ask(echo(1)).rc == "00"
        text = manager.office.file.read_text()
        assert text.count('dialect = "ascii"') == 2
        manager.office.file.write_text(text.replace('dialect = "ascii"', 'dialect = "nac"', 1))
        manager.replace()
        assert nac.ask(echo(2)).rc == "00"
        assert ascii_.receive_frame() == b""


def framed(line: Line, message: Message) -> bytes:
    return frame(line.dialect, encode(line.dialect, message))


async def dial_visa2(demo: Demo) -> SimulatorLine:
    return await open_link(demo, demo.terminals_of("visa2")[0], "visa2", "127.0.0.1")


async def ask_balance(demo: Demo, line: SimulatorLine, stan: int) -> None:
    who = demo.terminals_of("visa2")[0]
    card = next(card for card in demo.gift_cards if card.currency == who.currency and card.state == "active")
    order = Order(KINDS["balance"], card.pan)
    await line.send(build_request(who, "visa2", order, Counters(f"{stan:06d}", f"{stan:06d}", None), who.now()))
