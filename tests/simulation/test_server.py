"""What `switch/server.py` bounds and keeps in order. Every deadline runs on trio's MockClock: no test waits."""

from __future__ import annotations

import ssl
from contextlib import AsyncExitStack

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from specs import limits
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


async def test_who_has_not_shaken_hands_yet_makes_room_for_a_newcomer() -> None:
    """Over real sockets: silent connections to a TLS door neither pile up beyond its limit nor keep others out."""
    async with stage(connections_max=1) as on, trio.open_nursery() as nursery:
        on.listener.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (listening,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

        async def serve(stream: trio.SocketStream) -> None:
            await on.server.serve_socket(on.listener, stream)

        await nursery.start(trio.serve_listeners, serve, [listening])
        port = listening.socket.getsockname()[1]
        async with await trio.open_tcp_stream("127.0.0.1", port) as oldest:
            while not on.listener.connections:
                await trio.lowlevel.checkpoint()
            async with await trio.open_tcp_stream("127.0.0.1", port):
                assert await oldest.receive_some() == b""
                assert (on.closed("handshake"), on.listener.connections) == (1, 1)
        nursery.cancel_scope.cancel()
