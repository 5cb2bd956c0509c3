"""The running switch with its VISA-2 terminals, and the same cards seen over ISO 8583."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from itertools import count, cycle

import pytest

from tests.contract.client import Secret
from tests.contract.conftest import House
from tests.contract.daemon import Demo, running
from tests.contract.members import Club
from tests.contract.till import Till
from tests.contract.visa2.link import VisaLine
from tests.contract.visa2.records import Numbers
from tests.contract.visa2.till import Clock, VisaTill

HASTY = """
[[listeners]]
name = "visa2-hasty"
dialect = "visa2"
port = {port}
clear_pin = true

[listeners.link]
poll_seconds = 0.4
character_seconds = 0.3
repeat_seconds = 0.3
capture_seconds = 1.0
acknowledge_seconds = 0.2
"""


class VisaHouse:
    """One daemon seen from its VISA-2 terminals."""

    def __init__(self, demo: Demo, hasty_port: int) -> None:
        self.demo = demo
        self.hasty_port = hasty_port
        self.port = demo.listeners["visa2"]
        self.iso = House(demo, fresh=True)
        self.club = Club(self.iso)
        rows = json.loads((demo.folder / "demo.json").read_text(encoding="utf-8"))["terminals"]
        self.rows = [row for row in rows if row["listener"] == "visa2"]
        # One speaks with even parity, the other without: nothing a test is about may depend on it.
        self.tills = [self.make(row, even=bool(nth % 2)) for nth, row in enumerate(self.rows)]
        self.turns = cycle(self.tills)
        self.enrolled: set[str] = set()
        self.amounts = count(2_001)
        self.iso_stans = 100_000

    def make(self, row: dict[str, object], *, even: bool) -> VisaTill:
        numbers = row["visa2"]
        assert isinstance(numbers, dict)
        return VisaTill(Numbers.read(numbers), self.port, Clock(str(row["time_zone"])), even=even)

    def add(self, terminal_id: str, numbers: Numbers, store: str, *options: str) -> VisaTill:
        """Another terminal of the first merchant, as an operator adds it; it has the rights of a new one."""
        number = f"{numbers.merchant_number}/{numbers.store_number}/{numbers.terminal_number}"
        place = ["--store", store, "--currency", "949", "--time-zone", self.rows[0]["time_zone"], "--listener", "visa2"]
        merchant = self.demo.merchants[0]
        self.demo.command("terminal", "add", merchant, terminal_id, *place, "--number", number, *options)
        return VisaTill(numbers, self.port, Clock(self.rows[0]["time_zone"]), even=True)

    def close(self) -> None:
        for till in self.tills:
            till.close()
        self.iso.close()


@pytest.fixture(scope="session")
def visa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VisaHouse]:
    """A daemon of these tests' own, with one more VISA-2 listener whose timers are short."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with running(tmp_path_factory.mktemp("visa"), settings=HASTY.format(port=port)) as daemon:
        house = VisaHouse(daemon.demo, port)
        try:
            yield house
        finally:
            house.close()


@pytest.fixture
def till(visa: VisaHouse) -> VisaTill:
    """The terminals in turn."""
    return next(visa.turns)


@pytest.fixture
def other(visa: VisaHouse, till: VisaTill) -> VisaTill:
    """The terminal that `till` is not."""
    return next(one for one in visa.tills if one is not till)


@pytest.fixture(scope="session")
def plain(visa: VisaHouse) -> Iterator[VisaTill]:
    """A terminal with the rights of a new one that never takes less than it asked for; its record names no BIN."""
    numbers = visa.tills[0].numbers._replace(store_number="0002", terminal_number="0077")
    made = visa.add("PLAIN077", numbers, visa.rows[1]["store"], "--whole-only")
    yield made
    made.close()


@pytest.fixture
def nac(visa: VisaHouse) -> Till:
    """A terminal of the first merchant on the ISO 8583 side."""
    return visa.club.till("nac")


@pytest.fixture
def card(visa: VisaHouse, nac: Till) -> Secret:
    """A plain gift card with 200.00 on it."""
    return visa.iso.card(nac)


@pytest.fixture
def unsold(visa: VisaHouse, nac: Till) -> Secret:
    """A plain gift card not yet sold; the test leaves it so again."""
    return visa.iso.inactive_card(nac).pan


@pytest.fixture
def member(visa: VisaHouse, nac: Till) -> Secret:
    """A loyalty card with an account of its own and plenty of points."""
    return visa.club.member(nac)


@pytest.fixture
def amount(visa: VisaHouse) -> int:
    """An amount no other test uses: a reversal without field 29 finds its original by account and amount."""
    return next(visa.amounts)


@pytest.fixture
def batch(till: VisaTill) -> str:
    """A batch just opened under a number of its own."""
    return till.fresh_batch()


@pytest.fixture(params=[False, True], ids=["no_parity", "even_parity"])
def even(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def line(till: VisaTill, even: bool) -> Iterator[VisaLine]:
    """A line of either parity, after its first ENQ."""
    with VisaLine(till.port, even=even) as opened:
        yield opened.expect("ENQ")
