"""Members' points as people and schedules look at them: what moved them, what has expired, when they were put on.

For reading only. What a message needs of a member is loaded in loading.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from switch.core.holdings import Account
from switch.core.journal import Row
from switch.store.database import Database
from switch.store.loading_rows import with_entries
from switch.store.tables import ACCOUNTS, JOURNAL


def read_movements(database: Database, holder: int, since: int, limit: int) -> list[Row]:
    sql = (
        "journal j WHERE j.id IN (SELECT e.row_id FROM accounts a JOIN entries e ON e.account = a.id "
        "AND e.sequence IS NOT NULL WHERE a.holder = ? AND a.holder > 0) AND j.decided_at >= ? "
        "ORDER BY j.decided_at DESC, j.id DESC LIMIT ?"
    )
    return with_entries(database, database.read(JOURNAL, "j", sql, (holder, since, limit)))


def read_expired_lots(
    database: Database, day: str, still_since: int, after: tuple[str, int], limit: int
) -> list[Account]:
    """By the index that knows only lots that are not empty; the newest entry of a lot is the one of its last number."""
    sql = (
        "accounts a WHERE a.spent = 0 AND a.expires_on <> '' AND a.expires_on < ? AND (a.expires_on, a.id) > (?, ?) "
        "AND a.balance > 0 AND NOT EXISTS (SELECT 1 FROM entries e JOIN journal j ON j.id = e.row_id "
        "WHERE e.account = a.id AND e.sequence = a.entries AND j.decided_at >= ?) ORDER BY a.expires_on, a.id LIMIT ?"
    )
    return database.read(ACCOUNTS, "a", sql, (day, *after, still_since, limit))


def stream_credits(database: Database) -> Iterator[tuple[Account, list[tuple[int, int]]]]:
    sql = (
        f"SELECT {ACCOUNTS.select('a')}, j.decided_at, e.amount FROM accounts a "
        "LEFT JOIN entries e ON e.account = a.id AND e.sequence IS NOT NULL AND e.amount > 0 "
        "LEFT JOIN journal j ON j.id = e.row_id "
        "WHERE a.kind IN ('lot', 'debt') AND a.balance <> 0 ORDER BY a.id, e.sequence DESC"
    )
    width = len(ACCOUNTS.columns)
    for columns, rows in itertools.groupby(database.stream(sql), key=lambda row: row[:width]):
        credits = [(row[width], row[width + 1]) for row in rows]
        yield ACCOUNTS.from_row(columns), [credit for credit in credits if credit[0] is not None]
