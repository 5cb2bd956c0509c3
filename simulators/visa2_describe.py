"""VISA-2 frames for people, field by field; card data and PINs show only that they are there."""

import re
from collections.abc import Iterator

import msgspec

from simulators.describe import Row, mask_pan
from simulators.visa2_response import NOT_IN_OLD, OLD, Response, decode_response
from simulators.visa2_wire import ETB, ETX, FS, GS, STX, frame_name, unframe
from simulators.wire import WireError

_HEAD = ((1, "record format"), (1, "application type"), (1, "delimiter"))
_PLACE = ((6, "acquirer BIN"), (12, "merchant number"), (4, "store number"), (4, "terminal number"))
_REQUEST = (
    *_HEAD, *_PLACE, (1, "device code"), (1, "industry code"), (3, "currency code"), (3, "country code"),
    (9, "city code"), (2, "language indicator"), (3, "time zone"), (4, "merchant category"), (1, "requested ACI"),
    (4, "sequence number"), (2, "transaction code"), (1, "cardholder id"), (1, "account source"),
)  # fmt: skip
_OLD_REQUEST = (
    *_HEAD, *_PLACE, (4, "merchant category"), (3, "country code"), (5, "city code"), (3, "time zone"),
    (2, "transaction code"), (8, "terminal id number"), (1, "payment service"), (4, "sequence number"),
    (1, "cardholder id"), (1, "account source"),
)  # fmt: skip
_CONFIRMATION = (*_HEAD, (6, "acquirer BIN"), (8, "host message identifier"), (6, "trace number"))
_CAPTURE = (*_HEAD, (1, "routing id"), (5, "record type, groups"))
#: Of each record of a batch, by its letter: what stands behind the head, numbered as rejections number it.
_CAPTURED = {
    "H": (
        (6, "acquirer BIN"), (6, "agent bank"), (6, "agent chain"), (12, "merchant number"), (4, "store number"),
        (4, "terminal number"), (2, "device and industry"), (3, "currency code"), (2, "language indicator"),
        (3, "time zone"), (4, "transmission date"), (3, "batch number"), (1, "blocking indicator"),
    ),
    "P": (
        (3, "country code"), (9, "city code"), (4, "merchant category"), (25, "merchant name"), (13, "merchant city"),
        (2, "state"), (5, "location number"), (8, "terminal id number"),
    ),
    "D": (
        (2, "transaction code"), (1, "cardholder id"), (1, "account source"), (22, "account number"),
        (1, "requested ACI"), (1, "returned ACI"), (1, "authorization source"), (4, "sequence number"),
        (2, "response code"), (6, "approval code"), (4, "local date"), (6, "local time"), (1, "AVS result"),
        (15, "transaction id"), (4, "validation code"), (1, "void indicator"), (2, "transaction status"),
        (1, "reimbursement"), (12, "settlement amount"), (12, "authorized amount"),
    ),
    "T": (
        (4, "transmission date"), (3, "batch number"), (9, "record count"), (16, "hashing total"),
        (16, "cash-back total"), (16, "net deposit"),
    ),
    "R": (
        (9, "record count"), (16, "net deposit"), (2, "response code"), (2, "filler"), (3, "batch number"),
    ),
}  # fmt: skip
#: Behind the fixed part of a settlement response.
_TAILS = {
    "GB": ((9, "response text"),),
    "QD": ((4, "date of the batch held"),),
    "RB": ((1, "error type"), (4, "record"), (1, "its letter"), (2, "its field")),
}
_VARIABLE = (
    "cardholder identification", "receiving institution", "amount", "secondary amount", "market data",
    "card acceptor", "transaction id", "reversal data",
)  # fmt: skip
_OLD_VARIABLE = (
    "cardholder identification", "amount", "device and industry", "receiving institution", "secondary amount",
)  # fmt: skip
_DEBIT = ("reversal data II", "sharing group", "ABA and settlement agent", "agent bank, chain, batch")
_BLOCK_NAMES = {"020": "developer", "200": "gift card", "900": "points", "901": "batch", "902": "static PIN"}
_HIDDEN_BLOCKS = ("007", "052", "055", "902")
_KEYED = "TX@P"
_ACCOUNT = "account number"


class Described(msgspec.Struct, frozen=True):
    """A frame: what is around the record, its fields, or what is wrong. Of a character only its name."""

    heading: str
    rows: list[Row] = []
    problem: str | None = None


def describe_pasted(text: str) -> list[Described]:
    """Frames and characters in hex, as they went over a line; or a record alone."""
    digits = "".join(text.split())
    try:
        raw = bytes.fromhex(digits)
    except ValueError:
        return [Described("", [], "not hexadecimal, or half a byte at the end")]
    if not raw or raw[0] & 0x7F >= ord(" "):
        return [_described(raw, 0, len(raw))]
    return list(_pieces(raw))


def _pieces(raw: bytes) -> Iterator[Described]:
    """One after another; nothing behind one that is wrong."""
    plain = bytes(byte & 0x7F for byte in raw)
    place = 0
    while place < len(raw):
        if plain[place : place + 1] != STX:
            yield Described(frame_name(plain[place : place + 1]))
            place += 1
            continue
        ends = [found for found in (plain.find(ETX, place), plain.find(ETB, place)) if found >= 0]
        end = min(ends) + 2 if ends else len(raw)
        found = _described(raw[place:end], place, len(raw))
        yield found
        if found.problem:
            return
        place = end


def _described(raw: bytes, place: int, whole: int) -> Described:
    framed = raw[:1] in (STX, b"\x82")
    try:
        record = unframe(raw) if framed else raw
        rows = describe_record(record)
    except WireError as error:
        return Described("", [], f"{error.text}, at byte {place + error.offset} of {whole}")
    around = ", even parity" if raw[:1] == b"\x82" else ", no parity" if framed else ""
    name = rows[0][2] if rows[0][1] == "record format" else "answer to J"
    return Described(f"record {name} of {len(record)} characters{around}", rows)


def describe_record(record: bytes) -> list[Row]:
    """Rows of field number, name and masked value."""
    text = record.decode("latin-1")
    if text[2:3] != ".":
        if not re.match("[ANY ][0-9]{8}", text):
            raise WireError("this is no record D, T, J, K or V, and no response")
        return _response_rows(decode_response(record, OLD))
    match text[0]:
        case "E" | "U":
            return _response_rows(decode_response(record))
        case "D" | "T":
            return _request_rows(text, _REQUEST, _VARIABLE)
        case "J":
            return _request_rows(text, _OLD_REQUEST, _OLD_VARIABLE)
        case "V":
            return _fixed(text, _CONFIRMATION)[0]
        case "K":
            return _captured_rows(text)
    raise WireError("this is no record D, T, J, K or V, and no response")


def _fixed(text: str, fields: tuple[tuple[int, str], ...], first: int = 1, place: int = 0) -> tuple[list[Row], int]:
    """Rows of fields of fixed lengths, and where they end."""
    rows: list[Row] = []
    for number, (length, name) in enumerate(fields, first):
        value = text[place : place + length]
        if len(value) < length:
            raise WireError(f"the record is cut off in its field {number}", place)
        rows.append((str(number), name, mask_pan(value.rstrip()) if name == _ACCOUNT else value))
        place += length
    return rows, place


def _request_rows(text: str, fixed: tuple[tuple[int, str], ...], variable: tuple[str, ...]) -> list[Row]:
    rows, place = _fixed(text, fixed)
    pieces = text[place:].split(FS)
    keyed = rows[-1][2] in _KEYED and len(pieces) > 2
    number = len(rows) + 1
    rows.append((str(number), "customer data", _customer(pieces[0], "keyed" if keyed else "")))
    behind = pieces[1:] if not keyed else pieces[2:] if text[0] == OLD else pieces[3:]
    for name, value in zip(variable, behind, strict=False):
        number += 1
        hidden = value and name == variable[0]
        rows.append((str(number), name, f"[{len(value)} characters hidden]" if hidden else value))
    behind = behind[len(variable) :]
    if text[0] == "T":
        rows += [("II", name, value) for name, value in zip(_DEBIT, behind, strict=False)]
        behind = behind[len(_DEBIT) :]
    return rows + (_block_rows(FS.join(behind)) if text[0] != OLD else [])


def _captured_rows(text: str) -> list[Row]:
    head, place = _fixed(text, _CAPTURE)
    letter = text[4]
    if letter not in _CAPTURED:
        raise WireError("a record K is H, P, D, T or R", 4)
    rows, place = _fixed(text, _CAPTURED[letter], len(head) + 1, place)
    if letter == "R":
        tail = _TAILS.get(text[34:36], ())
        more, place = _fixed(text, tail, len(head) + len(rows) + 1, place)
        rows += more
    rest = text[place:].rstrip()  # optional groups, or what was rejected: a card number may be in it
    return head + rows + ([("", "what follows", f"[{len(rest)} characters hidden]")] if rest else [])


def _customer(value: str, keyed: str) -> str:
    """The number masked; of a track only how long it is."""
    if value.isdecimal():
        return f"{mask_pan(value)} {keyed}".strip()
    return f"[{len(value)} characters of a track hidden]" if value else ""


def _response_rows(response: Response) -> list[Row]:
    values = msgspec.structs.asdict(response)
    blocks, debit = values.pop("blocks"), values.pop("debit")
    if response.letter == OLD:
        values = {name: value for name, value in values.items() if name not in NOT_IN_OLD}
    names = {"letter": "record format"}
    rows = [
        (str(number), names.get(name, name.replace("_", " ")), value)
        for number, (name, value) in enumerate(values.items(), 1)
    ]
    rows += [("II", "debit", debit)] if debit else []
    return rows + _block_rows(GS.join(version + body for version, body in blocks))


def _block_rows(text: str) -> list[Row]:
    rows: list[Row] = []
    for piece in text.split(GS) if text else ():
        version, body = piece[:3], piece[3:].replace(FS, " / ")
        shown = f"[{len(body)} characters hidden]" if version in _HIDDEN_BLOCKS else body
        rows.append((f"III {version}", _BLOCK_NAMES.get(version, "block"), shown))
    return rows
