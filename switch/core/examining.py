"""The card, its PIN and its state are looked at; then the kind's own rule is asked."""

from __future__ import annotations

import msgspec

from specs.transaction import Kind
from switch.core import cards, gift, points
from switch.core.deciding import Deciding
from switch.core.holdings import Card
from switch.core.lots import Opening, Purse
from switch.core.points_matter import PointsMatter, day_of, moment_of
from switch.core.programme import CardProduct, GiftProduct
from switch.core.refusals import Reason, too_many_guesses
from switch.core.ruling import Matter, Ruling, refused
from switch.core.schemes import LoyaltyProduct


def apply_rule(deciding: Deciding) -> Ruling:
    """What the rule of the request's kind says, once its card has been found right."""
    matter = _examine_card(deciding)
    match matter:
        case Ruling():
            return matter
        case Matter():
            ruling = gift.RULES[deciding.request.kind](matter)
        case PointsMatter():
            ruling = points.RULES[deciding.request.kind](matter)
    if ruling.card is None:  # its PIN tries may have changed where nothing else did
        return msgspec.structs.replace(ruling, card=matter.card)
    return ruling


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
