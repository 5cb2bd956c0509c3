"""A VISA-2 host that plays a script, for what a right one never does: what it hears, what it says."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import trio
import trio.testing

from simulators.demo import DemoTerminal, DemoVisa2
from simulators.journal import Item
from simulators.requests import KINDS, Order, build_request
from simulators.settlement import build_settlement
from simulators.state import Counters
from simulators.visa2_link import Visa2Line
from simulators.visa2_manner import Manner
from simulators.wire import Message

HERE = DemoVisa2("999995", "888000000001", "0001", "0005", "000000", "111111", "003", "5942")
WHO = DemoTerminal("DEMOBOOKS000001", "BOOKS005", "visa2", "ist-01", "949", "010", visa2=HERE)
PAN = "6035710012345678"
NOW = datetime(2026, 11, 22, 10, 15, 30)

Act = Callable[[Visa2Line], Awaitable[object]]


def redeem() -> Message:
    return build_request(WHO, "visa2", Order(KINDS["redeem"], PAN, 6000), Counters("000011", "000031", None), NOW)


async def ask(line: Visa2Line) -> Message:
    await line.send(redeem())
    return await line.receive()


async def upload(line: Visa2Line) -> Message:
    item = Item("redeem", redeem(), 6000, approval="004711")
    return await line.upload(build_settlement(WHO, "960000", 7, None, "000012", NOW), [item])


async def converse(says: list[bytes], act: Act, manner: Manner, *, persistent: bool = False) -> Visa2Line:
    """`act` on a line whose other end says the next of `says` whenever the terminal waits, and hangs up at the end."""
    ours, theirs = trio.testing.memory_stream_pair()
    line = Visa2Line(ours, WHO, manner, persistent=persistent)

    async def play() -> None:
        for one in says:
            await trio.testing.wait_all_tasks_blocked()
            await theirs.send_all(one)
        await trio.testing.wait_all_tasks_blocked()
        await theirs.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        await act(line)
        nursery.cancel_scope.cancel()
    return line
