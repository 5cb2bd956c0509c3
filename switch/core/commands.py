"""What operators do to the books: commands, decided in the same groups as the terminals' messages.

Each is one record of work, so that bulk work is many small commands. Card numbers and PINs come hashed and encrypted.
"""

from __future__ import annotations

import msgspec

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import Kind, Reply
from switch.core.clock import DAY
from switch.core.day_commands import CutSettlement, SettlePart, cut_settlement, settle_part
from switch.core.decision import Decision
from switch.core.holdings import Account, AccountKind, Block, Card, CardState
from switch.core.journal import ProgrammeText
from switch.core.ledger import between, post
from switch.core.member_commands import EnrolCard, decide_enrol
from switch.core.merchants import Merchant, Terminal
from switch.core.needs import Needs
from switch.core.operator_rows import NewNumber as NewNumber  # part of commands
from switch.core.operator_rows import approved, operator_row, refused
from switch.core.points_commands import PointsCommand, points_command_needs
from switch.core.points_desk import decide_points_command
from switch.core.programme import Programme, ProgrammeError, parse_programme
from switch.core.scheme_checks import check_numbers
from switch.core.sightings import FoldPresence, fold_needs, fold_presence
from switch.core.workset import Workset


class PutMerchant(msgspec.Struct, frozen=True, tag=True):
    """Add a merchant, or change one of the same merchant_id; its `id` is given here."""

    merchant: Merchant


class PutTerminal(msgspec.Struct, frozen=True, tag=True):
    """Add a terminal, or change the one with the same ids; `id` and `merchant` are given here."""

    terminal: Terminal


class IssueCard(msgspec.Struct, frozen=True, tag=True):
    number: NewNumber
    product: str
    denomination: int | None = None


class ActivateCard(msgspec.Struct, frozen=True, tag=True):
    """Activate a card without a till, at a merchant's expense (cards for employees, the demo's)."""

    card_hash: str
    merchant_id: str
    amount: int


class SetBlock(msgspec.Struct, frozen=True, tag=True):
    card_hash: str
    block: Block


class ReplaceCard(msgspec.Struct, frozen=True, tag=True):
    """Give the account of a lost card a new number; the old one is dead, its transactions can still be undone."""

    card_hash: str
    number: NewNumber


class ApplyProgramme(msgspec.Struct, frozen=True, tag=True):
    text: str


CardCommand = IssueCard | ActivateCard | SetBlock | ReplaceCard
DayCommand = SettlePart | CutSettlement
ShopCommand = PutMerchant | PutTerminal | FoldPresence
Command = ShopCommand | ApplyProgramme | CardCommand | DayCommand | PointsCommand | EnrolCard


def command_needs(command: Command) -> list[Needs]:
    """The keys `command` names."""
    match command:
        case PutMerchant():
            return [Needs(command.merchant.merchant_id, "", "")]
        case PutTerminal():
            numbered = [Needs("", "", "", acceptor=command.terminal.number)] if command.terminal.number else []
            return [Needs(command.terminal.merchant_id, command.terminal.terminal_id, ""), *numbered]
        case IssueCard():
            return [Needs("", "", "", card_hash=command.number.hash)]
        case ActivateCard():
            return [Needs(command.merchant_id, "", "", card_hash=command.card_hash)]
        case SetBlock():
            return [Needs("", "", "", card_hash=command.card_hash)]
        case ReplaceCard():
            return [Needs("", "", "", card_hash=hash) for hash in (command.card_hash, command.number.hash)]
        case ApplyProgramme():
            return []
        case SettlePart():
            return [Needs(command.merchant_id, command.terminal_id, command.application)]
        case CutSettlement():
            return [Needs(command.merchant_id, "", "", day=True)]
        case EnrolCard():
            return [Needs("", "", "", card_hash=command.card_hash)]
        case FoldPresence():
            return fold_needs(command)
        case _:
            return points_command_needs(command)


def decide_command(command: Command, workset: Workset, programme: Programme, now: int, number: int) -> Decision:
    """The decision about `command`. A refusal says why in its reply's `display`."""
    match command:
        case PutMerchant():
            return _put_merchant(command.merchant, workset, number)
        case PutTerminal():
            return _put_terminal(command.terminal, workset, number)
        case IssueCard():
            return _issue(command, workset, programme, now, number)
        case ActivateCard():
            return _activate(command, workset, programme, now, number)
        case SetBlock():
            return _set_block(command, workset, programme, now, number)
        case ReplaceCard():
            return _replace(command, workset, programme, now, number)
        case ApplyProgramme():
            return _apply_programme(command, workset, programme, now)
        case SettlePart():
            return settle_part(command, workset, programme, now, number)
        case CutSettlement():
            return cut_settlement(command, workset, programme, now, number)
        case EnrolCard():
            return decide_enrol(command, workset, programme, now, number)
        case FoldPresence():
            return fold_presence(command, workset, now)
        case _:
            return decide_points_command(command, workset, programme, now, number)


def _put_merchant(merchant: Merchant, workset: Workset, number: int) -> Decision:
    known = workset.merchants.get(merchant.merchant_id)
    merchant = msgspec.structs.replace(merchant, id=known.id if known else number)
    return Decision(Reply(Outcome.APPROVED), merchants=(merchant,))


def _put_terminal(terminal: Terminal, workset: Workset, number: int) -> Decision:
    merchant = workset.merchants.get(terminal.merchant_id)
    if merchant is None:
        return refused(Outcome.UNKNOWN_MERCHANT, f"there is no merchant {terminal.merchant_id}")
    if terminal.store not in merchant.stores:
        return refused(Outcome.FORMAT_ERROR, f"{terminal.merchant_id} has no store {terminal.store}")
    ids = terminal.merchant_id, terminal.terminal_id
    owner = workset.numbers.get(terminal.number, ids)
    if owner != ids:
        return refused(Outcome.DUPLICATE, f"{'/'.join(owner)} goes by this number already")
    known = workset.terminals.get(ids)
    terminal = msgspec.structs.replace(terminal, id=known.id if known else number, merchant=merchant.id)
    return Decision(Reply(Outcome.APPROVED), terminals=(terminal,))


def _issue(command: IssueCard, workset: Workset, programme: Programme, now: int, number: int) -> Decision:
    product = programme.products.get(command.product)
    if product is None:
        return refused(Outcome.PRODUCT, f"there is no product {command.product!r}")
    if command.number.hash in workset.card_ids:
        return refused(Outcome.DUPLICATE, "this card number has been issued before")
    if product.pin is not (command.number.pin_hash is not None):
        return refused(
            Outcome.FORMAT_ERROR, f"{product.id}: cards of a product have a PIN if it says so, and only then"
        )
    card = Card(
        id=number,
        holder=number,
        hash=command.number.hash,
        sealed_pan=command.number.sealed_pan,
        masked_pan=command.number.masked_pan,
        product=product.id,
        currency=product.currency,
        account=number,
        denomination=command.denomination,
        pin_hash=command.number.pin_hash,
    )
    account = Account(number, AccountKind.CARD, number, product.currency)
    row = operator_row(Kind.OPERATOR, card, programme, now, number, "card_issued")
    return Decision(approved(row), row, cards=(card,), opened=(account,))


def _activate(command: ActivateCard, workset: Workset, programme: Programme, now: int, number: int) -> Decision:
    card = workset.cards.get(workset.card_ids.get(command.card_hash, 0))
    merchant = workset.merchants.get(command.merchant_id)
    if card is None or card.state is not CardState.INACTIVE:
        return refused(Outcome.UNKNOWN_CARD, "no such card, or it is not waiting to be activated")
    if merchant is None:
        return refused(Outcome.UNKNOWN_MERCHANT, f"there is no merchant {command.merchant_id}")
    product = programme.products.get(card.product)
    if product is None or not 0 < command.amount <= limits.AMOUNT_MAX:
        return refused(Outcome.AMOUNT, "the amount must be above zero, and the product in the programme")
    account = workset.accounts[card.account]
    moves = between(account, merchant.id, command.amount, card.currency, command.amount)
    entries, accounts = post(moves, workset.accounts)
    expires_at = now + product.valid_days * DAY if product.valid_days is not None else None
    after = msgspec.structs.replace(card, state=CardState.ACTIVE, expires_at=expires_at)
    row = msgspec.structs.replace(
        operator_row(Kind.GIFT_ACTIVATE, card, programme, now, number, "by_operator"),
        merchant=merchant.id,
        asked=command.amount,
        amount=command.amount,
        card_amount=command.amount,
        entries=entries,
    )
    return Decision(approved(row), row, accounts=accounts, cards=(after,))


def _set_block(command: SetBlock, workset: Workset, programme: Programme, now: int, number: int) -> Decision:
    card = workset.cards.get(workset.card_ids.get(command.card_hash, 0))
    if card is None:
        return refused(Outcome.UNKNOWN_CARD, "no such card")
    row = operator_row(Kind.OPERATOR, card, programme, now, number, f"block_{command.block.value}")
    return Decision(approved(row), row, cards=(msgspec.structs.replace(card, block=command.block),))


def _replace(command: ReplaceCard, workset: Workset, programme: Programme, now: int, number: int) -> Decision:
    card = workset.cards.get(workset.card_ids.get(command.card_hash, 0))
    if card is None or card.state is CardState.REPLACED:
        return refused(Outcome.UNKNOWN_CARD, "no such card, or it has been replaced already")
    if command.number.hash in workset.card_ids:
        return refused(Outcome.DUPLICATE, "the new card number has been issued before")
    if (card.pin_hash is None) is not (command.number.pin_hash is None):
        return refused(Outcome.FORMAT_ERROR, "the new card has a PIN of its own if the old one had one, and only then")
    new = msgspec.structs.replace(
        card,
        id=number,
        hash=command.number.hash,
        sealed_pan=command.number.sealed_pan,
        masked_pan=command.number.masked_pan,
        block=Block.NONE,
        pin_hash=command.number.pin_hash,
        pin_tries=0,
        pin_locks=0,
        pin_locked_until=0,
    )
    old = msgspec.structs.replace(card, state=CardState.REPLACED)
    row = operator_row(Kind.OPERATOR, new, programme, now, number, "card_replaced")
    return Decision(approved(row), row, cards=(old, new))


def _apply_programme(command: ApplyProgramme, workset: Workset, programme: Programme, now: int) -> Decision:
    version = workset.programme_version + 1
    try:
        new = parse_programme(command.text, version)
        check_numbers(programme.schemes, list(new.schemes.values()))
    except ProgrammeError as error:
        return refused(Outcome.FORMAT_ERROR, str(error))
    return Decision(Reply(Outcome.APPROVED), programme=ProgrammeText(version, command.text, now))
