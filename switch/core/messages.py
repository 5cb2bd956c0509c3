"""Once and only once: is this the same message as an earlier one, or one whose reversal came first?

WIRE.md section 4, "Same message" and the last sentence of "Reversal".
"""

from __future__ import annotations

from specs import limits
from specs.transaction import REVERSED_BY, Request
from switch.core.clock import DAY, HOUR
from switch.core.journal import Row, Tombstone
from switch.core.needs import Case
from switch.core.refusals import Reason
from switch.core.undo import is_live
from switch.core.workset import View


def find_earlier(view: View, case: Case, sent_at: int | None, now: int) -> Row | Reason | None:
    """The row whose stored answer is due again, a reason to refuse, or None for a new message.

    Args:
        sent_at: Local time of the message, if it carries one.
    """
    request, row = case.request, view.earlier
    if row is not None and _counts(row, view, request, sent_at, now):
        if _same(row, case, sent_at):
            return row if not row.accepted or is_live(row, view.family(row)) else Reason.UNDONE_SINCE
        if not (_differ(row.sent_batch, request.batch) or far_apart(row.sent_at, sent_at)):
            return Reason.DUPLICATE
    return Reason.REVERSED_BEFORE if reversed_before(view, case, request, now) else None


def reversed_before(view: View, case: Case, request: Request, now: int) -> bool:
    """Whether a reversal that found nothing meant `request`: that of `case`, or one that it tells of."""
    return any(_names(stone, case, request, now) for stone in view.tombstones)


def same_reversal(row: Row | None, case: Case) -> bool:
    """Whether an earlier reversal with the same STAN said the same as this one."""
    request = case.request
    return (
        row is not None
        and row.card_hash == case.card_hash
        and row.kind is request.kind
        and row.asked == (request.amount or 0)
        and row.receipt == request.receipt
        and (not request.sequenced or row.reference == request.rrn)
    )


def stan_before(stan: int, later: int) -> bool:
    """Whether `stan` comes before `later`, circularly."""
    return 0 < (later - stan) % 1_000_000 < limits.STAN_HALF


def _counts(row: Row, view: View, request: Request, sent_at: int | None, now: int) -> bool:
    """Whether an earlier message with the same key is looked at at all: young enough, and of this STAN count."""
    age = limits.ADVICE_DAYS * DAY if request.repeat else limits.REPLAY_HOURS * HOUR
    if request.sequenced:
        age = limits.SEQUENCE_HOURS * HOUR
    if now - row.decided_at >= age:
        return False
    both_timed = row.sent_at is not None and sent_at is not None
    return row.stan_count == view.desk.stan_count or request.repeat or both_timed


def _same(row: Row, case: Case, sent_at: int | None) -> bool:
    request = case.request
    return (
        row.card_hash == case.card_hash
        and row.kind is request.kind
        and row.asked == (request.amount or 0)
        and not _differ(row.sent_batch, request.batch)
        and not _differ(row.receipt, request.receipt)
        and (not request.sequenced or row.reference == request.rrn)
        and (request.repeat or not far_apart(row.sent_at, sent_at))
    )


def _names(stone: Tombstone, case: Case, request: Request, now: int) -> bool:
    if now >= stone.expires_at or stone.application != case.application or _differ(stone.batch, request.batch):
        return False
    if stone.card_hash != case.card_hash or request.kind not in REVERSED_BY.get(stone.kind, (stone.kind,)):
        return False
    if stone.amount != (request.amount or 0) and (stone.amount or stone.kind not in REVERSED_BY):
        return False  # one that may mean any kind need not tell the amount either
    same_receipt = stone.receipt is not None and stone.receipt == request.receipt
    return stone.stan == request.stan or (same_receipt and stan_before(request.stan, stone.stan))


def _differ(one: object, other: object) -> bool:
    """Both are there, and they differ."""
    return one is not None and other is not None and one != other


def far_apart(one: int | None, other: int | None) -> bool:
    """Both times are there, and they are not the same one."""
    return one is not None and other is not None and abs(one - other) > limits.SAME_TIME_SECONDS
