"""VISA-2 frames and records as a terminal makes and reads them. No sockets here, and no word of the switch's own codec.

A request begins as the same `Message` that the ISO 8583 dialects send; what VISA-2 has no code for is a WireError.
"""

import functools
import operator

import msgspec

from simulators.demo import DemoTerminal
from simulators.requests import POINTS_UNIT, card_number
from simulators.tables import AVAILABLE, encode_tables, find_tables
from simulators.totals import decode_totals
from simulators.wire import Message, WireError

STX, ETX, EOT, ENQ, ACK, BEL, NAK, ETB = (bytes([code]) for code in (2, 3, 4, 5, 6, 7, 0x15, 0x17))
FS, GS = "\x1c", "\x1d"
SEQUENCE_MAX = 9999

#: Transaction code by message class and processing code, as far as its fifth digit.
CODES = {
    ("0100", "31600"): "G3",
    ("0200", "72006"): "GC",
    ("0200", "21006"): "G6",
    ("0200", "20006"): "G5",
    ("0200", "00600"): "G4",
    ("0200", "01600"): "G2",
    ("0200", "09600"): "GG",
    ("0200", "22600"): "G7",
    ("0200", "02006"): "GE",
    ("0200", "02600"): "GE",
    ("0100", "31900"): "L3",
    ("0200", "72009"): "LC",
    ("0200", "00009"): "L6",
    ("0200", "00900"): "L4",
    ("0200", "20009"): "L5",
    ("0200", "02009"): "LE",
    ("0200", "02900"): "LE",
    ("0800", "92000"): "X1",
    ("0500", "92000"): "X2",
    ("0500", "94000"): "X3",
}
_CASH_OUT = "G2"
_BLOCK_GIFT, _BLOCK_POINTS, _BLOCK_BATCH, _BLOCK_PIN = "200", "900", "901", "902"
_BATCH_DIGITS = 3
_SHARING_GROUP = "V"
_CONFIRMED_CHARACTERS = 6 + 8 + 6  # acquirer BIN, host message identifier, trace number
_RESPONSE_FIELDS = (
    ("letter", 1), ("application_type", 1), ("delimiter", 1), ("aci", 1), ("store", 4), ("terminal", 4), ("source", 1),
    ("sequence", 4), ("code", 2), ("approval", 6), ("date", 6), ("time", 6), ("text", 16), ("avs", 1), ("rrn", 12),
    ("market", 1),
)  # fmt: skip


class Response(msgspec.Struct, frozen=True):
    """A record E or U, field by field."""

    letter: str
    application_type: str
    delimiter: str
    aci: str
    store: str
    terminal: str
    source: str
    sequence: str
    code: str
    approval: str
    date: str
    time: str
    text: str
    avs: str
    rrn: str
    market: str
    transaction_id: str
    validation: str
    blocks: tuple[tuple[str, str], ...]
    debit: str = ""  # group II of a record U

    def block(self, version: str) -> str | None:
        return dict(self.blocks).get(version)


# -- frames -----------------------------------------------------------------------------------------------------------
def check_character(data: bytes) -> int:
    return functools.reduce(operator.xor, (byte & 0x7F for byte in data), 0)


def frame(record: bytes, *, more: bool = False) -> bytes:
    ended = record + (ETB if more else ETX)
    return STX + ended + bytes([check_character(ended)])


def unframe(data: bytes) -> bytes:
    """The record of a whole frame, in either parity."""
    plain = bytes(byte & 0x7F for byte in data)
    if plain[:1] != STX or len(plain) < 4 or plain[-2:-1] not in (ETX, ETB):
        raise WireError("no frame: STX, a record, ETX or ETB, and a check character are needed")
    if check_character(plain[1:]):
        raise WireError("the check character does not fit", len(plain) - 1)
    return plain[1:-2]


# -- requests ---------------------------------------------------------------------------------------------------------
def sequence_of(request: Message) -> str:
    """Trace numbers have six digits here, sequence numbers four: they go round sooner."""
    return f"{(int(request.get(11)) - 1) % SEQUENCE_MAX + 1:04d}"


def request_record(request: Message, who: DemoTerminal, application_type: str = "0", *, debit: bool = False) -> bytes:
    """The record D that says what `request` says; T where the answer is to be confirmed."""
    if who.visa2 is None:
        raise WireError(f"terminal {who.terminal_id} has no VISA-2 numbers in demo.json")
    code = code_of(request)
    here = who.visa2
    track = request.get(35).replace("D", "=")
    source, customer = ("D", track) if track else ("@", f"{card_number(request)}{FS}{FS}")
    fixed = (
        f"{'T' if debit else 'D'}{application_type}.{here.acquirer_bin}"
        f"{here.merchant_number}{here.store_number}{here.terminal_number}"
        f"ER{request.get(49) or who.currency}000000000000{here.time_zone:0>5}{here.mcc}N{sequence_of(request)}"
        f"{code}@{source}"
    )
    fields = [customer, "", "", request.get(4).lstrip("0") or "0", "", "", "", "", _reversal_data(request, code)]
    blocks = [_asked_block(request, code)]
    if pin := find_tables(request, "visa2").get("SC"):
        blocks.append(f"{_BLOCK_PIN}{pin}{FS}")
    if debit:
        fields += ["", _SHARING_GROUP, "", f"{here.agent_bank}{here.agent_chain}{request.get(60)[-3:]:0>3}0"]
    return (fixed + FS.join([*fields, ""]) + GS.join(blocks)).encode("ascii")


def confirmation_record(response: Response, application_type: str) -> bytes:
    """The record V: what group II of the response said."""
    return f"V{application_type}.{response.debit[:_CONFIRMED_CHARACTERS]}".encode("ascii")


def is_upload(request: Message) -> bool:
    """Whether it stands for a whole data capture session."""
    return request.mti == "0500" and request.get(3).startswith("96")


def code_of(request: Message) -> str:
    """The transaction code, or an error that says there is none."""
    kind = request.get(3)[:5]
    if request.mti[:2] == "04":
        reversed_code = CODES.get(("0200", kind))
        found = f"{reversed_code[0]}F" if reversed_code else None
    else:
        found = CODES.get((request.mti[:3] + "0", kind))
    if found is None:
        raise WireError(f"VISA-2 has no code for {request.mti} {request.get(3)}")
    return found


def _asked_block(request: Message, code: str) -> str:
    """The block whose answer is wanted; for batches it says which, and the totals claimed."""
    if code[0] == "G":
        return f"{_BLOCK_GIFT}{FS}{FS}"
    if code[0] == "L":
        return f"{_BLOCK_POINTS}{FS}{FS}{FS}"
    number = request.get(60)[-_BATCH_DIGITS:]
    if code == "X2":
        (debits, credits) = (decode_totals(request.get(63)) + [(0, 0)] * 2)[:2]
        claimed = [f"{count:06d}{FS}{amount:012d}" for count, amount in (debits, credits)]
        return f"{_BLOCK_BATCH}{number}{FS}{FS.join(claimed)}{FS}"
    return f"{_BLOCK_BATCH}{number}{FS}"


def _reversal_data(request: Message, code: str) -> str:
    """Field 29: approval code, date, time, reference. The reversal of a void names nothing: the newest one is meant."""
    of_void = code[1] == "F" and request.get(3).startswith("02")
    rrn = "" if of_void else request.get(37)
    return f"{'':18}{rrn:12}" if rrn else ""


# -- responses --------------------------------------------------------------------------------------------------------
def decode_response(record: bytes) -> Response:
    text = record.decode("latin-1")
    values: dict[str, str] = {}
    place = 0
    for name, length in _RESPONSE_FIELDS:
        values[name] = text[place : place + length]
        if len(values[name]) < length:
            raise WireError(f"the record is cut off in its field {name}", place)
        place += length
    debit = values["letter"] == "U"
    rest = text[place:].split(FS, 3 if debit else 2)
    if values["letter"] not in ("E", "U") or len(rest) < (4 if debit else 3):
        raise WireError("this is no record E or U with its separators behind the fixed part", place)
    blocks = tuple((piece[:3], piece[3:]) for piece in rest[-1].split(GS) if piece)
    group = rest[2] if debit else ""
    return Response(**values, transaction_id=rest[0], validation=rest[1], blocks=blocks, debit=group)


def encode_response(response: Response) -> bytes:
    fixed = "".join(getattr(response, name) for name, _ in _RESPONSE_FIELDS)
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
    fields |= {12: response.time, 13: response.date[:4], 39: response.code}
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
    if response.block(_BLOCK_BATCH):
        fields |= _batch_fields(response)
    tables = [("22", response.text.strip())] if response.text.strip() else []
    if points and code_of(request)[0] == "L" and code_of(request) != "LC":
        tables.append(("PT", f"{points[1]:010d}{points[2]:010d}{_signed(points[0], 10)}{0:010d}000000"))
    if tables:
        fields[48] = encode_tables(tables, "visa2")
    return Message(f"{request.mti[:2]}{int(request.mti[2]) + 1}0", fields)


def _signed(amount: int, digits: int) -> str:
    return f"{'D' if amount < 0 else 'C'}{abs(amount):0{digits}d}"


def _points_block(response: Response) -> tuple[int, int, int] | None:
    """Balance, earned, redeemed."""
    parts = (response.block(_BLOCK_POINTS) or "").split(FS)
    if len(parts) < len(("balance", "earned", "redeemed")) or not parts[0]:
        return None
    try:
        balance, earned, redeemed = (int(part or 0) for part in parts[:3])
    except ValueError:
        raise WireError("block 900 of the response is not made of amounts") from None
    return balance, earned, redeemed


def _batch_fields(response: Response) -> dict[int, str]:
    """The number as DE60, and the host's totals as DE63 where they came."""
    number, *rest = (response.block(_BLOCK_BATCH) or "").split(FS)[:-1]
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
    body = response.block(_BLOCK_GIFT)
    if body is None:
        return None, None
    parts = body.split(FS)
    try:
        balance, used = (int(part) if part else None for part in parts[:2])
    except ValueError:
        raise WireError("block 200 of the response is not two amounts") from None
    return balance, used
