"""What somebody holds: cards, accounts, and the system accounts they move against. Frozen records with integer ids.

Times are microseconds since 1970 (UTC). A *holder* owns cards and accounts; see DESIGN "two owners, two locks".
"""

from __future__ import annotations

import functools
from enum import Enum

import msgspec

from specs import limits
from specs.words import Word


class CardState(Enum):
    INACTIVE = "inactive"
    ACTIVE = "active"
    USED = "used"  # a single-use card after its redemption
    CLOSED = "closed"  # cashed out
    REPLACED = "replaced"  # its account belongs to another number now


class Block(Enum):
    NONE = "none"
    BLOCKED = "blocked"
    LOST = "lost"
    STOLEN = "stolen"


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a loyalty card is among those of its member, and what may be spent with it."""

    main: bool = True  # its holder hears what is done with the member's other cards
    limit: int | None = None  # points that may be spent with it in a month
    spent: int = 0
    month: str = ""  # that `spent` was counted in, YYYY-MM


class Card(msgspec.Struct, frozen=True):
    """A card number and what it opens. `hash` finds it, `sealed_pan` is the encrypted number for the owner's eyes.

    A loyalty card's `account` is its member's debt account of its scheme, and its `currency` the unit of the points;
    the lots are found by the holder.
    """

    id: int
    holder: int
    hash: str
    sealed_pan: bytes
    masked_pan: str
    product: str
    currency: str
    account: int
    state: CardState = CardState.INACTIVE
    block: Block = Block.NONE
    denomination: int | None = None  # printed on it
    expires_at: int | None = None
    pin_hash: bytes | None = None
    pin_tries: int = 0  # wrong ones in a row
    pin_locks: int = 0  # how often it has been locked: each lock is twice as long
    pin_locked_until: int = 0
    place: Place | None = None  # only of loyalty cards
    sealed_phone: bytes | None = None


class AccountKind(Word):
    CARD = "card"
    CLEARING = "clearing"  # what a merchant is owed (+) or owes (-)
    UNCOVERED = "uncovered"  # what had to be booked for a merchant but was not there
    EXCHANGE = "exchange"
    LOT = "lot"  # a member's points with the same dates
    DEBT = "debt"  # points a member owes; never above zero
    ISSUING = "issuing"  # points given by a merchant
    REDEEMED = "redeemed"  # points taken by a merchant
    POINTS_COST = "points_cost"  # money the programme spends (-) and gets (+) for points
    BREAKAGE = "breakage"  # points that expired
    ADJUSTED = "adjusted"  # points given and taken by operators
    COMMITMENT = "commitment"  # money members have promised for points bought at a merchant


class Account(msgspec.Struct, frozen=True):
    """A holder's account: read under the holder's lock, never below zero. `entries` counts what was posted to it.

    `currency` is ISO 4217 numeric, or the unit of points. Days are ISO 8601 in the programme's time zone.
    """

    id: int
    kind: AccountKind
    holder: int
    currency: str
    balance: int = 0
    entries: int = 0
    available_from: str = ""  # of a lot: the first day on which it can be spent; empty = at once
    expires_on: str = ""  # of a lot: the last day; empty = never
    spent: bool = False  # an empty lot, which nobody loads unless a row of its own asks for it


class Notice(msgspec.Struct, frozen=True):
    """Something the holder of a family's main card is to hear of, in the outbox until somebody has sent it.

    `id` is that of the row it tells of.
    """

    id: int
    holder: int
    card: int  # Card.id of the main card
    used: str  # the card that was used, masked
    what: str
    points: int
    created_at: int
    sent_at: int | None = None


@functools.lru_cache(maxsize=16_384)  # those of some thousand merchants
def system_account(kind: AccountKind, owner: int, currency: str) -> int:
    """The id of an account nobody has to read: negative, and the same in every daemon without asking.

    Args:
        owner: Merchant.id, or 0 for the programme itself.
        currency: ISO 4217 numeric, or the unit of points.
    """
    return -((owner << 16) | (int(currency) << 4) | _SYSTEM_KINDS.index(kind) + 1)


@functools.lru_cache(maxsize=16_384)  # those of some thousand merchants
def describe_account(account: int) -> tuple[AccountKind, int, str]:
    """Kind, owner and currency of a system account's id; the inverse of `system_account`."""
    number = -account
    return _SYSTEM_KINDS[(number & 15) - 1], number >> 16, f"{(number >> 4) & 0xFFF:03d}"


def is_points(currency: str) -> bool:
    """Whether amounts are points: codes of ISO 4217 have three digits, units of points four."""
    return len(currency) > 3


def opened_account(number: int, place: int) -> int:
    """The id of the account that row `number` opens as its `place`-th: a row has one number, and may open several."""
    assert place < limits.LOTS_MAX, "more accounts opened than ids are kept for"
    return _OPENED | number * limits.LOTS_MAX + place


#: The places in this list are in the ids of accounts: new kinds come last.
_SYSTEM_KINDS = (
    AccountKind.CLEARING,
    AccountKind.UNCOVERED,
    AccountKind.EXCHANGE,
    AccountKind.ISSUING,
    AccountKind.REDEEMED,
    AccountKind.POINTS_COST,
    AccountKind.BREAKAGE,
    AccountKind.ADJUSTED,
    AccountKind.COMMITMENT,
)
_OPENED = 1 << 61  # far above the numbers that gift cards' accounts have
