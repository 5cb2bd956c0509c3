"""What a terminal says to settle its batch, and in which order; sending it until it is answered, or giving up for now.

The order is that of the field reference, section 4.1: what is owed first, then 0500 `920000`; told 95, every record as
0320, then 0500 `960000`. Whatever stops it, the journal knows how far it came, and the next settlement goes on there.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from simulators.codecs import Dialect
from simulators.demo import DemoTerminal
from simulators.journal import AFTER_UPLOAD, CLEAR, SETTLE, Item, Journal, Result
from simulators.requests import KINDS, Order, build_repeat, build_request, build_reversal
from simulators.state import Counters
from simulators.tables import decode_tables, encode_tables, tables_element
from simulators.totals import Total, encode_totals
from simulators.wire import Message

TRIES = 3  # of each message, then a settlement stops and waits to be asked again


class Habits(msgspec.Struct, frozen=True):
    """What terminals do differently: blocks of totals; whether uploads name the RRN, and their batch in table 37.

    `captures`: they send their batch whole and ask for no totals first, as VISA-2 terminals can.
    """

    blocks: int = 4
    names_rrn: bool = True
    names_batch: bool = False
    captures: bool = False


class Said(msgspec.Struct, frozen=True):
    """One message of a settlement and what came of it; `result` is None where no answer came, `problem` says why."""

    kind: str
    request: Message
    answer: Message | None
    result: Result | None
    problem: str = ""


class Speaker(Protocol):
    """A terminal that keeps a journal: what the order of a settlement needs of it."""

    who: DemoTerminal
    dialect: Dialect

    def read_journal(self) -> Journal: ...

    def next_numbers(self) -> tuple[str, datetime]:
        """STAN and time of the next message."""

    async def say(self, kind: str, request: Message) -> Said:
        """Send it; the journal knows before it leaves, and when the answer is there."""


Numbers = Callable[[], tuple[str, datetime]]
Next = tuple[str, Callable[[Numbers], Message]]  # its kind, and how it is built
Tell = Callable[[Said], None]


def _keep_to_oneself(said: Said) -> None:
    pass


async def settle(speaker: Speaker, habits: Habits, *, clear: bool = False, tell: Tell = _keep_to_oneself) -> list[Said]:
    """The whole settlement, message by message. The batch is closed if the last one's result says so."""

    def choose(journal: Journal) -> Next:
        return next_to_settle(journal, speaker.who, speaker.dialect, habits, clear=clear)

    return await _say_all(speaker, choose, tell)


async def pay_debts(speaker: Speaker) -> list[Said]:
    """Send what is owed until nothing is, or until one of them stays unanswered or is refused."""
    return await _say_all(speaker, next_debt, _keep_to_oneself)


async def _say_all(speaker: Speaker, choose: Callable[[Journal], Next | None], tell: Tell) -> list[Said]:
    all_said: list[Said] = []
    tries = 0
    while tries < TRIES and (chosen := choose(speaker.read_journal())):
        kind, build = chosen
        said = await speaker.say(kind, build(speaker.next_numbers))
        all_said.append(said)
        tell(said)
        if said.result in (Result.CLOSED, Result.STOPPED, Result.DECLINED):
            break
        tries = tries + 1 if said.result in (None, Result.UNDECIDED) else 0
    return all_said


def next_debt(journal: Journal) -> Next | None:
    """The reversal or advice that has to be answered before anything new is asked."""
    owed = journal.next_owed()
    if owed is None:
        return None
    deed = owed.deed
    if owed.what == "reversal":
        return f"reversal {deed.kind}", lambda numbers: build_reversal(deed, owed.attempts + 1)
    return deed.kind, lambda numbers: build_repeat(deed.request) if owed.attempts else deed.request


def next_to_settle(
    journal: Journal, who: DemoTerminal, dialect: Dialect, habits: Habits, *, clear: bool = False
) -> Next:
    """The next message on the way to a closed batch; a terminal without a batch number asks for one first."""
    if debt := next_debt(journal):
        return debt
    if not journal.number:
        return "logon", lambda numbers: build_logon(who, dialect, None, *numbers())
    one_by_one = journal.uploading and dialect != "visa2"  # which uploads the whole batch as it settles
    item = journal.next_upload() if one_by_one and not clear else None
    if item:
        more = sum(not one.uploaded for one in journal.counting) > 1
        batch = journal.batch if habits.names_batch else None
        return f"upload {item.kind}", lambda numbers: build_upload(
            who, dialect, item, numbers()[0], batch=batch, more=more, names_rrn=habits.names_rrn
        )
    code = SETTLE
    if clear or (journal.uploading and dialect == "visa2" and not journal.counting):  # no batch is sent empty
        code = CLEAR
    elif journal.uploading or (habits.captures and journal.counting):
        code = AFTER_UPLOAD
    totals = journal.totals()[: habits.blocks]
    return SETTLEMENT_KINDS[code], lambda numbers: build_settlement(who, code, journal.number, totals, *numbers())


def build_logon(who: DemoTerminal, dialect: Dialect, batch: str | None, stan: str, now: datetime) -> Message:
    """0800, with the number the terminal means to use, if it has one."""
    return build_request(who, dialect, Order(KINDS["logon"]), Counters(stan, "", batch), now)


SETTLEMENT_KINDS = {SETTLE: "settle", AFTER_UPLOAD: "settle-uploaded", CLEAR: "clear"}


def build_settlement(
    who: DemoTerminal, code: str, batch: int, totals: list[Total] | None, stan: str, now: datetime
) -> Message:
    """0500; a clear may come without totals."""
    fields = {
        3: code, 11: stan, 12: now.strftime("%H%M%S"), 13: now.strftime("%m%d"),
        24: who.nii, 41: who.terminal_id, 42: who.merchant_id, 60: f"{batch:06d}",
    }  # fmt: skip
    if totals:
        fields[63] = encode_totals(totals)
    return Message("0500", fields)


def build_upload(
    who: DemoTerminal, dialect: Dialect, item: Item, stan: str, *, batch: str | None, more: bool, names_rrn: bool = True
) -> Message:
    """0320: the fields of the original under a STAN of the upload's own; DE60 names the original.

    The sixth digit of DE3 says whether more follow. Terminals that do not know the RRN send spaces.
    """
    original = item.request
    fields = {number: original.fields[number] for number in _UPLOADED_ELEMENTS if number in original.fields}
    rrn = item.rrn if names_rrn else ""
    fields |= {
        3: original.get(3)[:5] + ("1" if more else "0"), 4: f"{item.amount:012d}", 11: stan, 22: "000",
        24: who.nii, 60: original.mti[:3] + "0" + item.stan + rrn.ljust(12),
    }  # fmt: skip
    if rrn:
        fields[37] = rrn
    if item.approval:
        fields[38] = item.approval
    tables = _tables(original, dialect)
    if batch:
        tables.append(("37", batch))
    if tables:
        fields[tables_element(dialect)] = encode_tables(tables, dialect)
    return Message("0320", fields)


_UPLOADED_ELEMENTS = (2, 12, 13, 25, 41, 42, 49, 62)


def _tables(original: Message, dialect: Dialect) -> list[tuple[str, str]]:
    """What the original said in tables; what the terminal can show or take says nothing about a deed that is done."""
    text = original.get(tables_element(dialect))
    return [(name, data) for name, data in decode_tables(text, dialect).items() if name != "CP"]
