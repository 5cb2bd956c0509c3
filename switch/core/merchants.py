"""Who speaks with the switch, and in which batches: frozen records with integer ids.

Times are microseconds since 1970 (UTC). A *terminal* owns its desk and batches; see DESIGN "two owners, two locks".
"""

from __future__ import annotations

from enum import Enum

import msgspec

from specs import limits
from specs.transaction import Acceptor, Total
from specs.words import Word


class Right(Word):
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
    CASH_BACK = "cash_back"  # money out of a gift card at a sale
    UNLOAD = "unload"  # value off a gift card, without goods
    OPENING_POINTS = "opening_points"  # points on a loyalty card as it is enrolled


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
        Right.CASH_BACK,
        Right.UNLOAD,
        Right.OPENING_POINTS,
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
    whole_only: bool = False  # never less than it asked for, whatever its messages say
    number: str = ""  # Acceptor.number, of a terminal that names itself so; unique
    acquirer: str = ""  # these three are compared where they are known
    agent_bank: str = ""
    agent_chain: str = ""
    answers_echo: bool = False  # it answers an 0800 of ours

    @property
    def batch_number_max(self) -> int:
        """Where the numbers of its batches begin again: those that go by a number send three digits."""
        return limits.BATCH_NUMBER_MAX_SHORT if self.number else limits.BATCH_NUMBER_MAX

    def may_take_less(self, asked: bool) -> bool:
        """Whether it gets part of an amount, where there is no more; `asked`: its message says that it can take it."""
        return (asked or self.partial) and not self.whole_only

    def is_named(self, acceptor: Acceptor) -> bool:
        """Whether what a message says of itself agrees with what is known."""
        said = (acceptor.acquirer, acceptor.agent_bank, acceptor.agent_chain)
        known = (self.acquirer, self.agent_bank, self.agent_chain)
        return all(one in ("", other) or not other for one, other in zip(said, known, strict=True))


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


#: Batch.reason: how it came to its end. The terminal does the first three, the host the others.
SETTLED, UPLOADED, CLEARED = "settled", "after upload", "cleared by terminal"
LEFT_BEHIND, END_OF_DAY = "left behind", "end of day"


#: Blocks of totals that transactions count in; the fifth and sixth of a settlement are always nothing.
BLOCK_NAMES = ("redeemed", "loaded", "sales", "returns")
NO_TOTALS = (Total(),) * len(BLOCK_NAMES)


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
    since: int = 0  # when it got its first transaction, whether or not that counts; 0: it is empty
    carried: tuple[Total, ...] = NO_TOTALS
    claimed: tuple[Total, ...] | None = None  # by the newest settlement; while open: it awaits upload
    first: int = 0  # Batch.id of the first part, if this is another
    captured: str = ""  # MMDD of the upload of all of it at once, if there was one

    @property
    def whole(self) -> int:
        """What is the same for all its parts."""
        return self.first or self.id

    @property
    def booked(self) -> tuple[Total, ...]:
        """The totals of all parts so far."""
        pairs = zip(self.carried, self.totals, strict=True)
        return tuple(Total(a.count + b.count, a.amount + b.amount) for a, b in pairs)

    @property
    def told(self) -> tuple[Total, ...]:
        """The same as messages have them: all six blocks, counts of three digits, amounts of twelve."""
        blocks = self.booked + (Total(),) * (max(limits.TOTALS_BLOCKS) - len(NO_TOTALS))
        most = limits.AMOUNT_MAX + 1
        return tuple(Total(block.count % limits.TOTALS_COUNT, block.amount % most) for block in blocks)

    @property
    def differs(self) -> bool:
        """Whether the terminal has claimed something else than this."""
        return any(one != other for one, other in zip(self.claimed or (), self.told, strict=False))


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
