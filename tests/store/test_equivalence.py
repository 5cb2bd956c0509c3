"""Books in SQL and in memory say the same after any history. They were written apart, so each checks the other."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switch.store.memory import MemoryStore
from switch.store.port import JournalFilter
from switch.store.sql import SQLStore
from switch.store.sqlite import SQLite
from tests.store.histories import History, content
from tests.store.make import NOW
from tests.store.places import PostgreSQLPlace, Whole

CHANCE = st.randoms(use_true_random=False)


@settings(max_examples=150)
@given(chance=CHANCE)
def test_sqlite_says_what_memory_says(chance: random.Random) -> None:
    store = SQLStore(SQLite(":memory:", make=True))
    try:
        live_through(History(chance), store)
    finally:
        store.close()


@pytest.mark.slow
def test_postgresql_says_what_memory_says(postgresql: PostgreSQLPlace) -> None:
    database = postgresql.database()
    store = SQLStore(database)
    tables = [row[0] for row in database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    emptied = ", ".join(set(tables) - {"migrations", "counters"})

    @settings(max_examples=40)
    @given(chance=CHANCE)
    def check(chance: random.Random) -> None:
        store.rollback()
        database.fetch(f"TRUNCATE {emptied}")
        live_through(History(chance), store)

    check()


def live_through(history: History, store: Whole) -> None:
    memory = MemoryStore()
    for one in (memory, store):
        one.load([], history.now)
        one.commit(history.first(), None)
    for _ in range(history.chance.randint(1, 12)):
        changes, seal = history.group()
        for one in (memory, store):
            one.load([], history.now)
            one.commit(changes, seal)
        for _ in range(3):
            needs = history.needs()
            found = [content(one.load(needs, history.now)) for one in (memory, store)]
            store.rollback()
            assert found[1] == found[0]
    assert told(store) == told(memory)
    assert store.forget(history.now) == memory.forget(history.now)
    assert store.tallies() == memory.tallies()


def told(store: Whole) -> dict[str, Any]:
    """All that people and the audit can read."""
    store.load([], 0)  # one snapshot, also where listings stream
    try:
        return {
            "merchants": store.merchants(),
            "terminals": store.terminals(),
            "stations": [store.stations(after, 2) for after in (0, 10, 12)],
            "cards": store.cards(0, 1000),
            "card": [store.card(f"hash{number}") for number in (20, 21, 22, 99)],
            "rows": list(store.rows()),
            "journal": store.journal(JournalFilter(terminal=10)),
            "accounts": list(store.accounts()),
            "batches": store.batches(10),
            "members": [store.member(number) for number in (20, 22, 99)],
            "expired": [store.expired_lots("2026-12-31", now, ("", 0), 10) for now in (0, NOW, NOW + 10**9)],
            "liability": store.liability(),
            "notices": store.notices(5),
            "tallies": store.tallies(),
            "seals": list(store.seals()),
            "programme": store.programme(),
            "last_seal": store.last_seal("main"),
        }
    finally:
        store.rollback()
