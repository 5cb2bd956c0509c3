"""Heartbeats over a simulated day: who falls silent is told, who is back is told, and the books know it too."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from simulators.wire import Message
from specs import limits
from switch.core.clock import SECOND
from switch.core.presence import Event, Presence, State, TerminalEvent
from switch.heartbeat import LOOK_SECONDS, REFRESH_SECONDS, WORST_STORES, Heartbeat
from switch.presence import Presences
from switch.store.port import Station, Unavailable
from tests.core.till import NOON
from tests.shell.test_presence import terminal
from tests.simulation.stage import Stage, Wire, echo, message, stage

TABLES = {"ok": "TSpaper=ok;sn=A1;tamper=0", "bad": "TSpaper=ok;sn=B2;tamper=1"}


def micros() -> int:
    return NOON + round(trio.current_time() * SECOND)


async def watched(on: Stage) -> Heartbeat:
    heartbeat = Heartbeat(on.service, on.metrics, micros)
    await on.nursery.start(heartbeat.run)
    return heartbeat


def status(stan: int, table: str, terminal: int = 1) -> Message:
    text = TABLES[table]
    return message("0800", "990000", stan, terminal, de63=bytes.fromhex(f"{len(text):04d}").decode("latin-1") + text)


def states(on: Stage) -> dict[str, float]:
    return {state.value: on.count("terminals", state=state.value.replace(" ", "_")) for state in State}


def stored(on: Stage, terminal: int = 1) -> Presence:
    wanted = f"T{terminal:07d}"
    return next(one.presence for one in on.store.stations(0, 100) if one.terminal.terminal_id == wanted)


async def keep_alive(wire: Wire, terminal: int = 1, every: float = 300) -> None:
    stan = 0
    while True:
        stan += 1
        await wire.ask(echo(stan, terminal))
        await trio.sleep(every)


async def test_a_terminal_goes_from_online_to_late_to_offline_and_comes_back(autojump_clock: MockClock) -> None:
    told: list[TerminalEvent] = []
    async with stage(tell_terminals=told.extend) as on:
        await watched(on)
        await on.connect().ask(echo(1))
        course = []
        for seconds in (LOOK_SECONDS + 1, 601, 301, 3600):  # the intervals are of 300
            await trio.sleep(seconds)
            course.append(next(name for name, count in states(on).items() if count == 1 and name != "never seen"))
        assert course == ["online", "late", "offline", "offline"]
        assert [one.event for one in told] == [Event.OFFLINE]
        assert stored(on).offline
        await on.connect().ask(echo(2))
        await trio.sleep(2 * LOOK_SECONDS + 1)
        assert [one.event for one in told] == [Event.OFFLINE, Event.BACK]
        assert states(on)["online"] == 1
        assert not stored(on).offline


async def test_a_terminal_that_sends_its_echoes_is_never_late(autojump_clock: MockClock) -> None:
    told: list[TerminalEvent] = []
    async with stage(tell_terminals=told.extend) as on:
        await watched(on)
        on.nursery.start_soon(keep_alive, on.connect())
        for _ in range(200):
            await trio.sleep(97)
            assert states(on)["online"] == 1
        assert told == []


async def test_stores_are_counted_by_how_many_of_theirs_are_offline(autojump_clock: MockClock) -> None:
    async with stage(terminals=3) as on:
        await watched(on)
        for terminal in (1, 2):
            await on.connect().ask(echo(1, terminal))
        await trio.sleep(LOOK_SECONDS + 1)
        assert on.count("stores", offline="none") == 1
        await trio.sleep(800)
        await on.connect().ask(echo(2, 2))
        await trio.sleep(200)
        assert on.count("stores", offline="half") == 1
        await trio.sleep(2000)
        assert on.count("stores", offline="all") == 1


async def test_of_many_stores_those_are_named_where_somebody_is_missing(autojump_clock: MockClock) -> None:
    many = WORST_STORES + 10
    async with stage() as on:
        watching = Heartbeat(on.service, on.metrics, micros)
        for shown, silent in ((0, ()), (2, (3, 17)), (WORST_STORES, range(many))):
            on.service.presences = Presences(micros())
            on.service.presences.learn(
                Station(
                    terminal(number, store=f"store-{number}"),
                    Presence(number, last_seen=micros() - (1000 * SECOND if number in silent else 0)),
                )
                for number in range(many)
            )
            await watching.look()
            assert len(watching.worst_stores) == shown
            assert {one.states[State.OFFLINE] for one in watching.worst_stores} <= {1}


async def test_the_darkest_stores_come_first(autojump_clock: MockClock) -> None:
    """Terminals online and offline of each: what is dark is seen although more are missing elsewhere."""
    chain = {"large": (60, 40), "half": (3, 3), "kiosk": (0, 1), "shop": (0, 4), "small": (5, 2), "well": (9, 0)}
    async with stage() as on:
        watching = Heartbeat(on.service, on.metrics, micros)
        on.service.presences = Presences(micros())
        ages = [(name, age) for name, (there, away) in chain.items() for age in [0] * there + [1000] * away]
        on.service.presences.learn(
            Station(terminal(number, store=name), Presence(number, last_seen=micros() - age * SECOND))
            for number, (name, age) in enumerate(ages)
        )
        await watching.look()
    assert [one.store for one in watching.worst_stores] == ["shop", "kiosk", "half", "large", "small", "well"]


async def test_what_was_seen_last_is_in_the_books_soon_and_all_of_it_at_the_end(autojump_clock: MockClock) -> None:
    async with stage() as on:
        heartbeat = await watched(on)
        wire = on.connect()
        for stan in range(1, 60):
            await wire.ask(echo(stan))
            await trio.sleep(7)
            assert micros() - stored(on).last_seen <= (limits.SEEN_SECONDS + LOOK_SECONDS + 7) * SECOND
        await wire.ask(echo(99))
        at = micros()
        await heartbeat.fold_all()
        assert abs(stored(on).last_seen - at) < SECOND


async def test_a_status_table_is_in_the_books_before_its_answer(autojump_clock: MockClock) -> None:
    told: list[TerminalEvent] = []
    async with stage(tell_terminals=told.extend) as on:
        wire = on.connect()
        assert (await wire.ask(status(1, "ok"))).get(39) == "00"
        assert dict(stored(on).status) == {"paper": "ok", "sn": "A1", "tamper": "0"}
        on.store.fail([Unavailable("disk full")] * 3)
        assert (await wire.ask(status(2, "bad"))).get(39) == "00"
        assert dict(stored(on).status)["tamper"] == "1"
        assert [one.event for one in told] == [Event.TAMPER, Event.SERIAL_CHANGED]


async def test_a_daemon_that_was_down_does_not_cry_wolf(autojump_clock: MockClock) -> None:
    told: list[TerminalEvent] = []
    async with stage(tell_terminals=told.extend) as on:
        await on.connect().ask(status(1, "ok"))
        await trio.sleep(10_000)
        on.service.presences = type(on.service.presences)(micros())  # as a new daemon begins
        await watched(on)
        await trio.sleep(LOOK_SECONDS)
        assert states(on)["offline"] == 1
        assert told == []
        await trio.sleep(1000)
        assert [one.event for one in told] == [Event.OFFLINE]


async def test_another_daemons_terminal_is_not_called_offline(autojump_clock: MockClock) -> None:
    told: list[TerminalEvent] = []
    async with stage(tell_terminals=told.extend) as on:
        await watched(on)
        await on.connect().ask(status(1, "ok"))
        await trio.sleep(LOOK_SECONDS)

        number = stored(on).terminal
        for _ in range(10):
            await trio.sleep(290)
            on.store._presences[number] = Presence(number, last_seen=micros())
        assert told == []
        await trio.sleep(REFRESH_SECONDS + LOOK_SECONDS)
        assert states(on)["online"] == 1


async def test_while_the_store_is_away_states_are_told_and_the_books_wait(autojump_clock: MockClock) -> None:
    async with stage() as on:
        await watched(on)
        wire = on.connect()
        await wire.ask(echo(1))
        on.store.fail([Unavailable("disk full")] * 1_000_000)
        await trio.sleep(LOOK_SECONDS + 1)
        assert states(on)["online"] == 1
        await trio.sleep(1000)
        assert states(on)["offline"] == 1
        assert not stored(on).last_seen
        on.store.fail([])
        await trio.sleep(LOOK_SECONDS + 3)
        assert stored(on).last_seen
