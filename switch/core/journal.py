"""What has been decided: frozen records that are only ever added. Times are microseconds since 1970 (UTC)."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import msgspec

from specs.outcomes import ACCEPTED, Outcome
from specs.transaction import VOIDS, Kind, MessageClass, Reply, Total
from switch.core.holdings import Account, AccountKind
from switch.core.merchants import Count


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


class Opened(msgspec.Struct, frozen=True, array_like=True):
    """An account of points that a row opened, so that the journal tells whose it is and when it ends."""

    account: int
    kind: AccountKind
    holder: int
    available_from: str = ""
    expires_on: str = ""


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
    opened: tuple[Opened, ...] = ()


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
    event: str | None = None  # the caller's own id of an award
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


def told_opened(row: Row, accounts: Iterable[Account]) -> Row:
    """The row with the accounts it opened in its deed."""
    opened = tuple(Opened(one.id, one.kind, one.holder, one.available_from, one.expires_on) for one in accounts)
    return (
        msgspec.structs.replace(row, deed=msgspec.structs.replace(row.deed or Deed(), opened=opened)) if opened else row
    )


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


class Pending(msgspec.Struct, frozen=True):
    """An approved transaction whose sender has to confirm the answer; with what it takes to undo it if it does not.

    `id` is that of its row.
    """

    id: int
    until: int
    merchant_id: str
    terminal_id: str
    application: str
    listener: str
    kind: Kind  # of the reversal
    stan: int
    rrn: str
    card_hash: str


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
