"""Fields of one message to the canonical Request (WIRE.md sections 2 and 3).

Responsible for what the fields mean: class and kind of the message, cards, dates, batch numbers; for
finding the first field that is wrong or missing; and for keeping what the answer must repeat. How fields look on the
wire is the codec's business.
"""

import functools
import re
from typing import Final

import msgspec

from specs import iso8583
from specs.dialects import Dialect
from specs.limits import TOTALS_BLOCKS
from specs.sensitive import PAN
from specs.transaction import Kind, Line, MessageClass, Request, Total
from terminals.errors import MessageError
from terminals.iso8583_codec import Message
from terminals.iso8583_fields import Fields, parse_batch
from terminals.iso8583_tables import read_tables, with_tables
from terminals.tracks import parse_track1, parse_track2

_ECHOED: Final = (3, 4, 11, 24, 41, 42, 49, 60, 62)
_ECHOED_BY_NETWORK_CODE: Final = (3, 7, 11, 24, 41, 42, 70)
_NETWORK_CODE: Final = 70
_HAS_RECEIPT: Final = frozenset(
    {MessageClass.REQUEST, MessageClass.ADVICE, MessageClass.REVERSAL, MessageClass.UPLOAD, MessageClass.INQUIRY}
)
_TOTAL_DIGITS: Final = 15  # count (3) and amount (12)
_CARD_FIELDS: Final = frozenset({2, 35, 45})
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # 0229 is a day in some year


class Slip(msgspec.Struct, frozen=True):
    """What the way back needs: the return address, the answer's MTI, the fields it repeats as received. No secrets."""

    mti: str
    fields: dict[int, str]
    table: int
    shows_batch: bool
    tpdu: bytes = b""

    def __repr__(self) -> str:
        """Without values: in a message whose bytes are out of step anything may stand where an id should."""
        return f"Slip({self.mti}, fields {sorted(self.fields)})"


def read_request(message: Message, dialect: Dialect, line: Line, tpdu: bytes) -> tuple[Request, Slip]:
    """The request, malformed ones too if they can be answered, and its slip.

    Raises:
        MessageError: not even DE11 and DE41 could be read.
    """
    message_class = _class_of(message.mti)
    by_network_code = message_class is MessageClass.NETWORK and message.marks(_NETWORK_CODE)
    for number in (11,) if by_network_code else (11, 41):
        if number not in message.fields:
            raise MessageError(number)
    fields = Fields(message)
    request = _named(fields.values, message, message_class, line)
    if message_class is MessageClass.OTHER:
        wrong = min(fields.wrong, default=None)
    else:
        request, missing = _read_content(request, fields, dialect, by_network_code)
        wrong = min(fields.wrong or missing, default=None)
    if wrong is not None:
        request = msgspec.structs.replace(request, kind=Kind.MALFORMED, wrong_field=wrong)
    return request, _slip(message, dialect, request, by_network_code, tpdu)


def _class_of(mti: str) -> MessageClass:
    if mti[3] not in "01":
        return MessageClass.OTHER
    return iso8583.CLASSES.get(mti[:3], MessageClass.OTHER)


def _named(values: dict[int, str], message: Message, message_class: MessageClass, line: Line) -> Request:
    """Who says it: all there is to know of a message of another class."""
    return Request(
        message_class=message_class,
        kind=Kind.UNKNOWN,
        line=line,
        repeat=message.mti[3] == "1",
        merchant_id=values.get(42, "").strip(" "),
        terminal_id=values.get(41, "").strip(" "),
        stan=int(values[11]),
        nii=values.get(24, ""),
    )


def _read_content(
    request: Request, fields: Fields, dialect: Dialect, by_network_code: bool
) -> tuple[Request, set[int]]:
    """What it says, as far as it is right, and the numbers of the fields it lacks."""
    message_class = request.message_class
    processing_code = fields.values.get(3, "")
    transaction = dialect.find_transaction(message_class, processing_code)
    if by_network_code:
        kind = dialect.network_codes.get(fields.values.get(_NETWORK_CODE, ""), Kind.UNKNOWN)
        needs = frozenset({_NETWORK_CODE})
    else:
        kind = transaction.kind if transaction else Kind.UNKNOWN
        needs = _needs(message_class, transaction.needs if transaction else ())
    original = _read_original(fields, message_class)
    request = msgspec.structs.replace(
        request,
        kind=kind,
        card=_read_card(fields) if 2 in needs else None,
        amount=fields.take(4, int),
        currency=fields.values.get(49),
        local_date=fields.take(13, _parse_date),
        local_time=fields.take(12, _parse_time),
        batch=_read_batch(fields, message_class, is_void=processing_code.startswith("02")),
        receipt=fields.take(62, _parse_receipt) if message_class in _HAS_RECEIPT else None,
        rrn=_read_reference(fields, message_class),
        original_class=original[0] if original else None,
        original_stan=original[1] if original else None,
        totals=fields.take(63, _parse_totals) if message_class is MessageClass.SETTLEMENT else None,
    )
    tables = read_tables(fields, dialect, message_class)
    if tables:
        request = with_tables(request, tables, fields, dialect)
    missing = _missing(request, fields.values, needs)
    if transaction and message_class is not MessageClass.REVERSAL and not all(map(tables.text, transaction.tables)):
        missing.add(dialect.answer_table)  # where it would be looked for first
    return request, missing


# -- what is missing --------------------------------------------------------------------------------------------------
@functools.cache  # of some dozen rows of the dialects' tables
def _needs(message_class: MessageClass, needs: tuple[int, ...]) -> frozenset[int]:
    always = {3, 24}
    if message_class is MessageClass.ADVICE:
        always |= {12, 13}  # the time of the deed
    if message_class is MessageClass.UPLOAD:
        return frozenset(always | set(needs) | {60}) - {37}  # DE60 says which message it is
    if message_class is MessageClass.REVERSAL:
        return frozenset(always | set(needs)) - {37}  # its own DE11 is reference enough
    return frozenset(always | set(needs))


def _missing(request: Request, values: dict[int, str], needs: frozenset[int]) -> set[int]:
    missing = needs - values.keys()
    if request.card is not None:
        missing -= {2}
    if request.receipt is not None:
        missing -= {37}
    elif request.rrn is None:
        missing |= needs & {37}  # twelve spaces name nothing
    return set(missing)


# -- single fields ----------------------------------------------------------------------------------------------------
def _read_card(fields: Fields) -> PAN | None:
    """The one card that all card fields name; a field that names another is wrong."""
    card: PAN | None = None
    for number, parse in ((2, PAN), (35, parse_track2), (45, parse_track1)):
        found = fields.take(number, parse)
        if card is not None and found is not None and found != card:
            fields.refuse(number)
        card = card or found
    return card


def _read_batch(fields: Fields, message_class: MessageClass, is_void: bool) -> int | None:
    """DE60 by length: a batch number; the amount of a void is only checked. In uploads it is something else."""
    if message_class is MessageClass.UPLOAD:
        return None

    def parse(text: str) -> int | None:
        if len(text) == 6:
            return parse_batch(text)
        if is_void and len(text) == 12 and text.isdecimal():
            return None
        raise ValueError

    return fields.take(60, parse)


def _read_original(fields: Fields, message_class: MessageClass) -> tuple[MessageClass, int] | None:
    """Class and STAN of the message that is reversed (DE90) or uploaded (DE60)."""
    if message_class is MessageClass.REVERSAL:
        return fields.take(90, _parse_original)
    if message_class is MessageClass.UPLOAD:
        return fields.take(60, _parse_uploaded)
    return None


def _read_reference(fields: Fields, message_class: MessageClass) -> str | None:
    """DE37; in an upload the reference of the original, which stands in DE60 behind MTI and STAN."""
    text = fields.values.get(60, "")[10:] if message_class is MessageClass.UPLOAD else fields.values.get(37, "")
    return text.strip(" ") or None


def _parse_time(text: str) -> str:
    if not (text[:2] < "24" and text[2:4] < "60" and text[4:] < "60"):
        raise ValueError
    return text


def _parse_date(text: str) -> str:
    month, day = int(text[:2]), int(text[2:])
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]):
        raise ValueError
    return text


def _parse_receipt(text: str) -> str | None:
    if len(text) != 6:
        raise ValueError
    return text if text.strip(" ") else None


def _parse_original(text: str) -> tuple[MessageClass, int] | None:
    """MTI and STAN of DE90; an MTI that could have no reversal names nothing."""
    original_class = _class_of(text[:4])
    return None if original_class is MessageClass.OTHER else (original_class, int(text[4:10]))


def _parse_uploaded(text: str) -> tuple[MessageClass, int]:
    """MTI, STAN and RRN (or spaces) of the message that is uploaded; only two classes put something in a batch."""
    original_class = _class_of(text[:4]) if re.fullmatch("[0-9]{10}[A-Za-z0-9 ]{12}", text) else None
    if original_class not in (MessageClass.REQUEST, MessageClass.ADVICE):
        raise ValueError
    return original_class, int(text[4:10])


def _parse_totals(text: str) -> tuple[Total, ...]:
    """Blocks of count and amount."""
    blocks, rest = divmod(len(text), _TOTAL_DIGITS)
    if rest or blocks not in TOTALS_BLOCKS or not (text.isascii() and text.isdecimal()):
        raise ValueError
    starts = range(0, len(text), _TOTAL_DIGITS)
    return tuple(Total(int(text[start : start + 3]), int(text[start + 3 : start + _TOTAL_DIGITS])) for start in starts)


# -- the way back -----------------------------------------------------------------------------------------------------
def _slip(message: Message, dialect: Dialect, request: Request, by_network_code: bool, tpdu: bytes) -> Slip:
    echoed = _ECHOED_BY_NETWORK_CODE if by_network_code else _ECHOED
    is_settlement = request.message_class is MessageClass.SETTLEMENT
    return Slip(
        mti=_answer_mti(message.mti, request.message_class),
        fields={number: message.fields[number] for number in echoed if number in message.fields},
        table=dialect.settlement_table if is_settlement else dialect.answer_table,
        shows_batch=60 in message.fields or request.kind is Kind.LOGON,
        tpdu=tpdu,
    )


def _answer_mti(mti: str, message_class: MessageClass) -> str:
    last = mti[3] if message_class is MessageClass.OTHER else "0"
    return f"{mti[:2]}{int(mti[2]) + 1}{last}"
