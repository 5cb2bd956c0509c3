"""The private tables of DE48 and DE63: pieces of id and data (WIRE.md section 3, "Private tables").

Responsible for taking them apart and putting them together; what an id means is the business of whoever reads it. Text
here is one character per byte (latin-1), as the codec gives and takes it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from specs.dialects import TableLayout

ROOM: Final = 999  # what DE48 or DE63 holds
_HEAD: Final = {TableLayout.LENGTH_FIRST: 4, TableLayout.ID_FIRST: 5}  # length and id of a piece


def parse_tables(text: str, layout: TableLayout) -> list[tuple[str, str]]:
    """The pieces in order, as (id, data).

    Raises:
        ValueError: a length is no number, or does not agree with what is there.
    """
    pieces = []
    start = 0
    while start < len(text):
        head = text[start : start + _HEAD[layout]]
        if layout is TableLayout.LENGTH_FIRST:
            digits, table_id, counted = head[:2].encode("latin-1").hex(), head[2:], 2
        else:
            table_id, digits, counted = head[:2], head[2:], 0
        if len(head) < _HEAD[layout] or not digits.isdecimal() or int(digits) < counted:
            raise ValueError("the head of a piece is not a length and an id")
        end = start + len(head) + int(digits) - counted
        if end > len(text):
            raise ValueError("a piece is cut short")
        pieces.append((table_id, text[start + len(head) : end]))
        start = end
    return pieces


class Tables:
    """The tables of one message, each joined from its pieces in their order."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._carriers: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._texts)

    def add(self, field: int, pieces: Iterable[tuple[str, str]]) -> None:
        """The pieces that `field` carried."""
        for table_id, data in pieces:
            self._texts[table_id] = self._texts.get(table_id, "") + data
            self._carriers.setdefault(table_id, field)

    def text(self, table_id: str) -> str:
        """The data of a table; empty if it is not there."""
        return self._texts.get(table_id, "")

    def carrier(self, table_id: str) -> int:
        """The field that carried the table, or its first piece."""
        return self._carriers[table_id]


def build_tables(pieces: Sequence[tuple[str, str]], layout: TableLayout) -> str:
    """The pieces one after another. Those that do not fit any more are left out, so the dearest come first."""
    built = ""
    for table_id, data in pieces:
        if len(data) <= room_for_data(built, layout):
            built += _piece(table_id, data, layout)
    return built


def room_for_data(built: str, layout: TableLayout) -> int:
    """How long the data of one more piece may be; negative if not even its head fits."""
    return ROOM - len(built) - _HEAD[layout]


def cut_at_line(text: str, room: int) -> str:
    """As many whole lines of `text` as fit into `room`; lines end with LF."""
    if len(text) <= room:
        return text
    return text[: text.rfind("\n", 0, max(room, 0)) + 1]


def _piece(table_id: str, data: str, layout: TableLayout) -> str:
    if layout is TableLayout.LENGTH_FIRST:
        return bytes.fromhex(f"{len(table_id) + len(data):04d}").decode("latin-1") + table_id + data
    return f"{table_id}{len(data):03d}{data}"
