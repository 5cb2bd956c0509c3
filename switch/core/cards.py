"""Whether a card may be used at all: its PIN, its block, its state; and how it is blocked at a till."""

from __future__ import annotations

import msgspec

from specs.transaction import Kind
from switch.core.clock import MINUTE
from switch.core.holdings import Block, Card, CardState
from switch.core.merchants import Terminal
from switch.core.programme import CardProduct, Programme
from switch.core.refusals import Reason
from switch.core.ruling import CardMatter, Ruling, refused

#: Kinds for which a product with PIN asks for it (balance only where the product says so).
WITH_PIN = frozenset(
    {
        *(Kind.GIFT_REDEEM, Kind.GIFT_CASH_BACK, Kind.GIFT_UNLOAD, Kind.GIFT_CASH_OUT, Kind.GIFT_UNBLOCK),
        *(Kind.POINTS_REDEEM, Kind.POINTS_TRANSFER, Kind.LOYALTY_UNBLOCK),
    }
)
_BALANCES = (Kind.GIFT_BALANCE, Kind.POINTS_BALANCE)
_BLOCKS = (Kind.GIFT_BLOCK, Kind.LOYALTY_BLOCK)
_UNBLOCKS = (Kind.GIFT_UNBLOCK, Kind.LOYALTY_UNBLOCK)


def asks_pin(kind: Kind, product: CardProduct) -> bool:
    return product.pin and (kind in WITH_PIN or (kind in _BALANCES and product.pin_for_balance))


def try_pin(
    card: Card, product: CardProduct, pin_hash: bytes | None, programme: Programme, now: int
) -> tuple[bool, Card]:
    """Count a try, then look at it: whether the PIN is right, and the card with its tries as they are afterwards.

    The last allowed wrong try locks the card for `pin_lock_minutes`, twice as long each time until a right PIN.
    """
    if pin_hash is not None and pin_hash == card.pin_hash:
        return True, msgspec.structs.replace(card, pin_tries=0, pin_locks=0, pin_locked_until=0)
    tries = card.pin_tries + 1
    if tries < product.pin_tries:
        return False, msgspec.structs.replace(card, pin_tries=tries)
    until = now + programme.pin_lock_minutes * MINUTE * 2 ** min(card.pin_locks, 16)
    return False, msgspec.structs.replace(card, pin_tries=0, pin_locks=card.pin_locks + 1, pin_locked_until=until)


def find_fault(kind: Kind, card: Card, product: CardProduct, terminal: Terminal, now: int) -> Reason | None:
    """What about the card's state speaks against `kind`, the gravest first."""
    if card.state is CardState.REPLACED:
        return Reason.REPLACED
    if card.block is Block.LOST:
        return Reason.LOST
    if card.block is Block.STOLEN:
        return Reason.STOLEN
    if card.block is Block.BLOCKED and kind not in _UNBLOCKS:
        return Reason.BLOCKED
    if product.stores is not None and terminal.store not in product.stores:
        return Reason.OTHER_STORE
    if kind in (*_BLOCKS, *_UNBLOCKS):
        return None
    if kind in (Kind.GIFT_ACTIVATE, Kind.ENROL):
        return None if card.state is CardState.INACTIVE else Reason.ALREADY_ACTIVE
    if card.state is CardState.INACTIVE:
        return Reason.INACTIVE
    if card.state is CardState.CLOSED or (card.state is CardState.USED and kind is not Kind.GIFT_REFUND):
        return Reason.SPENT
    if card.expires_at is not None and now >= card.expires_at:
        return Reason.EXPIRED
    return None


def block(matter: CardMatter) -> Ruling:
    return Ruling(card=msgspec.structs.replace(matter.card, block=Block.BLOCKED))


def unblock(matter: CardMatter) -> Ruling:
    if matter.card.block is Block.NONE:
        return refused(Reason.NOT_BLOCKED)
    return Ruling(card=msgspec.structs.replace(matter.card, block=Block.NONE))
