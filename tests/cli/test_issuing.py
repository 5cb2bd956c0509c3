"""The printer's file: whatever ends an issue, no card is in the books whose number is not in the file."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from switch.store.open import open_reader
from tests.cli.operator import COMMAND, ROOT, Operator

COUNT = 3000
PATIENCE_SECONDS = 60.0


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "cards.csv"


def part_of(out: Path) -> Path:
    return out.with_name(out.name + ".part")


def order(out: Path, count: int = COUNT, product: str = "secure") -> list[str]:
    return ["card", "issue", "--product", product, "--count", str(count), "--out", str(out)]


def in_file(file: Path) -> dict[str, str]:
    """PINs by card number. The last line may be torn: then nobody has heard of it."""
    whole = file.read_text().rpartition("\n")[0]
    return {line["pan"]: line["pin"] for line in csv.DictReader(whole.splitlines())}


def in_books(operator: Operator, product: str = "secure") -> set[str]:
    """The numbers of all cards that are not the demo's."""
    demo = {card["pan"] for card in operator.demo["gift_cards"]}
    vault = operator.vault
    with closing(open_reader(operator.config.store)) as reader:
        cards = [card for card in reader.cards(0, 1_000_000) if card.product == product]
    return {vault.decrypt_pan(card.sealed_pan).reveal() for card in cards} - demo


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the moment never came"
        with contextlib.suppress(subprocess.TimeoutExpired):  # looks again soon, and notices an early end
            process.wait(0.001)
            raise AssertionError(f"it ended before the moment came: {process.communicate()}")


def start(operator: Operator, arguments: list[str]) -> subprocess.Popen[str]:
    command = [*COMMAND, *arguments, "--config", str(operator.file)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Ctrl-C means something to it, even if these tests run in the background of a shell, where it does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for_cards(out: Path, cards: int, issuing: subprocess.Popen[str]) -> None:
    part = part_of(out)
    wait_until(lambda: part.exists() and part.stat().st_size > 45 * cards, issuing)


@pytest.mark.slow
@pytest.mark.parametrize("cards", [1, 350, 1700])
def test_a_killed_issue_loses_no_number_and_is_taken_up(office: Operator, out: Path, cards: int) -> None:
    issuing = start(office, order(out))
    wait_for_cards(out, cards, issuing)
    issuing.send_signal(signal.SIGKILL)
    issuing.communicate()
    known, written = in_books(office), in_file(part_of(out))
    assert known <= written.keys()
    assert not out.exists()

    office.do(*order(out))
    assert len(in_file(out)) == COUNT
    assert written.items() <= in_file(out).items()
    assert in_books(office) == in_file(out).keys()
    assert not part_of(out).exists()
    office.do("audit")


@pytest.mark.slow
def test_a_killed_daemon_loses_no_number_and_the_issue_is_taken_up(office: Operator, out: Path) -> None:
    with office.running() as running:
        issuing = start(office, order(out))
        wait_for_cards(out, 500, issuing)
        assert running.daemon is not None
        running.daemon.kill()
        running.daemon.wait()
        _, told = issuing.communicate(timeout=PATIENCE_SECONDS)
        assert issuing.returncode != 0
        assert "; the same command again does the rest\n" in told
        assert in_books(office) <= in_file(part_of(out)).keys()

        running.start()
        office.do(*order(out))
    assert in_books(office) == in_file(out).keys()
    assert len(in_file(out)) == COUNT
    office.do("audit")


@pytest.mark.slow
def test_an_interrupted_issue_says_what_is_missing(office: Operator, out: Path) -> None:
    issuing = start(office, order(out))
    wait_for_cards(out, 90, issuing)
    issuing.send_signal(signal.SIGINT)
    _, told = issuing.communicate(timeout=PATIENCE_SECONDS)
    assert issuing.returncode == 1
    assert told.startswith("tillswitch: interrupted; ")
    assert told.endswith("; the same command again does the rest\n")


def test_active_cards_that_were_only_issued_are_activated_when_taken_up(office: Operator, out: Path) -> None:
    office.do(*order(out, 5))
    out.rename(part_of(out))  # as if it had ended between issuing and activating
    merchant = ("--active", "--merchant", "DEMOBOOKS000001", "--amount", "20")
    office.do(*order(out, 7), *merchant)
    for pan in in_file(out):
        card = office.record("card", "show", pan)
        assert (card["state"], card["balance"]) == ("active", 2000)
    assert len(in_file(out)) == 7


def test_a_replacement_is_taken_up_for_the_same_card_only(office: Operator, out: Path) -> None:
    office.do(*order(out, 2))
    first, second = in_file(out)
    new = out.with_name("new.csv")
    office.do("card", "replace", first, "--out", new)
    text = new.read_text()
    new.rename(part_of(new))  # as if it had ended between the books and the file's name
    told = office.tell("card", "replace", second, "--out", new)
    assert told.code == 1
    assert told.err.startswith(f"tillswitch: {part_of(new)} replaces another card; finish or remove that file first; ")
    office.do("card", "replace", first, "--out", new)
    assert new.read_text() == text
    assert office.record("card", "show", second)["state"] == "inactive"


def test_a_torn_line_was_never_issued_and_goes(office: Operator, out: Path) -> None:
    office.do(*order(out, 2))
    whole = out.read_text()
    part_of(out).write_text(whole + "99004012345")
    out.unlink()
    office.do(*order(out, 3))
    assert out.read_text().startswith(whole + "990040")
    assert len(in_file(out)) == 3


def test_a_crash_before_the_first_card_leaves_only_the_head(office: Operator, out: Path) -> None:
    office.do(*order(out, 1))
    head, _, line = out.read_text().partition("\n")
    part_of(out).write_text(f"{head}\n{line[:30]}")
    out.unlink()
    office.do(*order(out, 2))
    assert out.read_text().count("pan") == 1
    assert len(in_file(out)) == 2


def test_the_rest_of_another_order_is_left_alone(office: Operator, out: Path) -> None:
    office.do(*order(out, 2))
    out.rename(part_of(out))
    before = part_of(out).read_text()
    told = office.tell(*order(out, 2, "classic"))
    message = f"tillswitch: {part_of(out)}, line 2: is of another order; finish or remove that file first\n"
    assert (told.code, told.err) == (2, message)
    told = office.tell(*order(out, 1))
    assert told.err == f"tillswitch: {part_of(out)} holds 2 cards already, more than 1\n"
    assert part_of(out).read_text() == before


def test_two_commands_do_not_work_on_one_file(office: Operator, out: Path) -> None:
    with part_of(out).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        told = office.tell(*order(out, 1))
    assert (told.code, told.err) == (2, f"tillswitch: {part_of(out)}: another command is at work on it\n")


def test_a_link_is_not_followed(office: Operator, out: Path) -> None:
    part_of(out).symlink_to(out.with_name("elsewhere"))
    told = office.tell(*order(out, 1))
    assert (told.code, told.err) == (2, f"tillswitch: {part_of(out)}: Too many levels of symbolic links\n")


def test_a_folder_that_is_not_there_is_named(office: Operator, tmp_path: Path) -> None:
    told = office.tell(*order(tmp_path / "none" / "cards.csv", 1))
    assert (told.code, told.err) == (2, f"tillswitch: {tmp_path}/none/cards.csv.part: No such file or directory\n")
