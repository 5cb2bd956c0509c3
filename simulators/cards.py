"""Choosing a card by description, so that commands and stories work on any demo.json."""

from typing import Literal

import msgspec

from simulators.demo import Demo, DemoCard, DemoError, DemoTerminal
from simulators.money import letters
from simulators.state import StateFile


class CardWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card has to be. `currency` is `terminal`, `other` or an ISO 4217 number.

    `loyalty` asks for a member's card instead, with `min_points` or more; there, products and currencies play no part.
    `any_product` also takes products with denominations, single use or no reload; without it a card can be loaded and
    spent in parts, which is what most conversations need. A PIN or a named store is asked for by name.
    """

    state: Literal["active", "inactive", "blocked", "closed"] = "active"
    currency: str = "terminal"
    pin: bool = False
    min_balance: int = 0
    any_product: bool = False
    loyalty: bool = False
    min_points: int = 0

    def __str__(self) -> str:
        pin = "with" if self.pin else "without"
        if self.loyalty:
            return f"{self.state}, {pin} PIN, with {self.min_points} points or more"
        currencies = {"terminal": "the terminal's currency", "other": "another currency"}
        currency = currencies.get(self.currency, letters(self.currency))
        balance = f", with {self.min_balance} minor units or more" if self.min_balance else ""
        return f"{self.state}, {pin} PIN, in {currency}{balance}"


def find_cards(demo: Demo, wish: CardWish, who: DemoTerminal) -> list[DemoCard]:
    """The cards that fit, as the last answers left them, in the order of demo.json."""
    return [card for card in StateFile.beside(demo).cards_now(demo) if _fits(demo, card, wish, who)]


def choose_card(demo: Demo, wish: CardWish, who: DemoTerminal, place: int = 1) -> DemoCard:
    """The `place`-th card that fits, counted from one."""
    cards = find_cards(demo, wish, who)
    if not 1 <= place <= len(cards):
        raise DemoError(
            f"{demo.path} has {len(cards)} cards that fit terminal {who.terminal_id} and are {wish}; --card names any"
        )
    return cards[place - 1]


def _fits(demo: Demo, card: DemoCard, wish: CardWish, who: DemoTerminal) -> bool:
    product = demo.product(card)
    return (
        card.state == wish.state
        and _currency_fits(card.currency, wish.currency, who.currency)
        and product.pin == wish.pin
        and (product.stores is None or who.store in product.stores)
        and (wish.any_product or wish.pin or product.is_range)
        and card.balance >= wish.min_balance
    )


def _currency_fits(currency: str, wish: str, own: str) -> bool:
    if wish == "other":
        return currency != own
    return currency == (own if wish == "terminal" else wish)
