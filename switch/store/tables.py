"""Which record is in which table."""

from __future__ import annotations

from switch.core.deliveries import Delivery
from switch.core.holdings import Account, Card, Notice
from switch.core.journal import Entry, Pending, ProgrammeText, Row, Seal, Tombstone
from switch.core.merchants import Batch, Desk, Merchant, Settlement, Terminal
from switch.core.presence import Presence
from switch.store.mapping import Mapping

MERCHANTS = Mapping(Merchant, "merchants", ("id",))
TERMINALS = Mapping(Terminal, "terminals", ("id",))
DESKS = Mapping(Desk, "desks", ("terminal", "application"))
BATCHES = Mapping(Batch, "batches", ("id",))
CARDS = Mapping(Card, "cards", ("id",))
ACCOUNTS = Mapping(Account, "accounts", ("id",))
JOURNAL = Mapping(Row, "journal", ("id",), leave_out=("entries",))
ENTRIES = Mapping(Entry, "entries", ("row_id", "account"))
TOMBSTONES = Mapping(Tombstone, "tombstones", ("id",))
PENDINGS = Mapping(Pending, "pendings", ("id",))
SEALS = Mapping(Seal, "seals", ("daemon", "number"))
NOTICES = Mapping(Notice, "outbox", ("id",))
SETTLEMENTS = Mapping(Settlement, "settlements", ("id",))
PRESENCES = Mapping(Presence, "presences", ("terminal",))
DELIVERIES = Mapping(Delivery, "deliveries", ("webhook", "id"))
PROGRAMMES = Mapping(ProgrammeText, "programmes", ("version",))

#: Of merchants `m` with batches closed since their last settlement: what `Day` says.
DAYS = (
    "SELECT m.merchant_id, coalesce((SELECT min(o.since) FROM batches o WHERE o.merchant = m.id "
    "AND o.closed_at IS NULL AND o.since > 0), 0), min(b.since), max(b.since) FROM {} "
    "JOIN batches b ON b.merchant = m.id AND b.since > 0 AND b.closed_at >= "
    "coalesce((SELECT max(until) FROM settlements WHERE merchant = m.id), 0) "
    "GROUP BY m.id, m.merchant_id ORDER BY m.merchant_id"
)
