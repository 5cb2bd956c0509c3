"""How a command is told which card it is about: by its number, or by its id in the books."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from specs.sensitive import PAN
from switch.cli.arguments import CARD_NUMBER
from switch.cli.common import open_vault, refuse
from switch.config import Config
from switch.core.holdings import Account, Card
from switch.store.port import Reader

F = TypeVar("F", bound=Callable[..., object])

CARD_ID_MAX = 99_999_999_999  # far beyond any books; what is longer is a card number at the wrong place


def card_argument(command: F) -> F:
    """`PAN`, or `--card-id N` instead. Eager: where two things are read from standard input, PAN comes first."""
    option = click.option(
        "--card-id", type=click.IntRange(1, CARD_ID_MAX), help="The card's number in the books, instead of its PAN."
    )
    return click.argument("pan", type=CARD_NUMBER, required=False, is_eager=True)(option(command))


def find_card(reader: Reader, config: Config, pan: PAN | None, card_id: int | None) -> tuple[Card, Account]:
    """The card of exactly one of both, or a refusal."""
    if (pan is None) == (card_id is None):
        raise click.UsageError("give either PAN or --card-id")
    return card_of(reader, hash_of(config, pan)) if pan else _by_id(reader, card_id or 0)


def hash_of(config: Config, pan: PAN) -> str:
    """What the books know a card number by."""
    return open_vault(config).card_hash(pan).hex()


def card_of(reader: Reader, card_hash: str) -> tuple[Card, Account]:
    found = reader.card(card_hash)
    if found is None:
        refuse("no such card")
    return found


def _by_id(reader: Reader, card_id: int) -> tuple[Card, Account]:
    following = reader.cards(card_id - 1, 1)
    if not following or following[0].id != card_id:
        refuse(f"no card {card_id}")
    return card_of(reader, following[0].hash)
