"""How lines end when the daemon does: what is on its way is answered, and nobody is left in the middle."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from specs import limits
from tests.simulation.stage import echo, stage


async def test_a_message_that_is_on_its_way_when_we_end_is_answered_and_then_the_line_closes(
    autojump_clock: MockClock,
) -> None:
    async with stage() as on:
        wire = on.connect()
        await wire.ask(echo(1))
        on.draining.set()
        await trio.sleep(limits.LAST_WORD_SECONDS / 2)
        assert (await wire.ask(echo(2))).get(39) == "00"
        began = trio.current_time()
        assert await wire.receive() is None
        assert trio.current_time() - began < limits.LAST_WORD_SECONDS / 2, "right behind the answer"
        assert on.closed("drain") == 1


async def test_a_line_that_was_let_in_a_moment_ago_may_say_what_it_came_for(autojump_clock: MockClock) -> None:
    async with stage() as on:
        wire = on.connect()
        on.draining.set()
        await trio.sleep(limits.LAST_WORD_SECONDS / 2)
        assert (await wire.ask(echo(1))).get(39) == "00"


async def test_a_quiet_line_is_waited_for_no_longer_than_that(autojump_clock: MockClock) -> None:
    async with stage() as on:
        wire = on.connect()
        await wire.ask(echo(1))
        on.draining.set()
        began = trio.current_time()
        assert await wire.receive() is None
        assert trio.current_time() - began <= limits.LAST_WORD_SECONDS + 0.01


async def test_a_line_that_is_owed_an_answer_is_read_no_more(autojump_clock: MockClock) -> None:
    """Its answer is the last thing that it gets."""
    async with stage(deciding=False) as on:
        wire = on.connect()
        await wire.send(echo(1))
        await trio.sleep(0.01)
        on.draining.set()
        await trio.sleep(0.01)
        await wire.send(echo(2))
        on.decide()
        answer = await wire.receive()
        assert answer is not None
        assert answer.get(11) == "000001"
        assert await wire.receive() is None
