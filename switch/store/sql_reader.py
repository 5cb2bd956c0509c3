"""What is read of the books at leisure, for people, the audit and the clock; see `port.Reader`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from switch.core.holdings import Account, AccountKind, Card, Notice
from switch.core.journal import Entry, Pending, ProgrammeText, Row, Seal, Tally
from switch.core.merchants import Batch, Merchant, Settlement, Terminal
from switch.core.presence import Presence
from switch.core.workset import Day
from switch.store.database import Database
from switch.store.loading_rows import with_entries
from switch.store.members import read_expired_lots, read_movements, stream_credits
from switch.store.port import JournalFilter, Liability, OpenBatch, Station
from switch.store.tables import (
    ACCOUNTS,
    BATCHES,
    CARDS,
    DAYS,
    ENTRIES,
    JOURNAL,
    MERCHANTS,
    NOTICES,
    PENDINGS,
    PRESENCES,
    PROGRAMMES,
    SEALS,
    SETTLEMENTS,
    TERMINALS,
)

CHUNK = 500  # rows read together with their entries


class SQLReader:
    """Readers over a Database; see `port.Reader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def programme(self) -> ProgrammeText | None:
        newest = self._database.read(PROGRAMMES, "p", "programmes p ORDER BY p.version DESC LIMIT 1")
        return newest[0] if newest else None

    def programmes(self, since: int) -> list[ProgrammeText]:
        first = "coalesce((SELECT max(version) FROM programmes WHERE applied_at <= ?), 0)"
        sql = f"programmes p WHERE p.version >= {first} ORDER BY p.version"
        return self._database.read(PROGRAMMES, "p", sql, (since,))

    def programme_at(self, version: int) -> ProgrammeText | None:
        found = self._database.read(PROGRAMMES, "p", "programmes p WHERE p.version = ?", (version,))
        return found[0] if found else None

    def last_seal(self, daemon: str) -> Seal | None:
        sql = "seals s WHERE s.daemon = ? ORDER BY s.number DESC LIMIT 1"
        newest = self._database.read(SEALS, "s", sql, (daemon,))
        return newest[0] if newest else None

    def merchants(self) -> list[Merchant]:
        return self._database.read(MERCHANTS, "m", "merchants m ORDER BY m.merchant_id")

    def terminals(self) -> list[Terminal]:
        return self._database.read(TERMINALS, "t", "terminals t ORDER BY t.merchant_id, t.terminal_id")

    def stations(self, after: int, limit: int) -> list[Station]:
        sql = (
            f"SELECT {TERMINALS.select('t')}, {PRESENCES.select('p')} FROM terminals t "
            "LEFT JOIN presences p ON p.terminal = t.id WHERE t.id > ? ORDER BY t.id LIMIT ?"
        )
        width = len(TERMINALS.columns)
        rows = self._database.fetch(sql, (after, limit))
        return [
            Station(
                TERMINALS.from_row(row[:width]),
                PRESENCES.from_row(row[width:]) if row[width] is not None else Presence(row[0]),
            )
            for row in rows
        ]

    def cards(self, after: int, limit: int) -> list[Card]:
        return self._database.read(CARDS, "c", "cards c WHERE c.id > ? ORDER BY c.id LIMIT ?", (after, limit))

    def card(self, card_hash: str) -> tuple[Card, Account] | None:
        cards = self._database.read(CARDS, "c", "cards c WHERE c.hash = ?", (card_hash,))
        if not cards:
            return None
        return cards[0], self._database.read(ACCOUNTS, "a", "accounts a WHERE a.id = ?", (cards[0].account,))[0]

    def member(self, holder: int) -> tuple[list[Card], list[Account]]:
        cards = self._database.read(CARDS, "c", "cards c WHERE c.holder = ? ORDER BY c.id", (holder,))
        sql = "accounts a WHERE a.holder = ? AND a.holder > 0 ORDER BY a.id"
        return cards, self._database.read(ACCOUNTS, "a", sql, (holder,))

    def liability(self) -> list[Liability]:
        rows = self._database.fetch(
            "SELECT currency, kind, available_from, expires_on, sum(balance), count(*) FROM accounts "
            "WHERE kind IN ('lot', 'debt') AND balance <> 0 "
            "GROUP BY currency, kind, available_from, expires_on ORDER BY 1, 2, 3, 4"
        )
        return [
            Liability(unit, AccountKind(kind), available, expires, int(points), lots)
            for unit, kind, available, expires, points, lots in rows
        ]

    def notices(self, limit: int) -> list[Notice]:
        return self._database.read(
            NOTICES, "o", "outbox o WHERE o.sent_at IS NULL ORDER BY o.created_at, o.id LIMIT ?", (limit,)
        )

    def count_cards(self, product: str) -> int:
        count: int = self._database.fetch("SELECT count(*) FROM cards WHERE product = ?", (product,))[0][0]
        return count

    def journal(self, wanted: JournalFilter) -> list[Row]:
        given = {
            "j.rrn = ?": wanted.rrn,
            "j.card_hash = ?": wanted.card_hash,
            "j.terminal = ?": wanted.terminal,
            "j.decided_at >= ?": wanted.since,
            "j.decided_at < ?": wanted.until,
        }
        chosen = {text: value for text, value in given.items() if value is not None}
        sql = f"journal j WHERE {' AND '.join(['1 = 1', *chosen])} ORDER BY j.decided_at DESC, j.id DESC LIMIT ?"
        return with_entries(self._database, self._database.read(JOURNAL, "j", sql, (*chosen.values(), wanted.limit)))

    def rows(self) -> Iterator[Row]:
        chunk: list[Row] = []
        sql = f"SELECT {JOURNAL.select('j')} FROM journal j ORDER BY j.daemon, j.seal, j.id"
        for columns in self._database.stream(sql):
            chunk.append(JOURNAL.from_row(columns))
            if len(chunk) == CHUNK:
                yield from with_entries(self._database, chunk)
                chunk = []
        yield from with_entries(self._database, chunk)

    def families(self, roots: Sequence[int]) -> list[Row]:
        sql = "KEYS k JOIN journal j ON j.root = {0:bigint} ORDER BY j.id"
        return with_entries(self._database, self._database.pick(JOURNAL, "j", sql, [(root,) for root in roots]))

    def seals(self) -> Iterator[Seal]:
        sql = f"SELECT {SEALS.select('s')} FROM seals s ORDER BY s.daemon, s.number"
        return (SEALS.from_row(columns) for columns in self._database.stream(sql))

    def seals_after(self, daemon: str, number: int, limit: int) -> list[Seal]:
        sql = "seals s WHERE s.daemon = ? AND s.number > ? ORDER BY s.number LIMIT ?"
        return self._database.read(SEALS, "s", sql, (daemon, number, limit))

    def accounts(self) -> Iterator[Account]:
        sql = f"SELECT {ACCOUNTS.select('a')} FROM accounts a ORDER BY a.id"
        return (ACCOUNTS.from_row(columns) for columns in self._database.stream(sql))

    def histories(self) -> Iterator[tuple[Account, list[Entry]]]:
        sql = (
            f"SELECT {ACCOUNTS.select('a')}, {ENTRIES.select('e')} FROM accounts a LEFT JOIN entries e "
            "ON e.account = a.id AND e.sequence IS NOT NULL ORDER BY a.id, e.sequence"
        )
        width = len(ACCOUNTS.columns)
        for columns, rows in itertools.groupby(self._database.stream(sql), key=lambda row: row[:width]):
            entries = [row[width:] for row in rows]
            yield ACCOUNTS.from_row(columns), [ENTRIES.from_row(entry) for entry in entries if entry[0] is not None]

    def batches(self, terminal: int) -> list[Batch]:
        return self._database.read(
            BATCHES, "b", "batches b WHERE b.terminal = ? ORDER BY b.opened_at DESC", (terminal,)
        )

    def open_batches(self, after: int, limit: int) -> list[OpenBatch]:
        sql = (
            "SELECT t.merchant_id, t.terminal_id, coalesce(f.opened_at, b.opened_at), "
            f"{BATCHES.select('b')} FROM batches b JOIN terminals t ON t.id = b.terminal "
            "LEFT JOIN batches f ON f.id = b.first WHERE b.closed_at IS NULL AND b.id > ? ORDER BY b.id LIMIT ?"
        )
        rows = self._database.fetch(sql, (after, limit))
        return [
            OpenBatch(BATCHES.from_row(columns), *whose) for *whose, columns in ((*row[:3], row[3:]) for row in rows)
        ]

    def unsettled(self) -> dict[str, Day]:
        return {row[0]: Day(*row[1:]) for row in self._database.fetch(DAYS.format("merchants m"))}

    def settlements(self, merchant: int | None = None) -> list[Settlement]:
        where, parameters = ("WHERE s.merchant = ?", (merchant,)) if merchant is not None else ("", ())
        return self._database.read(
            SETTLEMENTS, "s", f"settlements s {where} ORDER BY s.until DESC, s.id DESC", parameters
        )

    def settled_rows(self, merchant: int, since: int, until: int) -> Iterator[Row]:
        between = "j.decided_at >= ? AND j.decided_at < ?"
        sql = (
            f"SELECT {JOURNAL.select('j')} FROM journal j WHERE j.merchant = ? AND {between} "
            f"UNION ALL SELECT {JOURNAL.select('j')} FROM journal j WHERE j.late = 1 AND j.merchant <> ? AND {between} "
            "ORDER BY id"
        )
        rows = self._database.fetch(sql, (merchant, since, until, merchant, since, until))
        for start in range(0, len(rows), CHUNK):
            yield from with_entries(self._database, [JOURNAL.from_row(row) for row in rows[start : start + CHUNK]])

    def closed_batches(self, merchant: int, since: int, until: int) -> list[Batch]:
        sql = "batches b WHERE b.merchant = ? AND b.closed_at >= ? AND b.closed_at < ? ORDER BY b.id"
        return self._database.read(BATCHES, "b", sql, (merchant, since, until))

    def batches_of(self, ids: Sequence[int]) -> list[Batch]:
        keys = [(number,) for number in ids]
        return self._database.pick(BATCHES, "b", "KEYS k JOIN batches b ON b.id = {0:bigint} ORDER BY b.id", keys)

    def batch_rows(self, ids: Sequence[int]) -> list[Row]:
        sql = "KEYS k JOIN journal j ON j.batch = {0:bigint} ORDER BY j.id"
        rows = self._database.pick(JOURNAL, "j", sql, [(number,) for number in ids])
        return with_entries(self._database, rows)

    def products(self, cards: Sequence[int]) -> dict[int, str]:
        sql = "SELECT c.id, c.product FROM KEYS k JOIN cards c ON c.id = {0:bigint}"
        return {row[0]: row[1] for row in self._database.keyed(sql, [(number,) for number in cards])}

    def all_batches(self) -> Iterator[Batch]:
        sql = f"SELECT {BATCHES.select('b')} FROM batches b ORDER BY b.id"
        return (BATCHES.from_row(columns) for columns in self._database.stream(sql))

    def parts(self) -> Iterator[Batch]:
        sql = f"SELECT {BATCHES.select('b')} FROM batches b WHERE b.first > 0 ORDER BY b.first, b.opened_at"
        return (BATCHES.from_row(columns) for columns in self._database.stream(sql))

    def tallies(self) -> list[Tally]:
        rows = self._database.fetch("SELECT scope, bucket, count FROM tallies ORDER BY scope, bucket")
        return [Tally(*row) for row in rows]

    def movements(self, holder: int, since: int, limit: int) -> list[Row]:
        return read_movements(self._database, holder, since, limit)

    def expired_lots(self, day: str, still_since: int, after: tuple[str, int], limit: int) -> list[Account]:
        return read_expired_lots(self._database, day, still_since, after, limit)

    def overdue(self, now: int, limit: int) -> list[Pending]:
        found = f"pendings p WHERE p.until <= {now:d} ORDER BY p.until, p.id LIMIT {limit:d}"
        return self._database.read(PENDINGS, "p", found)

    def credits(self) -> Iterator[tuple[Account, list[tuple[int, int]]]]:
        return stream_credits(self._database)
