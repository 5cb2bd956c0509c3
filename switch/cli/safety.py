"""audit and backup: whether the books are right, and a copy of them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from switch.audit import Audit, BrokenFact
from switch.audit import audit as prove
from switch.cli.common import EXIT_REFUSED, config_option, fail, json_option, open_vault, reading
from switch.config import Config
from switch.store.port import StoreError


@click.command()
@config_option
@json_option
def audit(config: Config, as_json: bool) -> None:
    """Prove the books: every sum, every entry, every seal. Exit code 1 and the first broken fact if they are not."""
    vault = open_vault(config)
    done = Audit()
    with reading(config) as reader:
        try:
            for done in prove(reader, vault.seal_key):  # noqa: B007 - the last is what counts
                pass
        except BrokenFact as fact:
            fail(f"the books are broken: {fact}", EXIT_REFUSED)
    if as_json:
        facts = {"rows": done.rows, "entries": done.entries, "accounts": done.accounts, "seals": done.seals}
        click.echo(json.dumps(facts | {"newest": done.newest}))
        return
    click.echo(
        f"the books are right: {done.rows} rows, {done.entries} entries, {done.accounts} accounts, {done.seals} seals"
    )
    for daemon, mac in done.newest.items():
        click.echo(f"newest seal of {daemon}: {mac}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
def backup(file: Path, config: Config) -> None:
    """Copy the books to FILE while they are in use. Keys are not in it: keep the vault and master key apart."""
    with reading(config) as reader:
        try:
            reader.backup(str(file))
        except StoreError as error:
            fail(str(error))
    click.echo(f"{file}: {file.stat().st_size} bytes")
