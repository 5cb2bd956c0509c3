"""settlement: what merchants are owed for their days, and the same as files."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from specs.money import POINTS_UNIT
from switch.cli.arguments import MERCHANT_ID
from switch.cli.common import config_option, fail, json_option, reading, refuse
from switch.cli.merchants import find_merchant
from switch.cli.output import Record, moment, money, show_json, show_list, show_table
from switch.config import Config
from switch.core.merchants import BLOCK_NAMES, Settlement
from switch.exports import FORMATS, NoWorkbooks, sections
from switch.statements import Statement, statement
from switch.store.port import Reader

#: Of a batch: what stands in its export only, so that a line stays a line.
_HIDDEN = {f"{block}_{what}" for block in BLOCK_NAMES for what in ("count", "amount")}


@click.group()
def settlement() -> None:
    """Settlements: cut when a merchant's day has ended."""


@settlement.command("list")
@click.option("--merchant", "merchant_id", type=MERCHANT_ID, help="Only of this merchant.")
@click.option("--utc", is_flag=True, help="Times in UTC instead of the shell's zone.")
@config_option
@json_option
def list_(merchant_id: str | None, utc: bool, config: Config, as_json: bool) -> None:
    """List settlements, newest first."""
    with reading(config) as reader:
        names = {merchant.id: merchant.merchant_id for merchant in reader.merchants()}
        merchant = find_merchant(reader, merchant_id).id if merchant_id else None
        records = [_described(one, names[one.merchant], utc) for one in reader.settlements(merchant)]
    show_list(records, as_json, "no settlements yet", lambda record: record)


@settlement.command()
@click.argument("merchant_id", type=MERCHANT_ID)
@click.argument("number", type=click.IntRange(1), required=False)
@click.option("--utc", is_flag=True, help="Times in UTC instead of the shell's zone.")
@config_option
@json_option
def show(merchant_id: str, number: int | None, utc: bool, config: Config, as_json: bool) -> None:
    """Show a settlement: what was done, what is owed, what was not plain. Without NUMBER the newest."""
    with reading(config) as reader:
        found = _find(reader, merchant_id, number)
        terminals = _terminals(reader)
    if as_json:
        show_json({**_described(found.settlement, merchant_id, utc), **msgspec.to_builtins(_tables(found, terminals))})
        return
    one = found.settlement
    click.echo(f"Settlement {one.number} of {merchant_id}, day {one.day}, cut {moment(one.until, utc)}")
    if found.lines:
        click.echo()
        show_table(
            [
                {
                    "application": line.application,
                    "product": line.product,
                    "kind": line.kind,
                    "message": line.message,
                    "count": line.count,
                    "amount": money(line.amount, line.currency),
                    "owed": money(line.owed, line.currency),
                    "uncovered": money(line.uncovered, line.currency) if line.uncovered else None,
                }
                for line in found.lines
            ]
        )
    owed: dict[str, int] = {}
    for line in found.lines:
        if line.currency != POINTS_UNIT:  # transfers are counted in points, and nobody owes any
            owed[line.currency] = owed.get(line.currency, 0) + line.owed
    click.echo()
    for currency, amount in sorted(owed.items()):
        click.echo(f"{merchant_id} {'is owed' if amount >= 0 else 'owes'} {money(abs(amount), currency)}")
    for name in ("batch", "exception"):
        if rows := _tables(found, terminals)[name]:
            click.echo()
            show_table([{key: value for key, value in row.items() if key not in _HIDDEN} for row in rows])


@settlement.command()
@click.argument("merchant_id", type=MERCHANT_ID)
@click.argument("number", type=click.IntRange(1), required=False)
@click.option(
    "--format", "format_", type=click.Choice(sorted(FORMATS)), default="csv", show_default=True, help="What to write."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    required=True,
    help="The file to write; `-` is standard output.",
)
@config_option
def export(merchant_id: str, number: int | None, format_: str, output: Path, config: Config) -> None:
    """Write a settlement to a file: the same bytes each time. Without NUMBER the newest."""
    with reading(config) as reader:
        found = _find(reader, merchant_id, number)
        terminals = _terminals(reader)
    try:
        data = FORMATS[format_](_tables(found, terminals), found.settlement.until)
    except NoWorkbooks as error:
        fail(str(error))
    if str(output) == "-":
        click.echo(data, nl=False)
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        fail(f"{output}: {error.strerror}")
    click.echo(f"{output}: settlement {found.settlement.number} of {merchant_id}")


def _find(reader: Reader, merchant_id: str, number: int | None) -> Statement:
    merchant = find_merchant(reader, merchant_id)
    found = next((one for one in reader.settlements(merchant.id) if number in (None, one.number)), None)
    if found is None:
        refuse(f"{merchant_id} has no settlement{f' {number}' if number else ''} yet")
    return statement(reader, merchant, found)


def _terminals(reader: Reader) -> dict[int, str]:
    return {terminal.id: terminal.terminal_id for terminal in reader.terminals()}


def _tables(found: Statement, terminals: dict[int, str]) -> dict[str, list[Record]]:
    return {name: [dict(row) for row in rows] for name, rows in sections(found, terminals).items()}


def _described(one: Settlement, merchant_id: str, utc: bool) -> Record:
    return {
        "merchant_id": merchant_id,
        "number": one.number,
        "day": one.day,
        "since": moment(one.since, utc) if one.since else None,
        "until": moment(one.until, utc),
    }
