"""The order of the journey: wait, load, decide, commit, answer. Write before you answer, never answer before you write.

The door (`offer`) is synchronous; requests that arrive while a commit is under way form the next group, at most one of
a terminal. Answers come back a group at a time.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
import trio

from specs import limits
from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Line, MessageClass, Reply, Request
from switch.books import Books, Item
from switch.core.commands import Command, PutTerminal
from switch.core.deciding import bare_reply
from switch.core.decision import BatchEvent
from switch.core.journal import Pending
from switch.core.needs import Case, application_of
from switch.core.presence import TerminalEvent
from switch.metrics import Answered, Metrics
from switch.presence import Presences, Visit
from switch.store.port import Conflict, Unavailable
from switch.vault import Vault

T = TypeVar("T")
Deliver = Callable[[Reply | None], None]  # None: no answer is to be sent
Log = Callable[[Sequence[tuple[Request, Reply, float]]], None]

BACK_OFF_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # between tries while the store is away


class Waiting(msgspec.Struct):
    """A request in the queue. `terminal` orders it: messages of one terminal are decided one after another."""

    item: Item
    terminal: str
    deliver: Deliver
    offered_at: float
    visit: Visit | None = None  # the connection it came by
    address: Any = None  # where on that its answer goes


class Queue:
    """Requests that wait: a line for each terminal, and the terminals take turns.

    However much one terminal sends, and by how many connections, it holds up only itself. What belongs to no terminal
    stands in a line of its own, so that operators' commands keep their order.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[Hashable, deque[Waiting]] = OrderedDict()  # next turn first; never an empty line
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, waiting: Waiting) -> None:
        self._lines.setdefault(waiting.terminal or object(), deque()).append(waiting)
        self._count += 1

    def take_group(self, group_max: int) -> list[Waiting]:
        """The first of each line; who has more to say goes to the end."""
        group: list[Waiting] = []
        more: list[tuple[Hashable, deque[Waiting]]] = []
        while self._lines and len(group) < group_max:
            terminal, line = self._lines.popitem(last=False)
            group.append(line.popleft())
            if line:
                more.append((terminal, line))
        self._lines.update(more)
        self._count -= len(group)
        return group


class Service:
    """Takes requests, groups them, has them decided, delivers the answers.

    Args:
        threaded: Run groups in a worker thread; False keeps everything in the loop (simulations, in-memory books).
        clock: Microseconds since 1970.
        tell_trouble: Told once why nothing can be committed, and with None when it can again.
        tell_batches: Told after each group what it has done to batches, if anything.
        tell_terminals: Likewise of terminals.
    """

    def __init__(
        self,
        books: Books,
        vault: Vault,
        metrics: Metrics,
        *,
        applications: Mapping[str, str] | None = None,
        answer_seconds: float = limits.ANSWER_SECONDS,
        queue_max: int = limits.QUEUE_MAX,
        group_max: int = limits.GROUP_MAX,
        threaded: bool = True,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
        log: Log = lambda answered: None,
        tell_trouble: Callable[[str | None], None] = lambda reason: None,
        tell_batches: Callable[[Sequence[BatchEvent]], None] = lambda events: None,
        tell_terminals: Callable[[Sequence[TerminalEvent]], None] = lambda events: None,
    ) -> None:
        self.books = books
        self.presences = Presences(clock())
        self.answer_seconds = answer_seconds
        self.trouble: str | None = None  # why nothing can be committed just now
        self._vault, self._metrics, self._log, self._tell_trouble = vault, metrics, log, tell_trouble
        self._tell_batches, self._tell_terminals = tell_batches, tell_terminals
        self._applications = applications or {}
        self._queue_max, self._group_max, self._threaded, self._clock = queue_max, group_max, threaded, clock
        self._queue = Queue()
        self._arrived = trio.Event()
        self._last_now = books.seal.sealed_at if books.seal else 0  # time never goes back, whatever the clock does
        self._turn = trio.Lock()  # one thing at a time with the store

    def offer(
        self,
        request: Request,
        deliver: Deliver,
        *,
        alone: bool = False,
        visit: Visit | None = None,
        address: Any = None,
    ) -> bool:
        """Queue a request; `deliver` gets its answer, or None if it comes too late. False: the queue is full.

        Args:
            visit: The connection it came by.
            address: What an echo of ours to the same terminal needs; only the conversation reads it.
            alone: Nothing else of its connection is undecided. Such a request always finds room: who fills the queue
                does so with connections that ask for more and more, and is refused himself.
        """
        if len(self._queue) >= self._queue_max and not alone:
            self._metrics.group_answered([_measured(request, self.busy(), 0.0)])
            return False
        card_hash = self._vault.card_hash(request.card) if request.card else b""
        pin_hash = self._vault.pin_hash(card_hash, request.pin) if request.pin and card_hash else None
        case = Case(
            request,
            application_of(request.nii, self._applications),
            card_hash.hex(),
            pin_hash,
            self._vault.card_hash(request.other_card).hex() if request.other_card else "",
            self._vault.encrypt_phone(request.phone) if request.phone else None,
        )
        terminal = request.acceptor.number if request.acceptor else request.terminal_id
        self._put(Waiting(case, terminal, deliver, trio.current_time(), visit, address))
        if request.status and request.status.odd:
            self._metrics.status_odd.inc(request.status.odd)
        return True

    def now(self) -> int:
        """Microseconds since 1970."""
        return self._clock()

    def busy(self) -> Reply:
        """What a terminal hears when the queue is full."""
        return bare_reply(Outcome.INTERNAL, self._clock(), self.books.programme.time_zone)

    def card_hash(self, card: PAN) -> str:
        """What commands call a card."""
        return self._vault.card_hash(card).hex()

    async def submit(self, commands: Sequence[Command]) -> list[Reply]:
        """Decide an operator's commands, in order, among the terminals' messages; returns when they are on disk."""
        named = [command.terminal.terminal_id if isinstance(command, PutTerminal) else "" for command in commands]
        replies = await self._submit(commands, named)
        assert None not in replies, "operators wait as long as it takes"
        return [reply for reply in replies if reply]

    async def undo(self, pendings: Sequence[Pending]) -> None:
        """Undo what nobody has confirmed, as its terminal's own reversal would."""
        cases = [
            Case(
                Request(
                    MessageClass.REVERSAL,
                    pending.kind,
                    Line(pending.listener),
                    merchant_id=pending.merchant_id,
                    terminal_id=pending.terminal_id,
                    stan=pending.stan,
                    amount=0,
                    rrn=pending.rrn,
                    sequenced=True,
                ),
                pending.application,
                pending.card_hash,
            )
            for pending in pendings
        ]
        await self._submit(cases, [pending.terminal_id for pending in pendings])

    async def _submit(self, items: Sequence[Item], terminals: Sequence[str]) -> list[Reply | None]:
        """The answers in the order in which they came; returns when all of them are there."""
        replies: list[Reply | None] = []
        done = trio.Event()

        def deliver(reply: Reply | None) -> None:
            replies.append(reply)
            if len(replies) == len(items):
                done.set()

        for item, terminal in zip(items, terminals, strict=True):
            self._put(Waiting(item, terminal, deliver, trio.current_time()))
        if items:
            await done.wait()
        return replies

    def _put(self, waiting: Waiting) -> None:
        self._queue.put(waiting)
        self._arrived.set()

    async def run(self) -> None:
        """Run groups until cancelled; a group under way is finished and answered first.

        Raises:
            Lost: the process must end; only the store knows the truth.
        """
        while True:
            await self._arrived.wait()
            if not self._queue:
                self._arrived = trio.Event()
                continue
            group = self._queue.take_group(self._group_max)
            self._metrics.set_queue(len(self._queue))
            replies = await self._decide(group)
            self._deliver(group, replies)

    async def _decide(self, group: Sequence[Waiting]) -> list[Reply]:
        """Have a group decided, however often the store has to be asked."""
        items = [waiting.item for waiting in group]
        attempt = 0
        while True:
            now = self._last_now = max(self._clock(), self._last_now + self._group_max)
            try:
                replies = await self._run(self.books.run_group, items, now)
            except Unavailable as reason:
                self._note_trouble(str(reason))
                self._metrics.store_unavailable()
                await trio.sleep(BACK_OFF_SECONDS[min(attempt, len(BACK_OFF_SECONDS) - 1)])
                attempt += 1
                continue
            self._note_trouble(None)
            if self.books.events:
                self._tell_batches(self.books.events)
            self._note_terminals(group, now)
            self._metrics.group_committed(len(group), self.books.commit_seconds, self.books.conflicts)
            return replies

    def _note_terminals(self, group: Sequence[Waiting], now: int) -> None:
        for waiting, life in zip(group, self.books.heard, strict=True):
            if life is not None:
                self.presences.hear(life, waiting.visit, now, waiting.address)
        self.presences.note_changes(self.books.changes)
        if self.books.terminal_events:
            self._tell_terminals(self.books.terminal_events)

    def _note_trouble(self, reason: str | None) -> None:
        if reason != self.trouble:
            self.trouble = reason
            self._tell_trouble(reason)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        """Do `work` with the store: in a thread, or here and now."""
        async with self._turn:
            if self._threaded:
                return await trio.to_thread.run_sync(work, *arguments)
            done = work(*arguments)
            await trio.lowlevel.cancel_shielded_checkpoint()
            return done

    async def ask_store(self, question: Callable[..., T], *arguments: object) -> T:
        """What the store can tell between two groups.

        Raises:
            Unavailable, Conflict: not now.
        """
        return await self._run(question, *arguments)

    async def tidy(self) -> None:
        """Forget what has outlived its use, in slices between the groups; another time if the store is away."""
        with suppress(Unavailable, Conflict):
            while await self._run(self.books.store.forget, self._clock()):
                await trio.lowlevel.checkpoint()

    def _deliver(self, group: Sequence[Waiting], replies: Sequence[Reply]) -> None:
        now = trio.current_time()
        answered = []
        for waiting, reply in zip(group, replies, strict=True):
            seconds = now - waiting.offered_at
            if isinstance(waiting.item, Case):
                answered.append((waiting.item.request, reply, seconds))
            late = seconds > self.answer_seconds  # the terminal has given up; its repeat fetches the stored answer
            waiting.deliver(None if late and isinstance(waiting.item, Case) else reply)
        self._metrics.group_answered([_measured(*one) for one in answered])
        self._log(answered)


def _measured(request: Request, reply: Reply, seconds: float) -> Answered:
    return Answered(request.line.listener, request.kind, reply.outcome, seconds)
