"""VISA-2 records put together by hand for the tests, and the frames of the reference."""

import re
from pathlib import Path
from typing import NamedTuple

from specs.dialects import VISA2
from specs.transaction import Request
from terminals.visa2_frames import write_frame
from terminals.visa2_request import Visa2Slip, read_request
from terminals.visa2_session import Visa2Session
from tests.wire.golden import LINE

FS, GS = "\x1c", "\x1d"
PAN_DIGITS = "6035710012345678"
ACCEPTOR = {"acquirer": "999995", "merchant": "888000000001", "store": "0001", "terminal": "0002"}
#: What stands before the customer data, by field number of the reference.
FIXED = {
    1: "D", 2: "0", 3: ".", 4: "999995", 5: "888000000001", 6: "0001", 7: "0002", 8: "D", 9: "R", 10: "840", 11: "840",
    12: "94546    ", 13: "00", 14: "708", 15: "5999", 16: "N", 17: "0011", 18: "G4", 19: "@", 20: "D",
}  # fmt: skip
VARIABLE = {21: f"{PAN_DIGITS}=49120000000000000", 22: "", 23: "", 24: "6000", 25: "", 26: "", 27: "", 28: "", 29: ""}


def record(blocks: str = f"200{FS}{FS}", **fields: str) -> bytes:
    """A request; fields as f18="GC"."""
    named = {int(name[1:]): text for name, text in fields.items()}
    assert named.keys() <= FIXED.keys() | VARIABLE.keys()
    fixed = "".join((FIXED | named)[number] for number in FIXED)
    variable = "".join((VARIABLE | named)[number] + FS for number in VARIABLE)
    return (fixed + variable + blocks).encode("latin-1")


def read(data: bytes) -> tuple[Request, Visa2Slip]:
    return read_request(data, VISA2, LINE)


def reversal_data(rrn: str) -> str:
    """Field 29: approval code, date and time, which nobody compares, and the reference."""
    return f"G00010112226101500{rrn:12}"


class Frame(NamedTuple):
    plain: bytes
    even: bytes | None

    @property
    def record(self) -> bytes:
        return self.plain[1:-2]


def load_frames() -> dict[str, Frame]:
    """The worked examples of the reference by name."""
    text = (Path(__file__).parent / "golden" / "visa2.txt").read_text("ascii")
    frames = {}
    for section in text.split("=== ")[1:]:
        head, _, body = section.partition("\n")
        plain, _, even = body.partition("even\n")
        frames[head.split()[0]] = Frame(bytes.fromhex(plain), bytes.fromhex(even) if even else None)
    return frames


FRAMES = load_frames()


def session(now: float = 0.0) -> Visa2Session:
    return Visa2Session(VISA2, LINE, now)


def framed(data: bytes) -> bytes:
    return write_frame(data)


def response_code(response: bytes) -> str:
    """Of a frame with a record E or U."""
    found = re.fullmatch(rb"\x02[EU].{16}(..).*", response, re.DOTALL)
    assert found is not None, response
    return found[1].decode()
