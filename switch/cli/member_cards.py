"""member cards: the cards of one member, one more of them, and what each is among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from specs import limits
from specs.sensitive import PAN
from switch.cli.arguments import CARD_NUMBER, bad_option
from switch.cli.common import config_option, json_option, open_vault, reading, refuse, submit
from switch.cli.finding import card_argument
from switch.cli.issuing import Issue
from switch.cli.member_books import PAN_HELP, Member, find_member
from switch.cli.output import show_list
from switch.cli.printer_file import PrinterFile
from switch.config import Config
from switch.core.commands import Command, NewNumber
from switch.core.holdings import Card, Place
from switch.core.points_commands import IssueLoyaltyCard, PlaceCard
from switch.core.schemes import LoyaltyProduct
from switch.numbers import new_number

Wanted = Callable[[NewNumber], Command]

_LIMIT = click.IntRange(0, limits.POINTS_MAX)


@click.group()
def cards() -> None:
    """The cards of a member."""


@cards.command("list", help=f"List the member's cards. {PAN_HELP}")
@card_argument
@config_option
@json_option
def list_(pan: PAN | None, card_id: int | None, config: Config, as_json: bool) -> None:
    with reading(config) as reader:
        found = find_member(reader, config, pan, card_id)
    show_list(found.described_cards(), as_json, "no cards", dict)


@cards.command(help=f"Add a card. For the printer, or a number that exists, such as that of a bank's card. {PAN_HELP}")
@card_argument
@click.option("--product", "product_id", required=True, help="A loyalty card of the member's scheme.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="A new number goes into this printer's file."
)
@click.option("--number", type=CARD_NUMBER, help="Its number, instead of a new one; - reads it from standard input.")
@click.option("--additional", is_flag=True, help="The holder of the main card hears what is done with it.")
@click.option("--limit", type=_LIMIT, help="Points that may be spent with it in a month.")
@click.option("--active", is_flag=True, help="It needs no enrolment at a till.")
@config_option
def add(
    pan: PAN | None,
    card_id: int | None,
    product_id: str,
    out: Path | None,
    number: PAN | None,
    additional: bool,
    limit: int | None,
    active: bool,
    config: Config,
) -> None:
    if (out is None) == (number is None):
        raise click.UsageError("give either --out or --number")
    with reading(config) as reader:
        found = find_member(reader, config, pan, card_id)
    product = _product(found, product_id)

    def wanted(new: NewNumber) -> Command:
        return IssueLoyaltyCard(new, product.id, found.card.hash, active, additional, limit)

    if number:
        _add_known(config, number, product, wanted)
        click.echo(f"{found.card.masked_pan}: has the card {number.masked}, too")
        return
    assert out is not None, "one of both is given"

    def issue(new: NewNumber, known: Card | None) -> list[Command]:
        if known and known.holder != found.card.holder:
            refuse(f"{file.part} is of another member; finish or remove that file first")
        return [] if known else [wanted(new)]

    with PrinterFile(out, product, None) as file:
        Issue(config, open_vault(config), file, product, issue).run(1)
        masked = file.cards[0].pan.masked
    click.echo(f"{found.card.masked_pan}: has the card {masked}, too, which stands in {out}")


@cards.command(help=f"Change what a card is among its member's. Only what is given. {PAN_HELP}")
@card_argument
@click.option(
    "--main/--additional", "main", default=None, help="Whether its holder hears of the others, or is heard of."
)
@click.option("--limit", type=_LIMIT, help="Points that may be spent with it in a month.")
@click.option("--no-limit", is_flag=True, help="All of the member's points may be spent with it.")
@config_option
def change(
    pan: PAN | None, card_id: int | None, main: bool | None, limit: int | None, no_limit: bool, config: Config
) -> None:
    if limit is not None and no_limit:
        raise click.UsageError("--limit and --no-limit exclude each other")
    if main is None and limit is None and not no_limit:
        raise click.UsageError("nothing to change: give at least one option")
    with reading(config) as reader:
        card = find_member(reader, config, pan, card_id).card
    place = card.place or Place()
    is_main = place.main if main is None else main
    most = None if no_limit else place.limit if limit is None else limit
    submit(config, PlaceCard(card.hash, not is_main, most))
    said = "no limit" if most is None else f"{most} points a month"
    click.echo(f"{card.masked_pan}: {'main' if is_main else 'additional'}, {said}")


def _product(found: Member, product_id: str) -> LoyaltyProduct:
    """A card product of the scheme whose points the member has."""
    scheme = found.programme.units.get(found.card.currency)
    known = {product.id: product for product in scheme.cards} if scheme else {}
    if product_id not in known:
        bad_option("--product", f"{product_id!r} is not one of {', '.join(known) or 'none'}")
    return known[product_id]


def _add_known(config: Config, number: PAN, product: LoyaltyProduct, wanted: Wanted) -> None:
    """A card that exists already, outside our books."""
    if not number.reveal().startswith(product.prefix):
        bad_option("--number", f"cards of {product.id} begin with {product.prefix}")
    if product.pin:
        bad_option("--number", f"cards of {product.id} have a PIN; let them be printed by --out")
    submit(config, wanted(new_number(open_vault(config), number, None)))
