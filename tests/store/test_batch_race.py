"""Two daemons on one PostgreSQL at the same batch: it closes once, its transactions count once, its day is cut once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from specs.outcomes import Outcome
from specs.transaction import Kind, Line, MessageClass, Reply, Request, Total
from switch.books import Books, Item
from switch.core.day_commands import CutSettlement, SettlePart
from switch.core.needs import Case
from tests.store.places import PostgreSQLPlace
from tests.store.shop import NOW, fill, merchant_of, message, open_books, prove, terminal_id

APPROVED = Outcome.APPROVED


@pytest.fixture
def daemons(postgresql: PostgreSQLPlace) -> list[Books]:
    store = postgresql.open()
    fill(store, 2, 2)
    return [open_books(store, "one"), open_books(postgresql.open(), "two")]


def settle(stan: int, count: int, amount: int, kind: Kind = Kind.SETTLE) -> Case:
    said: dict[str, Any] = {"merchant_id": merchant_of(0), "terminal_id": terminal_id(0), "stan": stan, "batch": 1}
    request = Request(MessageClass.SETTLEMENT, kind, Line("nac"), totals=(Total(count, amount),), **said)
    return Case(request, "main")


def at_once(daemons: list[Books], item_of: Callable[[int], Item], now: int) -> list[Reply]:
    """Both decide an item of their own at the same time."""
    replies: dict[int, Reply] = {}
    gate = threading.Barrier(2)

    def decide(place: int) -> None:
        gate.wait()
        (replies[place],) = daemons[place].run_group([item_of(place)], now)

    threads = [threading.Thread(target=decide, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [replies[place] for place in range(2)]


def test_a_batch_settled_by_two_daemons_at_once_closes_once(daemons: list[Books], postgresql: PostgreSQLPlace) -> None:
    for stan in range(1, 21):
        at_once(daemons, lambda place, stan=stan: message("redeem", 0, 2 * stan + place, 0, 5), NOW + stan)  # type: ignore[misc]  # mypy does not see the default
    for _ in range(3):
        replies = at_once(daemons, lambda place: settle(900 + place, 40, 200), NOW + 100)
        assert [reply.outcome for reply in replies] == [APPROVED, APPROVED]
        assert {reply.totals for reply in replies} == {(Total(40, 200),)}
    replies = at_once(daemons, lambda place: CutSettlement(merchant_of(0)), NOW + 200)
    assert sorted(reply.outcome.value for reply in replies) == ["approved", "batch"]
    reader = postgresql.reader()
    assert [row.outcome for row in reader.rows() if row.kind is Kind.SETTLE] == [APPROVED]
    assert len(reader.settlements()) == 1
    assert prove(reader).batches == 1


def test_the_end_of_the_day_and_the_terminals_own_close_at_once_settle_everything_once(
    daemons: list[Books], postgresql: PostgreSQLPlace
) -> None:
    for place in range(1, 6):
        daemons[0].run_group([message("redeem", 0, place, 0, 5)], NOW + place)
    (batch,) = [one.batch for one in postgresql.reader().open_batches(0, 10)]
    part = SettlePart(merchant_of(0), terminal_id(0), "main", batch.id)
    replies = at_once(daemons, lambda place: part if place else settle(900, 5, 25), NOW + 100)
    assert replies[0].outcome is APPROVED, "the terminal's totals are right whichever came first"
    assert replies[1].outcome in (APPROVED, Outcome.BATCH)
    assert prove(postgresql.reader()).batches == (2 if replies[1].outcome is APPROVED else 1)
