"""Which batch a message joins. The terminal leads the number, the host keeps its own identity of each batch.

WIRE.md section 5, first paragraph.
"""

from __future__ import annotations

import msgspec

from specs import limits
from specs.transaction import Kind, MessageClass
from switch.core.clock import DAY
from switch.core.needs import Case
from switch.core.records import Batch, Closer, Desk
from switch.core.refusals import Reason
from switch.core.workset import View


class Joined(msgspec.Struct, frozen=True):
    """The batch a message belongs to, and what changes by its joining."""

    batch: Batch
    desks: tuple[Desk, ...] = ()
    batches: tuple[Batch, ...] = ()


def join(view: View, case: Case, now: int, number: int) -> Joined | Reason:
    """The batch `case` joins, opened at need; `number` becomes the id of a new one."""
    request, open_batch, named = case.request, view.open_batch, view.named_batch
    asked = request.batch
    logon = request.kind is Kind.LOGON
    if named and _closed_by_terminal(named, now):
        if request.message_class in (MessageClass.ADVICE, MessageClass.REVERSAL):
            return Joined(named)
        if not logon:
            return Reason.BATCH_CLOSED
        asked = None  # the answer tells the number to use
    if open_batch and asked in (None, open_batch.number):
        if asked is None or open_batch.named:
            return Joined(open_batch)
        batch = msgspec.structs.replace(open_batch, named=True)
        return Joined(batch, batches=(batch,))
    if open_batch and not open_batch.named:
        assert asked is not None
        batch = msgspec.structs.replace(open_batch, named=True, number=asked)
        return Joined(batch, (msgspec.structs.replace(view.desk, last_number=asked),), (batch,))
    if view.terminal and view.terminal.explicit_open and not logon:
        return Reason.BATCH_NOT_OPEN
    batch = Batch(
        id=number,
        terminal=view.desk.terminal,
        application=case.application,
        number=asked or view.desk.last_number % limits.BATCH_NUMBER_MAX + 1,
        named=asked is not None,
        opened_at=now,
    )
    desk = msgspec.structs.replace(view.desk, batch=batch.id, last_number=batch.number)
    return Joined(batch, (desk,), (*_left_behind(open_batch, now), batch))


def _left_behind(batch: Batch | None, now: int) -> tuple[Batch, ...]:
    if batch is None:
        return ()
    return (msgspec.structs.replace(batch, closed_at=now, closed_by=Closer.HOST, reason="left behind"),)


def _closed_by_terminal(batch: Batch, now: int) -> bool:
    return (
        batch.closed_by is Closer.TERMINAL
        and batch.closed_at is not None
        and now - batch.closed_at < limits.BATCH_DAYS * DAY
    )
