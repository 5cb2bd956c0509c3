"""Backup while a daemon works, and nothing secret anywhere but in the printer's file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.operator import ROOT, Operator, new_operator
from tests.cli.test_cards import lines_of

BOOKS = "DEMOBOOKS000001"


def test_a_backup_is_the_books(office: Operator, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    told = office.do("backup", file)
    assert told.out == f"{file}: {file.stat().st_size} bytes\n"
    office.do("card", "block", office.card("classic"))
    restored = restore(office, file, tmp_path / "restored")
    assert restored.record("audit")["rows"] == office.record("audit")["rows"] - 1
    assert restored.record("card", "show", office.card("classic"))["block"] == "none"
    restored.do("card", "block", office.card("classic"))
    restored.do("audit")


def restore(operator: Operator, file: Path, folder: Path) -> Operator:
    """As the help of `backup` says: the copy in the place of the books, and what lies beside them away."""
    shutil.copytree(operator.folder, folder, ignore=shutil.ignore_patterns("books.db*", "control.sock"))
    shutil.copy(file, folder / "books.db")
    return Operator(folder)


def test_a_backup_overwrites_nothing(office: Operator, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    file.write_text("precious")
    told = office.tell("backup", file)
    assert (told.code, told.err, file.read_text()) == (2, f"tillswitch: {file} is there already\n", "precious")


def test_a_backup_into_a_folder_that_is_not_there_is_refused(office: Operator, tmp_path: Path) -> None:
    told = office.tell("backup", tmp_path / "none" / "copy.db")
    assert told.code == 2
    assert told.err.count("\n") == 1


@pytest.mark.slow
def test_a_backup_under_load_audits_clean(tmp_path: Path) -> None:
    busy = new_operator(tmp_path / "data", "--terminals", "8")
    with busy.running():
        load = [sys.executable, "-c", "from simulators.cli import main; main()"]
        options = ["load", "--connections", "8", "--transactions", "2000", "--demo", str(busy.folder / "demo.json")]
        with subprocess.Popen([*load, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as loading:
            backups = 0
            while loading.poll() is None:
                backups += 1
                busy.do("backup", tmp_path / f"{backups}.db")
                busy.do("audit")
            assert loading.stdout is not None
            assert loading.returncode == 0, loading.stdout.read().decode()
        noted = busy.record("audit")["newest"]["main"]
    assert backups > 1
    counts = []
    for number in range(1, backups + 1):
        restored = restore(busy, tmp_path / f"{number}.db", tmp_path / f"restored-{number}")
        counts.append(restored.record("audit")["rows"])
    assert counts == sorted(counts)
    assert counts[0] > 0
    busy.do("audit", "--noted", noted)


@pytest.mark.slow
def test_no_number_and_no_pin_leaves_the_printers_file(office: Operator, tmp_path: Path) -> None:
    """One card through every command there is, daemon running and stopped; then everything written is searched."""
    told: list[str] = []

    def look(name: str, pan: str) -> None:
        for arguments in (
            ("card", "show", pan), ("card", "show", pan, "--json"), ("card", "show", pan[:-1], "--json"),
            ("card", "block", pan, pan), ("card", "show", "--card-id", pan), ("card", "block", pan),
            ("card", "unblock", pan), ("journal", "--card", pan), ("journal", "--card", pan, "--json"),
            ("journal", "--rrn", pan), ("journal", "show", pan), ("journal", pan), ("merchant", "show", pan),
            ("terminal", "list", "--merchant", pan), ("journal", "--since", pan), ("audit",), ("status",),
            ("card", "issue", "--product", "secure", "--count", 3, "--out", tmp_path / f"{name}.csv"),
            ("card", "replace", pan, "--out", tmp_path / f"{name}-new.csv"),
        ):  # fmt: skip
            result = office.tell(*arguments)
            told.extend((result.out, result.err))

    first, second = (
        issued["pan"] for issued in _active(office, tmp_path / "first.csv") + _active(office, tmp_path / "second.csv")
    )
    look("stopped", first)
    with office.running():
        pin = lines_of(tmp_path / "second.csv")[0]["pin"]
        office.sell("gift", "redeem", "--terminal", "BOOKS001", "--card", second, "--pin", pin, "--amount", "5")
        look("running", second)
    secrets = [line for file in tmp_path.glob("*.csv") for line in lines_of(file)]
    assert len(secrets) == 10
    written = "\n".join([*told, office.log.read_text()])
    assert "990040*********" in written
    books = (office.folder / "books.db").read_bytes()
    for line in secrets:
        assert line["pan"] not in written
        assert line["pan"].encode() not in books
        assert f'"{line["pin"]}"' not in written
        assert f" {line['pin']}" not in written


def _active(office: Operator, out: Path) -> list[dict[str, str]]:
    options = ("--active", "--merchant", BOOKS, "--amount", "50")
    office.do("card", "issue", "--product", "secure", "--count", 1, "--out", out, *options)
    return lines_of(out)
