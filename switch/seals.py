"""Seals: each committed group of journal rows is bound to the one before it, so that a changed, missing or cut-off row
shows. One chain for each daemon; the key is in the vault."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import msgspec

from switch.core.records import Row, Seal

_encode = msgspec.msgpack.Encoder().encode


def mark(rows: Sequence[Row], daemon: str, number: int) -> list[Row]:
    """The rows of a group as they are kept: with the seal they belong to, in order of their ids."""
    marked = [msgspec.structs.replace(row, daemon=daemon, seal=number) for row in rows]
    return sorted(marked, key=lambda row: row.id)


def seal_of(rows: Sequence[Row], before: Seal | None, daemon: str, now: int, key: bytes) -> Seal:
    """The seal over marked `rows`, which follows `before` (None: the first of this daemon)."""
    number = before.number + 1 if before else 1
    head = _encode((daemon, number, len(rows), now, before.mac if before else b""))
    return Seal(daemon, number, len(rows), now, hmac.digest(key, head + _encode(rows), "sha256"))
