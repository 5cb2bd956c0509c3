"""The dictionaries of books in memory, and how a group is written into them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from switch.core.clock import MINUTE
from switch.core.decision import Changes
from switch.core.deliveries import Delivery
from switch.core.holdings import Account, Card, Notice, describe_account
from switch.core.journal import Pending, ProgrammeText, Row, Seal, Tombstone
from switch.core.merchants import Batch, Desk, Merchant, Settlement, Terminal
from switch.core.presence import Presence
from switch.core.workset import GUESS_MINUTES
from switch.store.port import OLD_NEWS, StoreError


class MemoryTables:
    """One dictionary for each record type, and the indexes that loading needs."""

    def __init__(self) -> None:
        self._next = 1
        self._merchants: dict[int, Merchant] = {}
        self._terminals: dict[int, Terminal] = {}
        self._desks: dict[tuple[int, str], Desk] = {}
        self._batches: dict[int, Batch] = {}
        self._cards: dict[int, Card] = {}
        self._card_ids: dict[str, int] = {}
        self._by_holder: defaultdict[int, dict[int, Card]] = defaultdict(dict)
        self._accounts: dict[int, Account] = {}
        self._held: defaultdict[int, set[int]] = defaultdict(set)
        self._rows: dict[int, Row] = {}
        self._by_message: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        self._by_card: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        self._by_rrn: dict[str, int] = {}
        self._by_root: defaultdict[int, list[int]] = defaultdict(list)
        self._by_receipt: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
        self._by_event: dict[str, int] = {}
        self._notices: dict[int, Notice] = {}
        self._stones: dict[int, Tombstone] = {}
        self._pendings: dict[int, Pending] = {}
        self._tallies: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._seals: list[Seal] = []
        self._programmes: list[ProgrammeText] = []
        self._settlements: list[Settlement] = []
        self._presences: dict[int, Presence] = {}
        self._deliveries: dict[tuple[str, str], Delivery] = {}  # by webhook and id

    def commit(self, changes: Changes, seal: Seal | None) -> None:
        self._merchants.update(changes.merchants)
        self._terminals.update(changes.terminals)
        self._presences.update(changes.presences)
        self._deliveries.update(((one.webhook, one.id), one) for one in changes.deliveries)
        self._desks.update(changes.desks)
        self._batches.update(changes.batches)
        for card in changes.cards.values():
            self._cards[card.id] = self._by_holder[card.holder][card.id] = card
            self._card_ids[card.hash] = card.id
        self._accounts.update(changes.accounts)
        for account in changes.accounts.values():
            self._held[account.holder].add(account.id)
        self._notices.update((notice.id, notice) for notice in changes.notices)
        for number, at in changes.told.items():
            if number in self._notices and self._notices[number].sent_at is None:
                self._notices[number] = msgspec.structs.replace(self._notices[number], sent_at=at)
        self._stones.update((stone.id, stone) for stone in changes.tombstones)
        self._pendings.update((pending.id, pending) for pending in changes.pendings)
        for number in changes.resolved:
            self._pendings.pop(number, None)
        self._programmes.extend(changes.programmes)
        self._settlements.extend(changes.settlements)
        for row in changes.rows:
            self._keep(row)
        for tally in changes.tallies:
            counted = self._tallies[tally.scope]
            counted[tally.bucket] = counted.get(tally.bucket, 0) + tally.count
        if seal:
            self._seals.append(seal)

    def _keep(self, row: Row) -> None:
        self._rows[row.id] = row
        self._by_message[row.terminal, row.stan].append(row.id)
        self._by_card[row.card_hash, row.terminal].append(row.id)
        self._by_rrn[row.rrn] = row.id
        self._by_root[row.root].append(row.id)
        if row.receipt is not None:
            self._by_receipt[row.batch, row.receipt].append(row.id)
        if row.event is not None:
            self._by_event[row.event] = row.id
        for entry in row.entries:
            if entry.sequence is None:
                kind, _, currency = describe_account(entry.account)
                before = self._accounts.get(entry.account) or Account(entry.account, kind, 0, currency)
                after = msgspec.structs.replace(before, balance=before.balance + entry.amount)
                self._accounts[entry.account] = after

    def rollback(self) -> None:
        return

    def numbers(self, count: int) -> range:
        self._next += count
        return range(self._next - count, self._next)

    def claim_deliveries(self, webhook: str, now: int, until: int, limit: int) -> list[Delivery]:
        due = [one for one in self._deliveries.values() if one.webhook == webhook and one.due_at <= now]
        first = sorted(due, key=lambda one: (one.due_at, one.id))[:limit]
        claimed = [msgspec.structs.replace(one, due_at=until, attempts=one.attempts + 1) for one in first]
        self._deliveries.update(((webhook, one.id), one) for one in claimed)
        return sorted(claimed, key=lambda one: (one.created_at, one.id))

    def settle_deliveries(self, webhook: str, done: Sequence[str], again: Sequence[tuple[str, int]]) -> None:
        for name in done:
            self._deliveries.pop((webhook, name), None)
        for name, due_at in again:
            if (webhook, name) in self._deliveries:
                one = self._deliveries[webhook, name]
                self._deliveries[webhook, name] = msgspec.structs.replace(one, due_at=due_at)

    def count_deliveries(self, webhook: str) -> tuple[int, int]:
        made = [one.created_at for one in self._deliveries.values() if one.webhook == webhook]
        return len(made), min(made, default=0)

    def forget(self, now: int) -> int:
        old = [stone.id for stone in self._stones.values() if stone.expires_at <= now]
        for number in old:
            del self._stones[number]
        gone = len(old)
        for key in [key for key, one in self._deliveries.items() if one.created_at <= now - OLD_NEWS]:
            del self._deliveries[key]
            gone += 1
        for counted in self._tallies.values():
            for bucket in [bucket for bucket in counted if bucket <= now // MINUTE - GUESS_MINUTES]:
                del counted[bucket]
                gone += 1
        return gone

    def backup(self, path: str) -> None:
        raise StoreError("books in memory have no backup")

    def close(self) -> None:
        return
