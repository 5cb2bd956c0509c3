"""Which batch a message joins, and what counts in its totals. The terminal leads the number, the host keeps its own
identity of each batch.

WIRE.md section 5, first two paragraphs; how a batch closes is in settling.py.
"""

from __future__ import annotations

import msgspec

from specs import limits
from specs.transaction import TOTALS_BLOCKS, Kind, MessageClass, Total
from switch.core.clock import DAY
from switch.core.journal import Row
from switch.core.merchants import END_OF_DAY, LEFT_BEHIND, Batch, Closer, Count, Desk
from switch.core.needs import Case
from switch.core.refusals import Reason
from switch.core.undo import is_live
from switch.core.workset import View


class Joined(msgspec.Struct, frozen=True):
    """The batch a message belongs to, and what changes by its joining."""

    batch: Batch
    desks: tuple[Desk, ...] = ()
    batches: tuple[Batch, ...] = ()


def join(view: View, case: Case, now: int, number: int) -> Joined | Reason:
    """The batch `case` joins, opened at need; `number` becomes the id of a new one."""
    request, open_batch, named = case.request, view.open_batch, view.named_batch
    asked = request.batch or request.upload_batch
    logon = request.kind is Kind.LOGON
    if named and closed_by_terminal(named, now):
        if request.message_class in (MessageClass.ADVICE, MessageClass.REVERSAL):
            return Joined(named)
        if not logon:
            return Reason.BATCH_CLOSED
        asked = None  # the answer tells the number to use
    if open_batch and (asked in (None, open_batch.number) or not open_batch.named):
        return Joined(open_batch) if asked is None else name_open(view, open_batch, asked)
    advice = request.message_class is MessageClass.ADVICE  # done already: a refusal would only block the terminal
    if view.terminal and view.terminal.explicit_open and not logon and not advice:
        return Reason.BATCH_NOT_OPEN
    return open_new(view, case.application, asked, now, number)


def name_open(view: View, open_batch: Batch, number: int) -> Joined:
    """The open batch, called `number` by the terminal itself."""
    if open_batch.named and open_batch.number == number:
        return Joined(open_batch)
    batch = msgspec.structs.replace(open_batch, named=True, number=number)
    desks = (msgspec.structs.replace(view.desk, last_number=number),) if number != open_batch.number else ()
    return Joined(batch, desks, (batch,))


def open_new(view: View, application: str, asked: int | None, now: int, number: int) -> Joined:
    """A new batch, of the next number if none is `asked`; one that was open is left behind."""
    assert view.terminal is not None, "asked before it was known who it is"
    batch = Batch(
        id=number,
        terminal=view.desk.terminal,
        application=application,
        number=asked or view.desk.last_number % view.terminal.batch_number_max + 1,
        named=asked is not None,
        opened_at=now,
        merchant=view.terminal.merchant,
        currency=view.terminal.currency,
    )
    desk = msgspec.structs.replace(view.desk, batch=batch.id, last_number=batch.number)
    return Joined(batch, (desk,), (*_left_behind(view.open_batch, now), batch))


def closed_by_terminal(batch: Batch, now: int) -> bool:
    """Whether the terminal itself closed it, not too long ago to be recognised.

    A part that the host has settled does not say so, though the terminal may have closed the whole since: the last part
    does, and its number may be another.
    """
    return (
        batch.closed_by is Closer.TERMINAL
        and batch.reason != END_OF_DAY
        and batch.closed_at is not None
        and now - batch.closed_at < limits.BATCH_DAYS * DAY
    )


def _left_behind(batch: Batch | None, now: int) -> tuple[Batch, ...]:
    if batch is None:
        return ()
    return (msgspec.structs.replace(batch, closed_at=now, closed_by=Closer.HOST, reason=LEFT_BEHIND),)


# -- totals -----------------------------------------------------------------------------------------------------------
class Counted(msgspec.Struct, frozen=True):
    """What a row does to totals: `batches` are those of the request's joining, with their new totals."""

    counts: tuple[Count, ...]
    late: bool
    batches: tuple[Batch, ...]


def count_row(view: View, row: Row, joined: Joined | None) -> Counted:
    """What `row` adds to the totals of this terminal's open batches, and what it takes out that is live no more.

    A closed batch keeps its totals, and so does one of another terminal (whose books are not locked): the row is late.
    """
    changed = {batch.id: batch for batch in joined.batches} if joined else {}
    here = joined.batch if joined else None
    if here is None or here.closed_at is not None:
        here = changed.get(view.desk.batch, view.open_batch)
    counts: list[Count] = []
    late = False
    for deed, sign in _moved(row, view.family(row)):
        batch = changed.get(deed.batch) or view.batch(deed.batch) or (here if here and here.id == deed.batch else None)
        if batch is None:
            continue
        if batch.closed_at is not None and here and here.whole == batch.whole:
            batch = here
        if batch.closed_at is not None or batch.terminal != row.terminal:
            late = True
        elif batch.currency == deed.currency and (deed is row or deed.counts):
            block = TOTALS_BLOCKS[deed.kind]
            counts.append(Count(batch.id, block, sign, sign * deed.amount))
            changed[batch.id] = _with(batch, block, sign, sign * deed.amount, row.decided_at)
            here = changed[batch.id] if here and here.id == batch.id else here
    if row.took_effect and here and here.id == row.batch and not here.since:  # it need not count
        changed[here.id] = msgspec.structs.replace(here, since=row.decided_at)
    return Counted(tuple(counts), late, tuple(changed.values()))


def _moved(row: Row, family: list[Row]) -> list[tuple[Row, int]]:
    """The transactions of `family` that `row` makes live (1) or undoes (-1), itself among them; only what counts."""
    before = [other for other in family if other.id != row.id]
    if not before:
        return [(row, 1)] if _is_counted(row) else []
    after = [*before, row]
    moved = []
    for deed in filter(_is_counted, after):
        change = is_live(deed, after) - (deed is not row and is_live(deed, before))
        if change:
            moved.append((deed, change))
    return moved


def _is_counted(row: Row) -> bool:
    return row.took_effect and row.message_class is not MessageClass.REVERSAL and row.kind in TOTALS_BLOCKS


def _with(batch: Batch, block: int, count: int, amount: int, now: int) -> Batch:
    before = batch.totals[block]
    changed = Total(before.count + count, before.amount + amount)
    totals = (*batch.totals[:block], changed, *batch.totals[block + 1 :])
    return msgspec.structs.replace(batch, totals=totals, since=batch.since or now)
