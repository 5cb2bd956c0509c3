"""The contract of every store, for people and the audit; and numbers, which nobody gets twice."""

import threading
from pathlib import Path

import pytest

from switch.core.journal import ProgrammeText
from switch.core.merchants import Merchant
from switch.store.port import JournalFilter, StoreError
from tests.store.make import NOW, account, batch, card, changes, entry, merchant, row, seal, terminal
from tests.store.places import Place, SQLitePlace, Whole


def keep(store: Whole, *records: object) -> None:
    store.load([], NOW)
    store.commit(changes(*records), None)


def test_listings_are_in_order(place: Place) -> None:
    store = place.open()
    keep(store, merchant(2, "M2"), merchant(1, "M1"), terminal(12, 1, "M1", terminal_id="B"))
    keep(store, terminal(10, 2, "M2", terminal_id="A"), terminal(11, 1, "M1", terminal_id="A"))
    keep(store, batch(50), batch(52), batch(51, terminal=11))
    reader = place.reader()
    assert [one.id for one in reader.merchants()] == [1, 2]
    assert [one.id for one in reader.terminals()] == [11, 12, 10]
    assert reader.batches(10) == [batch(52), batch(50)]


def test_cards_come_in_pages_and_by_hash(place: Place) -> None:
    store = place.open()
    keep(store, *(card(number) for number in range(1, 8)), *(account(number, number) for number in range(1, 8)))
    reader = place.reader()
    assert [one.id for one in reader.cards(0, 3)] == [1, 2, 3]
    assert [one.id for one in reader.cards(6, 3)] == [7]
    assert reader.cards(7, 3) == []
    assert reader.card("hash5") == (card(5), account(5, 5))
    assert reader.card("hash8") is None


def test_the_journal_is_searched_by_all_that_is_given_newest_first(place: Place) -> None:
    store = place.open()
    keep(store, *(row(number, terminal=10 + number % 2, entries=(entry(-1, number),)) for number in range(1, 9)))
    keep(store, row(9, card_hash="other"))
    reader = place.reader()

    def found(**wanted: object) -> list[int]:
        return [one.id for one in reader.journal(JournalFilter(**wanted))]  # type: ignore[arg-type]  # in a table

    assert found() == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert found(limit=2) == [9, 8]
    assert found(rrn=row(4).rrn) == [4]
    assert found(card_hash="other") == [9]
    assert found(terminal=11) == [7, 5, 3, 1]
    assert found(since=NOW + 3, until=NOW + 6) == [5, 4, 3]
    assert found(terminal=11, since=NOW + 3, until=NOW + 6, card_hash="hash100") == [5, 3]
    assert found(rrn="") == []
    assert reader.journal(JournalFilter(rrn=row(4).rrn))[0].entries == (entry(-1, 4),)


def test_the_whole_journal_comes_by_id_with_entries_however_long(place: Place) -> None:
    store = place.open()
    rows = [row(number, entries=(entry(-2, 1), entry(-1, -1))) for number in range(1, 1203)]
    keep(store, *reversed(rows))
    assert list(place.reader().rows()) == rows


def test_families_are_found_by_their_roots(place: Place) -> None:
    store = place.open()
    paid = (entry(-2, 5), entry(-1, -5))
    rows = [row(1, entries=paid), row(2), row(3, root=1, original=1), row(4, root=2, original=2), row(5)]
    keep(store, *rows)
    reader = place.reader()
    assert reader.families([2, 1, 99]) == rows[:4]
    assert reader.families([5]) == rows[4:]
    assert reader.families([]) == []


def test_every_account_comes_with_its_entries_in_sequence(place: Place) -> None:
    store = place.open()
    keep(
        store,
        row(1, entries=(entry(-1, -10), entry(1, 10, 10, 1))),
        row(2, entries=(entry(-1, 4), entry(1, -4, 6, 2))),
        row(3, entries=(entry(-1, -1), entry(1, 1, 7, 3))),
        account(1, 7, 3),
        account(2),
    )
    clearing, *holders = place.reader().histories()
    assert (clearing[0].id, clearing[0].balance, clearing[1]) == (-1, -7, [])
    assert holders == [
        (account(1, 7, 3), [entry(1, 10, 10, 1), entry(1, -4, 6, 2), entry(1, 1, 7, 3)]),
        (account(2), []),
    ]


def test_seals_come_in_pages_for_each_daemon(place: Place) -> None:
    store = place.open()
    for daemon, number in [("main", 1), ("other", 1), ("main", 2), ("main", 10)]:
        store.load([], NOW)
        store.commit(changes(row(100 * number + len(daemon))), seal(daemon, number))
    reader = place.reader()
    assert reader.seals_after("main", 0, 2) == [seal("main", 1), seal("main", 2)]
    assert reader.seals_after("main", 2, 2) == [seal("main", 10)]
    assert reader.seals_after("other", 1, 2) == []


def test_programmes_and_cards_are_found_by_version_and_product(place: Place) -> None:
    store = place.open()
    keep(store, ProgrammeText(1, "first", NOW), ProgrammeText(2, "second", NOW))
    keep(store, card(1), card(2), card(3, product="fixed"), *(account(number) for number in (1, 2, 3)))
    reader = place.reader()
    assert reader.programme_at(1) == ProgrammeText(1, "first", NOW)
    assert reader.programme_at(3) is None
    assert [reader.count_cards(product) for product in ("classic", "fixed", "none")] == [2, 1, 0]


def test_a_reader_sees_one_moment(sql_place: Place) -> None:
    store = sql_place.open()
    keep(store, row(1), merchant())
    reader = sql_place.reader()
    keep(store, row(2), merchant(name="Later"))
    assert [one.id for one in reader.rows()] == [1]
    assert reader.merchants() == [merchant()]
    later = sql_place.reader()
    assert [one.id for one in later.rows()] == [1, 2]


def test_a_reader_cannot_write(sql_place: Place) -> None:
    sql_place.open()
    reader = sql_place.reader()
    with pytest.raises(StoreError):
        reader.commit(changes(row(1)), None)  # type: ignore[attr-defined]  # the point of the test


def test_numbers_are_never_given_twice(place: Place) -> None:
    store = place.open()
    first = store.numbers(10)
    assert (len(first), len(store.numbers(1))) == (10, 1)
    store.load([], NOW)
    store.rollback()
    assert min(store.numbers(4096)) > max(first)


def test_numbers_outlive_the_daemon(sql_place: Place) -> None:
    last = max(sql_place.open().numbers(7))
    sql_place.close()
    assert min(sql_place.open().numbers(1)) > last


def test_two_connections_share_the_numbers(postgresql: Place) -> None:
    stores = [postgresql.open(), postgresql.open()]
    given: list[list[int]] = [[], []]

    def lease(which: int) -> None:
        for _ in range(50):
            given[which].extend(stores[which].numbers(3))

    threads = [threading.Thread(target=lease, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({*given[0], *given[1]}) == 300


def test_a_backup_is_the_books_of_one_moment_in_one_file(sqlite: SQLitePlace, tmp_path: Path) -> None:
    store = sqlite.open()
    keep(store, row(1, entries=(entry(-1, 5),)))
    copy = tmp_path / "copy.db"
    reader = sqlite.reader()
    assert [one.id for one in reader.rows()] == [1]
    keep(store, row(2))
    reader.backup(str(copy))
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    restored = SQLitePlace(copy)
    assert [one.id for one in restored.reader().rows()] == [1]
    restored.close()
    keep(restored.open(), row(3))
    restored.close()


def test_a_backup_overwrites_nothing_and_leaves_no_half_of_one(sqlite: SQLitePlace, tmp_path: Path) -> None:
    sqlite.open()
    there = tmp_path / "there"
    there.write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        sqlite.reader().backup(str(there))
    assert there.read_text() == "mine"
    with pytest.raises(StoreError):
        sqlite.reader().backup(str(tmp_path / "no" / "such" / "folder"))


@pytest.mark.parametrize("kind", ["memory", "postgresql"])
def test_other_stores_say_how_they_are_backed_up(kind: str, request: pytest.FixtureRequest, place: Place) -> None:
    if type(place).__name__.lower().startswith(kind):
        place.open()
        with pytest.raises(StoreError, match=r"tools|no backup"):
            place.reader().backup("anywhere")


def test_a_name_in_any_script_survives(place: Place) -> None:
    store = place.open()
    name = 'Ş"ü\\\n\t%s ? {0:text} 店'
    keep(store, Merchant(1, "M1", name, (name,)))
    assert place.reader().merchants() == [Merchant(1, "M1", name, (name,))]


def test_a_backup_can_be_read_where_nothing_can_be_written(sqlite: SQLitePlace, tmp_path: Path) -> None:
    """A backup on a medium that is read only: nothing beside the file is needed to read it."""
    keep(sqlite.open(), row(1))
    copy = tmp_path / "copy.db"
    sqlite.reader().backup(str(copy))
    assert copy.read_bytes()[18:20] == b"\1\1", "file format version: 2 would mean that a WAL is kept beside it"
    assert copy.stat().st_mode & 0o077 == 0, "it is as confidential as the books"
