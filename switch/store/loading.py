"""Load what a group of requests names: a fixed handful of statements, in the order of the two locks.

Terminals first (locked), then what their messages name, then the holders of the cards (locked) and all that is theirs.
There is no third hop (DESIGN, "two owners, two locks"): who else has paid for a sale is asked before, and asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from switch.core.clock import MINUTE
from switch.core.needs import Needs
from switch.core.refusals import scopes
from switch.core.workset import GUESS_MINUTES, Day, Workset
from switch.store.database import Database
from switch.store.loading_rows import (
    Places,
    distinct,
    load_awards,
    load_families,
    load_messages,
    load_purchases,
    roots_of_points,
)
from switch.store.tables import ACCOUNTS, BATCHES, CARDS, DAYS, DESKS, MERCHANTS, PRESENCES, SETTLEMENTS, TERMINALS


def load(database: Database, needs: Sequence[Needs], now: int) -> Workset:
    """The records that `needs` name; their terminals and holders are locked until the transaction ends."""
    workset = Workset()
    needs = _find_numbers(database, workset, needs)
    _load_terminals(database, workset, needs)
    places = []
    for need in needs:
        terminal = workset.terminal(need.merchant_id, need.terminal_id) if need.terminal_id else None
        if terminal:
            places.append((terminal, need))
    _load_presences(database, workset, places)
    _load_desks(database, workset, places)
    load_messages(database, workset, places, now)
    load_purchases(database, workset, places)
    _load_holders(database, workset, needs)
    load_families(database, workset)
    load_awards(database, workset, needs)
    _load_tallies(database, workset, places, now)
    _load_days(database, workset, distinct((need.merchant_id,) for need in needs if need.day))
    workset.programme_version = database.fetch("SELECT coalesce(max(version), 0) FROM programmes")[0][0]
    return workset


def _find_numbers(database: Database, workset: Workset, needs: Sequence[Needs]) -> Sequence[Needs]:
    """The needs of terminals that name themselves by a number, with their ids; nothing is locked yet."""
    numbers = distinct((need.acceptor,) for need in needs if need.acceptor)
    sql = "SELECT t.number, t.merchant_id, t.terminal_id FROM KEYS k JOIN terminals t ON t.number = {0:text}"
    workset.numbers = {number: (merchant, terminal) for number, merchant, terminal in database.keyed(sql, numbers)}
    return [need.named(workset.numbers) for need in needs] if numbers else needs


def _load_terminals(database: Database, workset: Workset, needs: Sequence[Needs]) -> None:
    """Who sent the messages: the terminals in order of their ids, and their merchants."""
    named = distinct((need.terminal_id, need.merchant_id) for need in needs if need.terminal_id)
    sql = "KEYS k JOIN terminals t ON t.terminal_id = {0:text} AND {1:text} IN ('', t.merchant_id) ORDER BY t.id"
    found = database.pick(TERMINALS, "t", sql + database.locked("t"), named)
    workset.terminals = {(terminal.merchant_id, terminal.terminal_id): terminal for terminal in found}
    merchants = {need.merchant_id for need in needs} | {terminal.merchant_id for terminal in found}
    sql = "KEYS k JOIN merchants m ON m.merchant_id = {0:text}"
    rows = database.pick(MERCHANTS, "m", sql, sorted((name,) for name in merchants))
    workset.merchants = {merchant.merchant_id: merchant for merchant in rows}


def _load_presences(database: Database, workset: Workset, places: Places) -> None:
    """Of the terminals that tell their status, or that somebody tells of."""
    wanted = distinct((terminal.id,) for terminal, need in places if need.presence)
    for presence in database.pick(PRESENCES, "p", "KEYS k JOIN presences p ON p.terminal = {0:bigint}", wanted):
        workset.presences[presence.terminal] = presence


def _load_desks(database: Database, workset: Workset, places: Places) -> None:
    """Where the terminals' applications stand, and the batches their messages name."""
    at = distinct((terminal.id, need.application) for terminal, need in places)
    sql = "KEYS k JOIN desks d ON d.terminal = {0:bigint} AND d.application = {1:text}"
    desks = database.pick(DESKS, "d", sql, at)
    workset.desks = {(desk.terminal, desk.application): desk for desk in desks}
    open_at = distinct((terminal.id, need.application) for terminal, need in places if need.settles)
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


def _load_holders(database: Database, workset: Workset, needs: Sequence[Needs]) -> None:
    """The holders of the named cards and of all sides of named points, in order of their ids; all of theirs."""
    hashes = distinct((name,) for need in needs for name in (need.card_hash, need.other_hash) if name)
    sql = "SELECT DISTINCT c.holder FROM KEYS k JOIN cards c ON c.hash = {0:text} ORDER BY c.holder"
    named = {row[0] for row in database.keyed(sql, hashes)} | {need.holder for need in needs}
    sql = "SELECT DISTINCT j.holder, j.other_holder FROM KEYS k JOIN journal j ON j.root = {0:bigint}"
    named |= {number for pair in database.keyed(sql, roots_of_points(workset)) for number in pair}
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


def _load_tallies(database: Database, workset: Workset, places: Places, now: int) -> None:
    oldest = now // MINUTE - GUESS_MINUTES
    wanted = distinct(
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
