"""The canonical Reply to a VISA-2 response record (WIRE-VISA2.md section 3, reference 2.3)."""

from typing import Final

from specs.money import exponent
from specs.outcomes import Outcome
from specs.transaction import Kind, Purse, Reply
from specs.visa2 import BLOCK_GIFT, TEXT_CHARACTERS, Visa2Dialect
from terminals.visa2_blocks import FS, answer_blocks, find_available
from terminals.visa2_request import Visa2Slip

_NOT_QUALIFIED: Final = "N"  # returned ACI of an approval: nothing here asks for a better rate
_ISSUER: Final = "5"  # authorization source: the books themselves
_NO_AVS: Final = "0"
_NUMBER_CHARACTERS: Final = 11  # of a balance in the text: up to position 15


def response_record(reply: Reply, slip: Visa2Slip, dialect: Visa2Dialect) -> bytes:
    """The record E that answers the request `slip` came with."""
    year = reply.local_year
    fixed = (
        f"E{slip.application_type}.{_NOT_QUALIFIED if reply.accepted else ' '}{slip.store}{slip.terminal}{_ISSUER}"
        f"{slip.sequence}{dialect.outcomes[reply.outcome].code}{reply.approval or '':6}{reply.local_date}{year}"
        f"{reply.local_time}{_text(reply, slip, dialect):{TEXT_CHARACTERS}}{_NO_AVS}{reply.rrn or '':12} "
    )
    blocks = answer_blocks(reply, slip.blocks, slip.kind, slip.amount, slip.currency)
    return f"{fixed}{FS}{FS}{blocks}".encode("ascii")


def _text(reply: Reply, slip: Visa2Slip, dialect: Visa2Dialect) -> str:
    """What a terminal shows; where it asked for a balance and cannot read blocks, the balance."""
    text = dialect.outcomes[reply.outcome].text
    if reply.outcome is Outcome.FORMAT_ERROR:
        return f"{text} {reply.wrong_field or 0:02d}"
    if reply.outcome is not Outcome.APPROVED:
        return text
    if slip.kind is Kind.GIFT_BALANCE:
        return text if BLOCK_GIFT in slip.blocks else _balance_text(reply, slip.currency) or text
    return f"{text} {reply.approval}" if reply.approval else text


def _balance_text(reply: Reply, currency: str) -> str | None:
    """`BAL      50.00 `; None where it does not fit."""
    balance = find_available(reply, Purse.STORED_VALUE, currency)
    if balance is None:
        return None
    digits = exponent(currency)
    whole, part = divmod(abs(balance), 10**digits)
    number = f"{'-' if balance < 0 else ''}{whole}" + (f".{part:0{digits}d}" if digits else "")
    return f"BAL {number:>{_NUMBER_CHARACTERS}} " if len(number) <= _NUMBER_CHARACTERS else None
