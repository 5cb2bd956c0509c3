"""Messages put together by hand for the tests: nothing here knows a type, so anything can be written wrongly."""

from collections.abc import Mapping

from specs.dialects import load_dialect
from specs.transaction import Kind, Reply, Request
from terminals.session import NEED_DATA, Event, Received, Session, Signal
from tests.wire.golden import LINE

#: Field to what stands in the message: hex and "text" for nac (as in the golden files), the text itself for ascii.
Fields = Mapping[int, str]

NAC_REDEEM: Fields = {
    2: "16 6006491234567894",
    3: "006000",
    4: "000000004000",
    11: "000003",
    24: "0010",
    41: "'TERM0001'",
    42: "'MERCHANT0000001'",
}
ASCII_REDEEM: Fields = {
    2: "166006491234567894",
    3: "006000",
    4: "000000004000",
    11: "000003",
    24: "010",
    41: "TERM0001",
    42: "MERCHANT0000001",
}


def nac_frame(mti: str, fields: Fields, after: str = "", tpdu: str = "6000100000") -> bytes:
    """A whole frame of the nac dialect."""
    payload = (
        raw(tpdu + mti) + _bitmap(fields) + b"".join(raw(fields[number]) for number in sorted(fields)) + raw(after)
    )
    return len(payload).to_bytes(2, "big") + payload


def ascii_frame(mti: str, fields: Fields, after: str = "") -> bytes:
    """A whole frame of the ascii dialect."""
    body = mti + _bitmap(fields).hex().upper() + "".join(fields[number] for number in sorted(fields)) + after
    return f"{len(body):04d}{body}".encode("latin-1")


def raw(text: str) -> bytes:
    """Hex, with text between apostrophes: `0006 '000001'`."""
    parts = text.split("'")
    return b"".join(part.encode("latin-1") if odd % 2 else bytes.fromhex(part) for odd, part in enumerate(parts))


def _bitmap(fields: Fields) -> bytes:
    bits = sum(1 << (128 - number) for number in fields)
    return (bits | 1 << 127).to_bytes(16, "big") if max(fields) > 64 else (bits >> 64).to_bytes(8, "big")


def session(dialect: str) -> Session:
    return Session(load_dialect(dialect), LINE)


def events_of(dialect: str | Session, data: bytes) -> list[Event]:
    """All events until more data is needed."""
    wire = session(dialect) if isinstance(dialect, str) else dialect
    wire.receive_data(data)
    events: list[Event] = []
    while (event := wire.next_event()) is not NEED_DATA:
        events.append(event)
        if isinstance(event, Signal):
            break
    return events


def received(dialect: str, data: bytes) -> Received:
    """The one request in `data`."""
    (event,) = events_of(dialect, data)
    assert isinstance(event, Received)
    return event


def request_of(dialect: str, data: bytes) -> Request:
    return received(dialect, data).request


def wrong_field(dialect: str, data: bytes) -> int | None:
    """Which field the switch calls wrong; None where it has nothing against the message."""
    request = request_of(dialect, data)
    assert (request.kind is Kind.MALFORMED) == (request.wrong_field is not None)
    return request.wrong_field


def answer(dialect: str, data: bytes, reply: Reply) -> bytes:
    """The answer to the one request in `data`."""
    wire = session(dialect)
    (event,) = events_of(wire, data)
    assert isinstance(event, Received)
    return wire.send(reply, event.slip)
