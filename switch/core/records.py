"""What the books are made of: frozen records with integer ids. Times are microseconds since 1970 (UTC).

A record belongs to a *terminal* (desk, batches, journal rows by message, tombstones) or to a *holder* (cards,
accounts); the rest is shared and only added to. See DESIGN "two owners, two locks".
"""

from __future__ import annotations

from enum import Enum
from fractions import Fraction

import msgspec

from specs import limits
from specs.outcomes import ACCEPTED, Outcome
from specs.transaction import VOIDS, Kind, MessageClass, Reply, Total


class Right(Enum):
    """What a terminal may do (WIRE.md section 1, "Who may speak")."""

    ACTIVATE = "activate"
    RELOAD = "reload"
    REDEEM = "redeem"
    SALE = "sale"
    RETURN = "return"
    VOID = "void"
    POINTS_REDEEM = "points_redeem"
    ENROL = "enrol"
    BALANCE = "balance"
    PREVIEW = "preview"
    SETTLEMENT = "settlement"  # 0500 with totals, and the uploads that belong to it
    CASH_OUT = "cash_out"
    REFUND_WITHOUT_ORIGINAL = "refund_without_original"
    TRANSFER = "transfer"
    POINTS_PURCHASE = "points_purchase"
    BLOCK = "block"
    UNBLOCK = "unblock"
    CLEAR = "clear"  # closing a batch whatever is in it
    OFFLINE_LOADS = "offline_loads"


#: To be granted one by one; a new terminal may do the rest.
GRANTED = frozenset(
    {
        Right.CASH_OUT,
        Right.REFUND_WITHOUT_ORIGINAL,
        Right.TRANSFER,
        Right.POINTS_PURCHASE,
        Right.BLOCK,
        Right.UNBLOCK,
        Right.CLEAR,
        Right.OFFLINE_LOADS,
    }
)
DEFAULT_RIGHTS = tuple(right for right in Right if right not in GRANTED)


class Merchant(msgspec.Struct, frozen=True):
    id: int
    merchant_id: str
    name: str
    stores: tuple[str, ...] = ()
    time_zone: str = "UTC"  # of its business day
    day_ends: str = ""  # hhmm by its own clock: what is in open batches then is settled by the host; empty: never


class Terminal(msgspec.Struct, frozen=True):
    """A terminal is known by merchant and terminal id, never by its socket. `merchant` is Merchant.id."""

    id: int
    merchant: int
    merchant_id: str
    terminal_id: str
    store: str
    currency: str
    time_zone: str = "UTC"
    currencies: tuple[str, ...] = ()  # others it may ask in
    rights: tuple[Right, ...] = DEFAULT_RIGHTS
    partial: bool = False
    texts: bool = False
    explicit_open: bool = False
    echo_seconds: int = 300
    settle_at: str = "2330"  # hhmm, store time: when it is to close its day
    listener: str = ""  # where it is expected, for people and demo.json
    nii: str = ""
    active: bool = True


class Desk(msgspec.Struct, frozen=True):
    """What the switch remembers of one application of one terminal: its STAN count and its open batch."""

    terminal: int
    application: str
    stan_count: int = 0  # one more at each logon and each close by the terminal: a new count of STANs
    batch: int = 0  # Batch.id of the open one, 0 = none
    last_number: int = 0  # of the newest batch, open or closed
    awaiting: int = 0  # Batch.id of the one that was last answered "totals": uploads belong to it, also late ones
    closed: int = 0  # Batch.id of the one the terminal closed last


class Closer(Enum):
    TERMINAL = "terminal"
    HOST = "host"


#: Blocks of totals that transactions count in; the fifth and sixth of a settlement are always nothing.
NO_TOTALS = (Total(),) * 4


class Batch(msgspec.Struct, frozen=True):
    """A batch, or a part of one: at its end of day the host settles what is there, and the terminal's batch goes on.

    The parts of one batch have the same number; all but the first name it in `first`, and bring along in `carried` the
    totals of those before them. What a part counts may be negative: it undoes what stands in an earlier one.
    """

    id: int
    terminal: int
    application: str
    number: int
    named: bool  # a message of the terminal has named it
    opened_at: int
    closed_at: int | None = None
    closed_by: Closer | None = None  # of a part: TERMINAL as soon as the terminal has closed the whole
    reason: str = ""
    merchant: int = 0
    currency: str = ""  # the terminal's when it opened: what is in another one does not count
    totals: tuple[Total, ...] = NO_TOTALS  # of what it holds that is not undone; frozen when it closes
    carried: tuple[Total, ...] = NO_TOTALS
    claimed: tuple[Total, ...] | None = None  # by the newest settlement; while open: it awaits upload
    first: int = 0  # Batch.id of the first part, if this is another

    @property
    def whole(self) -> int:
        """What is the same for all its parts."""
        return self.first or self.id

    @property
    def booked(self) -> tuple[Total, ...]:
        """The totals of all parts so far."""
        pairs = zip(self.carried, self.totals, strict=True)
        return tuple(Total(a.count + b.count, a.amount + b.amount) for a, b in pairs)


class Settlement(msgspec.Struct, frozen=True):
    """A merchant's account for a business day: all that was booked for it from `since` until before `until`.

    Each row of the journal belongs to one settlement of its merchant. What is in it, is read from the journal.
    """

    id: int
    merchant: int
    number: int  # of this merchant's, from 1
    day: str  # ISO 8601
    since: int
    until: int


class Count(msgspec.Struct, frozen=True, array_like=True):
    """What a row adds to one block of an open batch's totals; negative where it undoes something."""

    batch: int
    block: int
    count: int
    amount: int


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


class AccountKind(Enum):
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


class Entry(msgspec.Struct, frozen=True):
    """One signed amount of a row. A holder's account also keeps its balance afterwards and the entry's sequence."""

    account: int
    currency: str
    amount: int
    balance_after: int | None = None
    sequence: int | None = None


class EarnPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """Part of a sale that earned by one rule: `points` for each `money`. In a return `base` is what was given back."""

    rule: str
    base: int  # in the sale's currency
    money: int  # in minor units of the scheme's currency
    points: int
    skus: tuple[str, ...] = ()  # what was bought in it, where there is another part


class Given(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a return gave back of one redemption: its worth in money, and points into lots."""

    redemption: int  # Row.id
    worth: int
    points: tuple[tuple[int, int], ...]  # account and points


class Deed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a points row has to remember so that it can be returned or undone without its day's programme."""

    earned: int = 0  # put on by a sale, taken back by a return
    cost: int = 0  # what the merchant paid for that, in the row's currency; given back by a return
    parts: tuple[EarnPart, ...] = ()
    rounding: str = ""
    rate: str = ""  # scheme's minor units per row's, "n/d"
    point_cost: str = ""  # the merchant's, in the row's minor units per point, "n/d"
    taken: tuple[tuple[int, int], ...] = ()  # account and points of a redemption, in the order they were taken
    given: tuple[Given, ...] = ()


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One decided message in the journal. Never edited, never deleted. Seals leave out what has its default, so that
    a field added later changes no seal of the rows before it.

    `original` is the row it refers to, `root` the first of that chain: all rows that can decide whether one of them is
    live have the same root. `amount` is what was approved, in the terminal's currency.
    """

    id: int
    kind: Kind
    message_class: MessageClass
    outcome: Outcome
    reason: str
    terminal: int
    merchant: int
    store: str
    application: str
    batch: int
    stan: int
    stan_count: int
    rrn: str
    decided_at: int
    programme: int
    listener: str
    root: int
    original: int = 0
    holder: int = 0
    card_hash: str = ""
    card_id: int = 0
    asked: int = 0
    amount: int = 0
    currency: str = ""
    card_amount: int = 0
    card_currency: str = ""
    rate: str = ""  # target per source minor unit, "n/d"; empty = same currency
    sent_batch: int | None = None
    sent_at: int | None = None  # DE12 and DE13 with a year: seconds since 1970, in the store's own time
    receipt: str | None = None
    reference: str | None = None  # the sender's own, a DE37 that names no original
    reply: Reply | None = None
    daemon: str = ""
    seal: int = 0
    other_holder: int = 0  # who received a transfer
    deed: Deed | None = None
    counts: tuple[Count, ...] = ()  # in the totals of open batches
    late: bool = False  # it moved something of a batch that was closed already
    claimed: tuple[Total, ...] | None = None  # by a settlement
    original_class: MessageClass | None = None  # of an upload: the MTI of what it tells of
    matched: int = 0  # of an upload: the row it tells of, which the switch has known
    event: str | None = None  # the caller's own id of an award
    entries: tuple[Entry, ...] = ()

    @property
    def accepted(self) -> bool:
        return self.outcome in ACCEPTED

    @property
    def fraction(self) -> Fraction:
        """`rate` as a number."""
        return Fraction(self.rate or 1)

    @property
    def took_effect(self) -> bool:
        """It did something to a card, so that there is something to undo or to refund."""
        return self.accepted and self.card_id != 0

    @property
    def is_undo(self) -> bool:
        """It takes back what `original` did: a void, or a reversal that found something."""
        return self.original != 0 and (self.message_class is MessageClass.REVERSAL or self.kind in VOIDS)


class Tombstone(msgspec.Struct, frozen=True):
    """A reversal that found nothing, remembered so that its original moves nothing when it comes late."""

    id: int
    terminal: int
    application: str
    card_hash: str
    kind: Kind
    amount: int
    stan: int
    batch: int | None
    receipt: str | None
    expires_at: int


class Tally(msgspec.Struct, frozen=True):
    """`count` more refusals for `scope` in the minute `bucket`; only ever added to."""

    scope: str
    bucket: int
    count: int


class Seal(msgspec.Struct, frozen=True):
    """One committed group of a daemon: HMAC over the seal before it and the group's rows."""

    daemon: str
    number: int
    count: int
    sealed_at: int
    mac: bytes


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


class ProgrammeText(msgspec.Struct, frozen=True):
    """A version of the programme file, as it was applied."""

    version: int
    text: str
    applied_at: int


def system_account(kind: AccountKind, owner: int, currency: str) -> int:
    """The id of an account nobody has to read: negative, and the same in every daemon without asking.

    Args:
        owner: Merchant.id, or 0 for the programme itself.
        currency: ISO 4217 numeric, or the unit of points.
    """
    return -((owner << 16) | (int(currency) << 4) | _SYSTEM_KINDS.index(kind) + 1)


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
