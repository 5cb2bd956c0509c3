"""terminal: who may speak to the switch, where it stands, and what it may do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

import click
import msgspec

from switch.cli.arguments import (
    CLOCK,
    CURRENCY,
    MERCHANT_ID,
    NII,
    STORE,
    TERMINAL_ID,
    TIME_ZONE,
    VISA2_NUMBER,
    VISA2_SIX,
    bad_option,
)
from switch.cli.common import config_option, json_option, reading, refuse, submit
from switch.cli.merchants import find_merchant
from switch.cli.output import Record, letters, moment, show_json, show_list, show_record
from switch.cli.seen import sighting, sightings
from switch.config import Config
from switch.core.commands import PutTerminal
from switch.core.merchants import DEFAULT_RIGHTS, Right, Terminal
from switch.core.presence import State
from switch.store.port import Reader

F = TypeVar("F", bound=Callable[..., Any])

_RIGHT = click.Choice([right.value for right in Right])
_DEFAULT_RIGHTS = ", ".join(right.value for right in DEFAULT_RIGHTS)

#: What is said of a terminal; `add` needs some of it, `change` takes any.
_OPTIONS = [
    click.option("--listener", help="Where it is expected to connect: a listener's name in the configuration."),
    click.option("--nii", type=NII, help="The NII (DE24) it uses."),
    click.option("--also-currency", "currencies", type=CURRENCY, multiple=True, help="Another it may ask in."),
    click.option("--grant", type=_RIGHT, multiple=True, help=f"A right more. New terminals have: {_DEFAULT_RIGHTS}."),
    click.option("--revoke", type=_RIGHT, multiple=True, help="A right less."),
    click.option("--partial/--no-partial", default=None, help="It can take less than it asked for."),
    click.option("--texts/--no-texts", default=None, help="It shows and prints texts of answers."),
    click.option("--whole-only/--no-whole-only", default=None, help="It never gets less, even if it says it can."),
    click.option("--explicit-open/--no-explicit-open", default=None, help="Its batches open by a logon only."),
    click.option("--answers-echo/--no-answers-echo", default=None, help="It answers the switch's own echo (0800)."),
    click.option("--echo-seconds", type=click.IntRange(0, 86_400), help="How often it sends an echo. [300]"),
    click.option("--settle-at", type=CLOCK, help="When it is to close its day: hhmm, store time. [2330]"),
    click.option("--number", type=VISA2_NUMBER, help="VISA-2: MERCHANT/STORE/TERMINAL, 12, 4 and 4 digits."),
    click.option("--acquirer", type=VISA2_SIX, help="VISA-2: the acquirer's BIN, where it is to be compared."),
    click.option("--agent-bank", type=VISA2_SIX, help="VISA-2: likewise."),
    click.option("--agent-chain", type=VISA2_SIX, help="VISA-2: likewise."),
]


def _terminal_options(*, required: bool) -> Callable[[F], F]:
    """The options of `add` and `change`; without `required` all of them may be left out."""
    place = [
        click.option("--store", type=STORE, required=required, help="The store of the merchant it stands in."),
        click.option("--currency", type=CURRENCY, required=required, help="Its own: letters or digits, TRY or 949."),
        click.option("--time-zone", type=TIME_ZONE, required=required, help="Its own, such as Europe/Istanbul."),
    ]

    def add_options(command: F) -> F:
        for option in reversed([*place, *_OPTIONS]):
            command = option(command)
        return command

    return add_options


def _ids(command: F) -> F:
    """MERCHANT_ID TERMINAL_ID"""
    command = click.argument("terminal_id", type=TERMINAL_ID)(command)
    return click.argument("merchant_id", type=MERCHANT_ID)(command)


@click.group()
def terminal() -> None:
    """Terminals: where they are, what they may do."""


@terminal.command()
@_ids
@_terminal_options(required=True)
@config_option
def add(merchant_id: str, terminal_id: str, config: Config, **given: Any) -> None:
    """Add a terminal of a merchant."""
    with reading(config) as reader:
        if _find(reader, merchant_id, terminal_id):
            refuse(
                f"there is a terminal {terminal_id} of {merchant_id} already; to change it: tillswitch terminal change"
            )
        new = Terminal(0, 0, merchant_id, terminal_id, given["store"], given["currency"])
        new = _changed(new, given, reader, config)
    submit(config, PutTerminal(new))
    click.echo(f"{merchant_id}/{terminal_id}: added")


@terminal.command()
@_ids
@_terminal_options(required=False)
@config_option
def change(merchant_id: str, terminal_id: str, config: Config, **given: Any) -> None:
    """Change a terminal: only what is given."""
    if all(value in (None, ()) for value in given.values()):
        raise click.UsageError("nothing to change: give at least one option")
    with reading(config) as reader:
        changed = _changed(_known(reader, merchant_id, terminal_id), given, reader, config)
    submit(config, PutTerminal(changed))
    click.echo(f"{merchant_id}/{terminal_id}: changed")


@terminal.command()
@_ids
@config_option
def disable(merchant_id: str, terminal_id: str, config: Config) -> None:
    """Disable a terminal.

    Everything it sends is refused, as if it were not known; its batches stay.
    """
    _set_active(merchant_id, terminal_id, config, False)


@terminal.command()
@_ids
@config_option
def enable(merchant_id: str, terminal_id: str, config: Config) -> None:
    """Let a disabled terminal speak again."""
    _set_active(merchant_id, terminal_id, config, True)


@terminal.command("list")
@click.option("--merchant", "merchant_id", type=MERCHANT_ID, help="Only of this merchant.")
@click.option("--store", type=STORE, help="Only in this store.")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only those in this state.")
@config_option
@json_option
def list_(merchant_id: str | None, store: str | None, state: str | None, config: Config, as_json: bool) -> None:
    """List terminals, and when they were last seen."""
    seen = sightings(config)
    with reading(config) as reader:
        records = [
            _described(terminal) | seen.get((terminal.merchant_id, terminal.terminal_id), {})
            for terminal in reader.terminals()
            if merchant_id in (None, terminal.merchant_id) and store in (None, terminal.store)
        ]
    records = [record for record in records if state in (None, record.get("state"))]
    show_list(records, as_json, "no such terminals", _cells)


@terminal.command()
@_ids
@config_option
@json_option
def show(merchant_id: str, terminal_id: str, config: Config, as_json: bool) -> None:
    """Show a terminal, its open batches, when it was last seen and what it told."""
    seen = sighting(config, merchant_id, terminal_id)
    with reading(config) as reader:
        known = _known(reader, merchant_id, terminal_id)
        batches = [
            {"application": batch.application, "number": batch.number, "opened_at": moment(batch.opened_at)}
            for batch in reader.batches(known.id)
            if batch.closed_at is None
        ]
    record = _described(known) | {"open_batches": batches} | seen
    if as_json:
        show_json(record)
        return
    opened = [f"{batch['number']} ({batch['application']}) since {batch['opened_at']}" for batch in batches]
    others = [letters(currency) for currency in known.currencies]
    status = [f"{key}={value}" for key, value in seen.get("status", {}).items()]
    shown = {"currency": letters(known.currency), "also_currencies": others, "open_batches": opened, "status": status}
    show_record(record | shown | {name: _short(record.get(name)) for name in _TIMES if name in record})


_TIMES = ("last_seen", "status_at", "oldest_pending_reversal", "oldest_open_batch")


def _find(reader: Reader, merchant_id: str, terminal_id: str) -> Terminal | None:
    wanted = merchant_id, terminal_id
    return next((found for found in reader.terminals() if (found.merchant_id, found.terminal_id) == wanted), None)


def _known(reader: Reader, merchant_id: str, terminal_id: str) -> Terminal:
    found = _find(reader, merchant_id, terminal_id)
    if found is None:
        refuse(f"{merchant_id} has no terminal {terminal_id}")
    return found


def find_terminal(reader: Reader, both: str) -> Terminal:
    """The terminal of `MERCHANT/TERMINAL`."""
    merchant_id, slash, terminal_id = both.rpartition("/")
    if not slash:
        bad_option("--terminal", f"{both!r} must be MERCHANT/TERMINAL")
    return _known(reader, merchant_id, terminal_id)


def _set_active(merchant_id: str, terminal_id: str, config: Config, active: bool) -> None:
    with reading(config) as reader:
        known = _known(reader, merchant_id, terminal_id)
    submit(config, PutTerminal(msgspec.structs.replace(known, active=active)))
    click.echo(f"{merchant_id}/{terminal_id}: {'enabled' if active else 'disabled'}")


def _changed(terminal: Terminal, given: dict[str, Any], reader: Reader, config: Config) -> Terminal:
    """`terminal` with what was given, checked against the merchant and the configuration."""
    rights = set(terminal.rights) | _rights(given.pop("grant"))
    rights -= _rights(given.pop("revoke"))
    new = msgspec.structs.replace(terminal, rights=tuple(right for right in Right if right in rights))
    new = msgspec.structs.replace(new, **{key: value for key, value in given.items() if value not in (None, ())})
    stores = find_merchant(reader, new.merchant_id).stores
    if new.store not in stores:
        bad_option("--store", f"{new.merchant_id} has no store {new.store!r}; it has {', '.join(stores)}")
    listeners = [listener.name for listener in config.listeners]
    if given["listener"] and new.listener not in listeners:
        bad_option("--listener", f"{new.listener!r} is not one of {', '.join(listeners)}")
    return new


def _rights(values: Iterable[str]) -> set[Right]:
    return {Right(value) for value in values}


def _described(terminal: Terminal) -> dict[str, Any]:
    return {
        "merchant_id": terminal.merchant_id,
        "terminal_id": terminal.terminal_id,
        "active": terminal.active,
        "store": terminal.store,
        "currency": terminal.currency,
        "also_currencies": list(terminal.currencies),
        "time_zone": terminal.time_zone,
        "listener": terminal.listener,
        "nii": terminal.nii,
        "rights": [right.value for right in terminal.rights],
        "partial": terminal.partial,
        "texts": terminal.texts,
        "explicit_open": terminal.explicit_open,
        "echo_seconds": terminal.echo_seconds,
        "answers_echo": terminal.answers_echo,
        "settle_at": terminal.settle_at,
        "whole_only": terminal.whole_only,
        "number": terminal.number,
        "acquirer": terminal.acquirer,
        "agent_bank": terminal.agent_bank,
        "agent_chain": terminal.agent_chain,
    }


def _cells(record: Record) -> Record:
    """What fits into one line; the rest is in `show`."""
    shown = ("merchant_id", "terminal_id", "active", "store", "state", "last_seen", "currency", "listener", "nii")
    cells = {name: record.get(name) for name in shown}
    return cells | {"currency": letters(record["currency"]), "last_seen": _short(record.get("last_seen"))}


def _short(last_seen: str | None) -> str | None:
    """In the shell's own zone, to the second."""
    return last_seen and datetime.fromisoformat(last_seen).astimezone().isoformat(" ", "seconds")
