"""Fuzz: a golden frame with bytes changed, cut, doubled or spliced gives events or a ProtocolError, and nothing else.

What is received can be answered, and the answer is a whole frame. FUZZ_SECONDS says how long to look (2); the seed is
in the message of a failure.
"""

import os
import random
import time

import pytest

from specs.outcomes import Outcome
from specs.transaction import PointsTold, Reply, Returned
from terminals.errors import ProtocolError
from terminals.session import CLOSED, Received
from tests.wire import golden
from tests.wire.tools import session

SECONDS = float(os.environ.get("FUZZ_SECONDS", "2"))
REPLY = Reply(
    Outcome.FORMAT_ERROR,
    local_date="1122",
    local_time="101530",
    wrong_field=4,
    batch=7,
    points=PointsTold(0, 0, -1),
    returned=Returned(0, 0),
)


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """One change, with the length of the frame left or put right."""
    place, size = chance.randrange(len(data)), chance.randrange(1, 9)
    match chance.randrange(6):
        case 0:
            changed = data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        case 1:
            changed = data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
        case 2:
            changed = data[:place] + data[place + size :]
        case 3:
            changed = data[:place] + data[place : place + size] + data[place:]
        case 4:
            changed = data[:place] + chance.randbytes(size) + data[place:]
        case _:
            changed = data[:place] + other[chance.randrange(len(other)) :]
    return changed


def framed(dialect: str, frame: bytes) -> bytes:
    payload = frame[2:] if dialect == "nac" else frame[4:]
    return len(payload).to_bytes(2, "big") + payload if dialect == "nac" else b"%04d" % len(payload) + payload


def run_one(dialect: str, stream: bytes) -> None:
    wire = session(dialect)
    wire.receive_data(stream)
    wire.receive_data(b"")
    try:
        while (event := wire.next_event()) is not CLOSED:
            if isinstance(event, Received):
                sent = wire.send(REPLY, event.slip)
                assert framed(dialect, sent) == sent
    except ProtocolError:
        pass


@pytest.mark.parametrize("dialect", ["nac", "ascii"])
def test_a_mutated_frame_gives_events_or_a_protocol_error(dialect: str) -> None:
    frames = [conversation.request_bytes for conversation in golden.load(dialect)]
    end = time.monotonic() + SECONDS / 2
    seed = 0
    while time.monotonic() < end:
        chance = random.Random(seed)
        data = chance.choice(frames)
        for _ in range(chance.randrange(1, 4)):
            data = mutated(data, chance.choice(frames), chance) or data
        if chance.randrange(4):
            data = framed(dialect, data)
        try:
            run_one(dialect, data + chance.choice(frames))
        except Exception as error:
            pytest.fail(f"seed {seed} of {dialect}: {error!r}")
        seed += 1
    assert seed, "at least one frame was tried"
