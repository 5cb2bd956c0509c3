"""The books in SQL: what a group needs is loaded, what it changed is written at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from switch.core.clock import MINUTE
from switch.core.decision import Changes
from switch.core.deliveries import Delivery
from switch.core.holdings import Account, describe_account
from switch.core.journal import Seal
from switch.core.needs import Needs
from switch.core.workset import GUESS_MINUTES, Workset
from switch.store.loading import load
from switch.store.mapping import Mapping, Record
from switch.store.outbox import claim_deliveries, count_deliveries, settle_deliveries
from switch.store.port import OLD_NEWS, Conflict, Unavailable
from switch.store.sql_reader import SQLReader
from switch.store.tables import (
    ACCOUNTS,
    BATCHES,
    CARDS,
    DELIVERIES,
    DESKS,
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
    TOMBSTONES,
)


class SQLStore(SQLReader):
    """A Store over a Database; see `port.Store`."""

    def load(self, needs: Sequence[Needs], now: int) -> Workset:
        self._database.begin()
        return load(self._database, needs, now)

    def commit(self, changes: Changes, seal: Seal | None) -> None:
        self._insert(MERCHANTS, changes.merchants.values(), replace=True)
        self._insert(TERMINALS, changes.terminals.values(), replace=True)
        self._insert(PROGRAMMES, changes.programmes)
        self._insert(PRESENCES, changes.presences.values(), replace=True)
        self._insert(DESKS, changes.desks.values(), replace=True)
        self._insert(BATCHES, changes.batches.values(), replace=True)
        self._insert(JOURNAL, changes.rows)
        self._insert(TOMBSTONES, changes.tombstones)
        self._insert(PENDINGS, changes.pendings)
        self._database.write("DELETE FROM pendings WHERE id = ?", [(number,) for number in changes.resolved])
        self._insert(SETTLEMENTS, changes.settlements)
        holders = sorted({(card.holder,) for card in changes.cards.values()})
        self._database.write("INSERT INTO holders (id) VALUES (?) ON CONFLICT DO NOTHING", holders)
        self._insert(CARDS, changes.cards.values(), replace=True)
        self._insert(ACCOUNTS, changes.accounts.values(), replace=True)
        columns = ("row_id", *ENTRIES.columns)
        entries = [[row.id, *ENTRIES.to_row(entry)] for row in changes.rows for entry in row.entries]
        self._database.write(f"INSERT INTO entries ({', '.join(columns)}) VALUES ({_marks(len(columns))})", entries)
        self._insert(NOTICES, changes.notices)
        self._insert(DELIVERIES, changes.deliveries)
        told = [(at, number) for number, at in changes.told.items()]
        self._database.write("UPDATE outbox SET sent_at = ? WHERE id = ? AND sent_at IS NULL", told)
        self._insert(SEALS, [seal] if seal else [])
        self._add(changes)
        self._database.commit()

    def _add(self, changes: Changes) -> None:
        """What is only added to comes last, in order of its keys: shared rows are locked shortly, and alike by all."""
        sums: defaultdict[int, int] = defaultdict(int)
        for row in changes.rows:
            for entry in row.entries:
                if entry.sequence is None:
                    sums[entry.account] += entry.amount
        shared = []
        for number, amount in sorted(sums.items()):
            kind, _, currency = describe_account(number)
            shared.append(ACCOUNTS.to_row(Account(number, kind, 0, currency, amount)))
        self._database.write(
            f"INSERT INTO accounts ({', '.join(ACCOUNTS.columns)}) VALUES ({_marks(len(ACCOUNTS.columns))}) "
            "ON CONFLICT (id) DO UPDATE SET balance = accounts.balance + excluded.balance",
            shared,
        )
        self._database.write(
            "INSERT INTO tallies (scope, bucket, count) VALUES (?, ?, ?) "
            "ON CONFLICT (scope, bucket) DO UPDATE SET count = tallies.count + excluded.count",
            sorted((tally.scope, tally.bucket, tally.count) for tally in changes.tallies),
        )

    def _insert(self, mapping: Mapping[Record], records: Iterable[Record], *, replace: bool = False) -> None:
        sql = f"INSERT INTO {mapping.table} ({', '.join(mapping.columns)}) VALUES ({_marks(len(mapping.columns))})"
        if replace:
            rest = (name for name in mapping.columns if name not in mapping.key)
            changes = ", ".join(f"{name} = excluded.{name}" for name in rest)
            sql += f" ON CONFLICT ({', '.join(mapping.key)}) DO UPDATE SET {changes}"
        self._database.write(sql, [mapping.to_row(record) for record in records])

    def rollback(self) -> None:
        self._database.rollback()

    def numbers(self, count: int) -> range:
        sql = "UPDATE counters SET next = next + ? WHERE name = 'number' RETURNING next"
        with self._database.transaction():
            following: int = self._database.fetch(sql, (count,))[0][0]
        return range(following - count, following)

    def claim_deliveries(self, webhook: str, now: int, until: int, limit: int) -> list[Delivery]:
        return claim_deliveries(self._database, webhook, now, until, limit)

    def settle_deliveries(self, webhook: str, done: Sequence[str], again: Sequence[tuple[str, int]]) -> None:
        settle_deliveries(self._database, webhook, done, again)

    def count_deliveries(self, webhook: str) -> tuple[int, int]:
        return count_deliveries(self._database, webhook)

    def forget(self, now: int) -> int:
        slice_of = "DELETE FROM {0} WHERE {1} IN (SELECT {2} FROM {0} WHERE {3} <= ? LIMIT 500) RETURNING 1"
        tallies = slice_of.format("tallies", "(scope, bucket)", "scope, bucket", "bucket")
        tombstones = slice_of.format("tombstones", "id", "id", "expires_at")
        deliveries = slice_of.format("deliveries", "(webhook, id)", "webhook, id", "created_at")
        try:
            with self._database.transaction():
                gone = self._database.fetch(deliveries, (now - OLD_NEWS,))
                gone += self._database.fetch(tallies, (now // MINUTE - GUESS_MINUTES,))
                gone += self._database.fetch(tombstones, (now,))
        except (Conflict, Unavailable):
            return 0
        return len(gone)

    def backup(self, path: str) -> None:
        self._database.backup(path)

    def close(self) -> None:
        self._database.close()


def _marks(count: int) -> str:
    return ", ".join("?" * count)
