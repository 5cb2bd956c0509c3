"""A VISA-2 record to the canonical Request, and what its answer must repeat (WIRE-VISA2.md sections 2 and 3).

Responsible for where fields begin and end, what they mean, and which is the first that is wrong. Codes and forms are
tables in `specs`.
"""

import re
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from specs.sensitive import PAN, Secret
from specs.transaction import Acceptor, Kind, Line, MessageClass, Request
from specs.visa2 import BLOCK_PIN, REQUEST_FIELDS, VARIABLE_FIELDS, Visa2Dialect
from terminals.errors import MessageError
from terminals.tracks import parse_track1, parse_track2
from terminals.visa2_blocks import FS, parse_blocks

T = TypeVar("T")

_FIXED: Final = sum(field.length for field in REQUEST_FIELDS)
_STORE, _TERMINAL, _SEQUENCE = slice(21, 25), slice(25, 29), slice(56, 60)
_CUSTOMER, _AMOUNT, _REVERSAL, _BLOCKS = 21, 24, 29, 30  # field numbers
_OTHER_LAYOUTS: Final = frozenset("JGKVH")  # records whose store, terminal and sequence number stand elsewhere
_KEYED: Final = frozenset("TX@P")
_TRACK1: Final = frozenset("H")
_ALONE: Final = frozenset("A")


class Visa2Slip(msgspec.Struct, frozen=True):
    """What the way back needs: who is answered, and what of the request the answer depends on. No secrets."""

    application_type: str
    store: str
    terminal: str
    sequence: str
    kind: Kind = Kind.UNKNOWN
    amount: int = 0
    currency: str = ""
    blocks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without values: in a record that is out of step anything may stand where a number should."""
        return f"Visa2Slip({self.kind.value})"


class _Wrong(Exception):
    """The number of the first field that is wrong."""

    def __init__(self, number: int) -> None:
        self.number = number


def read_request(record: bytes, dialect: Visa2Dialect, line: Line) -> tuple[Request, Visa2Slip]:
    """The request, malformed ones too if they can be answered, and its slip.

    Raises:
        MessageError: store, terminal and sequence number could not be read.
    """
    text = record.decode("latin-1")
    numbers = text[_STORE], text[_TERMINAL], text[_SEQUENCE]
    if text[:1] in _OTHER_LAYOUTS or not all(re.fullmatch("[0-9]{4}", number) for number in numbers):
        raise MessageError(None)
    slip = Visa2Slip(text[1] if text[1].isdecimal() else "0", *numbers)
    request = Request(
        MessageClass.REQUEST,
        Kind.MALFORMED,
        line,
        stan=int(numbers[2]),
        acceptor=Acceptor(text[9:21], numbers[0], numbers[1], text[3:9]),
        sequenced=True,
    )
    try:
        return _read_content(text, request, slip, dialect)
    except _Wrong as wrong:
        return msgspec.structs.replace(request, wrong_field=wrong.number), slip


def _read_content(text: str, request: Request, slip: Visa2Slip, dialect: Visa2Dialect) -> tuple[Request, Visa2Slip]:
    fields = _fixed_fields(text)
    transaction = dialect.transactions.get(fields[18])
    request = msgspec.structs.replace(request, currency=fields[10], language=dialect.languages.get(fields[13]))
    if transaction is None:  # what stands behind depends on the code
        return msgspec.structs.replace(request, kind=Kind.UNKNOWN), slip
    customer, rest = _customer_data(text[_FIXED:], fields[20])
    variable, blocks = _variable_fields(rest)
    card = _parse(_CUSTOMER, _card_parser(fields[20]), customer)
    if transaction.amount and not variable[_AMOUNT]:
        raise _Wrong(_AMOUNT)
    bodies = _parse(_BLOCKS, parse_blocks, blocks)
    amount = int(variable[_AMOUNT] or 0)
    pin = bodies.get(BLOCK_PIN, "").removesuffix(FS)
    request = msgspec.structs.replace(
        request,
        message_class=transaction.message_class,
        kind=transaction.kind,
        card=card,
        amount=amount,
        rrn=variable[_REVERSAL][18:].strip(" ") or None,
        pin=Secret(pin) if pin else None,
        partial=True,
    )
    slip = msgspec.structs.replace(
        slip, kind=transaction.kind, amount=amount, currency=fields[10], blocks=tuple(bodies)
    )
    return request, slip


def _fixed_fields(text: str) -> dict[int, str]:
    """Fields by number.

    Raises:
        _Wrong: one has another form.
    """
    found: dict[int, str] = {}
    place = 0
    for field in REQUEST_FIELDS:
        value = text[place : place + field.length]
        if len(value) < field.length or not re.fullmatch(field.form, value):
            raise _Wrong(field.number)
        found[field.number] = value
        place += field.length
    return found


def _customer_data(text: str, source: str) -> tuple[str, list[str]]:
    """Field 21 as it came in, without what stands behind the number; and the pieces behind it."""
    pieces = text.split(FS)
    if source not in _KEYED:
        return pieces[0], pieces[1:]
    if len(pieces) < 3 or pieces[2] or not re.fullmatch("([0-9]{4})?", pieces[1]):  # number, expiry, nothing
        raise _Wrong(_CUSTOMER)
    return pieces[0], pieces[3:]


def _variable_fields(pieces: list[str]) -> tuple[dict[int, str], str]:
    """Fields 22 to 29, and all of Group III."""
    found: dict[int, str] = {}
    for place, field in enumerate(VARIABLE_FIELDS):
        if place + 1 >= len(pieces) or not re.fullmatch(field.form, pieces[place]):  # FS closes it: a piece follows
            raise _Wrong(field.number)
        found[field.number] = pieces[place]
    return found, FS.join(pieces[len(VARIABLE_FIELDS) :])


def _card_parser(source: str) -> Callable[[str], PAN]:
    if source in _TRACK1:
        return parse_track1
    return PAN if source in _KEYED | _ALONE else parse_track2


def _parse(number: int, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError:
        raise _Wrong(number) from None
