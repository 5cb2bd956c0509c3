"""The cards of a fleet: which there are, and what the records of closed batches say they hold."""

import msgspec

from simulators.cards import CardWish, find_cards
from simulators.demo import Demo, DemoCard, DemoError, DemoTerminal
from simulators.fleet_report import FleetReport
from simulators.journal import Item
from simulators.load import INACTIVE_LEFT
from simulators.members import find_members
from simulators.totals import block_of

ACTIVATION_MINOR = 10_000  # within the limits of every demo product with a range


def effect_of(item: Item) -> int:
    """What a record moved onto its gift card; points are another matter."""
    code = item.request.get(3)
    if "6" not in code[2:5]:
        return 0
    return -item.amount if block_of(code) == 0 else item.amount


class Cards(msgspec.Struct):
    """`held` is what gift cards hold by all batches closed so far; `to_sell` wait to be activated.

    `members` are loyalty cards, which anybody may show anywhere: what they hold is not reckoned here.
    """

    members: list[str] = []
    points_minimum: int = 1
    points_value: dict[str, int] = {}
    held: dict[str, int] = {}
    shared: bool = False
    minimum: dict[str, int] = {}
    to_sell: list[DemoCard] = []


def choose_cards(demo: Demo, terminals: list[DemoTerminal], report: FleetReport) -> tuple[list[str], Cards]:
    """Active cards that any of these terminals may load and spend, and some that wait to be sold."""
    stores = {who.store for who in terminals}

    def fitting(wish: CardWish) -> list[DemoCard]:
        found = find_cards(demo, wish, terminals[0])
        return [card for card in found if stores <= set(demo.product(card).stores or stores)]

    active = fitting(CardWish())
    if not active:
        raise DemoError(f"{demo.path} has no card that can be loaded and spent at {terminals[0].terminal_id}")
    shared = len(active) < len(terminals)
    if shared:
        report.notes.append(
            f"{len(terminals)} terminals share {len(active)} cards: balances are only judged at the end."
        )
    cards = Cards(
        shared=shared,
        minimum={card.pan: demo.product(card).minimum or 1 for card in active},
        to_sell=fitting(CardWish(state="inactive"))[INACTIVE_LEFT:],
    )
    if demo.points:
        cards.members = [member.pan for member in find_members(demo, CardWish(loyalty=True))]
        cards.points_minimum, cards.points_value = demo.points.redeem_minimum, demo.points.value_minor
    return [card.pan for card in active], cards
