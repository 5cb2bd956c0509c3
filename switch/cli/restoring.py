"""verify-backup and restore: whether a copy of the books is right, and how it takes their place."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import closing
from pathlib import Path

import click

from switch.cli.common import EXIT_USAGE, config_option, control, fail, json_option, refuse
from switch.cli.safety import prove_and_tell
from switch.config import Config
from switch.store.open import open_reader
from switch.store.port import StoreError
from switch.store.sqlite import hold_lock, sync_folder

_BACKUP = click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))


@click.command("verify-backup")
@_BACKUP
@click.option("--noted", multiple=True, metavar="SEAL", help="A newest seal that was noted with it: it must be there.")
@config_option
@json_option
def verify_backup(file: Path, noted: tuple[str, ...], config: Config, as_json: bool) -> None:
    """Prove a backup of the books, as `audit` proves the books.

    With the keys of this configuration. Nothing is changed. Exit code 1 and the first broken fact if it is not right.
    """
    _prove(file, noted, config, as_json)


@click.command()
@_BACKUP
@click.option("--noted", multiple=True, metavar="SEAL", help="A newest seal that was noted with it: it must be there.")
@click.option("--unproved", is_flag=True, help="Without the proof: a backup that an older version has made.")
@config_option
def restore(file: Path, noted: tuple[str, ...], unproved: bool, config: Config) -> None:
    """Put a backup in the place of the books.

    The daemon must be stopped. The backup is proved first; the books that were there are moved aside, not deleted.
    """
    books = _books_of(config)
    if control(config, "GET", "/status") is not None:
        refuse("the daemon runs: stop it first")
    if not unproved:
        _prove(file, noted, config, as_json=False)
    try:
        with closing(hold_lock(str(books))):
            aside = _move_aside(books)
            _put(file, books)
    except StoreError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}", EXIT_USAGE)
    if aside:
        click.echo(f"the books that were there: {aside}")
    click.echo(f"restored {books} from {file}; what was decided after it is not in it (deploy/OPERATIONS.md)")


def _prove(file: Path, noted: tuple[str, ...], config: Config, as_json: bool) -> None:
    try:
        with closing(open_reader(f"sqlite:///{file.absolute()}")) as reader:
            prove_and_tell(reader, noted, config, as_json)
    except StoreError as error:
        fail(str(error))


def _books_of(config: Config) -> Path:
    if not config.store.startswith("sqlite:///"):
        fail("these books are not in SQLite: restore them with the database's own tools")
    return Path(config.store.removeprefix("sqlite:///"))


def _move_aside(books: Path) -> Path | None:
    """The books and what lies beside them go together: an old -wal beside other books would spoil them."""
    there = [file for file in (books.with_name(books.name + end) for end in ("", "-wal", "-shm")) if file.exists()]
    if not there:
        return None
    aside = books.with_name(f"{books.name}.replaced-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    aside.mkdir(mode=0o700)
    for file in reversed(there):
        file.rename(aside / file.name)
    return aside


def _put(file: Path, books: Path) -> None:
    """Whole or not at all, also if the power goes."""
    part = books.with_name(f"{books.name}.part")
    with open(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as target, file.open("rb") as source:
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())
    part.rename(books)
    sync_folder(str(books.parent))
