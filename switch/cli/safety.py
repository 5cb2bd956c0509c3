"""audit and backup: whether the books are right, and a copy of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console

from switch.audit import Audit, BrokenFact
from switch.audit import audit as prove
from switch.cli.common import config_option, fail, json_option, open_vault, reading, refuse
from switch.cli.output import show_json
from switch.config import Config
from switch.store.port import Reader, StoreError


@click.command()
@click.option("--noted", multiple=True, metavar="SEAL", help="A newest seal that was noted earlier: it must be there.")
@config_option
@json_option
def audit(noted: tuple[str, ...], config: Config, as_json: bool) -> None:
    """Prove the books.

    Every sum, every entry, every seal. Exit code 1 and the first broken fact if they are not right.

    Books that were cut off, or replaced by an older copy, are consistent in themselves. To see that, keep a newest seal
    elsewhere (from `status`, the log, or this command) and give it with --noted.
    """
    with reading(config) as reader:
        prove_and_tell(reader, noted, config, as_json)


def prove_and_tell(reader: Reader, noted: Sequence[str], config: Config, as_json: bool) -> None:
    """Prove what `reader` reads with the keys of `config`, and say what came of it."""
    vault = open_vault(config)
    done = Audit()
    with Console(stderr=True).status("") as progress:
        try:
            for done in prove(reader, vault.seal_key, [seal.lower() for seal in noted]):
                progress.update(f"{done.rows} rows, {done.accounts} accounts")
        except BrokenFact as fact:
            refuse(f"the books are broken: {fact}")
    if as_json:
        show_json(msgspec.to_builtins(done))
        return
    click.echo(
        f"the books are right: {done.rows} rows, {done.entries} entries, {done.accounts} accounts, "
        f"{done.batches} batches, {done.seals} seals"
    )
    for daemon, mac in done.newest.items():
        click.echo(f"newest seal of {daemon}: {mac}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
def backup(file: Path, config: Config) -> None:
    """Copy the books to FILE.

    Also while the daemon works. FILE must not exist yet.

    The keys are not in it: keep the vault and the master key too, and elsewhere. `verify-backup` proves it, `restore`
    puts it in the place of the books.
    """
    with reading(config) as reader:
        try:
            reader.backup(str(file))
        except StoreError as error:
            fail(str(error))
    click.echo(f"{file}: {file.stat().st_size} bytes")
