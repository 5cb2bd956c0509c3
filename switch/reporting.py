"""What the service and the books tell the log: each transaction, trouble with the store, a bug that met one request."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from specs.outcomes import Outcome
from specs.transaction import Reply, Request
from switch.core.decision import UPLOAD, BatchEvent
from switch.core.presence import Event, TerminalEvent

#: Answers to messages whose ids name nobody: in a message out of step anything can stand in their place, a track even.
_NOBODY = frozenset({Outcome.UNKNOWN_MERCHANT, Outcome.UNKNOWN_TERMINAL, Outcome.FORMAT_ERROR})

_GOOD_NEWS = frozenset({Event.BACK, Event.VERSION_CHANGED})

log = structlog.get_logger()


def log_trouble(reason: str | None) -> None:
    if reason is None:
        log.info("the store is back")
    else:
        log.error("the store is away, nothing is answered", reason=reason)


def report_bug(bug: Exception) -> None:
    log.error("request failed inside", exc_info=bug)


def log_batches(events: Sequence[BatchEvent]) -> None:
    """One line for each thing that happened to a batch, and for each exception; uploads have their transaction's."""
    for event in events:
        if event.event == UPLOAD:
            continue
        batch, about = event.batch, {"what": event.detail, "rrn": event.rrn}
        totals = [(total.count, total.amount) for total in batch.booked] if batch else None
        log.info(
            "batch",
            event_of_batch=event.event,
            merchant_id=event.merchant_id,
            terminal_id=event.terminal_id,
            application=batch.application if batch else None,
            number=batch.number if batch else None,
            totals=totals,
            **{name: text for name, text in about.items() if text},
        )


def log_terminals(events: Sequence[TerminalEvent]) -> None:
    """One line for each event; somebody should look at all but those that say it is well again."""
    for one in events:
        tell = log.info if one.event in _GOOD_NEWS else log.warning
        tell(
            "terminal",
            event_of_terminal=one.event.value,
            merchant_id=one.merchant_id,
            terminal_id=one.terminal_id,
            store=one.store,
            detail=one.detail,
        )


def log_group(answered: Sequence[tuple[Request, Reply, float]]) -> None:
    """One line for each transaction; the masked types keep secrets out of it."""
    for request, reply, seconds in answered:
        known = reply.outcome not in _NOBODY
        number = {"number": str(request.acceptor) if known else None} if request.acceptor else {}
        log.info(
            "transaction",
            listener=request.line.listener,
            kind=request.kind.value,
            message=request.message_class.value,
            merchant_id=request.merchant_id if known else None,
            terminal_id=request.terminal_id if known else None,
            **number,
            stan=request.stan,
            card=request.card,
            asked=request.amount,
            outcome=reply.outcome.value,
            amount=reply.amount,
            rrn=reply.rrn,
            milliseconds=round(seconds * 1000, 1),
        )
