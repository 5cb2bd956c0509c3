"""How commands show what they found: tables and lines for people, one JSON object a line for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from specs.money import CURRENCIES, format_minor
from switch.core.clock import SECOND

Record = Mapping[str, Any]
WIDE = 10_000  # a row is a line, however long: terminals wrap it, and grep finds it whole


def show_list(records: Sequence[Record], as_json: bool, nothing: str, cells: Callable[[Record], Record]) -> None:
    """A listing.

    Args:
        nothing: What to say to people if there is nothing.
        cells: A record as its row in the table: name of the column to what stands there.
    """
    if as_json:
        for record in records:
            show_json(record)
    elif records:
        show_table([cells(record) for record in records])
    else:
        click.echo(nothing, err=True)


def show_json(record: Record) -> None:
    click.echo(json.dumps(record, ensure_ascii=False))


def show_table(rows: Sequence[Record]) -> None:
    """Columns that are as wide as their widest cell; numbers stand to the right, and no cell is read as markup."""
    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        right = any(isinstance(row[name], int | Amount) and not isinstance(row[name], bool) for row in rows)
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row.values()))
    console = Console(width=WIDE)
    with console.capture() as capture:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def show_record(record: Record) -> None:
    """One thing: a line for each of its fields."""
    width = max(map(len, record))
    for name, value in record.items():
        click.echo(f"{name:<{width}}  {cell(value)}")


def cell(value: Any) -> str:
    match value:
        case None | "" | [] | ():
            return "-"
        case True | False:
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


class Amount(str):
    """An amount as people read it; stands to the right in tables."""

    __slots__ = ()


def money(amount: int | None, currency: str) -> Amount | None:
    """`12.34 TRY`"""
    return None if amount is None else Amount(format_minor(amount, currency))


def with_money(record: Record, *names: str) -> Record:
    """`record` for people: these amounts with their currency, which then needs no field of its own."""
    amounts = {name: money(record[name], record["currency"] or "") for name in names}
    return {name: amounts.get(name, value) for name, value in record.items() if name != "currency"}


def letters(currency: str) -> str:
    """`TRY` for 949."""
    return CURRENCIES[currency][0] if currency in CURRENCIES else currency


def moment(now: int | None, utc: bool = False) -> str | None:
    """A time of the books in ISO 8601, with its offset: that of the shell, or UTC."""
    if now is None:
        return None
    return datetime.fromtimestamp(now // SECOND, UTC).astimezone(UTC if utc else None).isoformat(" ")
