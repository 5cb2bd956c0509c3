"""The records of one group of requests: loaded at once, decided on one by one, committed at once.

A dict for each record type; nothing lazy, no queries. A group holds at most one request of a terminal, so only what
belongs to holders, and the tallies, can be touched by two of its requests; `apply` keeps those up to date.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec

from specs.transaction import MessageClass, Request
from switch.core.clock import MINUTE
from switch.core.decision import EXCEPTION, UPLOAD, BatchEvent, Changes, Decision, Heard, check_entries
from switch.core.holdings import Account, AccountKind, Card, CardState
from switch.core.irregular import OTHER_TOTALS, irregular
from switch.core.journal import Row, Tombstone
from switch.core.merchants import UPLOADED, Batch, Desk, Merchant, Settlement, Terminal
from switch.core.needs import Case
from switch.core.presence import Presence, TerminalEvent

GUESS_MINUTES = 11  # the tallies a Workset carries: the minute under way and the ten before it, never less than ten
#: Kinds of accounts that make up a member's points.
POINTS = frozenset({AccountKind.LOT, AccountKind.DEBT})


class Day(msgspec.Struct, frozen=True):
    """Since when a merchant's batches hold something (Batch.since); 0: there is none. Empty ones do not matter."""

    first_open: int = 0
    first_closed: int = 0  # since the last settlement
    last_closed: int = 0


class View(msgspec.Struct):
    """What one request sees of the books."""

    merchant: Merchant | None
    terminal: Terminal | None
    desk: Desk
    open_batch: Batch | None
    named_batch: Batch | None  # the newest batch with the number the request names
    earlier: Row | None  # the newest message with this request's key
    card: Card | None
    account: Account | None
    by_rrn: Row | None
    told: list[Row]  # messages of the class and STAN that an upload names, and uploads of that STAN, newest first
    recent: list[Row]  # this card at this terminal and application, newest first
    tombstones: list[Tombstone]
    workset: Workset
    other_card: Card | None = None
    purchase: tuple[Row, ...] = ()  # rows of this terminal's open batch with the request's receipt number, oldest first

    def points(self, holder: int, unit: str) -> list[Account]:
        """A member's lots and debt of one kind of points, in order of their ids. The member is locked."""
        held = self.workset.points.get(holder, ())
        found = (self.workset.accounts[number] for number in sorted(held))
        return [account for account in found if account.currency == unit]

    def family(self, row: Row) -> list[Row]:
        """All rows of the same root, oldest first."""
        return self.workset.families.get(row.root, [row])

    def batch(self, number: int) -> Batch | None:
        return self.workset.batches.get(number)

    def account_of(self, number: int) -> Account:
        """A holder's account by its id. It must have been loaded: its holder is locked."""
        return self.workset.accounts[number]

    def card_of(self, number: int) -> Card:
        """A card by its id, or the one that has its account now if it was replaced."""
        card = self.workset.cards[number]
        if card.state is not CardState.REPLACED:
            return card
        return next(
            other
            for other in self.workset.cards.values()
            if other.account == card.account and other.state is not CardState.REPLACED
        )

    def refusals(self, scope: str, now: int) -> int:
        """How many refusals `scope` counted in the last ten minutes."""
        oldest = now // MINUTE - GUESS_MINUTES
        return sum(count for bucket, count in self.workset.tallies[scope].items() if bucket > oldest)


class Workset:
    """See the head of this file. Stores fill the dicts; `view`, `check` and `apply` are the core's."""

    def __init__(self) -> None:
        self.merchants: dict[str, Merchant] = {}
        self.terminals: dict[tuple[str, str], Terminal] = {}
        self.numbers: dict[str, tuple[str, str]] = {}  # both ids of a terminal by the number it goes by
        self.desks: dict[tuple[int, str], Desk] = {}
        self.batches: dict[int, Batch] = {}
        self.numbered: dict[tuple[int, str, int], Batch] = {}
        self.earlier: dict[tuple[int, str, MessageClass, int], Row] = {}
        self.cards: dict[int, Card] = {}
        self.card_ids: dict[str, int] = {}
        self.accounts: dict[int, Account] = {}
        self.recent: dict[tuple[int, str, str], list[Row]] = {}
        self.by_rrn: dict[str, Row] = {}
        self.told: dict[tuple[int, str, int], list[Row]] = {}
        self.families: dict[int, list[Row]] = {}
        self.points: dict[int, set[int]] = {}  # the lots and debts of each holder
        self.purchases: dict[tuple[int, str], list[Row]] = {}  # by batch and receipt
        self.awards: dict[str, Row] = {}  # by the caller's own id
        self.tombstones: dict[int, list[Tombstone]] = {}
        self.tallies: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self.days: dict[str, Day] = {}
        self.presences: dict[int, Presence] = {}  # by Terminal.id
        self.settled: dict[str, Settlement] = {}  # the last of each merchant
        self.programme_version = 0
        self.changes = Changes()
        self.events: list[BatchEvent] = []
        self.terminal_events: list[TerminalEvent] = []
        self.heard: list[Heard | None] = []  # of each decision, in order

    def hold(self, account: Account) -> None:
        """Keep a holder's account."""
        self.accounts[account.id] = account
        if account.kind in POINTS:
            self.points.setdefault(account.holder, set()).add(account.id)

    def terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal of both ids; without a merchant, the only one with that terminal id (WIRE.md section 2)."""
        if merchant_id:
            return self.terminals.get((merchant_id, terminal_id))
        found = [terminal for (_, name), terminal in self.terminals.items() if name == terminal_id]
        return found[0] if len(found) == 1 else None

    def view(self, case: Case) -> View:
        """What `case` sees, with the changes of the group's earlier requests."""
        request, name = case.request, case.application
        merchant_id, terminal_id = request.merchant_id, request.terminal_id
        if request.acceptor:
            merchant_id, terminal_id = self.numbers.get(request.acceptor.number, ("", ""))
        terminal = self.terminal(merchant_id, terminal_id)
        number = terminal.id if terminal else 0
        desk = self.desks.get((number, name)) or Desk(number, name)
        card = self.cards.get(self.card_ids.get(case.card_hash, 0))
        named = self.numbered.get((number, name, request.batch or request.upload_batch or 0))
        return View(
            merchant=self.merchants.get(terminal.merchant_id if terminal else merchant_id),
            terminal=terminal,
            desk=desk,
            open_batch=self.batches.get(desk.batch),
            named_batch=named,
            earlier=self.earlier.get((number, name, request.message_class, request.stan)),
            card=card,
            account=self.accounts.get(card.account) if card else None,
            by_rrn=self.by_rrn.get(request.rrn or ""),
            told=self.told.get((number, name, request.original_stan or 0), []),
            recent=self.recent.get((number, name, case.card_hash), []),
            tombstones=self.tombstones.get(number, []),
            workset=self,
            other_card=self.cards.get(self.card_ids.get(case.other_hash, 0)),
            purchase=self._purchase(self.batches.get(desk.batch), named, request),
        )

    def _purchase(self, open_batch: Batch | None, named: Batch | None, request: Request) -> tuple[Row, ...]:
        """The rows with the request's receipt number in the batch it joins; in one it opens there is none."""
        batch = open_batch
        if batch and batch.named and request.batch not in (None, batch.number):
            batch = named
        return tuple(self.purchases.get((batch.id, request.receipt or ""), ())) if batch else ()

    def check(self, decision: Decision) -> None:
        """Refuse a decision that would break the books, before anything has changed.

        Raises:
            AssertionError: the rules have a bug; this one request is answered "internal" and the switch lives on.
        """
        entries = decision.row.entries if decision.row else ()
        check_entries(entries)
        opened = {account.id: account for account in decision.opened}
        posted = {entry.account: entry for entry in entries if entry.sequence is not None}
        assert posted.keys() == {account.id for account in decision.accounts}, "entries and accounts differ"
        for account in decision.accounts:
            before, entry = opened.get(account.id) or self.accounts[account.id], posted[account.id]
            if account.kind is AccountKind.DEBT:
                assert account.balance <= 0, "a debt above zero"
            else:
                assert account.balance >= 0, "a holder's account below zero"
            assert account.balance == before.balance + entry.amount == entry.balance_after, "balance and entry differ"
            assert account.entries == before.entries + 1 == entry.sequence, "an entry is out of sequence"
            assert account.currency == before.currency == entry.currency, "an account changed its currency"

    def apply(self, decision: Decision) -> None:
        """Make a checked decision visible to the group's later requests and part of what is committed."""
        changes = self.changes
        if decision.row:
            changes.rows.append(decision.row)
            self.families.setdefault(decision.row.root, []).append(decision.row)
            if decision.row.event is not None:
                self.awards[decision.row.event] = decision.row
        for account in (*decision.opened, *decision.accounts):
            changes.accounts[account.id] = account
            self.hold(account)
        changes.notices.extend(decision.notices)
        changes.told.update(decision.told)
        for card in decision.cards:
            self.cards[card.id] = changes.cards[card.id] = card
            self.card_ids[card.hash] = card.id
        for desk in decision.desks:
            self.desks[desk.terminal, desk.application] = changes.desks[desk.terminal, desk.application] = desk
        for batch in decision.batches:
            self._note(batch, self.batches.get(batch.id))
            self.batches[batch.id] = changes.batches[batch.id] = batch
        if decision.row and decision.row.terminal:
            self._note_row(decision.row)
        for tally in decision.tallies:
            counted = self.tallies[tally.scope]
            counted[tally.bucket] = counted.get(tally.bucket, 0) + tally.count
        changes.tallies.extend(decision.tallies)
        changes.tombstones.extend(decision.tombstones)
        changes.settlements.extend(decision.settlements)
        for presence in decision.presences:
            self.presences[presence.terminal] = changes.presences[presence.terminal] = presence
        self.terminal_events.extend(decision.terminal_events)
        changes.pendings.extend([decision.pending] if decision.pending else [])
        changes.resolved.extend(decision.resolved)
        for merchant in decision.merchants:
            self.merchants[merchant.merchant_id] = changes.merchants[merchant.id] = merchant
        for terminal in decision.terminals:
            ids = terminal.merchant_id, terminal.terminal_id
            self.terminals[ids] = changes.terminals[terminal.id] = terminal
            if terminal.number:
                self.numbers[terminal.number] = ids
        if decision.programme:
            self.programme_version = decision.programme.version
            changes.programmes.append(decision.programme)

    def _note(self, batch: Batch, before: Batch | None) -> None:
        if before is None and batch.first:
            return  # a batch that goes on in another part
        if before is None:
            self._tell("opened", batch.terminal, batch)
        elif before.number != batch.number:
            self._tell("named", batch.terminal, batch)
        if batch.closed_at is not None and (before is None or before.closed_at is None):
            self._tell(batch.reason, batch.terminal, batch)
            if batch.reason == UPLOADED and batch.differs:
                self._tell(EXCEPTION, batch.terminal, batch, OTHER_TOTALS)
        elif batch.claimed != (before.claimed if before else None):
            self._tell("totals differ", batch.terminal, batch)

    def _note_row(self, row: Row) -> None:
        batch = self.batches.get(row.batch)
        if row.message_class is MessageClass.UPLOAD:
            self._tell(UPLOAD, row.terminal, batch, row.reason, row.rrn)
        for what in irregular(row, row.merchant):
            self._tell(EXCEPTION, row.terminal, batch, what, row.rrn)

    def _tell(self, event: str, number: int, batch: Batch | None, detail: str = "", rrn: str = "") -> None:
        terminal = next((terminal for terminal in self.terminals.values() if terminal.id == number), None)
        if terminal:
            self.events.append(BatchEvent(event, terminal.merchant_id, terminal.terminal_id, batch, detail, rrn))
