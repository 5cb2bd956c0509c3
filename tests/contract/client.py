"""A terminal's end of the wire: fields, frames, private tables, DE54, and a socket to speak over.

Responsible for bytes only, as section 2 of the terminal interface has them; what a transaction needs is in till.py.
A message is `{field: text}` with the MTI under 0; binary fields are hex text, so both dialects read alike.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.contract.connection import ANSWER_SECONDS, Connection

# n: digits, z: track, t: text, b: binary; LL and LLL carry a length, the others are as long as the number says.
# fmt: off
FIELDS: dict[int, tuple[str, int]] = {
    2:  ("nLL", 19),   3:  ("n", 6),      4:  ("n", 12),     7:  ("n", 10),    11: ("n", 6),     12: ("n", 6),
    13: ("n", 4),      14: ("n", 4),      18: ("n", 4),      22: ("n", 3),     24: ("n", 3),     25: ("n", 2),
    28: ("t", 9),      32: ("nLL", 11),   33: ("nLL", 11),   35: ("zLL", 37),  37: ("t", 12),    38: ("t", 6),
    39: ("t", 2),      41: ("t", 8),      42: ("t", 15),     45: ("tLL", 76),  47: ("tLLL", 999), 48: ("tLLL", 999),
    49: ("n", 3),      52: ("b", 8),      53: ("n", 16),     54: ("tLLL", 120), 55: ("bLLL", 255), 60: ("tLLL", 999),
    61: ("tLLL", 999), 62: ("tLLL", 999), 63: ("tLLL", 999), 64: ("b", 8),     70: ("n", 3),     90: ("n", 42),
    102: ("tLL", 28),  103: ("tLL", 28),  128: ("b", 8),
}
# fmt: on
SECRET_FIELDS = {2, 35, 45, 48, 52, 55, 63}  # 48 and 63 may hold a PIN
REQUEST_TPDU = bytes.fromhex("6000011234")
ANSWER_TPDU = bytes.fromhex("6012340001")


class WireError(Exception):
    """The bytes are not what the terminal interface says."""


class Message(dict[int, str]):
    """One message; prints without card numbers, tracks and PINs."""

    @property
    def mti(self) -> str:
        return self[0]

    @property
    def rc(self) -> str:
        return self.get(39, "(no DE39)")

    def but(self, mti: str | None = None, changes: Mapping[int, str | None] | None = None) -> Message:
        """The same message with another MTI, and with some fields changed (None: left out)."""
        changed: dict[int, str | None] = {**self, **(changes or {}), **({0: mti} if mti else {})}
        return Message({de: text for de, text in changed.items() if text is not None})

    def __repr__(self) -> str:
        shown = (f"{de}={masked(text) if de in SECRET_FIELDS else text!r}" for de, text in sorted(self.items()) if de)
        return f"<{self.get(0, '????')} {' '.join(shown)}>"


def masked(text: str) -> str:
    """Enough of a secret to tell two apart in a test's output, never the whole."""
    return f"{text[:6]}******{text[-4:]}" if len(text) >= 13 and text[:13].isdigit() else f"({len(text)} hidden)"


class Secret(str):
    """A card number or a PIN that shows itself in no traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return masked(self)


class Balance(NamedTuple):
    """One block of DE54."""

    account: str
    kind: str
    currency: str
    amount_minor: int


def balances(de54: str) -> list[Balance]:
    """The blocks of a DE54."""
    if len(de54) % 20:
        raise WireError(f"DE54 is not in blocks of twenty: {de54!r}")
    blocks = [de54[at : at + 20] for at in range(0, len(de54), 20)]
    for block in blocks:
        if block[7] not in "CD" or not (block[:7] + block[8:]).isdigit():
            raise WireError(f"a block of DE54 is malformed: {block!r}")
    return [Balance(b[:2], b[2:4], b[4:7], int(b[8:]) * (1 if b[7] == "C" else -1)) for b in blocks]


# Bodies


def encode(dialect: str, message: Mapping[int, str], raw: Mapping[int, bytes] | None = None) -> bytes:
    """The body of a message; `raw` puts bytes of the test's own in the place of a field."""
    present = sorted(({*message} | {*(raw or {})}) - {0, 1})
    bits = 128 if present and present[-1] > 64 else 64
    bitmap = sum(1 << (bits - de) for de in [*present, *([1] if bits == 128 else [])]).to_bytes(bits // 8, "big")
    put = put_nac if dialect == "nac" else put_ascii
    fields = [raw[de] if raw and de in raw else put(de, message[de]) for de in present]
    if dialect == "nac":
        return bytes.fromhex(message[0]) + bitmap + b"".join(fields)
    return message[0].encode() + bitmap.hex().upper().encode() + b"".join(fields)


def put_nac(de: int, text: str) -> bytes:
    kind, size = FIELDS[de]
    match kind:
        case "n":
            return bytes.fromhex(text.rjust(size + size % 2, "0"))
        case "nLL" | "zLL":
            nibbles = text.replace("=", "D")
            return bytes.fromhex(f"{len(text):02}" + nibbles + "F" * (len(nibbles) % 2))
        case "t":
            return text.ljust(size).encode("latin-1")
        case "tLL" | "tLLL":
            return bytes.fromhex(f"{len(text):0{2 if kind == 'tLL' else 4}}") + text.encode("latin-1")
        case "bLLL":
            return bytes.fromhex(f"{len(text) // 2:04}{text}")
    return bytes.fromhex(text)


def put_ascii(de: int, text: str) -> bytes:
    kind, size = FIELDS[de]
    digits = 3 if kind.endswith("LLL") else 2
    if kind.endswith("LL"):
        text = f"{len(text):0{digits}}{text}"
    elif kind == "n":
        text = text.rjust(size, "0")
    elif kind == "t":
        text = text.ljust(size)
    return text.encode("latin-1")


def decode(dialect: str, body: bytes) -> Message:
    """The message in a body, read strictly: what is not as written in section 2 is an error."""
    reader = Reader(body)
    if dialect == "nac":
        message = Message({0: reader.take(2).hex()})
        bitmap = reader.take(8)
        bitmap += reader.take(8) if bitmap[0] & 0x80 else b""
    else:
        message = Message({0: reader.take(4).decode("ascii")})
        bitmap = bytes.fromhex(reader.take(16).decode("ascii"))
        bitmap += bytes.fromhex(reader.take(16).decode("ascii")) if bitmap[0] & 0x80 else b""
    if not message[0].isdigit():
        raise WireError(f"MTI {message[0]!r}")
    bits = int.from_bytes(bitmap, "big")
    present = [de for de in range(2, len(bitmap) * 8 + 1) if bits >> (len(bitmap) * 8 - de) & 1]
    for de in present:
        if de not in FIELDS:
            raise WireError(f"DE{de} is in no answer of the contract")
        message[de] = (take_nac if dialect == "nac" else take_ascii)(reader, de)
    if reader.rest():
        raise WireError(f"{len(reader.rest())} bytes after the last field of {message}")
    return message


class Reader:
    """Takes bytes from the left."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise WireError(f"{count} bytes wanted at {self.at}, the message has {len(self.data)}")
        self.at += count
        return self.data[self.at - count : self.at]

    def rest(self) -> bytes:
        return self.data[self.at :]


def take_nac(reader: Reader, de: int) -> str:
    kind, size = FIELDS[de]
    match kind:
        case "n":
            digits = reader.take((size + 1) // 2).hex()
            text = digits[size % 2 :]
        case "nLL" | "zLL":
            count = checked_length(de, reader.take(1).hex())
            text = reader.take((count + 1) // 2).hex().upper()[:count]
        case "t":
            text = reader.take(size).decode("latin-1")
        case "tLL" | "tLLL":
            text = reader.take(checked_length(de, reader.take(1 if kind == "tLL" else 2).hex())).decode("latin-1")
        case "bLLL":
            text = reader.take(checked_length(de, reader.take(2).hex())).hex().upper()
        case _:
            text = reader.take(size).hex().upper()
    return checked_digits(de, text)


def take_ascii(reader: Reader, de: int) -> str:
    kind, size = FIELDS[de]
    if kind.endswith("LL"):
        size = checked_length(de, reader.take(3 if kind.endswith("LLL") else 2).decode("latin-1"))
    elif kind == "b":
        size *= 2
    return checked_digits(de, reader.take(size).decode("latin-1"))


def checked_length(de: int, digits: str) -> int:
    longest = FIELDS[de][1] * (2 if FIELDS[de][0] == "bLLL" else 1)
    if not digits.isdigit() or int(digits) > longest:
        raise WireError(f"DE{de} has length {digits!r}")
    return int(digits)


def checked_digits(de: int, text: str) -> str:
    if FIELDS[de][0] in ("n", "nLL") and text and not text.isdigit():
        raise WireError(f"DE{de} is numeric and came with a non-digit")
    return text


# Private tables


def table_field(dialect: str) -> int:
    """Where the switch puts its tables."""
    return 63 if dialect == "nac" else 48


def pack_tables(dialect: str, tables: Iterable[tuple[str, str]]) -> str:
    """Private tables as the text of their field, pieces in the order given."""
    if dialect == "nac":
        return "".join(bytes.fromhex(f"{len(data) + 2:04}").decode("latin-1") + name + data for name, data in tables)
    return "".join(f"{name}{len(data):03}{data}" for name, data in tables)


def unpack_tables(dialect: str, message: Mapping[int, str]) -> dict[str, str]:
    """The private tables of an answer."""
    reader = Reader(message.get(table_field(dialect), "").encode("latin-1"))
    tables: dict[str, str] = {}
    while reader.rest():
        if dialect == "nac":
            count = int(reader.take(2).hex()) - 2
            name = reader.take(2).decode()
        else:
            name = reader.take(2).decode()
            count = int(reader.take(3))
        tables[name] = tables.get(name, "") + reader.take(count).decode("latin-1")
    return tables


# Frames and sockets


def frame(dialect: str, body: bytes, tpdu: bytes = REQUEST_TPDU) -> bytes:
    """A body as it goes onto the wire."""
    if dialect == "nac":
        return (len(tpdu) + len(body)).to_bytes(2, "big") + tpdu + body
    return f"{len(body):04}".encode() + body


def keep_alive(dialect: str) -> bytes:
    """A frame of length zero."""
    return b"\0\0" if dialect == "nac" else b"0000"


class Line(Connection):
    """One connection: whole messages or any bytes out, whole frames in."""

    def __init__(self, dialect: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(port, tls)
        self.dialect = dialect
        self.broken = False  # ended, or an answer may still come that nobody waits for

    def send(self, message: Mapping[int, str], raw: Mapping[int, bytes] | None = None) -> None:
        self.send_bytes(frame(self.dialect, encode(self.dialect, message, raw)))

    def receive_frame(self) -> bytes:
        """The next frame without its length; empty bytes when the switch closed the connection between two frames."""
        prefix = 2 if self.dialect == "nac" else 4
        if not self.fill(prefix):
            return b""
        digits = self.unread[:prefix]
        count = int.from_bytes(digits, "big") if self.dialect == "nac" else int(digits)
        if not self.fill(prefix + count):
            raise WireError("the switch closed the connection within a frame")
        whole, self.unread = self.unread[prefix : prefix + count], self.unread[prefix + count :]
        return whole

    def fill(self, count: int) -> bool:
        while len(self.unread) < count:
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                data = b""
            except TimeoutError:
                self.broken = True
                raise WireError(f"no answer and no end of the connection within {ANSWER_SECONDS} s") from None
            if not data:
                self.broken = True
                if self.unread:
                    raise WireError("the switch closed the connection within a frame")
                return False
            self.unread += data
        return True

    def receive(self, tpdu: bytes = ANSWER_TPDU) -> Message:
        """The next answer; its TPDU is the request's with the addresses swapped."""
        whole = self.receive_frame()
        if not whole:
            raise WireError("the switch closed the connection instead of answering")
        if self.dialect == "nac":
            if whole[:5] != tpdu:
                raise WireError(f"TPDU {whole[:5].hex()}, expected {tpdu.hex()}")
            whole = whole[5:]
        return decode(self.dialect, whole)

    def ask(self, message: Mapping[int, str], raw: Mapping[int, bytes] | None = None) -> Message:
        self.send(message, raw)
        return self.receive()

    def is_closed_after(self, data: bytes) -> bool:
        """Sends bytes, waits for what comes next, and is true if that is the end."""
        try:
            self.send_bytes(data)
        except (BrokenPipeError, ConnectionResetError):
            return True
        return self.receive_frame() == b""
