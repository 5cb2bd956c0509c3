"""Reads the golden conversations: requests and answers as bytes, with what they mean beside them.

A conversation is `=== name`, then four parts: `>>` the request frame, `means` the Request, `reply` the Reply, `<<` the
answer frame. A line of a frame is hex pairs or "text" (with \\n), two blanks, and its meaning for people. Each dialect
has a file of its own, and another for points.
"""

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from specs.sensitive import PAN, Secret
from specs.transaction import Line, Reply, Request

LINE: Final = Line("test")
_FOLDER: Final = Path(__file__).parent / "golden"
_PARTS: Final = (">>", "means", "reply", "<<")
_LISTS: Final[dict[str, tuple[str, ...]]] = {
    "balances": ("purse", "type", "currency", "amount"),
    "basket": ("sku", "thousandths", "unit_price", "department"),
    "tenders": ("kind", "amount"),
}
_SINGLE: Final[dict[str, tuple[str, ...]]] = {
    "points": ("earned", "redeemed", "available", "expiring", "expires_on"),
    "returned": ("worth", "rest"),
}
_TOKEN: Final = re.compile(r'"([^"]*)"|([0-9A-F]{2})')


class Golden(NamedTuple):
    dialect: str
    name: str
    request_bytes: bytes
    request: Request
    reply: Reply
    answer_bytes: bytes

    def __str__(self) -> str:
        return f"{self.dialect}-{self.name}"


def load(dialect: str) -> list[Golden]:
    files = sorted(_FOLDER.glob(f"{dialect}*.txt"))
    sections = [section for file in files for section in file.read_text("ascii").split("=== ")[1:]]
    return [_conversation(dialect, section) for section in sections]


def _conversation(dialect: str, section: str) -> Golden:
    name, *lines = section.strip().splitlines()
    parts: dict[str, list[str]] = {part: [] for part in _PARTS}
    part = ""
    for line in lines:
        if line in _PARTS:
            part = line
        elif not line.startswith("#"):
            parts[part].append(line)
    request = {"line": {"listener": LINE.listener}} | _pairs(parts["means"])
    return Golden(
        dialect,
        name,
        b"".join(map(bytes_of_line, parts[">>"])),
        msgspec.convert(request, Request, strict=False, dec_hook=_secret),
        msgspec.convert(_pairs(parts["reply"]), Reply, strict=False),
        b"".join(map(bytes_of_line, parts["<<"])),
    )


def bytes_of_line(line: str) -> bytes:
    """What stands before the two blanks."""
    found = b""
    place = 0
    while token := _TOKEN.match(line, place):
        found += bytes.fromhex(token[2]) if token[2] else token[1].replace("\\n", "\n").encode("ascii")
        place = token.end()
        if line[place : place + 2] == "  ":
            break
        place += 1
    assert place, f"neither hex nor text: {line}"
    return found


def _pairs(lines: list[str]) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for line in lines:
        key, _, value = line.partition(" = ")
        pairs[key] = value.replace("\\n", "\n")
    for key in pairs.keys() & _LISTS.keys():
        pairs[key] = [_struct(_LISTS[key], words) for words in pairs[key].split(" | ")]
    for key in pairs.keys() & _SINGLE.keys():
        pairs[key] = _struct(_SINGLE[key], pairs[key])
    if "parameters" in pairs:
        pairs["parameters"] = [pair.split("=") for pair in pairs["parameters"].split(" | ")]
    return pairs


def _struct(names: tuple[str, ...], words: str) -> dict[str, str]:
    """The words in order; `-` is one that is empty."""
    return {name: "" if word == "-" else word for name, word in zip(names, words.split(" "), strict=True)}


def _secret(kind: type, value: str) -> Secret:
    return PAN(value) if kind is PAN else Secret(value)
