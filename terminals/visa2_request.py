"""A VISA-2 record to the canonical Request, and what its answer must repeat (WIRE-VISA2.md sections 2 and 3).

Responsible for where fields begin and end, what they mean, and which is the first that is wrong. Codes and forms are
tables in `specs`.
"""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from specs.limits import TOTALS_COUNT
from specs.sensitive import PAN, Secret
from specs.transaction import Acceptor, Kind, Line, MessageClass, Request, Total
from specs.visa2 import (
    BLOCK_BATCH,
    BLOCK_PIN,
    BLOCK_POINTS,
    DEBIT_FIELDS,
    OLD_REQUEST_FIELDS,
    OLD_VARIABLE_FIELDS,
    REQUEST_FIELDS,
    VARIABLE_FIELDS,
    Field,
    Visa2Dialect,
)
from terminals.errors import MessageError
from terminals.tracks import parse_track1, parse_track2
from terminals.visa2_blocks import FS, parse_blocks

T = TypeVar("T")
Text = TypeVar("Text", str, str | None)

DEBIT: Final = "T"  # wants its answer confirmed
OLD: Final = "J"  # the record of the generation before, without blocks and references
_OTHER_LAYOUTS: Final = frozenset("GKVH")  # records whose store, terminal and sequence number stand elsewhere
_CUSTOMER, _AMOUNT, _REVERSAL, _BLOCKS = 21, 24, 29, 30  # field numbers
_KEYED: Final = frozenset("TX@P")
_TRACK1: Final = frozenset("H")
_ALONE: Final = frozenset("A")


class _Layout(NamedTuple):
    """Where what stands in a record."""

    fixed: tuple[Field, ...]
    variable: tuple[Field, ...]
    sequence: slice


_STORE, _TERMINAL = slice(21, 25), slice(25, 29)
_NEW: Final = _Layout(REQUEST_FIELDS, VARIABLE_FIELDS, slice(56, 60))
_LAYOUTS: Final = {
    DEBIT: _Layout(REQUEST_FIELDS, VARIABLE_FIELDS + DEBIT_FIELDS, slice(56, 60)),
    OLD: _Layout(OLD_REQUEST_FIELDS, OLD_VARIABLE_FIELDS, slice(55, 59)),
}
_AGENT_BANK, _AGENT_CHAIN = slice(0, 6), slice(6, 12)  # of the last field of group II


class Visa2Slip(msgspec.Struct, frozen=True):
    """What the way back needs: who is answered, and what of the request the answer depends on. No secrets."""

    letter: str
    application_type: str
    store: str
    terminal: str
    sequence: str
    kind: Kind = Kind.UNKNOWN
    amount: int = 0
    currency: str = ""
    blocks: tuple[str, ...] = ()
    acquirer: str = ""
    undoable: bool = False  # it may have moved something

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
    layout = _LAYOUTS.get(text[:1], _NEW)
    numbers = text[_STORE], text[_TERMINAL], text[layout.sequence]
    if text[:1] in _OTHER_LAYOUTS or not all(re.fullmatch("[0-9]{4}", number) for number in numbers):
        raise MessageError(None)
    slip = Visa2Slip(text[0], text[1] if text[1].isdecimal() else "0", *numbers)
    request = Request(
        MessageClass.REQUEST,
        Kind.MALFORMED,
        line,
        stan=int(numbers[2]),
        acceptor=Acceptor(text[9:21], numbers[0], numbers[1], text[3:9]),
        sequenced=True,
    )
    try:
        return _read_content(text, layout, request, slip, dialect)
    except _Wrong as wrong:
        return msgspec.structs.replace(request, wrong_field=wrong.number), slip


def _read_content(
    text: str, layout: _Layout, request: Request, slip: Visa2Slip, dialect: Visa2Dialect
) -> tuple[Request, Visa2Slip]:
    fields, rest = _fixed_fields(text, layout)
    transaction = dialect.transactions.get(fields[18])
    request = msgspec.structs.replace(
        request, currency=fields.get(10), language=dialect.languages.get(fields.get(13, ""))
    )
    slip = msgspec.structs.replace(slip, acquirer=fields[4])
    if transaction is None:  # what stands behind depends on the code
        return msgspec.structs.replace(request, kind=Kind.UNKNOWN), slip
    of_batch = transaction.message_class in _OF_BATCHES
    customer, pieces = _customer_data(rest.split(FS), fields[20], slip.letter == OLD, of_batch)
    variable, behind = _variable_fields(pieces, layout)
    if slip.letter == DEBIT:
        request = _with_agents(request, variable[_BLOCKS])
    card = None if of_batch else _parse(_CUSTOMER, _card_parser(fields[20]), customer)
    if transaction.amount and not variable[_AMOUNT]:
        raise _Wrong(_AMOUNT)
    bodies = _parse(_BLOCKS, parse_blocks, "" if slip.letter == OLD else behind)
    amount = int(variable[_AMOUNT] or 0)
    request = msgspec.structs.replace(
        request,
        message_class=transaction.message_class,
        kind=transaction.kind,
        card=card,
        amount=None if of_batch else amount,
        rrn=variable.get(_REVERSAL, "")[18:].strip(" ") or None,
        pin=_read_pin(bodies),
        partial=slip.letter != OLD,  # which could not be told how much it was
        texts=BLOCK_POINTS in bodies,
        awaits_confirmation=slip.letter == DEBIT,
        **_parse(_BLOCKS, lambda body: read_batch(body, transaction.kind), bodies.get(BLOCK_BATCH)) if of_batch else {},
    )
    undoable = transaction.message_class is MessageClass.REQUEST
    slip = msgspec.structs.replace(
        slip, undoable=undoable, kind=transaction.kind, amount=amount, currency=fields.get(10, ""), blocks=tuple(bodies)
    )
    return request, slip


_OF_BATCHES: Final = frozenset({MessageClass.NETWORK, MessageClass.SETTLEMENT})


def _fixed_fields(text: str, layout: _Layout) -> tuple[dict[int, str], str]:
    """Fields by number, and what stands behind them.

    Raises:
        _Wrong: one has another form.
    """
    found: dict[int, str] = {}
    place = 0
    for field in layout.fixed:
        value = text[place : place + field.length]
        if len(value) < field.length or not re.fullmatch(field.form, value):
            raise _Wrong(field.number)
        found[field.number] = value
        place += field.length
    return found, text[place:]


def _customer_data(pieces: list[str], source: str, old: bool, of_batch: bool) -> tuple[str, list[str]]:
    """Field 21, without what stands behind the number; and the pieces behind it."""
    if of_batch:  # not looked at: only where it ends, which the amount shows
        return "", pieces[1:] if len(pieces) > 3 and pieces[3].isdecimal() else pieces[3:]
    if source not in _KEYED:
        return pieces[0], pieces[1:]
    if len(pieces) < 3 or not re.fullmatch("([0-9]{4})?", pieces[1]):
        raise _Wrong(_CUSTOMER)
    if old:
        return pieces[0], _behind_old_expiry(pieces[2:])
    if pieces[2]:  # number, expiry, nothing
        raise _Wrong(_CUSTOMER)
    return pieces[0], pieces[3:]


def _behind_old_expiry(pieces: list[str]) -> list[str]:
    """From field 22 on. Terminals differ in whether one separator, two or three stand between expiry and amount."""
    if re.fullmatch("[0-9]{3,12}", pieces[0]) and len(pieces) > 1 and len(pieces[1]) == 2:
        return ["", *pieces]
    extra = len(pieces) > 2 and pieces[:2] == ["", ""] and pieces[2].isdecimal()
    return pieces[1:] if extra else pieces


def _variable_fields(pieces: list[str], layout: _Layout) -> tuple[dict[int, str], str]:
    """Fields by number, and all of Group III."""
    found: dict[int, str] = {}
    for place, field in enumerate(layout.variable):
        if place + 1 >= len(pieces) or not re.fullmatch(field.form, pieces[place]):  # FS closes it: a piece follows
            raise _Wrong(field.number)
        found[field.number] = pieces[place]
    return found, FS.join(pieces[len(layout.variable) :])


def _with_agents(request: Request, agents: str) -> Request:
    assert request.acceptor is not None, "records name their terminals by numbers"
    acceptor = msgspec.structs.replace(
        request.acceptor, agent_bank=agents[_AGENT_BANK], agent_chain=agents[_AGENT_CHAIN]
    )
    return msgspec.structs.replace(request, acceptor=acceptor)


def read_batch(body: str | None, kind: Kind) -> dict[str, Any]:
    """Batch number and totals of block 901: debits are the first block of totals, credits the second.

    Raises:
        ValueError: it lacks what `kind` needs.
    """
    number, *rest = (body or FS).removesuffix(FS).split(FS)
    if int(number or 1) == 0 or (not number and kind is not Kind.LOGON) or (kind is Kind.SETTLE and not rest):
        raise ValueError
    totals = None
    if kind is Kind.SETTLE:
        counts, amounts = rest[::2], rest[1::2]
        totals = tuple(
            Total(int(count) % TOTALS_COUNT, int(amount)) for count, amount in zip(counts, amounts, strict=True)
        )
    return {"batch": int(number) if number else None, "totals": totals}


def _read_pin(bodies: dict[str, str]) -> Secret | None:
    pin = bodies.get(BLOCK_PIN, "").removesuffix(FS)
    return Secret(pin) if pin else None


def _card_parser(source: str) -> Callable[[str], PAN]:
    if source in _TRACK1:
        return parse_track1
    return PAN if source in _KEYED | _ALONE else parse_track2


def _parse(number: int, parse: Callable[[Text], T], text: Text) -> T:
    try:
        return parse(text)
    except ValueError:
        raise _Wrong(number) from None
