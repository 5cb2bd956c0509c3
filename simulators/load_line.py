"""The line of one connection under load: messages built with fresh numbers, sent, insisted upon, and timed."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
import trio

from simulators.codecs import Dialect
from simulators.demo import Demo, DemoTerminal, dialect_of
from simulators.line import Line, LineDown
from simulators.link import open_link
from simulators.load_report import LoadReport
from simulators.requests import KINDS, Order, build_request, build_void, is_answer_to
from simulators.state import COUNTER_MAX, Counters, Deed, StateFile
from simulators.visa2_wire import SEQUENCE_MAX
from simulators.wire import Message, WireError

STANS_RESERVED = 1000  # at a time: one write of the state file for as many messages
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0  # between two attempts to dial again
TRY_AGAIN = {"91", "96"}  # nothing was decided: upstream away, or the switch is full


class LoadOptions(msgspec.Struct, frozen=True):
    """`rate` is messages a second over all connections; latency then counts from when a message was due."""

    connections: int = 8
    seconds: float | None = None
    transactions: int | None = None
    listener: str = "nac"
    host: str = "127.0.0.1"
    rate: float | None = None
    seed: int = 1
    answer_seconds: float = 25.0
    patience_seconds: float = 60.0
    mix: Literal["gift", "loyalty", "mixed"] = "gift"


class GaveUp(Exception):
    """No answer for as long as the options allow."""


class Timetable:
    """When one line's messages are due, so that those of all lines are evenly spread.

    Args:
        rate: Messages a second of all lines together.
        place: Of this line among them, from 0.
    """

    def __init__(self, rate: float, lines: int, place: int) -> None:
        self._every, self._offset, self._due = lines / rate, place / rate, 0.0

    def next(self, started: float) -> float:
        """When the next one is due; `started`: when the clock began, which may have been set anew."""
        self._due = max(self._due + self._every, started + self._offset)
        return self._due


class LoadLine:
    """One terminal's connection, dialled again whenever it broke; `place`: which of the lines it is, from 0."""

    def __init__(self, demo: Demo, options: LoadOptions, who: DemoTerminal, report: LoadReport, place: int) -> None:
        self.who = who
        self._demo = demo
        self._options = options
        self._report = report
        self.dialect: Dialect = dialect_of(options.listener)
        self._state = StateFile.beside(demo)
        self._stans = range(0)
        self._link: Line | None = None
        self._timetable = Timetable(options.rate, report.connections, place) if options.rate else None
        self._counts_anew = self.says_less  # the switch does not know yet that sequence numbers begin anew

    @property
    def says_less(self) -> bool:
        """VISA-2: no transfers, previews and purchases of points, no receipts and tenders, no RRN to reverse by, and
        what is there is always taken."""
        return self.dialect == "visa2"

    def build(self, kind: str, pan: str, amount: int | None = None, **more: Any) -> Message:
        """A request with fresh numbers; `more` is what else an Order says."""
        order = Order(KINDS[kind], pan, amount, **more)
        return build_request(self.who, self.dialect, order, self._counters(), self.who.now())

    def build_void(self, deed: Deed) -> Message:
        return build_void(self.who, deed, self._counters(), self.who.now())

    async def send(self, what: str, request: Message) -> Message | None:
        """One attempt; None when the line failed or stayed silent."""
        report, started = self._report, trio.current_time()
        if self._timetable:
            started = self._timetable.next(report.started)
            await trio.sleep_until(started)
        try:
            with trio.fail_after(self._options.answer_seconds):
                if self._counts_anew:
                    await self._log_on()
                answer = await self._exchange(request)
        except (trio.TooSlowError, LineDown, WireError):
            report.lost += self._link is not None  # no connection, nothing lost
            await self.hang_up()
            return None
        report.count(what, answer.get(39), trio.current_time() - started)
        return answer

    async def insist(self, what: str, build: Callable[[int], Message]) -> Message:
        """Send until it is answered, with growing pauses; `build` is told which attempt it is for."""
        pause, attempt = FIRST_PAUSE_SECONDS, 1
        with trio.move_on_after(self._options.patience_seconds):
            while (answer := await self.send(what, build(attempt))) is None or answer.get(39) in TRY_AGAIN:
                await trio.sleep(pause)
                pause, attempt = min(2 * pause, LONGEST_PAUSE_SECONDS), attempt + 1
            return answer
        raise GaveUp(f"{what} unanswered for {self._options.patience_seconds:g} seconds")

    async def hang_up(self) -> None:
        link, self._link = self._link, None
        if link:
            await link.aclose()

    async def _log_on(self) -> None:
        """A day has more messages than there are sequence numbers: what was sent before is not meant any more."""
        self._counts_anew = False
        logon = build_request(self.who, self.dialect, Order(KINDS["logon"]), self._counters(), self.who.now())
        answer = await self._exchange(logon)
        self._counts_anew = answer.get(39) != "00"

    async def _exchange(self, request: Message) -> Message:
        if self._link is not None and self._link.hung_up:
            await self.hang_up()
        if self._link is None:
            self._link = await open_link(self._demo, self.who, self._options.listener, self._options.host)
            self._report.dialled += 1
        await self._link.send(request)
        while True:
            answer = await self._link.receive()
            if is_answer_to(answer, request):
                return answer

    def _counters(self) -> Counters:
        """Trace numbers come from blocks reserved in the state file; the receipt number is the same."""
        if not self._stans:
            first = self._state.take_stans(self.who.key, STANS_RESERVED)
            self._stans = range(first, first + STANS_RESERVED)
        stan, self._stans = (self._stans[0] - 1) % COUNTER_MAX + 1, self._stans[1:]
        self._counts_anew |= self.says_less and stan % SEQUENCE_MAX == 1
        return Counters(f"{stan:06d}", f"{stan:06d}", None)
