"""A cashier's side of a batch: its number, what the terminal would claim for it, and the messages that settle it.

Written from section 5 of the terminal interface. It adds up nothing by itself: each test says what it claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tests.contract.client import Line, Message, Secret, pack_tables, table_field
from tests.contract.till import REDEEM, RELOAD, Answer, Till

SETTLE = "920000"
TRAILER = "960000"  # after upload
CLEAR = "940000"
LOYALTY = "090"  # the NII of the application that is not main

Changes = Mapping[int, str | None]


class Total(NamedTuple):
    """One block of DE63."""

    how_many: int
    amount: int


NOTHING = Total(0, 0)


def claim(*blocks: tuple[int, int], of: int | None = None) -> str:
    """DE63 with these blocks, filled up with empty ones to `of`; counts as the wire has them, modulo 1000."""
    filled = [*blocks, *[NOTHING] * ((of or len(blocks)) - len(blocks))]
    return "".join(f"{count % 1000:03}{amount:012}" for count, amount in filled)


def told(answer: Answer) -> list[Total]:
    """The blocks of an answer's DE63."""
    text = answer[63]
    return [Total(int(text[at : at + 3]), int(text[at + 3 : at + 15])) for at in range(0, len(text), 15)]


def following(batch: str, steps: int = 1) -> str:
    """The number so many steps on; 999999 is followed by 000001."""
    return f"{(int(batch) + steps - 1) % 999_999 + 1:06}"


def settlement(till: Till, number: str, claimed: str | None, de3: str = SETTLE, more: Changes | None = None) -> Message:
    """A 0500 with a fresh STAN."""
    return till.message("0500", de3, more={60: number, 63: claimed, **(more or {})})


def upload_of(
    till: Till, original: Message, rrn: str | None = None, batch: str | None = None, more: Changes | None = None
) -> Message:
    """A 0320 of a message the terminal sent: fresh STAN, original data in DE60, flow flag 1; `batch` in table 37."""
    kept = {de: original.get(de) for de in (4, 12, 13, 62)}
    de60 = original[0] + original[11] + (rrn or " " * 12)
    fields: dict[int, str | None] = {**kept, 60: de60, **(more or {})}
    tables = {"37": batch} if batch else None
    return till.message("0320", original[3][:5] + "1", original.get(2), None, fields, tables)


@dataclass
class Shift:
    """One named batch at a till, and the card it trades with."""

    till: Till
    number: str
    card: Secret
    nii: str | None = None

    @classmethod
    def open(cls, till: Till, card: Secret, number: str | None = None, nii: str | None = None) -> Shift:
        """Opens a number this terminal never used (or the one given), leaving behind whatever was open."""
        more: dict[int, str | None] = {24: nii} if nii else {}
        if number is None:
            current = till.open_batch(more)
            till.open_batch(
                {**more, 60: current}
            )  # else an unnamed batch would take the new number, and keep its totals
            number = following(current)
        assert till.open_batch({**more, 60: number}) == number
        return cls(till, number, card, nii)

    def next(self) -> Shift:
        """The batch after this one, opened by name."""
        return Shift.open(self.till, self.card, following(self.number), self.nii)

    def named(self, more: Changes | None) -> dict[int, str | None]:
        return {**({24: self.nii} if self.nii else {}), 60: self.number, **(more or {})}

    def do(self, de3: str, amount: int | None = None, card: str | None = None, more: Changes | None = None) -> Answer:
        """A 0200 that names this batch."""
        return self.till.do(de3, card or self.card, amount, self.named(more))

    def redeem(self, amount: int, more: Changes | None = None) -> Answer:
        return self.do(REDEEM, amount, more=more).expect("00")

    def reload(self, amount: int, more: Changes | None = None) -> Answer:
        return self.do(RELOAD, amount, more=more).expect("00")

    def void(self, original: Answer) -> Answer:
        return self.till.void(original, {24: original.asked[24]})

    def reverse(self, original: Answer, more: Changes | None = None) -> Answer:
        """Reversal by RRN, which finds its original in any batch."""
        return self.till.reverse(original.asked, {37: original.rrn, 24: original.asked[24], **(more or {})})

    def settle(self, *blocks: tuple[int, int], of: int = 2, de3: str = SETTLE, line: Line | None = None) -> Answer:
        """The 0500 that claims these blocks."""
        return self.till.ask(self.settlement(*blocks, of=of, de3=de3), line)

    def settlement(self, *blocks: tuple[int, int], of: int = 2, de3: str = SETTLE) -> Message:
        more = {24: self.nii} if self.nii else None
        return settlement(self.till, self.number, claim(*blocks, of=of), de3, more)

    def clear(self) -> Answer:
        more = {24: self.nii} if self.nii else None
        return self.till.ask(settlement(self.till, self.number, None, CLEAR, more))

    def upload(self, original: Answer, batch: str | None = None, more: Changes | None = None) -> Answer:
        """The 0320 of a transaction that was answered, with its RRN."""
        return self.till.ask(upload_of(self.till, original.asked, original.rrn, batch, more))

    def upload_unseen(self, de3: str, amount: int, more: Changes | None = None, batch: str | None = None) -> Answer:
        """The 0320 of a transaction the host never saw."""
        return self.till.ask(upload_of(self.till, self.unseen(de3, amount), None, batch, more))

    def unseen(self, de3: str, amount: int) -> Message:
        """A transaction of this batch that is never sent."""
        return self.till.message("0200", de3, self.card, amount, {**self.till.when(-5), 62: self.till.receipt()})

    def assert_closed_on(self, *blocks: tuple[int, int], of: int = 2) -> None:
        """Another batch is the open one, and the same 0500 again is 00 with the same totals."""
        assert self.till.open_batch({24: self.nii} if self.nii else None) != self.number, "it is still open"
        answer = self.settle(*blocks, of=of).expect("00")
        assert answer[63] == claim(*blocks, of=of), answer.story()


def with_tables(till: Till, tables: Mapping[str, str], de: int | None = None) -> dict[int, str | None]:
    """Private tables as a change to a message; a 0500 carries them in DE48 in both dialects."""
    return {de or table_field(till.dialect): pack_tables(till.dialect, tables.items())}
