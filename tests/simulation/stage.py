"""The whole switch in one trio run: real server, service, sessions and vault, books in memory, lines without sockets.

The client side speaks with the simulators' own codec, so that the same mistake on both sides would show.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain, repeat

import trio
import trio.testing

from simulators.codecs import Dialect
from simulators.framing import FrameReader, frame, split_frame, tpdu
from simulators.wire import Message, decode, encode
from specs import limits
from specs.dialects import find_dialect
from specs.outcomes import ACCEPTED
from specs.sensitive import PAN, Secret
from specs.transaction import Line
from switch.audit import Audit, audit
from switch.books import Books
from switch.config import Config, ListenerConfig
from switch.core.clock import SECOND
from switch.core.commands import ActivateCard, ApplyProgramme, Command, IssueCard, PutMerchant, PutTerminal
from switch.core.decision import Changes
from switch.core.holdings import AccountKind
from switch.core.merchants import Right, Terminal
from switch.core.presence import TerminalEvent
from switch.metrics import Metrics
from switch.numbers import new_number
from switch.server import Listener, Server
from switch.service import Log, Service
from switch.store.memory import MemoryStore
from switch.store.port import StoreError
from switch.vault import Vault
from tests.core.till import LIRA, MERCHANTS, NOON, PROGRAMME

Pair = Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]]


class FaultyStore(MemoryStore):
    """Fails at commits as told: one entry for each commit, None lets it pass; afterwards all is well."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: Iterator[StoreError | None] = repeat(None)

    def fail(self, faults: Iterable[StoreError | None]) -> None:
        self.faults = chain(faults, repeat(None))

    def commit(self, changes: Changes, seal: object) -> None:
        fault = next(self.faults)
        if fault:
            raise fault
        super().commit(changes, seal)  # type: ignore[arg-type]  # a Seal or None, as the port says


class Wire:
    """A terminal's end of a line."""

    def __init__(self, stream: trio.abc.Stream, dialect: Dialect = "nac") -> None:
        self.stream, self.dialect = stream, dialect
        self._frames = FrameReader(dialect)

    def framed(self, message: Message) -> bytes:
        return frame(encode(message, self.dialect), self.dialect, tpdu("010"))

    async def send(self, *messages: Message) -> None:
        await self.stream.send_all(b"".join(map(self.framed, messages)))

    async def receive(self) -> Message | None:
        """The next answer; None when the switch has closed the line."""
        while (payload := self._frames.next_payload()) is None:
            try:
                data = await self.stream.receive_some(4096)
            except trio.BrokenResourceError:
                data = b""
            if not data:
                return None
            self._frames.feed(data)
        return decode(split_frame(payload, self.dialect)[1], self.dialect)

    async def ask(self, message: Message) -> Message:
        await self.send(message)
        answer = await self.receive()
        assert answer is not None, "the switch hung up"
        return answer

    async def close(self) -> None:
        await self.stream.aclose()


class Stage:
    """The switch, its terminals T1 … (all rights) and what a test wants to know of it."""

    def __init__(
        self,
        nursery: trio.Nursery,
        *,
        terminals: int = 4,
        answer_seconds: float = limits.ANSWER_SECONDS,
        queue_max: int = limits.QUEUE_MAX,
        idle_seconds: float = limits.IDLE_SECONDS,
        connections_max: int = limits.CONNECTIONS_MAX,
        dialect: Dialect = "nac",
        log: Log = lambda answered: None,
        report: Callable[[Exception], None] | None = None,
        tell_terminals: Callable[[Sequence[TerminalEvent]], None] = lambda events: None,
    ) -> None:
        self.nursery, self.dialect = nursery, dialect
        self.store, self.vault = FaultyStore(), Vault.ephemeral()
        self.bugs: list[Exception] = []  # in the rules
        self.faults: list[Exception] = []  # of a connection
        self.books = Books(self.store, self.vault.seal_key, report=report or self.bugs.append)
        self._issued = 0
        self.command(ApplyProgramme(PROGRAMME), *(PutMerchant(merchant) for merchant in MERCHANTS))
        rights = tuple(Right)
        for number in range(1, terminals + 1):
            named = f"8880000000010001{number:04d}"
            self.command(PutTerminal(Terminal(0, 0, "A", f"T{number:07d}", "north", LIRA, rights=rights, number=named)))
        self.metrics = Metrics(["test"])
        self.service = Service(
            self.books,
            self.vault,
            self.metrics,
            answer_seconds=answer_seconds,
            queue_max=queue_max,
            threaded=False,
            clock=lambda: NOON + round(trio.current_time() * SECOND),
            log=log,
            tell_terminals=tell_terminals,
        )
        door = ListenerConfig(
            name="test",
            dialect=dialect,
            port=0,
            clear_pin=True,
            idle_seconds=idle_seconds,
            connections_max=connections_max,
        )
        self.config = Config(store="memory:", listeners=(door,))
        self.draining = trio.Event()
        self.server = Server(self.service, self.metrics, lambda: self.config, self.draining)
        self.listener = Listener(door, find_dialect(dialect))

    def decide(self) -> None:
        """From now on requests are decided; before, they pile up."""
        self.nursery.start_soon(self.service.run)

    def connect(self, pair: Pair = trio.testing.memory_stream_pair, line: Line | None = None) -> Wire:
        ours, theirs = pair()
        self.nursery.start_soon(self._serve, ours, line or Line("test", clear_pin=True))
        return Wire(theirs, self.dialect)

    async def _serve(self, stream: trio.abc.Stream, line: Line) -> None:
        """As the daemon does: a fault ends its connection, and is told."""
        try:
            await self.server.serve_stream(self.listener, stream, line)
        except* Exception as faults:
            self.faults += faults.exceptions
            await trio.aclose_forcefully(stream)

    def command(self, *commands: Command) -> None:
        for reply in self.books.run_group(commands, NOON):
            assert reply.outcome in ACCEPTED, reply.display

    def card(
        self, balance: int | None = None, product: str = "open", pin: str | None = None, digits: str | None = None
    ) -> str:
        self._issued += 1
        pan = PAN(digits or f"{self.books.programme.products[product].prefix}{self._issued:013d}")
        number = new_number(self.vault, pan, Secret(pin) if pin else None)
        self.command(IssueCard(number, product))
        if balance:
            self.command(ActivateCard(number.hash, "B", balance))
        return pan.reveal()

    def balance(self, pan: str) -> int:
        found = self.store.card(self.vault.card_hash(PAN(pan)).hex())
        assert found is not None
        return found[1].balance

    def uncovered(self) -> int:
        return sum(account.balance for account in self.store.accounts() if account.kind is AccountKind.UNCOVERED)

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"tillswitch_{name}", labels) or 0.0

    def closed(self, reason: str) -> float:
        return self.count("connections_closed_total", listener="test", reason=reason)

    def trouble(self) -> str | None:
        return self.service.trouble

    def prove(self) -> Audit:
        *_, last = audit(self.store, self.vault.seal_key)
        return last


@asynccontextmanager
async def stage(deciding: bool = True, **options: object) -> AsyncIterator[Stage]:
    """A stage; everything on it ends with the block."""
    async with trio.open_nursery() as nursery:
        running = Stage(nursery, **options)  # type: ignore[arg-type]  # the options are Stage's own
        if deciding:
            running.decide()
        yield running
        nursery.cancel_scope.cancel()


# -- messages ----------------------------------------------------------------------------------------------------------
def message(mti: str, code: str, stan: int, terminal: int = 1, **fields: str) -> Message:
    """`fields` as de4=…; DE24, 41 and 42 are there."""
    numbered = {int(name[2:]): text for name, text in fields.items()}
    head = {3: code, 11: f"{stan:06d}", 24: "010", 41: f"T{terminal:07d}", 42: "A".ljust(15)}
    return Message(mti, head | numbered)


def redeem(stan: int, pan: str, amount: int, terminal: int = 1, mti: str = "0200", **fields: str) -> Message:
    return message(mti, "006000", stan, terminal, de2=pan, de4=f"{amount:012d}", **fields)


def balance(stan: int, pan: str, terminal: int = 1) -> Message:
    return message("0100", "316000", stan, terminal, de2=pan)


def echo(stan: int, terminal: int = 1) -> Message:
    return message("0800", "990000", stan, terminal)
