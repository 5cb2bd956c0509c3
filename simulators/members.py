"""Choosing a loyalty card by description: by its state, and by what its member has."""

from collections import Counter

from simulators.cards import CardWish
from simulators.demo import Demo, DemoError, DemoLoyaltyCard, DemoPoints
from simulators.state import StateFile


def find_members(demo: Demo, wish: CardWish) -> list[DemoLoyaltyCard]:
    """The cards that fit, as the last answers left them; those that share their member with no other card first."""
    cards = [
        card
        for card in StateFile.beside(demo).loyalty_now(demo)
        if card.state == wish.state and (card.pin is not None) == wish.pin and card.points >= wish.min_points
    ]
    shared = Counter(card.member for card in demo.loyalty_cards)
    return sorted(cards, key=lambda card: shared[card.member] > 1)


def choose_member(demo: Demo, wish: CardWish, place: int = 1, other_than: str | None = None) -> DemoLoyaltyCard:
    """The `place`-th card that fits, counted from one; with `other_than`, a card of another member than that one's."""
    taken = next((card.member for card in demo.loyalty_cards if card.pan == other_than), None)
    cards = [
        card for card in find_members(demo, wish) if card.pan != other_than and (taken is None or card.member != taken)
    ]
    if not 1 <= place <= len(cards):
        raise DemoError(f"{demo.path} has {len(cards)} loyalty cards that are {wish}; --card names any")
    return cards[place - 1]


def points_of(demo: Demo) -> DemoPoints:
    if demo.points is None:
        raise DemoError(f"{demo.path} says nothing of points; a newer `tillswitch init --demo --data DIR` does")
    return demo.points
