"""How an exchange is shown: the slip, both messages field by field, or JSON. Everything here is masked."""

import sys
from datetime import datetime
from typing import Any

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from simulators.codecs import Dialect
from simulators.describe import Row, describe, mask_fields, mask_pan, mask_tables
from simulators.points_receipt import points_json
from simulators.receipt import meaning, receipt_lines, title
from simulators.requests import card_number
from simulators.tables import available
from simulators.terminal import Exchange, Terminal
from simulators.wire import Message, WireError

APPROVED, DECLINED, USAGE, NO_ANSWER = 0, 1, 2, 3


def exit_code(exchange: Exchange) -> int:
    if exchange.answer is None:
        return NO_ANSWER
    return APPROVED if exchange.approved else DECLINED


def show_exchange(terminal: Terminal, exchange: Exchange, *, trace: bool) -> None:
    if trace:
        show_message(exchange.request, terminal.dialect, f">> {title(exchange.deed.kind)}")
        if exchange.answer:
            heading = f"<< {exchange.code} {meaning(exchange.code)}, after {exchange.seconds * 1000:.1f} ms"
            show_message(exchange.answer, terminal.dialect, heading)
        if exchange.session:
            click.echo(f"  session: {exchange.session}\n")
    for line in receipt_lines(terminal.demo, terminal.who, terminal.dialect, exchange, datetime.now()):
        click.echo(line)


def show_message(message: Message, dialect: Dialect, heading: str) -> None:
    """One message as a table: element, standard name, value."""
    show_rows(describe(message, dialect), heading)


def show_rows(rows: list[Row], heading: str) -> None:
    table = Table(title=heading, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("field", no_wrap=True)
    table.add_column("name")
    table.add_column("value", overflow="fold")
    for row in rows:
        table.add_row(*row)
    # a pipe has no width: a wide table is better there than values cut into pieces
    width = None if sys.stdout.isatty() else 120
    Console(file=sys.stdout, width=width, markup=False, highlight=False).print(table)


def show_json(content: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2))


def as_json(terminal: Terminal, exchange: Exchange) -> dict[str, Any]:
    """What a script wants to know of an exchange; amounts in minor units."""
    request, answer = exchange.request, exchange.answer
    pan = card_number(request)
    content: dict[str, Any] = {
        "transaction": exchange.deed.kind,
        "result": ("approved", "declined", "usage", "no answer")[exit_code(exchange)],
        "code": exchange.code,
        "meaning": meaning(exchange.code),
        "merchant_id": terminal.who.merchant_id,
        "terminal_id": terminal.who.terminal_id,
        "stan": request.get(11),
        "receipt": request.get(62) or None,
        "card": mask_pan(pan) if pan else None,
        "currency": request.get(49) or terminal.who.currency,
        "seconds": round(exchange.seconds, 6),
        "session": exchange.session or None,
        "request": _message_json(request, terminal.dialect),
    }
    if answer is None:
        return content | {"problem": exchange.problem}
    return content | {
        "rrn": answer.get(37) or None,
        "approval": answer.get(38) or None,
        "amount_minor": int(answer.get(4)) if answer.get(4) else None,
        "balances": _balances_json(answer),
        **points_json(answer, terminal.dialect),
        "answer": _message_json(answer, terminal.dialect),
    }


def _balances_json(answer: Message) -> list[dict[str, Any]]:
    try:
        return [{"currency": one.currency, "amount_minor": one.amount} for one in available(answer)]
    except WireError:
        return []


def _message_json(message: Message, dialect: Dialect) -> dict[str, Any]:
    fields = {str(number): value for number, value in mask_fields(message, dialect).items()}
    return {"mti": message.mti, "fields": fields, "tables": mask_tables(message, dialect)}
