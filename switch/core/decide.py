"""Decide one request: the ladder every message climbs, in a fixed order, to a Decision.

Who is it, have we had it, may it, which batch, which card, then the kind's own rule. Pure: records in, records out.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from specs import limits
from specs.money import POINTS_UNIT, exponent
from specs.outcomes import Outcome
from specs.transaction import ADVISED, LOADS, VOIDS, Kind, MessageClass
from switch.core import cards, gift, points
from switch.core.batches import Joined, join
from switch.core.clock import DAY, HOUR, SECOND
from switch.core.deciding import Deciding
from switch.core.lots import Opening, Purse
from switch.core.messages import find_earlier, same_reversal
from switch.core.needs import Case
from switch.core.points_matter import PointsMatter, day_of, moment_of
from switch.core.points_undo import undo_points
from switch.core.programme import CardProduct, GiftProduct, Programme
from switch.core.records import Batch, Card, Right, Row, Terminal, Tombstone, is_points
from switch.core.refusals import Reason, too_many_guesses
from switch.core.ruling import Matter, Ruling, refused
from switch.core.schemes import LoyaltyProduct
from switch.core.undo import find_reversed, find_voided, is_live, undo
from switch.core.workset import Decision, View

RIGHTS = gift.RIGHTS | points.RIGHTS
INQUIRIES = (Kind.GIFT_BALANCE, Kind.POINTS_BALANCE, Kind.PREVIEW)


def decide(case: Case, view: View, programme: Programme, now: int, number: int) -> Decision:
    """The decision about `case`.

    Args:
        view: What it sees of the books.
        now: Microseconds since 1970, UTC.
        number: A fresh id; whatever is new because of this request takes it.
    """
    deciding = Deciding(case, view, programme, now, number)
    if case.request.kind is Kind.MALFORMED:
        return deciding.refuse(Reason.FORMAT)
    match case.request.message_class:
        case MessageClass.NETWORK:
            return _answer_network(deciding)
        case MessageClass.INQUIRY:
            return _inquire(deciding)
        case MessageClass.REQUEST | MessageClass.ADVICE:
            return _transact(deciding)
        case MessageClass.REVERSAL:
            return _reverse(deciding)
        case MessageClass.UPLOAD | MessageClass.SETTLEMENT | MessageClass.OTHER:
            return deciding.refuse(_stranger(deciding) or Reason.NOT_OFFERED)


def _stranger(deciding: Deciding) -> Reason | None:
    """Why the switch does not speak with whoever sent this, if so."""
    request, view = deciding.request, deciding.view
    merchant_id = view.terminal.merchant_id if view.terminal else request.merchant_id
    merchants = request.line.merchants
    if merchants is not None and merchant_id and merchant_id not in merchants:
        return Reason.LINE
    if view.merchant is None:
        return Reason.UNKNOWN_MERCHANT
    if view.terminal is None or not view.terminal.active:
        return Reason.UNKNOWN_TERMINAL
    return None


def _answer_network(deciding: Deciding) -> Decision:
    """0800: echo, logon (which opens a batch), parameters. A message that names no terminal may only echo."""
    request = deciding.request
    reason = _stranger(deciding) if request.terminal_id else None
    if reason:
        return deciding.refuse(reason)
    if request.kind is Kind.ECHO:
        return Decision(deciding.reply(Outcome.APPROVED))
    if request.kind is Kind.PARAMETERS and request.terminal_id:
        return Decision(deciding.reply(Outcome.APPROVED, parameters=_parameters(deciding.terminal)))
    if request.kind is Kind.LOGON and request.terminal_id:
        return _log_on(deciding)
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


def _inquire(deciding: Deciding) -> Decision:
    """0100: answered from the books, never stored; a wrong guess still counts."""
    reason = _stranger(deciding) or _obstacle(deciding)
    if reason:
        return deciding.refuse(reason)
    return deciding.end(None, _apply_rule(deciding))


def _transact(deciding: Deciding) -> Decision:
    """0200 and 0220."""
    stranger = _stranger(deciding)
    if stranger:
        return deciding.refuse(stranger)
    earlier = find_earlier(deciding.view, deciding.case, deciding.sent_at, deciding.now)
    if isinstance(earlier, Row):
        assert earlier.reply is not None, "a row is stored with its answer"
        return Decision(earlier.reply)
    reason = earlier or _obstacle(deciding)
    if reason:
        return deciding.refuse(reason)
    joined = join(deciding.view, deciding.case, deciding.now, deciding.number)
    if isinstance(joined, Reason):
        return deciding.refuse(joined)
    if deciding.forced and _is_stale(deciding):
        return deciding.end(joined, Ruling(note="advice_too_old"))
    if deciding.request.kind in VOIDS:
        return deciding.end(joined, _void(deciding, joined.batch))
    return deciding.end(joined, _apply_rule(deciding))


def _is_stale(deciding: Deciding) -> bool:
    """An advice of a deed too long ago is reported, not booked (WIRE.md section 4, "Forced movements")."""
    local_seconds = (deciding.local_now - dt.datetime(1970, 1, 1)).total_seconds()
    sent_at = deciding.sent_at
    return sent_at is not None and local_seconds - sent_at > limits.ADVICE_DAYS * DAY // SECOND


def _reverse(deciding: Deciding) -> Decision:
    """0400 and 0420: approved whatever it finds; undoes what is live, remembers what the switch has not seen."""
    stranger = _stranger(deciding)
    if stranger:
        return deciding.refuse(stranger)
    view, case = deciding.view, deciding.case
    repeated = view.earlier if same_reversal(view.earlier, case) else None
    target = find_reversed(view, case, deciding.sent_at, repeated)
    found = join(view, case, deciding.now, deciding.number)
    joined = found if isinstance(found, Joined) else None
    if target is None:
        decision = deciding.end(joined, Ruling(note="never_seen"))
        return msgspec.structs.replace(decision, tombstones=(_tombstone(deciding),))
    if not target.took_effect:
        return deciding.end(joined, Ruling(note="original_moved_nothing"))
    if not is_live(target, view.family(target)):
        return deciding.end(joined, Ruling(note="already_undone"))
    ruling = _undo(deciding, target, forced=True)
    batch = view.batch(target.batch)
    if batch and batch.closed_at is not None and not ruling.note:
        ruling = msgspec.structs.replace(ruling, note="after_close")
    return deciding.end(joined, ruling)


def _tombstone(deciding: Deciding) -> Tombstone:
    request = deciding.request
    return Tombstone(
        id=deciding.number,
        terminal=deciding.terminal.id,
        application=deciding.case.application,
        card_hash=deciding.case.card_hash,
        kind=request.kind,
        amount=request.amount or 0,
        stan=request.stan if request.original_stan is None else request.original_stan,
        batch=request.batch,
        receipt=request.receipt,
        expires_at=deciding.now + limits.TOMBSTONE_HOURS * HOUR,
    )


def _obstacle(deciding: Deciding) -> Reason | None:
    """Whether this terminal may do this at all, whatever the card."""
    request, terminal = deciding.request, deciding.terminal
    inquiry = request.message_class is MessageClass.INQUIRY
    if request.kind not in RIGHTS or inquiry is not (request.kind in INQUIRIES):
        return Reason.NOT_OFFERED
    if request.message_class is MessageClass.ADVICE and request.kind not in ADVISED:
        loads = request.kind in LOADS or request.kind is Kind.GIFT_VOID_LOAD
        if not loads or Right.OFFLINE_LOADS not in terminal.rights:
            return Reason.NOT_OFFERED
    if RIGHTS[request.kind] not in terminal.rights:
        return Reason.NO_RIGHT
    if request.pin is not None and not request.line.clear_pin:
        return Reason.CLEAR_PIN
    if deciding.in_points:
        return Reason.CURRENCY if request.currency not in (None, POINTS_UNIT) else None
    if deciding.currency not in (terminal.currency, *terminal.currencies):
        return Reason.CURRENCY
    return None


def _void(deciding: Deciding, batch: Batch) -> Ruling:
    """Take back a transaction of this terminal's open `batch`; what the card may do today plays no part."""
    view, card = deciding.view, deciding.request.card
    assert card is not None, "the codec refuses these kinds without a card"
    if not deciding.forced and too_many_guesses(view, deciding.terminal, card.range, deciding.programme, deciding.now):
        return refused(Reason.GUESS_LIMIT)
    if view.card is None:
        return refused(Reason.UNKNOWN_CARD)
    target = find_voided(view, deciding.case, batch)
    if isinstance(target, Reason):
        return refused(target)
    return _undo(deciding, target, forced=deciding.forced)


def _undo(deciding: Deciding, target: Row, *, forced: bool) -> Ruling:
    view, programme, terminal = deciding.view, deciding.programme, deciding.terminal
    if is_points(target.card_currency):
        return undo_points(view, target, terminal, programme, deciding.now, deciding.number, forced=forced)
    return undo(view, target, terminal.merchant, programme, forced=forced)


def _apply_rule(deciding: Deciding) -> Ruling:
    matter = _examine_card(deciding)
    match matter:
        case Ruling():
            return matter
        case Matter():
            ruling = gift.RULES[deciding.request.kind](matter)
        case PointsMatter():
            ruling = points.RULES[deciding.request.kind](matter)
    # its PIN tries may have changed where nothing else did
    return msgspec.structs.replace(ruling, card=ruling.card or matter.card)


def _examine_card(deciding: Deciding) -> Matter | PointsMatter | Ruling:
    """All that the kind's rule looks at; or the refusal, if the card, its PIN or its state is not right."""
    request, view, programme, card = deciding.request, deciding.view, deciding.programme, deciding.view.card
    assert request.card is not None, "the codec refuses these kinds without a card"
    terminal, now, forced = deciding.terminal, deciding.now, deciding.forced
    product = programme.card_product(card.product) if card else programme.by_prefix.get(request.card.range[:6])
    if not forced and too_many_guesses(view, terminal, request.card.range, programme, now):
        return refused(Reason.GUESS_LIMIT)
    right_kind = product is not None and _is_for(request.kind, product)
    with_pin = not forced and right_kind and product is not None and cards.asks_pin(request.kind, product)
    if with_pin and request.pin is None:
        return refused(Reason.PIN_MISSING)
    if card is None:
        return refused(Reason.UNKNOWN_CARD)
    if product is None:
        return refused(Reason.NOT_OFFERED)
    if not right_kind:
        return refused(Reason.OTHER_KIND)
    if with_pin:
        if card.pin_locked_until > now:
            return refused(Reason.PIN_LOCKED)
        right, card = cards.try_pin(card, product, deciding.case.pin_hash, programme, now)
        if not right:
            return Ruling(reason=Reason.PIN_WRONG, card=card)
    fault = None if forced else cards.find_fault(request.kind, card, product, terminal, now)
    if fault:
        return Ruling(reason=fault, card=card)
    if isinstance(product, LoyaltyProduct):
        return _points_matter(deciding, card, product, may_tell=not product.pin or with_pin)
    quoted = programme.rate(deciding.currency, card.currency)
    if quoted is None and not gift.uses_original(request):
        return refused(Reason.NO_RATE)
    return Matter(
        case=deciding.case,
        view=view,
        terminal=terminal,
        card=card,
        account=view.account_of(card.account),
        product=product,
        programme=programme,
        currency=deciding.currency,
        quoted=quoted,
        may_tell=not product.pin or with_pin,
        forced=forced,
        now=now,
    )


def _is_for(kind: Kind, product: CardProduct) -> bool:
    """Whether cards of this product can be asked for `kind` at all."""
    return kind in (gift.RULES if isinstance(product, GiftProduct) else points.RULES)


def _points_matter(deciding: Deciding, card: Card, product: LoyaltyProduct, *, may_tell: bool) -> PointsMatter | Ruling:
    request, view, programme, terminal = deciding.request, deciding.view, deciding.programme, deciding.terminal
    scheme = programme.scheme_at(card.currency, terminal.store)
    if request.kind is Kind.SALE_RETURN and view.by_rrn and view.by_rrn.holder == card.holder:
        scheme = programme.units.get(view.by_rrn.card_currency)  # the points the sale earned, wherever it comes back
    if scheme is None:
        return refused(Reason.NOT_OFFERED)
    opening = Opening(deciding.number)
    return PointsMatter(
        case=deciding.case,
        view=view,
        terminal=terminal,
        card=card,
        product=product,
        scheme=scheme,
        programme=programme,
        currency=deciding.currency,
        rate=programme.rate(deciding.currency, scheme.currency) if not deciding.in_points else None,
        purse=Purse.of(view, card.holder, scheme.unit, day_of(programme, deciding.now), opening),
        opening=opening,
        may_tell=may_tell,
        forced=deciding.forced,
        now=deciding.now,
        moment=moment_of(deciding.sent_at, deciding.forced, deciding.local_now),
    )
