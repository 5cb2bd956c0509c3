"""A terminal's end of the VISA-2 link: control characters, frames with LRC, both parities, and a socket to speak over.

Responsible for bytes only, as section 1 of the reference and of the VISA-2 interface have them; what stands in a record
is in records.py. What the host sends is read strictly: parity, LRC, and where its frames end.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from typing import NamedTuple, Self

from tests.contract.client import WireError
from tests.contract.connection import ANSWER_SECONDS, Connection

# fmt: off
STX, ETX, EOT, ENQ, ACK, BEL, DLE, DC2, NAK, SYN, ETB = 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x10, 0x12, 0x15, 0x16, 0x17
FS, GS = "\x1c", "\x1d"
NAMES = {
    STX: "STX", ETX: "ETX", EOT: "EOT", ENQ: "ENQ", ACK: "ACK", BEL: "BEL",
    DLE: "DLE", DC2: "DC2", NAK: "NAK", SYN: "SYN", ETB: "ETB",
}
# fmt: on
CLOSED = "closed"
CARD_NUMBER = re.compile(r"99\d{14,17}")


class Frame(NamedTuple):
    """A frame of the host, its record as text; prints without card numbers."""

    record: str

    def __repr__(self) -> str:
        return f"<frame {shown(self.record)!r}>"


Heard = Frame | str  # a frame, the name of a control character, or `closed`


def shown(text: str) -> str:
    """A record without the middle of its card numbers."""
    return CARD_NUMBER.sub(lambda found: f"{found[0][:6]}******{found[0][-4:]}", text)


def lrc(text: bytes) -> int:
    """Exclusive-or of the low seven bits of all that follows STX, ETX or ETB included."""
    total = 0
    for character in text:
        total ^= character & 0x7F
    return total


def with_even_parity(data: bytes) -> bytes:
    return bytes((byte & 0x7F) | (0x80 if (byte & 0x7F).bit_count() & 1 else 0) for byte in data)


def framed(record: str, end: int = ETX, *, even: bool = False) -> bytes:
    """A record as it goes onto the wire."""
    body = record.encode("ascii") + bytes([end])
    whole = bytes([STX]) + body + bytes([lrc(body)])
    return with_even_parity(whole) if even else whole


def damaged(frame: bytes) -> bytes:
    """The frame with a wrong LRC, of the right parity."""
    return frame[:-1] + bytes([frame[-1] ^ 0x03])


class VisaLine(Connection):
    """One connection of a terminal; the host speaks first."""

    def __init__(self, port: int, *, even: bool = False, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(port, tls)
        self.even = even

    # Out

    def send(self, record: str, end: int = ETX) -> None:
        self.send_bytes(framed(record, end, even=self.even))

    def say(self, *controls: int) -> None:
        data = bytes(controls)
        self.send_bytes(with_even_parity(data) if self.even else data)

    # In

    def hear(self, *, parity_known: bool = True) -> Heard:
        """The next control character or whole frame, or that the host closed the line.

        Before its first STX the host cannot know the terminal's parity; ENQ looks the same in both, EOT does not.
        """
        first = self.byte(parity_known)
        if first is None:
            return CLOSED
        if first != STX:
            if first not in NAMES:
                raise WireError(f"the host sent {first:#04x} outside a frame")
            return NAMES[first]
        body = bytearray()
        while not body or body[-1] != ETX:
            character = self.byte()
            if character is None:
                raise WireError("the host closed the line within a frame")
            if character < 0x20 and character not in (ETX, ord(FS), ord(GS)):
                raise WireError(f"the host sent {character:#04x} within a frame")
            body.append(character)
        if self.byte() != lrc(bytes(body)):
            raise WireError(f"wrong LRC after {shown(body.decode('ascii'))!r}")
        return Frame(body[:-1].decode("ascii"))

    def byte(self, parity_known: bool = True) -> int | None:
        """The next seven bits, whose parity is the terminal's."""
        if not self.unread:
            try:
                self.unread = self.sock.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                return None
            except TimeoutError:
                raise WireError(f"the host said nothing for {ANSWER_SECONDS} s") from None
            if not self.unread:
                return None
        byte, self.unread = self.unread[0], self.unread[1:]
        right = with_even_parity(bytes([byte]))[0] if self.even else byte & 0x7F
        if parity_known and byte != right:
            raise WireError(f"byte {byte:#04x} has not the parity of the terminal, expected {right:#04x}")
        return byte & 0x7F

    # What tests say most

    def expect(self, *wanted: str) -> Self:
        """Hears exactly these control characters (or `closed`), one after another."""
        heard = [self.hear() for _ in wanted]
        assert heard == list(wanted), f"expected {', '.join(wanted)}, the host sent {heard}"
        return self

    def frame(self) -> str:
        """The record of the next frame; the optional ACK to a request may stand before it."""
        heard = self.hear()
        if heard == "ACK":
            heard = self.hear()
        assert isinstance(heard, Frame), f"expected a frame, the host sent {heard}"
        return heard.record

    def ask(self, record: str, end: int = ETX) -> str:
        self.send(record, end)
        return self.frame()

    def to_the_end(self, limit: int = 40) -> list[Heard]:
        """All that the host still says until it closes the line."""
        heard: list[Heard] = []
        while len(heard) < limit:
            heard.append(self.hear(parity_known=False))
            if heard[-1] == CLOSED:
                return heard
        raise WireError(f"the host does not end: {heard}")


def only_controls(heard: Iterable[Heard]) -> list[str]:
    return [one for one in heard if not isinstance(one, Frame)]
