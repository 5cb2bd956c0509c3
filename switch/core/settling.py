"""How a batch closes: 0500 with the terminal's totals, after an upload, or to clear it (WIRE.md section 5, the table).

A batch is settled once, whatever is lost on the line: what has closed it is recognised when it comes again.
"""

from __future__ import annotations

import msgspec

from specs import limits
from specs.outcomes import NOT_STORED, Outcome
from specs.transaction import Kind, MessageClass, Reply, Total
from switch.core.batches import Joined, closed_by_terminal, name_open, open_new
from switch.core.days import is_settle_time
from switch.core.deciding import Deciding
from switch.core.decision import Decision
from switch.core.irregular import CAPTURED_AGAIN
from switch.core.merchants import CLEARED, SETTLED, UPLOADED, Batch, Closer, Desk, Right
from switch.core.refusals import Reason
from switch.core.workset import View

#: What a batch closed by each kind is called, and the right it needs.
CLOSINGS: dict[Kind, tuple[str, Right]] = {
    Kind.SETTLE: (SETTLED, Right.SETTLEMENT),
    Kind.SETTLE_UPLOADED: (UPLOADED, Right.SETTLEMENT),
    Kind.CLEAR_BATCH: (CLEARED, Right.CLEAR),
    Kind.CAPTURE: (UPLOADED, Right.SETTLEMENT),
}

#: Table 42: what a terminal is asked to do (WIRE.md section 3).
SETTLE_COMMAND = "SETTLE"

_BLOCKS = max(limits.TOTALS_BLOCKS)


def settle(deciding: Deciding) -> Decision:
    """The decision about an 0500 of a terminal that is known."""
    request = deciding.request
    if request.kind not in CLOSINGS or request.batch is None:
        return deciding.refuse(Reason.NOT_OFFERED)
    if CLOSINGS[request.kind][1] not in deciding.terminal.rights:
        return deciding.refuse(Reason.NO_RIGHT)
    open_batch, named = deciding.view.open_batch, deciding.view.named_batch
    here = open_batch is not None and open_batch.number == request.batch
    if request.kind is Kind.CAPTURE and named and not here and closed_by_terminal(named, deciding.now):
        return _capture_closed(deciding, named)
    if (
        named
        and not here
        and closed_by_terminal(named, deciding.now)
        and _is_again(request.kind, named, request.totals)
    ):
        return Decision(_answer(deciding, Outcome.APPROVED, named))
    if open_batch and open_batch.named and not here:
        return deciding.refuse(Reason.BATCH_OTHER)
    if open_batch:
        joined = name_open(deciding.view, open_batch, request.batch)
    else:
        joined = open_new(deciding.view, deciding.case.application, request.batch, deciding.now, deciding.number)
    return _compare(deciding, joined)


def may_capture(deciding: Deciding) -> Decision:
    """Whether the upload of a whole batch may be taken: it is known what its end would be answered."""
    request, open_batch, named = deciding.request, deciding.view.open_batch, deciding.view.named_batch
    if Right.SETTLEMENT not in deciding.terminal.rights:
        return deciding.refuse(Reason.NO_RIGHT)
    merchant = deciding.view.merchant
    if merchant and request.loads_in_net not in (None, merchant.gift_sales_in_net):
        return deciding.refuse(Reason.TOTALS)
    here = open_batch is not None and open_batch.number == request.batch
    if named and not here and closed_by_terminal(named, deciding.now):
        return _duplicate(deciding, named) if named.captured else Decision(deciding.reply(Outcome.APPROVED))
    if open_batch and open_batch.named and not here:
        return deciding.refuse(Reason.BATCH_OTHER)
    return Decision(deciding.reply(Outcome.APPROVED))


def _capture_closed(deciding: Deciding, batch: Batch) -> Decision:
    """A batch that its terminal closed by totals, or cleared, and uploads afterwards: its totals stay."""
    if batch.captured:
        return _duplicate(deciding, batch)
    batch = msgspec.structs.replace(batch, captured=deciding.request.local_date or "")
    reply = _answer(deciding, Outcome.APPROVED, batch)
    row = deciding.settlement_row(Outcome.APPROVED, Joined(batch), UPLOADED, reply)
    return Decision(reply, row, batches=(batch,))


def _duplicate(deciding: Deciding, batch: Batch) -> Decision:
    """Captured before: the answer's date is that of the first upload. With other totals that is reported."""
    reply = deciding.reply(Outcome.DUPLICATE, batch=batch.number)
    reply = msgspec.structs.replace(reply, local_date=batch.captured)
    if _agree(deciding.request.totals or (), batch.claimed or batch.told):
        return Decision(reply)
    return Decision(reply, deciding.settlement_row(Outcome.DUPLICATE, Joined(batch), CAPTURED_AGAIN, reply))


def with_command(deciding: Deciding, decision: Decision) -> Decision:
    """The decision with the word to settle in its answer, where it is time; the stored answer goes without."""
    request, terminal = deciding.request, deciding.view.terminal
    if terminal is None or not (terminal.texts or request.texts) or decision.reply.outcome in NOT_STORED:
        return decision
    if request.message_class in (MessageClass.SETTLEMENT, MessageClass.UPLOAD):
        return decision
    desk = decision.desks[0] if decision.desks else deciding.view.desk
    changed = (batch for batch in decision.batches if batch.id == desk.batch)
    batch = next(changed, deciding.view.batch(desk.batch))
    if batch is None or not _is_due(deciding, batch):
        return decision
    return msgspec.structs.replace(decision, reply=msgspec.structs.replace(decision.reply, command=SETTLE_COMMAND))


def _is_due(deciding: Deciding, batch: Batch) -> bool:
    """So full that counts of three digits run over, or about to be settled by the host."""
    if max(total.count for total in batch.booked) >= limits.SETTLE_COUNT:
        return True
    merchant = deciding.view.merchant
    return merchant is not None and is_settle_time(merchant, batch, deciding.now)


def _is_again(kind: Kind, closed: Batch, claimed: tuple[Total, ...] | None) -> bool:
    """Whether a settlement is the one that closed the batch, come once more; or can change nothing about it."""
    if closed.reason == CLEARED or kind is Kind.CLEAR_BATCH:
        return True
    return _agree(claimed or (), closed.claimed or ())


def _compare(deciding: Deciding, joined: Joined) -> Decision:
    """Close the batch joined, or have the terminal upload it."""
    kind, claimed = deciding.request.kind, deciding.request.totals or ()
    if kind is Kind.SETTLE and not _agree(claimed, joined.batch.told):
        return _await_upload(deciding, joined, claimed)
    # From here it must succeed.
    reason, _ = CLOSINGS[kind]
    batch = msgspec.structs.replace(
        joined.batch,
        closed_at=deciding.now,
        closed_by=Closer.TERMINAL,
        reason=reason,
        claimed=claimed,
        captured=(deciding.request.local_date or "") if kind is Kind.CAPTURE else "",
    )
    desk = _desk_of(deciding.view, joined)
    desk = msgspec.structs.replace(
        desk,
        batch=0,
        closed=batch.id,
        stan_count=desk.stan_count + 1,
    )
    parts = tuple(
        msgspec.structs.replace(part, closed_by=Closer.TERMINAL)
        for part in deciding.view.workset.batches.values()
        if part.whole == batch.whole and part.id != batch.id
    )
    return _decided(deciding, joined, batch, desk, Outcome.APPROVED, reason, parts)


def _await_upload(deciding: Deciding, joined: Joined, claimed: tuple[Total, ...]) -> Decision:
    if joined.batch.claimed == claimed and not joined.batches:
        return Decision(_answer(deciding, Outcome.TOTALS, joined.batch))  # said before
    batch = msgspec.structs.replace(joined.batch, claimed=claimed)
    desk = msgspec.structs.replace(_desk_of(deciding.view, joined), awaiting=batch.id)
    return _decided(deciding, joined, batch, desk, Outcome.TOTALS, Reason.TOTALS.text)


def _decided(
    deciding: Deciding,
    joined: Joined,
    batch: Batch,
    desk: Desk,
    outcome: Outcome,
    reason: str,
    parts: tuple[Batch, ...] = (),
) -> Decision:
    reply = _answer(deciding, outcome, batch)
    row = deciding.settlement_row(outcome, Joined(batch), reason, reply)
    others = tuple(other for other in joined.batches if other.id != batch.id)
    return Decision(reply, row, desks=(desk,), batches=(*others, *parts, batch))


def _desk_of(view: View, joined: Joined) -> Desk:
    return joined.desks[0] if joined.desks else view.desk


def _answer(deciding: Deciding, outcome: Outcome, batch: Batch) -> Reply:
    """The host's totals, as many blocks as were claimed."""
    blocks = len(deciding.request.totals or ()) or _BLOCKS
    return msgspec.structs.replace(deciding.reply(outcome, batch=batch.number), totals=batch.told[:blocks])


def _agree(some: tuple[Total, ...], others: tuple[Total, ...]) -> bool:
    """Blocks that are missing on one side are not compared."""
    return all(one == other for one, other in zip(some, others, strict=False))
