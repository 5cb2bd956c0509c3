"""However many terminals are watched, nobody waits long for a turn of the loop: all is done in slices."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
import trio
from trio.testing import MockClock

from specs import limits
from switch import heartbeat, schedules, terminal_pages
from switch.core.clock import DAY
from switch.core.commands import PutMerchant
from switch.core.merchants import Merchant
from switch.core.presence import Presence
from switch.core.workset import Day
from switch.heartbeat import Heartbeat
from switch.presence import Presences
from switch.schedules import Days
from switch.store.port import Station
from tests.core.till import NOON
from tests.shell.test_presence import terminal
from tests.shell.test_terminal_pages import get, served
from tests.shell.turns import counted
from tests.simulation.stage import redeem, stage


@pytest.mark.parametrize(
    ("function", "whole"),
    [("switch.presence.state_of", 2500), ("switch.heartbeat.offline_share", 2500)],
)
async def test_a_look_at_everybody(function: str, whole: int) -> None:
    """Each terminal in a store of its own."""
    async with stage() as on:
        on.service.presences = Presences()
        on.service.presences.learn(
            Station(terminal(number, store=f"store-{number}"), Presence(number)) for number in range(1, whole + 1)
        )
        with counted(function) as turns:
            await Heartbeat(on.service, on.metrics, lambda: NOON).look()
    assert (turns.all, turns.most) == (whole, heartbeat.LOOK_SLICE)


async def test_all_of_them_fall_silent(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PRESENCE_SLICE", 3)
    async with stage(terminals=10) as on:
        wire = on.connect()
        for number in range(1, 11):
            await wire.ask(redeem(1, "9900100000000000001", 1, number))
        watching = Heartbeat(on.service, on.metrics, on.service.now)
        with counted("switch.presence.sighting_of") as heard:
            await watching.fold()
        await trio.sleep(2 * DAY / 1_000_000)
        await watching.look()
        with counted("switch.heartbeat.sighting_of") as silent:
            await watching.fold()
    assert [(turns.all, turns.most) for turns in (heard, silent)] == [(10, 3), (10, 3)]


async def test_a_look_at_all_open_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "PAGE", 2)
    async with stage(terminals=7) as on:
        pan, wire = on.card(10_000), on.connect()
        for number in range(1, 8):
            await wire.ask(redeem(1, pan, 1, number))
        days, noted = Days(on.service, on.metrics, on.service.now), [0]

        class Noted(trio.abc.Instrument):
            def after_task_step(self, task: trio.lowlevel.Task) -> None:
                noted.append(sum(seen.batch_opened_at > 0 for seen in on.service.presences.page(("", ""), 10)))

        trio.lowlevel.add_instrument(Noted())
        with counted("switch.schedules.age_of") as batches:
            await days.look()
        on.command(*(PutMerchant(Merchant(0, f"M{number}", "", ("x",))) for number in range(5)))
        monkeypatch.setattr(on.store, "unsettled", lambda: {f"M{number}": Day(first_open=1) for number in range(5)})
        with counted("switch.schedules.settled_day") as merchants:
            await days.look()
    assert [(turns.all, turns.most) for turns in (batches, merchants)] == [(7, 2), (5, 2)]
    assert max(noted) == 7
    assert max(after - before for before, after in pairwise(noted)) == 2


async def test_a_page_of_terminals() -> None:
    presences = Presences()
    presences.learn(Station(terminal(number), Presence(number)) for number in range(1, 2001))
    async with served(presences) as port:
        with counted("switch.terminal_pages.described") as told:
            status, page = await get(port, f"/terminals?limit={limits.TERMINALS_PAGE_MAX}")
        with counted("switch.presence.state_of") as looked_at:
            assert await get(port, "/terminals?state=online") == (200, {"terminals": [], "next": None})
    assert (status, len(page["terminals"])) == (200, limits.TERMINALS_PAGE_MAX)
    assert (told.all, told.most) == (limits.TERMINALS_PAGE_MAX, terminal_pages.SCAN)
    assert (looked_at.all, looked_at.most) == (2000, terminal_pages.SCAN)


def test_what_is_read_again_and_has_not_changed_is_kept_as_it_was() -> None:
    """Thousands of new records every half minute would be looked through by the collector of garbage, in one go."""
    presences = Presences()
    station = Station(terminal(1), Presence(1, last_seen=NOON, status=(("paper", "ok"),)))
    presences.learn([station])
    (seen,) = presences.page(("", ""), 10)
    kept, status = seen.terminal, seen.presence.status
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(station), type=Station)
    assert read.terminal is not kept
    presences.learn(
        [msgspec.structs.replace(read, presence=msgspec.structs.replace(read.presence, last_seen=NOON + 1))]
    )
    assert seen.terminal is kept
    assert seen.presence.status is status
    assert seen.last_seen == NOON + 1
