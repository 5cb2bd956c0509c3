"""What the commands of `tillsim` share: who talks, to whom, how it is shown, what happens without an answer."""

import functools
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import trio

from simulators.cards import CardWish, choose_card
from simulators.codecs import DIALECTS
from simulators.demo import Demo, DemoError, dialect_of, load_demo
from simulators.members import choose_member
from simulators.output import USAGE, as_json, exit_code, show_exchange, show_json
from simulators.receipt import meaning
from simulators.requests import Kind
from simulators.state import StateFile
from simulators.terminal import ANSWER_SECONDS, Exchange, Terminal
from simulators.visa2_manner import Manner, Parity, Record
from simulators.wire import WireError

LISTENERS = ("nac", "ascii", "visa2", "nac-tls", "ascii-tls", "visa2-tls")


class Till(msgspec.Struct, frozen=True):
    """The options every talking command has."""

    demo: Demo
    terminal_id: str | None
    listener: str | None
    host: str
    timeout: float
    trace: bool
    json: bool
    reverse: bool
    nii: str | None = None
    record: Record | None = None
    parity: Parity | None = None
    application_type: str | None = None

    @property
    def given_manner(self) -> dict[str, Any]:
        """What was said of how to speak VISA-2."""
        type_ = None if self.application_type is None else int(self.application_type)
        given = {"record": self.record, "parity": self.parity, "type": type_}
        return {name: value for name, value in given.items() if value is not None}

    def open(self, *, like_last: bool = False, persistent: bool = False) -> Terminal:
        """The terminal asked for; `like_last` prefers the one of the last command to the first of the listener."""
        name = self.terminal_id
        if name is None and like_last:
            name = self._last_terminal()
        if name is not None:
            who = self.demo.terminal(name)
            listener = self.listener or who.listener
        else:
            listener = self.listener or "nac"
            who = self.demo.terminals_of(listener)[0]
        if self.nii:
            who = msgspec.structs.replace(who, nii=self.nii.zfill(3))
        if self.given_manner and dialect_of(listener) != "visa2":
            raise DemoError("--record, --parity and --application-type go with --dialect visa2")
        return Terminal(
            self.demo,
            who,
            listener,
            host=self.host,
            answer_seconds=self.timeout,
            persistent=persistent,
            manner=Manner(**self.given_manner),
        )

    def _last_terminal(self) -> str | None:
        name = StateFile.beside(self.demo).read().last_terminal
        others = name and self.listener and self.demo.terminal(name) not in self.demo.terminals_of(self.listener)
        return None if others else name

    def run(self, terminal: Terminal, ask: Callable[[], Awaitable[Exchange]]) -> int:
        """One exchange, its recovery if need be, and both shown; the exit code."""
        exchange, recovery = trio.run(self._talk, terminal, ask)
        if self.json:
            shown = as_json(terminal, exchange)
            shown["recovery"] = [as_json(terminal, one) for one in recovery]
            show_json(shown)
            return exit_code(exchange)
        show_exchange(terminal, exchange, trace=self.trace)
        for number, one in enumerate(recovery, 1):
            click.echo(
                f"Attempt {number}, {one.request.mti}: {one.code or one.problem} ({meaning(one.code)})", err=True
            )
        if exchange.answer is None:
            click.echo(_after(exchange, recovery), err=True)
        return exit_code(exchange)

    async def _talk(
        self, terminal: Terminal, ask: Callable[[], Awaitable[Exchange]]
    ) -> tuple[Exchange, list[Exchange]]:
        async with terminal:
            exchange = await ask()
            lost = exchange.answer is None and exchange.sent
            recovery = await terminal.recover(exchange) if lost and self.reverse and _recoverable(exchange) else []
            return exchange, recovery


def till_options(command: Callable[..., int]) -> Any:
    """Add the common options; the command gets a Till first and returns the exit code."""

    @functools.wraps(command)
    def run(demo: Path | None, **options: Any) -> None:
        dialect = options.pop("dialect")
        options["listener"] = options["listener"] or dialect
        names = ("terminal_id", "listener", "host", "timeout", "trace", "json", "reverse", "nii", *_MANNER)
        common = {name: options.pop(name) for name in names}
        with complaints():
            sys.exit(command(Till(demo=load_demo(demo), **common), **options))

    return add_options(run, _TILL_OPTIONS)


def add_options(command: Any, options: list[Callable[[Any], Any]]) -> Any:
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def complaints() -> Iterator[None]:
    """Turns what a person got wrong into one line and exit code 2."""
    try:
        yield
    except (DemoError, WireError, ValueError) as error:
        click.echo(f"tillsim: {error}", err=True)
        sys.exit(USAGE)


demo_option = click.option("--demo", type=click.Path(path_type=Path), help="demo.json [TILLSIM_DEMO, or demo-data]")
host_option = click.option("--host", default="127.0.0.1", show_default=True)
_MANNER = ("record", "parity", "application_type")
_TILL_OPTIONS = [
    click.option("--terminal", "terminal_id", help="terminal id, or merchant/terminal [first of the listener]"),
    click.option("--listener", type=click.Choice(LISTENERS), help="[nac, or the terminal's own]"),
    click.option("--dialect", type=click.Choice((*DIALECTS, "visa2")), help="the plain listener of this dialect"),
    demo_option,
    host_option,
    click.option("--timeout", type=float, default=ANSWER_SECONDS, show_default=True, help="seconds to wait"),
    click.option("--trace", is_flag=True, help="show both messages field by field, masked"),
    click.option("--json", is_flag=True, help="one JSON object instead of the slip"),
    click.option("--record", type=click.Choice(["D", "T", "J"]), help="VISA-2: T is confirmed (V), J is older [D]"),
    click.option("--parity", type=click.Choice(["none", "even"]), help="VISA-2: of the session [none]"),
    click.option("--application-type", type=click.Choice(list("01234")), help="VISA-2 [0; of a batch 1]"),
    click.option("--nii", help="DE24: chooses the application, and so the batch [the terminal's own]"),
    click.option("--reverse/--no-reverse", default=True, help="reverse what got no answer [reverse]"),
]


_WANTED = {"activate": "inactive", "unblock": "blocked", "enrol": "inactive", "points-unblock": "blocked"}


def pick_card(
    terminal: Terminal, kind: Kind, card: str | None, amount: int | None, other_than: str | None = None
) -> tuple[str, str | None]:
    """The card number meant, and its PIN where demo.json knows it.

    `card` is a number, or `state:N`: the N-th card of that state that fits the terminal. Without it the first one.
    Transactions of points choose among the loyalty cards; `other_than` is a card whose member is not wanted.
    """
    if card and ":" not in card:
        if not (card.isdecimal() and 6 <= len(card) <= 19):
            raise DemoError("--card wants 6 to 19 digits, or active:1, inactive:1, blocked:1")
        return card, terminal.demo.known_pin(card)
    state, _, place = (card or "").partition(":")
    wanted: Any = state or _WANTED.get(kind.name, "active")
    if wanted not in ("active", "inactive", "blocked", "closed") or not (place or "1").isdecimal():
        raise DemoError(f"--card {card!r}: write active:1, inactive:1 or blocked:1")
    if kind.of_points:
        member = choose_member(terminal.demo, CardWish(state=wanted, loyalty=True), int(place or 1), other_than)
        return member.pan, member.pin
    spends = kind.name in ("redeem", "advice-redeem") and not card
    wish = CardWish(state=wanted, min_balance=amount or 0 if spends else 0)
    chosen = choose_card(terminal.demo, wish, terminal.who, int(place or 1))
    return chosen.pan, chosen.pin


def _recoverable(exchange: Exchange) -> bool:
    return exchange.request.mti[:3] in ("020", "022")


def _after(exchange: Exchange, recovery: list[Exchange]) -> str:
    if not exchange.sent:
        return f"Nothing was sent: {exchange.problem}."
    if not _recoverable(exchange):
        return f"{exchange.problem}; nothing moves by this message, try it again."
    advice = exchange.request.mti[:3] == "022"
    if recovery and recovery[-1].code == "00":
        done = "The advice was accepted" if advice else "The reversal was accepted: the transaction did not take place"
        return f"{exchange.problem}. {done}."
    if recovery and recovery[-1].answer:
        return (
            f"{exchange.problem}. The switch refused ({recovery[-1].code}): the outcome is open, ask the service desk."
        )
    again = "tillsim repeat" if advice else "tillsim reversal"
    return f"{exchange.problem}. The outcome is open; `{again}` tries again."
