"""What `switch/server.py` bounds and keeps in order. Every deadline runs on trio's MockClock: no test waits."""

from __future__ import annotations

from contextlib import AsyncExitStack

import msgspec
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from specs import limits
from specs.outcomes import Outcome
from switch.store.port import Unavailable
from tests.simulation.stage import Wire, echo, redeem, stage


# -- lines that end ----------------------------------------------------------------------------------------------------
async def test_an_idle_line_is_closed_after_its_time_and_not_before(autojump_clock: MockClock) -> None:
    async with stage(idle_seconds=60) as on:
        wire = on.connect()
        await trio.sleep(59)
        assert (await wire.ask(echo(1))).get(39) == "00"
        began = trio.current_time()
        assert await wire.receive() is None
        assert trio.current_time() - began == pytest.approx(60)
        assert on.closed("idle") == 1


async def test_a_frame_that_does_not_end_in_time_closes_the_line(autojump_clock: MockClock) -> None:
    async with stage() as on:
        wire = on.connect()
        frame = wire.framed(echo(1))
        for byte in frame[:-1]:
            await wire.stream.send_all(bytes([byte]))
            await trio.sleep(limits.FRAME_SECONDS / len(frame) - 0.001)
        began = trio.current_time()
        assert await wire.receive() is None
        assert trio.current_time() - began < 2
        assert on.closed("slow_frame") == 1


async def test_a_line_that_is_always_within_some_frame_is_not_slow(autojump_clock: MockClock) -> None:
    """A busy concentrator: each read ends in the middle of the next message, for longer than any one may take."""
    async with stage() as on:
        wire = on.connect()
        frames = [wire.framed(echo(stan)) for stan in range(1, 21)]
        await wire.stream.send_all(frames[0][:7])
        for before, after in zip(frames, [*frames[1:], b""], strict=True):
            await trio.sleep(limits.FRAME_SECONDS * 0.6)
            await wire.stream.send_all(before[7:] + after[:7])
            answer = await wire.receive()
            assert answer is not None
            assert answer.get(39) == "00"


async def test_a_reader_that_takes_no_answers_is_cut_and_its_request_stands(autojump_clock: MockClock) -> None:
    async with stage() as on:
        pan = on.card(1000)
        wire = on.connect(trio.testing.lockstep_stream_pair)
        await wire.send(redeem(1, pan, 100))
        await trio.sleep(limits.SEND_SECONDS + 1)
        assert on.closed("slow_reader") == 1
        again = on.connect()
        assert (await again.ask(redeem(1, pan, 100, mti="0201"))).get(39) == "00"
        assert on.balance(pan) == 900


async def test_ten_bad_frames_in_a_row_close_the_line_and_a_good_one_between_starts_anew(
    autojump_clock: MockClock,
) -> None:
    async with stage() as on:
        wire = on.connect()
        bad = b"\x00\x06" + b"\x61\x00\x10\x00\x00\x08"
        for _ in range(3):
            await wire.stream.send_all(bad * 9)
            assert (await wire.ask(echo(1))).get(39) == "00"
        await wire.stream.send_all(bad * 10)
        assert await wire.receive() is None
        assert on.count("frames_dropped_total", listener="test", reason="tpdu") == 3 * 9 + 9


async def test_an_oversized_frame_closes_the_line_and_what_came_before_it_is_answered(
    autojump_clock: MockClock,
) -> None:
    async with stage() as on:
        wire = on.connect()
        await wire.stream.send_all(wire.framed(echo(1)) + (limits.FRAME_BYTES_MAX + 1).to_bytes(2, "big"))
        answer = await wire.receive()
        assert answer is not None
        assert answer.get(11) == "000001"
        assert await wire.receive() is None
        assert on.closed("frame") == 1


async def test_what_cannot_be_answered_closes_the_line(autojump_clock: MockClock) -> None:
    async with stage() as on:
        wire = on.connect()
        await wire.stream.send_all(b"\x00\x09\x60\x00\x10\x00\x00\xff\xff\xff\xff")
        assert await wire.receive() is None
        assert on.closed("unreadable") == 1


async def test_keep_alives_and_answers_are_dropped_and_counted(autojump_clock: MockClock) -> None:
    async with stage() as on:
        wire = on.connect()
        answer = wire.framed(echo(1)).replace(b"\x08\x00", b"\x08\x10", 1)
        await wire.stream.send_all(b"\x00\x00" * 5 + answer)
        assert (await wire.ask(echo(2))).get(11) == "000002"
        assert on.count("frames_dropped_total", listener="test", reason="empty") == 5
        assert on.count("frames_dropped_total", listener="test", reason="answer") == 1


# -- half open, hung up ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("pair", [trio.testing.memory_stream_pair, trio.testing.lockstep_stream_pair])
@pytest.mark.parametrize("attempt", range(8))  # trio runs ready tasks in any order
async def test_a_terminal_that_ends_its_side_still_gets_its_answers(
    pair: object, attempt: int, autojump_clock: MockClock
) -> None:
    async with stage(deciding=False, terminals=3) as on:
        pan = on.card(1000)
        wire = on.connect(pair)  # type: ignore[arg-type]  # one of the two functions above
        await wire.send(*(redeem(1, pan, 100, terminal) for terminal in (1, 2, 3)))
        assert isinstance(wire.stream, trio.StapledStream)
        await wire.stream.send_eof()
        await trio.testing.wait_all_tasks_blocked()
        on.decide()
        for _ in range(3):
            answer = await wire.receive()
            assert answer is not None
            assert answer.get(39) == "00"
        assert await wire.receive() is None
        assert on.closed("hung_up") == 1


async def test_a_request_read_whole_is_decided_even_if_the_line_is_gone(autojump_clock: MockClock) -> None:
    async with stage(deciding=False) as on:
        pan = on.card(1000)
        wire = on.connect()
        await wire.send(redeem(1, pan, 100))
        await trio.testing.wait_all_tasks_blocked()
        await wire.close()
        on.decide()
        await trio.testing.wait_all_tasks_blocked()
        assert on.balance(pan) == 900
        assert (await on.connect().ask(redeem(1, pan, 100, mti="0201"))).get(39) == "00"
        assert on.balance(pan) == 900


async def test_a_frame_cut_off_in_the_middle_is_no_request(autojump_clock: MockClock) -> None:
    async with stage() as on:
        pan = on.card(1000)
        wire = on.connect()
        await wire.stream.send_all(wire.framed(redeem(1, pan, 100))[:-1])
        await wire.close()
        await trio.testing.wait_all_tasks_blocked()
        assert on.balance(pan) == 1000


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


# -- limits of the listener --------------------------------------------------------------------------------------------
async def test_the_connection_over_the_limit_is_closed_at_once() -> None:
    """Over real sockets, and so in real time; nothing here waits for a deadline."""
    async with stage(connections_max=2) as on, trio.open_nursery() as nursery:
        (listening,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

        async def serve(stream: trio.SocketStream) -> None:
            await on.server.serve_socket(on.listener, stream)

        await nursery.start(trio.serve_listeners, serve, [listening])
        port = listening.socket.getsockname()[1]
        async with AsyncExitStack() as open_lines:

            async def connect() -> Wire:
                return Wire(await open_lines.enter_async_context(await trio.open_tcp_stream("127.0.0.1", port)))

            first, second = await connect(), await connect()
            for wire in (first, second):
                assert (await wire.ask(echo(1))).get(39) == "00"
            assert await (await connect()).receive() is None
            assert on.closed("too_many") == 1
            await first.close()
            while on.listener.connections == 2:
                await trio.lowlevel.checkpoint()
            assert (await (await connect()).ask(echo(1))).get(39) == "00"
        nursery.cancel_scope.cancel()


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
