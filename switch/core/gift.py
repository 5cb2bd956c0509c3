"""The rules of gift cards: for each kind, refusals in a fixed order, then what moves.

Value methods, currencies and restrictions are the product's (programme file). What is taken from a card is rounded up
to its unit, what is put on it down; what is given back uses the original's figures (WIRE.md section 3, "Money").
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from specs import limits
from specs.money import convert_down, convert_up
from specs.transaction import Kind, Request
from switch.core import cards
from switch.core.clock import DAY
from switch.core.holdings import AccountKind, Card, CardState, system_account
from switch.core.irregular import UNCOVERED
from switch.core.journal import Row
from switch.core.ledger import Move, between
from switch.core.merchants import Right
from switch.core.refusals import Reason
from switch.core.ruling import Matter, Ruling, refused
from switch.core.undo import REOPENED, is_live, live_refunds

#: What each kind asks of the terminal; a kind that is not here is not offered.
RIGHTS: dict[Kind, Right] = {
    Kind.GIFT_ACTIVATE: Right.ACTIVATE,
    Kind.GIFT_RELOAD: Right.RELOAD,
    Kind.GIFT_REDEEM: Right.REDEEM,
    Kind.GIFT_BALANCE: Right.BALANCE,
    Kind.GIFT_CASH_OUT: Right.CASH_OUT,
    Kind.GIFT_REFUND: Right.RETURN,
    Kind.GIFT_BLOCK: Right.BLOCK,
    Kind.GIFT_UNBLOCK: Right.UNBLOCK,
    Kind.GIFT_VOID_LOAD: Right.VOID,
    Kind.GIFT_CASH_BACK: Right.CASH_BACK,
    Kind.GIFT_UNLOAD: Right.UNLOAD,
    Kind.GIFT_VOID_SPEND: Right.VOID,
    Kind.GIFT_VOID: Right.VOID,
}


def uses_original(request: Request) -> bool:
    """Goods given back from a known redemption: its figures count, not today's."""
    return request.kind is Kind.GIFT_REFUND and request.rrn is not None


def balance(matter: Matter) -> Ruling:
    return Ruling(tell_balances=True)


def activate(matter: Matter) -> Ruling:
    product, card = matter.product, matter.card
    loaded = _load_amounts(matter)
    if isinstance(loaded, Reason):
        return refused(loaded)
    amount, card_amount = loaded
    if not matter.forced and _over_limit(matter, card_amount):
        return refused(Reason.BALANCE_LIMIT)
    # From here it must succeed.
    expires_at = matter.now + product.valid_days * DAY if product.valid_days is not None else None
    after = msgspec.structs.replace(card, state=CardState.ACTIVE, expires_at=expires_at)
    return _moved(matter, amount, card_amount, card=after, tell_amount=True)


def reload(matter: Matter) -> Ruling:
    if not matter.product.reload and not matter.forced:
        return refused(Reason.NO_RELOAD)
    if not matter.asked:
        return refused(Reason.AMOUNT)
    loaded = _load_amounts(matter)
    if isinstance(loaded, Reason):
        return refused(loaded)
    if not matter.forced and _over_limit(matter, loaded[1]):
        return matter.refuse(Reason.BALANCE_LIMIT)
    return _moved(matter, *loaded)


def redeem(matter: Matter) -> Ruling:
    amount, held = matter.asked, matter.account.balance
    if not amount:
        return refused(Reason.AMOUNT)
    card_amount = convert_up(amount, matter.rate)
    partial = False
    if card_amount > held and not matter.forced:
        may = matter.terminal.may_take_less(matter.request.partial)
        taken = convert_down(held, 1 / matter.rate) if may else 0
        if not taken:
            return matter.refuse(Reason.NOT_ENOUGH)
        amount, card_amount, partial = taken, convert_up(taken, matter.rate), True
    # From here it must succeed.
    card = matter.card
    if matter.product.single_use and card.state is CardState.ACTIVE:
        card = msgspec.structs.replace(card, state=CardState.USED)
    uncovered = max(0, card_amount - held)
    return _moved(matter, -amount, -card_amount, card=card, uncovered=uncovered, partial=partial, tell_amount=True)


def cash_out(matter: Matter) -> Ruling:
    held = matter.account.balance
    amount = convert_down(held, 1 / matter.rate)
    closed = msgspec.structs.replace(matter.card, state=CardState.CLOSED)
    ruling = _moved(matter, -amount, -held, card=closed, tell_amount=True)
    return msgspec.structs.replace(ruling, tell_balances=False)  # a closed card has none


def refund(matter: Matter) -> Ruling:
    """Goods given back onto the card: by RRN up to what is left of the redemption, else by a right of its own."""
    if not matter.asked:
        return refused(Reason.AMOUNT)
    if uses_original(matter.request):
        return _refund_of(matter, matter.view.by_rrn)
    if Right.REFUND_WITHOUT_ORIGINAL not in matter.terminal.rights:
        return refused(Reason.NO_RIGHT)
    card_amount = convert_down(matter.asked, matter.rate)
    if not card_amount:
        return refused(Reason.AMOUNT)
    if not matter.forced and _over_limit(matter, card_amount):
        return matter.refuse(Reason.BALANCE_LIMIT)
    return _reopening(matter, _moved(matter, matter.asked, card_amount))


def _refund_of(matter: Matter, original: Row | None) -> Ruling:
    if original is None or original.kind is not Kind.GIFT_REDEEM or original.holder != matter.card.holder:
        return refused(Reason.NO_ORIGINAL)
    family = matter.view.family(original)
    if original.is_undo or not original.took_effect or not is_live(original, family):
        return refused(Reason.NO_ORIGINAL)
    elsewhere = (original.merchant, original.store) != (matter.terminal.merchant, matter.terminal.store)
    if elsewhere and not matter.product.refund_elsewhere:
        return refused(Reason.OTHER_STORE)
    if original.currency != matter.currency:
        return refused(Reason.CURRENCY)
    refunds = live_refunds(original, family)
    given = sum(row.amount for row in refunds)
    if given + matter.asked > original.amount:
        return matter.refuse(Reason.MORE_THAN_LEFT)
    # From here it must succeed. All parts together are exactly what the original took; a part is worth nothing where
    # those before it were worth more than their share (one between them has been voided since).
    total = original.card_amount * (given + matter.asked) // original.amount
    card_amount = max(0, total - sum(row.card_amount for row in refunds))
    moves = _given_back(matter, original, refunds, card_amount)
    ruling = Ruling(
        amount=matter.asked,
        card_amount=card_amount,
        rate=original.fraction,
        moves=tuple(moves),
        original=original,
        tell_balances=True,
    )
    return _reopening(matter, ruling)


def _given_back(matter: Matter, original: Row, refunds: list[Row], card_amount: int) -> list[Move]:
    """What the card did not cover then is not put on it now: that part goes back to uncovered first."""
    account = system_account(AccountKind.UNCOVERED, original.merchant, original.card_currency)
    posted = sum(entry.amount for row in (original, *refunds) for entry in row.entries if entry.account == account)
    uncovered = min(card_amount, -posted)
    moves = between(matter.account, matter.terminal.merchant, card_amount, matter.currency, matter.asked)
    return [
        *moves,
        Move(matter.account.id, matter.account.currency, -uncovered),
        Move(account, matter.account.currency, uncovered),
    ]


#: The rule of each kind; voids have theirs in undo.py.
RULES: dict[Kind, Callable[[Matter], Ruling]] = {
    Kind.GIFT_ACTIVATE: activate,
    Kind.GIFT_RELOAD: reload,
    Kind.GIFT_REDEEM: redeem,
    Kind.GIFT_CASH_BACK: redeem,
    Kind.GIFT_UNLOAD: redeem,
    Kind.GIFT_BALANCE: balance,
    Kind.GIFT_CASH_OUT: cash_out,
    Kind.GIFT_REFUND: refund,
    Kind.GIFT_BLOCK: cards.block,
    Kind.GIFT_UNBLOCK: cards.unblock,
}


def _load_amounts(matter: Matter) -> tuple[int, int] | Reason:
    """What the merchant owes and what the card gets, each in its currency."""
    asked, product = matter.asked, matter.product
    printed = matter.card.denomination if matter.request.kind is Kind.GIFT_ACTIVATE else None
    if not asked:
        whole = printed or product.whole_denomination
        return Reason.AMOUNT if whole is None else (convert_up(whole, 1 / matter.rate), whole)
    card_amount = convert_down(asked, matter.rate)
    if matter.forced and card_amount:
        return asked, card_amount
    for amount in (printed,) if printed else product.denominations:
        if amount == card_amount or asked == convert_up(amount, 1 / matter.rate):
            return asked, amount
    if (
        product.minimum is not None
        and product.maximum is not None
        and product.minimum <= card_amount <= product.maximum
    ):
        return asked, card_amount
    return Reason.AMOUNT


def _moved(
    matter: Matter,
    amount: int,
    card_amount: int,
    *,
    card: Card | None = None,
    uncovered: int = 0,
    partial: bool = False,
    tell_amount: bool = False,
) -> Ruling:
    """Value onto the card (positive amounts) or off it; never more than a message or a balance can tell."""
    balance = matter.account.balance + card_amount + uncovered
    if max(abs(amount), abs(card_amount), balance) > limits.AMOUNT_MAX:
        return refused(Reason.AMOUNT)
    return Ruling(
        partial=partial,
        amount=abs(amount),
        tell_amount=tell_amount,
        card_amount=abs(card_amount),
        rate=matter.rate,
        moves=tuple(
            between(matter.account, matter.terminal.merchant, card_amount, matter.currency, amount, uncovered=uncovered)
        ),
        card=card,
        note=UNCOVERED if uncovered else "",
        tell_balances=True,
    )


def _over_limit(matter: Matter, card_amount: int) -> bool:
    limit = matter.product.balance_limit or limits.AMOUNT_MAX
    return matter.account.balance + card_amount > limit


def _reopening(matter: Matter, ruling: Ruling) -> Ruling:
    """A used card with goods given back onto it can be spent again."""
    if matter.card.state is not CardState.USED:
        return ruling
    return msgspec.structs.replace(
        ruling, card=msgspec.structs.replace(matter.card, state=CardState.ACTIVE), note=REOPENED
    )
