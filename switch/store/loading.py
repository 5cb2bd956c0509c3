"""Load what a group of requests names: a fixed handful of statements, in the order of the two locks.

Terminals first (locked), then what their messages name, then the holders of the cards (locked) and all that is theirs.
There is no third hop (DESIGN, "two owners, two locks").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from specs import limits
from specs.transaction import MessageClass
from switch.core.clock import MINUTE
from switch.core.holdings import Account, Card, Notice, is_points
from switch.core.journal import Entry, ProgrammeText, Row, Seal, Tombstone
from switch.core.merchants import Batch, Desk, Merchant, Settlement, Terminal
from switch.core.needs import Needs
from switch.core.refusals import scopes
from switch.core.workset import GUESS_MINUTES, Day, Workset
from switch.store.database import Database
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
#: Of merchants m with batches closed since their last settlement: what `Day` says.
DAYS = (
    "SELECT m.merchant_id, coalesce((SELECT min(o.since) FROM batches o WHERE o.merchant = m.id "
    "AND o.closed_at IS NULL AND o.since > 0), 0), min(b.since), max(b.since) FROM {} "
    "JOIN batches b ON b.merchant = m.id AND b.since > 0 AND b.closed_at >= "
    "coalesce((SELECT max(until) FROM settlements WHERE merchant = m.id), 0) "
    "GROUP BY m.id, m.merchant_id ORDER BY m.merchant_id"
)
PROGRAMMES = Mapping(ProgrammeText, "programmes", ("version",))


def load(database: Database, needs: Sequence[Needs], now: int) -> Workset:
    """The records that `needs` name; their terminals and holders are locked until the transaction ends."""
    workset = Workset()
    _load_terminals(database, workset, needs)
    places = []
    for need in needs:
        terminal = workset.terminal(need.merchant_id, need.terminal_id) if need.terminal_id else None
        if terminal:
            places.append((terminal, need))
    _load_desks(database, workset, places)
    _load_messages(database, workset, places, now)
    _load_purchases(database, workset, places)
    _load_holders(database, workset, needs)
    _load_families(database, workset)
    _load_awards(database, workset, needs)
    _load_tallies(database, workset, places, now)
    _load_days(database, workset, _distinct((need.merchant_id,) for need in needs if need.day))
    workset.programme_version = database.fetch("SELECT coalesce(max(version), 0) FROM programmes")[0][0]
    return workset


_Places = Sequence[tuple[Terminal, Needs]]


def _load_terminals(database: Database, workset: Workset, needs: Sequence[Needs]) -> None:
    """Who sent the messages: the terminals in order of their ids, and their merchants."""
    named = _distinct((need.terminal_id, need.merchant_id) for need in needs if need.terminal_id)
    sql = "KEYS k JOIN terminals t ON t.terminal_id = {0:text} AND {1:text} IN ('', t.merchant_id) ORDER BY t.id"
    found = database.pick(TERMINALS, "t", sql + database.locked("t"), named)
    workset.terminals = {(terminal.merchant_id, terminal.terminal_id): terminal for terminal in found}
    merchants = {need.merchant_id for need in needs} | {terminal.merchant_id for terminal in found}
    sql = "KEYS k JOIN merchants m ON m.merchant_id = {0:text}"
    rows = database.pick(MERCHANTS, "m", sql, sorted((name,) for name in merchants))
    workset.merchants = {merchant.merchant_id: merchant for merchant in rows}


def _load_desks(database: Database, workset: Workset, places: _Places) -> None:
    """Where the terminals' applications stand, and the batches their messages name."""
    at = _distinct((terminal.id, need.application) for terminal, need in places)
    sql = "KEYS k JOIN desks d ON d.terminal = {0:bigint} AND d.application = {1:text}"
    desks = database.pick(DESKS, "d", sql, at)
    workset.desks = {(desk.terminal, desk.application): desk for desk in desks}
    open_at = _distinct((terminal.id, need.application) for terminal, need in places if need.settles)
    sql = (
        "KEYS k JOIN desks d ON d.terminal = {0:bigint} AND d.application = {1:text} "
        "JOIN batches o ON o.id = d.batch JOIN batches b ON b.first = o.first AND b.first > 0"
    )
    workset.batches = {batch.id: batch for batch in database.pick(BATCHES, "b", sql, open_at)}
    numbers = [(terminal.id, need.application, need.batch) for terminal, need in places if need.batch is not None]
    sql = (
        "KEYS k JOIN batches b ON b.id = (SELECT id FROM batches WHERE terminal = {0:bigint} "
        "AND application = {1:text} AND number = {2:bigint} ORDER BY opened_at DESC LIMIT 1)"
    )
    for batch in database.pick(BATCHES, "b", sql, numbers):
        workset.batches[batch.id] = workset.numbered[batch.terminal, batch.application, batch.number] = batch


def _load_messages(database: Database, workset: Workset, places: _Places, now: int) -> None:
    """Earlier messages: of the same key, of the same card at this terminal, by reference; and tombstones."""
    keyed = [
        (terminal.id, need.application, need.keyed[0].value, need.keyed[1]) for terminal, need in places if need.keyed
    ]
    sql = (
        "KEYS k JOIN journal j ON j.id = (SELECT id FROM journal WHERE terminal = {0:bigint} AND stan = {3:bigint} "
        "AND message_class = {2:text} AND application = {1:text} ORDER BY decided_at DESC LIMIT 1)"
    )
    for row in database.pick(JOURNAL, "j", sql, keyed):
        workset.earlier[row.terminal, row.application, row.message_class, row.stan] = row
    searched = [
        (terminal.id, need.application, need.card_hash, need.search)
        for terminal, need in places
        if need.search is not None
    ]
    sql = (
        "KEYS k JOIN journal j ON j.card_hash = {2:text} AND j.terminal = {0:bigint} AND j.application = {1:text} "
        "AND j.decided_at >= coalesce((SELECT decided_at FROM journal WHERE card_hash = {2:text} "
        f"AND terminal = {{0:bigint}} ORDER BY decided_at DESC LIMIT 1 OFFSET {limits.UNDO_CANDIDATES - 1}), 0) "
        "AND {3:bigint} IN (j.asked, j.amount) ORDER BY j.decided_at DESC"
    )
    for row in database.pick(JOURNAL, "j", sql, searched):
        workset.recent.setdefault((row.terminal, row.application, row.card_hash), []).append(row)
    _load_told(database, workset, places)
    references = _distinct((need.rrn,) for _, need in places if need.rrn)
    newest_last = "KEYS k JOIN journal j ON j.rrn = {0:text} ORDER BY j.decided_at"
    workset.by_rrn = {row.rrn: row for row in database.pick(JOURNAL, "j", newest_last, references)}
    sql = "KEYS k JOIN tombstones t ON t.terminal = {0:bigint} AND t.expires_at > {1:bigint}"
    for stone in database.pick(TOMBSTONES, "t", sql, _distinct((terminal.id, now) for terminal, _ in places)):
        workset.tombstones.setdefault(stone.terminal, []).append(stone)


def _load_purchases(database: Database, workset: Workset, places: _Places) -> None:
    """The messages of the same sale: those of a terminal's batch with the same receipt number, whoever they are of.

    The holders of other members' and of gift cards among them are not locked. Nothing of these rows can change under
    us all the same: rows are never edited, and only a message of the same terminal, which is locked, adds one to this
    batch or undoes one (WIRE.md section 4, the table of undoing). Their accounts are not looked at.
    """
    keys = []
    for terminal, need in places:
        if need.receipt is not None:
            place = terminal.id, need.application
            desk = workset.desks.get(place)
            named = workset.numbered.get((*place, need.batch)) if need.batch is not None else None
            keys += [(batch, need.receipt) for batch in (desk.batch if desk else 0, named.id if named else 0) if batch]
    sql = (
        "KEYS k JOIN journal j ON j.batch = {0:bigint} AND j.receipt = {1:text} AND j.decided_at >= coalesce(("
        "SELECT decided_at FROM journal WHERE batch = {0:bigint} AND receipt = {1:text} "
        f"ORDER BY decided_at DESC LIMIT 1 OFFSET {limits.PURCHASE_MAX - 1}), 0) ORDER BY j.decided_at"
    )
    for row in database.pick(JOURNAL, "j", sql, _distinct(keys)):
        workset.purchases.setdefault((row.batch, row.receipt or ""), []).append(row)


def _load_told(database: Database, workset: Workset, places: _Places) -> None:
    """What uploads tell of: the newest messages of that class and STAN, and of earlier uploads."""
    told = [
        (terminal.id, need.application, message_class.value, need.told[1])
        for terminal, need in places
        if need.told
        for message_class in (need.told[0], MessageClass.UPLOAD)
    ]
    same = "terminal = {0:bigint} AND stan = {3:bigint} AND message_class = {2:text} AND application = {1:text}"
    sql = (
        f"KEYS k JOIN journal j ON j.{same.replace(' AND ', ' AND j.')} AND j.decided_at >= "
        f"coalesce((SELECT decided_at FROM journal WHERE {same} "
        f"ORDER BY decided_at DESC LIMIT 1 OFFSET {limits.UPLOAD_CANDIDATES - 1}), 0) ORDER BY j.decided_at DESC"
    )
    for row in database.pick(JOURNAL, "j", sql, told):
        workset.told.setdefault((row.terminal, row.application, row.stan), []).append(row)


def _load_holders(database: Database, workset: Workset, needs: Sequence[Needs]) -> None:
    """The holders of the named cards and of the other side of named transfers, in order of their ids; all of theirs."""
    hashes = _distinct((name,) for need in needs for name in (need.card_hash, need.other_hash) if name)
    sql = "SELECT DISTINCT c.holder FROM KEYS k JOIN cards c ON c.hash = {0:text} ORDER BY c.holder"
    named = {row[0] for row in database.keyed(sql, hashes)} | {need.holder for need in needs}
    named |= {number for row in _named_rows(workset) if row.other_holder for number in (row.holder, row.other_holder)}
    holders = [(number,) for number in sorted(named) if number]
    lock = database.locked("h")
    if lock:
        database.keyed("SELECT h.id FROM KEYS k JOIN holders h ON h.id = {0:bigint} ORDER BY h.id" + lock, holders)
    for card in database.pick(CARDS, "c", "KEYS k JOIN cards c ON c.holder = {0:bigint}", holders):
        workset.cards[card.id] = card
        workset.card_ids[card.hash] = card.id
    sql = "KEYS k JOIN accounts a ON a.holder = {0:bigint} AND a.holder > 0 AND a.spent < 1"
    for account in database.pick(ACCOUNTS, "a", sql, holders):
        workset.hold(account)


def _named_rows(workset: Workset) -> list[Row]:
    return [
        *workset.earlier.values(),
        *workset.by_rrn.values(),
        *(row for rows in workset.recent.values() for row in rows),
    ]


def _load_families(database: Database, workset: Workset) -> None:
    """All rows of the roots of what was found, with their entries, and the batches they are in."""
    named = [row for rows in (*workset.purchases.values(), *workset.told.values()) for row in rows]
    roots = _distinct((row.root,) for row in (*_named_rows(workset), *named))
    rows = database.pick(JOURNAL, "j", "KEYS k JOIN journal j ON j.root = {0:bigint} ORDER BY j.id", roots)
    whole = {row.id: row for row in with_entries(database, rows)}
    for row in whole.values():
        workset.families.setdefault(row.root, []).append(row)
    workset.earlier = {key: whole[row.id] for key, row in workset.earlier.items()}
    workset.by_rrn = {key: whole[row.id] for key, row in workset.by_rrn.items()}
    workset.recent = {key: [whole[row.id] for row in rows] for key, rows in workset.recent.items()}
    workset.purchases = {key: [whole[row.id] for row in rows] for key, rows in workset.purchases.items()}
    workset.told = {key: [whole[row.id] for row in rows] for key, rows in workset.told.items()}
    _load_spent_lots(database, workset, whole.values())
    batches = {row.batch for row in whole.values()}
    batches |= {number for desk in workset.desks.values() for number in (desk.batch, desk.awaiting, desk.closed)}
    wanted = sorted((number,) for number in batches if number and number not in workset.batches)
    for batch in database.pick(BATCHES, "b", "KEYS k JOIN batches b ON b.id = {0:bigint}", wanted):
        workset.batches[batch.id] = batch


def _load_spent_lots(database: Database, workset: Workset, rows: Iterable[Row]) -> None:
    """Lots that are empty today and that these rows took from or put into: an undo puts back exactly those.

    Only those of locked holders: the others belong to rows of other cards, which are looked at and not undone.
    """
    held = {card.holder for card in workset.cards.values()}
    wanted = {
        entry.account
        for row in rows
        for entry in row.entries
        if is_points(entry.currency) and entry.account > 0 and entry.account not in workset.accounts
    }
    sql = "KEYS k JOIN accounts a ON a.id = {0:bigint}"
    for account in database.pick(ACCOUNTS, "a", sql, sorted((number,) for number in wanted)):
        if account.holder in held:
            workset.hold(account)


def _load_awards(database: Database, workset: Workset, needs: Sequence[Needs]) -> None:
    """Awards that were made before, by the caller's own ids."""
    named = _distinct((need.event,) for need in needs if need.event is not None)
    sql = "KEYS k JOIN journal j ON j.event = {0:text}"
    rows = with_entries(database, database.pick(JOURNAL, "j", sql, named))
    workset.awards = {row.event or "": row for row in rows}


def _load_tallies(database: Database, workset: Workset, places: _Places, now: int) -> None:
    oldest = now // MINUTE - GUESS_MINUTES
    wanted = _distinct(
        (scope, oldest) for terminal, need in places if need.card_range for scope in scopes(terminal, need.card_range)
    )
    sql = "SELECT t.scope, t.bucket, t.count FROM KEYS k JOIN tallies t ON t.scope = {0:text} AND t.bucket > {1:bigint}"
    for scope, bucket, count in database.keyed(sql, wanted):
        workset.tallies[scope][bucket] = count


def _load_days(database: Database, workset: Workset, named: Sequence[tuple[Any, ...]]) -> None:
    """What commands about a merchant's settlement need: no message of a terminal costs these statements."""
    keys = "KEYS k JOIN merchants m ON m.merchant_id = {0:text} "
    newest = (
        "JOIN settlements s ON s.id = (SELECT id FROM settlements WHERE merchant = m.id ORDER BY number DESC LIMIT 1)"
    )
    last = {one.merchant: one for one in database.pick(SETTLEMENTS, "s", keys + newest, named)}
    days = {name: Day(*moments) for name, *moments in database.keyed(DAYS.format(keys), named)}
    for (name,) in named:
        merchant = workset.merchants.get(name)
        if merchant:
            workset.days[name] = days.get(name, Day())
            workset.settled |= {name: last[merchant.id]} if merchant.id in last else {}


def with_entries(database: Database, rows: Sequence[Row]) -> list[Row]:
    """`rows` with the entries that lie in a table of their own."""
    entries: dict[int, list[Entry]] = {}
    sql = f"SELECT e.row_id, {ENTRIES.select('e')} FROM KEYS k JOIN entries e ON e.row_id = {{0:bigint}}"
    for row_id, *columns in database.keyed(sql + " ORDER BY e.row_id, e.account", [(row.id,) for row in rows]):
        entries.setdefault(row_id, []).append(ENTRIES.from_row(columns))
    return [msgspec.structs.replace(row, entries=tuple(entries.get(row.id, ()))) for row in rows]


def _distinct(keys: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(set(keys))
