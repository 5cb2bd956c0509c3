"""What a VISA-2 terminal makes of a response: its fields, and the answer the other dialects would have given.

The responses to D and T say which record they are, E and U; those to J do not: who asked must know.
"""

import re
from typing import Literal

import msgspec

from simulators.demo import DemoTerminal
from simulators.requests import POINTS_UNIT
from simulators.tables import AVAILABLE, encode_tables
from simulators.visa2_manner import Record
from simulators.visa2_wire import BLOCK_BATCH, BLOCK_GIFT, BLOCK_POINTS, FS, GS, code_of, sequence_of
from simulators.wire import Message, WireError

_CASH_OUT = "G2"
_CONFIRMED_CHARACTERS = 6 + 8 + 6  # acquirer BIN, host message identifier, trace number
_RESPONSE_FIELDS = (
    ("letter", 1), ("application_type", 1), ("delimiter", 1), ("aci", 1), ("store", 4), ("terminal", 4), ("source", 1),
    ("sequence", 4), ("code", 2), ("approval", 6), ("date", 6), ("time", 6), ("text", 16), ("avs", 1), ("rrn", 12),
    ("market", 1),
)  # fmt: skip
NOT_IN_OLD = (
    "letter",
    "application_type",
    "delimiter",
    "time",
    "rrn",
    "market",
)  # the answer to J has no place for them
_OLD_FIELDS = tuple(field for field in _RESPONSE_FIELDS if field[0] not in NOT_IN_OLD)
OLD: Literal["J"] = "J"


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A record E or U, field by field; or J, of which the letter and some fields stand nowhere."""

    letter: str = OLD
    application_type: str = ""
    delimiter: str = ""
    aci: str
    store: str
    terminal: str
    source: str
    sequence: str
    code: str
    approval: str
    date: str
    time: str = ""
    text: str
    avs: str
    rrn: str = ""
    market: str = ""
    transaction_id: str
    validation: str
    blocks: tuple[tuple[str, str], ...] = ()
    debit: str = ""  # group II of a record U

    def block(self, version: str) -> str | None:
        return dict(self.blocks).get(version)


def confirmation_record(response: Response, application_type: str) -> bytes:
    """The record V: what group II of the response said."""
    return f"V{application_type}.{response.debit[:_CONFIRMED_CHARACTERS]}".encode("ascii")


def decode_response(record: bytes, asked: Record = "D") -> Response:
    text = record.decode("latin-1")
    values: dict[str, str] = {}
    place = 0
    for name, length in _OLD_FIELDS if asked == OLD else _RESPONSE_FIELDS:
        values[name] = text[place : place + length]
        if len(values[name]) < length:
            raise WireError(f"the record is cut off in its field {name}", place)
        place += length
    letter = values.get("letter", OLD)
    separators = 3 if letter == "U" else 2
    rest = text[place:].split(FS, separators)
    if letter not in ("E", "U", OLD) or len(rest) <= separators or (letter == OLD and rest[-1]):
        raise WireError("this is no response: another letter, or other separators behind the fixed part", place)
    blocks = tuple((piece[:3], piece[3:]) for piece in rest[-1].split(GS) if piece)
    group = rest[2] if letter == "U" else ""
    return Response(**values, transaction_id=rest[0], validation=rest[1], blocks=blocks, debit=group)


def encode_response(response: Response) -> bytes:
    names = _OLD_FIELDS if response.letter == OLD else _RESPONSE_FIELDS
    fixed = "".join(getattr(response, name) for name, _ in names)
    blocks = GS.join(version + body for version, body in response.blocks)
    debit = f"{response.debit}{FS}" if response.letter == "U" else ""
    return f"{fixed}{response.transaction_id}{FS}{response.validation}{FS}{debit}{blocks}".encode("latin-1")


def is_response_to(response: Response, request: Message, who: DemoTerminal) -> bool:
    here = who.visa2
    return here is not None and (response.store, response.terminal, response.sequence) == (
        here.store_number,
        here.terminal_number,
        sequence_of(request),
    )


def answer_message(response: Response, request: Message, currency: str) -> Message:
    """The response as the answer that the other dialects would have given to `request`."""
    fields: dict[int, str] = {
        number: request.fields[number] for number in (3, 11, 24, 41, 42, 49, 62) if number in request.fields
    }
    fields |= {13: response.date[:4], 39: response.code}
    if response.time:
        fields[12] = response.time
    if response.approval.strip():
        fields[38] = response.approval
    if response.rrn.strip():
        fields[37] = response.rrn
    balance, used = _gift_block(response)
    points = _points_block(response)
    if request.mti[:3] == "020" and request.get(4):
        fields[4] = request.get(4)
    if used is not None:
        fields[4] = f"{used:012d}"
    if balance is not None and code_of(request) != _CASH_OUT:
        sign = "D" if balance < 0 else "C"
        fields[54] = f"60{AVAILABLE}{request.get(49) or currency}{sign}{abs(balance):012d}"
    if points:
        fields[54] = f"90{AVAILABLE}{POINTS_UNIT}{_signed(points[0], 12)}"
    if response.block(BLOCK_BATCH):
        fields |= _batch_fields(response)
    if response.letter == OLD and (shown := _balance_text(response.text, request.get(49) or currency)):
        fields[54] = shown
    tables = [("22", response.text.strip())] if response.text.strip() else []
    if points and code_of(request)[0] == "L" and code_of(request) != "LC":
        tables.append(("PT", f"{points[1]:010d}{points[2]:010d}{_signed(points[0], 10)}{0:010d}000000"))
    if tables:
        fields[48] = encode_tables(tables, "visa2")
    return Message(f"{request.mti[:2]}{int(request.mti[2]) + 1}0", fields)


def _balance_text(text: str, currency: str) -> str:
    """DE54 of `BAL      150.00 ` or `PTS        1250 `, where nothing else tells the balance."""
    found = re.fullmatch(r"(BAL|PTS) +(-?)(\d+)(?:\.(\d+))? ", text)
    if not found:
        return ""
    account, unit = ("60", currency) if found[1] == "BAL" else ("90", POINTS_UNIT)
    return f"{account}{AVAILABLE}{unit}{'D' if found[2] else 'C'}{found[3] + (found[4] or ''):0>12}"


def _signed(amount: int, digits: int) -> str:
    return f"{'D' if amount < 0 else 'C'}{abs(amount):0{digits}d}"


def _points_block(response: Response) -> tuple[int, int, int] | None:
    """Balance, earned, redeemed."""
    parts = (response.block(BLOCK_POINTS) or "").split(FS)
    if len(parts) < len(("balance", "earned", "redeemed")) or not parts[0]:
        return None
    try:
        balance, earned, redeemed = (int(part or 0) for part in parts[:3])
    except ValueError:
        raise WireError("block 900 of the response is not made of amounts") from None
    return balance, earned, redeemed


def _batch_fields(response: Response) -> dict[int, str]:
    """The number as DE60, and the host's totals as DE63 where they came."""
    number, *rest = (response.block(BLOCK_BATCH) or "").split(FS)[:-1]
    try:
        fields = {60: f"{int(number):06d}"}
        if len(rest) == len(("count", "amount")) * 2:
            counts, amounts = map(int, rest[::2]), map(int, rest[1::2])
            fields[63] = "".join(
                f"{count % 1000:03d}{amount:012d}" for count, amount in zip(counts, amounts, strict=True)
            )
    except ValueError:
        raise WireError("block 901 of the response is not made of numbers") from None
    return fields


def _gift_block(response: Response) -> tuple[int | None, int | None]:
    """Balance and amount used; None where the block does not say."""
    body = response.block(BLOCK_GIFT)
    if body is None:
        return None, None
    parts = body.split(FS)
    try:
        balance, used = (int(part) if part else None for part in parts[:2])
    except ValueError:
        raise WireError("block 200 of the response is not two amounts") from None
    return balance, used
