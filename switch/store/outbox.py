"""The outbox of the webhooks in SQL: claiming what is due, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

from switch.core.deliveries import Delivery
from switch.store.database import Database
from switch.store.tables import DELIVERIES


def claim_deliveries(database: Database, webhook: str, now: int, until: int, limit: int) -> list[Delivery]:
    """The oldest that are due. Nobody else gets them before `until`; if we end meanwhile, somebody does then."""
    lock = database.locked("w")
    chosen = "SELECT id FROM deliveries w WHERE webhook = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?"
    if lock:
        chosen += f"{lock} SKIP LOCKED"
    columns = ", ".join(DELIVERIES.columns)
    change = "UPDATE deliveries SET due_at = ?, attempts = attempts + 1"
    sql = f"{change} WHERE webhook = ? AND id IN ({chosen}) RETURNING {columns}"
    with database.transaction():
        rows = database.fetch(sql, (until, webhook, webhook, now, limit))
    return sorted(map(DELIVERIES.from_row, rows), key=lambda one: (one.created_at, one.id))


def settle_deliveries(database: Database, webhook: str, done: Sequence[str], again: Sequence[tuple[str, int]]) -> None:
    """Those `done` are forgotten; the others are due again at their times."""
    with database.transaction():
        database.write("DELETE FROM deliveries WHERE webhook = ? AND id = ?", [(webhook, one) for one in done])
        later = [(due_at, webhook, one) for one, due_at in again]
        database.write("UPDATE deliveries SET due_at = ? WHERE webhook = ? AND id = ?", later)


def count_deliveries(database: Database, webhook: str) -> tuple[int, int]:
    """How many wait, and since when the oldest."""
    sql = "SELECT count(*), coalesce(min(created_at), 0) FROM deliveries WHERE webhook = ?"
    count, oldest = database.fetch(sql, (webhook,))[0]
    return count, oldest
