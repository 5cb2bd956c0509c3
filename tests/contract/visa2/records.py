"""Authorization records D, T, V and J, and the responses E, U and J's own, as section 2 of the reference has them.

A request is `{field number: text}` by table 2.2 (and 2.5 for T), so that a test can say which field it changes; the
numbers are those that `ERROR nn` names. What an answer must look like is in till.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from tests.contract.client import WireError
from tests.contract.visa2.link import FS, GS, shown

# fmt: off
LENGTHS = {  # of group I, table 2.2
    1: 1, 2: 1, 3: 1, 4: 6, 5: 12, 6: 4, 7: 4, 8: 1, 9: 1, 10: 3,
    11: 3, 12: 9, 13: 2, 14: 3, 15: 4, 16: 1, 17: 4, 18: 2, 19: 1, 20: 1,
}
# fmt: on
CLOSED_BY_FS = range(21, 30)
STORE_NAME = "DEMO BOOKS".ljust(25) + "ISTANBUL".ljust(13) + "TR"


class Numbers(NamedTuple):
    """The `visa2` of a terminal in demo.json."""

    acquirer_bin: str
    merchant_number: str
    store_number: str
    terminal_number: str
    agent_bank: str
    agent_chain: str
    time_zone: str
    mcc: str

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        return cls(*(str(row[name]) for name in cls._fields))


def track_2(pan: str) -> str:
    """As on our own cards; expiry and discretionary data of their tracks are ignored."""
    return f"{pan}=4912000"


def track_1(pan: str) -> str:
    return f"B{pan}^DEMO/CARD^49120000000"


def keyed(pan: str, mmyy: str = "1249") -> str:
    """Account number and expiry; the FS after the expiry belongs to the field."""
    return f"{pan}{FS}{mmyy}{FS}"


@dataclass(frozen=True, repr=False)
class Request:
    """A D or T record before it is sent."""

    fields: Mapping[int, str]
    group2: Sequence[str] = ()
    blocks: Sequence[str] = ()
    pan: str = ""

    def but(self, **changes: Any) -> Request:
        """The same record, with some fields changed by number (`f24="0"`), or other blocks."""
        fields = {**self.fields, **{int(name[1:]): text for name, text in changes.items() if name[1:].isdigit()}}
        blocks = changes.get("blocks", self.blocks)
        return Request(fields, self.group2, blocks, changes.get("pan", self.pan))

    def __getitem__(self, number: int) -> str:
        return self.fields[number]

    @property
    def block_names(self) -> set[str]:
        return {block[:3] for block in self.blocks}

    def text(self) -> str:
        fixed = "".join(self.fields[number] for number in LENGTHS)
        closed = "".join(self.fields[number] + FS for number in CLOSED_BY_FS)
        return fixed + closed + "".join(part + FS for part in self.group2) + GS.join(self.blocks)

    def __repr__(self) -> str:
        """Without card numbers and PINs."""
        blocks = [f"902({len(block) - 4} hidden)" if block.startswith("902") else block for block in self.blocks]
        fields = {**self.fields, 22: f"({len(self.fields[22])} hidden)"}
        return shown(Request(fields, self.group2, blocks).text())


def request(
    numbers: Numbers,
    code: str,
    account: str,
    amount: int | str = "",
    *,
    sequence: str,
    source: str = "D",
    original: str = "",
    blocks: Sequence[str] = (),
    letter: str = "D",
    kind: str = "4",
    group2: Sequence[str] = (),
) -> Request:
    """A record with what a terminal in a Turkish shop would put into the fields a test does not care for."""
    # fmt: off
    fields = {
        1: letter, 2: kind, 3: ".", 4: numbers.acquirer_bin, 5: numbers.merchant_number, 6: numbers.store_number,
        7: numbers.terminal_number, 8: "D", 9: "R", 10: "949", 11: "792", 12: "34000".ljust(9), 13: "00",
        14: numbers.time_zone, 15: numbers.mcc, 16: "N", 17: sequence, 18: code, 19: "@", 20: source,
        21: account, 22: "", 23: "", 24: str(amount), 25: "", 26: "", 27: STORE_NAME, 28: "", 29: original,
    }
    # fmt: on
    return Request(fields, group2, blocks)


def debit_group(numbers: Numbers, batch: str = "001") -> list[str]:
    """Group II of a T record."""
    return ["", "V", "", f"{numbers.agent_bank}{numbers.agent_chain}{batch}0"]


def j_record(
    numbers: Numbers, code: str, account: str, amount: str, *, sequence: str, kind: str = "4", source: str = "D"
) -> str:
    """A J record (2.7) of groups I and II."""
    fixed = f"J{kind}.{numbers.acquirer_bin}{numbers.merchant_number}{numbers.store_number}{numbers.terminal_number}"
    fixed += f"{numbers.mcc}79234000003{code}12345678N{sequence}@{source}"
    return f"{fixed}{account}{FS}{FS}{amount}{FS}DR{FS}{FS}000{FS}"


def confirmation(reply: Reply, kind: str = "0") -> str:
    """The V record that confirms a U."""
    return f"V{kind}.{reply.group2[:6]}{reply.group2[6:14]}{reply.group2[14:20]}"


class Cut:
    """Takes a record from the left."""

    def __init__(self, text: str) -> None:
        self.text = text

    def take(self, count: int) -> str:
        if len(self.text) < count:
            raise WireError(f"the record ends too early: {self.text!r}")
        taken, self.text = self.text[:count], self.text[count:]
        return taken

    def until_fs(self, *lengths: int) -> str:
        taken, separator, self.text = self.text.partition(FS)
        if not separator or len(taken) not in lengths:
            raise WireError(f"a field closed by FS is malformed: {taken!r}")
        return taken


@dataclass(frozen=True)
class Reply:
    """An E or U record, read strictly."""

    letter: str
    kind: str
    aci: str
    store: str
    terminal: str
    source: str
    sequence: str
    rc: str
    approval: str
    date: str
    time: str
    text: str
    avs: str
    rrn: str
    market: str
    group2: str
    blocks: Mapping[str, str]

    def expect(self, *codes: str) -> Self:
        assert self.rc in codes, f"expected {' or '.join(codes)}, got {self}"
        return self

    @property
    def original(self) -> str:
        """Field 29 that names the transaction of this response."""
        return f"{self.approval}{self.date}{self.time}{self.rrn}"

    def parts(self, version: str) -> list[str]:
        """The fields of an answered block, each closed by FS."""
        assert version in self.blocks, f"no block {version} in {self}"
        body = self.blocks[version]
        assert body.endswith(FS), f"block {version} is not closed by FS: {body!r}"
        return body.split(FS)[:-1]

    @property
    def gift(self) -> tuple[int, int | None]:
        """Block 200: balance, and what was used (None: told nothing)."""
        balance, used = self.parts("200")
        return minor(balance), minor(used) if used else None


def minor(digits: str) -> int:
    """An amount of twelve digits; a negative one is `-` and eleven."""
    if len(digits) != 12 or not digits.lstrip("-").isdigit():
        raise WireError(f"not an amount of twelve: {digits!r}")
    return int(digits)


def read_reply(record: str) -> Reply:
    """The E or U in a frame."""
    cut = Cut(record)
    letter, kind, dot = cut.take(1), cut.take(1), cut.take(1)
    if letter not in "EU" or dot != ".":
        raise WireError(f"no response record: {record!r}")
    aci, store, terminal, source, sequence, rc = (cut.take(count) for count in (1, 4, 4, 1, 4, 2))
    approval, date, time, text, avs, rrn, market = (cut.take(count) for count in (6, 6, 6, 16, 1, 12, 1))
    cut.until_fs(0, 15)
    cut.until_fs(0, 4)
    group2 = cut.until_fs(25) if letter == "U" else ""
    blocks = [block for block in cut.text.split(GS) if block]
    if any(not block[:3].isdigit() for block in blocks) or len({block[:3] for block in blocks}) != len(blocks):
        raise WireError(f"malformed Group III: {cut.text!r}")
    told = {block[:3]: block[3:] for block in blocks}
    # fmt: off
    return Reply(
        letter, kind, aci, store, terminal, source, sequence, rc, approval, date, time, text, avs, rrn, market, group2,
        told,
    )
    # fmt: on


class JReply(NamedTuple):
    """The response to a J record: nothing precedes it."""

    indicator: str
    store: str
    terminal: str
    source: str
    sequence: str
    rc: str
    approval: str
    date: str
    text: str
    avs: str


def read_j_reply(record: str) -> JReply:
    cut = Cut(record)
    reply = JReply(*(cut.take(count) for count in (1, 4, 4, 1, 4, 2, 6, 6, 16, 1)))
    cut.until_fs(0, 15)
    cut.until_fs(0, 4)
    if cut.text or not (reply.store + reply.terminal + reply.sequence).isdigit():
        raise WireError(f"no response to J: {record!r}")
    return reply
