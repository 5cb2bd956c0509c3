"""The audit: right books are right, and each way to falsify them is named. Also what it cannot see."""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, Line, MessageClass, Request
from switch.books import Books
from switch.core.needs import Case
from switch.store.open import open_store
from tests.cli.operator import Operator, new_operator

GROUPS = 12


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """A demo's books with groups of two daemons in turn: redeemed again and again, each third taken back."""
    operator = new_operator(tmp_path_factory.mktemp("books") / "data")
    pan, now = PAN(operator.card("classic")), time.time_ns() // 1000
    with closing(open_store(operator.config.store)) as store:
        daemons = [Books(store, operator.vault.seal_key, name) for name in ("main", "second")]
        for stan in range(1, GROUPS + 1):
            (reply,) = daemons[stan % 2].run_group([_redeem(operator, pan, stan)], now + stan * 1_000_000)
            assert reply.outcome is Outcome.APPROVED
    return operator


def _redeem(operator: Operator, pan: PAN, stan: int) -> Case:
    back = stan % 3 == 0
    request = Request(
        MessageClass.REVERSAL if back else MessageClass.REQUEST,
        Kind.GIFT_REDEEM,
        Line("nac"),
        merchant_id="DEMOBOOKS000001",
        terminal_id="BOOKS001",
        stan=stan,
        card=pan,
        amount=100,
        currency="949",
        original_class=MessageClass.REQUEST if back else None,
        original_stan=stan - 1 if back else None,
    )
    return Case(request, "main", operator.vault.card_hash(pan).hex(), None)


@pytest.fixture
def books(honest: Operator, tmp_path: Path) -> Operator:
    """A copy to falsify."""
    shutil.copytree(honest.folder, tmp_path / "data")
    return Operator(tmp_path / "data")


def falsify(operator: Operator, *statements: str) -> None:
    with closing(sqlite3.connect(operator.folder / "books.db", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


COUNTED = {"rows": "journal", "entries": "entries", "accounts": "accounts", "batches": "batches", "seals": "seals"}


def count(operator: Operator, table: str) -> int:
    with closing(sqlite3.connect(operator.folder / "books.db")) as connection:
        (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found)


def test_right_books_are_right(books: Operator) -> None:
    told = books.record("audit")
    counted = {name: count(books, table) for name, table in COUNTED.items()}
    assert counted == {name: told[name] for name in COUNTED}
    assert min(counted.values())
    assert told["newest"].keys() == {"main", "second"}
    lines = books.do("audit").out.splitlines()
    assert lines[0] == "the books are right: " + ", ".join(f"{told[name]} {name}" for name in COUNTED)
    assert lines[1:] == [f"newest seal of {daemon}: {seal}" for daemon, seal in told["newest"].items()]


NEWEST = "(SELECT max(id) FROM journal)"
SALE = "(SELECT max(id) FROM journal WHERE message_class = 'request')"
HOLDER = f"(SELECT account FROM entries WHERE row_id = {NEWEST} AND account > 0)"
CLEARING = f"(SELECT account FROM entries WHERE row_id = {NEWEST} AND account < 0)"
SEAL = "WHERE daemon = 'main' AND number = 8"

# fmt: off
FALSE = [
    ("an amount", r"row \d+: a row that does not balance",
     f"UPDATE entries SET amount = amount - 1 WHERE row_id = {SALE} AND account < 0"),
    ("an amount and its counterpart", r"seal \d+ of '\w+': its rows are not those that were sealed",
     f"UPDATE entries SET amount = 2 * amount WHERE row_id = {SALE}"),
    ("what was asked", r"seal \d+ of '\w+': its rows are not those that were sealed",
     f"UPDATE journal SET asked = 1 WHERE id = {SALE}"),
    ("an outcome", r"row \d+: refused, and yet it moved value",
     f"UPDATE journal SET outcome = 'not_enough' WHERE id = {SALE}"),
    ("a stored answer", r"seal \d+ of '\w+': its rows are not those that were sealed",
     f"UPDATE journal SET reply = replace(reply, 'approved', 'not_enough') WHERE id = {SALE}"),
    ("a row of a group", r"seal 1 of 'main': its rows are not those that were sealed",
     "DELETE FROM journal WHERE id = (SELECT max(id) FROM journal WHERE seal = 1 AND kind = 'operator')"),
    ("a whole group", r"seal 3 of 'main': its rows are not those that were sealed",
     "DELETE FROM journal WHERE daemon = 'main' AND seal = 3"),
    ("the newest rows, not their seal", r"seal 8 of 'main': its rows are not there",
     "DELETE FROM journal WHERE id = (SELECT id FROM journal WHERE daemon = 'main' AND seal = 8)"),
    ("the newest seal, not its rows", r"row \d+: seal 8 of 'main' is not there",
     f"DELETE FROM seals {SEAL}"),
    ("a row put in again", r"seal 8 of 'main': its rows are not those that were sealed",
     "CREATE TEMP TABLE again AS SELECT * FROM journal WHERE daemon = 'main' AND seal = 8",
     "UPDATE again SET id = id + 1000, rrn = 'x'",
     "INSERT INTO journal SELECT * FROM again"),
    ("rows under another daemon's name", r"row \d+: seal 8 of 'nobody' is not there",
     "UPDATE journal SET daemon = 'nobody' WHERE daemon = 'main' AND seal = 8"),
    ("a seal's number", r"row \d+: seal 8 of 'main' is not there|seal 99 of 'main': .*",
     f"UPDATE seals SET number = 99 {SEAL}"),
    ("a seal's time", r"seal 8 of 'main': its rows are not those that were sealed",
     f"UPDATE seals SET sealed_at = sealed_at + 1 {SEAL}"),
    ("a seal of a daemon that never was", r"seal 1 of 'ghost': its rows are not there",
     "INSERT INTO seals SELECT 'ghost', 1, count, sealed_at, mac FROM seals WHERE daemon = 'main' AND number = 1"),
    ("a card's balance", r"account \d+: its balance is not that of its last entry",
     f"UPDATE accounts SET balance = balance + 1 WHERE id = {HOLDER}"),
    ("a merchant's balance", r"account -\d+: its balance is not the sum of its entries",
     f"UPDATE accounts SET balance = balance + 1 WHERE id = {CLEARING}"),
    ("a card's account", r"there are entries \(\d+\) of accounts that do not exist",
     f"DELETE FROM accounts WHERE id = {HOLDER}"),
    ("a merchant's account", r"account -\d+ has entries but does not exist",
     f"DELETE FROM accounts WHERE id = {CLEARING}"),
    ("value from nowhere", r"there are entries \(1\) of rows that do not exist",
     f"INSERT INTO entries SELECT 999999, id, currency, 5, balance + 5, entries + 1 FROM accounts WHERE id = {HOLDER}",
     f"UPDATE accounts SET balance = balance + 5, entries = entries + 1 WHERE id = {HOLDER}"),
    ("a lot's last day", r"account \d+: its member or its dates are not those it was opened with",
     "UPDATE accounts SET expires_on = '2099-12-31' WHERE id = (SELECT min(id) FROM accounts WHERE kind = 'lot')"),
    ("a lot's member", r"account \d+: its member or its dates are not those it was opened with",
     "UPDATE accounts SET holder = (SELECT max(holder) FROM accounts) WHERE id = "
     "(SELECT min(id) FROM accounts WHERE kind = 'lot')"),
    ("a member's debt", r"account \d+: its balance is not that of its last entry",
     "UPDATE accounts SET balance = -5 WHERE id = (SELECT min(id) FROM accounts WHERE kind = 'debt')"),
    ("a lot's balance", r"account \d+: its balance is not that of its last entry",
     "UPDATE accounts SET balance = balance + 1 WHERE id = (SELECT min(id) FROM accounts WHERE kind = 'lot')"),
    ("a lot put out of sight", r"account \d+: has points, and is kept as an empty one",
     "UPDATE accounts SET spent = 1 WHERE id = (SELECT min(id) FROM accounts WHERE kind = 'lot')"),
    ("points by hand", r"account -\d+: its balance is not the sum of its entries",
     "UPDATE accounts SET balance = balance + 1 WHERE kind = 'adjusted'"),
]
# fmt: on


@pytest.mark.parametrize(("fact", "statements"), [pytest.param(fact, rest, id=what) for what, fact, *rest in FALSE])
def test_the_first_broken_fact_is_named(books: Operator, fact: str, statements: list[str]) -> None:
    falsify(books, *statements)
    told = books.tell("audit")
    assert (told.code, told.out) == (1, "")
    assert re.fullmatch(rf"tillswitch: the books are broken: ({fact})\n", told.err), told.err


def test_books_that_were_cut_off_show_by_a_noted_seal(books: Operator) -> None:
    """Cut at a seal, with all that followed from it taken back, they are consistent in themselves."""
    noted, rows = books.record("audit")["newest"], count(books, "journal")
    newest = "daemon = 'main' AND seal = 8"
    of_newest = f"FROM entries e JOIN journal j ON j.id = e.row_id WHERE {newest} AND e.account = accounts.id"
    total = "'$[' || json_extract(j.counts, '$[0][1]') || '][{0}]'"
    less = "json_extract(totals, {0}) - json_extract(j.counts, '$[0][{1}]')"
    fewer = ", ".join(f"{total.format(n)}, {less.format(total.format(n), n + 2)}" for n in (0, 1))
    falsify(
        books,
        f"UPDATE batches SET totals = (SELECT json_set(totals, {fewer}) FROM journal j WHERE {newest})",
        f"UPDATE accounts SET balance = balance - (SELECT e.amount {of_newest}), entries = entries - "
        f"(SELECT count(e.sequence) {of_newest}) WHERE EXISTS (SELECT 1 {of_newest})",
        f"DELETE FROM entries WHERE row_id IN (SELECT id FROM journal WHERE {newest})",
        f"DELETE FROM journal WHERE {newest}",
        f"DELETE FROM seals {SEAL}",
    )
    assert books.do("audit").out.startswith(f"the books are right: {rows - 1} rows, ")
    assert books.do("audit", "--noted", noted["second"].upper()).code == 0
    told = books.tell("audit", "--noted", noted["second"], "--noted", noted["main"])
    fact = f"seal {noted['main']} was noted and is not there: the books were cut off before it"
    assert (told.code, told.err) == (1, f"tillswitch: the books are broken: {fact}\n")


def test_what_no_row_tells_is_not_proved(books: Operator) -> None:
    """The journal has no entry for them; the documentation of Audit says so."""
    falsify(books, "UPDATE cards SET state = 'used', block = 'none'", "UPDATE merchants SET name = 'Nobody'")
    assert books.tell("audit").code == 0


def test_other_keys_prove_nothing(books: Operator, tmp_path: Path) -> None:
    for name in ("vault.json", "master.key"):
        shutil.copy(new_operator(tmp_path / f"other-{name}").folder / name, books.folder / name)
    told = books.tell("audit")
    assert told.code == 2
    assert "belongs to another master key" in told.err


def test_an_older_copy_shows_by_a_noted_seal(books: Operator, tmp_path: Path) -> None:
    books.do("backup", tmp_path / "old.db")
    books.do("card", "block", books.card("classic"))
    noted = books.record("audit")["newest"]["main"]
    shutil.copy(tmp_path / "old.db", books.folder / "books.db")
    for beside in ("books.db-wal", "books.db-shm"):
        (books.folder / beside).unlink(missing_ok=True)
    books.do("audit")
    assert books.tell("audit", "--noted", noted).code == 1
