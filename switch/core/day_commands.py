"""Commands about batches and business days: settle what an open batch holds, cut a merchant's settlement.

The schedule gives them, an operator may. Both say what they expect to find, so that two daemons, or a schedule and an
operator, do it once.
"""

from __future__ import annotations

import msgspec

from specs.outcomes import Outcome
from specs.transaction import Reply
from switch.core.days import settled_day
from switch.core.decision import Decision
from switch.core.merchants import END_OF_DAY, Batch, Closer, Settlement
from switch.core.operator_rows import bare_row, refused
from switch.core.programme import Programme
from switch.core.workset import Workset


class SettlePart(msgspec.Struct, frozen=True, tag=True):
    """Settle what the open batch `batch` of a terminal holds; the terminal's batch goes on with its number."""

    merchant_id: str
    terminal_id: str
    application: str
    batch: int


class CutSettlement(msgspec.Struct, frozen=True, tag=True):
    """Cut the settlement of a merchant whose batches are closed: all that was booked since the one before."""

    merchant_id: str


def settle_part(command: SettlePart, workset: Workset, programme: Programme, now: int, number: int) -> Decision:
    terminal = workset.terminals.get((command.merchant_id, command.terminal_id))
    desk = workset.desks.get((terminal.id, command.application)) if terminal else None
    batch = workset.batches.get(command.batch)
    if terminal is None or desk is None or batch is None or desk.batch != batch.id:
        return refused(Outcome.BATCH, "that batch is not open")
    if not batch.since:
        return refused(Outcome.BATCH, "there is nothing in it to settle")
    closed = msgspec.structs.replace(batch, closed_at=now, closed_by=Closer.HOST, reason=END_OF_DAY, first=batch.whole)
    rest = Batch(
        id=number,
        terminal=batch.terminal,
        application=batch.application,
        number=batch.number,
        named=batch.named,
        opened_at=now,
        merchant=batch.merchant,
        currency=batch.currency,
        carried=batch.booked,
        claimed=batch.claimed,
        first=batch.whole,
    )
    awaiting = number if desk.awaiting == batch.id else desk.awaiting
    desk = msgspec.structs.replace(desk, batch=number, awaiting=awaiting)
    row = msgspec.structs.replace(
        bare_row(END_OF_DAY, programme, now, number),
        terminal=terminal.id,
        merchant=terminal.merchant,
        store=terminal.store,
        application=batch.application,
        batch=batch.id,
        reply=Reply(Outcome.APPROVED, totals=batch.totals),
    )
    return Decision(
        Reply(Outcome.APPROVED, rrn=row.rrn, totals=batch.totals), row, desks=(desk,), batches=(closed, rest)
    )


def cut_settlement(command: CutSettlement, workset: Workset, programme: Programme, now: int, number: int) -> Decision:
    merchant = workset.merchants.get(command.merchant_id)
    if merchant is None:
        return refused(Outcome.UNKNOWN_MERCHANT, f"there is no merchant {command.merchant_id}")
    day = settled_day(merchant, workset.days[merchant.merchant_id])
    if day is None:
        return refused(Outcome.BATCH, "batches of that day are open, or none has closed since the last settlement")
    last = workset.settled.get(merchant.merchant_id)
    settlement = Settlement(
        id=number,
        merchant=merchant.id,
        number=last.number + 1 if last else 1,
        day=day.isoformat(),
        since=last.until if last else 0,
        until=now,
    )
    row = bare_row(f"settlement {settlement.number}", programme, now, number)
    row = msgspec.structs.replace(row, merchant=merchant.id)
    return Decision(Reply(Outcome.APPROVED, rrn=row.rrn), row, settlements=(settlement,))
