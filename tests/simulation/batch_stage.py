"""Terminals with journals against the real rules and codec, over a line that drops, repeats and delays.

The terminals are the simulators' (`simulators/journal.py`, `simulators/settlement.py`): what they know of batches was
written without looking at the switch. Here are the switch's side in process, the line, and what both sides hold at the
end; the steps are drawn by `test_batch_machine.py`.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from simulators.demo import DemoTerminal
from simulators.framing import FrameReader, frame, split_frame, tpdu
from simulators.journal import Closed, Item, Journal, Result
from simulators.requests import is_answer_to
from simulators.settlement import Habits, Next, Numbers, build_logon, next_to_settle
from simulators.settlement_slip import read_totals
from simulators.state import Counters, Deed
from simulators.wire import Dialect, Message, decode, encode
from specs import limits
from specs.dialects import load_dialect
from specs.transaction import TOTALS_BLOCKS
from switch.core.clock import HOUR, MINUTE, SECOND
from switch.core.day_commands import SettlePart
from switch.core.journal import Row
from switch.core.merchants import Batch
from switch.core.needs import application_of
from terminals.session import Received, Session
from tests.core.till import LINE, PROGRAMME, Shop

START_MINOR = 300_000  # on each card: more than one run can spend


class Fate(Enum):
    """What the line does to a message and its answer."""

    FINE = "delivered and answered"
    TWICE = "delivered twice"
    COPIED = "delivered and answered; a copy comes later"
    LOST = "never delivered"
    LATE = "delivered later; nobody waits for its answer"
    UNANSWERED = "delivered; the answer is lost"


@functools.cache
def _opened() -> tuple[Shop, tuple[str, ...]]:
    """The books before a run: terminals T1 and T2, two cards. Made once: opening them takes longer than many runs."""
    shop = Shop(PROGRAMME.replace("guess_limit = 3", "guess_limit = 1000000"))
    for terminal_id in ("T1", "T2"):
        shop.till(terminal_id)
    return shop, tuple(shop.card(balance=START_MINOR).reveal() for _ in range(2))


class Host:
    """The switch: bytes in, bytes out."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        shop, self.pans = _opened()
        self.shop = copy.deepcopy(shop)
        self._table = load_dialect(dialect)

    def hear(self, message: Message) -> Message:
        """Decide one message that has come by some connection."""
        session = Session(self._table, LINE)
        session.receive_data(frame(encode(message, self.dialect), self.dialect, tpdu(message.get(24))))
        event = session.next_event()
        assert isinstance(event, Received), event
        reply = self.shop.hear(event.request, application(event.request.nii))
        reader = FrameReader(self.dialect)
        reader.feed(session.send(reply, event.slip))
        payload = reader.next_payload()
        assert payload is not None
        return decode(split_frame(payload, self.dialect)[1], self.dialect)

    def end_day(self, station: Station) -> None:
        """What the open batch holds is settled by the host; nothing to do where it holds nothing."""
        for batch in host_batches(self.shop).values():
            here = (batch.terminal, batch.application) == (station.terminal_number, application(station.who.nii))
            if here and batch.closed_at is None and batch.since:
                self.shop.command(SettlePart("A", station.who.terminal_id, batch.application, batch.id))

    @property
    def now(self) -> dt.datetime:
        """Local time of every store here: they are in UTC."""
        return dt.datetime.fromtimestamp(self.shop.now // SECOND, dt.UTC).replace(tzinfo=None)


@dataclass
class Day:
    """One batch of a terminal, as it was at its close."""

    closed: Closed
    items: list[Item]  # what the terminal had
    forgotten: list[Item]  # what it had no longer
    is_plain: bool  # nothing happened that would let totals differ

    @property
    def records(self) -> list[Item]:
        """What must be in the books; what only an upload could have told is not, if none was asked for."""
        return [item for item in [*self.items, *self.forgotten] if item.rrn or item.uploaded]


@dataclass(eq=False)
class Station:
    """One application of one terminal: it has a batch of its own. `stans` is shared by those of a terminal."""

    host: Host
    who: DemoTerminal
    habits: Habits
    stans: list[int]
    journal: Journal = field(default_factory=Journal)
    days: list[Day] = field(default_factory=list)
    forgotten: list[Item] = field(default_factory=list)
    is_plain: bool = True
    is_settling: bool = False  # its settlement has not been answered
    must_log_on: bool = False  # a person gave it its number: it asks first whether the switch agrees
    swaps: int = 0  # terminals that were here before
    receipt: int = 1
    is_disturbed: bool = False  # something late named a number that was skipped: the switch may have opened that one
    stopped: str = ""  # a refusal that must not be

    # -- what it may do now --------------------------------------------------------------------------------------------
    @property
    def is_ready(self) -> bool:
        """For something new: nothing to reverse, no settlement under way, its number agreed."""
        owes_reversal = any(owed.what == "reversal" for owed in self.journal.owed)
        return not (owes_reversal or self.journal.uploading or self.is_settling or self.must_log_on)

    @property
    def is_empty(self) -> bool:
        return self.is_ready and self.journal.number > 0 and not (self.journal.items or self.journal.owed)

    @property
    def may_clear(self) -> bool:
        return self.is_ready and self.journal.number > 0 and not self.journal.owed

    @property
    def may_undo(self) -> bool:
        return self.is_ready and bool(self.known)

    @property
    def may_be_swapped(self) -> bool:
        """Only one that is certain of everything it has done; T1 has two batches."""
        return self.who.terminal_id == "T2" and not (self.journal.owed or self.journal.uploading)

    @property
    def owes(self) -> bool:
        return bool(self.journal.owed)

    @property
    def owes_answer(self) -> bool:
        """A request that was sent and neither answered nor begun to be reversed."""
        first = self.journal.owed[0] if self.journal.owed else None
        return first is not None and first.what == "reversal" and not first.attempts and first.deed.code is None

    @property
    def known(self) -> list[Item]:
        """Records the switch has acknowledged."""
        return [item for item in self.journal.counting if item.rrn]

    @property
    def terminal_number(self) -> int:
        """Terminal.id in the books."""
        return next(one.id for one in self.host.shop.store.terminals() if one.terminal_id == self.who.terminal_id)

    # -- speaking ------------------------------------------------------------------------------------------------------
    @property
    def dialect(self) -> Dialect:
        return self.host.dialect

    def next_numbers(self) -> tuple[str, dt.datetime]:
        self.stans[0] = self.stans[0] % 999_999 + 1
        return f"{self.stans[0]:06d}", self.host.now

    def counters(self) -> Counters:
        """What is tried again after a lost answer has the receipt number of the first try."""
        stan, _ = self.next_numbers()
        used = {item.request.get(62) for item in (*self.journal.items, *self.forgotten)}
        while f"{self.receipt:06d}" in used:
            self.receipt += 1
        return Counters(stan, f"{self.receipt:06d}", self.journal.batch)

    def next_step(self, *, clear: bool = False) -> Next:
        """On the way to a closed batch."""
        if self.must_log_on and not self.journal.owed:
            return "logon", self.log_on
        return next_to_settle(self.journal, self.who, self.dialect, self.habits, clear=clear)

    def log_on(self, numbers: Numbers) -> Message:
        return build_logon(self.who, self.dialect, self.journal.batch, *numbers())

    def leave(self, deed: Deed) -> None:
        """A message is about to be sent."""
        self.journal.leaving(deed)
        self.is_settling = self.is_settling or deed.request.mti == "0500"

    def take(self, request: Message, answer: Message) -> Result:
        """The terminal reads an answer; if its batch is closed now, that day is kept."""
        items = [msgspec.structs.replace(item) for item in self.journal.counting]
        number = self.journal.number
        result = self.journal.answered(request, answer)
        if request.mti == "0500":
            self.is_settling = False
        if request.mti == "0800":
            self.must_log_on = False
        if result is Result.CLOSED and self.journal.number != number:
            self.days.append(Day(self.journal.closed[-1], items, self.forgotten, self.is_plain))
            self.forgotten, self.is_plain = [], True
            self.receipt += 1
            # somebody typed an old number, so that numbers come again within days; on real ones it takes years
            self.must_log_on = self.journal.number in (day.closed.number for day in self.days)
        if answer.get(39) == "80" and self.is_disturbed:
            self.must_log_on, self.is_disturbed = True, False  # a person does what the field reference says
        elif result is Result.STOPPED:
            self.stopped = f"{request.mti} {request.get(3)} was answered {answer.get(39)}"
        return result

    def trade_on(self) -> None:
        self.is_settling = self.is_plain = False

    def cut_power(self) -> None:
        """Only what is on disk is left."""
        self.journal = msgspec.json.decode(msgspec.json.encode(self.journal), type=Journal)


class Line:
    """Carries one message at a time; copies and late ones are kept, to be delivered whenever."""

    def __init__(self, host: Host, tell: Callable[[str], None]) -> None:
        self.host, self._tell = host, tell
        self.under_way: list[tuple[Station, Message, int]] = []  # with the time it was sent

    def say(self, station: Station, kind: str, request: Message, fate: Fate) -> Result | None:
        """One attempt of a terminal; None if no answer came to it."""
        station.leave(Deed(kind, request))
        if fate in (Fate.LATE, Fate.COPIED):
            self.under_way.append((station, request, self.host.shop.now))
        if fate in (Fate.LOST, Fate.LATE):
            self._tell(f"{_words(station, request)} {fate.value}")
            return None
        answer = self._hear(station, request, fate.value)
        if fate is Fate.TWICE:
            self._hear(station, request, "its copy")
        if fate is Fate.UNANSWERED:
            return None
        assert is_answer_to(answer, request)
        return station.take(request, answer)

    def say_next(self, station: Station, step: Next, fate: Fate) -> Result | None:
        kind, build = step
        return self.say(station, kind, build(station.next_numbers), fate)

    def forget(self, station: Station) -> None:
        """Its line is taken away with it."""
        self.under_way = [late for late in self.under_way if late[0] is not station]

    def pass_time(self, minutes: int) -> None:
        """Nothing stays on the line for longer than a reversal that found nothing is remembered (section 4)."""
        oldest = self.host.shop.now + minutes * MINUTE - limits.TOMBSTONE_HOURS * HOUR
        while self.under_way and self.under_way[0][2] <= oldest:
            self.deliver(0)
        self.host.shop.pass_time(minutes=minutes)

    def deliver(self, place: int) -> None:
        """What was under way arrives; nobody listens to its answer any more.

        A settlement that is overtaken may close a batch that its terminal has gone on with; a number that the terminal
        skipped may be opened, and the batch that was open left behind. Totals need not agree then. A settlement with
        other totals than its number was closed with last opens that once more (section 5, "adopted").
        """
        station, request, _ = self.under_way.pop(place)
        number = int(request.get(60)) if len(request.get(60)) == 6 else station.journal.number
        closed = next((day.closed for day in reversed(station.days) if day.closed.number == number), None)
        if number != station.journal.number and closed is None:
            station.is_plain, station.is_disturbed = False, True
        elif request.mti == "0500" and closed and closed.claimed[:1] != read_totals(request)[:1]:
            station.is_disturbed = True
        elif request.mti == "0500" and number == station.journal.number:
            station.is_plain = False
        self._hear(station, request, "late")

    def _hear(self, station: Station, request: Message, how: str) -> Message:
        answer = self.host.hear(request)
        self._tell(f"{_words(station, request)} {how}: {answer.get(39)} {answer.get(60)} {answer.get(63)}")
        return answer


def _words(station: Station, request: Message) -> str:
    parts = (request.mti, *(request.get(number) for number in (3, 11, 4, 60)))
    return f"{station.who.terminal_id}/{station.who.nii}: " + " ".join(filter(None, parts))


# -- what both sides hold at the end -----------------------------------------------------------------------------------
def live_rows(shop: Shop) -> list[Row]:
    """Every transaction that counts in a batch and stands: no undo of it stands, from the rows alone."""
    rows = shop.rows()
    undoing: dict[int, list[Row]] = {row.id: [] for row in rows}
    for row in rows:
        if row.is_undo and row.accepted:
            undoing[row.original].append(row)

    def lives(row: Row) -> bool:
        return not any(lives(undo) for undo in undoing[row.id])

    rows = [row for row in rows if row.terminal]  # not what operators do
    return [row for row in rows if row.took_effect and not row.is_undo and row.kind in TOTALS_BLOCKS and lives(row)]


def host_batches(shop: Shop) -> dict[int, Batch]:
    found = (batch for terminal in shop.store.terminals() for batch in shop.store.batches(terminal.id))
    return {batch.id: batch for batch in found}


def find_rows(rows: Iterable[Row], station: Station, item: Item) -> list[Row]:
    """The rows that are this record: it knows its RRN, or else where it was done, trace number and amount tell."""
    if item.rrn:
        return [row for row in rows if row.rrn == item.rrn]
    here = station.terminal_number, application(station.who.nii)
    mine = [row for row in rows if (row.terminal, row.application) == here]
    return [row for row in mine if row.stan == int(item.stan) and row.amount == item.amount]


def application(nii: str) -> str:
    return application_of(nii, {"090": "loyalty"})
