"""What the blocks of a response say: gift card, points, batch (WIRE-VISA2.md section 3, "Texts and blocks")."""

from typing import Final

from specs.money import POINTS_UNIT
from specs.outcomes import Outcome
from specs.transaction import SETTLEMENTS, Balance, BalanceType, Kind, Purse, Reply
from specs.visa2 import ANSWERED_EMPTY, BLOCK_BATCH, BLOCK_GIFT, BLOCK_POINTS
from terminals.visa2_blocks import FS, write_blocks
from terminals.visa2_request import Visa2Slip

LOYALTY: Final = frozenset(
    {
        *(Kind.ENROL, Kind.SALE, Kind.POINTS_REDEEM, Kind.SALE_RETURN, Kind.POINTS_BALANCE),
        *(Kind.LOYALTY_VOID, Kind.LOYALTY_ANY),
    }
)
_BATCHES: Final = SETTLEMENTS | {Kind.LOGON}
_NOTHING_USED: Final = (Kind.GIFT_BALANCE, Kind.GIFT_VOID, Kind.GIFT_ANY)
_EARNING: Final = (Kind.SALE, Kind.SALE_RETURN, Kind.LOYALTY_VOID, Kind.LOYALTY_ANY)
_REDEEMING: Final = (Kind.POINTS_REDEEM, Kind.SALE_RETURN, Kind.LOYALTY_VOID, Kind.LOYALTY_ANY)
_MESSAGE_CHARACTERS: Final = 40
_NUMBERS: Final = 1000  # of batches, in three digits


def answer_blocks(reply: Reply, slip: Visa2Slip) -> str:
    """The blocks of a response, in order of their versions."""
    bodies: dict[str, str | None] = {version: "" for version in slip.blocks if version in ANSWERED_EMPTY}
    if slip.kind in LOYALTY:
        if BLOCK_POINTS in slip.blocks:
            bodies[BLOCK_POINTS] = _points(reply, slip)
    elif slip.kind in _BATCHES:
        bodies[BLOCK_BATCH] = _batch(reply, slip)
    elif BLOCK_GIFT in slip.blocks:
        bodies[BLOCK_GIFT] = _gift(reply, slip)
    return write_blocks({version: body for version, body in bodies.items() if body is not None})


def find_available(reply: Reply, slip: Visa2Slip) -> Balance | None:
    """What is there in the currency of the request (the record J has none: the terminal's, which comes first)."""
    purse, currency = Purse.STORED_VALUE, slip.currency
    if slip.kind in LOYALTY:
        purse, currency = Purse.POINTS, POINTS_UNIT
    for balance in reply.balances:
        if (
            balance.purse is purse
            and balance.type is BalanceType.AVAILABLE
            and balance.currency == (currency or balance.currency)
        ):
            return balance
    return None


def _gift(reply: Reply, slip: Visa2Slip) -> str | None:
    """Balance and amount used; None where nothing may be told."""
    found = find_available(reply, slip)
    balance = _unsigned(found.amount) if found else ""
    if not reply.accepted:
        return f"{balance}{FS}{FS}" if found else None
    if slip.kind is Kind.GIFT_CASH_OUT:
        balance = _unsigned(0)  # the card is closed
    used = "" if slip.kind in _NOTHING_USED else _unsigned(slip.amount if reply.amount is None else reply.amount)
    return f"{balance}{FS}{used}{FS}"


def _points(reply: Reply, slip: Visa2Slip) -> str | None:
    """Balance, earned, redeemed, what the balance is worth here, a message; None where nothing may be told."""
    found, told = find_available(reply, slip), reply.points
    if not reply.accepted and not found:
        return None
    parts = [_unsigned(found.amount) if found else "", "", "", "", ""]
    if reply.accepted and told:
        parts[1] = _unsigned(told.earned) if slip.kind in _EARNING else ""
        parts[2] = _unsigned(told.redeemed) if slip.kind in _REDEEMING else ""
    if reply.accepted and reply.points_worth is not None:
        parts[3] = _unsigned(reply.points_worth)
    if reply.accepted:
        parts[4] = _printable(reply.display or "")[:_MESSAGE_CHARACTERS]
    return "".join(part + FS for part in parts)


def _batch(reply: Reply, slip: Visa2Slip) -> str | None:
    """The number; and of a settlement the host's totals."""
    if reply.batch is None or not (reply.accepted or reply.outcome is Outcome.TOTALS):
        return None
    number = f"{reply.batch % _NUMBERS:03d}{FS}"
    if slip.kind is Kind.LOGON:
        return number
    debits, credits = (reply.totals or ())[:2]
    return number + "".join(f"{one.count:06d}{FS}{_unsigned(one.amount)}{FS}" for one in (debits, credits))


def _unsigned(amount: int) -> str:
    """Twelve digits; a negative amount has `-` and eleven."""
    return f"{amount:012d}"


def _printable(text: str) -> str:
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text.replace("\n", " "))
