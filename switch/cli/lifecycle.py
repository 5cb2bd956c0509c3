"""init, serve, check, status, reload: from an empty folder to a running daemon."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from specs.dialects import DialectError, find_dialect
from switch.books import Books
from switch.cli.common import (
    EXIT_REFUSED,
    config_option,
    control,
    fail,
    json_option,
    open_vault,
    read_config,
    refuse,
)
from switch.cli.output import show_json, show_record
from switch.cli.programmes import read_programme
from switch.config import Config, LinkConfig, ListenerConfig, OpsConfig, TLSConfig
from switch.config_file import config_template
from switch.core.programme import ProgrammeError
from switch.daemon import Daemon
from switch.demo import build
from switch.demo.certificates import write_demo_certificates
from switch.doors import CannotListen
from switch.ops_access import TokenError, read_token
from switch.settings import ConfigError
from switch.store.open import open_store
from switch.store.port import StoreError
from switch.tls import TLSError, server_context
from switch.vault import Vault, VaultError, write_private
from switch.webhooks import Webhook

DIALECTS = ("nac", "ascii", "visa2")
LINKS = {"visa2": LinkConfig()}  # written out, so that its keys are explained
DEFAULT_PORTS = {name: 8583 + place for place, name in enumerate(DIALECTS)}
DEFAULT_PORTS |= {"ops": 9583} | {f"{name}-tls": 18583 + place for place, name in enumerate(DIALECTS)}
BASE_OFFSETS = {name: place for place, name in enumerate(DIALECTS)}
BASE_OFFSETS |= {"ops": 10} | {f"{name}-tls": 20 + place for place, name in enumerate(DIALECTS)}

EMPTY_PROGRAMME = """\
# The programme: gift products, exchange rates, policies. `tillswitch programme check FILE` says what is wrong with it,
# `tillswitch programme apply FILE` puts it in force. Amounts are in minor units of the product's currency.

time_zone = "UTC"
card_refusals = "uniform"    # or "plain": terminals are told why a card is refused

# [rates]                    # US dollars for one unit of the currency (ISO 4217 numeric)
# "978" = "1.1000"

# [[gift_products]]
# id = "classic"
# name = "Gift card, any amount"
# prefix = "990010"          # the first six digits of its cards
# currency = "978"
# method = "reloadable"      # or "at_activation", or "preloaded"
# minimum = 500
# maximum = 50000
"""


@click.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to make.")
@click.option("--demo", is_flag=True, help="With two merchants, terminals, cards, certificates and demo.json.")
@click.option("--base-port", type=click.IntRange(1, 65000), help="Ports from here on, not the standard ones.")
@click.option("--terminals", type=click.IntRange(0, 100_000), default=0, help="So many more demo terminals.")
@click.option("--visa2-terminals", type=click.IntRange(0, 9999), default=0, help="And so many that speak VISA-2.")
@click.option("--store", default=Config.store, show_default=True, help="Where the books are to be.")
def init(data: Path, demo: bool, base_port: int | None, terminals: int, visa2_terminals: int, store: str) -> None:
    """Make a data folder.

    Configuration, keys, books and programme; nothing that is there is overwritten.
    """
    for option, count in (("--terminals", terminals), ("--visa2-terminals", visa2_terminals)):
        if count and not demo:
            raise click.UsageError(f"{option} goes with --demo")
    for name in ("tillswitch.toml", "programme.toml", "books.db", "demo.json", "tls"):
        if (data / name).exists():
            fail(f"{data / name} is there already")
    data = data.absolute()  # demo.json names files for tools that run anywhere
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        vault = Vault.create(data)
    except VaultError as error:
        fail(str(error))
    (data / "programme.toml").write_text(build.programme_text() if demo else EMPTY_PROGRAMME, "utf-8")
    ports = {name: base_port + offset for name, offset in BASE_OFFSETS.items()} if base_port else DEFAULT_PORTS
    listeners = [
        ListenerConfig(name=name, dialect=name, port=ports[name], clear_pin=demo, link=LINKS.get(name))
        for name in DIALECTS
    ]
    tls: dict[str, Any] = {}
    if demo:
        (data / "tls").mkdir()
        tls = dict(write_demo_certificates(data / "tls", [merchant.merchant_id for merchant in build.MERCHANTS]))
        listeners += [_tls_listener(name, ports[f"{name}-tls"]) for name in DIALECTS]
    config = Config(
        store=store, listeners=tuple(listeners), ops=OpsConfig(port=ports["ops"]), programme=Path("programme.toml")
    )
    write_private(data / "tillswitch.toml", config_template(config).encode())  # the store's URL may hold a password
    config = read_config(data / "tillswitch.toml")
    with closing(open_store(config.store, make=True)) as opened:
        if opened.programme() is not None:
            fail("the store has books already: they need the keys they were made with, so copy that folder instead")
        books = Books(opened, vault.seal_key, config.node)
        if demo:
            more = {"nac": terminals, "visa2": visa2_terminals}
            listed = {"listeners": {**ports}, "tls": {key: tls[key] for key in ("ca", "merchants")}}
            build.write_demo_json(data / "demo.json", listed | build.fill(books, vault, more))
    what = "demo" if demo else "empty books"
    click.echo(f"{_from_here(data)}: {what} ready. Next: tillswitch serve --config {_from_here(data)}/tillswitch.toml")


def _tls_listener(name: str, port: int) -> ListenerConfig:
    tls = TLSConfig(certificate=Path("tls/server.pem"), key=Path("tls/server.key"), client_ca=Path("tls/ca.pem"))
    return ListenerConfig(name=f"{name}-tls", dialect=name, port=port, tls=tls)


#: What a daemon cannot begin with.
_UNUSABLE = (
    *(ConfigError, VaultError, StoreError, TLSError, TokenError, DialectError, ProgrammeError),
    CannotListen,
)


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("tillswitch.toml"),
    show_default=True,
    help="The daemon's configuration.",
)
@click.option("--migrate", is_flag=True, help="Bring books of an older version up to date; a copy is made first.")
def serve(config: Path, migrate: bool) -> None:
    """Run the daemon.

    SIGTERM ends it when everything accepted is answered, SIGHUP reloads the configuration.
    """
    try:
        daemon = Daemon(config, _announce, migrate=migrate)
        code = daemon.run()
    except _UNUSABLE as error:
        fail(str(error))
    sys.exit(code)


def _announce(daemon: Daemon) -> None:
    """A few lines for the person who started it; a daemon of a service manager has its log."""
    demo = daemon.file.parent / "demo.json"
    if not demo.exists() and not sys.stderr.isatty():
        return
    click.echo("\nTillswitch is serving:", err=True)
    for name, port in daemon.ports.items():
        click.echo(f"  {name:<10} port {port}", err=True)
    if demo.exists():
        tillsim = Path(sys.argv[0]).with_name("tillsim")
        click.echo("\nTry a sale from another window:", err=True)
        click.echo(f"  {_from_here(tillsim)} gift redeem --amount 25 --demo {_from_here(demo)}\n", err=True)


def _from_here(path: Path) -> Path:
    """As short as the working directory allows."""
    path = path.absolute()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


@click.command()
@config_option
def check(config: Config) -> None:
    """Check the configuration.

    Says whether it can be used, with its certificates, dialects, vault and programme.
    """
    open_vault(config)
    try:
        for listener in config.listeners:
            find_dialect(listener.dialect)
            if listener.tls:
                server_context(listener.tls)
        if config.ops.tls:
            server_context(config.ops.tls)
        if config.ops.token:
            read_token(config.ops.token)
        for webhook in config.webhooks:
            Webhook(webhook)
    except (TLSError, TokenError, DialectError) as error:
        fail(str(error))
    if config.programme:
        read_programme(config.programme, 0)
    click.echo(f"ok: {', '.join(listener.name for listener in config.listeners)}; store {config.store.split('@')[-1]}")


@click.command()
@config_option
@json_option
def status(config: Config, as_json: bool) -> None:
    """Ask the daemon how it is.

    Tells its ports, connections, programme and newest seal. Exit code 0 only if it is ready.
    """
    answer = control(config, "GET", "/status")
    if answer is None:
        refuse("no daemon runs on this configuration")
    told = json.loads(answer)
    if as_json:
        show_json(told)
    else:
        _show_status(told)
    if not told["ready"]:
        sys.exit(EXIT_REFUSED)


def _show_status(told: dict[str, Any]) -> None:
    trouble = f"not ready: {'; '.join(told['trouble'])}"
    seal = told["seal"]
    doors = {
        name: f"port {port}, {told['connections'][name]} connections" if name in told["connections"] else f"port {port}"
        for name, port in told["ports"].items()
    }
    show_record(
        {
            "tillswitch": f"{told['version']}, {'ready' if told['ready'] else trouble}",
            **doors,
            "programme": f"version {told['programme']}",
            "newest seal": f"{seal['daemon']} {seal['number']} {seal['seal']}" if seal else "none yet",
        }
    )


@click.command()
@config_option
def reload(config: Config) -> None:
    """Have the configuration read again.

    Without dropping a connection; all of it or nothing.
    """
    answer = control(config, "POST", "/reload")
    if answer is None:
        refuse("no daemon runs on this configuration")
    problems = json.loads(answer)["problems"]
    if problems:
        fail("; ".join(problems))
    click.echo("reloaded")
