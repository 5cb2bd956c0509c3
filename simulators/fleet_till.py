"""One terminal of a fleet: its journal on disk, its counters, and a line on which answers are lost on purpose."""

import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
import trio

from simulators.demo import Demo, DemoTerminal, dialect_of
from simulators.fleet_report import FleetReport
from simulators.journal import Journal, Result
from simulators.journal_file import JournalFile
from simulators.line import BatchLine, Line, LineDown
from simulators.link import open_link
from simulators.load_line import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, TRY_AGAIN, GaveUp
from simulators.requests import build_repeat, is_answer_to, without_secrets
from simulators.settlement import Habits, Said, pay_debts, settle
from simulators.state import COUNTER_MAX, Counters, Deed, StateFile
from simulators.visa2_manner import Manner
from simulators.visa2_wire import is_upload
from simulators.wire import Message, WireError

_REPEATABLE = {"0200", "0220", "0320", "0400", "0420"}  # the others are asked anew
STANS_RESERVED = 1000  # at a time: one write of the state file for as many messages


EVERY_LISTENER = "all"


class FleetOptions(msgspec.Struct, frozen=True):
    """`deeds` are for each terminal; `lose` is the share of messages, `faults` that of terminals.

    `listener` may be `all`: terminals of every dialect, each at its own.
    """

    terminals: int = 50
    deeds: int = 40
    listener: str = "nac"
    host: str = "127.0.0.1"
    seed: int = 1
    lose: float = 0.05
    faults: float = 0.1
    answer_seconds: float = 25.0
    patience_seconds: float = 60.0

    def listener_of(self, who: DemoTerminal) -> str:
        return who.listener if self.listener == EVERY_LISTENER else self.listener


class FleetTill:
    """A Speaker (settlement.py). Every change of the journal is on disk before the next message leaves."""

    def __init__(
        self, demo: Demo, options: FleetOptions, who: DemoTerminal, report: FleetReport, chance: random.Random
    ) -> None:
        self.who = who
        self.dialect = dialect_of(options.listener_of(who))
        self._demo, self._options, self._report, self._chance = demo, options, report, chance
        self._file = JournalFile(demo, who)
        self.journal = self._file.read()
        self._state = StateFile.beside(demo)
        self._stans = range(0)
        self._link: Line | None = None
        maker = random.Random(f"{options.seed}/{who.key}")  # not of the day: the same events whatever is spoken
        self._manner = Manner(parity=maker.choice(("none", "even")), type=maker.choice((0, 2, 4)))

    def power_cut(self) -> None:
        """Only what is on disk is left."""
        self._report.power_cuts += 1
        self.journal = self._file.read()

    def save(self) -> None:
        self._file.write(self.journal)

    def counters(self) -> Counters:
        """The receipt number is the STAN."""
        if not self._stans:
            first = self._state.take_stans(self.who.key, STANS_RESERVED)
            self._stans = range(first, first + STANS_RESERVED)
        stan, self._stans = (self._stans[0] - 1) % COUNTER_MAX + 1, self._stans[1:]
        return Counters(f"{stan:06d}", f"{stan:06d}", self.journal.batch)

    def remember_sold(self, pan: str, balance: int) -> None:
        """For whoever looks for a card to sell, today or after a crash."""
        self._state.remember_card(self._demo, pan, "active", balance)

    async def hang_up(self) -> None:
        link, self._link = self._link, None
        if link:
            await link.aclose()

    # --- until it is answered, with growing pauses ---

    async def insist(self, kind: str, build: Callable[[], Message]) -> Message:
        """For what changes nothing: a new message each time."""
        answer: Message | None = None

        async def ask() -> bool:
            nonlocal answer
            answer = (await self.say(kind, build())).answer
            return answer is not None and answer.get(39) not in TRY_AGAIN

        await self._until(ask, kind)
        assert answer is not None
        return answer

    async def pay(self) -> None:
        """Reversals and advices, until none is owed."""

        async def pay_once() -> bool:
            self._check(await pay_debts(self))
            return not self.journal.owed

        await self._until(pay_once, "what is owed")

    async def settle(self, habits: Habits) -> list[Said]:
        """Until the batch is closed."""
        all_said: list[Said] = []

        async def settle_once() -> bool:
            all_said.extend(self._check(await settle(self, habits)))
            return all_said[-1].result is Result.CLOSED

        await self._until(settle_once, "the settlement")
        return all_said

    async def _until(self, attempt: Callable[[], Awaitable[bool]], what: str) -> None:
        pause = FIRST_PAUSE_SECONDS
        with trio.move_on_after(self._options.patience_seconds):
            while not await attempt():
                await trio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            return
        raise GaveUp(f"{what} was not answered for {self._options.patience_seconds:g} seconds")

    def _check(self, all_said: list[Said]) -> list[Said]:
        """Nobody can help a terminal that is refused here, so it stops."""
        for said in all_said:
            if said.result is Result.STOPPED and said.answer:
                raise GaveUp(f"{said.kind} was answered {said.answer.get(39)}")
        return all_said

    # --- what `settlement.py` asks of a speaker ---

    def read_journal(self) -> Journal:
        return self.journal

    def next_numbers(self) -> tuple[str, datetime]:
        return self.counters().stan, self.who.now()

    async def say(self, kind: str, request: Message) -> Said:
        self.journal.leaving(Deed(kind, without_secrets(request, self.dialect)))
        self.save()
        answer = await self._ask(request)
        if answer is None:
            return Said(kind, request, None, None)
        self._report.messages[kind.split(" ")[0] if request.mti[:3] in ("032", "040") else kind] += 1
        self._report.codes[answer.get(39)] += 1
        result = self.journal.answered(request, answer)
        self.save()
        return Said(kind, request, answer, result)

    # --- the line ---

    async def _ask(self, request: Message) -> Message | None:
        """The answer; None if it was lost, by chance or because the line or the switch failed."""
        fate = self._chance.random()
        lost = fate < self._options.lose
        answer = None
        if not lost or fate >= self._options.lose / 3:  # else it does not even leave, but the terminal cannot know
            with contextlib.suppress(LineDown, WireError), trio.move_on_after(self._options.answer_seconds):
                answer = await self._ask_again_if_closed(request, lost)
        if answer is None:
            self._report.lost += 1
            await self.hang_up()
        return answer

    async def _ask_again_if_closed(self, request: Message, lost: bool) -> Message | None:
        """Where the line is closed in the place of an answer, the same again on a new one: the answer is stored."""
        try:
            return await self._exchange(request, lost)
        except LineDown:
            await self.hang_up()
        await self._dial()
        self._report.repeated += 1
        repeats = self.dialect != "visa2" and request.mti in _REPEATABLE
        return await self._exchange(build_repeat(request) if repeats else request, lost)

    async def _dial(self) -> Line:
        if self._link is not None and self._link.hung_up:
            await self.hang_up()
        listener = self._options.listener_of(self.who)
        self._link = self._link or await open_link(
            self._demo, self.who, listener, self._options.host, manner=self._manner
        )
        return self._link

    async def _exchange(self, request: Message, lost: bool) -> Message | None:
        uploads = self.dialect == "visa2" and is_upload(request)
        if uploads:  # a batch has a session of its own
            await self.hang_up()
        link = await self._dial()
        if uploads and isinstance(link, BatchLine):
            answer = await link.upload(request, self.journal.counting)
            await self.hang_up()
            return None if lost else answer
        await link.send(request)
        while not lost:
            answer = await link.receive()
            if is_answer_to(answer, request):
                return answer
        return None
