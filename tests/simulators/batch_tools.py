"""A terminal with a journal and no wire: what tests of journals and settlements share."""

from collections.abc import Callable
from datetime import datetime

from simulators.codecs import Dialect
from simulators.demo import DemoTerminal
from simulators.journal import Journal
from simulators.requests import KINDS, Order, build_request, build_void
from simulators.settlement import Said
from simulators.state import Counters, Deed
from simulators.wire import Message

WHO = DemoTerminal("M00000000000001", "TN000001", "nac", "store-1", "949", "010")
PAN = "9700000000000000200"
NOON = datetime(2026, 11, 22, 12, 0, 0)

Answering = Callable[[Message], Message | None]  # None: the answer is lost


def request(kind: str, stan: int, amount: int | None = None, pan: str = PAN, batch: str | None = "000007") -> Deed:
    counters = Counters(f"{stan:06d}", f"{stan:06d}", batch)
    return Deed(kind, build_request(WHO, "nac", Order(KINDS[kind], pan, amount), counters, NOON))


def void(of: Deed, rrn: str, stan: int) -> Deed:
    original = Deed(of.kind, of.request, "00", of.request.get(4), rrn)
    return Deed(f"void {of.kind}", build_void(WHO, original, Counters(f"{stan:06d}", "", "000007"), NOON))


def answer(to: Message, code: str = "00", **fields: str) -> Message:
    """`fields` as de37=…; what an answer repeats is there."""
    kept = {number: to.fields[number] for number in (3, 4, 11, 24, 41, 42, 60, 62, 63) if number in to.fields}
    numbered = {int(name[2:]): text for name, text in fields.items()}
    return Message(f"{to.mti[:2]}{int(to.mti[2]) + 1}0", kept | {39: code} | numbered)


def rrn_of(message: Message) -> str:
    return f"6326{message.get(11):>08}"


class Talker:
    """A Speaker whose line is a function; keeps what it said. Its journal goes through a file's format each time."""

    def __init__(self, journal: Journal, answering: Answering, dialect: Dialect = "nac") -> None:
        self.who, self.dialect = WHO, dialect
        self.journal, self.answering = journal, answering
        self.said: list[Message] = []
        self.stan = 100

    def read_journal(self) -> Journal:
        return self.journal

    def next_numbers(self) -> tuple[str, datetime]:
        self.stan += 1
        return f"{self.stan:06d}", NOON

    async def say(self, kind: str, message: Message) -> Said:
        self.said.append(message)
        self.journal.leaving(Deed(kind, message))
        answered = self.answering(message)
        result = self.journal.answered(message, answered) if answered else None
        return Said(kind, message, answered, result)


def trade(journal: Journal, deed: Deed, code: str = "00", **fields: str) -> None:
    """One deed, answered."""
    journal.leaving(deed)
    journal.answered(deed.request, answer(deed.request, code, **{"de37": rrn_of(deed.request)} | fields))
