"""What deciding a request comes to, and what a group of them writes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from specs.transaction import Reply
from switch.core.deliveries import Delivery
from switch.core.holdings import Account, Card, Notice
from switch.core.journal import Entry, Pending, ProgrammeText, Row, Tally, Tombstone
from switch.core.merchants import Batch, Desk, Merchant, Settlement, Terminal
from switch.core.presence import Presence, TerminalEvent


class Heard(msgspec.Struct, frozen=True):
    """A message was a sign of life of `terminal`; `skew`: seconds its clock is ahead, if the message says."""

    terminal: Terminal
    skew: int | None = None


class Decision(msgspec.Struct, frozen=True):
    """All that deciding one request came to: the answer, and what changes if the group commits."""

    reply: Reply
    row: Row | None = None
    accounts: tuple[Account, ...] = ()
    cards: tuple[Card, ...] = ()
    desks: tuple[Desk, ...] = ()
    batches: tuple[Batch, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    tallies: tuple[Tally, ...] = ()
    opened: tuple[Account, ...] = ()
    merchants: tuple[Merchant, ...] = ()
    terminals: tuple[Terminal, ...] = ()
    programme: ProgrammeText | None = None
    notices: tuple[Notice, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    told: dict[int, int] = {}  # notices that were sent, and when
    presences: tuple[Presence, ...] = ()
    terminal_events: tuple[TerminalEvent, ...] = ()
    heard: Heard | None = None
    pending: Pending | None = None
    resolved: tuple[int, ...] = ()  # ids of what was pending


class Changes(msgspec.Struct):
    """What one group writes, newest version of each record only."""

    rows: list[Row] = []
    accounts: dict[int, Account] = {}
    cards: dict[int, Card] = {}
    desks: dict[tuple[int, str], Desk] = {}
    batches: dict[int, Batch] = {}
    tombstones: list[Tombstone] = []
    tallies: list[Tally] = []
    merchants: dict[int, Merchant] = {}
    terminals: dict[int, Terminal] = {}
    programmes: list[ProgrammeText] = []
    notices: list[Notice] = []
    settlements: list[Settlement] = []
    told: dict[int, int] = {}
    presences: dict[int, Presence] = {}
    deliveries: list[Delivery] = []
    pendings: list[Pending] = []
    resolved: list[int] = []

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)


UPLOAD, EXCEPTION = "upload", "exception"


class BatchEvent(msgspec.Struct, frozen=True):
    """What happened to a batch, for the log and the metrics.

    Of an UPLOAD and an EXCEPTION, `detail` says which, and `rrn` of which transaction if it is about one; that may be
    in no batch.
    """

    event: str
    merchant_id: str
    terminal_id: str
    batch: Batch | None
    detail: str = ""
    rrn: str = ""


def check_entries(entries: Iterable[Entry]) -> None:
    """Entries of one row: none is zero, no account twice, and each currency adds up to zero.

    Raises:
        AssertionError: they do not.
    """
    sums: dict[str, int] = {}
    accounts = set()
    for entry in entries:
        assert entry.amount, "an entry of nothing"
        assert entry.account not in accounts, "an account posted to twice in a row"
        accounts.add(entry.account)
        sums[entry.currency] = sums.get(entry.currency, 0) + entry.amount
    assert not any(sums.values()), "a row that does not balance"
