"""Load the rows of the journal that messages name, and what is known by them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from specs import limits
from specs.transaction import Kind, MessageClass
from switch.core.holdings import is_points
from switch.core.journal import Entry, Row
from switch.core.merchants import Terminal
from switch.core.needs import Needs
from switch.core.workset import Workset
from switch.store.database import Database
from switch.store.port import Conflict
from switch.store.tables import ACCOUNTS, BATCHES, ENTRIES, JOURNAL, TOMBSTONES

Places = Sequence[tuple[Terminal, Needs]]


def load_messages(database: Database, workset: Workset, places: Places, now: int) -> None:
    """Earlier messages: of the same key, of the same card at this terminal, by reference; and tombstones."""
    keyed = [
        (terminal.id, need.application, *_key(need.keyed, need.keyed_kind)) for terminal, need in places if need.keyed
    ]
    sql = (
        "KEYS k JOIN journal j ON j.id = (SELECT id FROM journal WHERE terminal = {0:bigint} AND stan = {3:bigint} "
        "AND message_class = {2:text} AND application = {1:text} AND {4:text} IN ('', kind) "
        "ORDER BY decided_at DESC LIMIT 1)"
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
        "AND {3:bigint} IN (0, j.asked, j.amount) ORDER BY j.decided_at DESC"
    )
    for row in database.pick(JOURNAL, "j", sql, searched):
        workset.recent.setdefault((row.terminal, row.application, row.card_hash), []).append(row)
    load_told(database, workset, places)
    references = distinct((need.rrn,) for _, need in places if need.rrn)
    newest_last = "KEYS k JOIN journal j ON j.rrn = {0:text} ORDER BY j.decided_at"
    workset.by_rrn = {row.rrn: row for row in database.pick(JOURNAL, "j", newest_last, references)}
    sql = "KEYS k JOIN tombstones t ON t.terminal = {0:bigint} AND t.expires_at > {1:bigint}"
    for stone in database.pick(TOMBSTONES, "t", sql, distinct((terminal.id, now) for terminal, _ in places)):
        workset.tombstones.setdefault(stone.terminal, []).append(stone)


def _key(keyed: tuple[MessageClass, int], kind: Kind | None) -> tuple[str, int, str]:
    return keyed[0].value, keyed[1], kind.value if kind else ""


def load_purchases(database: Database, workset: Workset, places: Places) -> None:
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
    for row in database.pick(JOURNAL, "j", sql, distinct(keys)):
        workset.purchases.setdefault((row.batch, row.receipt or ""), []).append(row)


def load_told(database: Database, workset: Workset, places: Places) -> None:
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


def _named_rows(workset: Workset) -> list[Row]:
    return [
        *workset.earlier.values(),
        *workset.by_rrn.values(),
        *(row for rows in workset.recent.values() for row in rows),
    ]


def roots_of_points(workset: Workset) -> list[tuple[int]]:
    """The families that messages may undo or return something of: several members may have paid for one sale."""
    return sorted({(row.root,) for row in _named_rows(workset) if is_points(row.card_currency)})


def load_families(database: Database, workset: Workset) -> None:
    """All rows of the roots of what was found, with their entries, and the batches they are in.

    Raises:
        Conflict: another daemon has added somebody to a family since the holders were locked.
    """
    named = [row for rows in (*workset.purchases.values(), *workset.told.values()) for row in rows]
    roots = distinct((row.root,) for row in (*_named_rows(workset), *named))
    rows = database.pick(
        JOURNAL, "j", "KEYS k JOIN journal j ON j.root = {0:bigint} ORDER BY j.decided_at, j.id", roots
    )
    whole = {row.id: row for row in with_entries(database, rows)}
    held, shared = {card.holder for card in workset.cards.values()}, {root for (root,) in roots_of_points(workset)}
    if any(row.root in shared and row.holder not in held for row in whole.values()):
        raise Conflict("another member has paid for a sale while it was looked up")
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


def load_awards(database: Database, workset: Workset, needs: Sequence[Needs]) -> None:
    """Awards that were made before, by the caller's own ids."""
    named = distinct((need.event,) for need in needs if need.event is not None)
    sql = "KEYS k JOIN journal j ON j.event = {0:text}"
    rows = with_entries(database, database.pick(JOURNAL, "j", sql, named))
    workset.awards = {row.event or "": row for row in rows}


def with_entries(database: Database, rows: Sequence[Row]) -> list[Row]:
    """`rows` with the entries that lie in a table of their own."""
    entries: dict[int, list[Entry]] = {}
    sql = f"SELECT e.row_id, {ENTRIES.select('e')} FROM KEYS k JOIN entries e ON e.row_id = {{0:bigint}}"
    for row_id, *columns in database.keyed(sql + " ORDER BY e.row_id, e.account", [(row.id,) for row in rows]):
        entries.setdefault(row_id, []).append(ENTRIES.from_row(columns))
    return [msgspec.structs.replace(row, entries=tuple(entries.get(row.id, ()))) for row in rows]


def distinct(keys: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(set(keys))
