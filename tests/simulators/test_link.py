"""A line knows when the switch has closed it, before anything is sent into it."""

import trio

from simulators.framing import frame
from simulators.link import Link
from simulators.wire import Message, encode


async def test_a_line_that_was_closed_is_seen_before_it_is_used() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    stream = await trio.open_tcp_stream(*listener.socket.getsockname()[:2])
    theirs = await listener.accept()
    said = Message("0810", {3: "990000", 11: "000001", 39: "00"})
    async with stream, theirs, listener:
        ours = Link(stream, "nac", bytes(5))
        states = [ours.hung_up]
        await theirs.send_all(frame(encode(said, "nac"), "nac", b"\x60" + bytes(4)))
        await trio.lowlevel.wait_readable(stream.socket)
        states.append(ours.hung_up)
        await theirs.send_eof()
        assert await ours.receive() == said, "what had come before is still there to be read"
        await trio.lowlevel.wait_readable(stream.socket)
        states.append(ours.hung_up)
    assert states == [False, False, True]
