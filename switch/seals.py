"""Seals: each committed group of journal rows is bound to the one before it, so that a changed, missing or cut-off row
shows. One chain for each daemon; the key is in the vault."""

from __future__ import annotations

import hmac
import operator
from collections.abc import Sequence

import msgspec

from switch.core.records import Row, Seal

_encode = msgspec.msgpack.Encoder().encode

#: Fields that rows have had from the beginning are sealed always, those that came later where they say something: so
#: the seals of rows that are older than a field stay what they were.
_LATER = frozenset({"counts", "late", "claimed", "original_class", "matched"})
_ALWAYS = tuple(name for name in Row.__struct_fields__ if name not in _LATER)
_values = operator.attrgetter(*_ALWAYS)
_DEFAULTS = {
    name: default
    for name, default in zip(reversed(Row.__struct_fields__), reversed(Row.__struct_defaults__), strict=False)
    if name in _LATER
}
assert _DEFAULTS.keys() == _LATER, "what came later has a default"


def mark(rows: Sequence[Row], daemon: str, number: int) -> list[Row]:
    """The rows of a group as they are kept: with the seal they belong to, in order of their ids."""
    marked = [msgspec.structs.replace(row, daemon=daemon, seal=number) for row in rows]
    return sorted(marked, key=lambda row: row.id)


def seal_of(rows: Sequence[Row], before: Seal | None, daemon: str, now: int, key: bytes) -> Seal:
    """The seal over marked `rows`, which follows `before` (None: the first of this daemon)."""
    number = before.number + 1 if before else 1
    head = _encode((daemon, number, len(rows), now, before.mac if before else b""))
    return Seal(
        daemon, number, len(rows), now, hmac.digest(key, head + _encode([_sealed(row) for row in rows]), "sha256")
    )


def _sealed(row: Row) -> dict[str, object]:
    said = dict(zip(_ALWAYS, _values(row), strict=True))
    for name, default in _DEFAULTS.items():
        value = getattr(row, name)
        if value != default:
            said[name] = value
    return said
