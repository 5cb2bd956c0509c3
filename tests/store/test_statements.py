"""What one group costs: a fixed handful of statements however large it is, each finding its rows by an index."""

import itertools
import re

import pytest

from specs.transaction import MessageClass
from switch.core.decision import Changes
from switch.core.deliveries import Delivery
from switch.core.holdings import Account, AccountKind, Notice
from switch.core.journal import Entry, Tally
from switch.core.needs import Needs
from switch.core.presence import Presence
from switch.store.database import Database
from switch.store.port import Lost, StoreError, Unavailable
from switch.store.sql import SQLStore
from tests.store.make import (
    MERCHANT_ID,
    NOW,
    account,
    batch,
    card,
    changes,
    desk,
    entry,
    merchant,
    row,
    seal,
    terminal,
    tombstone,
)
from tests.store.places import Place
from tests.store.watched import Watched

LOAD_MOST, COMMIT_MOST = 24, 19  # statements, BEGIN and COMMIT among them


def terminals(count: int) -> Changes:
    return changes(merchant(), *(terminal(n, terminal_id=f"T{n:07d}") for n in range(1, count + 1)))


def group(count: int, first: int) -> tuple[list[Needs], Changes]:
    """`count` requests that name all that a request can, and all that they can change."""
    needs = [
        Needs(
            MERCHANT_ID,
            f"T{n:07d}",
            "main",
            (MessageClass.REQUEST, n),
            1,
            f"hash{n}",
            "99001012",
            f"rrn{n}",
            0,
            other_hash=f"hash{n}",
            receipt="000001",
            holder=n,
            event=f"event{n}",
            presence=True,
        )
        for n in range(1, count + 1)
    ]
    records = [
        one
        for n in range(1, count + 1)
        for one in (
            card(n), account(n), desk(n, batch=n), batch(n, terminal=n), Tally(f"t{n}", NOW // 60_000_000, 1),
            tombstone(first + n, NOW + 1, terminal=n),
            Account(10_000 + n, AccountKind.LOT, n, "1001", 0, 1, spent=True),
            Presence(n, last_seen=first),
            Delivery(f"{first + n}.0", "alarms", "tamper", "{}", NOW, NOW),
            Notice(first + n, n, n, "masked", "sale", 1, NOW),
            row(first + n, terminal=n, stan=n, rrn=f"rrn{n}", card_hash=f"hash{n}", batch=n, receipt="000001",
                entries=(entry(-17, -1), entry(n, 1, 1, first + n), Entry(10_000 + n, "1001", 1, 1, first + n))),
        )
    ]  # fmt: skip
    return needs, changes(*records)


@pytest.fixture
def watched(sql_place: Place) -> Watched:
    return Watched(sql_place.database())


def live(store: SQLStore, count: int, first: int) -> None:
    needs, written = group(count, first)
    store.load(needs, NOW)
    store.commit(written, seal(number=first + 1))


def test_a_large_group_takes_as_many_statements_as_a_small_one(watched: Watched) -> None:
    store = SQLStore(watched)
    store.load([], NOW)
    store.commit(terminals(128), None)
    live(store, 128, 1000)  # so that there is something to find
    counts = []
    for size, first in ((1, 2000), (8, 3000), (128, 4000)):
        needs, written = group(size, first)
        watched.watch()
        store.load(needs, NOW)
        loaded = len(watched.statements)
        store.commit(written, seal(number=first))
        counts.append((loaded, len(watched.statements) - loaded))
    assert len(set(counts)) == 1, counts
    assert counts[0][0] <= LOAD_MOST
    assert counts[0][1] <= COMMIT_MOST


def test_every_statement_of_a_group_finds_its_rows_by_an_index(watched: Watched) -> None:
    """Without statistics, as on the first day, and on books too large to be read through."""
    store = SQLStore(watched)
    store.load([], NOW)
    store.commit(terminals(300), None)
    live(store, 300, 1000)
    needs, _ = group(3, 0)
    watched.watch()
    store.load(needs, NOW)
    store.rollback()
    keyed = {sql for sql in watched.statements if "json" in sql}
    assert len(keyed) > 10
    for sql in sorted(keyed):
        assert not scanned(watched.inner, sql), sql


def scanned(database: Database, sql: str) -> list[str]:
    """The tables that `sql` reads from end to end."""
    if "json_each" in sql:
        plan = [str(row[3]) for row in database.run(f"EXPLAIN QUERY PLAN {sql}", ("[]",))]
        return [step for step in plan if re.match(r"SCAN (?!k\b|c\b.*INDEX .*unused|\(join-\d+\))", step)]
    plan = [str(row[0]) for row in database.run(f"EXPLAIN {sql}", ("[]",))]
    found = [step for step in plan if re.search(r"Seq Scan on (?!json)|Hash Join|Merge Join", step)]
    for step, after in itertools.pairwise([*plan, ""]):
        index = re.search(r"Index (?:Only )?Scan (?:Backward )?using (\w+)", step)
        if index and not re.search(rf"Index Cond: .*\b{first_column(database, index[1])}\b", after):
            found.append(step)  # an index that is read from end to end is no better than a table
    return found


def first_column(database: Database, index: str) -> str:
    sql = "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
    return str(database.fetch(sql + "WHERE i.indexrelid = ?::regclass", (index,))[0][0])


@pytest.mark.parametrize("error", [Unavailable("away"), Lost("nobody knows")])
def test_whichever_statement_fails_nothing_of_the_group_stays(sql_place: Place, error: StoreError) -> None:
    watched = Watched(sql_place.database())
    store = SQLStore(watched)
    store.load([], NOW)
    store.commit(terminals(3), None)
    live(store, 3, 1000)
    before = everything(watched.inner)
    needs, written = group(3, 2000)
    watched.watch()
    store.load(needs, NOW)
    store.commit(written, seal(number=7))
    statements = len(watched.statements)
    written_whole = everything(watched.inner)
    assert written_whole != before
    needs, written = group(3, 3000)
    for n in range(1, statements + 1):
        watched.watch(n, error)
        with pytest.raises(type(error)):
            fail_at(store, needs, written)
        store.rollback()
        assert everything(watched.inner) == written_whole, watched.statements[-1]


def fail_at(store: SQLStore, needs: list[Needs], written: Changes) -> None:
    store.load(needs, NOW)
    store.commit(written, seal(number=8))


@pytest.mark.parametrize("n", range(1, 4))
def test_numbers_and_forgetting_leave_no_transaction_open(sql_place: Place, n: int) -> None:
    """Whatever fails in them, the next group begins as if nothing had been."""
    watched = Watched(sql_place.database())
    store = SQLStore(watched)
    first = store.numbers(1)[0]
    watched.watch(n, Unavailable("away"))
    with pytest.raises(Unavailable):
        store.numbers(5)
    watched.watch(n, Unavailable("away"))
    assert store.forget(NOW) == 0, "what could not go now goes another time"
    watched.watch()
    store.load([], NOW)
    store.rollback()
    assert store.numbers(1)[0] == first + 1, "a lease that failed leased nothing"
    watched.watch(n, Lost("nobody knows"))
    with pytest.raises(Lost):
        store.forget(NOW)


TABLES = (
    *("terminals", "desks", "batches", "holders", "cards", "accounts", "journal", "entries"),
    *("tombstones", "tallies", "seals", "programmes", "outbox"),
)


def everything(database: Database) -> dict[str, list[str]]:
    return {table: sorted(map(repr, database.fetch(f"SELECT * FROM {table}"))) for table in TABLES}
