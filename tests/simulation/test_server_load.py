"""Many on one line and one on many, late answers, draining, a store that is away (`switch/server.py`)."""

from __future__ import annotations

import msgspec
import trio
import trio.testing
from trio.testing import MockClock

from specs import limits
from specs.outcomes import Outcome
from switch.store.port import Unavailable
from tests.simulation.stage import echo, redeem, stage


# -- many on one line, one on many -------------------------------------------------------------------------------------
async def test_a_concentrator_has_as_many_outstanding_as_it_has_terminals(autojump_clock: MockClock) -> None:
    async with stage(deciding=False, terminals=100) as on:
        pan = on.card(100_000)
        wire = on.connect()
        await wire.send(*(redeem(7, pan, 1, terminal) for terminal in range(1, 101)))
        await trio.testing.wait_all_tasks_blocked()
        on.decide()
        answered = set()
        for _ in range(100):
            answer = await wire.receive()
            assert answer is not None
            assert answer.get(39) == "00"
            answered.add(answer.get(41))
        assert len(answered) == 100
        assert on.balance(pan) == 99_900


async def test_what_is_outstanding_on_one_line_is_bounded(autojump_clock: MockClock) -> None:
    async with stage(deciding=False, terminals=1) as on:
        wire = on.connect()
        for stan in range(1, limits.OUTSTANDING_MAX * 3):
            await wire.send(echo(stan))
            await trio.testing.wait_all_tasks_blocked()
        assert len(on.service._queue) == limits.OUTSTANDING_MAX
        on.decide()
        for _ in range(1, limits.OUTSTANDING_MAX * 3):
            assert await wire.receive() is not None


async def test_a_terminals_messages_are_decided_in_the_order_they_came_by_whatever_line(
    autojump_clock: MockClock,
) -> None:
    async with stage(deciding=False) as on:
        pan = on.card(1000)
        one, two = on.connect(), on.connect()
        for stan, wire in enumerate((one, two, two, one, two), 1):
            await wire.send(redeem(stan, pan, 300))
            await trio.testing.wait_all_tasks_blocked()
        on.decide()
        codes = {}
        for wire, count in ((one, 2), (two, 3)):
            for _ in range(count):
                answer = await wire.receive()
                assert answer is not None
                codes[int(answer.get(11))] = answer.get(39)
        assert codes == {1: "00", 2: "00", 3: "00", 4: "51", 5: "51"}


async def test_a_hostile_line_does_not_hold_up_its_neighbour(autojump_clock: MockClock) -> None:
    async with stage(terminals=2) as on:
        pan = on.card(100_000)
        hostile, silent, good = (
            on.connect(),
            on.connect(trio.testing.lockstep_stream_pair),
            on.connect(),
        )
        await silent.send(echo(1, terminal=1))  # and never reads
        for stan in range(1, 50):
            with trio.move_on_after(0):
                await hostile.stream.send_all(bytes([stan, 0x60, 0xFF]) * 5)
            assert (await good.ask(redeem(stan, pan, 1, terminal=2))).get(39) == "00"
        assert trio.current_time() < 1
        assert on.balance(pan) == 100_000 - 49


# -- late, busy, draining ----------------------------------------------------------------------------------------------
async def test_an_answer_that_comes_too_late_is_not_sent_and_the_repeat_fetches_it(autojump_clock: MockClock) -> None:
    async with stage(deciding=False, answer_seconds=20) as on:
        pan = on.card(1000)
        wire = on.connect()
        await wire.send(redeem(1, pan, 100))
        await trio.sleep(20.5)
        on.decide()
        await wire.send(redeem(1, pan, 100, mti="0201"))
        answer = await wire.receive()
        assert answer is not None
        assert answer.mti == "0210"
        assert answer.get(39) == "00"
        assert on.balance(pan) == 900
        with trio.move_on_after(1) as waiting:
            await wire.receive()
        assert waiting.cancelled_caught, "there was one answer, not two"


async def test_a_full_queue_answers_at_once_and_books_nothing(autojump_clock: MockClock) -> None:
    async with stage(deciding=False, queue_max=2, terminals=3) as on:
        pan = on.card(1000)
        wire = on.connect()
        await wire.send(*(redeem(1, pan, 100, terminal) for terminal in (1, 2, 3)))
        answer = await wire.receive()
        assert answer is not None
        assert (answer.get(39), answer.get(41)) == ("96", "T0000003")
        assert on.count("transactions_total", listener="test", kind="gift_redeem", outcome="internal") == 1
        on.decide()
        assert {(await wire.receive() or answer).get(39) for _ in range(2)} == {"00"}
        assert (await wire.ask(redeem(1, pan, 100, 3))).get(39) == "00"
        assert on.balance(pan) == 700


async def test_draining_closes_idle_lines_at_once_and_answers_what_was_accepted(autojump_clock: MockClock) -> None:
    async with stage(deciding=False) as on:
        pan = on.card(1000)
        idle, busy = on.connect(), on.connect()
        await busy.send(redeem(1, pan, 100))
        await trio.testing.wait_all_tasks_blocked()
        on.draining.set()
        await trio.testing.wait_all_tasks_blocked()
        assert await idle.receive() is None
        await busy.stream.send_all(busy.framed(redeem(2, pan, 100)))  # not accepted any more
        on.decide()
        answer = await busy.receive()
        assert answer is not None
        assert (answer.get(11), answer.get(39)) == ("000001", "00")
        assert await busy.receive() is None
        assert on.closed("drain") == 2
        assert on.balance(pan) == 900
        assert trio.current_time() < 1


# -- the store is away -------------------------------------------------------------------------------------------------
async def test_while_the_store_is_away_nothing_is_answered_and_then_everything(autojump_clock: MockClock) -> None:
    async with stage() as on:
        pan = on.card(1000)
        on.store.fail([Unavailable("the disk is full")] * 4)
        wire = on.connect()
        await wire.send(redeem(1, pan, 100))
        with trio.move_on_after(0.3) as waiting:
            await wire.receive()
        assert waiting.cancelled_caught
        assert on.trouble() == "the disk is full"
        answer = await wire.receive()
        assert answer is not None
        assert answer.get(39) == "00"
        assert on.trouble() is None
        assert on.balance(pan) == 900
        assert on.count("commit_failures_total", reason="unavailable") == 4


async def test_an_answer_that_cannot_be_written_ends_its_line_alone(autojump_clock: MockClock) -> None:
    """A bug in a session: here a dialect that does not know how to say "not enough"."""
    async with stage(terminals=2) as on:
        pan = on.card(1000)
        eloquent, good = on.connect(), on.connect()
        await trio.testing.wait_all_tasks_blocked()
        outcomes = {key: code for key, code in on.listener.dialect.outcomes.items() if key is not Outcome.NOT_ENOUGH}
        on.listener.dialect = msgspec.structs.replace(on.listener.dialect, outcomes=outcomes)
        speechless = on.connect()
        await speechless.send(redeem(1, pan, 5000))
        assert await speechless.receive() is None
        assert [type(fault) for fault in on.faults] == [KeyError]
        assert on.closed("error") == 1
        assert (await eloquent.ask(redeem(1, pan, 5000))).get(39) == "51", "stored, and said where it can be said"
        assert (await good.ask(redeem(1, pan, 100, 2))).get(39) == "00"
