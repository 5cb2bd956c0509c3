"""Books in dictionaries, for simulations and tests: gone when the process ends, and never in need of a thread.

Written apart from the SQL on purpose: one contract suite runs over all stores, so each checks the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from specs import limits
from specs.transaction import MessageClass
from switch.core.clock import MINUTE
from switch.core.needs import Needs
from switch.core.records import (
    NO_TOTALS,
    Account,
    AccountKind,
    Batch,
    Card,
    Desk,
    Entry,
    Merchant,
    Notice,
    ProgrammeText,
    Row,
    Seal,
    Settlement,
    Tally,
    Terminal,
    Tombstone,
    describe_account,
    is_points,
)
from switch.core.refusals import scopes
from switch.core.workset import GUESS_MINUTES, POINTS, Changes, Day, Workset
from switch.store.port import JournalFilter, Liability, OpenBatch, StoreError


class MemoryStore:
    """See `port.Store`."""

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
        self._tallies: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._seals: list[Seal] = []
        self._programmes: list[ProgrammeText] = []
        self._settlements: list[Settlement] = []

    def load(self, needs: Sequence[Needs], now: int) -> Workset:
        workset = Workset()
        workset.programme_version = len(self._programmes)
        for need in needs:
            for terminal in self._terminals.values():
                if terminal.terminal_id == need.terminal_id and need.merchant_id in ("", terminal.merchant_id):
                    workset.terminals[terminal.merchant_id, terminal.terminal_id] = terminal
        for need in needs:
            found = workset.terminal(need.merchant_id, need.terminal_id) if need.terminal_id else None
            if found:
                self._load_messages(workset, need, found, now)
        named = {need.merchant_id for need in needs} | {merchant_id for merchant_id, _ in workset.terminals}
        workset.merchants = {m.merchant_id: m for m in self._merchants.values() if m.merchant_id in named}
        for need in needs:
            if need.day and need.merchant_id in workset.merchants:
                workset.days[need.merchant_id] = self._day(workset.merchants[need.merchant_id].id)
        self._load_holders(workset, needs)
        self._load_families(workset)
        workset.awards = {
            need.event: self._rows[self._by_event[need.event]] for need in needs if need.event in self._by_event
        }
        return workset

    def _load_holders(self, workset: Workset, needs: Sequence[Needs]) -> None:
        hashes = [name for need in needs for name in (need.card_hash, need.other_hash)]
        holders = {self._cards[self._card_ids[name]].holder for name in hashes if name in self._card_ids}
        holders |= {need.holder for need in needs}
        for named in self._named(workset):
            if is_points(named.card_currency):
                family = [self._rows[number] for number in self._by_root[named.root]]
                holders |= {holder for row in family for holder in (row.holder, row.other_holder)}
        for holder in holders:
            for card in self._by_holder[holder].values():
                workset.cards[card.id] = card
                workset.card_ids[card.hash] = card.id
            for number in self._held[holder]:
                if not self._accounts[number].spent:
                    workset.hold(self._accounts[number])

    def _day(self, merchant: int) -> Day:
        cut = self.settlements(merchant)
        last = max(cut, key=lambda settlement: settlement.number, default=None)
        some = [batch for batch in self._batches.values() if batch.merchant == merchant and batch.totals != NO_TOTALS]
        since = max((settlement.until for settlement in cut), default=0)
        closed = [batch for batch in some if batch.closed_at is not None and batch.closed_at >= since]
        newest = max((batch.opened_at for batch in closed), default=0)
        return Day(last, sum(batch.closed_at is None for batch in some), len(closed), newest)

    def _named(self, workset: Workset) -> list[Row]:
        recent = [row for rows in workset.recent.values() for row in rows]
        return [*workset.earlier.values(), *workset.by_rrn.values(), *recent]

    def _load_messages(self, workset: Workset, need: Needs, terminal: Terminal, now: int) -> None:
        place = terminal.id, need.application
        desk = self._desks.get(place)
        if desk:
            workset.desks[place] = desk
        if desk and need.settles:
            first = self._batches[desk.batch].first if desk.batch else 0
            workset.batches |= {batch.id: batch for batch in self._batches.values() if first and batch.first == first}
        if need.batch is not None:
            numbered = [b for b in self.batches(terminal.id) if (b.application, b.number) == (place[1], need.batch)]
            if numbered:
                workset.numbered[*place, need.batch] = workset.batches[numbered[0].id] = numbered[0]
        if need.keyed:
            same_stan = [self._rows[number] for number in self._by_message[terminal.id, need.keyed[1]]]
            for row in same_stan:  # the newest last
                if (row.application, row.message_class) == (need.application, need.keyed[0]):
                    workset.earlier[*place, *need.keyed] = row
        if need.search is not None:
            newest = self._by_card[need.card_hash, terminal.id][-limits.UNDO_CANDIDATES :]
            rows = [self._rows[number] for number in reversed(newest)]
            workset.recent[*place, need.card_hash] = [
                row for row in rows if row.application == need.application and need.search in (row.asked, row.amount)
            ]
        if need.told:
            self._load_told(workset, place, *need.told)
        if need.rrn in self._by_rrn:
            workset.by_rrn[need.rrn] = self._rows[self._by_rrn[need.rrn]]
        if need.receipt is not None:
            numbered_here = workset.numbered.get((*place, need.batch or 0))
            for batch in {desk.batch if desk else 0, numbered_here.id if numbered_here else 0}:
                newest = self._by_receipt[batch, need.receipt][-limits.PURCHASE_MAX :]
                if batch and newest:
                    workset.purchases[batch, need.receipt] = [self._rows[number] for number in newest]
        stones = [stone for stone in self._stones.values() if stone.terminal == terminal.id and stone.expires_at > now]
        workset.tombstones[terminal.id] = stones
        if need.card_range:
            for scope in scopes(terminal, need.card_range):
                counted = self._tallies[scope].items()
                oldest = now // MINUTE - GUESS_MINUTES
                workset.tallies[scope] = {bucket: count for bucket, count in counted if bucket > oldest}

    def _load_told(self, workset: Workset, place: tuple[int, str], message_class: MessageClass, stan: int) -> None:
        found = workset.told[*place, stan] = []
        rows = [self._rows[number] for number in self._by_message[place[0], stan]]
        for wanted in (message_class, MessageClass.UPLOAD):
            same = [row for row in rows if (row.application, row.message_class) == (place[1], wanted)]
            found += same[-limits.UPLOAD_CANDIDATES :]
        found.sort(key=lambda row: -row.decided_at)

    def _load_families(self, workset: Workset) -> None:
        named = [row for rows in (*workset.purchases.values(), *workset.told.values()) for row in rows]
        for row in (*self._named(workset), *named):
            workset.families[row.root] = [self._rows[number] for number in self._by_root[row.root]]
        held = {card.holder for card in workset.cards.values()}
        posted = {entry.account for rows in workset.families.values() for row in rows for entry in row.entries}
        for account in (self._accounts[number] for number in posted if number > 0):
            if account.spent and account.holder in held:
                workset.hold(account)
        batches = {row.batch for rows in workset.families.values() for row in rows}
        batches |= {number for desk in workset.desks.values() for number in (desk.batch, desk.awaiting, desk.closed)}
        for number in batches - {0}:
            workset.batches[number] = self._batches[number]

    def commit(self, changes: Changes, seal: Seal | None) -> None:
        self._merchants.update(changes.merchants)
        self._terminals.update(changes.terminals)
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

    def programme(self) -> ProgrammeText | None:
        return self._programmes[-1] if self._programmes else None

    def programme_at(self, version: int) -> ProgrammeText | None:
        return next((text for text in self._programmes if text.version == version), None)

    def last_seal(self, daemon: str) -> Seal | None:
        return next((seal for seal in reversed(self._seals) if seal.daemon == daemon), None)

    def open_batches(self, after: int, limit: int) -> list[OpenBatch]:
        found = [batch for _, batch in sorted(self._batches.items()) if batch.closed_at is None and batch.id > after]
        return [
            OpenBatch(batch, self._terminals[batch.terminal].merchant_id, self._terminals[batch.terminal].terminal_id)
            for batch in found[:limit]
        ]

    def unsettled(self) -> list[str]:
        days = {merchant.merchant_id: self._day(merchant.id) for merchant in self.merchants()}
        return [name for name, day in days.items() if day.closed and not day.open]

    def settlements(self, merchant: int | None = None) -> list[Settlement]:
        found = [settlement for settlement in self._settlements if merchant in (None, settlement.merchant)]
        return sorted(found, key=lambda settlement: -settlement.id)

    def settled_rows(self, merchant: int, since: int, until: int) -> Iterator[Row]:
        for row in sorted(self._rows.values(), key=lambda row: row.id):
            if (row.merchant == merchant or row.late) and since <= row.decided_at < until:
                yield row

    def merchants(self) -> list[Merchant]:
        return sorted(self._merchants.values(), key=lambda merchant: merchant.merchant_id)

    def terminals(self) -> list[Terminal]:
        return sorted(self._terminals.values(), key=lambda terminal: (terminal.merchant_id, terminal.terminal_id))

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

    def forget(self, now: int) -> int:
        old = [stone.id for stone in self._stones.values() if stone.expires_at <= now]
        for number in old:
            del self._stones[number]
        gone = len(old)
        for counted in self._tallies.values():
            for bucket in [bucket for bucket in counted if bucket <= now // MINUTE - GUESS_MINUTES]:
                del counted[bucket]
                gone += 1
        return gone

    def backup(self, path: str) -> None:
        raise StoreError("books in memory have no backup")

    def close(self) -> None:
        return


def _fits(row: Row, wanted: JournalFilter) -> bool:
    return (
        wanted.rrn in (None, row.rrn)
        and wanted.card_hash in (None, row.card_hash)
        and wanted.terminal in (None, row.terminal)
        and (wanted.since is None or row.decided_at >= wanted.since)
        and (wanted.until is None or row.decided_at < wanted.until)
    )
