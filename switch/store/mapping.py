"""Records to table rows and back, from the records' own annotations: one column for each field, of the same name.

Enums are their value, tuples of text and answers are JSON, truth is 0 or 1; numbers, text and bytes stay as they are.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
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
        self._out = [_to_column(hints[name]) for name in self.columns]
        self._in = [_from_column(hints[name]) for name in self.columns]

    def select(self, alias: str) -> str:
        """The columns as a SELECT list."""
        return ", ".join(f"{alias}.{name}" for name in self.columns)

    def to_row(self, record: Record) -> tuple[Any, ...]:
        return tuple(
            value if convert is None or value is None else convert(value)
            for value, convert in zip(map(record.__getattribute__, self.columns), self._out, strict=True)
        )

    def from_row(self, row: typing.Sequence[Any]) -> Record:
        return self.record(
            **{
                name: value if convert is None or value is None else convert(value)
                for name, value, convert in zip(self.columns, row, self._in, strict=True)
            }
        )


def _plain(hint: Any) -> Any:
    """`X | None` is X here: None is NULL."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    return hint


def _to_column(hint: Any) -> _Convert | None:
    hint = _plain(hint)
    if hint is bool:
        return int
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value: value.value
    if hint in (int, str, bytes):
        return None
    return lambda value: msgspec.json.encode(value).decode()


def _from_column(hint: Any) -> _Convert | None:
    hint = _plain(hint)
    if hint in (int, str):
        return None
    if hint in (bool, bytes):
        return typing.cast(_Convert, hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        members = {member.value: member for member in hint}
        return members.__getitem__
    return msgspec.json.Decoder(hint).decode
