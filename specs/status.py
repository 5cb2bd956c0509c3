"""What a terminal tells of itself: the values of table TS that say something (WIRE.md section 3, "Private tables").

A terminal's maker may send more, or nonsense: that is kept as text and counted, never a reason to refuse a message.
"""

import re
from typing import Final

import msgspec

#: What each key may say.
STATUS_KEYS: Final = {
    "paper": re.compile("ok|low|out"),
    "battery": re.compile("100|[1-9]?[0-9]"),  # per cent
    "tamper": re.compile("[01]"),
    "pending": re.compile("[0-9]{1,6}"),  # reversals it has not got rid of
    "sw": re.compile("[ -)+-~]{1,20}"),  # version of its software
    "sn": re.compile("[ -)+-~]{1,20}"),  # serial number; a star marks what was cut or hidden (status_table.py)
}


class Status(msgspec.Struct, frozen=True):
    """A status table, cut to its limits; `odd` counts the pieces that say nothing sensible."""

    values: tuple[tuple[str, str], ...]
    odd: int = 0


def is_sensible(key: str, value: str) -> bool:
    """Whether `key` is one of the contract's, and `value` one it can have."""
    return key in STATUS_KEYS and STATUS_KEYS[key].fullmatch(value) is not None
