"""From an empty folder to a daemon that serves, says how it is, reads its configuration again, and ends."""

from __future__ import annotations

import signal
import stat
import subprocess
from collections import Counter
from pathlib import Path

import click
import pytest

from simulators.demo import load_demo
from switch import __version__
from switch.cli.main import main as tillswitch
from switch.demo.build import made_for_load
from tests.cli.operator import COMMAND, ROOT, Operator, invoke

COMMANDS = [
    "audit", "backup", "batch", "card", "check", "init", "journal", "member", "merchant", "points", "programme",
    "reload", "restore", "serve", "settlement", "status", "terminal", "verify-backup",
]  # fmt: skip


def init(folder: Path, *options: str) -> tuple[int, str]:
    told = invoke(tillswitch, ["init", "--data", str(folder), *options], None)
    return told.code, told.out + told.err


def change(operator: Operator, old: str, new: str) -> None:
    text = operator.file.read_text()
    assert old in text
    operator.file.write_text(text.replace(old, new))


# -- help -------------------------------------------------------------------------------------------------------------
def test_the_help_names_every_command_in_a_few_words() -> None:
    told = invoke(tillswitch, ["--help"], None)
    lines = told.out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == COMMANDS
    assert not any(line.endswith("...") for line in lines)
    assert invoke(tillswitch, ["--version"], None).out == f"tillswitch, version {__version__}\n"


def test_every_option_of_every_command_is_explained() -> None:
    def look(command: click.Command, path: str) -> None:
        assert command.help, path
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or parameter.help, f"{path} {parameter.name}"
        for name, inner in getattr(command, "commands", {}).items():
            look(inner, f"{path} {name}")

    look(tillswitch, "tillswitch")


# -- init -------------------------------------------------------------------------------------------------------------
def test_init_makes_books_that_are_right(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    next_step = f"Next: tillswitch serve --config {folder}/tillswitch.toml\n"
    assert init(folder) == (0, f"{folder}: empty books ready. {next_step}")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    operator = Operator(folder)
    assert operator.do("check").out == f"ok: nac, ascii, visa2; store sqlite:///{folder}/books.db\n"
    assert operator.do("audit").out == "the books are right: 0 rows, 0 entries, 0 accounts, 0 batches, 0 seals\n"
    for listing, nothing in [
        ("merchant list", "no merchants yet; add one: tillswitch merchant add"),
        ("terminal list", "no such terminals"),
        ("journal", "nothing in the journal fits"),
    ]:
        told = operator.do(*listing.split())
        assert (told.out, told.err) == ("", f"{nothing}\n")
        assert operator.do(*listing.split(), "--json").out == ""
    told = operator.tell("programme", "show")
    assert (told.code, told.err) == (1, "tillswitch: no programme has been applied\n")


def test_init_overwrites_nothing(office: Operator) -> None:
    before = office.file.read_text()
    assert init(office.folder) == (2, f"tillswitch: {office.file} is there already\n")
    office.file.unlink()
    assert init(office.folder) == (2, f"tillswitch: {office.folder}/programme.toml is there already\n")
    (office.folder / "programme.toml").unlink()
    assert init(office.folder) == (2, f"tillswitch: {office.folder}/books.db is there already\n")
    assert not office.file.exists(), before


def test_init_leaves_books_that_are_elsewhere_alone(office: Operator, tmp_path: Path) -> None:
    """Books on a server, say: a second folder with other keys could not read a card of theirs."""
    code, told = init(tmp_path / "second", "--store", f"sqlite:///{office.folder}/books.db")
    assert (code, told.startswith("tillswitch: the store has books already: they need the keys")) == (2, True)


@pytest.mark.slow
def test_a_daemon_that_finds_no_books_does_not_begin_at_nothing(office: Operator) -> None:
    (office.folder / "books.db").rename(office.folder / "elsewhere.db")
    reason = f"tillswitch: there are no books at {office.folder}/books.db: restore them, or make new ones with "
    for command in ("serve", "audit", "merchant list"):
        line = [*COMMAND, *command.split(), "--config", str(office.file)]
        told = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert (told.returncode, told.stdout, told.stderr) == (2, "", f"{reason}`tillswitch init`\n"), command
    assert not (office.folder / "books.db").exists()


def test_init_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert init(tmp_path / "file" / "data") == (2, f"tillswitch: {tmp_path}/file/data: Not a directory\n")
    for option in ("--terminals", "--visa2-terminals"):
        wrong = f"{option} goes with --demo (see tillswitch init --help)"
        assert init(tmp_path / "data", option, "3") == (2, f"tillswitch: {wrong}\n")
    assert not (tmp_path / "data").exists()


def test_more_demo_terminals_are_as_many_as_asked_for(tmp_path: Path) -> None:
    assert init(tmp_path / "data", "--demo", "--terminals", "120", "--visa2-terminals", "30")[0] == 0
    listed = Operator(tmp_path / "data").do("terminal", "list", "--json").records
    assert len(listed) == 9 + 120 + 30
    assert len([one for one in listed if one["store"] == "load-0001"]) == 20
    demo = load_demo(tmp_path / "data" / "demo.json")
    numbers = {(one.visa2.store_number, one.visa2.terminal_number) for one in demo.terminals if one.visa2}
    assert len(numbers) == len(demo.terminals_of("visa2")) == 2 + 30


def test_terminals_made_for_load_fit_into_a_message_however_many_they_are() -> None:
    made = list(made_for_load(100_000))
    assert len({terminal_id for _, terminal_id in made}) == 100_000
    assert {len(terminal_id) for _, terminal_id in made} == {8}
    assert made[0] == ("ist-01", "LOAD0001")
    assert Counter(Counter(store for store, _ in made).values()) == {100: 1, 20: 4995}


# -- check ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("tillswitch.toml", 'node = "main"', "node = 1", "{0}/tillswitch.toml: node: "),
        ("programme.toml", 'id = "gulf"', 'id = "classic"', "{0}/programme.toml: gift_products[5].id: 'classic' is "),
        ("vault.json", '"version": 1', '"version": 2', "{0}/vault.json: was written by a newer tillswitch; "),
        ("tls/server.pem", "BEGIN", "END", "{0}/tls/server.pem"),
    ],
)
def test_check_names_the_file_that_is_wrong(office: Operator, file: str, old: str, new: str, message: str) -> None:
    path = office.folder / file
    text = path.read_text().replace('# node = "main"', 'node = "main"')
    assert old in text
    path.write_text(text.replace(old, new))
    told = office.tell("check")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("tillswitch: " + message.format(office.folder))
    assert told.err.count("\n") == 1


def test_check_shows_no_password_of_the_store(office: Operator) -> None:
    change(office, 'store = "sqlite:///books.db"', 'store = "postgresql://till:geheim@db.example/books"')
    assert office.do("check").out == "ok: nac, ascii, visa2, nac-tls, ascii-tls, visa2-tls; store db.example/books\n"


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    for command in ("check", "serve", "status", "audit"):
        told = invoke(tillswitch, [command, "--config", str(tmp_path / "none.toml")], None)
        assert told.code == 2
        assert told.err.startswith(f"tillswitch: {tmp_path}/none.toml: file: cannot be read: No such file or directory")


# -- without a daemon -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", ["status", "reload"])
def test_without_a_daemon_there_is_nobody_to_ask(office: Operator, command: str) -> None:
    told = office.tell(command)
    assert (told.code, told.err) == (1, "tillswitch: no daemon runs on this configuration\n")


def test_books_in_memory_are_the_daemons_own(office: Operator) -> None:
    change(office, 'store = "sqlite:///books.db"', 'store = "memory:"')
    told = office.tell("merchant", "list")
    message = "tillswitch: books in memory cannot be read from outside the daemon\n"
    assert (told.code, told.err) == (2, message)


# -- with one ---------------------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_daemon_says_how_it_is_and_reads_its_configuration_again(office: Operator) -> None:
    with office.running():
        status = office.record("status")
        assert (status["ready"], status["programme"], status["seal"]["daemon"]) == (True, 1, "main")
        lines = dict(line.split(maxsplit=1) for line in office.do("status").out.splitlines())
        assert lines["tillswitch"] == f"{__version__}, ready"
        assert lines["nac"] == f"port {status['ports']['nac']}, 0 connections"
        assert lines["ops"] == f"port {status['ports']['ops']}"
        assert lines["newest"] == f"seal  main {status['seal']['number']} {status['seal']['seal']}"

        change(office, "drain_seconds = 10", "drain_seconds = 11")
        assert office.do("reload").out == "reloaded\n"
        change(office, 'log_level = "info"', 'log_level = "loud"')
        told = office.tell("reload")
        assert told.code == 2
        assert told.err.startswith(f"tillswitch: {office.file}: log_level: ")
        change(office, 'log_level = "loud"', 'log_level = "info"')
        change(office, 'node = "main"', 'node = "other"')
        told = office.tell("reload")
        assert (told.code, told.err) == (2, "tillswitch: node changes with a restart only\n")
        change(office, 'node = "other"', 'node = "main"')


@pytest.mark.slow
def test_a_second_daemon_and_an_operator_beside_the_books_are_refused_in_a_sentence(office: Operator) -> None:
    with office.running():
        message = (
            f"tillswitch: {office.folder}/books.db is open in another process; only one daemon may use these books\n"
        )
        second = subprocess.run(
            [*COMMAND, "serve", "--config", str(office.file)], cwd=ROOT, capture_output=True, text=True
        )
        assert (second.returncode, second.stderr) == (2, message)
        # a configuration that leads to the same books, but not to the daemon's control socket
        other = office.file.with_name("other.toml")
        other.write_text(office.file.read_text().replace("control.sock", "other.sock"))
        told = Operator(office.folder).tell("status")
        assert told.code == 0
        block = ["card", "block", office.card("classic"), "--config", str(other)]
        refused = invoke(tillswitch, block, None)
        assert (refused.code, refused.err) == (2, message)


@pytest.mark.slow
def test_a_killed_daemon_leaves_no_obstacle(office: Operator) -> None:
    daemon = office.start()
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    assert office.tell("status").code == 1
    office.do("card", "block", office.card("classic"))
    with office.running():
        assert office.record("card", "show", office.card("classic"))["block"] == "blocked"
    office.do("audit")
