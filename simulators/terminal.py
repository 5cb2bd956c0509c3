"""A terminal: it asks, waits, remembers, and recovers when no answer comes.

It knows connections and time; what a request looks like is `requests.py`'s business, what is printed `receipt.py`'s.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import TracebackType

import msgspec
import trio

from simulators.demo import Demo, DemoError, DemoTerminal, dialect_of
from simulators.journal import Item, Journal, Result
from simulators.journal_file import JournalFile
from simulators.line import BatchLine, Line, LineDown
from simulators.link import open_link
from simulators.requests import (
    Order,
    answer_echo,
    build_repeat,
    build_request,
    build_reversal,
    build_void,
    card_number,
    is_answer_to,
    is_echo,
    is_points,
    local_time,
    without_secrets,
)
from simulators.settlement import Said
from simulators.state import Deed, StateFile
from simulators.tables import available
from simulators.visa2_link import Visa2Line
from simulators.visa2_manner import Damage, Manner
from simulators.visa2_wire import code_of, is_upload
from simulators.wire import Message, WireError

ANSWER_SECONDS = 25.0  # the switch answers within 20 or not at all
RECOVERY_TRIES = 3  # a reversal or an advice is sent this often, then it is kept for the next opportunity


class Exchange(msgspec.Struct, frozen=True):
    """One request and what came of it. `sent` is False where there was no line: the switch cannot know of it then."""

    deed: Deed
    request: Message
    answer: Message | None
    problem: str = ""
    sent: bool = True
    seconds: float = 0.0
    session: str = ""  # what went over the line character by character, where that matters
    result: Result | None = None

    @property
    def code(self) -> str | None:
        return self.answer.get(39) if self.answer else None

    @property
    def approved(self) -> bool:
        return self.code in ("00", "10")


class _Heard(msgspec.Struct, frozen=True):
    """The answer, or why there is none, whether the request left at all, and what went over the line."""

    answer: Message | None
    problem: str = ""
    sent: bool = True
    session: str = ""


class Terminal:
    """One terminal of demo.json on one listener. Its messages go out one after another, as on a real one.

    `persistent` keeps the connection between messages; otherwise each has its own, as most IP terminals do it.
    """

    def __init__(
        self,
        demo: Demo,
        who: DemoTerminal,
        listener: str,
        *,
        host: str = "127.0.0.1",
        answer_seconds: float = ANSWER_SECONDS,
        persistent: bool = True,
        clock: Callable[[], datetime] = datetime.now,
        manner: Manner = Manner(),  # noqa: B008 - frozen
    ) -> None:
        self._manner = manner
        self.demo = demo
        self.who = who
        self.listener = listener
        self.dialect = dialect_of(listener)
        self.state = StateFile.beside(demo)
        self.journal = JournalFile(demo, who)
        self._host = host
        self._answer_seconds = answer_seconds
        self._persistent = persistent
        self._clock = clock
        self._link: Line | None = None
        self._captured: dict[str, list[Item]] = {}  # what was uploaded at once, by batch number

    async def __aenter__(self) -> "Terminal":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()

    def with_nii(self, nii: str) -> "Terminal":
        """The same terminal as another application of the host knows it: a batch, and here a line, of its own."""
        who = msgspec.structs.replace(self.who, nii=nii)
        return Terminal(
            self.demo,
            who,
            self.listener,
            host=self._host,
            answer_seconds=self._answer_seconds,
            persistent=False,
            clock=self._clock,
            manner=self._manner,
        )

    async def hang_up(self) -> None:
        link, self._link = self._link, None
        if link:
            await link.aclose()

    # --- what a cashier can ask for ---

    def prepare(self, order: Order) -> tuple[str, Message]:
        """Build a request with fresh numbers without sending it."""
        receipt = order.kind.mti in ("0200", "0220") and order.receipt is None
        counters = self.state.next_counters(self.who.key, self.journal.read().batch, receipt=receipt)
        return order.kind.name, build_request(self.who, self.dialect, order, counters, self._now())

    def prepare_void(self, deed: Deed, *, advice: bool = False) -> tuple[str, Message]:
        counters = self.state.next_counters(self.who.key, self.journal.read().batch, receipt=False)
        return f"void {deed.kind}", build_void(self.who, deed, counters, self._now(), advice=advice)

    async def perform(self, order: Order) -> Exchange:
        return await self.send(*self.prepare(order))

    async def void(self, deed: Deed, *, advice: bool = False) -> Exchange:
        return await self.send(*self.prepare_void(deed, advice=advice))

    async def reverse(self, deed: Deed, attempt: int = 1) -> Exchange:
        return await self.send(f"reversal {deed.kind}", build_reversal(deed, attempt))

    async def repeat(self, deed: Deed, request: Message | None = None) -> Exchange:
        return await self.send(deed.kind, build_repeat(request or deed.request))

    async def send(self, kind: str, request: Message, damage: Damage = "") -> Exchange:
        """Send a request as it is, wait for its answer, and remember both. `damage`: what the line spoils."""
        if self.dialect == "visa2" and not is_upload(request):
            code_of(request)  # what cannot be said never leaves
        deed = Deed(kind, without_secrets(request, self.dialect))
        is_deed = request.mti[:3] in ("020", "022")
        if is_deed:
            self.state.remember(self.who.key, deed)  # before it leaves: a power cut must not forget it
        self._note_leaving(deed)
        started = trio.current_time()
        heard = await self._ask(request, damage)
        seconds = trio.current_time() - started
        answer = heard.answer
        result = self._note_answer(request, answer, heard.sent)
        if answer:
            deed = Deed(kind, deed.request, answer.get(39), answer.get(4) or None, answer.get(37) or None)
            if is_deed:
                self.state.remember(self.who.key, deed)
            self._learn(deed, answer)
        return Exchange(deed, request, answer, heard.problem, heard.sent, seconds, heard.session, result)

    async def recover(self, exchange: Exchange) -> list[Exchange]:
        """After a lost answer: reverse what may have moved value, repeat an advice; three times at most."""
        tries: list[Exchange] = []
        while len(tries) < RECOVERY_TRIES and (not tries or tries[-1].code in (None, "96")):
            if exchange.request.mti[:3] == "022":
                tries.append(await self.repeat(exchange.deed, exchange.request))
            else:
                tries.append(await self.reverse(exchange.deed, len(tries) + 1))
        return tries

    # --- its batch: what `settlement.py` asks of whoever settles ---

    def read_journal(self) -> Journal:
        return self.journal.read()

    def next_numbers(self) -> tuple[str, datetime]:
        return self.state.next_counters(self.who.key, receipt=False).stan, self._now()

    async def say(self, kind: str, request: Message) -> Said:
        exchange = await self.send(kind, request)
        return Said(kind, request, exchange.answer, exchange.result, exchange.problem)

    def _note_leaving(self, deed: Deed) -> None:
        if deed.request.mti[:3] in _JOURNALLED:
            with self.journal.change() as journal:
                journal.leaving(deed)

    def _note_answer(self, request: Message, answer: Message | None, sent: bool) -> Result | None:
        if request.mti[:3] not in _JOURNALLED or (answer is None and sent):
            return None
        with self.journal.change() as journal:
            if answer:
                return journal.answered(request, answer)
            journal.never_left(request)
        return None

    # --- the line ---

    async def send_and_leave(self, kind: str, request: Message) -> None:
        """Send, then hang up before the answer: a power cut at the till, as the switch sees it."""
        self._note_leaving(Deed(kind, without_secrets(request, self.dialect)))
        await self.hang_up()
        try:
            with trio.fail_after(self._answer_seconds):
                async with self._line() as link:
                    await link.send(request)
        except (trio.TooSlowError, LineDown) as error:
            raise DemoError(f"the line failed while sending: {error}") from None
        finally:
            await self.hang_up()

    async def attend(self, seconds: float, asked: Callable[[], None], *, deaf: bool = False) -> None:
        """Stay on the line for so long and answer the switch's echoes; `asked` hears of each.

        Raises:
            LineDown: the line was lost.
        """
        with trio.move_on_after(seconds):
            async with self._line() as link:
                while True:
                    message = await link.receive()
                    if is_echo(message):
                        asked()
                        if not deaf:
                            await link.send(answer_echo(message, self._now()))

    async def _ask(self, request: Message, damage: Damage) -> _Heard:
        sent, link = False, None
        try:
            with trio.fail_after(self._answer_seconds):
                uploads = self.dialect == "visa2" and is_upload(request)
                if uploads and isinstance(self._link, BatchLine) and not self._link.takes_batches:
                    await self.hang_up()
                async with self._line() as link:
                    sent = True  # from here the switch may have it, even if sending fails half way
                    if isinstance(link, Visa2Line):
                        link.damage(damage)
                    if uploads and isinstance(link, BatchLine):
                        answer = await link.upload(request, self._items_of(request))
                    else:
                        await link.send(request)
                        answer = await self._wait_for_answer(link, request)
                    return _Heard(answer, session=" ".join(link.session))
        except (trio.TooSlowError, LineDown) as error:
            await self.hang_up()
            slow = isinstance(error, trio.TooSlowError)
            problem = f"no answer within {self._answer_seconds:g} seconds" if slow else str(error)
            return _Heard(None, problem, sent, " ".join(link.session) if link else "")

    def _items_of(self, upload: Message) -> list[Item]:
        """What is in the batch; of one that was uploaded before, what was in it then."""
        journal, number = self.journal.read(), upload.get(60)
        if journal.batch == number:
            self._captured[number] = journal.counting
        return self._captured.get(number, [])

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Line]:
        if self._link is not None and self._link.hung_up:
            await self.hang_up()
        if self._link is None:
            self._link = await open_link(
                self.demo, self.who, self.listener, self._host, persistent=self._persistent, manner=self._manner
            )
        yield self._link
        if not self._persistent:
            await self.hang_up()

    async def _wait_for_answer(self, link: Line, request: Message) -> Message:
        while True:
            answer = await link.receive()
            if is_answer_to(answer, request):
                return answer
            if is_echo(answer):
                await link.send(answer_echo(answer, self._now()))

    # --- memory ---

    def _now(self) -> datetime:
        """The terminal's clock as answers have set it: its store may be in another time zone than this machine."""
        return self._clock() + timedelta(seconds=self.state.read().terminal(self.who.key).clock_seconds)

    def _learn(self, deed: Deed, answer: Message) -> None:
        """The local time, and what has become of the card."""
        now = self._clock()
        time = local_time(answer, now) if deed.code == "00" else None
        if time:
            with self.state.change() as memory:
                memory.terminal(self.who.key).clock_seconds = round((time - now).total_seconds())
        pan = card_number(deed.request)
        if pan and deed.code in ("00", "10"):
            try:
                balances = available(answer)
            except WireError:
                balances = []
            remember = self.state.remember_member if is_points(deed.request) else self.state.remember_card
            remember(self.demo, pan, _CARD_STATE.get(deed.kind), balances[-1].amount if balances else None)


_JOURNALLED = ("020", "022", "032", "040", "042", "050", "080")  # classes of messages a journal is told about

_CARD_STATE = {
    "activate": "active",
    "cash-out": "closed",
    "block": "blocked",
    "unblock": "active",
    **{f"{undo} activate": "inactive" for undo in ("void", "reversal")},
    **{f"{undo} cash-out": "active" for undo in ("void", "reversal")},
    "reversal void activate": "active",
    "reversal void cash-out": "closed",
    "reversal block": "active",
    "reversal unblock": "blocked",
    "enrol": "active",
    "points-block": "blocked",
    "points-unblock": "active",
    "reversal enrol": "inactive",
    "reversal points-block": "active",
    "reversal points-unblock": "blocked",
}
