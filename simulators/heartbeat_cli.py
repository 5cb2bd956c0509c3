"""`tillsim echo` and `tillsim online`: signs of life by hand."""

import click
import msgspec
import trio

from simulators.heartbeat import Stay, echo_order, stay_online
from simulators.output import APPROVED, NO_ANSWER, show_exchange, show_json
from simulators.terminal import Exchange
from simulators.till import Till, add_options, till_options

_STATUS = click.option(
    "--status", help="table TS as it is sent, such as 'paper=low;tamper=1'; '' sends none [all is well]"
)


def _echo(till: Till, status: str | None) -> int:
    terminal = till.open()
    return till.run(terminal, lambda: terminal.perform(echo_order(terminal, status)))


def _online(till: Till, status: str | None, seconds: float, every: float | None, deaf: bool) -> int:
    terminal = till.open(persistent=True)

    def tell(exchange: Exchange) -> None:
        if not till.json:
            show_exchange(terminal, exchange, trace=till.trace)

    async def stay() -> Stay:
        return await stay_online(terminal, seconds, every, status, deaf=deaf, tell=tell)

    stayed = trio.run(stay)
    if till.json:
        show_json(msgspec.to_builtins(stayed))
    else:
        click.echo(
            f"{stayed.seconds:.1f} s on the line: {stayed.echoes} echoes answered, asked {stayed.asked} times"
            + (f"; {stayed.problem}" if stayed.problem else "")
        )
    return NO_ANSWER if stayed.problem else APPROVED


echo_command = click.command("echo", help="ECHO TEST (0800, 990000), with the terminal's status.")(
    add_options(till_options(_echo), [_STATUS])
)
online_command = click.command(
    "online", help="Stay on the line: echoes of its own, and answers to the switch's. Exit code 3: the line was lost."
)(
    add_options(
        till_options(_online),
        [
            _STATUS,
            click.option("--seconds", type=click.FloatRange(0), default=60.0, show_default=True),
            click.option("--every", type=click.FloatRange(0.1), help="seconds between two echoes [one, at first]"),
            click.option("--deaf", is_flag=True, help="do not answer the switch"),
        ],
    )
)
