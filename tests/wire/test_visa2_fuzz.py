"""Fuzz: a VISA-2 session given golden frames changed, cut, doubled or spliced, and time, answers or ends; nothing else.

What is received can be answered, by a whole frame; what is said by itself is a control character. FUZZ_SECONDS says how
long to look (2); the seed is in the message of a failure.
"""

import os
import random
import re
import time

import pytest

from specs.outcomes import Outcome
from specs.transaction import MessageClass, PointsTold, Reply, Total
from terminals.session import NEED_DATA, PAUSED, SIGNED_OFF, Received
from terminals.visa2_frames import even_parity, write_frame
from tests.wire.test_fuzz import mutated
from tests.wire.visa2_tools import FRAMES, FS, record, session

SECONDS = float(os.environ.get("FUZZ_SECONDS", "2"))
BATCH = f"901007{FS}000001{FS}000000000100{FS}000000{FS}000000000000{FS}"
RECORDS = [
    *(frame.record for frame in FRAMES.values()),
    *(record(f18=code) for code in ("G4", "GF", "L4", "L5", "LE")),
    *(record(BATCH, f18=code, f24="0") for code in ("X1", "X2", "X3")),
    record(f2="4"),
    record("", f1="T").replace(b"T0.", b"T4.") + f"{FS}V{FS}{FS}0000001111110170{FS}200{FS}{FS}".encode(),
]
CONTROLS = [b"\x05", b"\x06", b"\x15", b"\x10\x04", b"\x04", b"\x02", b"\x00"]
OUTCOMES = (Outcome.APPROVED, Outcome.PARTIAL, Outcome.FORMAT_ERROR, Outcome.TOTALS, Outcome.NOT_ENOUGH)
SAID = re.compile(rb"(?:[\x04-\x07\x12\x15]|\x02[ -~\x1c\x1d]+\x03.)*", re.DOTALL)


def reply(chance: random.Random) -> Reply:
    return Reply(
        chance.choice(OUTCOMES),
        local_date="1122",
        local_time="101530",
        local_year="26",
        rrn="632600004711",
        approval="004711",
        wrong_field=4,
        batch=7,
        points=PointsTold(0, 0, -1),
        totals=(Total(1, 2), Total(3, 4)),
    )


def piece(chance: random.Random) -> bytes:
    if chance.randrange(3) == 0:
        return chance.choice(CONTROLS)
    data = write_frame(chance.choice(RECORDS), chance.choice((0x03, 0x17)))
    if chance.randrange(2):
        data = mutated(data, write_frame(chance.choice(RECORDS)), chance) or data
        if chance.randrange(2):
            data = write_frame(bytes(byte & 0x7F for byte in data[1:-2]))
    return even_parity(data) if chance.randrange(4) == 0 else data


def run_one(chance: random.Random) -> None:
    wire = session()
    now = 0.0
    said = wire.take_output()
    for _ in range(chance.randrange(1, 8)):
        now += chance.choice((0.0, 1.0, 6.0, 40.0))
        wire.tick(now)
        wire.receive_data(piece(chance))
        while (event := wire.next_event()) not in (NEED_DATA, PAUSED, SIGNED_OFF):
            assert isinstance(event, Received)
            if chance.randrange(5):
                said += wire.send(reply(chance), event.slip)
        said += wire.take_output()
        if event is SIGNED_OFF:
            break
        assert wire.deadline > now - 1e-9
    assert SAID.fullmatch(bytes(byte & 0x7F for byte in said)), said
    assert all(request.message_class is MessageClass.REVERSAL for request in wire.abandon())


def test_a_mutated_session_answers_or_ends() -> None:
    end = time.monotonic() + SECONDS / 2
    seed = 0
    while time.monotonic() < end:
        try:
            run_one(random.Random(seed))
        except Exception as error:
            pytest.fail(f"seed {seed}: {error!r}")
        seed += 1
    assert seed, "at least one session was tried"
