"""Books in dictionaries, for simulations and tests: gone when the process ends, and never in need of a thread.

Written apart from the SQL on purpose: one contract suite runs over all stores, so each checks the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from specs import limits
from specs.transaction import MessageClass
from switch.core.clock import MINUTE
from switch.core.holdings import is_points
from switch.core.journal import Row
from switch.core.merchants import Terminal
from switch.core.needs import Needs
from switch.core.refusals import scopes
from switch.core.workset import GUESS_MINUTES, Workset
from switch.store.memory_reader import MemoryReader


class MemoryStore(MemoryReader):
    """See `port.Store`."""

    def load(self, needs: Sequence[Needs], now: int) -> Workset:
        workset = Workset()
        workset.programme_version = len(self._programmes)
        wanted = {need.acceptor for need in needs} - {""}
        workset.numbers = {
            terminal.number: (terminal.merchant_id, terminal.terminal_id)
            for terminal in (self._terminals.values() if wanted else ())
            if terminal.number in wanted
        }
        needs = [need.named(workset.numbers) for need in needs]
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
                number = workset.merchants[need.merchant_id].id
                workset.days[need.merchant_id] = self._day(number)
                for settlement in reversed(self.settlements(number)):  # the newest last
                    workset.settled[need.merchant_id] = settlement
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
            if is_points(named.card_currency):  # several members may have paid for one sale
                family = [self._rows[number] for number in self._by_root[named.root]]
                holders |= {holder for row in family for holder in (row.holder, row.other_holder)}
        for holder in holders:
            for card in self._by_holder[holder].values():
                workset.cards[card.id] = card
                workset.card_ids[card.hash] = card.id
            for number in self._held[holder]:
                if not self._accounts[number].spent:
                    workset.hold(self._accounts[number])

    def _named(self, workset: Workset) -> list[Row]:
        recent = [row for rows in workset.recent.values() for row in rows]
        return [*workset.earlier.values(), *workset.by_rrn.values(), *recent]

    def _load_messages(self, workset: Workset, need: Needs, terminal: Terminal, now: int) -> None:
        place = terminal.id, need.application
        if need.presence and terminal.id in self._presences:
            workset.presences[terminal.id] = self._presences[terminal.id]
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
                found = row.application, row.message_class, row.kind
                if found == (need.application, need.keyed[0], need.keyed_kind or row.kind):
                    workset.earlier[*place, *need.keyed] = row
        if need.search is not None:
            newest = self._by_card[need.card_hash, terminal.id][-limits.UNDO_CANDIDATES :]
            rows = [self._rows[number] for number in reversed(newest)]
            workset.recent[*place, need.card_hash] = [
                row for row in rows if row.application == need.application and need.search in (0, row.asked, row.amount)
            ]
        if need.told:
            self._load_told(workset, place, *need.told)
        if need.rrn in self._by_rrn:
            workset.by_rrn[need.rrn] = self._rows[self._by_rrn[need.rrn]]
        if need.receipt is not None:
            numbered_here = workset.numbered.get((*place, need.batch or 0))
            for batch in {desk.batch if desk else 0, numbered_here.id if numbered_here else 0}:
                purchase = [self._rows[number] for number in self._by_receipt.get((batch, need.receipt), ())]
                if batch and purchase:
                    newest_last = sorted(purchase, key=lambda row: row.decided_at)
                    workset.purchases[batch, need.receipt] = newest_last[-limits.PURCHASE_MAX :]
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
