"""Records to table rows and back, from the records' own annotations: one column for each field, of the same name.

Enums are their value, tuples of text and answers are JSON, truth is 0 or 1; numbers, text and bytes stay as they are.
"""

from __future__ import annotations

import operator
import types
import typing
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Generic, TypeVar

import msgspec

Record = TypeVar("Record", bound=msgspec.Struct)
_Convert = Callable[[Any], Any]


class Mapping(Generic[Record]):
    """How one record type lies in its table.

    Args:
        leave_out: Fields kept elsewhere; they have defaults.
    """

    def __init__(self, record: type[Record], table: str, key: tuple[str, ...], leave_out: tuple[str, ...] = ()) -> None:
        hints = typing.get_type_hints(record)
        self.record, self.table, self.key = record, table, key
        self.columns = tuple(name for name in record.__struct_fields__ if name not in leave_out)
        assert record.__struct_fields__[: len(self.columns)] == self.columns, "what is left out comes last"
        converts = [
            (place, _to_column(hints[name]), _from_column(hints[name])) for place, name in enumerate(self.columns)
        ]
        self._out = [(place, convert) for place, convert, _ in converts if convert]
        self._in = [(place, convert) for place, _, convert in converts if convert]
        self._values = operator.attrgetter(*(_path(name, hints[name]) for name in self.columns))

    def select(self, alias: str) -> str:
        """The columns as a SELECT list."""
        return ", ".join(f"{alias}.{name}" for name in self.columns)

    def to_row(self, record: Record) -> Sequence[Any]:
        return _converted(self._values(record), self._out)

    def from_row(self, row: Sequence[Any]) -> Record:
        return self.record(*_converted(row, self._in))


def _converted(values: Sequence[Any], converts: list[tuple[int, _Convert]]) -> list[Any]:
    """`values` with those converted that need it; None stays None. The hot loop of every load and commit."""
    converted = list(values)
    for place, convert in converts:
        value = converted[place]
        if value is not None:
            converted[place] = convert(value)
    return converted


def _path(name: str, hint: Any) -> str:
    """Where the column's value is found: the words of an enum are taken without a call."""
    return f"{name}._value_" if _is_enum(hint) else name


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


def _plain(hint: Any) -> Any:
    """`X | None` is X here: None is NULL."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    return hint


def _to_column(hint: Any) -> _Convert | None:
    if _is_enum(hint):
        return None
    hint = _plain(hint)
    if hint is bool:
        return int
    if _is_enum(hint):
        return operator.attrgetter("value")
    if hint in (int, str, bytes):
        return None
    return lambda value: msgspec.json.encode(value).decode()


def _from_column(hint: Any) -> _Convert | None:
    hint = _plain(hint)
    if hint in (int, str, bytes):
        return None
    if hint is bool:
        return bool
    if _is_enum(hint):
        members = {member.value: member for member in hint}
        return members.__getitem__
    return msgspec.json.Decoder(hint).decode
