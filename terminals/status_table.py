"""The status table (TS) of a request: `key=value;…`, read with patience and cut to its limits.

A terminal whose status cannot be understood is still a terminal that works: nothing here refuses anything. What is
kept is printable ASCII, and long runs of digits that are not where a serial number belongs are hidden: in a table out
of step a card number may stand anywhere.
"""

import re

from specs import limits
from specs.status import Status, is_sensible

#: Where pieces go that are no `key=value`.
TEXT = "text"


def parse_status(text: str) -> Status:
    """What the table says; of a key that comes twice, the last."""
    values: dict[str, str] = {}
    odd = 0
    for piece in filter(None, map(str.strip, text.split(";"))):
        key, value = _parse_piece(piece)
        sensible = is_sensible(key, value)
        odd += not sensible
        if key in values or len(values) < limits.STATUS_KEYS_MAX:
            room = limits.STATUS_TEXT_MAX if key == TEXT else limits.STATUS_VALUE_MAX
            values[key] = value if sensible else _harmless(value, room)
    return Status(tuple(values.items()), odd)


def _parse_piece(piece: str) -> tuple[str, str]:
    key, equals, value = (part.strip() for part in piece.partition("="))
    is_key = re.fullmatch(f"[A-Za-z][A-Za-z0-9_]{{0,{limits.STATUS_VALUE_MAX - 1}}}", key)
    return (key, value) if equals and is_key else (TEXT, piece)


def _harmless(text: str, room: int) -> str:
    """Stars stand for what is left out, so that nobody takes the rest for a whole value."""
    text = re.sub("[0-9]{12,}", "*", re.sub("[^ -~]", "*", text))
    return text if len(text) <= room else text[: room - 1] + "*"
