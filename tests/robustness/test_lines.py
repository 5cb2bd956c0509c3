"""Terminal lines in one loop with a clock of our own: what one line does must stay its own affair."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import trio
import trio.testing
from trio.testing import MockClock

from specs import limits
from specs.dialects import load_dialect
from specs.outcomes import Outcome
from specs.transaction import Line, Reply, Request
from switch.books import Books, Item
from switch.config import Config, ListenerConfig
from switch.metrics import Metrics
from switch.presence import Visit
from switch.server import Listener, Server
from switch.service import Queue, Service, Waiting
from switch.store.memory import MemoryStore
from switch.store.port import Unavailable
from switch.vault import Vault
from tests.contract.client import Message, encode, frame

KEEP_ALIVE = b"\0\0"


def echo(stan: int, terminal: str = "T0000001") -> bytes:
    fields = {0: "0800", 3: "990000", 11: f"{stan:06}", 24: "010", 41: terminal, 42: "A".ljust(15)}
    return frame("nac", encode("nac", Message(fields)))


class FirstUnavailable(MemoryStore):
    """A store that cannot tidy up at first."""

    forgotten = 0

    def forget(self, now: int) -> int:
        self.forgotten += 1
        if self.forgotten == 1:
            raise Unavailable("the disk is full")
        return super().forget(now)


class House:
    """A server without sockets; nobody is known to it, so every request is answered 03."""

    def __init__(self, nursery: trio.Nursery, queue_max: int = limits.QUEUE_MAX) -> None:
        self.nursery = nursery
        self.metrics, vault = Metrics(["nac"]), Vault.ephemeral()
        self.store = FirstUnavailable()
        books = Books(self.store, vault.seal_key)
        self.service = Service(books, vault, self.metrics, threaded=False, clock=lambda: 10**15, queue_max=queue_max)
        door = ListenerConfig(name="nac", dialect="nac", port=0)
        self.draining = trio.Event()
        self.server = Server(self.service, self.metrics, lambda: Config(listeners=(door,)), self.draining)
        self.listener = Listener(door, load_dialect("nac"))
        self.ended: list[str] = []

    def decide(self) -> None:
        self.nursery.start_soon(self.service.run)

    def connect(
        self, pair: Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]] = trio.testing.memory_stream_pair
    ) -> trio.abc.Stream:
        ours, theirs = pair()
        self.nursery.start_soon(self._serve, ours)
        return theirs

    async def _serve(self, stream: trio.abc.Stream) -> None:
        try:
            await self.server.serve_stream(self.listener, stream, Line("nac"))
        except Exception as fault:
            self.ended.append(type(fault).__name__)
        finally:
            await trio.aclose_forcefully(stream)

    def closed(self, reason: str) -> float | None:
        labels = {"listener": "nac", "reason": reason}
        return self.metrics.registry.get_sample_value("tillswitch_connections_closed_total", labels)


@asynccontextmanager
async def house(queue_max: int = limits.QUEUE_MAX) -> AsyncIterator[House]:
    with trio.fail_after(1000):  # jumped to if nothing moves any more
        async with trio.open_nursery() as nursery:
            yield House(nursery, queue_max)
            nursery.cancel_scope.cancel()


async def answers(stream: trio.abc.Stream) -> int:
    """How many come until the line ends."""
    received = b"".join([piece async for piece in stream])
    count = 0
    while received:
        size = 2 + int.from_bytes(received[:2], "big")
        assert len(received) >= size, "an answer cut off"
        received, count = received[size:], count + 1
    return count


# -- turns -------------------------------------------------------------------------------------------------------------
async def test_a_burst_on_one_line_gives_its_neighbours_their_turn(autojump_clock: MockClock) -> None:
    async with house() as here:
        greedy = here.connect()
        await greedy.send_all(KEEP_ALIVE * 8_000)
        turns = 0
        while (
            here.metrics.registry.get_sample_value(
                "tillswitch_frames_dropped_total", {"listener": "nac", "reason": "empty"}
            )
            != 8_000
        ):
            await trio.lowlevel.checkpoint()
            turns += 1
        assert turns >= 8_000 / limits.MESSAGES_A_TURN / 2


def waiting(terminal: str, offered_at: float = 0.0) -> Waiting:
    return Waiting(None, terminal, print, offered_at)  # type: ignore[arg-type]  # a queue does not look inside


def test_terminals_take_turns_however_much_one_of_them_sends() -> None:
    queue = Queue()
    for _ in range(5_000):
        queue.put(waiting("greedy"))
    queue.put(waiting("polite"))
    assert [one.terminal for one in queue.take_group(128)] == ["greedy", "polite"]
    assert len(queue) == 4_999


def test_a_terminal_keeps_its_order_and_none_is_passed_over() -> None:
    queue = Queue()
    for place in range(3):
        for terminal in "abc":
            queue.put(waiting(terminal, place))
    taken = [(one.terminal, one.offered_at) for _ in range(5) for one in queue.take_group(2)]
    assert sorted(taken[:3]) == [("a", 0), ("b", 0), ("c", 0)]
    for terminal in "abc":
        assert [place for who, place in taken if who == terminal] == [0, 1, 2]
    assert not len(queue)


def test_commands_keep_their_order_and_share_a_group() -> None:
    queue = Queue()
    for place in range(4):
        queue.put(waiting("", place))
    assert [one.offered_at for one in queue.take_group(3)] == [0, 1, 2]
    assert [one.offered_at for one in queue.take_group(3)] == [3]


async def test_a_full_queue_refuses_who_has_more_waiting_and_takes_who_has_none(autojump_clock: MockClock) -> None:
    async with house(queue_max=10) as here:
        greedy, polite = here.connect(), here.connect()
        await greedy.send_all(b"".join(echo(stan) for stan in range(1, 16)))
        await trio.testing.wait_all_tasks_blocked()
        await polite.send_all(echo(1, "T0000002"))
        await trio.testing.wait_all_tasks_blocked()
        here.decide()
        await trio.testing.wait_all_tasks_blocked()
        counted = {
            outcome: here.metrics.registry.get_sample_value(
                "tillswitch_transactions_total", {"listener": "nac", "kind": "echo", "outcome": outcome}
            )
            for outcome in ("unknown_merchant", "internal_error")
        }
        assert counted["unknown_merchant"] == 11, "ten of the greedy one, and the polite one"


async def test_an_answer_still_on_its_way_makes_nobody_greedy(autojump_clock: MockClock) -> None:
    """A terminal may have read it, and ask again, before the writer learns that it was sent."""
    alone_at_each = []

    class Deciding(Service):
        def offer(
            self,
            request: Request,
            deliver: Callable[[Reply | None], None],
            *,
            alone: bool = False,
            visit: Visit | None = None,
            address: object = None,
        ) -> bool:
            alone_at_each.append(alone)
            deliver(self.busy())
            return True

    async with house() as here:
        here.service.__class__ = Deciding
        line = here.connect(trio.testing.lockstep_stream_pair)
        for stan in (1, 2, 3):
            await line.send_all(echo(stan))
            await trio.testing.wait_all_tasks_blocked()
    assert alone_at_each == [True, True, True]


# -- answers -----------------------------------------------------------------------------------------------------------
async def test_answers_that_are_not_taken_stop_the_reading(autojump_clock: MockClock) -> None:
    """Outstanding is what has not been sent, not what has not been decided."""
    async with house() as here:
        here.decide()
        unread = here.connect(trio.testing.lockstep_stream_pair)
        sent = 0
        with trio.move_on_after(limits.SEND_SECONDS - 1):
            while True:
                await unread.send_all(echo(1))
                sent += 1
        assert sent <= limits.OUTSTANDING_MAX + 1


async def test_a_line_that_takes_no_answers_is_cut_and_called_so(autojump_clock: MockClock) -> None:
    async with house() as here:
        here.decide()
        unread = here.connect(trio.testing.lockstep_stream_pair)
        await unread.send_all(echo(1))
        await trio.sleep(limits.SEND_SECONDS + 1)
        assert here.closed("slow_reader") == 1


async def test_an_answer_that_cannot_be_written_ends_its_own_line_only(autojump_clock: MockClock) -> None:
    class Absurd(Service):
        def offer(
            self,
            request: Request,
            deliver: Callable[[Reply | None], None],
            *,
            alone: bool = False,
            visit: Visit | None = None,
            address: object = None,
        ) -> bool:
            amount = 10**12 if request.terminal_id == "T0000009" else None  # DE4 has twelve digits
            deliver(Reply(Outcome.APPROVED, local_date="0101", local_time="120000", amount=amount))
            return True

    async with house() as here:
        here.service.__class__ = Absurd
        bad, good = here.connect(), here.connect()
        await bad.send_all(echo(1, "T0000009"))
        assert await answers(bad) == 0
        await good.send_all(echo(2))
        assert await good.receive_some()
        assert len(here.ended) == 1, "told once, and logged by whoever runs the conversation"
        assert here.closed("error") == 1


async def test_the_last_answer_is_sent_whole_before_the_line_ends(autojump_clock: MockClock) -> None:
    """The writer has it in hand and waits for the terminal; that is no reason to hang up."""
    async with house() as here:
        half_closed = here.connect(trio.testing.lockstep_stream_pair)
        await half_closed.send_all(echo(1))
        assert isinstance(half_closed, trio.StapledStream)
        await half_closed.send_eof()
        await trio.testing.wait_all_tasks_blocked()
        here.decide()
        await trio.testing.wait_all_tasks_blocked()
        assert await answers(half_closed) == 1


async def test_messages_that_had_come_whole_are_answered_when_the_daemon_ends(autojump_clock: MockClock) -> None:
    async with house() as here:
        line = here.connect()
        await line.send_all(b"".join(echo(stan) for stan in range(1, 100)))
        here.draining.set()
        here.decide()
        assert await answers(line) in (0, 99), "all of what was read, or nothing was read"
        assert here.closed("drain") == 1


async def test_a_busy_line_whose_every_read_ends_within_a_frame_is_not_slow(autojump_clock: MockClock) -> None:
    async with house() as here:
        here.decide()
        line = here.connect()
        frames = b"".join(echo(stan) for stan in range(1, 20))
        size = len(echo(1))
        await line.send_all(frames[:10])
        for start in range(10, len(frames) - size, size):
            await trio.sleep(limits.FRAME_SECONDS * 0.9)
            await line.send_all(frames[start : start + size])
            assert await line.receive_some()


# -- the store ---------------------------------------------------------------------------------------------------------
async def test_a_store_that_is_away_when_we_tidy_up_is_asked_again_later(autojump_clock: MockClock) -> None:
    async with house() as here:
        await here.service.tidy()
        await here.service.tidy()
        assert here.store.forgotten == 2


# -- time --------------------------------------------------------------------------------------------------------------
async def test_a_clock_that_is_set_back_does_not_take_the_books_back(autojump_clock: MockClock) -> None:
    async with house() as here:
        clock = iter([10**15, 10**15 - 3_600 * 10**6, 5])
        here.service._clock = lambda: next(clock)
        decided = []
        run_group = here.service.books.run_group

        def noting(group: Sequence[Item], now: int) -> list[Reply]:
            decided.append(now)
            return run_group(group, now)

        here.service.books.run_group = noting  # type: ignore[method-assign]  # to see when
        here.decide()
        line = here.connect()
        for stan in (1, 2, 3):
            await line.send_all(echo(stan))
            assert await line.receive_some()
        assert decided[0] == 10**15
        assert sorted(set(decided)) == decided, "each group is later than the one before"
