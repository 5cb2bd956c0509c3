"""batch: what terminals have open, how it was closed, and settling an open one by hand."""

from __future__ import annotations

import click

from switch.cli.common import config_option, json_option, reading, refuse, submit
from switch.cli.output import Record, moment, money, show_json, show_list, show_record, show_table
from switch.cli.terminals import find_terminal
from switch.config import Config
from switch.core.day_commands import SettlePart
from switch.core.merchants import BLOCK_NAMES, Batch, Closer, Terminal
from switch.store.port import OpenBatch, Reader

PAGE = 500


@click.group()
def batch() -> None:
    """Batches of terminals: open, closed, what they add up to."""


@batch.command("list")
@click.option("--terminal", metavar="MERCHANT/TERMINAL", help="All of this terminal, newest first; else all open ones.")
@click.option("--utc", is_flag=True, help="Times in UTC instead of the shell's zone.")
@config_option
@json_option
def list_(terminal: str | None, utc: bool, config: Config, as_json: bool) -> None:
    """List batches: those that are open, or all of one terminal."""
    with reading(config) as reader:
        if terminal:
            found = find_terminal(reader, terminal)
            records = [_described(one, found.merchant_id, found.terminal_id, utc) for one in reader.batches(found.id)]
        else:
            records = [_described_open(one, utc) for one in _open(reader)]
    show_list(records, as_json, "no batch is open" if terminal is None else "it has no batches", _cells)


@batch.command()
@click.argument("terminal", metavar="MERCHANT/TERMINAL")
@click.argument("number", type=click.IntRange(1, 999_999))
@click.option("--application", default="main", show_default=True, help="Whose batches (NIIs are mapped to these).")
@click.option("--utc", is_flag=True, help="Times in UTC instead of the shell's zone.")
@config_option
@json_option
def show(terminal: str, number: int, application: str, utc: bool, config: Config, as_json: bool) -> None:
    """Show the newest batch of a number: all its parts, and what is in it."""
    with reading(config) as reader:
        found = find_terminal(reader, terminal)
        parts = _parts(reader, found, application, number)
        rows = reader.batch_rows(sorted(part.id for part in parts))
    described = [_described(part, found.merchant_id, found.terminal_id, utc) for part in parts]
    record = {**described[0], "opened": described[-1]["opened"]}
    transactions = [
        {
            "time": moment(row.decided_at, utc),
            "kind": row.kind.value,
            "message": row.message_class.value,
            "stan": row.stan,
            "rrn": row.rrn,
            "currency": row.currency,
            "asked": row.asked,
            "amount": row.amount,
            "outcome": row.outcome.value,
            "reason": row.reason or None,
        }
        for row in rows
    ]
    if as_json:
        show_json({**record, "parts": described, "transactions": transactions})
        return
    show_record(_cells(record))
    if len(parts) > 1:
        click.echo()
        show_table([_part_cells(part) for part in described])
    if transactions:
        click.echo()
        show_table([_transaction_cells(one) for one in transactions])


@batch.command()
@click.argument("terminal", metavar="MERCHANT/TERMINAL")
@click.option("--application", default="main", show_default=True, help="Whose batches (NIIs are mapped to these).")
@config_option
def close(terminal: str, application: str, config: Config) -> None:
    """Settle what a terminal has open, as the end of its day would.

    The terminal's own batch goes on with its number; when it settles, all parts count together.
    """
    with reading(config) as reader:
        found = find_terminal(reader, terminal)
        open_ = [one for one in reader.batches(found.id) if one.closed_at is None and one.application == application]
    if not open_:
        refuse(f"{terminal} has no open batch of {application}")
    submit(config, SettlePart(found.merchant_id, found.terminal_id, application, open_[0].id))
    click.echo(f"{terminal}: what was in batch {open_[0].number:06d} is settled")


def _open(reader: Reader) -> list[OpenBatch]:
    found: list[OpenBatch] = []
    while page := reader.open_batches(found[-1].batch.id if found else 0, PAGE):
        found += page
    return found


def _parts(reader: Reader, terminal: Terminal, application: str, number: int) -> list[Batch]:
    """The newest part first."""
    batches = [one for one in reader.batches(terminal.id) if one.application == application]
    newest = next((one for one in batches if one.number == number), None)
    if newest is None:
        refuse(f"{terminal.merchant_id}/{terminal.terminal_id} has no batch {number:06d} of {application}")
    return [one for one in batches if one.whole == newest.whole]


def _state(batch: Batch) -> str:
    if batch.closed_at is None:
        return "open" if batch.claimed is None else "awaits upload"
    return "closed" if batch.closed_by is Closer.TERMINAL else "closed by host"


def _described(batch: Batch, merchant_id: str, terminal_id: str, utc: bool) -> Record:
    return {
        "merchant_id": merchant_id,
        "terminal_id": terminal_id,
        "application": batch.application,
        "number": batch.number,
        "named": batch.named,
        "state": _state(batch),
        "opened": moment(batch.opened_at, utc),
        "closed": moment(batch.closed_at, utc),
        "reason": batch.reason or None,
        "currency": batch.currency,
        "totals": [[total.count, total.amount] for total in batch.booked],
        "claimed": None if batch.claimed is None else [[total.count, total.amount] for total in batch.claimed],
    }


def _described_open(one: OpenBatch, utc: bool) -> Record:
    return {**_described(one.batch, one.merchant_id, one.terminal_id, utc), "opened": moment(one.opened_at, utc)}


def _part_cells(record: Record) -> Record:
    """A part: when it was settled, and what the batch had come to by then."""
    names = ("opened", "closed", "reason", *BLOCK_NAMES)
    return {name: cell for name, cell in _cells(record).items() if name in names}


def _transaction_cells(record: Record) -> Record:
    """A settlement moves no amount; neither does a reversal that found nothing."""
    amounts = {name: money(record[name], record["currency"]) if record[name] else None for name in ("asked", "amount")}
    return {name: amounts.get(name, value) for name, value in record.items() if name != "currency"}


def _cells(record: Record) -> Record:
    blocks = {
        name: f"{count} / {money(amount, record['currency'])}" if count or amount else None
        for name, (count, amount) in zip(BLOCK_NAMES, record["totals"], strict=True)
    }
    return {
        "terminal": f"{record['merchant_id']}/{record['terminal_id']}",
        "application": record["application"],
        "batch": f"{record['number']:06d}",
        "state": record["state"],
        "opened": record["opened"],
        "closed": record["closed"],
        "reason": record["reason"],
        **blocks,
    }
