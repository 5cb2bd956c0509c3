"""`tillsim`: its commands. Exit codes: 0 approved, 1 declined, 2 usage or configuration, 3 no answer."""

import sys
from pathlib import Path
from typing import Any

import click
import trio

from simulators.codecs import DIALECTS, Dialect
from simulators.decode import decode_pasted
from simulators.demo import DemoError, dialect_of, load_demo
from simulators.fleet_command import fleet_command
from simulators.heartbeat_cli import echo_command, online_command
from simulators.load_line import LoadOptions
from simulators.load_output import show_load
from simulators.money import parse_amount
from simulators.output import show_json, show_message, show_rows
from simulators.player import Player, go_on
from simulators.points_cli import ADVICES, points
from simulators.requests import GIFT_KINDS, KINDS, VOIDABLE_KINDS, Kind, Order, card_number, with_pin
from simulators.settle_command import settle_command
from simulators.state import Deed
from simulators.story import load_story, packaged_stories
from simulators.story_output import show_story, story_json, wait_for_enter
from simulators.terminal import ANSWER_SECONDS, Terminal
from simulators.till import LISTENERS, Till, add_options, complaints, demo_option, host_option, pick_card, till_options
from simulators.visa2_describe import describe_pasted
from simulators.wire import Message

card_option = click.option("--card", help="card number, or active:N / inactive:N of demo.json [first that fits]")
amount_option = click.option("--amount", help="as people write it: 100 or 99.90, in the terminal's currency")
rrn_option = click.option("--rrn", help="DE37 of the original")
receipt_option = click.option("--receipt", help="DE62 of the original")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A payment terminal for Tillswitch, made to be typed at."""


@main.group()
def gift() -> None:
    """Gift card transactions."""


@main.group()
def advice() -> None:
    """Tell the switch what was already done at the till (0220)."""


def _card_command(kind: Kind, name: str) -> click.Command:
    def command(
        till: Till, card: str | None, pin: str | None, no_pin: bool, amount: str | None = None, **rest: Any
    ) -> int:
        terminal = till.open()
        minor = _amount(terminal, amount)
        if kind.amount == "needed" and minor is None:
            raise DemoError(f"{name} needs --amount")
        pan, known_pin = pick_card(terminal, kind, card, minor)
        order = Order(kind, pan, minor, None if no_pin else pin or known_pin, **rest)
        return till.run(terminal, lambda: terminal.perform(order))

    options = [card_option, *([amount_option] if kind.amount != "none" else []), *_CARD_OPTIONS]
    return click.command(name, help=f"{kind.title} ({kind.mti}, {kind.code}).")(
        add_options(till_options(command), options)
    )


_CARD_OPTIONS = [
    click.option("--pin", help="static PIN [the demo card's own]"),
    click.option("--no-pin", is_flag=True, help="send none, even if the demo card has one"),
    rrn_option,
    click.option("--receipt", help="six digits; all messages of one sale carry the same [the next]"),
    click.option("--partial/--no-partial", default=False, help="take what is there if it is less [no-partial]"),
    click.option("--swipe", is_flag=True, help="send the card as track 2"),
]
for _name in GIFT_KINDS:
    gift.add_command(_card_command(KINDS[_name], _name))
advice.add_command(_card_command(KINDS["advice-redeem"], "redeem"))
main.add_command(points)
for _advice in ADVICES:
    advice.add_command(_advice)


def _line_command(kind: Kind) -> click.Command:
    def command(till: Till) -> int:
        terminal = till.open()
        return till.run(terminal, lambda: terminal.perform(Order(kind)))

    return click.command(kind.name, help=f"{kind.title} ({kind.mti}, {kind.code}).")(till_options(command))


for _name in ("logon", "parameters"):
    main.add_command(_line_command(KINDS[_name]))
main.add_command(echo_command)
main.add_command(online_command)


def _void_command(is_advice: bool) -> click.Command:
    def command(till: Till, **which: str | None) -> int:
        terminal = till.open(like_last=True)
        deed = _original(terminal, VOIDABLE_KINDS, **which)
        return till.run(terminal, lambda: terminal.void(deed, advice=is_advice))

    words = "Tell that a transaction was voided at the till" if is_advice else "Void an approved transaction"
    return click.command("void", help=f"{words} [the last one].")(
        add_options(till_options(command), [rrn_option, receipt_option, *_UNKNOWN_ORIGINAL])
    )


_UNKNOWN_ORIGINAL = [
    click.option(
        "--of", "kind", type=click.Choice(VOIDABLE_KINDS), help="what it was, if this tillsim did not send it"
    ),
    card_option,
    amount_option,
]
main.add_command(_void_command(False))
advice.add_command(_void_command(True))


@main.command()
@till_options
@rrn_option
@receipt_option
@click.option("--stan", help="DE11 of the original")
def reversal(till: Till, **which: str | None) -> int:
    """Reverse a transaction (0400) [the last one]."""
    terminal = till.open(like_last=True)
    deed = _original(terminal, None, **which)
    return till.run(terminal, lambda: terminal.reverse(deed))


@main.command()
@till_options
def repeat(till: Till) -> int:
    """Send the last transaction once more (0201 or 0221, the same content)."""
    terminal = till.open(like_last=True)
    deed = _original(terminal, None)
    request = with_pin(deed.request, terminal.dialect, terminal.demo.known_pin(card_number(deed.request)))
    return till.run(terminal, lambda: terminal.repeat(deed, request))


main.add_command(settle_command)
main.add_command(fleet_command)


@main.command()
def stories() -> None:
    """List the packaged stories."""
    packaged = packaged_stories()
    width = max(map(len, packaged)) + 2
    for name, one in packaged.items():
        click.echo(f"{name:{width}}{one.title}")


@main.command()
@till_options
@click.argument("name")
def story(till: Till, name: str) -> int:
    """Play a conversation: a packaged story by NAME, or a file; `all` plays every packaged one."""
    chosen = packaged_stories() if name == "all" else {name: load_story(name)}
    listener = till.listener or (till.demo.terminal(till.terminal_id).listener if till.terminal_id else None)
    if listener and name == "all":
        chosen = {one: story for one, story in chosen.items() if dialect_of(listener) in story.dialects}
    somebody_is_there = sys.stdin.isatty() and name != "all" and not till.json
    results = []
    for one_name, one in chosen.items():
        if listener and dialect_of(listener) not in one.dialects:
            raise DemoError(f"the story {one_name} is for {', '.join(one.dialects)}")
        player = Player(
            till.demo,
            one,
            listener or one.dialects[0],
            host=till.host,
            terminal_id=till.terminal_id,
            answer_seconds=till.timeout,
            pause=wait_for_enter if somebody_is_there else go_on,
            manner=till.given_manner,
        )
        results.append(trio.run(show_story, one_name, one, player, till.trace, till.json))
    if till.json:
        show_json([story_json(one) for one in results])
    return max(result.exit_code for result in results)


@main.command()
@demo_option
@host_option
@click.option("--listener", type=click.Choice(LISTENERS), default="nac", show_default=True)
@click.option("--connections", type=click.IntRange(1), default=8, show_default=True)
@click.option("--seconds", type=float, help="how long [10, unless --transactions]")
@click.option("--transactions", type=click.IntRange(1), help="how many answers")
@click.option("--rate", type=float, help="messages a second over all connections [as fast as answers come]")
@click.option(
    "--mix",
    type=click.Choice(["gift", "loyalty", "mixed"]),
    default="gift",
    show_default=True,
    help="gift cards, loyalty cards, or both",
)
@click.option("--seed", type=int, default=1, show_default=True, help="of the mix")
@click.option("--timeout", "answer_seconds", type=float, default=ANSWER_SECONDS, show_default=True)
@click.option(
    "--patience", "patience_seconds", type=float, default=60.0, show_default=True, help="for a line that is down"
)
@click.option("--json", "as_json", is_flag=True)
def load(demo: Path | None, as_json: bool, **options: Any) -> None:
    """Send a mix of transactions, check every answer, and verify every card at the end."""
    if options["seconds"] is None and options["transactions"] is None:
        options["seconds"] = 10.0
    with complaints():
        sys.exit(trio.run(show_load, load_demo(demo), LoadOptions(**options), as_json))


@main.command()
@click.argument("message")
@click.option("--dialect", type=click.Choice((*DIALECTS, "visa2")), default="nac", show_default=True)
def decode(message: str, dialect: Dialect) -> None:
    """Read a MESSAGE in hex, field by field; `-` reads it from standard input."""
    text = sys.stdin.read() if message == "-" else message
    if dialect == "visa2":
        _decode_visa2(text)
        return
    decoded = decode_pasted(text, dialect)
    for note in decoded.notes:
        click.echo(note)
    if decoded.message:
        show_message(decoded.message, dialect, f"{decoded.message.mti} in {dialect}")
    if decoded.problem:
        click.echo(f"tillsim: {decoded.problem}", err=True)
        sys.exit(2)


def _decode_visa2(text: str) -> None:
    for described in describe_pasted(text):
        if described.problem:
            click.echo(f"tillsim: {described.problem}", err=True)
            sys.exit(2)
        if described.rows:
            show_rows(described.rows, described.heading)
        else:
            click.echo(described.heading)


def _amount(terminal: Terminal, text: str | None) -> int | None:
    return None if text is None else parse_amount(text, terminal.who.currency)


def _original(
    terminal: Terminal,
    kinds: tuple[str, ...] | None,
    rrn: str | None = None,
    receipt: str | None = None,
    stan: str | None = None,
    kind: str | None = None,
    card: str | None = None,
    amount: str | None = None,
) -> Deed:
    """The deed meant: by its numbers, else the last; one that another terminal program sent is put together by hand."""
    wanted = {37: rrn, 62: receipt and receipt.zfill(6), 11: stan and stan.zfill(6)}
    for deed in reversed(terminal.state.read().terminal(terminal.who.key).deeds):
        numbers = {37: deed.rrn, 62: deed.request.get(62), 11: deed.request.get(11)}
        if kinds and (deed.kind not in kinds or deed.code not in ("00", "10", None)):
            continue
        if all(value in (None, numbers[element]) for element, value in wanted.items()):
            return deed
    if not (card and amount and (rrn or receipt)):
        raise DemoError(
            f"terminal {terminal.who.terminal_id} remembers no such transaction; "
            "a void of one it did not send needs --of, --card, --amount and --rrn or --receipt"
        )
    original = KINDS[kind or "redeem"]
    pan, _ = pick_card(terminal, original, card, None)
    currency = original.currency_at(terminal.who)
    fields = {2: pan, 3: original.code, 4: f"{parse_amount(amount, currency):012d}", 49: currency}
    if receipt:
        fields[62] = receipt.zfill(6)
    return Deed(original.name, Message(original.mti, fields), rrn=rrn)
