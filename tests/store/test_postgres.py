"""What only the shared store has: row locks, other daemons, a server that goes away and comes back."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from switch.core.holdings import AccountKind, system_account
from switch.core.journal import ProgrammeText
from switch.store.port import Conflict, Lost, Store, StoreError, Unavailable
from switch.store.postgres import PostgreSQL
from switch.store.sql import SQLStore
from tests.store.make import NOW, account, card, changes, entry, merchant, need, row, seal, terminal
from tests.store.places import PostgreSQLPlace, Whole

OTHER = need(terminal_id="T0000002", card_hash="hash200")


@pytest.fixture
def place(postgresql: PostgreSQLPlace) -> PostgreSQLPlace:
    keep(postgresql.open(), merchant(), terminal(), terminal(11, terminal_id="T0000002"))
    keep(postgresql.open(), card(100), account(100), card(200), account(200))
    return postgresql


@pytest.fixture
def admin(place: PostgreSQLPlace) -> Iterator[psycopg.Connection]:
    with psycopg.connect(place.url, autocommit=True) as connection:
        yield connection


def keep(store: Store, *records: object) -> None:
    store.load([], NOW)
    store.commit(changes(*records), None)


def locked(admin: psycopg.Connection, table: str) -> list[int]:
    """The ids of the rows of `table` that somebody holds."""
    free = admin.execute(f"SELECT id FROM {table} ORDER BY id FOR UPDATE SKIP LOCKED").fetchall()
    every = admin.execute(f"SELECT id FROM {table} ORDER BY id").fetchall()
    return [number for (number,) in every if (number,) not in free]


def kill_others(admin: psycopg.Connection) -> None:
    """As a restart of the server does to every session."""
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_a_load_locks_its_terminals_and_holders_and_no_others(
    place: PostgreSQLPlace, admin: psycopg.Connection
) -> None:
    store = place.open()
    store.load([need(card_hash="hash100")], NOW)
    assert (locked(admin, "terminals"), locked(admin, "holders")) == ([10], [100])
    store.rollback()
    assert (locked(admin, "terminals"), locked(admin, "holders")) == ([], [])
    store.load([OTHER, need(card_hash="hash100")], NOW)
    assert (locked(admin, "terminals"), locked(admin, "holders")) == ([10, 11], [100, 200])
    store.commit(changes(row(1)), None)
    assert (locked(admin, "terminals"), locked(admin, "holders")) == ([], [])


def test_a_reader_locks_nothing(place: PostgreSQLPlace, admin: psycopg.Connection) -> None:
    place.reader().cards(0, 10)
    assert (locked(admin, "terminals"), locked(admin, "holders")) == ([], [])


def test_a_second_daemon_waits_and_then_sees_what_the_first_wrote(place: PostgreSQLPlace) -> None:
    first, second = place.open(), place.open()
    first.load([need(card_hash="hash100")], NOW)
    found: list[int] = []

    def read() -> None:
        found.append(second.load([need(terminal_id="T0000002", card_hash="hash100")], NOW).accounts[100].balance)
        second.rollback()

    thread = threading.Thread(target=read)
    thread.start()
    wait_until_someone_waits(place)
    first.commit(changes(account(100, 70, 1), row(1)), None)
    thread.join()
    assert found == [70]


def wait_until_someone_waits(place: PostgreSQLPlace) -> None:
    with psycopg.connect(place.url, autocommit=True) as connection:
        while not connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
            pass


def test_a_lock_that_is_not_given_back_makes_the_store_unavailable(place: PostgreSQLPlace) -> None:
    first, second = place.open(), SQLStore(database := place.database())
    first.load([need()], NOW)
    database.fetch("SET lock_timeout = '20ms'")  # what a daemon waits for is five seconds
    with pytest.raises(Unavailable, match=r"another daemon has held a lock for \d seconds"):
        second.load([need()], NOW)
    second.rollback()
    first.rollback()
    second.load([need()], NOW)


@pytest.mark.parametrize(
    "records",
    [
        (card(300, hash="hash100"),),  # the same number issued by two daemons
        (merchant(2),),  # the same merchant added by two
        (terminal(12),),
        (ProgrammeText(1, "again", NOW),),
        (row(1),),
    ],
)
def test_what_another_daemon_has_written_meanwhile_is_a_conflict(
    place: PostgreSQLPlace, records: tuple[object, ...]
) -> None:
    store = place.open()
    keep(store, row(1), ProgrammeText(1, "first", NOW))
    with pytest.raises(Conflict):
        keep(store, *records)
    store.rollback()
    keep(store, row(2))


def test_two_seals_of_one_number_are_a_conflict(place: PostgreSQLPlace) -> None:
    store = place.open()
    for number in (1, 2):
        store.load([], NOW)
        if number == 1:
            store.commit(changes(row(number)), seal())
        else:
            with pytest.raises(Conflict):
                store.commit(changes(row(number)), seal())


def test_shared_accounts_are_locked_in_one_order_by_all(place: PostgreSQLPlace) -> None:
    """Two daemons whose groups name the same merchants the other way round add to their accounts without deadlock."""
    ids = [system_account(AccountKind.CLEARING, owner, "949") for owner in range(1, 9)]
    failed: list[StoreError] = []

    def add(store: Store, first: int, order: list[int]) -> None:
        for number in range(first, first + 50):
            try:
                keep(store, *(row(number * 10 + n, entries=(entry(one, 1),)) for n, one in enumerate(order)))
            except StoreError as error:
                failed.append(error)
                store.rollback()

    threads = [
        threading.Thread(target=add, args=(place.open(), first, order))
        for first, order in ((1000, ids), (2000, ids[::-1]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {one.id: one.balance for one in place.reader().accounts() if one.id < 0} == dict.fromkeys(ids, 100)


def test_a_lost_connection_is_unavailable_and_the_next_group_has_a_new_one(
    place: PostgreSQLPlace, admin: psycopg.Connection
) -> None:
    store = place.open()
    for during in ("before load", "before commit", "outside"):
        number = store.numbers(1)[0]
        if during == "before commit":
            store.load([need()], NOW)
        kill_others(admin)
        with pytest.raises(Unavailable, match=r"lost|AdminShutdown"):
            ask(store, during, number)
        store.rollback()
        assert min(store.numbers(1)) > number
        keep(store, row(number))


def ask(store: Whole, during: str, number: int) -> None:
    match during:
        case "before load":
            store.load([need()], NOW)
        case "before commit":
            store.commit(changes(row(number)), None)
        case _:
            store.programme()


def test_no_half_of_a_group_slips_into_a_new_session(place: PostgreSQLPlace, admin: psycopg.Connection) -> None:
    """Once the session of a transaction is gone, nothing is written until the next transaction begins."""
    store = SQLStore(database := place.database())
    store.load([need()], NOW)
    kill_others(admin)
    with pytest.raises(Unavailable):
        database.fetch("SELECT 1")
    with pytest.raises(Unavailable):
        store.commit(changes(row(1)), None)
    with pytest.raises(Unavailable):
        database.commit()
    assert list(place.reader().rows()) == []


def test_a_commit_that_rolls_back_is_not_taken_for_one(place: PostgreSQLPlace) -> None:
    """PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK, and calls that a success."""
    database = place.database()
    database.begin()
    with pytest.raises(StoreError):
        database.fetch("SELECT no_such_thing")
    with pytest.raises(Unavailable, match="rolled back"):
        database.commit()


def test_an_error_at_commit_leaves_nobody_sure(place: PostgreSQLPlace) -> None:
    """A deferred trigger ends the session while COMMIT runs: the daemon hears no answer."""
    store = SQLStore(database := place.database())
    with database.transaction():
        database.run_script(
            "CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END $$;"
            "CREATE CONSTRAINT TRIGGER vanishing AFTER INSERT ON journal DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION vanish()"
        )
    with pytest.raises(Lost, match="while committing"):
        keep(store, row(1))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://127.0.0.1:1/books", "Connection refused"),
        ("postgresql://nobody:hunter2@127.0.0.1:1/books", "Connection refused"),
        ("postgresql://127.0.0.1:1/books?nonsense=1", "nonsense"),
    ],
)
def test_a_server_that_cannot_be_reached_is_named_without_secrets(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as raised:
        PostgreSQL(url)
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_database_is_named(postgresql: PostgreSQLPlace) -> None:
    with pytest.raises(Unavailable, match='database "no_such" does not exist'):
        PostgreSQLPlace(postgresql.url, "no_such").connect()
