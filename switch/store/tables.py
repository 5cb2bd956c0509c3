"""Which record is in which table."""

from __future__ import annotations

import msgspec

from switch.core.holdings import Account, Card, Notice
from switch.core.journal import Entry, ProgrammeText, Row, Seal, Tombstone
from switch.core.merchants import NO_TOTALS, Batch, Desk, Merchant, Settlement, Terminal
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
SEALS = Mapping(Seal, "seals", ("daemon", "number"))
NOTICES = Mapping(Notice, "outbox", ("id",))
SETTLEMENTS = Mapping(Settlement, "settlements", ("id",))
NOTHING = msgspec.json.encode(NO_TOTALS).decode()  # as the column holds it
PROGRAMMES = Mapping(ProgrammeText, "programmes", ("version",))
