"""The canonical Reply to a VISA-2 response record: E, or the older one that answers J (reference 2.3 and 2.7.3)."""

from typing import Final

from specs.money import exponent
from specs.outcomes import Outcome
from specs.transaction import Kind, Purse, Reply
from specs.visa2 import BLOCK_GIFT, BLOCK_POINTS, TEXT_CHARACTERS, Visa2Dialect
from terminals.visa2_answer_blocks import answer_blocks, find_available
from terminals.visa2_blocks import FS
from terminals.visa2_request import DEBIT, OLD, Visa2Slip

_NOT_QUALIFIED: Final = "N"  # returned ACI of an approval: nothing here asks for a better rate
_ISSUER: Final = "5"  # authorization source: the books themselves
_NO_AVS: Final = "0"
_IDENTIFIER_CHARACTERS: Final = 8
_NUMBER_CHARACTERS: Final = 11  # of a balance in the text: up to position 15
_INQUIRIES: Final = {Kind.GIFT_BALANCE: BLOCK_GIFT, Kind.POINTS_BALANCE: BLOCK_POINTS}


def response_record(reply: Reply, slip: Visa2Slip, dialect: Visa2Dialect) -> bytes:
    """The record that answers the request `slip` came with."""
    qualified = _NOT_QUALIFIED if reply.accepted else " "
    code = dialect.outcomes[reply.outcome].code
    date = f"{reply.local_date:4}{reply.local_year:2}"
    text = f"{_text(reply, slip, dialect):{TEXT_CHARACTERS}}{_NO_AVS}"
    said = f"{qualified}{slip.store}{slip.terminal}{_ISSUER}{slip.sequence}{code}{reply.approval or '':6}{date}"
    if slip.letter == OLD:
        return f"{said}{text}{FS}{FS}".encode("ascii")
    letter, debit = ("U", f"{_debit_group(reply, slip)}{FS}") if slip.letter == DEBIT else ("E", "")
    fixed = f"{letter}{slip.application_type}.{said}{reply.local_time:6}{text}{reply.rrn or '':12} "
    return f"{fixed}{FS}{FS}{debit}{answer_blocks(reply, slip)}".encode("ascii")


def debit_key(reply: Reply, slip: Visa2Slip) -> tuple[str, str]:
    """Host message identifier and trace number: what a confirmation has to repeat."""
    return (reply.rrn or "")[-_IDENTIFIER_CHARACTERS:].ljust(_IDENTIFIER_CHARACTERS), slip.sequence.zfill(6)


def _debit_group(reply: Reply, slip: Visa2Slip) -> str:
    """Group II of the record U; the network is nobody's."""
    identifier, trace = debit_key(reply, slip)
    return f"{slip.acquirer:6}{identifier}{trace} {reply.local_date:4}"


def _text(reply: Reply, slip: Visa2Slip, dialect: Visa2Dialect) -> str:
    """What a terminal shows; where it can show nothing else, or asked for no block, the balance."""
    text = dialect.outcomes[reply.outcome].text
    if reply.outcome is Outcome.FORMAT_ERROR:
        return f"{text} {reply.wrong_field or 0:02d}"
    if reply.outcome is not Outcome.APPROVED:
        return text
    if slip.letter == OLD or (slip.kind in _INQUIRIES and _INQUIRIES[slip.kind] not in slip.blocks):
        told = _balance_text(reply, slip)
        if told:
            return told
    if slip.kind in _INQUIRIES or not reply.approval:
        return text
    return f"{text} {reply.approval}"


def _balance_text(reply: Reply, slip: Visa2Slip) -> str | None:
    """`BAL      50.00 ` or `PTS        1250 `; None where it does not fit, or nothing is told."""
    balance = find_available(reply, slip)
    if balance is None:
        return None
    points = balance.purse is Purse.POINTS
    digits = 0 if points else exponent(balance.currency)
    whole, part = divmod(abs(balance.amount), 10**digits)
    number = f"{'-' if balance.amount < 0 else ''}{whole}" + (f".{part:0{digits}d}" if digits else "")
    if len(number) > _NUMBER_CHARACTERS:
        return None
    return f"{'PTS' if points else 'BAL'} {number:>{_NUMBER_CHARACTERS}} "
