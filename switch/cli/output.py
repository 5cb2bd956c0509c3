"""How commands show what they found: tables and lines for people, one JSON object a line for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.cells import cell_len

from specs.money import CURRENCIES, format_minor
from switch.core.clock import SECOND

Record = Mapping[str, Any]


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
    """Columns that are as wide as their widest cell; numbers stand to the right. (Rich needs a millisecond a row.)"""
    columns = [_column(name, [row[name] for row in rows]) for name in rows[0]]
    for line in zip(*columns, strict=True):
        click.echo("  ".join(line).rstrip())


def _column(name: str, values: Sequence[Any]) -> list[str]:
    right = any(isinstance(value, int | Amount) and not isinstance(value, bool) for value in values)
    cells = [name, *(cell(value) for value in values)]
    width = max(map(cell_len, cells))
    return [" " * (width - cell_len(one)) + one if right else one + " " * (width - cell_len(one)) for one in cells]


def show_record(record: Record) -> None:
    """One thing: a line for each of its fields."""
    width = max(map(len, record))
    for name, value in record.items():
        click.echo(f"{name:<{width}}  {cell(value)}")


def cell(value: Any) -> str:
    """Nothing that came from outside moves the cursor."""
    text = _words(value)
    return (
        text
        if text.isprintable()
        else "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    )


def _words(value: Any) -> str:
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
