"""What a terminal knows of its day: the approved transactions of its open batch, and what it still owes the switch.

Written from what three terminal applications have in common (field reference, section 4.1), and from section 5 of the
terminal interface page; nothing of the switch. Before a request leaves, its reversal is owed; the answer takes that
back. The journal is pure: it is told what leaves and what comes, and can be kept between any two of these, so a power
cut is a journal read again. What is said next is `settlement.py`'s business.
"""

from enum import Enum
from typing import Literal

import msgspec

from simulators.demo import LONG_NUMBER_MAX
from simulators.requests import card_number
from simulators.state import Deed
from simulators.totals import Total, add_up, block_of, decode_totals
from simulators.wire import Message, WireError

SETTLE, AFTER_UPLOAD, CLEAR = "920000", "960000", "940000"
CLOSED_KEPT = 20  # batches remembered after their close
_APPROVED = ("00", "10")
_UNDECIDED = {"91", "96"}  # nothing was decided: upstream away, or the switch is full
#: Refusals the switch forgets: such an answer to a repeat says nothing about the first.
_NOT_STORED = {"03", "30", "58", "63", "80", "89", "91", "94", "95", "96"}


class Item(msgspec.Struct):
    """One approved transaction: a record of the journal."""

    kind: str
    request: Message
    amount: int
    rrn: str = ""
    approval: str = ""
    voided_by: str = ""  # STAN of the void
    uploaded: bool = False

    @property
    def stan(self) -> str:
        return self.request.get(11)

    @property
    def deed(self) -> Deed:
        """As an undo of it needs it."""
        return Deed(self.kind, self.request, "00", f"{self.amount:012d}", self.rrn or None)


class Owed(msgspec.Struct):
    """A message that must be answered before anything new is asked: the reversal of `deed`, or `deed`, an advice."""

    what: Literal["reversal", "advice"]
    deed: Deed
    attempts: int = 0


class Closed(msgspec.Struct, frozen=True):
    """A batch the switch has closed: the terminal's own totals, and what the switch answered."""

    number: int
    claimed: list[Total]
    answered: list[Total]
    uploaded: bool = False
    cleared: bool = False


class Result(Enum):
    """What an answer means to the terminal."""

    DONE = "done"
    DECLINED = "declined"
    UNDECIDED = "undecided"  # as if there had been no answer
    DIFFERS = "differs"  # 95: upload everything
    CLOSED = "closed"
    STOPPED = "stopped"  # a person has to look


class Journal(msgspec.Struct):
    """`number` is 0 until the terminal knows one; `uploading` stays set until the batch is closed."""

    number: int = 0
    items: list[Item] = []
    owed: list[Owed] = []
    uploading: bool = False
    closed: list[Closed] = []
    told: str = ""  # the switch's totals of the batch, when they differed
    number_max: int = LONG_NUMBER_MAX

    # --- what it holds ---

    @property
    def batch(self) -> str | None:
        """DE60 of the next message."""
        return f"{self.number:06d}" if self.number else None

    @property
    def counting(self) -> list[Item]:
        """The records that are neither voided nor reversed: what the totals count and an upload tells."""
        return [item for item in self.items if not item.voided_by]

    def totals(self) -> list[Total]:
        return add_up((item.request.get(3), item.amount) for item in self.counting)

    def next_owed(self) -> Owed | None:
        """Reversals come before advices, whichever was first."""
        return min(self.owed, key=lambda owed: owed.what == "advice", default=None)

    def next_upload(self) -> Item | None:
        return next((item for item in self.counting if not item.uploaded), None)

    # --- what happens to it ---

    def leaving(self, deed: Deed) -> None:
        """`deed` is about to be sent: from here on the switch may know of it."""
        request, owed = deed.request, self._find_owed(deed.request)
        if owed and request.mti[:3] != "020":
            owed.attempts += 1
        elif owed or self._is_booked(request):
            return
        elif request.mti == "0200":
            self.owed.append(Owed("reversal", deed))
        elif request.mti == "0220":
            self.store_advice(deed, attempts=1)

    def store_advice(self, deed: Deed, attempts: int = 0) -> None:
        """Something was done at the till; the switch is told with the next opportunity."""
        self._book(deed.kind, deed.request, None)
        self.owed.append(Owed("advice", deed, attempts))

    def take_back(self, item: Item) -> None:
        """An approved transaction did not take place after all (no paper, no goods): its reversal is owed."""
        self.owed.append(Owed("reversal", item.deed))

    def never_left(self, request: Message) -> None:
        """There was no line: a request that was not sent before needs no reversal."""
        owed = self._find_owed(request)
        if owed and owed.what == "reversal" and request.mti == "0200":
            self.owed.remove(owed)

    def answered(self, request: Message, answer: Message) -> Result:
        """Take in the answer to a message that left."""
        match request.mti[:3]:
            case "020":
                return self._answered_request(request, answer)
            case "022":
                return self._answered_advice(request, answer)
            case "032":
                return self._answered_upload(request, answer.get(39))
            case "040" | "042":
                return self._answered_reversal(request, answer.get(39))
            case "050":
                return self._answered_settlement(request, answer)
            case _:
                return self._answered_logon(request, answer)

    # --- answers, by class of message ---

    def _answered_request(self, request: Message, answer: Message) -> Result:
        code, owed = answer.get(39), self._find_owed(request)
        if code in _NOT_STORED and request.mti == "0201":
            return Result.UNDECIDED  # the first may have been approved: its reversal is still owed
        if owed:
            self.owed.remove(owed)
        if code not in _APPROVED:
            return Result.UNDECIDED if code in _UNDECIDED else Result.DECLINED
        if owed and not self._is_booked(request):
            self._book(owed.deed.kind, owed.deed.request, answer)
        return Result.DONE

    def _answered_advice(self, request: Message, answer: Message) -> Result:
        code = answer.get(39)
        if code in _UNDECIDED:
            return Result.UNDECIDED
        owed, item = self._find_owed(request), self._find_item(request)
        if owed:
            self.owed.remove(owed)
        if code == "00":
            if item:
                item.rrn = answer.get(37)
            return Result.DONE
        if item:
            self.items.remove(item)  # what the switch will never book is no claim on anybody
        self._unvoid(request.get(11))
        return Result.STOPPED

    def _answered_reversal(self, request: Message, code: str) -> Result:
        if code != "00":
            return Result.UNDECIDED if code in _UNDECIDED else Result.STOPPED
        self.owed = [one for one in self.owed if one.what == "advice" or not _same(one.deed.request, request)]
        if request.get(3).startswith("02"):
            self._unvoid(request.get(11))
        elif item := self._find_item(request):
            self.items.remove(item)
        return Result.DONE

    def _answered_upload(self, request: Message, code: str) -> Result:
        if code in _UNDECIDED:
            return Result.UNDECIDED
        for item in self.items:
            if item.request.mti[:3] + item.stan == request.get(60)[:3] + request.get(60)[4:10]:
                item.uploaded = True  # refused ones too: no terminal sends one for ever
        return Result.DONE if code == "00" else Result.STOPPED

    def _answered_settlement(self, request: Message, answer: Message) -> Result:
        code, what = answer.get(39), request.get(3)
        if code == "00":
            self._close(request, answer)
            return Result.CLOSED
        if code == "95" and what == SETTLE:
            self.uploading, self.told = True, answer.get(63)
            return Result.DIFFERS
        if code == "95":
            self.uploading = False
            for item in self.items:
                item.uploaded = False
        return Result.UNDECIDED if code in _UNDECIDED else Result.STOPPED

    def _answered_logon(self, request: Message, answer: Message) -> Result:
        """The switch tells the number now open; the terminal takes it for its own."""
        number = answer.get(60)
        logged_on = request.mti == "0800" and request.get(3) == SETTLE and answer.get(39) == "00"
        if logged_on and len(number) == 6 and number.isdecimal():
            self.number = int(number)
        return Result.DONE if answer.get(39) == "00" else Result.DECLINED

    # --- records ---

    def _book(self, kind: str, request: Message, answer: Message | None) -> None:
        """Write down an approved transaction; a void marks the record it voids."""
        code = request.get(3)
        if code.startswith("02"):
            voided = self._find_voided(request)
            if voided:
                voided.voided_by = request.get(11)
        elif block_of(code) is not None:
            amount = (answer.get(4) if answer else "") or request.get(4) or "0"
            numbers = (answer.get(37), answer.get(38)) if answer else ("", "")
            self.items.append(Item(kind, request, int(amount), *numbers))

    def _close(self, request: Message, answer: Message) -> None:
        number = int(request.get(60))
        if number != self.number and any(one.number == number for one in self.closed):
            return  # an earlier one once more: nothing changes
        try:
            answered = decode_totals(answer.get(63) or self.told)  # data capture is answered without
        except WireError:
            answered = []
        cleared = request.get(3) == CLEAR
        self.closed.append(Closed(number, self.totals(), answered, self.uploading, cleared))
        del self.closed[:-CLOSED_KEPT]
        self.items, self.uploading, self.told = [], False, ""
        self.number = number % self.number_max + 1

    def _is_booked(self, request: Message) -> bool:
        """Whether the journal has it already: as a record, or as the void of one."""
        return self._find_item(request) is not None or any(item.voided_by == request.get(11) for item in self.items)

    def _find_item(self, request: Message) -> Item | None:
        return next((item for item in self.items if _same(item.request, request)), None)

    def _find_owed(self, request: Message) -> Owed | None:
        return next((owed for owed in self.owed if _same(owed.deed.request, request)), None)

    def _find_voided(self, void: Message) -> Item | None:
        """By RRN, else the newest with that receipt number; account digits agree."""
        for item in reversed(self.items):
            same_accounts = item.request.get(3)[2:5] == void.get(3)[2:5]
            named = item.rrn == void.get(37) if void.get(37) else item.request.get(62) == void.get(62)
            if same_accounts and named and not item.voided_by:
                return item
        return None

    def _unvoid(self, stan: str) -> None:
        for item in self.items:
            if item.voided_by == stan:
                item.voided_by = ""


def _same(one: Message, other: Message) -> bool:
    """Whether they are about one deed: trace number, transaction and card agree; a reversal carries those too."""
    return (one.get(11), one.get(3)[:5], card_number(one)) == (other.get(11), other.get(3)[:5], card_number(other))
