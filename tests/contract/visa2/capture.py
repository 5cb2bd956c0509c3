"""Data capture: the K records of a batch, a session that sends them, and the settlement response.

Written from section 4 of the reference and section 4 of the VISA-2 interface. It claims what the details say; a test
says what is to be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tests.contract.client import WireError
from tests.contract.visa2.link import ACK, CLOSED, DLE, EOT, ETB, ETX, Frame, VisaLine, shown
from tests.contract.visa2.records import Cut, Numbers, Reply, Request
from tests.contract.visa2.till import VisaTill

# fmt: off
HEADER    = {6: 6, 7: 6, 8: 6, 9: 12, 10: 4, 11: 4, 12: 2, 13: 3, 14: 2, 15: 3, 16: 4, 17: 3, 18: 1}
PARAMETER = {6: 3, 7: 9, 8: 4, 9: 25, 10: 13, 11: 2, 12: 5, 13: 8}
DETAIL    = {
    6: 2, 7: 1, 8: 1, 9: 22, 10: 1, 11: 1, 12: 1, 13: 4, 14: 2, 15: 6, 16: 4, 17: 6, 18: 1, 19: 15, 20: 4, 21: 1,
    22: 2, 23: 1, 24: 12, 25: 12,
}
TRAILER   = {6: 4, 7: 3, 8: 9, 9: 16, 10: 16, 11: 16}
LAYOUTS   = {"H": HEADER, "P": PARAMETER, "D": DETAIL, "T": TRAILER}
NET = {"G4": 1, "GG": 1, "G5": -1}  # loads, G7, G2 and L* do not change the net deposit
# fmt: on


@dataclass(frozen=True, repr=False)
class Record:
    """One K record as `{field number: text}`, the numbers those of a rejection."""

    letter: str
    fields: Mapping[int, str]
    kind: str = "1"
    map: str = "@@@@"
    groups: str = ""

    def but(self, **changes: str) -> Record:
        return replace(self, fields={**self.fields, **{int(name[1:]): text for name, text in changes.items()}})

    def text(self) -> str:
        body = "".join(self.fields[number] for number in LAYOUTS[self.letter])
        return f"K{self.kind}.Z{self.letter}{self.map}{body}{self.groups}"

    def __repr__(self) -> str:
        return shown(self.text())


@dataclass(frozen=True)
class Item:
    """What a terminal wrote down of one of its transactions."""

    code: str
    pan: str = field(repr=False)
    sequence: str
    amount: int
    approval: str = ""
    rc: str = "00"
    date: str = "1122"
    time: str = "120000"
    voided: bool = False

    @classmethod
    def of(cls, asked: Request, reply: Reply, amount: int | None = None) -> Item:
        """After an approval; `amount` if less was approved than asked."""
        wanted = int(asked[24] or 0) if amount is None else amount
        made = cls(asked[18], asked.pan, asked[17], wanted, reply.approval, reply.rc)
        return replace(made, date=reply.date[:4], time=reply.time)

    def record(self, kind: str) -> Record:
        # fmt: off
        return Record("D", {
            6: self.code, 7: "@", 8: "D", 9: self.pan.ljust(22), 10: "N", 11: "N", 12: "5", 13: self.sequence,
            14: self.rc.ljust(2), 15: self.approval.ljust(6), 16: self.date, 17: self.time, 18: "0", 19: "0" * 15,
            20: " " * 4, 21: "V" if self.voided else " ", 22: "00", 23: "0", 24: f"{self.amount:012}",
            25: f"{self.amount:012}",
        }, kind)
        # fmt: on


def batch_records(
    numbers: Numbers, batch: str, items: Sequence[Item], *, date: str = "", kind: str = "1", **trailer: str
) -> list[Record]:
    """Header, parameter, details, and a trailer that adds them up, except for the fields a test names (`f08`)."""
    date = date or f"{datetime.now(UTC):%m%d}"
    # fmt: off
    header = Record("H", {
        6: numbers.acquirer_bin, 7: numbers.agent_bank, 8: numbers.agent_chain, 9: numbers.merchant_number,
        10: numbers.store_number, 11: numbers.terminal_number, 12: "DR", 13: "949", 14: "00", 15: numbers.time_zone,
        16: date, 17: batch, 18: "0",
    }, kind)
    parameter = Record("P", {
        6: "792", 7: "34000".ljust(9), 8: numbers.mcc, 9: "DEMO BOOKS".ljust(25), 10: "ISTANBUL".ljust(13), 11: "TR",
        12: "00001", 13: "00000042",
    }, kind)
    # fmt: on
    details = [item.record(kind) for item in items]
    hashed = sum(item.amount for item in items)
    claimed = {6: date, 7: batch, 8: f"{len(details) + 3:09}", 9: f"{hashed:016}", 10: "0" * 16, 11: net(items)}
    return [header, parameter, *details, Record("T", claimed, kind).but(**trailer)]


def net(items: Sequence[Item]) -> str:
    """The net deposit, without its sign."""
    return f"{abs(sum(NET.get(item.code, 0) * item.amount for item in items if not item.voided)):016}"


class Settled(NamedTuple):
    """The settlement response."""

    received: int
    net: int
    code: str
    batch: str
    rest: str

    @property
    def error(self) -> tuple[str, str, str, str]:
        """Of an RB: error type, record number, record letter, field number."""
        return self.rest[0], self.rest[1:5], self.rest[5], self.rest[6:8]

    @property
    def data(self) -> str:
        return self.rest[8:]

    @property
    def held_since(self) -> str:
        """Of a QD: transmission date of the batch already held."""
        return self.rest[:4]


def read_settled(record: str, kind: str = "1") -> Settled:
    """The R record in a frame, read strictly."""
    cut = Cut(record)
    start, count, deposit, code = cut.take(9), cut.take(9), cut.take(16), cut.take(2)
    filler, batch, rest = cut.take(2), cut.take(3), cut.text
    length = {"GB": 25, "QD": 25, "RB": 40}.get(code)
    if start != f"K{kind}.ZR@@@@" or not (count + deposit).isdigit() or filler != "00" or len(rest) != length:
        raise WireError(f"a settlement response is malformed: {record!r}")
    if code == "GB" and rest != " ACCEPTED".ljust(25):
        raise WireError(f"a good batch has the text ACCEPTED: {record!r}")
    if code == "QD" and (not rest[:4].isdigit() or rest[4:].strip()):
        raise WireError(f"a duplicate batch tells a date alone: {record!r}")
    return Settled(int(count), int(deposit), code, batch, rest)


def unseen(till: VisaTill, code: str, pan: str, amount: int, sequence: str = "") -> Item:
    """A transaction of a moment ago that no host has seen; its approval code is the terminal's own."""
    moment = till.clock.now() - timedelta(minutes=1)
    made = Item(code, pan, sequence or till.sequence(), amount, "123456")
    return replace(made, date=f"{moment:%m%d}", time=f"{moment:%H%M%S}")


def sell(till: VisaTill, card: str, *moves: tuple[str, int]) -> list[Item]:
    """Does these and writes them down."""
    items = []
    for code, amount in moves:
        asked = till.request(code, card, amount)
        reply = till.ask(asked).expect("00")
        items.append(Item.of(asked, reply))
    return items


def acknowledgement(nth: int) -> str:
    """ACK to frames 1, 3, 5 …, BEL to 2, 4, 6 …"""
    return "ACK" if nth % 2 else "BEL"


def send_all(line: VisaLine, texts: Sequence[str]) -> Frame:
    """Sends the records of a batch; the settlement response, which may come before the last of them."""
    for nth, text in enumerate(texts[:-1], start=1):
        line.send(text, ETB)
        heard = line.hear()
        if isinstance(heard, Frame):
            return heard
        assert heard == acknowledgement(nth), f"{heard} to record {nth}, expected {acknowledgement(nth)}"
    return send_last(line, texts[-1])


def send_last(line: VisaLine, text: str) -> Frame:
    """The trailer: DC2 while the host works, then its response."""
    line.send(text, ETX)
    heard = [line.hear()]
    while heard[-1] == "DC2":
        heard.append(line.hear())
    assert isinstance(heard[-1], Frame), f"expected a settlement response after the trailer, the host sent {heard}"
    return heard[-1]


def upload(till: VisaTill, records: Sequence[Record | str]) -> Settled:
    """A whole session of type 1, to the host's EOT and the end of the line."""
    with till.new_line() as line:
        frame = send_all(line, [one if isinstance(one, str) else one.text() for one in records])
        settled = read_settled(frame.record)
        line.say(ACK)
        line.expect("EOT", CLOSED)
        return settled


def hang_up(line: VisaLine) -> None:
    """The terminal's own end of a session."""
    line.say(DLE, EOT)
    line.close()
