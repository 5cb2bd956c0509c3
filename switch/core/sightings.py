"""What a message, or the lack of messages, says of a terminal being there, and what follows in the books.

A changed status table is decided with the message that told it, so that it is on disk before the answer. When a
terminal was last seen is kept in memory by the shell and comes here in slices, as a command.
"""

from __future__ import annotations

import msgspec

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import Kind, MessageClass, Reply
from switch.core.deciding import Deciding
from switch.core.decision import Decision, Heard
from switch.core.merchants import Terminal
from switch.core.needs import Needs
from switch.core.presence import Presence, TerminalEvent, presence_events, told_status
from switch.core.workset import Workset

#: Their times say when they are sent; those of the others say when something was done.
_SENT_NOW = frozenset(
    {MessageClass.INQUIRY, MessageClass.REQUEST, MessageClass.SETTLEMENT, MessageClass.NETWORK},
)


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """What the shell knows of a terminal since it told the last time; `silent`: for so long that it is offline."""

    merchant_id: str
    terminal_id: str
    last_seen: int
    silent: bool = False
    skew: int | None = None
    round_trip: int | None = None


class FoldPresence(msgspec.Struct, frozen=True, tag=True):
    """When terminals were last seen, from memory into the books: a slice of them."""

    sightings: tuple[Sighting, ...]


# -- a message --------------------------------------------------------------------------------------------------------
def heard(deciding: Deciding, decision: Decision) -> Decision:
    """`decision`, with the sign of life that its message is; the terminal is known, and may speak by this line."""
    request = deciding.request
    if request.kind is Kind.MALFORMED or deciding.view.terminal is None:
        return decision
    terminal = deciding.view.terminal
    life = Heard(terminal, _skew(deciding))
    if request.status is None:
        return msgspec.structs.replace(decision, heard=life)
    before = deciding.view.workset.presences.get(terminal.id) or Presence(terminal.id)
    if request.status.values == before.status:
        return msgspec.structs.replace(decision, heard=life)
    after = told_status(before, request.status, deciding.now)
    events = tuple(_events(before, after, terminal, deciding.now))
    return msgspec.structs.replace(decision, heard=life, presences=(after,), terminal_events=events)


def _skew(deciding: Deciding) -> int | None:
    """Seconds its clock is ahead, if the message was sent at the time it carries."""
    request = deciding.request
    if request.message_class not in _SENT_NOW or request.repeat or deciding.sent_at is None:
        return None
    return deciding.sent_at - deciding.local_seconds


# -- a slice of what memory knows -------------------------------------------------------------------------------------
def fold_needs(command: FoldPresence) -> list[Needs]:
    return [Needs(one.merchant_id, one.terminal_id, "", presence=True) for one in command.sightings]


def fold_presence(command: FoldPresence, workset: Workset, now: int) -> Decision:
    """What is newer goes into the books. Who was offline and is back, or is offline now, is told once by one daemon."""
    presences: list[Presence] = []
    events: list[TerminalEvent] = []
    for one in command.sightings:
        terminal = workset.terminals.get((one.merchant_id, one.terminal_id))
        if terminal is None:
            continue
        before = workset.presences.get(terminal.id) or Presence(terminal.id)
        after = _folded(before, one)
        if after != before:
            presences.append(after)
            events += _events(before, after, terminal, now)
    return Decision(Reply(Outcome.APPROVED), presences=tuple(presences), terminal_events=tuple(events))


def _folded(before: Presence, one: Sighting) -> Presence:
    newer = one.last_seen > before.last_seen
    offline = before.offline
    if newer:
        offline = False
    if one.silent and one.last_seen >= before.last_seen:  # no other daemon has heard it since
        offline = True
    skew = before.skew if one.skew is None else one.skew
    return msgspec.structs.replace(
        before,
        last_seen=max(before.last_seen, one.last_seen),
        offline=offline,
        skew=skew,
        clock_off=skew is not None and abs(skew) > limits.CLOCK_OFF_SECONDS,
        round_trip=before.round_trip if one.round_trip is None else one.round_trip,
    )


def _events(before: Presence, after: Presence, terminal: Terminal, now: int) -> list[TerminalEvent]:
    return [
        TerminalEvent(what, terminal.merchant_id, terminal.terminal_id, terminal.store, now, detail)
        for what, detail in presence_events(before, after, now)
    ]
