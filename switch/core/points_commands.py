"""What operators and schedules do to members and their points: commands, decided in the groups of the terminals.

Cards of members are issued and placed here; points are awarded, adjusted, converted and expired. No bytes of a
terminal come here, and no I/O: who asks for an expiry has looked up the lots before.
"""

from __future__ import annotations

import msgspec

from switch.core.needs import Needs
from switch.core.operator_rows import NewNumber


class IssueLoyaltyCard(msgspec.Struct, frozen=True, tag=True):
    """A loyalty card, of a new member or one more of the member who has the card `member`.

    Args:
        active: It needs no enrolment at a till.
        additional: Its use is told to the holder of the member's main card.
        limit: Points that may be spent with it in a month.
    """

    number: NewNumber
    product: str
    member: str = ""
    active: bool = False
    additional: bool = False
    limit: int | None = None


class PlaceCard(msgspec.Struct, frozen=True, tag=True):
    """Change what a card is among its member's cards."""

    card_hash: str
    additional: bool
    limit: int | None = None


class AwardPoints(msgspec.Struct, frozen=True, tag=True):
    """Points for something that was no purchase: an event of the programme. `key` is the caller's own id of it."""

    card_hash: str
    event: str
    key: str
    merchant_id: str = ""  # at whose expense; the programme's own if empty


class AdjustPoints(msgspec.Struct, frozen=True, tag=True):
    """Points given (+) or taken (-) by an operator, who says why: of the card's scheme, or of a sub-scheme of it."""

    card_hash: str
    points: int
    reason: str
    scheme: str = ""


class ConvertPoints(msgspec.Struct, frozen=True, tag=True):
    """Points of one scheme into another's by the programme's rate: of the same member, or of who has `to_card`."""

    card_hash: str
    source: str  # scheme ids
    target: str
    points: int
    to_card: str = ""


class ExpireLots(msgspec.Struct, frozen=True, tag=True):
    """Take what expired out of a member's lots. A lot that moved since it was looked up is left for another time."""

    holder: int
    lots: tuple[tuple[int, int], ...]  # account and its number of entries


class NoticesSent(msgspec.Struct, frozen=True, tag=True):
    """These notices of the outbox have been sent."""

    notices: tuple[int, ...]


PointsCommand = IssueLoyaltyCard | PlaceCard | AwardPoints | AdjustPoints | ConvertPoints | ExpireLots | NoticesSent


def points_command_needs(command: PointsCommand) -> list[Needs]:
    """The keys `command` names."""
    match command:
        case IssueLoyaltyCard():
            return [Needs("", "", "", card_hash=command.number.hash, other_hash=command.member)]
        case AwardPoints():
            return [Needs(command.merchant_id, "", "", card_hash=command.card_hash, event=command.key)]
        case ConvertPoints():
            return [Needs("", "", "", card_hash=command.card_hash, other_hash=command.to_card)]
        case PlaceCard() | AdjustPoints():
            return [Needs("", "", "", card_hash=command.card_hash)]
        case ExpireLots():
            return [Needs("", "", "", holder=command.holder)]
        case NoticesSent():
            return []
