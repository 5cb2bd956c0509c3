"""Our own echo on a connection that fell silent: to whom, when, and what follows if it is not answered."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from simulators.codecs import Dialect
from simulators.wire import Message
from specs import limits
from switch.core.clock import SECOND
from switch.core.commands import PutTerminal
from switch.core.merchants import Right, Terminal
from switch.core.presence import State
from tests.core.till import LIRA
from tests.simulation.stage import Stage, Wire, echo, stage
from tests.simulation.test_heartbeat import micros, states, stored, watched

INTERVAL = 300  # of the terminals on the stage


def profile(on: Stage, terminal: int = 1, **fields: object) -> None:
    known: dict[str, object] = {"rights": tuple(Right), "answers_echo": True} | fields
    on.command(PutTerminal(Terminal(0, 0, "A", f"T{terminal:07d}", "north", LIRA, **known)))  # type: ignore[arg-type]


def answer(to: Message, **fields: str) -> Message:
    return Message("0810", to.fields | {39: "00"} | {int(name[2:]): text for name, text in fields.items()})


async def next_message(wire: Wire, seconds: float) -> Message | None:
    """What comes within `seconds`; None if nothing does."""
    with trio.move_on_after(seconds):
        received = await wire.receive()
        assert received is not None, "the switch hung up"
        return received
    return None


async def is_closed_within(wire: Wire, seconds: float) -> bool:
    with trio.move_on_after(seconds):
        return await wire.receive() is None
    return False


@pytest.mark.parametrize("dialect", ["nac", "ascii"])
async def test_a_silent_terminal_is_asked_and_stays_as_long_as_it_answers(
    autojump_clock: MockClock, dialect: Dialect
) -> None:
    async with stage(dialect=dialect) as on:
        profile(on)
        await watched(on)
        wire = on.connect()
        await wire.ask(echo(1))
        for turn in range(1, 20):
            asked_at = trio.current_time()
            asked = await next_message(wire, INTERVAL + 1)
            assert asked is not None
            assert trio.current_time() - asked_at == pytest.approx(INTERVAL, abs=1)
            assert asked.mti == "0800"
            said = {3: "990000", 11: f"{turn:06d}", 24: "010", 41: "T0000001", 42: "A".ljust(15)}
            assert asked.fields == said
            await trio.sleep(0.25)
            await wire.send(answer(asked))
        await trio.sleep(10)
        assert states(on)[State.ONLINE.value] == 1, "its answers are signs of life"
        assert stored(on).round_trip == pytest.approx(0.25 * SECOND, abs=SECOND / 100)
        assert on.closed("no_echo") == 0
        assert on.count("frames_dropped_total", listener="test", reason="answer") == 0


async def test_the_echo_goes_where_the_last_message_came_from(autojump_clock: MockClock) -> None:
    async with stage() as on:
        profile(on)
        wire = on.connect()
        await wire.stream.send_all(wire.framed(echo(1))[:2] + bytes.fromhex("6001020304") + wire.framed(echo(1))[7:])
        await wire.stream.receive_some(4096)
        with trio.fail_after(INTERVAL + 1):
            assert (await wire.stream.receive_some(4096))[2:9] == bytes.fromhex("60030401020800")


async def test_a_terminal_that_does_not_answer_loses_its_connection(autojump_clock: MockClock) -> None:
    async with stage() as on:
        profile(on)
        wire = on.connect()
        await wire.ask(echo(1))
        assert await next_message(wire, INTERVAL + 1)
        assert not await is_closed_within(wire, limits.ECHO_ANSWER_SECONDS - 2)
        assert await is_closed_within(wire, 3)
        assert on.closed("no_echo") == 1


async def test_terminals_are_left_alone_unless_their_profile_says_that_they_answer(autojump_clock: MockClock) -> None:
    async with stage(idle_seconds=5000) as on:
        wire = on.connect()
        await wire.ask(echo(1))
        assert await next_message(wire, 4900) is None
        assert await is_closed_within(wire, 101)
        assert on.closed("idle") == 1


async def test_a_profile_that_changes_is_seen_with_the_next_message(autojump_clock: MockClock) -> None:
    async with stage(idle_seconds=5000) as on:
        profile(on)
        wire = on.connect()
        await wire.ask(echo(1))
        profile(on, answers_echo=False)
        await wire.ask(echo(2))
        assert await next_message(wire, 1000) is None
        profile(on)
        await wire.ask(echo(3))
        assert await next_message(wire, INTERVAL + 1)


# fmt: off
@pytest.mark.parametrize(("echo_seconds", "idle_seconds", "asked_after"), [
    (60, 900, 60),
    (0,  900, limits.ECHO_SILENCE_SECONDS),
    (300, 60, 30),     # before the connection is given up as idle
])  # fmt: skip
async def test_how_long_silence_may_be(
    autojump_clock: MockClock, echo_seconds: int, idle_seconds: float, asked_after: float
) -> None:
    async with stage(idle_seconds=idle_seconds) as on:
        profile(on, echo_seconds=echo_seconds)
        wire = on.connect()
        await wire.ask(echo(1))
        assert await next_message(wire, asked_after - 1) is None
        assert await next_message(wire, 2)


async def test_nothing_but_a_message_breaks_the_silence(autojump_clock: MockClock) -> None:
    """Keep-alives may come from a box in between, and half a frame from anybody."""
    async with stage() as on:
        profile(on)
        wire = on.connect()
        await wire.ask(echo(1))
        for _ in range(9):
            await trio.sleep(INTERVAL / 10)
            await wire.stream.send_all(b"\0\0")
        assert await next_message(wire, INTERVAL / 10 + 1)
        await wire.stream.send_all(b"\0\0\0\x19\x60")
        assert await is_closed_within(wire, limits.ECHO_ANSWER_SECONDS + 1)
        assert on.closed("no_echo") == 1


@pytest.mark.parametrize("wrong", [{"de11": "000099"}, {"de41": "T0000002"}, {"de3": "920000"}])
async def test_an_answer_to_something_else_is_none(autojump_clock: MockClock, wrong: dict[str, str]) -> None:
    async with stage() as on:
        profile(on)
        wire = on.connect()
        await wire.ask(echo(1))
        asked = await next_message(wire, INTERVAL + 1)
        assert asked
        await wire.send(answer(asked, **wrong))
        assert await is_closed_within(wire, limits.ECHO_ANSWER_SECONDS + 1)
        assert on.count("frames_dropped_total", listener="test", reason="answer") == 1


async def test_answers_nobody_asked_for_are_dropped_and_counted(autojump_clock: MockClock) -> None:
    async with stage() as on:
        profile(on)
        wire = on.connect()
        first = await wire.ask(echo(1))
        await wire.send(answer(first), answer(first))
        await wire.ask(echo(2))
        assert on.count("frames_dropped_total", listener="test", reason="answer") == 2


async def test_a_message_instead_of_the_answer_saves_the_connection(autojump_clock: MockClock) -> None:
    async with stage() as on:
        profile(on)
        wire = on.connect()
        await wire.ask(echo(1))
        assert await next_message(wire, INTERVAL + 1)
        assert (await wire.ask(echo(2))).mti == "0810"
        assert not await is_closed_within(wire, limits.ECHO_ANSWER_SECONDS + 1)


async def test_the_end_of_the_daemon_does_not_wait_for_an_echo(autojump_clock: MockClock) -> None:
    async with stage() as on:
        profile(on)
        asked, silent = on.connect(), on.connect()
        await silent.ask(echo(1))
        await asked.ask(echo(2))
        await next_message(asked, INTERVAL + 1)
        on.draining.set()
        assert await is_closed_within(asked, 1)
        assert micros()
        assert on.closed("drain") == 2
