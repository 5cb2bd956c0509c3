"""One daemon's half of the books: whatever the store does, a group is decided once, whole, and sealed."""

from collections.abc import Sequence

import pytest

from switch.books import CONFLICTS_MAX
from switch.core.needs import Needs
from switch.core.workset import Workset
from switch.store.port import Conflict, Lost, StoreError, Unavailable
from switch.store.sql import SQLStore
from tests.store.places import Place, PostgreSQLPlace
from tests.store.shop import FILLED, NOW, approved, balances, fill, message, open_books, prove
from tests.store.watched import Watched

GROUP = [message("redeem", terminal, 1, terminal, 100) for terminal in range(4)]
SECOND = [message("redeem", terminal, 2, terminal, 10) for terminal in range(4)]


@pytest.fixture
def watched(sql_place: Place) -> Watched:
    fill(SQLStore(database := sql_place.database()), 4, 4)
    return Watched(database)


def statements_of_a_group(watched: Watched) -> int:
    """Of the first one, with its lease of numbers."""
    books = open_books(SQLStore(watched), "counted")
    watched.watch()
    assert all(approved(books.run_group(GROUP, NOW)))
    return len(watched.statements)


@pytest.mark.parametrize("error", [Unavailable("away"), Lost("nobody knows"), StoreError("strange")])
def test_whichever_statement_fails_the_group_has_not_been_and_can_be_tried_again(
    sql_place: Place, watched: Watched, error: StoreError
) -> None:
    n = 0
    while True:
        n += 1
        books = open_books(SQLStore(watched), f"daemon{n}")
        before = balances(sql_place.reader(), 4)
        again = [message("redeem", terminal, 1000 + n, terminal, 1) for terminal in range(4)]
        watched.watch(n, error)
        try:
            books.run_group(again, NOW + n * 1000)
            break  # there is no n-th statement: all have failed once
        except type(error):
            pass
        watched.watch()
        assert balances(sql_place.reader(), 4) == before
        assert all(approved(books.run_group(again, NOW + n * 1000)))
        assert balances(sql_place.reader(), 4) == [held - 1 for held in before]
    assert n > 20
    prove(sql_place.reader())


def test_a_conflict_anywhere_has_the_group_decided_again(sql_place: Place, watched: Watched) -> None:
    statements = statements_of_a_group(watched)
    for n in range(1, statements + 1):
        books = open_books(SQLStore(watched), f"daemon{n}")
        again = [message("redeem", terminal, 1000 + n, terminal, 1) for terminal in range(4)]
        watched.watch(n, Conflict("somebody was faster"))
        assert all(approved(books.run_group(again, NOW + n * 1000)))
    assert balances(sql_place.reader(), 4) == [FILLED - 100 - statements] * 4
    prove(sql_place.reader())


def test_conflicts_without_end_are_waited_out(watched: Watched) -> None:
    class Jinxed(SQLStore):
        """Another daemon has always just been there."""

        tries = 0

        def load(self, needs: Sequence[Needs], now: int) -> Workset:
            self.tries += 1
            raise Conflict("somebody was faster")

    store = Jinxed(watched)
    books = open_books(store)
    with pytest.raises(Unavailable, match="faster every time"):
        books.run_group(GROUP, NOW)
    assert store.tries == CONFLICTS_MAX


def test_a_repeat_after_a_commit_of_unknown_result_finds_the_stored_answer(sql_place: Place) -> None:
    """The daemon ended without an answer; the next one gives the first one's."""
    fill(store := sql_place.open(), 4, 4)
    replies = open_books(store).run_group(GROUP, NOW)
    assert open_books(store).run_group(GROUP, NOW + 1000) == replies
    assert balances(sql_place.reader(), 4) == [FILLED - 100] * 4


def test_numbers_leased_and_not_used_are_skipped_never_reused(sql_place: Place) -> None:
    fill(store := sql_place.open(), 4, 4)
    first = open_books(store).run_group(GROUP, NOW)
    second = open_books(store).run_group(SECOND, NOW + 1000)
    assert len({reply.rrn for reply in first + second}) == 8
    prove(sql_place.reader())


def test_two_daemons_of_one_name_hinder_each_other_but_not_the_books(postgresql: PostgreSQLPlace) -> None:
    """What two configurations with the default name, or a command beside a daemon elsewhere, come to."""
    fill(postgresql.open(), 4, 4)
    daemons = [open_books(postgresql.open(), "main") for _ in range(2)]
    for stan in range(1, 11):
        cases = [message("redeem", terminal, stan, terminal, 1) for terminal in range(4)]
        assert all(approved(daemons[stan % 2].run_group(cases, NOW + stan * 1000)))
    assert balances(postgresql.reader(), 4) == [FILLED - 10] * 4
    prove(postgresql.reader())
