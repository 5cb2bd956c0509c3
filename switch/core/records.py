"""What the books are made of: frozen records with integer ids. Times are microseconds since 1970 (UTC).

A record belongs to a *terminal* (desk, batches, journal rows by message, tombstones) or to a *holder* (cards,
accounts); the rest is shared and only added to. See DESIGN "two owners, two locks".
"""

from __future__ import annotations

from enum import Enum
from fractions import Fraction

import msgspec

from specs.outcomes import ACCEPTED, Outcome
from specs.transaction import VOIDS, Kind, MessageClass, Reply, Total


class Right(Enum):
    """What a terminal may do (WIRE.md section 1, "Who may speak")."""

    ACTIVATE = "activate"
    RELOAD = "reload"
    REDEEM = "redeem"
    RETURN = "return"
    VOID = "void"
    BALANCE = "balance"
    CASH_OUT = "cash_out"
    REFUND_WITHOUT_ORIGINAL = "refund_without_original"
    BLOCK = "block"
    UNBLOCK = "unblock"
    OFFLINE_LOADS = "offline_loads"
    SETTLEMENT = "settlement"  # 0500 with totals, and the uploads that belong to it
    CLEAR = "clear"  # closing a batch whatever is in it


#: What a new terminal may do; the others are to be granted.
DEFAULT_RIGHTS = (
    Right.ACTIVATE,
    Right.RELOAD,
    Right.REDEEM,
    Right.RETURN,
    Right.VOID,
    Right.BALANCE,
    Right.SETTLEMENT,
)


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


class Card(msgspec.Struct, frozen=True):
    """A card number and what it opens. `hash` finds it, `sealed_pan` is the encrypted number for the owner's eyes."""

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


class AccountKind(Enum):
    CARD = "card"
    CLEARING = "clearing"  # what a merchant is owed (+) or owes (-)
    UNCOVERED = "uncovered"  # what had to be booked for a merchant but was not there
    EXCHANGE = "exchange"


class Account(msgspec.Struct, frozen=True):
    """A holder's account: read under the holder's lock, never below zero. `entries` counts what was posted to it."""

    id: int
    kind: AccountKind
    holder: int
    currency: str
    balance: int = 0
    entries: int = 0


class Entry(msgspec.Struct, frozen=True):
    """One signed amount of a row. A holder's account also keeps its balance afterwards and the entry's sequence."""

    account: int
    currency: str
    amount: int
    balance_after: int | None = None
    sequence: int | None = None


class Row(msgspec.Struct, frozen=True):
    """One decided message in the journal. Never edited, never deleted.

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
    counts: tuple[Count, ...] = ()  # in the totals of open batches
    late: bool = False  # it moved something of a batch that was closed already
    claimed: tuple[Total, ...] | None = None  # by a settlement
    original_class: MessageClass | None = None  # of an upload: the MTI of what it tells of
    matched: int = 0  # of an upload: the row it tells of, which the switch has known
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


class ProgrammeText(msgspec.Struct, frozen=True):
    """A version of the programme file, as it was applied."""

    version: int
    text: str
    applied_at: int


def system_account(kind: AccountKind, owner: int, currency: str) -> int:
    """The id of an account nobody has to read: negative, and the same in every daemon without asking.

    Args:
        owner: Merchant.id, or 0 for the programme itself.
        currency: ISO 4217 numeric.
    """
    return -((owner << 16) | (int(currency) << 4) | _SYSTEM_KINDS.index(kind) + 1)


def describe_account(account: int) -> tuple[AccountKind, int, str]:
    """Kind, owner and currency of a system account's id; the inverse of `system_account`."""
    number = -account
    return _SYSTEM_KINDS[(number & 15) - 1], number >> 16, f"{(number >> 4) & 0xFFF:03d}"


_SYSTEM_KINDS = (AccountKind.CLEARING, AccountKind.UNCOVERED, AccountKind.EXCHANGE)
