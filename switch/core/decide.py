"""Decide one request: the ladder every message climbs, in a fixed order, to a Decision.

Who is it, have we had it, may it, which batch, which card, then the kind's own rule. Pure: records in, records out.
"""

from __future__ import annotations

import msgspec

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import VOIDS, Kind, MessageClass
from switch.core import irregular, uploads
from switch.core.admission import find_obstacle, find_stranger, is_stale
from switch.core.batches import Joined, join
from switch.core.clock import HOUR
from switch.core.deciding import Deciding
from switch.core.decision import Decision
from switch.core.examining import apply_rule
from switch.core.holdings import is_points
from switch.core.journal import Row, Tombstone
from switch.core.merchants import Batch, Right
from switch.core.messages import find_earlier, reversed_before, same_reversal
from switch.core.needs import Case
from switch.core.network import answer_network
from switch.core.points_undo import undo_points
from switch.core.programme import CardRefusals, Programme
from switch.core.refusals import Reason, too_many_guesses
from switch.core.ruling import Ruling, refused
from switch.core.settling import settle, with_command
from switch.core.sightings import heard
from switch.core.undo import find_reversed, find_voided, is_certain, is_live, reversed_stan, undo
from switch.core.workset import View


def decide(case: Case, view: View, programme: Programme, now: int, number: int) -> Decision:
    """The decision about `case`.

    Args:
        view: What it sees of the books.
        now: Microseconds since 1970, UTC.
        number: A fresh id; whatever is new because of this request takes it.
    """
    deciding = Deciding(case, view, programme, now, number)
    decision = with_command(deciding, _decide(deciding))
    return decision if find_stranger(deciding) else heard(deciding, decision)


def _decide(deciding: Deciding) -> Decision:
    if deciding.request.kind is Kind.MALFORMED:
        return deciding.refuse(Reason.FORMAT)
    match deciding.request.message_class:
        case MessageClass.NETWORK:
            return answer_network(deciding)
        case MessageClass.INQUIRY:
            return _inquire(deciding)
        case MessageClass.REQUEST | MessageClass.ADVICE:
            return _transact(deciding)
        case MessageClass.REVERSAL:
            return _reverse(deciding)
        case MessageClass.SETTLEMENT:
            stranger = find_stranger(deciding)
            return deciding.refuse(stranger) if stranger else settle(deciding)
        case MessageClass.UPLOAD:
            return _upload(deciding)
        case MessageClass.CONFIRMATION:
            return _confirm(deciding)
        case MessageClass.OTHER:
            return deciding.refuse(find_stranger(deciding) or Reason.NOT_OFFERED)


def _inquire(deciding: Deciding) -> Decision:
    """0100: answered from the books, never stored; a wrong guess still counts."""
    reason = find_stranger(deciding) or find_obstacle(deciding)
    if reason:
        return deciding.refuse(reason)
    return deciding.end(None, apply_rule(deciding))


def _transact(deciding: Deciding) -> Decision:
    """0200 and 0220."""
    stranger = find_stranger(deciding)
    if stranger:
        return deciding.refuse(stranger)
    earlier = find_earlier(deciding.view, deciding.case, deciding.sent_at, deciding.now)
    if isinstance(earlier, Row):
        assert earlier.reply is not None, "a row is stored with its answer"
        return Decision(earlier.reply)
    reason = earlier or find_obstacle(deciding)
    if reason:
        return deciding.refuse(reason)
    joined = join(deciding.view, deciding.case, deciding.now, deciding.number)
    if joined is Reason.BATCH_CLOSED and deciding.request.kind in VOIDS:
        return deciding.end(None, _void(deciding, None))
    if isinstance(joined, Reason):
        return deciding.refuse(joined)
    if deciding.forced and is_stale(deciding):
        return deciding.end(joined, Ruling(note=irregular.ADVICE_TOO_OLD))
    if deciding.request.kind in VOIDS:
        return deciding.end(joined, _void(deciding, joined.batch))
    return deciding.end(joined, apply_rule(deciding))


def _upload(deciding: Deciding) -> Decision:
    """0320: approved whatever it tells; what the switch has never seen is booked as done."""
    stranger = find_stranger(deciding)
    if stranger:
        return deciding.refuse(stranger)
    request, view, case = deciding.request, deciding.view, deciding.case
    if Right.SETTLEMENT not in deciding.terminal.rights:
        return deciding.refuse(Reason.NO_RIGHT)
    joined = uploads.find_target(view, case, deciding.now, deciding.number)
    before = uploads.find_same_upload(view, request, joined.batch, deciding.sent_at)
    if before:
        assert before.reply is not None, "a row is stored with its answer"
        return Decision(before.reply)
    known = uploads.find_uploaded(view, case, joined.batch, deciding.sent_at, deciding.now)
    if known:
        return deciding.upload_of(known, joined, uploads.compared(view, known, case))
    return deciding.end(joined, _book_unseen(deciding))


def _book_unseen(deciding: Deciding) -> Ruling:
    """What an upload of a transaction never seen comes to; where it cannot be booked, nothing moves."""
    request = deciding.request
    original = msgspec.structs.replace(request, stan=request.original_stan or 0)
    if request.kind not in uploads.BOOKED or reversed_before(deciding.view, deciding.case, original, deciding.now):
        return Ruling(note=irregular.NOT_BOOKED)
    if is_stale(deciding):
        return Ruling(note=irregular.TOO_OLD)
    if find_obstacle(deciding):
        return Ruling(note=irregular.NOT_BOOKED)
    ruling = apply_rule(deciding)
    if ruling.reason:
        return Ruling(note=irregular.NOT_BOOKED)
    return msgspec.structs.replace(ruling, note=irregular.WITHOUT_AUTHORISATION)


def _reverse(deciding: Deciding) -> Decision:
    """0400 and 0420: approved whatever it finds; undoes what is live, remembers what the switch has not seen."""
    stranger = find_stranger(deciding)
    if stranger:
        return deciding.refuse(stranger)
    view, case = deciding.view, deciding.case
    repeated = view.earlier if same_reversal(view.earlier, case) else None
    target = find_reversed(view, case, deciding.sent_at, repeated, deciding.now)
    found = join(view, case, deciding.now, deciding.number)
    joined = found if isinstance(found, Joined) else None
    if target and target.took_effect and is_live(target, view.family(target)):
        return _resolving(deciding, target, deciding.end(joined, _undo(deciding, target, forced=True)))
    note = "never_seen" if target is None else "already_undone" if target.took_effect else "original_moved_nothing"
    ruling = Ruling(note=note, tell_balances=_may_tell(deciding, target))
    decision = _resolving(deciding, target, deciding.end(joined, ruling))
    if target and (repeated or is_certain(target, case.request)):
        return decision
    return msgspec.structs.replace(decision, tombstones=(_tombstone(deciding),))


def _may_tell(deciding: Deciding, target: Row | None) -> bool:
    """Whether a reversal that undoes nothing tells what the card holds, where reversals do.

    Not to who tries card numbers: it is approved for any of them, and asks for no PIN.
    """
    view, programme, card = deciding.view, deciding.programme, deciding.request.card
    if target is not None:
        return True
    if card is None or view.card is None:
        return False
    product = programme.card_product(view.card.product)
    plain = programme.card_refusals is CardRefusals.PLAIN
    guessing = too_many_guesses(view, deciding.terminal, card.range, programme, deciding.now)
    return plain and product is not None and not product.pin and not guessing


def _resolving(deciding: Deciding, target: Row | None, decision: Decision) -> Decision:
    """What was to be confirmed need not be any more, once it has been reversed."""
    if target is None or not deciding.request.sequenced:
        return decision
    return msgspec.structs.replace(decision, resolved=(target.id,))


def _confirm(deciding: Deciding) -> Decision:
    """The third message: the transaction stands, unless it has been undone because this came too late."""
    stranger = find_stranger(deciding)
    if stranger:
        return deciding.refuse(stranger)
    row = deciding.view.by_rrn
    if row is None or row.terminal != deciding.terminal.id:  # an inquiry: nothing moved, nothing waits
        return Decision(deciding.reply(Outcome.APPROVED))
    if not is_live(row, deciding.view.family(row)):
        return deciding.refuse(Reason.ALREADY_UNDONE)
    return Decision(deciding.reply(Outcome.APPROVED), resolved=(row.id,))


def _tombstone(deciding: Deciding) -> Tombstone:
    """What is remembered: the message meant has not been seen, and must move nothing should it come late."""
    request = deciding.request
    return Tombstone(
        id=deciding.number,
        terminal=deciding.terminal.id,
        application=deciding.case.application,
        card_hash=deciding.case.card_hash,
        kind=request.kind,
        amount=request.amount or 0,
        stan=reversed_stan(request),
        batch=request.batch,
        receipt=request.receipt,
        expires_at=deciding.now + limits.TOMBSTONE_HOURS * HOUR,
    )


def _void(deciding: Deciding, batch: Batch | None) -> Ruling:
    """Take back a transaction of this terminal's `batch`, if that is open; what the card may do today is no matter."""
    view, card = deciding.view, deciding.request.card
    assert card is not None, "the codec refuses these kinds without a card"
    if not deciding.forced and too_many_guesses(view, deciding.terminal, card.range, deciding.programme, deciding.now):
        return refused(Reason.GUESS_LIMIT)
    if view.card is None:
        return refused(Reason.UNKNOWN_CARD)
    target = find_voided(view, deciding.case, batch, deciding.now)
    if isinstance(target, Reason):
        return refused(target)
    return _undo(deciding, target, forced=deciding.forced)


def _undo(deciding: Deciding, target: Row, *, forced: bool) -> Ruling:
    view, programme, terminal = deciding.view, deciding.programme, deciding.terminal
    if is_points(target.card_currency):
        return undo_points(view, target, terminal, programme, deciding.now, deciding.number, forced=forced)
    return undo(view, target, terminal.merchant, programme, forced=forced)
