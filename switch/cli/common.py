"""What the commands share: the configuration, how they fail, and the way to the books whether the daemon runs or not.

Reading is done beside the daemon, in one snapshot. Changes go through the running daemon's control socket; if none
runs, they are decided here under the store's lock. Both give the same answers.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import msgspec

from specs.outcomes import ACCEPTED
from specs.transaction import Reply
from switch.books import Books, encode_commands
from switch.config import Config
from switch.config_file import load_config
from switch.core.commands import Command
from switch.settings import ConfigError
from switch.store.open import open_reader, open_store
from switch.store.port import StoreError
from switch.store.sql import SQLStore
from switch.vault import Vault, VaultError

EXIT_REFUSED = 1  # the books say no, or the daemon is not ready
EXIT_USAGE = 2  # configuration, arguments or surroundings are wrong
CONTROL_SECONDS = 60.0  # longer than any commit takes; beyond it the store is away

F = TypeVar("F", bound=Callable[..., Any])
Decide = Callable[[Sequence[Command]], list[Reply]]


class Failure(click.ClickException):
    """The end of a command, with one line for people."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # click reads it, and declares it for whole classes
        return self.code

    def show(self, file: Any = None) -> None:
        click.echo(f"tillswitch: {self.message}", err=True, file=file)


def fail(message: str, code: int = EXIT_USAGE) -> NoReturn:
    raise Failure(message, code)


def refuse(message: str) -> NoReturn:
    """Fail because of what is in the books, not of how the command was given."""
    fail(message, EXIT_REFUSED)


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


# -- changes ----------------------------------------------------------------------------------------------------------
def submit(config: Config, command: Command) -> Reply:
    """Have one command decided, and fail with the reason if it is refused."""
    with deciding(config) as decide:
        (reply,) = decide([command])
    if not accepted(reply):
        refuse(why(reply))
    return reply


def accepted(reply: Reply) -> bool:
    return reply.outcome in ACCEPTED


def why(reply: Reply) -> str:
    """The reason of a refusal, in words."""
    return reply.display or reply.outcome.value.replace("_", " ")


@contextmanager
def deciding(config: Config) -> Iterator[Decide]:
    """What decides commands, in order: the running daemon, else the books themselves."""
    if control(config, "GET", "/status") is not None:
        yield partial(_ask_daemon, config)
        return
    vault = open_vault(config)
    try:
        with closing(open_store(config.store)) as store:
            books = Books(store, vault.seal_key, config.node)
            yield lambda commands: books.run_group(commands, time.time_ns() // 1000)
    except StoreError as error:
        fail(str(error))


def _ask_daemon(config: Config, commands: Sequence[Command]) -> list[Reply]:
    answer = control(config, "POST", "/commands", encode_commands(commands))
    if answer is None:
        fail("the daemon has just ended; nothing was changed")
    return msgspec.json.decode(answer, type=list[Reply])


def control(config: Config, method: str, page: str, body: bytes | None = None) -> bytes | None:
    """The running daemon's answer; None if no daemon runs."""
    try:
        with closing(_UnixConnection(config.control_socket)) as connection:
            connection.request(method, page, body)
            answer = connection.getresponse()
            data = answer.read()
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except TimeoutError:
        fail(f"the daemon has not answered within {CONTROL_SECONDS:.0f} s; it may still do what was asked")
    except (OSError, http.client.HTTPException) as error:
        fail(f"{config.control_socket}: {str(error) or type(error).__name__}")
    if answer.status != http.HTTPStatus.OK:
        fail(f"the daemon refused {page}: {data.decode('utf-8', 'replace')}")
    return data


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=CONTROL_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
