"""Batch uploads: what a terminal tells of its batch, one transaction a message (WIRE.md section 5, row 0320).

An upload is never refused for what it tells. What the switch has known is compared and left as it is; what it has never
seen is booked *without authorisation*, except what would put value onto a card. All that is not plain is an exception:
its row says why.
"""

from __future__ import annotations

from specs import limits
from specs.transaction import Kind, MessageClass, Request
from switch.core.batches import Joined, join, open_new
from switch.core.clock import DAY, HOUR
from switch.core.irregular import DIFFERENT, EQUAL, OF_UNDONE
from switch.core.journal import Row
from switch.core.merchants import Batch, Closer
from switch.core.messages import far_apart
from switch.core.needs import Case
from switch.core.undo import is_live
from switch.core.workset import View

#: What an upload can book that was never seen: it takes from a card, or earns by the rules of its own day.
BOOKED = frozenset({Kind.GIFT_REDEEM, Kind.GIFT_CASH_BACK, Kind.GIFT_UNLOAD, Kind.POINTS_REDEEM, Kind.SALE})


def find_target(view: View, case: Case, now: int, number: int) -> Joined:
    """The batch an upload belongs to: the one it names, else that last answered "totals", the open one, the last
    closed; where there is none of these, a new one."""
    request, desk = case.request, view.desk
    if request.upload_batch is not None:
        if view.open_batch and view.open_batch.number == request.upload_batch:
            return Joined(view.open_batch)
        if view.named_batch:
            return Joined(view.named_batch)
        joined = join(view, case, now, number)
        return (
            joined
            if isinstance(joined, Joined)
            else open_new(view, case.application, request.upload_batch, now, number)
        )
    for batch in (view.batch(desk.awaiting), view.open_batch, view.batch(desk.closed)):
        if batch:
            return Joined(batch)
    return open_new(view, case.application, None, now, number)


def find_same_upload(view: View, request: Request, target: Batch, sent_at: int | None) -> Row | None:
    """The upload of the same original into the same batch, if it has come before; or its exact copy, which has been so
    long on the line that uploads go into another batch now."""
    uploads = [
        row
        for row in view.told
        if row.message_class is MessageClass.UPLOAD and row.original_class is request.original_class
    ]
    if request.sequenced:  # each kind counts by itself
        uploads = [row for row in uploads if row.kind is request.kind]
    here = (row for row in uploads if _same_batch(view, row, target))
    copies = (
        row
        for row in uploads
        if sent_at is not None
        and (row.sent_at, row.kind, row.asked, row.receipt)
        == (sent_at, request.kind, request.amount or 0, request.receipt)
    )
    return next(here, next(copies, None))


def find_uploaded(view: View, case: Case, target: Batch, sent_at: int | None, now: int) -> Row | None:
    """The transaction an upload tells of, if the switch has known it.

    It is the message with that MTI and STAN in the batch itself, first of all one that says the same. Or it is one that
    says the same in another batch: because that may have been this one to the terminal, having the same number or not
    being closed by it; or because it is certainly the same deed, of the same time, or not long ago. Or its reference
    names it.
    """
    request = case.request
    if request.sequenced:
        return _find_sequenced(view, case, target, now)
    here = [row for row in view.told if row.message_class is request.original_class and _same_batch(view, row, target)]
    elsewhere = [
        row
        for row in view.told
        if says_the_same(row, case)
        and not far_apart(row.sent_at, sent_at)
        and _may_be_meant(view, row, target, sent_at, now)
    ]
    here.sort(key=lambda row: not says_the_same(row, case))
    named = view.by_rrn
    if named and (named.terminal, named.application) != (view.desk.terminal, case.application):
        named = None
    return next(iter((*here, *elsewhere, *([named] if named else []))), None)


def _find_sequenced(view: View, case: Case, target: Batch, now: int) -> Row | None:
    """By sequence number, kind, approval code and card; what is in the batch itself first."""
    request = case.request
    found = [
        row
        for row in view.told
        if row.message_class is request.original_class
        and row.kind is request.kind
        and row.card_hash == case.card_hash
        and now - row.decided_at < limits.BATCH_DAYS * DAY
        and (request.approval is None or (row.reply is not None and row.reply.approval == request.approval))
    ]
    found.sort(key=lambda row: not _same_batch(view, row, target))
    return next(iter(found), None)


def _same_batch(view: View, row: Row, target: Batch) -> bool:
    batch = view.batch(row.batch)
    return batch is not None and batch.whole == target.whole


def _may_be_meant(view: View, row: Row, target: Batch, sent_at: int | None, now: int) -> bool:
    """Whether a row of another batch, which says the same, may be what is uploaded into `target`."""
    age = now - row.decided_at
    same_time = row.sent_at is not None and sent_at is not None and age < limits.BATCH_DAYS * DAY
    if same_time or age < limits.REPLAY_HOURS * HOUR:
        return True
    batch = view.batch(row.batch)
    if batch is None or row.message_class is MessageClass.UPLOAD:
        return False
    recent = batch.closed_at is None or now - batch.closed_at < limits.BATCH_DAYS * DAY
    return recent and (batch.number == target.number or batch.closed_by is not Closer.TERMINAL)


def compared(view: View, row: Row, case: Case) -> str:
    """The journal's reason of an upload of `row`."""
    if row.took_effect and not is_live(row, view.family(row)):
        return OF_UNDONE
    return EQUAL if row.took_effect and says_the_same(row, case) else DIFFERENT


def says_the_same(row: Row, case: Case) -> bool:
    """Card, kind and approved amount, and the currency if it is told."""
    request = case.request
    return (
        row.card_hash == case.card_hash
        and row.kind is request.kind
        and request.amount in (None, row.amount)
        and request.currency in (None, row.currency)
    )
