"""A line knows when the switch has closed it, before anything is sent into it."""

import trio

from simulators.link import Link


async def test_a_line_that_was_closed_is_seen_before_it_is_used() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    stream = await trio.open_tcp_stream(*listener.socket.getsockname()[:2])
    theirs = await listener.accept()
    async with stream, theirs, listener:
        ours = Link(stream, "nac", bytes(5))
        states = [ours.hung_up]
        await theirs.send_all(b"\0\x07\x60" + bytes(4) + b"hi")
        await trio.sleep(0.05)
        states.append(ours.hung_up)
        await theirs.send_eof()
        assert await ours.receive() == b"hi", "what had come before is still there to be read"
        await trio.sleep(0.05)
        states.append(ours.hung_up)
    assert states == [False, False, True]
