"""Undoing: what is live, which transaction a void or a reversal means, and the entries that take it back.

An undo books the negative of what its target booked; it never computes anew. A target is live while no live undo
names it. WIRE.md section 4, "Reversal" and the table of undoing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from specs import limits
from specs.transaction import REVERSED_BY, VOIDS, Kind, MessageClass, Request
from switch.core.clock import HOUR
from switch.core.holdings import AccountKind, Block, Card, CardState, system_account
from switch.core.irregular import UNCOVERED
from switch.core.journal import Row
from switch.core.ledger import Move
from switch.core.merchants import Batch, Closer
from switch.core.needs import Case
from switch.core.programme import Programme
from switch.core.refusals import Reason
from switch.core.ruling import Ruling, refused
from switch.core.workset import View

#: The journal's reason of a refund that made a used card active again.
REOPENED = "reopened"


def is_live(row: Row, family: Iterable[Row]) -> bool:
    """Whether `row` moved value and nothing live takes it back. `family`: all rows of its root."""
    if not row.accepted:
        return False
    rows = list(family)
    undos = [other for other in rows if other.is_undo and _names(other, row)]
    return not undos or not any(_takes(undo, row, rows) and is_live(undo, rows) for undo in undos)


def _names(undo: Row, row: Row) -> bool:
    """Whether `undo` is of `row`, or of what `row` refunded."""
    return undo.original in (row.id, 0 if row.is_undo else row.original)


def _takes(undo: Row, row: Row, family: list[Row]) -> bool:
    """Whether `undo` takes `row` back: a refund only if it was live when what it refunded was undone."""
    if undo.original == row.id:
        return True
    before = [other for other in family if (other.decided_at, other.id) < (undo.decided_at, undo.id)]
    return any(other.id == row.id for other in before) and is_live(row, before)


def live_refunds(row: Row, family: Iterable[Row]) -> list[Row]:
    """The refunds of `row` that still stand."""
    return [other for other in family if other.original == row.id and not other.is_undo and is_live(other, family)]


def find_voided(view: View, case: Case, open_batch: Batch | None, now: int) -> Row | Reason:
    """The transaction a void means: by RRN first, else the newest with that receipt not yet undone.

    Args:
        open_batch: What the void has joined; None where it names a batch that is closed, so that nothing can be voided.
    """
    request, voidable = case.request, VOIDS[case.request.kind]
    row = view.by_rrn
    if request.sequenced:
        if row is not None and row.card_hash != case.card_hash:
            row = None
        elif request.rrn is None:
            row = next(_newest_live(view, case, voidable, now), None)
    elif row is None or row.card_hash != case.card_hash:
        found = [
            row
            for row in view.recent
            if row.receipt is not None and row.receipt == request.receipt and row.kind in voidable
            and _asks(row, case) and row.took_effect and row.message_class is not MessageClass.REVERSAL
        ]  # fmt: skip
        row = next((row for row in found if is_live(row, view.family(row))), found[0] if found else None)
    if row is None or row.terminal != view.desk.terminal or not row.took_effect or not _asks(row, case):
        return Reason.VOID_NOT_FOUND
    if row.kind not in voidable or row.message_class is MessageClass.REVERSAL:
        other_digits = any(row.kind in kinds for kinds in VOIDS.values())
        return Reason.VOID_NOT_FOUND if other_digits else Reason.NOT_VOIDABLE
    family = view.family(row)
    if not is_live(row, family):
        return Reason.ALREADY_UNDONE
    if live_refunds(row, family):
        return Reason.NOT_VOIDABLE
    batch = view.batch(row.batch)
    in_open_batch = batch is not None and open_batch is not None and batch.whole == open_batch.whole
    if request.message_class is MessageClass.ADVICE or in_open_batch:
        return row  # an advice tells what was done before the close: the goods are back
    return Reason.VOID_CLOSED_BATCH


def _newest_live(view: View, case: Case, kinds: frozenset[Kind], now: int) -> Iterator[Row]:
    """What an undo without a reference may mean where messages are sequenced, the newest first."""
    for row in view.recent:
        if row.decided_at <= now - limits.SEQUENCE_HOURS * HOUR:
            return
        meant = row.kind in kinds and row.message_class is not MessageClass.REVERSAL and _asks(row, case)
        if meant and row.took_effect and is_live(row, view.family(row)):
            yield row


def find_reversed(view: View, case: Case, sent_at: int | None, repeated: Row | None, now: int) -> Row | None:
    """The transaction a reversal means, live or not; None if the switch has never seen it.

    Args:
        repeated: An earlier reversal that said the same. What was there when it came, and was not what it undid, is
            not undone by its repetition.
    """
    request = case.request
    candidates = list(view.recent)
    if view.by_rrn and view.by_rrn.card_hash == case.card_hash and view.by_rrn not in candidates:
        candidates.append(view.by_rrn)
    candidates = [
        row
        for row in candidates
        if row.message_class is not MessageClass.REVERSAL
        and row.kind in REVERSED_BY.get(request.kind, (request.kind,))
        and row.terminal == view.desk.terminal
        and row.application == case.application
        and _asks(row, case)
    ]
    if repeated:
        candidates = [row for row in candidates if _can_be_meant_again(row, request, sent_at, repeated)]
    if request.sequenced:
        return _find_sequenced(view, case, candidates, repeated, now)
    for fits in _references(view, case, sent_at):
        found = [row for row in candidates if fits(row)]
        if found:
            standing = (row for row in found if not row.took_effect or is_live(row, view.family(row)))
            return next(standing, found[0])
    return None


def _find_sequenced(view: View, case: Case, candidates: list[Row], repeated: Row | None, now: int) -> Row | None:
    """The original by its reference alone, else the newest; a repetition means what it undid then."""
    rrn = case.request.rrn
    if rrn is not None:
        return next((row for row in candidates if row.rrn == rrn), None)
    kinds = REVERSED_BY.get(case.request.kind, frozenset({case.request.kind}))
    newest = next((row for row in _newest_live(view, case, kinds, now) if row in candidates), None)
    return newest or next((row for row in candidates if repeated and row.id == repeated.original), None)


def _can_be_meant_again(row: Row, request: Request, sent_at: int | None, repeated: Row) -> bool:
    """Whether a reversal that said the same as an earlier one may mean `row`.

    With the same time it is that one again, however late: it means what it undid then; if that was nothing, only its
    own message. Else its STAN may have been used again, for something that has been done since.
    """
    if row.id == repeated.original:
        return True
    if sent_at is None or repeated.sent_at != sent_at:
        return row.decided_at > repeated.decided_at
    return not repeated.original and row.stan == reversed_stan(request)


def reversed_stan(request: Request) -> int:
    """The STAN of the message a reversal means, as far as it tells."""
    return request.stan if request.original_stan is None else request.original_stan


def is_certain(row: Row, request: Request) -> bool:
    """Whether a reversal means `row` and no other message of the same purchase: by its STAN, or its own RRN."""
    return row.stan == reversed_stan(request) or (row.rrn == request.rrn and request.kind not in VOIDS)


def _references(view: View, case: Case, sent_at: int | None) -> list[Callable[[Row], bool]]:
    """The ways a reversal may name its original, surest first; those it does not use are left out."""
    request = case.request
    ways: list[Callable[[Row], bool]] = []
    if request.original_stan is not None:
        ways.append(lambda row: (row.stan, row.message_class) == (request.original_stan, request.original_class))
    if request.rrn is not None and request.kind in VOIDS:  # the RRN is the voided transaction's
        voided = view.by_rrn.id if view.by_rrn else -1
        ways.append(lambda row: row.original == voided)
    elif request.rrn is not None:
        ways.append(lambda row: row.rrn == request.rrn)
    if request.receipt is not None:
        ways.append(
            lambda row: (
                request.receipt in _receipts(row, view)
                and (request.stan - row.stan) % 1_000_000 < limits.STAN_HALF
                and _reachable(row, view, sent_at)
            )
        )
    ways.append(lambda row: row.stan == request.stan and _reachable(row, view, sent_at))
    return ways


def _receipts(row: Row, view: View) -> set[str | None]:
    """A void goes by its own receipt number and by that of the voided transaction."""
    originals = {other.receipt for other in view.family(row) if other.id == row.original and row.is_undo}
    return {row.receipt} | originals


def _reachable(row: Row, view: View, sent_at: int | None) -> bool:
    """STAN and receipt never reach into a batch the terminal itself closed, unless the times are equal."""
    batch = view.batch(row.batch)
    closed = batch is not None and batch.closed_by is Closer.TERMINAL
    return not closed or (sent_at is not None and sent_at == row.sent_at)


def _asks(row: Row, case: Case) -> bool:
    """DE4 of an undo is what was asked or what was approved."""
    amount = case.request.amount or 0
    return amount in (row.asked, row.amount) or (case.request.sequenced and not amount)


def undo(view: View, target: Row, merchant: int, programme: Programme, *, forced: bool) -> Ruling:
    """Undo a live `target` for `merchant`; unless `forced`, only if what it put on a card is still there."""
    moves, missing = _taken_back(view, target, merchant)
    card = view.card_of(target.card_id)
    product = programme.products.get(card.product)
    if missing and not forced:
        return refused(Reason.NOT_ENOUGH, tell_balances=product is not None and not product.pin)
    balance = view.account_of(card.account).balance + sum(move.amount for move in moves if move.account == card.account)
    single_use = product is not None and product.single_use
    return Ruling(
        amount=target.amount,
        card_amount=target.card_amount,
        rate=target.fraction,
        moves=tuple(moves),
        card=_card_after(card, target, view.family(target), single_use, balance),
        original=target,
        note=UNCOVERED if missing else "",
        tell_balances=True,
    )


def _taken_back(view: View, target: Row, merchant: int) -> tuple[list[Move], bool]:
    """The moves that undo `target` and the refunds that fall with it; and whether something of it is gone.

    What a holder's account no longer has is booked as uncovered against `merchant`, which sent the undo.
    """
    moves = [
        Move(entry.account, entry.currency, -entry.amount)
        for row in (target, *live_refunds(target, view.family(target)))
        for entry in row.entries
    ]
    missing = []
    for number in {move.account for move in moves if move.account > 0}:
        account = view.account_of(number)
        short = -account.balance - sum(move.amount for move in moves if move.account == number)
        if short > 0:
            uncovered = system_account(AccountKind.UNCOVERED, merchant, account.currency)
            missing += [Move(number, account.currency, short), Move(uncovered, account.currency, -short)]
    return moves + missing, bool(missing)


def _card_after(card: Card, target: Row, family: list[Row], single_use: bool, balance: int) -> Card:
    """The card's state once `target` is undone; where `target` was itself an undo, once its original stands again.

    Args:
        balance: Of the card's account, after the undo.
    """
    deed, undone = target, True
    if target.is_undo:
        deed, undone = next(row for row in family if row.id == target.original), False
    if deed.kind in (Kind.GIFT_BLOCK, Kind.GIFT_UNBLOCK):
        left, before = Block.BLOCKED, Block.NONE
        if (deed.kind is Kind.GIFT_BLOCK) is not undone:
            left, before = before, left
        unchanged = card.id == target.card_id and card.block is left  # else the owner has said something since
        return msgspec.structs.replace(card, block=before) if unchanged else card
    return msgspec.structs.replace(card, state=_state_after(card.state, deed, undone, family, single_use, balance))


def _state_after(
    state: CardState, deed: Row, undone: bool, family: list[Row], single_use: bool, balance: int
) -> CardState:
    match deed.kind:
        case Kind.GIFT_ACTIVATE:
            # What another load has put on stays usable; an empty card is as it was before it was sold.
            return CardState.INACTIVE if undone and not balance else CardState.ACTIVE
        case Kind.GIFT_CASH_OUT:
            return CardState.ACTIVE if undone else CardState.CLOSED
        case Kind.GIFT_REDEEM | Kind.GIFT_CASH_BACK | Kind.GIFT_UNLOAD if single_use:
            used_up = not undone
        case Kind.GIFT_REFUND if deed.reason == REOPENED:
            others = (row for row in family if row.kind is deed.kind and row.id != deed.id and not row.is_undo)
            if any(is_live(row, family) for row in others):
                return state  # they hold it open, with what they gave back
            used_up = undone
        case _:
            return state
    before, after = (CardState.ACTIVE, CardState.USED) if used_up else (CardState.USED, CardState.ACTIVE)
    return after if state is before else state
