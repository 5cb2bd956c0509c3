"""No card number, track, PIN or chip data in anything that can be printed: events, slips, errors."""

import traceback
from collections.abc import Iterator

import msgspec
import pytest

from specs.outcomes import Outcome
from specs.transaction import Reply
from terminals.errors import ProtocolError
from terminals.session import NEED_DATA, Received
from tests.wire.tools import ASCII_REDEEM, NAC_REDEEM, ascii_frame, nac_frame, session

PAN = "6006491234567894"
PIN = "85274196"
BLOCK = "FEDCBA9876543210"
CHIP = "5A08600649123456"
DISCRETIONARY = "73195"
OTHER = "9900218273645019"
PHONE = "905321934857"
SECRETS = (PAN, PIN, BLOCK, CHIP, DISCRETIONARY, PAN[6:12], OTHER, OTHER[6:12], PHONE)

NAC = {
    **NAC_REDEEM,
    14: "2912",
    35: f"26 {PAN}D2912{DISCRETIONARY}",
    45: f"28 'B{PAN}^A^2912{DISCRETIONARY}^'",
    52: BLOCK,
    55: f"0008 {CHIP}",
    63: f"0048 0010 'SC{PIN}' 0018 'TO{OTHER}' 0014 'PH{PHONE}'",
}
ASCII = {
    **ASCII_REDEEM,
    14: "2912",
    35: f"26{PAN}={DISCRETIONARY}2912",
    45: f"28B{PAN}^A^2912{DISCRETIONARY}^",
    52: BLOCK,
    55: f"016{CHIP}",
    48: f"051SC008{PIN}TO016{OTHER}PH012{PHONE}",
}
MESSAGES = {"nac": nac_frame("0200", NAC), "ascii": ascii_frame("0200", ASCII)}


def printed(dialect: str, data: bytes, in_step: bool) -> str:
    """Everything a careless logger could write about `data`, tracebacks and the contexts of errors included.

    Where the bytes are out of step, ids are left out: there part of a track may stand where a merchant's number should,
    and no one can tell. The shell logs ids only of terminals it knows.
    """
    wire = session(dialect)
    wire.receive_data(data)
    said: list[str] = []
    try:
        while (event := wire.next_event()) is not NEED_DATA:
            if isinstance(event, Received):
                said.append(repr(event.slip))
                sent = wire.send(Reply(Outcome.APPROVED), event.slip)
                if in_step:
                    said += [sent.hex(), sent.decode("latin-1")]
                else:
                    request = msgspec.structs.replace(
                        event.request, merchant_id="", terminal_id="", receipt=None, rrn=None
                    )
                    event = Received(request, event.slip)
            said += [repr(event), str(event), f"{event}"]
    except ProtocolError as error:
        said += [repr(error), repr(error.__context__), repr(vars(error)), *traceback.format_exception(error)]
    return "\n".join(said)


def broken(data: bytes) -> Iterator[bytes]:
    """The message with each byte changed in turn, and cut short after each byte."""
    prefix = 2 if data[:1] == b"\x00" else 4
    for place in range(prefix, len(data)):
        for byte in (0x00, 0xFF, data[place] ^ 0x01):
            yield data[:place] + bytes([byte]) + data[place + 1 :]
        shorter = data[prefix:place]
        yield (len(shorter).to_bytes(2, "big") if prefix == 2 else b"%04d" % len(shorter)) + shorter


@pytest.mark.parametrize("dialect", ["nac", "ascii"])
def test_a_message_full_of_secrets_prints_none(dialect: str) -> None:
    said = printed(dialect, MESSAGES[dialect], in_step=True)
    assert "600649******7894" in said
    assert not [secret for secret in SECRETS if secret in said or secret.lower() in said]


@pytest.mark.parametrize("dialect", ["nac", "ascii"])
def test_a_broken_message_full_of_secrets_prints_none(dialect: str) -> None:
    for data in broken(MESSAGES[dialect]):
        said = printed(dialect, data, in_step=False)
        assert not [secret for secret in SECRETS if secret in said or secret.lower() in said], data
