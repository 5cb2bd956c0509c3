"""card: issue numbers for the printer, look one up, block, unblock and replace it. Loyalty cards too; their members
and points are in members.py.

A whole card number or PIN leaves the switch in one way only: the printer's file, which only its owner can read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress

from specs.sensitive import PAN
from switch.cli.arguments import CARD_NUMBER, MERCHANT_ID, bad_option, minor_units
from switch.cli.common import config_option, json_option, open_vault, reading, refuse, submit
from switch.cli.finding import card_argument, card_of, find_card, hash_of
from switch.cli.issuing import Issue, Wanted
from switch.cli.journal import Describer
from switch.cli.merchants import find_merchant
from switch.cli.output import moment, money, show_json, show_record, show_table, with_money
from switch.cli.printer_file import PrinterFile
from switch.cli.programmes import programme_of
from switch.config import Config
from switch.core.commands import ActivateCard, Command, IssueCard, NewNumber, ReplaceCard, SetBlock
from switch.core.holdings import Block, Card, CardState
from switch.core.points_commands import IssueLoyaltyCard
from switch.core.programme import CardProduct, GiftProduct, Programme
from switch.core.schemes import LoyaltyProduct
from switch.store.port import JournalFilter

F = TypeVar("F", bound=Callable[..., object])

MOVEMENTS = 10  # of one card that `show` lists; the journal has the rest
PAN_HELP = "PAN is a card number; - reads it from standard input, so that it stays out of the shell's history."


def _pan_argument(command: F) -> F:
    return click.argument("pan", type=CARD_NUMBER)(command)


_out_option = click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The printer's file (CSV, mode 0600); must not exist yet.",
)


@click.group()
def card() -> None:
    """Gift and loyalty cards. Numbers are shown masked; whole ones stand in the printer's file only."""


@card.command("issue")
@click.option("--product", "product_id", required=True, help="A gift product or a loyalty card of the programme.")
@click.option("--count", type=click.IntRange(1, 10_000_000), required=True, help="How many cards.")
@_out_option
@click.option("--denomination", help="The amount printed on them, such as 250.00; needed if there are several.")
@click.option("--active", is_flag=True, help="Activate them at once; gift cards at a merchant's expense.")
@click.option("--merchant", "merchant_id", type=MERCHANT_ID, help="Who pays for active gift cards.")
@click.option("--amount", help="What is loaded on active cards, such as 100.00 [the denomination].")
@config_option
def issue_(
    product_id: str,
    count: int,
    out: Path,
    denomination: str | None,
    active: bool,
    merchant_id: str | None,
    amount: str | None,
    config: Config,
) -> None:
    """Issue new cards.

    Their numbers go into a file for the printer, and into the books. The file is called FILE.part until every card in
    it is issued; after a failure the same command again does the rest.
    """
    vault = open_vault(config)
    with reading(config) as reader:
        product = _product(programme_of(reader), product_id)
        if merchant_id:
            find_merchant(reader, merchant_id)
    printed: int | None = None
    if isinstance(product, LoyaltyProduct):
        if merchant_id or amount or denomination:
            raise click.UsageError(
                f"{product.id} is a loyalty card: --merchant, --amount, --denomination are for gift cards"
            )
        wanted = _wanted_members(product, active)
    else:
        if active != (merchant_id is not None) or (amount and not active):
            raise click.UsageError("--active and --merchant go together, and --amount with them")
        printed = _denomination(product, denomination)
        load = _load(product, printed, amount) if active else None
        wanted = _wanted_gifts(product, printed, merchant_id, load)
    progress = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())
    with PrinterFile(out, product, printed) as file, progress:
        task = progress.add_task("issuing", total=count)
        Issue(config, vault, file, product, wanted).run(count, lambda done: progress.update(task, completed=done))
    click.echo(f"{out}: {count} cards of {product.id}{' active' if active else ''}")


def _wanted_members(product: LoyaltyProduct, active: bool) -> Wanted:
    """Each card is that of a new member."""

    def wanted(number: NewNumber, known: Card | None) -> list[Command]:
        return [] if known else [IssueLoyaltyCard(number, product.id, active=active)]

    return wanted


def _wanted_gifts(product: GiftProduct, printed: int | None, merchant_id: str | None, load: int | None) -> Wanted:
    def wanted(number: NewNumber, known: Card | None) -> list[Command]:
        commands: list[Command] = [] if known else [IssueCard(number, product.id, printed)]
        if merchant_id and load and (known is None or known.state is CardState.INACTIVE):
            commands.append(ActivateCard(number.hash, merchant_id, load))
        return commands

    return wanted


@card.command(help=f"Show a card. State, balance, expiry, the last movements. {PAN_HELP}")
@card_argument
@click.option("--utc", is_flag=True, help="Times in UTC instead of the shell's zone.")
@config_option
@json_option
def show(pan: PAN | None, card_id: int | None, utc: bool, config: Config, as_json: bool) -> None:
    with reading(config) as reader:
        found, account = find_card(reader, config, pan, card_id)
        if found.place is not None:
            refuse(f"{found.masked_pan} is a loyalty card; see tillswitch member show")
        describer = Describer(reader, utc)
        movements = describer.describe(reader.journal(JournalFilter(card_hash=found.hash, limit=MOVEMENTS)))
    record: dict[str, Any] = {
        "card_id": found.id,
        "card": found.masked_pan,
        "product": found.product,
        "state": found.state.value,
        "block": found.block.value,
        "currency": found.currency,
        "balance": account.balance if found.state is not CardState.REPLACED else None,
        "denomination": found.denomination,
        "expires_at": moment(found.expires_at, utc),
        "pin": found.pin_hash is not None,
        "pin_tries": found.pin_tries,
        "pin_locked_until": moment(found.pin_locked_until or None, utc),
    }
    if as_json:
        show_json(record | {"movements": movements})
        return
    show_record(with_money(record, "balance", "denomination"))
    if movements:
        click.echo()
        show_table([describer.cells(movement) for movement in movements])


@card.command(help=f"Block a card. It can be neither loaded nor spent. {PAN_HELP}")
@_pan_argument
@click.option(
    "--reason",
    type=click.Choice([block.value for block in Block if block is not Block.NONE]),
    default=Block.BLOCKED.value,
    show_default=True,
    help="What terminals may be told.",
)
@config_option
def block(pan: PAN, reason: str, config: Config) -> None:
    submit(config, SetBlock(hash_of(config, pan), Block(reason)))
    click.echo(f"{pan.masked}: {reason}")


@card.command(help=f"Take a block away. Whatever its reason was. {PAN_HELP}")
@_pan_argument
@config_option
def unblock(pan: PAN, config: Config) -> None:
    submit(config, SetBlock(hash_of(config, pan), Block.NONE))
    click.echo(f"{pan.masked}: not blocked")


@card.command(
    help="Replace a lost card. Its balance goes to a new number (with a new PIN, if it had one), the old number dies. "
    f"The new one stands in the printer's file only. {PAN_HELP}"
)
@_pan_argument
@_out_option
@config_option
def replace(pan: PAN, out: Path, config: Config) -> None:
    vault = open_vault(config)
    old_hash = hash_of(config, pan)
    with reading(config) as reader:
        old, _ = card_of(reader, old_hash)
        product = _product(programme_of(reader), old.product)

    def wanted(number: NewNumber, known: Card | None) -> list[Command]:
        if known and known.account != old.account:
            refuse(f"{file.part} replaces another card; finish or remove that file first")
        return [] if known else [ReplaceCard(old_hash, number)]

    with PrinterFile(out, product, old.denomination) as file:
        if old.state is CardState.REPLACED and not file.cards:
            refuse(f"{old.masked_pan} has been replaced already")
        Issue(config, vault, file, product, wanted).run(1)
        new = file.cards[0].pan
    click.echo(f"{pan.masked}: replaced by {new.masked}, which stands in {out}")


# -- what the books and the programme say ------------------------------------------------------------------------------
def _product(programme: Programme, product_id: str) -> CardProduct:
    product = programme.card_product(product_id)
    if product is None:
        known = ", ".join([*programme.products, *programme.loyalty]) or "none; apply a programme first"
        refuse(f"the programme has no card {product_id!r}; it has {known}")
    return product


def _denomination(product: GiftProduct, text: str | None) -> int | None:
    """The amount printed on the cards; None for products of any amount."""
    allowed = ", ".join(str(money(amount, product.currency)) for amount in product.denominations)
    if text is None:
        if len(product.denominations) > 1:
            bad_option("--denomination", f"cards of {product.id} need one of {allowed}")
        return product.whole_denomination
    if not product.denominations:
        bad_option("--denomination", f"cards of {product.id} have none")
    amount = minor_units(text, product.currency, "--denomination")
    if amount not in product.denominations:
        bad_option("--denomination", f"{money(amount, product.currency)} is not one of {allowed}")
    return amount


def _load(product: GiftProduct, printed: int | None, text: str | None) -> int:
    """What is loaded on cards that are issued active, within what the product allows."""
    if text is None:
        if printed is None:
            bad_option("--amount", f"cards of {product.id} need one")
        return printed
    amount = minor_units(text, product.currency, "--amount")
    if printed is not None:
        if amount != printed:
            bad_option("--amount", f"these cards hold their denomination, {money(printed, product.currency)}")
        return amount
    low, high = product.minimum or 0, min(product.maximum or 0, product.balance_limit or product.maximum or 0)
    if not low <= amount <= high:
        limits = f"{money(low, product.currency)} to {money(high, product.currency)}"
        bad_option("--amount", f"{money(amount, product.currency)} is not within {limits} of {product.id}")
    return amount
