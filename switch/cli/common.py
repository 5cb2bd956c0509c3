"""What the commands share: the configuration, its errors, and the way to the books whether the daemon runs or not."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

from specs.transaction import Reply
from switch.books import Books, encode_commands
from switch.config import Config, load_config
from switch.core.commands import Command
from switch.settings import ConfigError
from switch.store.open import open_reader, open_store
from switch.store.port import StoreError
from switch.store.sql import SQLStore
from switch.vault import Vault, VaultError

EXIT_REFUSED = 1  # the books say no
EXIT_USAGE = 2  # configuration, arguments or surroundings are wrong
SLICE = 100  # commands in one group, so that terminals are hardly kept waiting by bulk work

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """`--config FILE`, given to the command as a Config."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("tillswitch.toml"),
        show_default=True,
        callback=lambda context, parameter, file: read_config(file),
        help="The daemon's configuration.",
    )(command)


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")(command)


def read_config(file: Path) -> Config:
    try:
        return load_config(file)
    except ConfigError as error:
        fail(str(error))


def fail(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """End with one message for people."""
    click.echo(f"tillswitch: {message}", err=True)
    sys.exit(code)


def open_vault(config: Config) -> Vault:
    try:
        return Vault.open(config.vault.master_key, config.vault.keys)
    except VaultError as error:
        fail(str(error))


@contextmanager
def reading(config: Config) -> Iterator[SQLStore]:
    """The books as of now, beside a running daemon or without one."""
    try:
        with closing(open_reader(config.store)) as reader:
            yield reader
    except StoreError as error:
        fail(str(error))


def submit(config: Config, commands: Sequence[Command]) -> list[Reply]:
    """Have commands decided: by the running daemon, else in the books themselves, in slices."""
    if control(config, "GET", "/status") is not None:
        replies: list[Reply] = []
        for start in range(0, len(commands), SLICE):
            answer = control(config, "POST", "/commands", encode_commands(commands[start : start + SLICE]))
            if answer is None:
                fail("the daemon went away; look into the journal before trying again")
            replies += msgspec.json.decode(answer, type=list[Reply])
        return replies
    vault = open_vault(config)
    try:
        with closing(open_store(config.store)) as store:
            books = Books(store, vault.seal_key, config.node)
            return [
                reply
                for start in range(0, len(commands), SLICE)
                for reply in books.run_group(commands[start : start + SLICE], time.time_ns() // 1000)
            ]
    except StoreError as error:
        fail(str(error))


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def control(config: Config, method: str, page: str, body: bytes | None = None) -> bytes | None:
    """The running daemon's answer; None if no daemon runs."""
    try:
        with closing(_UnixConnection(config.control_socket)) as connection:
            connection.request(method, page, body)
            answer = connection.getresponse()
            data = answer.read()
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except (OSError, http.client.HTTPException) as error:
        fail(f"{config.control_socket}: {error}")
    if answer.status != 200:
        fail(f"the daemon refused {page}: {data.decode('utf-8', 'replace')}")
    return data


def show(rows: Sequence[dict[str, Any]], as_json: bool, title: str) -> None:
    """A listing: a table for people, or a JSON object a line."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    if not rows:
        click.echo(f"no {title}")
        return
    table = Table(title=None, box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="right" if isinstance(rows[0][name], int) else "left")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console(soft_wrap=True).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
