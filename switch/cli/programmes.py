"""programme: check the owner's file, put it in force, show what is in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import msgspec

from switch.cli.common import config_option, fail, reading, refuse, submit
from switch.config import Config
from switch.core.commands import ApplyProgramme
from switch.core.programme import Programme, ProgrammeError, parse_programme
from switch.store.port import Reader

_file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group()
def programme() -> None:
    """The programme: products, points schemes, rates, policies."""


@programme.command()
@_file_argument
def check(file: Path) -> None:
    """Check a programme file.

    Needs neither books nor daemon.
    """
    _, parsed = read_programme(file, 0)
    counts = f"{len(parsed.products)} gift products, {len(parsed.schemes)} points schemes, {len(parsed.rates)} rates"
    click.echo(f"{file}: ok, {counts}")


@programme.command()
@_file_argument
@config_option
def apply(file: Path, config: Config) -> None:
    """Put a programme in force.

    At once, for every terminal, as a whole or not at all. Tells what changes.
    """
    with reading(config) as reader:
        newest = reader.programme()
        version = newest.version if newest else 0
        text, new = read_programme(file, version + 1)
        if newest and newest.text == text:
            click.echo(f"{file} is in force already, as version {version}")
            return
        old = parse_programme(newest.text if newest else "", version)
        dropped = (old.products.keys() | old.loyalty.keys()) - new.products.keys() - new.loyalty.keys()
        gone = {name: reader.count_cards(name) for name in sorted(dropped)}
    submit(config, ApplyProgramme(text))
    click.echo("\n".join([f"{file} is in force, as version {version + 1}", *differences(old, new)]))
    for name, count in gone.items():
        if count:
            click.echo(f"warning: {count} cards of {name} are refused while the programme is without it", err=True)


@programme.command()
@click.option("--version", type=click.IntRange(1), help="An earlier version.")
@config_option
def show(version: int | None, config: Config) -> None:
    """Print the programme as applied."""
    with reading(config) as reader:
        found = reader.programme() if version is None else reader.programme_at(version)
    if found is None:
        refuse("no programme has been applied" if version is None else f"there is no version {version}")
    click.echo(found.text, nl=not found.text.endswith("\n"))


def programme_of(reader: Reader) -> Programme:
    """The one in force; an empty one if there is none yet."""
    newest = reader.programme()
    return parse_programme(newest.text, newest.version) if newest else parse_programme("", 0)


def read_programme(file: Path, version: int) -> tuple[str, Programme]:
    """The text of a programme file and what it says."""
    try:
        text = file.read_text("utf-8")
        return text, parse_programme(text, version)
    except (ProgrammeError, UnicodeDecodeError) as error:
        fail(f"{file}: {error}")
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror}")


def differences(old: Programme, new: Programme) -> list[str]:
    """What changes from `old` to `new`, a line for each product, scheme and rate, and one for the rest."""
    before, after = _facts(old), _facts(new)
    lines = [f"  + {name}" for name in after if name not in before]
    lines += [f"  - {name}" for name in before if name not in after]
    for name, fields in after.items():
        was = before.get(name, fields)
        changes = [
            f"{key} {json.dumps(was[key])} -> {json.dumps(fields[key])}" for key in fields if was[key] != fields[key]
        ]
        if changes:
            lines.append(f"  ~ {name}: {', '.join(changes)}")
    return lines


def _facts(programme: Programme) -> dict[str, dict[str, Any]]:
    policies = ("time_zone", "card_refusals", "guess_limit", "pin_lock_minutes")
    facts = {"policies": {key: msgspec.to_builtins(getattr(programme, key)) for key in policies}}
    facts |= {f"rate {code}": {"usd": float(rate)} for code, rate in programme.rates.items()}
    facts |= {f"product {name}": msgspec.to_builtins(product) for name, product in programme.products.items()}
    schemes = programme.schemes.items()
    return facts | {f"scheme {name}": msgspec.to_builtins(scheme, enc_hook=str) for name, scheme in schemes}
