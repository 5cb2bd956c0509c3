"""Whole days of many terminals, with the commands as they are installed: both sides agree, and the books are right.

Then the same with the switch, or the terminals, killed in the middle of it: each goes on where it was.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from simulators.demo import Demo
from simulators.fleet import run_fleet
from simulators.fleet_report import FleetReport
from simulators.fleet_till import FleetOptions
from simulators.journal_file import FOLDER
from simulators.player import Player
from simulators.story import load_story
from tests.crash.daemon import ENVIRONMENT, ROOT, START_SECONDS, Daemon, make_demo, prove

BIN = Path(sys.executable).parent
TERMINALS = 50
DAY_SECONDS = 300  # a machine so slow that it takes longer fails the test for that reason


def command(name: str, folder: Path, *arguments: str) -> list[str]:
    file = folder / ("demo.json" if name == "tillsim" else "tillswitch.toml")
    return [str(BIN / name), *arguments, "--demo" if name == "tillsim" else "--config", str(file)]


def run(name: str, folder: Path, *arguments: str, timeout: float = DAY_SECONDS) -> tuple[int, str]:
    """A command to its end: exit code and what it said."""
    done = subprocess.run(
        command(name, folder, *arguments), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=timeout
    )
    return done.returncode, done.stdout + done.stderr


def play_with_ends_of_day(folder: Path, demo: Demo) -> None:
    """The story of the host's end of day, with somebody who ends it where the story pauses."""
    ends = []

    async def end_day(text: str) -> None:
        place = text.rpartition(" ")[2]
        ends.append(run("tillswitch", folder, "batch", "close", place))

    async def play() -> None:
        player = Player(demo, load_story("batch-end-of-day"), "nac", pause=end_day)
        assert [result.differences async for result in player.play() if result.differences] == []

    trio.run(play)
    assert [code for code, _ in ends] == [0, 0], ends


def trouble(report: dict[str, Any]) -> list[Any]:
    return [report[name] for name in ("wrong_texts", "unresolved", "card_differences", "notes")]


@pytest.mark.slow
def test_fifty_terminals_live_a_day_and_the_books_are_right(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    make_demo(folder, TERMINALS)
    daemon = Daemon(folder).wait_until_serving()
    code, output = run("tillsim", folder, "fleet", "--terminals", str(TERMINALS), "--faults", "0.2", "--json")
    report = json.loads(output)
    assert code == 0, trouble(report)
    assert len(report["batches"]) >= TERMINALS
    assert all(batch["as_expected"] for batch in report["batches"])
    assert sum(batch["uploaded"] > 0 for batch in report["batches"]) >= 5
    assert report["lost"] > 20
    code, output = run("tillsim", folder, "story", "all")
    assert code == 0, output[-3000:]
    play_with_ends_of_day(folder, daemon.demo())
    code, output = run("tillsim", folder, "settle")
    assert code == 0, output[-3000:]
    assert "CLOSED" in output
    code, output = run("tillswitch", folder, "audit")
    assert code == 0, output[-3000:]
    assert "the books are right" in output
    assert daemon.stop() == 0


@pytest.mark.slow
def test_terminals_of_every_dialect_live_a_day_with_the_same_books(data: Path) -> None:
    """What cards hold is asked over another dialect than most of them were used by."""
    daemon = Daemon(data).wait_until_serving()
    code, output = run("tillsim", data, "fleet", "--terminals", "8", "--listener", "all", "--json")
    report = json.loads(output)
    assert code == 0, trouble(report)
    assert {batch["terminal"][:5] for batch in report["batches"]} >= {"BOOKS", "KIOSK", "MARKT"}
    assert all(batch["as_expected"] for batch in report["batches"])
    assert daemon.stop() == 0
    assert prove(data).rows > 200


@pytest.mark.slow
def test_the_switch_is_killed_while_terminals_settle(data: Path) -> None:
    """At moments all over the day, the last ones while batches are being closed and uploaded."""
    daemon = Daemon(data).wait_until_serving()
    options = FleetOptions(terminals=8, deeds=40, faults=0.5, answer_seconds=5.0)
    reports: list[FleetReport] = []
    done = trio.Event()

    async def live() -> None:
        reports.append(await run_fleet(daemon.demo(), options, reports.append))
        done.set()

    async def until(messages: int) -> None:
        while not done.is_set() and (not reports or reports[0].messages.total() < messages):  # noqa: ASYNC110 - it knows no watcher
            await trio.sleep(0.001)

    async def kill_and_restart() -> tuple[Daemon, int]:
        running, kills = daemon, 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(live)
            for messages in (60, 200, 330, 360, 390, 420):
                await until(messages)
                if done.is_set():
                    break
                running.kill()
                kills += 1
                running = await trio.to_thread.run_sync(Daemon, data)
                await trio.to_thread.run_sync(running.wait_until_serving)
        return running, kills

    last, kills = trio.run(kill_and_restart)
    report = reports[-1]
    assert report.ok, report.lines()
    assert kills >= 4
    assert len(report.settled) == 8
    assert last.stop() == 0
    assert prove(data).rows > 200


@pytest.mark.slow
def test_terminals_that_lose_power_go_on_the_next_day(data: Path) -> None:
    daemon = Daemon(data).wait_until_serving()
    fleet = command("tillsim", data, "fleet", "--terminals", "8", "--deeds", "10000")
    with subprocess.Popen(fleet, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as terminals:
        journals = data / FOLDER
        deadline = START_SECONDS * 10
        while deadline and sum(file.stat().st_size > 3000 for file in journals.glob("*.json")) < 4:
            assert terminals.poll() is None
            trio.run(trio.sleep, 0.1)
            deadline -= 1
        terminals.kill()
    code, output = run("tillsim", data, "fleet", "--terminals", "8", "--deeds", "5", "--faults", "0", "--json")
    report = json.loads(output)
    assert code == 0, trouble(report)
    assert all(batch["balanced"] for batch in report["batches"])
    assert daemon.stop() == 0
    prove(data)
