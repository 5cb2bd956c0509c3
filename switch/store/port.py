"""What the switch asks of a store. Whole groups only: load what they need, commit what they changed.

Balances are read through `load` only, ids and references are made before the commit, nothing is made by the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from specs import limits
from switch.core.clock import DAY
from switch.core.decision import Changes
from switch.core.deliveries import Delivery
from switch.core.holdings import Account, AccountKind, Card, Notice
from switch.core.journal import Entry, Pending, ProgrammeText, Row, Seal, Tally
from switch.core.merchants import Batch, Merchant, Settlement, Terminal
from switch.core.needs import Needs
from switch.core.presence import Presence
from switch.core.workset import Day, Workset

#: Deliveries so old are nobody's: their webhook is not in the configuration any more.
OLD_NEWS = (limits.WEBHOOK_DAYS + 1) * DAY


class StoreError(Exception):
    """What a store can fail with; the text names no card."""


class Conflict(StoreError):
    """Another daemon was there: load and decide the group again."""


class Unavailable(StoreError):
    """Nothing was written (disk full, database away): wait and try again."""


class Lost(StoreError):
    """Whether something was written is not known: only a restart tells."""


class JournalFilter(msgspec.Struct, frozen=True):
    """What to look for in the journal; all that is given must fit. Times in microseconds, ends excluded."""

    rrn: str | None = None
    card_hash: str | None = None
    terminal: int | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 100


class OpenBatch(msgspec.Struct, frozen=True):
    """A batch that is open, and whose it is. `opened_at` is that of its first part."""

    batch: Batch
    merchant_id: str
    terminal_id: str
    opened_at: int


class Station(msgspec.Struct, frozen=True):
    """A terminal, and what is known of its being there."""

    terminal: Terminal
    presence: Presence


class Liability(msgspec.Struct, frozen=True):
    """Points of one unit with the same dates, of all members together."""

    unit: str
    kind: AccountKind
    available_from: str
    expires_on: str
    points: int
    lots: int


class Store(Protocol):
    """Used from one thread at a time. `load` begins a transaction that `commit` or `rollback` ends."""

    def load(self, needs: Sequence[Needs], now: int) -> Workset:
        """The records that `needs` name, their owners locked.

        Raises:
            Conflict, Unavailable: nothing is locked any more.
        """

    def commit(self, changes: Changes, seal: Seal | None) -> None:
        """Write a group durably, or nothing of it.

        Raises:
            Conflict, Unavailable: nothing was written. Lost: nobody knows.
        """

    def rollback(self) -> None:
        """Forget what `load` began."""

    def numbers(self, count: int) -> range:
        """`count` ids nobody has had before; durable before it returns, outside any group.

        Raises:
            Conflict, Unavailable: none were given. Lost: as for `commit`.
        """

    def programme(self) -> ProgrammeText | None:
        """The newest version."""

    def programmes(self, since: int) -> list[ProgrammeText]:
        """The versions that were in force at any time since, oldest first."""

    def last_seal(self, daemon: str) -> Seal | None: ...

    def merchants(self) -> list[Merchant]: ...

    def stations(self, after: int, limit: int) -> list[Station]:
        """Terminals with ids above `after`, in order, and when each was seen."""

    def open_batches(self, after: int, limit: int) -> list[OpenBatch]:
        """Open batches with ids above `after`, in order."""

    def unsettled(self) -> dict[str, Day]:
        """By merchant id, where those stand that have closed batches since their last settlement."""

    def expired_lots(self, day: str, still_since: int, after: tuple[str, int], limit: int) -> list[Account]:
        """Lots with points whose last day is before `day` and that nothing has moved since, by last day and id.

        Args:
            after: The last day and id of the lot they come after.
        """

    def claim_deliveries(self, webhook: str, now: int, until: int, limit: int) -> list[Delivery]:
        """The oldest that are due, one try counted; nobody else gets them before `until`.

        Raises:
            Conflict, Unavailable: none were given.
        """

    def settle_deliveries(self, webhook: str, done: Sequence[str], again: Sequence[tuple[str, int]]) -> None:
        """Forget what was delivered or given up; the others are due again at their times.

        Raises:
            Conflict, Unavailable: nothing was written; they come again.
        """

    def count_deliveries(self, webhook: str) -> tuple[int, int]:
        """How many wait, and when the oldest was made (0: none)."""

    def overdue(self, now: int, limit: int) -> list[Pending]:
        """What was to be confirmed by `now` and has not been, the oldest first."""

    def forget(self, now: int) -> int:
        """Delete what has outlived its use (old tallies, expired tombstones), a slice at a time; how many went.

        None while the store is away or somebody else is at them: it can wait.
        """

    def close(self) -> None: ...


class Reader(Protocol):
    """The books for people and for the audit: all that is read is one snapshot.

    What grows with the years comes as an iterator or in pages, so that no reader has to hold all of it.
    """

    def programme(self) -> ProgrammeText | None: ...

    def programme_at(self, version: int) -> ProgrammeText | None: ...

    def merchants(self) -> list[Merchant]: ...

    def terminals(self) -> list[Terminal]: ...

    def stations(self, after: int, limit: int) -> list[Station]: ...

    def cards(self, after: int, limit: int) -> list[Card]:
        """Cards with ids above `after`, in order."""

    def card(self, card_hash: str) -> tuple[Card, Account] | None: ...

    def member(self, holder: int) -> tuple[list[Card], list[Account]]:
        """All cards and all accounts of a holder, empty lots among them; by id."""

    def liability(self) -> list[Liability]:
        """What members hold of each kind of points, by its dates; debts as one line without dates."""

    def notices(self, limit: int) -> list[Notice]:
        """What the holders of main cards are still to be told, oldest first."""

    def count_cards(self, product: str) -> int: ...

    def journal(self, wanted: JournalFilter) -> list[Row]:
        """Rows that fit, newest first."""

    def rows(self) -> Iterator[Row]:
        """The whole journal, in the order of its seals: by daemon, seal and id."""

    def families(self, roots: Sequence[int]) -> list[Row]:
        """All rows that have one of these roots, by id."""

    def seals(self) -> Iterator[Seal]:
        """All seals, by daemon and number."""

    def seals_after(self, daemon: str, number: int, limit: int) -> list[Seal]:
        """The seals of one daemon with numbers above `number`, in order."""

    def accounts(self) -> Iterator[Account]:
        """All accounts with their balances; those nobody reads have ids below zero and no holder."""

    def histories(self) -> Iterator[tuple[Account, list[Entry]]]:
        """All accounts by id, each holder's with all its entries in sequence."""

    def batches(self, terminal: int) -> list[Batch]: ...

    def open_batches(self, after: int, limit: int) -> list[OpenBatch]: ...

    def settlements(self, merchant: int | None = None) -> list[Settlement]:
        """Of one merchant or of all, newest first."""

    def settled_rows(self, merchant: int, since: int, until: int) -> Iterator[Row]:
        """The rows of a merchant decided in a time, by id; and those of others that moved something of a closed batch,
        as it may have been this merchant's."""

    def closed_batches(self, merchant: int, since: int, until: int) -> list[Batch]:
        """Of a merchant, closed in a time; by id."""

    def batches_of(self, ids: Sequence[int]) -> list[Batch]: ...

    def batch_rows(self, ids: Sequence[int]) -> list[Row]:
        """The rows of these batches, by id."""

    def products(self, cards: Sequence[int]) -> dict[int, str]:
        """Product of each card, by Card.id."""

    def all_batches(self) -> Iterator[Batch]:
        """Every batch, by id."""

    def parts(self) -> Iterator[Batch]:
        """The parts of batches that have several: by first part, oldest first."""

    def tallies(self) -> list[Tally]: ...

    def movements(self, holder: int, since: int, limit: int) -> list[Row]:
        """Rows that moved something of a holder's, newest first."""

    def expired_lots(self, day: str, still_since: int, after: tuple[str, int], limit: int) -> list[Account]: ...

    def credits(self) -> Iterator[tuple[Account, list[tuple[int, int]]]]:
        """Accounts of points that are not empty by id, with the times and points of what was put on, newest first."""

    def backup(self, path: str) -> None:
        """A consistent copy of the books while they are in use.

        Raises:
            StoreError: this kind of store is backed up by its own tools.
        """

    def close(self) -> None: ...
