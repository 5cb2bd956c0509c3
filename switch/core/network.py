"""0800: echo, logon, parameters. Nothing of it goes into the journal."""

from __future__ import annotations

import msgspec

from specs.money import exponent
from specs.outcomes import Outcome
from specs.transaction import Kind
from switch.core.admission import find_stranger
from switch.core.batches import Joined, join
from switch.core.deciding import Deciding
from switch.core.decision import Decision
from switch.core.merchants import Terminal
from switch.core.refusals import Reason
from switch.core.settling import may_capture


def answer_network(deciding: Deciding) -> Decision:
    """0800: echo, logon (which opens a batch), parameters. A message that names no terminal may only echo."""
    request = deciding.request
    reason = find_stranger(deciding) if request.names_terminal else None
    if reason:
        return deciding.refuse(reason)
    if request.kind is Kind.ECHO:
        return Decision(deciding.reply(Outcome.APPROVED))
    if request.kind is Kind.PARAMETERS and request.names_terminal:
        return Decision(deciding.reply(Outcome.APPROVED, parameters=_parameters(deciding.terminal)))
    if request.kind is Kind.LOGON and request.names_terminal:
        return _log_on(deciding)
    if request.kind is Kind.CAPTURE and request.names_terminal:
        return may_capture(deciding)
    return deciding.refuse(Reason.NOT_OFFERED)


def _log_on(deciding: Deciding) -> Decision:
    joined = join(deciding.view, deciding.case, deciding.now, deciding.number)
    assert isinstance(joined, Joined), "a logon opens what is closed"
    desk = joined.desks[0] if joined.desks else deciding.view.desk
    desk = msgspec.structs.replace(desk, stan_count=desk.stan_count + 1)
    reply = deciding.reply(Outcome.APPROVED, batch=joined.batch.number)
    return Decision(reply, desks=(desk,), batches=joined.batches)


def _parameters(terminal: Terminal) -> tuple[tuple[str, str], ...]:
    """What a terminal may want to know of itself (table TP)."""
    return (
        ("cur", terminal.currency),
        ("exp", str(exponent(terminal.currency))),
        ("tz", terminal.time_zone),
        ("echo", str(terminal.echo_seconds)),
        ("settle", terminal.settle_at),
    )
