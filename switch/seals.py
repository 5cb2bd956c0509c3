"""Seals: each committed group of journal rows is bound to the one before it, so that a changed, missing or cut-off row
shows. One chain for each daemon; the key is in the vault.

Fields that rows and answers have had from the beginning are sealed always, those that came later only where they say
something: so the seals of rows that are older than a field stay what they were.
"""

from __future__ import annotations

import hmac
import itertools
import operator
from collections.abc import Sequence
from typing import Any

import msgspec

from specs.transaction import Reply
from switch.core.journal import Row, Seal

_encode = msgspec.msgpack.Encoder().encode


class _Sealing:
    """What of a record is sealed, in the order of its fields."""

    def __init__(self, record: type[msgspec.Struct], later: frozenset[str]) -> None:
        fields = msgspec.structs.fields(record)
        self._always = [field.name for field in fields if field.name not in later]
        self._later = [field.name for field in fields if field.name in later]
        self._defaults = [field.default for field in fields if field.name in later]
        assert set(self._later) == later, "a field that came later, and is gone"
        assert msgspec.NODEFAULT not in self._defaults, "what came later has a default"
        self._always_values = operator.attrgetter(*self._always)
        self._later_values = operator.attrgetter(*self._later)
        self._forms: dict[tuple[bool, ...], Any] = {}  # by which of the later fields say something: a struct of those

    def __call__(self, record: msgspec.Struct) -> Any:
        later = self._later_values(record)
        said = tuple(map(operator.ne, later, self._defaults))
        form = self._forms.get(said)
        if form is None:
            names = [*self._always, *itertools.compress(self._later, said)]
            form = self._forms[said] = msgspec.defstruct("Sealed", names, gc=False)
        return form(*self._always_values(record), *itertools.compress(later, said))


_row = _Sealing(
    Row, frozenset({"other_holder", "deed", "event", "counts", "late", "claimed", "original_class", "matched"})
)
_reply = _Sealing(Reply, frozenset({"points", "returned", "totals", "local_year", "points_worth"}))


def mark(rows: Sequence[Row], daemon: str, number: int) -> list[Row]:
    """The rows of a group as they are kept: with the seal they belong to, in order of their ids."""
    marked = [msgspec.structs.replace(row, daemon=daemon, seal=number) for row in rows]
    return sorted(marked, key=lambda row: row.id)


def seal_of(rows: Sequence[Row], before: Seal | None, daemon: str, now: int, key: bytes) -> Seal:
    """The seal over marked `rows`, which follows `before` (None: the first of this daemon)."""
    number = before.number + 1 if before else 1
    head = _encode((daemon, number, len(rows), now, before.mac if before else b""))
    said = _encode([_sealed(row) for row in rows])
    return Seal(daemon, number, len(rows), now, hmac.digest(key, head + said, "sha256"))


def _sealed(row: Row) -> Any:
    sealed = _row(row)
    if row.reply is not None:
        sealed.reply = _reply(row.reply)
    return sealed
