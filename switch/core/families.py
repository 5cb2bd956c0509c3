"""The cards of one member: how much may be spent with each in a month, and what the main card's holder hears of.

R34 to R36. The month is the store's own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec

from switch.core.holdings import Card, CardState, Notice, Place
from switch.core.journal import Row


def within_limit(card: Card, points: int, moment: dt.datetime) -> bool:
    place = card.place
    return place is None or place.limit is None or _spent(place, moment) + points <= place.limit


def counted(card: Card, points: int, moment: dt.datetime) -> Card:
    """The card with `points` more spent (fewer, if negative: an undo in the month of the deed)."""
    place = card.place
    if place is None or place.limit is None:
        return card
    spent = max(0, _spent(place, moment) + points)
    return msgspec.structs.replace(card, place=msgspec.structs.replace(place, spent=spent, month=_month(moment)))


def uncounted(card: Card, points: int, moment: dt.datetime) -> Card:
    """The card once a deed of `moment` is undone; a month that is over is not counted any more."""
    if card.place is None or card.place.month != _month(moment):
        return card
    return counted(card, -points, moment)


def notices_of(row: Row, card: Card | None, cards: Iterable[Card]) -> tuple[Notice, ...]:
    """What the holder of the family's main card hears of `row`, which was done with `card`.

    Args:
        cards: All of the family are among them.
    """
    if card is None or card.place is None or card.place.main or not row.took_effect:
        return ()
    main = [one.id for one in cards if one.holder == card.holder and _is_main(one)]
    if not main:
        return ()
    first = min(main)  # of several main cards the oldest: whose account it was before
    return (Notice(row.id, card.holder, first, card.masked_pan, row.kind.value, row.card_amount, row.decided_at),)


def _is_main(card: Card) -> bool:
    return card.place is not None and card.place.main and card.state is not CardState.REPLACED


def _spent(place: Place, moment: dt.datetime) -> int:
    return place.spent if place.month == _month(moment) else 0


def _month(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m")
