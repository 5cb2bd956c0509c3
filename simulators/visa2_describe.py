"""A VISA-2 frame for people, field by field; card data and PINs show only that they are there."""

import msgspec

from simulators.describe import Row, mask_pan
from simulators.visa2_wire import FS, GS, Response, decode_response, unframe
from simulators.wire import WireError

#: Length and name of the fixed part of a request, in the order of the reference.
_REQUEST_FIELDS = (
    (1, "record format"), (1, "application type"), (1, "delimiter"), (6, "acquirer BIN"), (12, "merchant number"),
    (4, "store number"), (4, "terminal number"), (1, "device code"), (1, "industry code"), (3, "currency code"),
    (3, "country code"), (9, "city code"), (2, "language indicator"), (3, "time zone"), (4, "merchant category"),
    (1, "requested ACI"), (4, "sequence number"), (2, "transaction code"), (1, "cardholder id"), (1, "account source"),
)  # fmt: skip
_VARIABLE_FIELDS = (
    "cardholder identification", "receiving institution", "amount", "secondary amount", "market data",
    "card acceptor", "transaction id", "reversal data",
)  # fmt: skip
_DEBIT_FIELDS = ("reversal data II", "sharing group", "ABA and settlement agent", "agent bank, chain, batch")
_BLOCK_NAMES = {"020": "developer", "200": "gift card", "900": "points", "901": "batch", "902": "static PIN"}
_HIDDEN_BLOCKS = ("007", "052", "055", "902")
_KEYED = "TX@P"


class Described(msgspec.Struct, frozen=True):
    """What was found around the record, its fields as far as they could be read, and what is wrong."""

    heading: str
    rows: list[Row]
    problem: str | None = None


def describe_pasted(text: str) -> Described:
    """A frame in hex, or a record alone."""
    digits = "".join(text.split())
    try:
        raw = bytes.fromhex(digits)
    except ValueError:
        return Described("", [], "not hexadecimal, or half a byte at the end")
    even = raw[:1] == b"\x82"
    try:
        record = unframe(raw) if raw[:1] in (b"\x02", b"\x82") else raw
        rows = describe_record(record)
    except WireError as error:
        return Described("", [], f"{error.text}, at byte {error.offset} of {len(raw)}")
    parity = "even parity" if even else "no parity"
    return Described(f"record {rows[0][2]} of {len(record)} characters, {parity}", rows)


def describe_record(record: bytes) -> list[Row]:
    """Rows of field number, name and masked value."""
    if record[:1] in (b"E", b"U"):
        return _response_rows(decode_response(record))
    if record[:1] in b"DT" and record:
        return _request_rows(record.decode("latin-1"))
    raise WireError("this is no record D, T, E or U")


def _request_rows(text: str) -> list[Row]:
    rows: list[Row] = []
    place = 0
    for number, (length, name) in enumerate(_REQUEST_FIELDS, 1):
        value = text[place : place + length]
        if len(value) < length:
            raise WireError(f"the record is cut off in its field {number}", place)
        rows.append((str(number), name, value))
        place += length
    pieces = text[place:].split(FS)
    keyed = rows[19][2] in _KEYED and len(pieces) > 2
    debit = text[:1] == "T"
    rows.append(("21", "customer data", _customer(pieces[0], "keyed" if keyed else "")))
    behind = pieces[3:] if keyed else pieces[1:]
    for number, (name, value) in enumerate(zip(_VARIABLE_FIELDS, behind, strict=False), 22):
        hidden = number == 22 and value
        rows.append((str(number), name, f"[{len(value)} characters hidden]" if hidden else value))
    behind = behind[len(_VARIABLE_FIELDS) :]
    if debit:
        rows += [("II", name, value) for name, value in zip(_DEBIT_FIELDS, behind, strict=False)]
        behind = behind[len(_DEBIT_FIELDS) :]
    return rows + _block_rows(FS.join(behind))


def _customer(value: str, keyed: str) -> str:
    """The number masked; of a track only how long it is."""
    if value.isdecimal():
        return f"{mask_pan(value)} {keyed}".strip()
    return f"[{len(value)} characters of a track hidden]" if value else ""


def _response_rows(response: Response) -> list[Row]:
    values = msgspec.structs.asdict(response)
    blocks = values.pop("blocks")
    rows = [(str(number), name.replace("_", " "), value) for number, (name, value) in enumerate(values.items(), 1)]
    return rows + _block_rows(GS.join(version + body for version, body in blocks))


def _block_rows(text: str) -> list[Row]:
    rows: list[Row] = []
    for piece in text.split(GS) if text else ():
        version, body = piece[:3], piece[3:].replace(FS, " / ")
        shown = f"[{len(body)} characters hidden]" if version in _HIDDEN_BLOCKS else body
        rows.append((f"III {version}", _BLOCK_NAMES.get(version, "block"), shown))
    return rows
