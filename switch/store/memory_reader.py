"""What people and the audit ask of books in memory; see `port.Reader`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from switch.core.holdings import Account, AccountKind, Card, Notice
from switch.core.journal import Entry, Pending, ProgrammeText, Row, Seal, Tally
from switch.core.merchants import Batch, Merchant, Settlement, Terminal
from switch.core.presence import Presence
from switch.core.workset import POINTS, Day
from switch.store.memory_tables import MemoryTables
from switch.store.port import JournalFilter, Liability, OpenBatch, Station


class MemoryReader(MemoryTables):
    """See `port.Reader`."""

    def _day(self, merchant: int) -> Day:
        until = max((settlement.until for settlement in self.settlements(merchant)), default=0)
        some = [batch for batch in self._batches.values() if batch.merchant == merchant and batch.since]
        first_open = min((batch.since for batch in some if batch.closed_at is None), default=0)
        closed = [batch.since for batch in some if batch.closed_at is not None and batch.closed_at >= until]
        return Day(first_open, min(closed), max(closed)) if closed else Day()

    def programme(self) -> ProgrammeText | None:
        return self._programmes[-1] if self._programmes else None

    def programmes(self, since: int) -> list[ProgrammeText]:
        first = max((text.version for text in self._programmes if text.applied_at <= since), default=0)
        return [text for text in self._programmes if text.version >= first]

    def programme_at(self, version: int) -> ProgrammeText | None:
        return next((text for text in self._programmes if text.version == version), None)

    def last_seal(self, daemon: str) -> Seal | None:
        return next((seal for seal in reversed(self._seals) if seal.daemon == daemon), None)

    def open_batches(self, after: int, limit: int) -> list[OpenBatch]:
        found = [batch for _, batch in sorted(self._batches.items()) if batch.closed_at is None and batch.id > after]
        return [self._open_batch(batch) for batch in found[:limit]]

    def _open_batch(self, batch: Batch) -> OpenBatch:
        terminal, first = self._terminals[batch.terminal], self._batches.get(batch.first, batch)
        return OpenBatch(batch, terminal.merchant_id, terminal.terminal_id, first.opened_at)

    def unsettled(self) -> dict[str, Day]:
        days = {merchant.merchant_id: self._day(merchant.id) for merchant in self.merchants()}
        return {name: day for name, day in days.items() if day.first_closed}

    def settlements(self, merchant: int | None = None) -> list[Settlement]:
        found = [settlement for settlement in self._settlements if merchant in (None, settlement.merchant)]
        return sorted(found, key=lambda settlement: (-settlement.until, -settlement.id))

    def settled_rows(self, merchant: int, since: int, until: int) -> Iterator[Row]:
        for row in sorted(self._rows.values(), key=lambda row: row.id):
            if (row.merchant == merchant or row.late) and since <= row.decided_at < until:
                yield row

    def merchants(self) -> list[Merchant]:
        return sorted(self._merchants.values(), key=lambda merchant: merchant.merchant_id)

    def terminals(self) -> list[Terminal]:
        return sorted(self._terminals.values(), key=lambda terminal: (terminal.merchant_id, terminal.terminal_id))

    def stations(self, after: int, limit: int) -> list[Station]:
        found = [terminal for number, terminal in sorted(self._terminals.items()) if number > after][:limit]
        return [Station(one, self._presences.get(one.id) or Presence(one.id)) for one in found]

    def cards(self, after: int, limit: int) -> list[Card]:
        return [card for _, card in sorted(self._cards.items()) if card.id > after][:limit]

    def card(self, card_hash: str) -> tuple[Card, Account] | None:
        card = self._cards.get(self._card_ids.get(card_hash, 0))
        return (card, self._accounts[card.account]) if card else None

    def member(self, holder: int) -> tuple[list[Card], list[Account]]:
        cards = sorted(self._by_holder[holder].values(), key=lambda card: card.id)
        return cards, [self._accounts[number] for number in sorted(self._held[holder])]

    def liability(self) -> list[Liability]:
        sums: dict[tuple[str, AccountKind, str, str], tuple[int, int]] = {}
        for one in self._accounts.values():
            if one.kind in POINTS and one.balance:
                dates = one.currency, one.kind, one.available_from, one.expires_on
                points, lots = sums.get(dates, (0, 0))
                sums[dates] = points + one.balance, lots + 1
        found = [Liability(*dates, points, lots) for dates, (points, lots) in sums.items()]
        return sorted(found, key=lambda one: (one.unit, one.kind.value, one.available_from, one.expires_on))

    def notices(self, limit: int) -> list[Notice]:
        waiting = [notice for notice in self._notices.values() if notice.sent_at is None]
        return sorted(waiting, key=lambda notice: (notice.created_at, notice.id))[:limit]

    def count_cards(self, product: str) -> int:
        return sum(card.product == product for card in self._cards.values())

    def journal(self, wanted: JournalFilter) -> list[Row]:
        newest_first = sorted(self._rows.values(), key=lambda row: (row.decided_at, row.id), reverse=True)
        return [row for row in newest_first if _fits(row, wanted)][: wanted.limit]

    def rows(self) -> Iterator[Row]:
        return iter(sorted(self._rows.values(), key=lambda row: (row.daemon, row.seal, row.id)))

    def families(self, roots: Sequence[int]) -> list[Row]:
        found = [self._rows[number] for root in set(roots) for number in self._by_root[root]]
        return sorted(found, key=lambda row: row.id)

    def seals(self) -> Iterator[Seal]:
        return iter(sorted(self._seals, key=lambda seal: (seal.daemon, seal.number)))

    def seals_after(self, daemon: str, number: int, limit: int) -> list[Seal]:
        return [seal for seal in self.seals() if seal.daemon == daemon and seal.number > number][:limit]

    def accounts(self) -> Iterator[Account]:
        return iter(sorted(self._accounts.values(), key=lambda account: account.id))

    def histories(self) -> Iterator[tuple[Account, list[Entry]]]:
        posted: defaultdict[int, list[tuple[int, Entry]]] = defaultdict(list)
        for row in self._rows.values():
            for entry in row.entries:
                if entry.sequence is not None:
                    posted[entry.account].append((entry.sequence, entry))
        for account in self.accounts():
            yield account, [entry for _, entry in sorted(posted[account.id])]

    def batches(self, terminal: int) -> list[Batch]:
        found = [batch for batch in self._batches.values() if batch.terminal == terminal]
        return sorted(found, key=lambda batch: -batch.opened_at)

    def closed_batches(self, merchant: int, since: int, until: int) -> list[Batch]:
        closed = (batch for batch in self.all_batches() if batch.merchant == merchant and batch.closed_at is not None)
        return [batch for batch in closed if batch.closed_at is not None and since <= batch.closed_at < until]

    def batches_of(self, ids: Sequence[int]) -> list[Batch]:
        return [self._batches[number] for number in ids if number in self._batches]

    def batch_rows(self, ids: Sequence[int]) -> list[Row]:
        return [row for _, row in sorted(self._rows.items()) if row.batch in ids]

    def products(self, cards: Sequence[int]) -> dict[int, str]:
        return {number: self._cards[number].product for number in cards if number in self._cards}

    def all_batches(self) -> Iterator[Batch]:
        return iter(sorted(self._batches.values(), key=lambda batch: batch.id))

    def parts(self) -> Iterator[Batch]:
        return iter(
            sorted((b for b in self._batches.values() if b.first), key=lambda batch: (batch.first, batch.opened_at))
        )

    def tallies(self) -> list[Tally]:
        return sorted(
            (
                Tally(scope, bucket, count)
                for scope, counted in self._tallies.items()
                for bucket, count in counted.items()
            ),
            key=lambda tally: (tally.scope, tally.bucket),
        )

    def movements(self, holder: int, since: int, limit: int) -> list[Row]:
        own = {account.id for account in self.member(holder)[1]}
        found = self.journal(JournalFilter(since=since, limit=len(self._rows)))
        return [row for row in found if any(entry.account in own for entry in row.entries)][:limit]

    def expired_lots(self, day: str, still_since: int, after: tuple[str, int], limit: int) -> list[Account]:
        moved = {entry.account for row in self._rows.values() if row.decided_at >= still_since for entry in row.entries}
        lots = [
            account
            for account in self._accounts.values()
            if account.expires_on and account.expires_on < day and account.balance > 0 and account.id not in moved
        ]
        in_order = sorted(lots, key=lambda lot: (lot.expires_on, lot.id))
        return [lot for lot in in_order if (lot.expires_on, lot.id) > after][:limit]

    def overdue(self, now: int, limit: int) -> list[Pending]:
        late = [pending for pending in self._pendings.values() if pending.until <= now]
        return sorted(late, key=lambda pending: (pending.until, pending.id))[:limit]

    def credits(self) -> Iterator[tuple[Account, list[tuple[int, int]]]]:
        for account, entries in self.histories():
            if account.kind in POINTS and account.balance:
                put = [(entry.sequence or 0, entry.amount) for entry in entries if entry.amount > 0]
                times = {
                    entry.sequence or 0: row.decided_at
                    for row in self._rows.values()
                    for entry in row.entries
                    if entry.account == account.id
                }
                yield account, [(times[sequence], amount) for sequence, amount in reversed(put)]


def _fits(row: Row, wanted: JournalFilter) -> bool:
    return (
        wanted.rrn in (None, row.rrn)
        and wanted.card_hash in (None, row.card_hash)
        and wanted.terminal in (None, row.terminal)
        and (wanted.since is None or row.decided_at >= wanted.since)
        and (wanted.until is None or row.decided_at < wanted.until)
    )
