"""How long the switch takes, piece by piece: `python -m tests.bench_switch`. Prints medians; asserts no time.

Codec: a redemption from bytes to Request, and its answer to bytes. Decide: rule, check and apply, without the store.
Commit: a group into SQLite on disk, synchronous as in production. Journey: server, service, thread, SQLite; lines in
memory, a closed loop of as many terminals as connections, whose messages are made before and whose answers are read
after the clock: they share the switch's cores, and are not what is measured.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import trio
import trio.testing

from simulators.framing import FrameReader, frame, split_frame, tpdu
from simulators.wire import decode, encode
from specs.dialects import load_dialect
from specs.outcomes import ACCEPTED
from specs.sensitive import PAN
from specs.transaction import Line, Request
from switch.books import Books
from switch.config import Config, ListenerConfig
from switch.core.commands import ActivateCard, ApplyProgramme, Command, IssueCard, PutMerchant, PutTerminal
from switch.core.decide import decide
from switch.core.merchants import Right, Terminal
from switch.core.needs import Case, needs
from switch.metrics import Metrics
from switch.numbers import new_number
from switch.server import Listener, Server
from switch.service import Service
from switch.store.memory import MemoryStore
from switch.store.open import open_store
from switch.store.port import Store
from switch.vault import Vault
from terminals.session import Received, Session
from tests.core.till import LIRA, MERCHANTS, PROGRAMME
from tests.simulation.stage import redeem

LINE = Line("bench", clear_pin=True)
TERMINALS = 64
GROUPS = (1, 8, 64)
ROUNDS = 400
JOURNEY_SECONDS = 5.0
MESSAGES = 1_000  # of a terminal: more than it can send in that time


def main() -> None:
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    bench_codec()
    bench_decide()
    with tempfile.TemporaryDirectory() as folder:
        bench_commit(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        trio.run(bench_journey, Path(folder))


def report(name: str, seconds: list[float], each: int = 1) -> None:
    median = statistics.median(seconds) / each
    print(f"{name:<42} {median * 1e6:9.1f} µs {1 / median:12,.0f} a second")


def clocked(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def message_bytes(stan: int, pan: str, terminal: int) -> bytes:
    body = encode(redeem(stan, pan, 100, terminal), "nac")
    return frame(body, "nac", tpdu("010"))


# -- books to work on --------------------------------------------------------------------------------------------------
def filled(store: Store, vault: Vault, cards: int = TERMINALS) -> tuple[Books, list[str]]:
    """A card with a lot on it for each terminal."""
    books = Books(store, vault.seal_key)
    now = time.time_ns() // 1000
    pans = [f"990010{number:013d}" for number in range(1, cards + 1)]
    numbers = [new_number(vault, PAN(pan), None) for pan in pans]
    terminals = [
        PutTerminal(Terminal(0, 0, "A", f"T{number:07d}", "north", LIRA, rights=tuple(Right)))
        for number in range(1, TERMINALS + 1)
    ]
    groups: list[list[Command]] = [
        [ApplyProgramme(PROGRAMME)],
        [PutMerchant(merchant) for merchant in MERCHANTS],
        [*terminals],
        [IssueCard(number, "open") for number in numbers],
        [ActivateCard(number.hash, "A", 10**9) for number in numbers],
    ]
    for group in groups:
        assert all(reply.outcome in ACCEPTED for reply in books.run_group(group, now))
    return books, pans


def cases(pans: list[str], vault: Vault, stan: int, count: int) -> list[Case]:
    session = Session(load_dialect("nac"), LINE)
    found = []
    for number in range(1, count + 1):
        request = decoded(session, message_bytes(stan, pans[number - 1], number))
        assert request.card is not None
        found.append(Case(request, "main", vault.card_hash(request.card).hex()))
    return found


def decoded(session: Session, data: bytes) -> Request:
    session.receive_data(data)
    event = session.next_event()
    assert isinstance(event, Received)
    return event.request


# -- the pieces --------------------------------------------------------------------------------------------------------
def bench_codec() -> None:
    session = Session(load_dialect("nac"), LINE)
    frames = [message_bytes(stan, "9900100000000000001", 1) for stan in range(1, ROUNDS * 5)]
    report("decode a redemption", [clocked(lambda data=data: decoded(session, data)) for data in frames])  # type: ignore[misc]  # mypy does not see the default
    vault = Vault.ephemeral()
    books, pans = filled(MemoryStore(), vault)
    (case,) = cases(pans, vault, 1, 1)
    (reply,) = books.run_group([case], time.time_ns() // 1000)
    session.receive_data(frames[0])
    event = session.next_event()
    assert isinstance(event, Received)
    slip = event.slip
    report("encode its answer", [clocked(lambda: session.send(reply, slip)) for _ in frames])


def bench_decide() -> None:
    vault = Vault.ephemeral()
    store = MemoryStore()
    books, pans = filled(store, vault)
    seconds = []
    for stan in range(1, ROUNDS):
        (case,) = cases(pans, vault, stan, 1)
        now = time.time_ns() // 1000
        workset = store.load([needs(case)], now)

        def work() -> None:
            decision = decide(case, workset.view(case), books.programme, now, 1_000_000 + stan)  # noqa: B023
            workset.check(decision)  # noqa: B023
            workset.apply(decision)  # noqa: B023

        seconds.append(clocked(work))
    report("decide, check and apply", seconds)


def bench_commit(folder: Path) -> None:
    vault = Vault.ephemeral()
    with closing(open_store(f"sqlite:///{folder}/books.db", make=True)) as store:
        books, pans = filled(store, vault)
        stan = 0
        for size in GROUPS:
            whole, commits = [], []
            for _ in range(ROUNDS // 4):
                stan += 1
                group = cases(pans, vault, stan, size)
                whole.append(clocked(lambda: books.run_group(group, time.time_ns() // 1000)))  # noqa: B023
                commits.append(books.commit_seconds)
            report(f"SQLite: commit, a group of {size}", commits, size)
            report(f"SQLite: load, decide, commit, group of {size}", whole, size)


async def bench_journey(folder: Path) -> None:
    vault = Vault.ephemeral()
    with closing(open_store(f"sqlite:///{folder}/books.db", make=True)) as store:
        books, pans = filled(store, vault)
        metrics = Metrics(["bench"])
        service = Service(books, vault, metrics)
        door = ListenerConfig(name="bench", dialect="nac", port=0, clear_pin=True)
        config = Config(store="memory:", listeners=(door,))
        server = Server(service, metrics, lambda: config, trio.Event())
        listener = Listener(door, load_dialect("nac"))
        messages = [
            [message_bytes(stan, pan, number) for stan in range(1, MESSAGES + 1)] for number, pan in enumerate(pans, 1)
        ]
        waits: list[float] = []
        answers: list[bytes] = []
        gc.freeze()  # as the daemon does
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.run)
            until = trio.current_time() + JOURNEY_SECONDS
            async with trio.open_nursery() as terminals:
                for own in messages:
                    ours, theirs = trio.testing.memory_stream_pair()
                    nursery.start_soon(server.serve_stream, listener, ours, LINE)
                    terminals.start_soon(_terminal, theirs, own, until, waits, answers)
            nursery.cancel_scope.cancel()
        codes = {decode(split_frame(answer, "nac")[1], "nac").get(39) for answer in answers}
        assert codes == {"00"}, "only approvals are worth measuring"
        print(f"{'whole journey, ' + str(TERMINALS) + ' terminals':<42} {len(waits) / JOURNEY_SECONDS:12,.0f} a second")
        cuts = statistics.quantiles(waits, n=100)
        print(f"{'  a terminal waits (median, 99 of 100)':<42} {cuts[49] * 1e3:9.1f} ms {cuts[98] * 1e3:9.1f} ms")


async def _terminal(
    stream: trio.abc.Stream, messages: list[bytes], until: float, waits: list[float], answers: list[bytes]
) -> None:
    frames = FrameReader("nac")
    for message in messages:
        began = trio.current_time()
        if began >= until:
            return
        await stream.send_all(message)
        while (answer := frames.next_payload()) is None:
            frames.feed(await stream.receive_some(4096))
        waits.append(trio.current_time() - began)
        answers.append(answer)
    raise AssertionError("faster than it has messages for")


if __name__ == "__main__":
    main()
