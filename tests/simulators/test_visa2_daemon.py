"""`tillsim` over VISA-2 against the installed daemon: stories in both parities, every record, every settlement."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from simulators.cli import main
from simulators.demo import load_demo
from simulators.journal_file import JournalFile
from simulators.state import StateFile
from simulators.story import packaged_stories
from simulators.visa2_wire import SEQUENCE_MAX
from tests.crash.daemon import Daemon, make_demo, prove

pytestmark = pytest.mark.slow  # a daemon and its terminals

STORIES = [name for name, one in packaged_stories().items() if "visa2" in one.dialects]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A demo that is served; the books are proved when all is over."""
    folder = tmp_path_factory.mktemp("visa2") / "data"
    make_demo(folder)
    daemon = Daemon(folder)
    try:
        daemon.wait_until_serving()
        yield folder
        assert daemon.stop() == 0
        prove(folder)
    finally:
        Daemon.kill_all()


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, [*arguments, "--demo", str(folder / "demo.json")])
    return result.exit_code, result.output


def asked(folder: Path, *arguments: str) -> dict[str, Any]:
    code, output = run(folder, *arguments, "--dialect", "visa2", "--json")
    assert code == 0, output
    found: dict[str, Any] = json.loads(output)
    return found


@pytest.mark.parametrize("parity", ["none", "even"])
def test_every_story_of_visa2_can_be_played(folder: Path, parity: str) -> None:
    code, output = run(folder, "story", "all", "--dialect", "visa2", "--parity", parity)
    assert code == 0, output
    assert output.count("  as expected") == len(STORIES) >= 18


def test_without_a_listener_every_story_finds_its_own(folder: Path) -> None:
    for name in ("visa2-batch", "first-sale"):
        assert run(folder, "story", name)[0] == 0


@pytest.mark.parametrize("application_type", ["0", "2", "4"])
@pytest.mark.parametrize(("record", "answered"), [("D", "<E"), ("T", "<U >V <ACK"), ("J", "<J")])
def test_a_transaction_in_every_record_and_session(
    folder: Path, record: str, answered: str, application_type: str
) -> None:
    how, card = ("--record", record, "--application-type", application_type), ("--card", "active:1")
    before = asked(folder, "gift", "balance", *how, *card)["balances"][0]["amount_minor"]
    paid = asked(folder, "gift", "redeem", "--amount", "1.50", *how, *card)
    assert paid["balances"][0]["amount_minor"] == before - 150
    assert f">{record} {answered}" in paid["session"]
    assert asked(folder, "reversal", *how)["result"] == "approved"
    assert asked(folder, "gift", "balance", *how, *card)["balances"][0]["amount_minor"] == before


def test_points_in_a_record_j(folder: Path) -> None:
    how = ("--record", "J")
    before = asked(folder, "points", "balance", *how)["balances"][0]
    sold = asked(folder, "points", "sale", "--amount", "40", *how)
    assert sold["balances"][0]["amount_minor"] > before["amount_minor"]
    assert asked(folder, "void", *how)["balances"] == [before]


def test_what_a_record_j_cannot_say_is_said_so(folder: Path) -> None:
    code, output = run(folder, "logon", "--dialect", "visa2", "--record", "J")
    assert (code, "no block" in output) == (2, True)
    code, output = run(folder, "gift", "balance", "--parity", "even")
    assert (code, "--dialect visa2" in output) == (2, True)


_SAID = {(): "settle", ("--clear",): "clear"}


@pytest.mark.parametrize("how", [
    (), ("--capture",), ("--capture", "--application-type", "1"), ("--capture", "--application-type", "3"),
    ("--capture", "--parity", "even"), ("--clear",),
], ids=lambda how: " ".join(how) or "by totals")  # fmt: skip
def test_a_batch_is_settled_in_every_way(folder: Path, how: tuple[str, ...]) -> None:
    asked(folder, "gift", "redeem", "--amount", "2", "--card", "active:3")
    shown = asked(folder, "settle", *how)
    assert (shown["result"], shown["terminal"]["redeemed"]["count"]) == ("closed", 1)
    assert shown["messages"][-1]["transaction"] == (
        "settle-uploaded" if "--capture" in how else how[0][2:] if how else "settle"
    )
    again = asked(folder, "settle", *how)
    assert (again["result"], again["terminal"]["redeemed"]["count"]) == ("closed", 0), "nothing in it: no upload"


def test_after_batch_999_comes_001(folder: Path) -> None:
    demo = load_demo(folder / "demo.json")
    with JournalFile(demo, demo.terminal("BOOKS005")).change() as journal:
        journal.number = 998
    asked(folder, "logon")
    for number in ("000998", "000999", "000001"):
        asked(folder, "gift", "redeem", "--amount", "2", "--card", "active:3")
        shown = asked(folder, "settle", "--capture")
        assert (shown["result"], shown["batch"]) == ("closed", number)


def test_load_whose_sequence_numbers_come_round(folder: Path) -> None:
    """The second time they are those of the first: every answer is checked, and every card."""
    state = StateFile.beside(load_demo(folder / "demo.json"))
    for _ in range(2):
        with state.change() as memory:
            for terminal in memory.terminals.values():
                terminal.stan = SEQUENCE_MAX - 5
        load = ("load", "--listener", "visa2", "--mix", "mixed", "--transactions", "250", "--connections", "2")
        code, output = run(folder, *load, "--json")
        report = json.loads(output)
        assert (code, report["ok"], report["lost"]) == (0, True, 0), output
        assert report["answered"] >= 250
        assert {"redeem", "reload", "sale", "points-redeem", "return", "repeat", "void"} <= report["answers"].keys()
