"""How many points may be spent with one card of a member in a month (R34). The month is the store's own."""

from __future__ import annotations

import datetime as dt

import msgspec

from switch.core.holdings import Card, Place


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


def _spent(place: Place, moment: dt.datetime) -> int:
    return place.spent if place.month == _month(moment) else 0


def _month(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m")
