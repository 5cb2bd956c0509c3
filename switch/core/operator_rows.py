"""What the commands of operators have in common: card numbers as they are kept, their journal rows, their answers."""

from __future__ import annotations

import msgspec

from specs.outcomes import Outcome
from specs.transaction import Kind, MessageClass, Reply
from switch.core.clock import retrieval_reference
from switch.core.decision import Decision
from switch.core.holdings import Card
from switch.core.journal import Row
from switch.core.programme import Programme


class NewNumber(msgspec.Struct, frozen=True):
    """A card number, ready to be kept: hash to find it, encrypted for the owner, masked for people."""

    hash: str
    sealed_pan: bytes
    masked_pan: str
    pin_hash: bytes | None = None


def refused(outcome: Outcome, why: str) -> Decision:
    return Decision(Reply(outcome, display=why))


def approved(row: Row) -> Reply:
    return Reply(Outcome.APPROVED, rrn=row.rrn)


def bare_row(reason: str, programme: Programme, now: int, number: int) -> Row:
    """The row of what no terminal has asked for."""
    return Row(
        id=number,
        kind=Kind.OPERATOR,
        message_class=MessageClass.OTHER,
        outcome=Outcome.APPROVED,
        reason=reason,
        terminal=0,
        merchant=0,
        store="",
        application="",
        batch=0,
        stan=0,
        stan_count=0,
        rrn=retrieval_reference(number, now),
        decided_at=now,
        programme=programme.version,
        listener="",
        root=number,
    )


def operator_row(kind: Kind, card: Card, programme: Programme, now: int, number: int, reason: str) -> Row:
    """The row of what an operator has done with a card."""
    return msgspec.structs.replace(
        bare_row(reason, programme, now, number),
        kind=kind,
        holder=card.holder,
        card_hash=card.hash,
        card_id=card.id,
        currency=card.currency,
        card_currency=card.currency,
    )
