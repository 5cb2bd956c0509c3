"""A daemon is killed at every message of a settlement; the terminal carries on by its own rules and ends balanced.

The terminal repeats what was not answered: a sale with the same STAN, uploads and settlements with new ones. It is
killed right after a message has gone out, so that the message may have been lost, decided, or decided and answered.
"""

from __future__ import annotations

import socket
import time
from contextlib import closing
from pathlib import Path

import pytest

from simulators.demo import DemoTerminal
from simulators.framing import FrameReader, frame, split_frame, tpdu
from simulators.wire import Message, decode, encode
from specs.limits import ANSWER_SECONDS
from switch.config_file import load_config
from switch.core.merchants import Closer
from switch.store.open import open_reader
from tests.crash.daemon import START_SECONDS, Daemon, prove

SALES, OFFLINE = (100, 200, 300), 50
BATCH = "000007"


class Terminal:
    """Sends a message until it is answered, through as many daemons as that takes."""

    def __init__(self, data: Path, who: DemoTerminal, pan: str) -> None:
        self._data, self._who, self._pan = data, who, pan
        self.stan = 0
        self.kills = 0
        self.daemon = Daemon(data).wait_until_serving()

    def sell(self, amount: int) -> str:
        """A sale that must be approved; its STAN. The repeat is a 0201."""
        self.stan += 1
        stan = f"{self.stan:06d}"
        fields = {2: self._pan, 3: "006000", 4: f"{amount:012d}", 60: BATCH}
        self._insist([("0200", fields), ("0201", fields)], stan, "00")
        return stan

    def upload(self, stan: str, amount: int, *, more: bool) -> None:
        told = f"0200{stan}{'':12}"
        fields = {2: self._pan, 3: "006001" if more else "006000", 4: f"{amount:012d}", 60: told}
        self._insist([("0320", fields)], None, "00")

    def settle(self, code: str, count: int, amount: int, expected: str) -> None:
        self._insist([("0500", {3: code, 60: BATCH, 63: f"{count:03d}{amount:012d}"})], None, expected)

    def _insist(self, tries: list[tuple[str, dict[int, str]]], stan: str | None, expected: str) -> None:
        for place in range(2):
            mti, fields = tries[min(place, len(tries) - 1)]
            if stan is None:
                self.stan += 1
            answer = self._try(mti, {11: stan or f"{self.stan:06d}", **fields}, kill=place == 0)
            if answer is not None and place == 1:
                assert answer.get(39) == expected, (mti, answer)

    def _try(self, mti: str, fields: dict[int, str], *, kill: bool) -> Message | None:
        head = {24: self._who.nii, 41: self._who.terminal_id.ljust(8), 42: self._who.merchant_id.ljust(15)}
        body = encode(Message(mti, head | fields), "nac")
        with closing(socket.create_connection(("127.0.0.1", self.daemon.demo().port("nac")), ANSWER_SECONDS)) as line:
            line.sendall(frame(body, "nac", tpdu(self._who.nii)))
            if kill:
                self.kills += 1
                if self.kills % 2:  # half of them have been decided by then
                    line.recv(1)
                self.daemon.kill()
                self.daemon = Daemon(self._data).wait_until_serving()
                return None
            frames = FrameReader("nac")
            while (payload := frames.next_payload()) is None:
                data = line.recv(4096)
                assert data, "the daemon hung up"
                frames.feed(data)
        return decode(split_frame(payload, "nac")[1], "nac")


def wait_for_settlement(data: Path) -> None:
    """It is cut right after the close, by a command of its own; a daemon that is told to stop leaves it to the next."""
    store = load_config(data / "tillswitch.toml").store
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with closing(open_reader(store)) as reader:
            if reader.settlements():
                return
        time.sleep(0.05)
    raise AssertionError("no settlement was cut")


@pytest.mark.slow
def test_a_settlement_killed_at_every_message_ends_balanced(data: Path) -> None:
    daemon = Daemon(data).wait_until_serving()
    demo = daemon.demo()
    daemon.kill()
    who = demo.terminals_of("nac")[0]
    card = next(one for one in demo.gift_cards if one.product == "classic" and one.balance >= 1000 and not one.pin)
    till = Terminal(data, who, card.pan)
    sold = [(till.sell(amount), amount) for amount in SALES]
    sold.append(("900000", OFFLINE))  # the switch has never seen it
    claimed = len(sold), sum(amount for _, amount in sold)
    till.settle("920000", *claimed, "95")
    for place, (stan, amount) in enumerate(sold, 1):
        till.upload(stan, amount, more=place < len(sold))
    till.settle("960000", *claimed, "00")
    assert till.kills == len(SALES) + 1 + len(sold) + 1
    wait_for_settlement(data)
    assert till.daemon.stop() == 0
    assert prove(data).batches == 1
    with closing(open_reader(load_config(data / "tillswitch.toml").store)) as reader:
        terminal = next(one for one in reader.terminals() if one.terminal_id == who.terminal_id)
        (batch,) = reader.batches(terminal.id)
        (settlement,) = reader.settlements()
        spent = [row for row in reader.settled_rows(terminal.merchant, 0, settlement.until) if row.counts]
    assert (batch.closed_by, batch.number) == (Closer.TERMINAL, int(BATCH))
    assert (batch.booked[0].count, batch.booked[0].amount) == claimed
    assert sorted(row.amount for row in spent) == sorted(amount for _, amount in sold), "each once"
