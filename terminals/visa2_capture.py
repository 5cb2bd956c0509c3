"""Data capture: the records of one uploaded batch, checked as they come, and the settlement responses to them.

Responsible for the order of records, the form of their fields and the arithmetic of the trailer (WIRE-VISA2.md section
4, reference 4). What the books say of the batch is asked by requests; the session sends them.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from specs.limits import TOTALS_COUNT, VISA2_DETAILS_MAX
from specs.sensitive import PAN
from specs.transaction import TOTALS_BLOCKS, Acceptor, Kind, Line, MessageClass, Request, Total
from specs.visa2 import (
    CAPTURE_HEAD,
    CAPTURED,
    CASH_BACK_GROUP_CHARACTERS,
    DETAIL_FIELDS,
    HEADER_FIELDS,
    NET_SIGNS,
    NO_GROUPS,
    PARAMETER_FIELDS,
    TRAILER_FIELDS,
    Field,
    Visa2Dialect,
)

_FORMS: Final = {
    "H": CAPTURE_HEAD + HEADER_FIELDS,
    "P": CAPTURE_HEAD + PARAMETER_FIELDS,
    "D": CAPTURE_HEAD + DETAIL_FIELDS,
    "T": CAPTURE_HEAD + TRAILER_FIELDS,
}
_FOLLOWED_BY: Final = {"": "H", "H": "P", "P": "D", "D": "DT", "T": ""}
_TYPE_FIELD, _LETTER_FIELD, _CODE_FIELD = 2, 5, 6
_SEVERAL: Final = "3"
_MERCHANT_FIELD, _BATCH_FIELD = 9, 17  # of the header
_TEXT_CHARACTERS, _DATA_CHARACTERS = 25, 32


class Rejection(NamedTuple):
    """Why a batch is not taken: error type, number and letter of the record, number and content of its field."""

    type: str
    record: int
    letter: str
    field: int
    data: str = ""


class _Detail(NamedTuple):
    kind: Kind
    card: PAN
    sequence: int
    approval: str
    amount: int
    cash_back: int
    voided: bool


class Capture:
    """One batch while it comes in. `several`: the terminal has more of them (application type 3)."""

    def __init__(self, dialect: Visa2Dialect, line: Line) -> None:
        self._dialect, self._line = dialect, line
        self.several = False
        self.records = 0
        self.complete = False
        self._last = ""  # letter of the last record
        self._header: dict[int, str] = {}
        self._details: list[_Detail] = []

    @property
    def number(self) -> str:
        return self._header.get(_BATCH_FIELD, "000")

    def take(self, text: str) -> Rejection | None:
        """One record more; why the batch is rejected, if so."""
        self.records += 1
        if self.records == 1:
            self.several = text[1:2] == _SEVERAL
        letter = text[4:5] or " "
        if letter not in _FOLLOWED_BY[self._last]:
            return Rejection("S", self.records, letter, _LETTER_FIELD)
        self._last = letter
        fields, place = _read(text, _FORMS[letter])
        if place:
            return Rejection("E", self.records, letter, place, fields.get(place, ""))
        if fields[_TYPE_FIELD] != (self._header or fields)[_TYPE_FIELD]:
            return Rejection("E", self.records, letter, _TYPE_FIELD, fields[_TYPE_FIELD])
        match letter:
            case "H":
                self._header = fields
            case "D":
                return self._take_detail(text, fields)
            case "T":
                return self._close(fields)
        return None

    def _take_detail(self, text: str, fields: dict[int, str]) -> Rejection | None:
        transaction = self._dialect.transactions.get(fields[6])
        if transaction is None or transaction.kind not in CAPTURED:
            return Rejection("E", self.records, "D", _CODE_FIELD, fields[6])
        if len(self._details) == VISA2_DETAILS_MAX:
            return Rejection("E", self.records, "D", _LETTER_FIELD)
        cash_back = text[_size(_FORMS["D"]) :][:CASH_BACK_GROUP_CHARACTERS] if ord(text[8]) & 1 else ""
        self._details.append(
            _Detail(
                transaction.kind,
                PAN(fields[9].rstrip(" ")),
                int(fields[13]),
                fields[15],
                int(fields[24]),
                int(cash_back) if cash_back.isdecimal() else 0,
                fields[21] == "V",
            )
        )
        return None

    def _close(self, fields: dict[int, str]) -> Rejection | None:
        """The trailer, field by field; the first that is wrong is told."""
        if all(detail.voided for detail in self._details):
            return Rejection("S", self.records, "T", _LETTER_FIELD)
        wanted = {
            6: self._header[16],
            7: self.number,
            8: f"{self.records:09d}",
            9: f"{sum(detail.amount for detail in self._details):016d}",
            10: f"{sum(detail.cash_back for detail in self._details):016d}",
            11: f"{self.net:016d}",
        }
        for number, value in wanted.items():
            if fields[number] != value:
                return Rejection("E", self.records, "T", number, fields[number])
        self.complete = True
        return None

    @property
    def _live(self) -> list[_Detail]:
        return [detail for detail in self._details if not detail.voided]

    @property
    def net(self) -> int:
        """Purchases less returns, without a sign."""
        return abs(sum(NET_SIGNS.get(detail.kind, 0) * detail.amount for detail in self._live))

    def requests(self) -> list[Request]:
        """What the books are asked: whether the batch may be taken, each detail as an upload, its end."""
        header = self._header
        base = Request(
            MessageClass.NETWORK,
            Kind.CAPTURE,
            self._line,
            batch=int(self.number),
            local_date=header[16],
            currency=header[13],
            totals=self._claimed(),
            sequenced=True,
            acceptor=Acceptor(header[9], header[10], header[11], header[6], header[7], header[8]),
        )
        end = msgspec.structs.replace(base, message_class=MessageClass.SETTLEMENT)
        return [base, *(_upload(base, detail) for detail in self._live), end]

    def _claimed(self) -> tuple[Total, ...]:
        """What the details add up to, block by block."""
        claimed = [Total()] * (max(TOTALS_BLOCKS.values()) + 1)
        for detail in self._live:
            block = TOTALS_BLOCKS[detail.kind]
            count = (claimed[block].count + 1) % TOTALS_COUNT
            claimed[block] = Total(count, claimed[block].amount + detail.amount)
        return tuple(claimed)

    # -- settlement responses -----------------------------------------------------------------------------------------
    def good(self) -> bytes:
        return self._response("GB", f" {'ACCEPTED':{_TEXT_CHARACTERS - 1}}")

    def duplicate(self, date: str) -> bytes:
        """`date` of the batch already held, MMDD."""
        return self._response("QD", f"{date:{_TEXT_CHARACTERS}}")

    def rejected(self, why: Rejection) -> bytes:
        data = why.data[:_DATA_CHARACTERS]
        said = f"{why.type}{why.record:04d}{why.letter}{why.field:02d}{data:{_DATA_CHARACTERS}}"
        return self._response("RB", "".join(letter if " " <= letter <= "~" else "?" for letter in said))

    def unknown_terminal(self) -> Rejection:
        return Rejection("V", 1, "H", _MERCHANT_FIELD, self._header[_MERCHANT_FIELD])

    def blocked_terminal(self) -> Rejection:
        return Rejection("B", 1, "H", _MERCHANT_FIELD, self._header[_MERCHANT_FIELD])

    def wrong_number(self) -> Rejection:
        return Rejection("E", 1, "H", _BATCH_FIELD, self.number)

    def _response(self, code: str, tail: str) -> bytes:
        type_ = _SEVERAL if self.several else "1"
        return f"K{type_}.ZR{NO_GROUPS}{self.records:09d}{self.net:016d}{code}00{self.number}{tail}".encode("ascii")


def _upload(base: Request, detail: _Detail) -> Request:
    return msgspec.structs.replace(
        base,
        message_class=MessageClass.UPLOAD,
        kind=detail.kind,
        original_class=MessageClass.REQUEST,
        original_stan=detail.sequence,
        stan=detail.sequence,
        card=detail.card,
        amount=detail.amount,
        totals=None,
        approval=detail.approval,
        upload_batch=base.batch,
        batch=None,
        local_date=None,
    )


def _read(text: str, form: Sequence[Field]) -> tuple[dict[int, str], int]:
    """Fields by number, and the number of the first that is wrong; 0 if none is."""
    found: dict[int, str] = {}
    place = 0
    for field in form:
        found[field.number] = value = text[place : place + field.length]
        if len(value) < field.length or not re.fullmatch(field.form, value):
            return found, field.number
        place += field.length
    if len(text) > place and found[_LETTER_FIELD][1:] == NO_GROUPS:
        return found, _LETTER_FIELD
    return found, 0


def _size(form: Sequence[Field]) -> int:
    return sum(field.length for field in form)
