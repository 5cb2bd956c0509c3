"""What about a transaction is not plain, so that somebody has to look at it.

The exceptions of WIRE.md sections 4 and 5. Reported where they happen (log, metrics) and with the settlement
they belong to.
"""

from __future__ import annotations

from typing import Final

from specs.transaction import MessageClass
from switch.core.holdings import AccountKind, describe_account
from switch.core.journal import Row

#: The journal's reasons of uploads; all but the first are exceptions.
EQUAL: Final = "uploaded"
DIFFERENT, OF_UNDONE = "upload_differs", "upload_of_undone"
WITHOUT_AUTHORISATION, NOT_BOOKED, TOO_OLD = "without_authorisation", "upload_not_booked", "upload_too_old"

AFTER_CLOSE: Final = "after_close"  # moved something of a batch that was closed already
ADVICE_TOO_OLD: Final = "advice_too_old"
UNCOVERED: Final = "uncovered"
#: Of batches as a whole, and of what is in them.
OTHER_TOTALS, MISSING = "closed_with_other_totals", "missing_at_terminal"
CAPTURED_AGAIN: Final = "captured_again_with_other_totals"


def irregular(row: Row, merchant: int) -> list[str]:
    """The exceptions a row is for `merchant`."""
    found = []
    if row.message_class is MessageClass.UPLOAD and row.reason != EQUAL:
        found.append(row.reason)
    if row.late:
        found.append(AFTER_CLOSE)
    if any(entry.account < 0 and _is_uncovered(entry.account, merchant) for entry in row.entries):
        found.append(UNCOVERED)
    if row.reason in (ADVICE_TOO_OLD, CAPTURED_AGAIN):
        found.append(row.reason)
    return found


def _is_uncovered(account: int, merchant: int) -> bool:
    kind, owner, _ = describe_account(account)
    return kind is AccountKind.UNCOVERED and owner == merchant


def moved_for(row: Row, merchant: int) -> dict[str, list[int]]:
    """What a row moved in a merchant's clearing and uncovered accounts, by currency."""
    moved: dict[str, list[int]] = {}
    for entry in row.entries:
        if entry.account < 0:
            kind, owner, currency = describe_account(entry.account)
            if owner == merchant and kind in (AccountKind.CLEARING, AccountKind.UNCOVERED):
                moved.setdefault(currency, [0, 0])[kind is AccountKind.UNCOVERED] += entry.amount
    return moved
