"""Group III of VISA-2 records: blocks of a version number and a body, and what ours say (WIRE-VISA2.md section 3)."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from specs.transaction import BalanceType, Kind, Purse, Reply
from specs.visa2 import ANSWERED_EMPTY, BLOCK_FORMS, BLOCK_GIFT

FS: Final = "\x1c"
GS: Final = "\x1d"

_SILENT: Final = (Kind.GIFT_BALANCE, Kind.GIFT_VOID, Kind.GIFT_ANY)  # nothing was used by these


def parse_blocks(text: str) -> dict[str, str]:
    """Body by version; blocks whose version nobody here knows are kept, and mean nothing.

    Raises:
        ValueError: what stands there are no blocks, or one of ours has another form.
    """
    blocks: dict[str, str] = {}
    for piece in text.split(GS) if text else ():
        if not piece:  # some terminals put a separator before the first block, or behind the last
            continue
        version, body = piece[:3], piece[3:]
        if not re.fullmatch("[0-9]{3}", version) or not re.fullmatch("[ -~\x1c]*", body):
            raise ValueError
        if not re.fullmatch(BLOCK_FORMS.get(version, "(?s:.*)"), body):
            raise ValueError
        blocks[version] = body
    return blocks


def answer_blocks(reply: Reply, asked: Sequence[str], kind: Kind, amount: int, currency: str) -> str:
    """The blocks of a response, in order of their versions.

    Args:
        asked: Versions of the request's blocks.
        amount: What was asked.
    """
    bodies = {version: "" for version in asked if version in ANSWERED_EMPTY}
    if BLOCK_GIFT in asked:
        gift = _gift(reply, kind, amount, currency)
        if gift is not None:
            bodies[BLOCK_GIFT] = gift
    return write_blocks(bodies)


def write_blocks(bodies: Mapping[str, str]) -> str:
    return GS.join(version + bodies[version] for version in sorted(bodies))


def find_available(reply: Reply, purse: Purse, currency: str) -> int | None:
    """What is there in a currency, if the reply tells it."""
    for balance in reply.balances:
        if (balance.purse, balance.type, balance.currency) == (purse, BalanceType.AVAILABLE, currency):
            return balance.amount
    return None


def unsigned(amount: int) -> str:
    """Twelve digits; a negative amount has `-` and eleven."""
    return f"{amount:012d}"


def _gift(reply: Reply, kind: Kind, amount: int, currency: str) -> str | None:
    """Balance and amount used; None where nothing may be told."""
    balance = find_available(reply, Purse.STORED_VALUE, currency)
    if not reply.accepted:
        return None if balance is None else f"{unsigned(balance)}{FS}{FS}"
    if kind is Kind.GIFT_CASH_OUT:
        balance = 0  # the card is closed
    used = "" if kind in _SILENT else unsigned(amount if reply.amount is None else reply.amount)
    return f"{'' if balance is None else unsigned(balance)}{FS}{used}{FS}"
