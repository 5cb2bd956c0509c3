"""What the service manager hears: readiness, the end, and signs of life as long as loop and store give them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from switch.store.port import Lost, Unavailable
from switch.supervisor import BEAT_SECONDS, Supervisor


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": address.replace("\0", "@", 1)}

    def heard(self) -> list[str]:
        """Everything since the last time; a message may have several lines."""
        lines: list[str] = []
        while True:
            try:
                lines += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return lines


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    one = Manager(str(tmp_path / "notify") if request.param == "path" else f"\0tillswitch-test-{os.getpid()}")
    with one.socket:
        yield one


async def store() -> None:
    """One that answers."""


def test_ready_reloading_and_stopping_are_told(manager: Manager) -> None:
    supervisor = Supervisor(manager.environment)
    supervisor.ready("all is well")
    assert manager.heard() == ["READY=1", "STATUS=all is well"]
    supervisor.reloading()
    word, moment = manager.heard()
    assert word == "RELOADING=1"
    assert moment.startswith("MONOTONIC_USEC=")
    supervisor.stopping()
    assert manager.heard()[0] == "STOPPING=1"


@pytest.mark.parametrize(
    ("watchdog", "beat"),
    [({}, BEAT_SECONDS), ({"WATCHDOG_USEC": "60000000"}, BEAT_SECONDS), ({"WATCHDOG_USEC": "3000000"}, 1.0)],
)
async def test_signs_of_life_come_often_enough(
    manager: Manager, autojump_clock: MockClock, watchdog: dict[str, str], beat: float
) -> None:
    supervisor = Supervisor(manager.environment | watchdog)
    with trio.move_on_after(10 * beat - 0.01):
        await supervisor.watch(store, lambda: "ready")
    assert manager.heard() == ["WATCHDOG=1", "STATUS=ready"] * 10


async def test_a_watchdog_of_another_process_sets_no_pace() -> None:
    mine, other = ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(pid)} for pid in (os.getpid(), 1))
    assert Supervisor(mine).beat_seconds == 1.0
    assert Supervisor(other).beat_seconds == BEAT_SECONDS


async def test_a_store_that_is_away_is_alive_and_one_that_hangs_is_not(
    manager: Manager, autojump_clock: MockClock
) -> None:
    async def away() -> None:
        raise Unavailable("disk full")

    supervisor = Supervisor(manager.environment)
    with trio.move_on_after(BEAT_SECONDS * 1.5):
        await supervisor.watch(away, lambda: "disk full")
    assert manager.heard() == ["WATCHDOG=1", "STATUS=disk full"] * 2
    with trio.move_on_after(1000):
        await supervisor.watch(trio.sleep_forever, lambda: "ready")
    assert manager.heard() == []


async def test_a_lost_store_ends_the_daemon_as_anywhere_else(manager: Manager) -> None:
    async def lost() -> None:
        raise Lost("nobody knows")

    with pytest.raises(Lost):
        await Supervisor(manager.environment).watch(lost, lambda: "ready")


@pytest.mark.parametrize(
    "environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}, {"NOTIFY_SOCKET": "@nobody-listens"}]
)
async def test_without_a_manager_nothing_is_said_and_nothing_fails(environment: dict[str, str]) -> None:
    supervisor = Supervisor(environment)
    for tell in (lambda: supervisor.ready("x"), supervisor.reloading, supervisor.stopping):
        said: Callable[[], None] = tell
        said()
    with trio.move_on_after(0.05):
        await supervisor.watch(store, lambda: "ready")


def test_a_manager_that_does_not_read_holds_nothing_up(manager: Manager) -> None:
    supervisor = Supervisor(manager.environment)
    for _ in range(10_000):
        supervisor.ready("x" * 200)


# -- what is kept ------------------------------------------------------------------------------------------------------
class Keeper(Manager):
    """Takes descriptors, one message after another."""

    def take(self) -> tuple[list[str], list[int]]:
        text, descriptors, *_ = socket.recv_fds(self.socket, 4096, 4)
        return text.decode().splitlines(), descriptors


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    one = Keeper(str(tmp_path / "notify"))
    with one.socket:
        yield one


async def test_a_descriptor_is_kept_once_the_manager_has_looked(keeper: Keeper) -> None:
    supervisor = Supervisor(keeper.environment | {"FDSTORE": "4"})
    assert supervisor.keeps
    ours, theirs = socket.socketpair()
    kept = list[bool]()

    async def keep() -> None:
        kept.append(await supervisor.keep("lines", ours.fileno()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep)
        await trio.testing.wait_all_tasks_blocked()
        words, (copy,) = keeper.take()
        assert words == ["FDSTORE=1", "FDNAME=lines", "FDPOLL=0"]
        words, (barrier,) = keeper.take()
        assert (words, kept) == (["BARRIER=1"], [])
        os.close(barrier)
    assert kept == [True]
    ours.close()
    with theirs, socket.socket(fileno=copy) as taken:
        taken.send(b"it is the same")
        assert theirs.recv(100) == b"it is the same"
    supervisor.forget("lines")
    assert keeper.heard() == ["FDSTOREREMOVE=1", "FDNAME=lines"]


async def test_a_manager_that_does_not_look_is_not_waited_for_for_ever(
    keeper: Keeper, autojump_clock: MockClock
) -> None:
    with socket.socket() as ours:
        assert not await Supervisor(keeper.environment | {"FDSTORE": "4"}).keep("lines", ours.fileno())


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all", "FDSTORE": "4"}])
async def test_nobody_keeps_anything_without_a_manager(environment: dict[str, str]) -> None:
    before = os.listdir("/proc/self/fd")
    with socket.socket() as ours:
        assert not await Supervisor(environment).keep("lines", ours.fileno())
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("environment", [{}, {"FDSTORE": "0"}])
def test_a_manager_that_does_not_offer_it_keeps_nothing(keeper: Keeper, environment: dict[str, str]) -> None:
    assert not Supervisor(keeper.environment | environment).keeps
    assert not Supervisor({"FDSTORE": "4"}).keeps
