"""What operators and schedules do about members besides their points: enrol a card without a till, choose what expires.

No I/O; see points_commands.py for the points themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from specs.outcomes import Outcome
from specs.transaction import Kind
from switch.core.decision import Decision
from switch.core.holdings import Account, CardState
from switch.core.operator_rows import approved, operator_row, refused
from switch.core.points_commands import ExpireLots
from switch.core.programme import Programme
from switch.core.workset import Workset


class EnrolCard(msgspec.Struct, frozen=True, tag=True):
    """Enrol a loyalty card without a till. A phone number comes encrypted."""

    card_hash: str
    sealed_phone: bytes | None = None


def decide_enrol(command: EnrolCard, workset: Workset, programme: Programme, now: int, number: int) -> Decision:
    """A card that is active already is refused: its phone number is not for operators to change in passing."""
    card = workset.cards.get(workset.card_ids.get(command.card_hash, 0))
    if card is None or card.product not in programme.loyalty:
        return refused(Outcome.UNKNOWN_CARD, "no such loyalty card")
    if card.state is not CardState.INACTIVE:
        return refused(Outcome.CARD_NOT_ACTIVE, f"the card is {card.state.value} already")
    phone = command.sealed_phone or card.sealed_phone
    active = msgspec.structs.replace(card, state=CardState.ACTIVE, sealed_phone=phone)
    row = operator_row(Kind.ENROL, card, programme, now, number, "by_operator")
    return Decision(approved(row), row, cards=(active,))


def expiries(lots: Sequence[Account]) -> list[ExpireLots]:
    """The commands that take what expired out of `lots`: one for each member and kind of points."""

    def whose(lot: Account) -> tuple[int, str]:
        return lot.holder, lot.currency

    return [
        ExpireLots(holder, tuple((lot.id, lot.entries) for lot in own))
        for (holder, _), own in itertools.groupby(sorted(lots, key=whose), key=whose)
    ]
