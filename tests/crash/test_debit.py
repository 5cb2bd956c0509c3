"""A daemon is killed between the approval of a debit and its confirmation: it is undone once, and stays undone."""

import socket
import time
from contextlib import closing
from pathlib import Path

import pytest

from simulators.requests import KINDS, Order, build_request
from simulators.state import Counters
from simulators.visa2_manner import Record
from simulators.visa2_response import Response, confirmation_record, decode_response
from simulators.visa2_wire import ACK, ENQ, EOT, NAK, frame, request_record, unframe
from switch.config_file import load_config
from switch.store.open import open_reader
from tests.crash.daemon import START_SECONDS, Daemon, prove

CONFIRM_SECONDS = 1


@pytest.fixture
def short(data: Path) -> Path:
    """A data folder whose debits have to be confirmed soon."""
    config = data / "tillswitch.toml"
    config.write_text(config.read_text().replace("confirm_seconds = 60", f"confirm_seconds = {CONFIRM_SECONDS}"))
    chosen = {one.name: one.link_settings.confirm_seconds for one in load_config(config).listeners}
    assert chosen["visa2"] == CONFIRM_SECONDS
    return data


class Till:
    """A VISA-2 terminal of the demo on connections of its own making."""

    def __init__(self, daemon: Daemon) -> None:
        demo = daemon.demo()
        self.who = next(one for one in demo.terminals_of("visa2") if one.currency == "949")
        self.pan = next(
            card.pan for card in demo.gift_cards
            if card.state == "active" and demo.product(card).is_range and card.currency == "949" and not card.pin
        )  # fmt: skip
        self._port = demo.port("visa2")
        self._stan = 0

    def dial(self) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self._port), START_SECONDS)
        assert line.recv(1) == ENQ
        return line

    def debit(self, line: socket.socket, amount: int) -> Response:
        return self._ask(line, "redeem", amount, "T")

    def balance(self) -> int:
        with closing(self.dial()) as line:
            response = self._ask(line, "balance", None, "D")
        block = response.block("200")
        assert block is not None
        return int(block.split("\x1c")[0])

    def _ask(self, line: socket.socket, kind: str, amount: int | None, record: Record) -> Response:
        self._stan += 1
        counters = Counters(f"{self._stan:06d}", f"{self._stan:06d}", None)
        request = build_request(self.who, "visa2", Order(KINDS[kind], self.pan, amount), counters, self.who.now())
        line.sendall(frame(request_record(request, self.who, record=record)))
        heard = b""
        while len(heard) < 4 or heard[-2:-1] != b"\x03":
            heard += line.recv(4096)
        response = decode_response(unframe(heard))
        assert response.code == "00"
        return response


def confirm(line: socket.socket, response: Response) -> bytes:
    """Send the record V; what is said to it."""
    line.sendall(frame(confirmation_record(response, "0")))
    return line.recv(2)


def wait_until_undone(till: Till, before: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while till.balance() != before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def undone(data: Path) -> int:
    """How many reversals stand in the books."""
    with closing(open_reader(load_config(data / "tillswitch.toml").store)) as reader:
        return sum(row.message_class.value == "reversal" for row in reader.rows())


@pytest.mark.slow
def test_a_debit_whose_daemon_is_killed_before_its_confirmation_is_undone_once(short: Path) -> None:
    """And one that was confirmed before stands."""
    daemon = Daemon(short).wait_until_serving()
    till = Till(daemon)
    before = till.balance()
    with closing(till.dial()) as line:
        assert confirm(line, till.debit(line, 400))[:1] == ACK
    with closing(till.dial()) as line:
        response = till.debit(line, 1000)
        assert till.balance() == before - 1400, "approved, and booked"
        daemon.kill()
    second = Daemon(short).wait_until_serving()
    with closing(till.dial()) as line:
        said = [confirm(line, response) for _ in range(4)]
        assert said == [NAK, NAK, NAK, EOT], "it confirms nothing that this line has approved"
    wait_until_undone(till, before - 400)
    second.kill()
    third = Daemon(short).wait_until_serving()
    assert till.balance() == before - 400
    assert third.stop() == 0
    prove(short)
    assert undone(short) == 1
