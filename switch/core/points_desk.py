"""What the commands about points and members come to, decided like a message."""

from __future__ import annotations

import msgspec

from specs import limits
from specs.money import convert_down, convert_up
from specs.outcomes import Outcome
from specs.transaction import Kind, Reply
from switch.core.decision import Decision
from switch.core.holdings import Account, AccountKind, Card, CardState, Place, system_account
from switch.core.journal import Row, told_opened
from switch.core.ledger import Move, post
from switch.core.lots import Opening, Purse
from switch.core.operator_rows import approved, operator_row, refused
from switch.core.points_books import charged, issued
from switch.core.points_commands import (
    AdjustPoints,
    AwardPoints,
    ConvertPoints,
    ExpireLots,
    IssueLoyaltyCard,
    NoticesSent,
    PlaceCard,
    PointsCommand,
)
from switch.core.points_matter import day_of
from switch.core.programme import Programme
from switch.core.schemes import Scheme
from switch.core.workset import Workset

_IN_USE = (CardState.INACTIVE, CardState.ACTIVE)


def decide_points_command(
    command: PointsCommand, workset: Workset, programme: Programme, now: int, number: int
) -> Decision:
    """The decision about `command`. A refusal says why in its reply's `display`."""
    desk = _Desk(workset, programme, now, number)
    match command:
        case IssueLoyaltyCard():
            return _issue(command, desk)
        case PlaceCard():
            return _place(command, desk)
        case AwardPoints():
            return _award(command, desk)
        case AdjustPoints():
            return _adjust(command, desk)
        case ConvertPoints():
            return _convert(command, desk)
        case ExpireLots():
            return _expire(command, desk)
        case NoticesSent():
            return Decision(Reply(Outcome.APPROVED), told=dict.fromkeys(command.notices, now))


class _Desk:
    """What every command looks at, and how it ends."""

    def __init__(self, workset: Workset, programme: Programme, now: int, number: int) -> None:
        self.workset, self.programme, self.now, self.number = workset, programme, now, number
        self.opening, self.today = Opening(number), day_of(programme, now)

    def card(self, card_hash: str) -> Card | None:
        """A loyalty card by its hash."""
        card = self.workset.cards.get(self.workset.card_ids.get(card_hash, 0))
        return card if card and card.product in self.programme.loyalty else None

    def purse(self, holder: int, unit: str) -> Purse:
        held = (self.workset.accounts[number] for number in self.workset.points.get(holder, ()))
        accounts = [account for account in held if account.currency == unit]
        return Purse(accounts, holder, unit, self.today, self.opening)

    def row(self, card: Card, reason: str, **fields: object) -> Row:
        row = operator_row(Kind.OPERATOR, card, self.programme, self.now, self.number, reason)
        return msgspec.structs.replace(row, **fields)

    def points_row(self, card: Card, reason: str, scheme: Scheme, points: int, **fields: object) -> Row:
        unit = scheme.unit
        told = {"amount": points, "card_amount": points, "currency": unit, "card_currency": unit}
        return self.row(card, reason, **told, **fields)

    def book(self, row: Row, purses: list[Purse], moves: tuple[Move, ...]) -> Decision:
        opened = tuple(account for purse in purses for account in purse.opened)
        known = self.workset.accounts | {account.id: account for account in opened}
        entries, accounts = post([*moves, *(move for purse in purses for move in purse.moves)], known)
        row = told_opened(msgspec.structs.replace(row, entries=entries), opened)
        return Decision(approved(row), row, accounts=accounts, opened=opened)


def _issue(command: IssueLoyaltyCard, desk: _Desk) -> Decision:
    product = desk.programme.loyalty.get(command.product)
    if product is None:
        return refused(Outcome.PRODUCT, f"there is no loyalty card {command.product!r} in the programme")
    if command.number.hash in desk.workset.card_ids:
        return refused(Outcome.DUPLICATE, "this card number has been issued before")
    if product.pin is not (command.number.pin_hash is not None):
        return refused(Outcome.FORMAT_ERROR, f"{product.id}: cards have a PIN if their product says so, and only then")
    if command.limit is not None and command.limit < 0:
        return refused(Outcome.AMOUNT, "a limit is not below zero")
    scheme = next(scheme for scheme in desk.programme.schemes.values() if product in scheme.cards)
    member = desk.card(command.member) if command.member else None
    if command.member and (member is None or member.currency != scheme.unit):
        return refused(Outcome.UNKNOWN_CARD, f"no such member of {scheme.id}")
    if command.additional and member is None:
        return refused(Outcome.UNKNOWN_CARD, "an additional card needs a member who has the main card")
    number = desk.number
    card = Card(
        id=number,
        holder=member.holder if member else number,
        hash=command.number.hash,
        sealed_pan=command.number.sealed_pan,
        masked_pan=command.number.masked_pan,
        product=product.id,
        currency=scheme.unit,
        account=member.account if member else number,
        state=CardState.ACTIVE if command.active else CardState.INACTIVE,
        pin_hash=command.number.pin_hash,
        place=Place(main=not command.additional, limit=command.limit),
    )
    opened = () if member else (Account(number, AccountKind.DEBT, card.holder, scheme.unit),)
    row = told_opened(desk.row(card, "card_issued"), opened)
    return Decision(approved(row), row, cards=(card,), opened=opened)


def _place(command: PlaceCard, desk: _Desk) -> Decision:
    card = desk.card(command.card_hash)
    if card is None or card.place is None:
        return refused(Outcome.UNKNOWN_CARD, "no such loyalty card")
    if command.limit is not None and command.limit < 0:
        return refused(Outcome.AMOUNT, "a limit is not below zero")
    family = (one for one in desk.workset.cards.values() if one.holder == card.holder and one.id != card.id)
    if command.additional and not any(one.place and one.place.main for one in family if one.state in _IN_USE):
        return refused(Outcome.PRODUCT, "the member has no other main card, whose holder could hear of this one")
    place = msgspec.structs.replace(card.place, main=not command.additional, limit=command.limit)
    row = desk.row(card, "card_placed")
    return Decision(approved(row), row, cards=(msgspec.structs.replace(card, place=place),))


def _award(command: AwardPoints, desk: _Desk) -> Decision:
    card = desk.card(command.card_hash)
    if card is None:
        return refused(Outcome.UNKNOWN_CARD, "no such loyalty card")
    before = desk.workset.awards.get(command.key)
    if before:
        same = (before.holder, before.reason) == (card.holder, f"award {command.event}")
        return Decision(approved(before)) if same else refused(Outcome.DUPLICATE, "this id was used for something else")
    schemes = desk.programme.schemes_of(card.currency)
    scheme = next((scheme for scheme in schemes if command.event in scheme.events), None)
    if scheme is None:
        known = ", ".join(event for scheme in schemes for event in scheme.events)
        return refused(Outcome.PRODUCT, f"{command.event!r} is no event of the scheme; it has {known or 'none'}")
    points = scheme.events[command.event]
    if not 0 < len(command.key) <= limits.EVENT_KEY_MAX:
        return refused(Outcome.FORMAT_ERROR, f"the caller's id has 1 to {limits.EVENT_KEY_MAX} characters")
    merchant = desk.workset.merchants.get(command.merchant_id)
    if command.merchant_id and merchant is None:
        return refused(Outcome.UNKNOWN_MERCHANT, f"there is no merchant {command.merchant_id}")
    purse = desk.purse(card.holder, scheme.unit)
    if purse.total + points > limits.POINTS_MAX:
        return refused(Outcome.AMOUNT, "more points than an account can hold")
    purse.put(points, scheme.lot_dates(desk.today))
    owner, moves = 0, issued(0, scheme.unit, points)
    if merchant:
        owner, cost = merchant.id, convert_up(points, scheme.cost_at(merchant.merchant_id))
        moves = (*issued(owner, scheme.unit, points), *charged(owner, scheme.currency, cost))
    row = desk.points_row(card, f"award {command.event}", scheme, points, event=command.key, merchant=owner)
    return desk.book(row, [purse], moves)


def _adjust(command: AdjustPoints, desk: _Desk) -> Decision:
    card = desk.card(command.card_hash)
    if card is None:
        return refused(Outcome.UNKNOWN_CARD, "no such loyalty card")
    schemes = desk.programme.schemes_of(card.currency)
    scheme = next((one for one in schemes if command.scheme in ("", one.id)), None)
    if scheme is None:
        known = ", ".join(one.id for one in schemes)
        return refused(Outcome.PRODUCT, f"the card has no {command.scheme!r}; it can have {known or 'none'}")
    if not command.reason.strip():
        return refused(Outcome.FORMAT_ERROR, "an adjustment needs a reason")
    purse, points = desk.purse(card.holder, scheme.unit), command.points
    if not points or purse.total + points > limits.POINTS_MAX:
        return refused(Outcome.AMOUNT, "no points, or more than an account can hold")
    if points < 0 and -points > purse.available:
        return refused(Outcome.NOT_ENOUGH, f"the member has {purse.available} points")
    if points > 0:
        purse.put(points, ("", scheme.lot_dates(desk.today)[1]))
    else:
        purse.take(-points)
    account = system_account(AccountKind.ADJUSTED, 0, scheme.unit)
    row = desk.points_row(card, f"adjusted: {command.reason.strip()}", scheme, abs(points))
    return desk.book(row, [purse], (Move(account, scheme.unit, -points),))


def _convert(command: ConvertPoints, desk: _Desk) -> Decision:
    card = desk.card(command.card_hash)
    other = desk.card(command.to_card) if command.to_card else card
    if card is None or other is None:
        return refused(Outcome.UNKNOWN_CARD, "no such loyalty card")
    schemes = desk.programme.schemes
    source, target = schemes.get(command.source), schemes.get(command.target)
    rate = source.conversions.get(command.target) if source else None
    if source is None or target is None or rate is None:
        return refused(Outcome.PRODUCT, f"the programme has no conversion from {command.source} to {command.target}")
    if not (_is_of(card, source, schemes) and _is_of(other, target, schemes)):
        return refused(Outcome.PRODUCT, "a card does not belong to its scheme")
    giver, receiver = desk.purse(card.holder, source.unit), desk.purse(other.holder, target.unit)
    gained = convert_down(command.points, rate)
    given = convert_up(gained, 1 / rate)  # what is not worth another point stays
    if command.points <= 0 or not gained or receiver.total + gained > limits.POINTS_MAX:
        return refused(Outcome.AMOUNT, "too few points to be worth one, or more than an account can hold")
    if given > giver.available:
        return refused(Outcome.NOT_ENOUGH, f"the member has {giver.available} points")
    giver.take(given)
    receiver.put(gained, ("", target.lot_dates(desk.today)[1]))
    moves = (
        Move(system_account(AccountKind.EXCHANGE, 0, source.unit), source.unit, given),
        Move(system_account(AccountKind.EXCHANGE, 0, target.unit), target.unit, -gained),
    )
    row = desk.row(
        card,
        f"converted to {target.id}",
        amount=given,
        currency=source.unit,
        card_amount=gained,
        card_currency=target.unit,
        rate=str(rate),
        other_holder=other.holder if other.holder != card.holder else 0,
    )
    return desk.book(row, [giver, receiver], moves)


def _is_of(card: Card, scheme: Scheme, schemes: dict[str, Scheme]) -> bool:
    main = schemes[scheme.parent] if scheme.parent else scheme
    return card.currency == main.unit


def _expire(command: ExpireLots, desk: _Desk) -> Decision:
    card = next((card for card in desk.workset.cards.values() if card.holder == command.holder), None)
    last = desk.today.isoformat()
    lots = [
        lot
        for number, entries in command.lots
        if (lot := desk.workset.accounts.get(number)) is not None
        and (lot.holder, lot.kind, lot.entries) == (command.holder, AccountKind.LOT, entries)
        and lot.balance
        and lot.expires_on
        and lot.expires_on < last
    ]
    if card is None or not lots:
        return Decision(Reply(Outcome.APPROVED))
    moves = tuple(
        move
        for lot in lots
        for move in (
            Move(lot.id, lot.currency, -lot.balance),
            Move(system_account(AccountKind.BREAKAGE, 0, lot.currency), lot.currency, lot.balance),
        )
    )
    expired = sum(lot.balance for lot in lots)
    row = desk.row(card, "expired", amount=expired, card_amount=expired, card_currency=lots[0].currency)
    return desk.book(row, [], moves)
