"""A backup is proved, and takes the place of the books; and the drill of deploy/OPERATIONS.md, as it is written."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.cli.operator import Operator
from tests.store.test_migrations import BEFORE_0005


@pytest.fixture
def backup(office: Operator, tmp_path: Path) -> Path:
    """Of the demo as it begins; afterwards a card is blocked in the books."""
    file = tmp_path / "backup.db"
    office.do("backup", file)
    office.do("card", "block", office.card("classic"))
    return file


def block_of(office: Operator) -> str:
    return str(office.record("card", "show", office.card("classic"))["block"])


def spoil(file: Path, sql: str) -> None:
    with sqlite3.connect(file) as books:
        for statement in sql.split(";"):
            books.execute(statement)
    books.close()


def test_a_backup_is_proved(office: Operator, backup: Path) -> None:
    told = office.do("verify-backup", backup)
    assert told.out.startswith("the books are right: ")
    newest = office.record("verify-backup", backup)["newest"]["main"]
    office.do("verify-backup", backup, "--noted", newest)
    later = office.record("audit")["newest"]["main"]
    assert office.tell("verify-backup", backup, "--noted", later).code == 1, "it is older than that seal"


def test_a_spoilt_backup_is_found_out_and_not_restored(office: Operator, backup: Path) -> None:
    spoil(backup, "UPDATE accounts SET balance = balance + 1 WHERE holder > 0 AND balance > 0")
    for command in ("verify-backup", "restore"):
        told = office.tell(command, backup)
        assert (told.code, told.err.startswith("tillswitch: the books are broken: ")) == (1, True)
    assert block_of(office) == "blocked"


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_what_is_no_backup_is_refused(office: Operator, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "no.db").write_bytes(content)
    for command in ("verify-backup", "restore"):
        told = office.tell(command, tmp_path / "no.db")
        assert (told.code, told.err.count("\n")) == (2, 1), told
    assert office.tell("restore", tmp_path / "none.db").code == 2


def test_a_backup_takes_the_place_of_the_books_which_are_kept(office: Operator, backup: Path) -> None:
    assert block_of(office) == "blocked"
    told = office.do("restore", backup)
    assert block_of(office) == "none"
    assert office.do("audit").out.startswith("the books are right")
    (aside,) = office.folder.glob("books.db.replaced-*")
    assert str(aside) in told.out
    assert (aside.stat().st_mode & 0o777, (office.folder / "books.db").stat().st_mode & 0o777) == (0o700, 0o600)
    assert not list(office.folder.glob("books.db.part"))
    shutil.copy(aside / "books.db", backup.with_name("old.db"))
    assert office.do("verify-backup", backup.with_name("old.db")).out != told.out


def test_lost_books_are_restored_into_an_empty_place(office: Operator, backup: Path) -> None:
    for file in office.folder.glob("books.db*"):
        file.unlink()
    office.do("restore", backup)
    assert block_of(office) == "none"


def test_a_backup_of_an_older_version_is_restored_unproved_and_brought_up_to_date(
    office: Operator, backup: Path
) -> None:
    spoil(backup, BEFORE_0005)
    told = office.tell("restore", backup)
    assert (told.code, "older than this switch" in told.err) == (2, True)
    office.do("restore", backup, "--unproved")
    assert office.tell("audit").code == 2


@pytest.mark.slow
def test_the_drill(office: Operator, tmp_path: Path) -> None:
    """A backup under a running daemon, more sales, the loss of everything, the restore, and terminals that go on."""
    with office.running():
        assert office.sell("gift", "redeem", "--amount", 1).code == 0
        office.do("backup", tmp_path / "backup.db")
        assert office.sell("gift", "redeem", "--amount", 1).code == 0
        told = office.tell("restore", tmp_path / "backup.db")
        assert (told.code, told.err) == (1, "tillswitch: the daemon runs: stop it first\n")
    rows = office.record("audit")["rows"]
    for file in office.folder.glob("books.db*"):
        file.unlink()
    assert office.tell("audit").code == 2
    office.do("restore", tmp_path / "backup.db")
    assert office.record("audit")["rows"] == rows - 1, "what came after the backup is not in it"
    with office.running():
        assert office.sell("gift", "redeem", "--amount", 1).code == 0
    office.do("audit")
