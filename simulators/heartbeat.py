"""Signs of life: the status a terminal tells with its echo, and a terminal that stays on the line.

A terminal whose profile says so is asked by the switch itself when its line has been silent, and loses the line if it
does not answer (section 1 of the terminal interface page, *Heartbeat*).
"""

from collections.abc import Callable

import msgspec
import trio

from simulators.line import LineDown
from simulators.requests import KINDS, Order
from simulators.terminal import Exchange, Terminal

SERIAL_CHARACTERS = 20


class Stay(msgspec.Struct):
    """How long a terminal stayed on the line, and what was said."""

    seconds: float = 0.0
    echoes: int = 0  # its own that were answered
    asked: int = 0  # by the switch
    problem: str = ""


def status_of(terminal: Terminal) -> str:
    """All is well; only the reversals still owed are not made up."""
    pending = sum(owed.what == "reversal" for owed in terminal.journal.read().owed)
    serial = f"SIM-{terminal.who.terminal_id}"[:SERIAL_CHARACTERS]
    return f"paper=ok;battery=100;tamper=0;pending={pending};sw=tillsim;sn={serial}"


def echo_order(terminal: Terminal, status: str | None) -> Order:
    """An echo that tells `status`; None: what `status_of` says, empty: nothing."""
    text = status_of(terminal) if status is None else status
    return Order(KINDS["echo"], tables=(("TS", text),) if text else ())


async def stay_online(
    terminal: Terminal,
    seconds: float,
    every: float | None,
    status: str | None,
    *,
    deaf: bool,
    tell: Callable[[Exchange], None],
) -> Stay:
    """One connection for `seconds`: echoes of its own, and answers to those of the switch unless it is `deaf`."""
    stay, began = Stay(), trio.current_time()

    def asked() -> None:
        stay.asked += 1

    async with terminal:
        while not stay.problem:
            exchange = await terminal.perform(echo_order(terminal, status))
            tell(exchange)
            stay.echoes += exchange.approved
            left = began + seconds - trio.current_time()
            try:
                await terminal.attend(min(every or left, left), asked, deaf=deaf)
            except LineDown as error:
                stay.problem = str(error)
            if not exchange.approved:
                stay.problem = stay.problem or exchange.problem or f"refused ({exchange.code})"
            if trio.current_time() >= began + seconds:
                break
    stay.seconds = trio.current_time() - began
    return stay
