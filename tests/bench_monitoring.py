"""What it costs to watch many terminals: `python -m tests.bench_monitoring [TERMINALS]`. Prints figures; asserts none.

TERMINALS (20000), five to a store, each with a status table and an open batch; the books in SQLite on disk, the log
written, a webhook's outbox filled, as in production. In turn: all of them have been heard since the last fold, all
have fallen silent, and people look. `longest` is how long one task kept the event loop before anybody else had a turn,
`collection` the longest that a collection of garbage stopped everybody, `all` what the loop did altogether: processor
time of the thread, so that other processes on the machine do not count. `wait` is what a clock on the wall says.
"""

from __future__ import annotations

import gc
import os
import platform
import socket
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import product
from pathlib import Path

import trio
from starlette.routing import Route

from simulators.framing import frame, tpdu
from simulators.wire import Message, encode
from specs import limits
from specs.dialects import load_dialect
from specs.outcomes import ACCEPTED, Outcome
from specs.sensitive import PAN
from specs.transaction import Kind
from switch.books import Books, Item
from switch.core.clock import HOUR, SECOND
from switch.core.commands import ActivateCard, ApplyProgramme, IssueCard, PutMerchant, PutTerminal
from switch.core.decision import Heard
from switch.core.merchants import Merchant, Right, Terminal
from switch.core.needs import Case
from switch.core.presence import TerminalEvent
from switch.heartbeat import Heartbeat
from switch.http_server import serve_ops
from switch.live import Live
from switch.log_writer import LogWriter
from switch.logs import configure_logs
from switch.metrics import Answered, Metrics
from switch.numbers import new_number
from switch.ops import ops_app
from switch.ops_config import WebhookConfig
from switch.reporting import log_terminals
from switch.schedules import Days
from switch.service import Service
from switch.store.open import open_store
from switch.terminal_pages import terminals_route
from switch.vault import Vault
from switch.webhooks import deliveries_of
from terminals.session import Session
from tests.bench_switch import LINE, decoded
from tests.core.till import LIRA, PROGRAMME
from tests.simulation.stage import message, redeem

A_STORE = 5  # terminals
VIEWERS, PICTURES = limits.LIVE_VIEWERS_MAX, 3
LISTENERS = ("nac", "ascii", "visa2")
OUTCOMES = 5  # of each kind on each listener: 200 series; all stories together make 53
STATUS = "TSsw=4.2.1;sn=A1234567;paper=ok;battery=97;tamper=0;pending=0"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; {count} terminals")
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w", encoding="utf-8") as nowhere:
        vault = Vault.ephemeral()
        with closing(open_store(f"sqlite:///{folder}/books.db", make=True)) as store, LogWriter(nowhere) as log:
            configure_logs("info", True, log)
            hook = WebhookConfig(name="bench", url="http://127.0.0.1:9/", secret=Path(folder))
            books = Books(store, vault.seal_key, outbox=lambda event, name: deliveries_of(event, name, [hook]))
            fill(books, vault, count)
            trio.run(watch, books, vault, count)


# -- the books ---------------------------------------------------------------------------------------------------------
def fill(books: Books, vault: Vault, count: int) -> None:
    """Terminals, each of which has told its status and sold something."""
    stores = tuple(f"store-{number:05d}" for number in range(-(-count // A_STORE)))
    card = new_number(vault, PAN("9900100000000000001"), None)
    run(books, [ApplyProgramme(PROGRAMME)])
    run(books, [PutMerchant(Merchant(0, "A", "Anchor", stores))])
    run(books, [IssueCard(card, "open")])
    run(books, [ActivateCard(card.hash, "A", 500_000)])
    session = Session(load_dialect("nac"), LINE)

    def case(said: Message) -> Case:
        request = decoded(session, frame(encode(said, "nac"), "nac", tpdu("010")))
        return Case(request, "main", card.hash if request.card else "")

    table = bytes.fromhex(f"{len(STATUS):04d}").decode("latin-1") + STATUS
    for start in range(1, count + 1, limits.GROUP_MAX):
        numbers = range(start, min(start + limits.GROUP_MAX, count + 1))
        run(books, [PutTerminal(terminal(number)) for number in numbers])
        run(books, [case(message("0800", "990000", 1, number, de63=table)) for number in numbers])
        run(books, [case(redeem(2, "9900100000000000001", 1, number)) for number in numbers])


def terminal(number: int) -> Terminal:
    store = f"store-{(number - 1) // A_STORE:05d}"
    return Terminal(0, 0, "A", f"T{number:07d}", store, LIRA, rights=tuple(Right), echo_seconds=300)


def run(books: Books, items: list[Item]) -> None:
    assert all(reply.outcome in ACCEPTED for reply in books.run_group(items, time.time_ns() // 1000))


# -- what is measured --------------------------------------------------------------------------------------------------
class Slices(trio.abc.Instrument):
    """How long each task kept the loop at most, by the name of its function, and all of them altogether.

    A collection of garbage stops every thread, whichever it happens in; the longest is kept apart as well.
    """

    def __init__(self) -> None:
        self.longest: defaultdict[str, float] = defaultdict(float)
        self.all = self.collection = 0.0
        self._began = time.thread_time()  # of the step we are made in
        self._collecting = 0.0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._began = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        took = time.thread_time() - self._began
        name = task.name.removeprefix("functools.partial(<").split(" at ")[0]
        self.longest[name] = max(self.longest[name], took)
        self.all += took

    def note_collection(self, phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.thread_time()
        else:
            self.collection = max(self.collection, time.thread_time() - self._collecting)


@contextmanager
def measured(what: str) -> Iterator[None]:
    slices = Slices()
    trio.lowlevel.add_instrument(slices)
    gc.callbacks.append(slices.note_collection)
    began = time.perf_counter()
    try:
        yield
    finally:
        wait = time.perf_counter() - began
        slices.after_task_step(trio.lowlevel.current_task())
        gc.callbacks.remove(slices.note_collection)
        trio.lowlevel.remove_instrument(slices)
        name = max(slices.longest, key=lambda one: slices.longest[one])
        print(
            f"{what:<36} {1e3 * slices.longest[name]:7.1f} {1e3 * slices.collection:11.1f} {1e3 * slices.all:9.1f}"
            f" {1e3 * wait:9.1f}   {name.rpartition('.')[2]}"
        )


async def watch(books: Books, vault: Vault, count: int) -> None:
    metrics = Metrics(LISTENERS)
    metrics.group_answered([Answered(*one, 0.01) for one in product(LISTENERS, Kind, list(Outcome)[:OUTCOMES])])
    ahead = 0

    def clock() -> int:
        return time.time_ns() // 1000 + ahead

    def tell(events: Sequence[TerminalEvent]) -> None:
        metrics.terminals_changed(events)
        log_terminals(events)
        live.note(events)

    service = Service(books, vault, metrics, clock=clock, tell_terminals=tell)
    heartbeat = Heartbeat(service, metrics, clock)
    live = Live(metrics, heartbeat, lambda: ([], {"nac": count}), "bench", clock)
    print(f"{'milliseconds':<36} {'longest':>7} {'collection':>11} {'all':>9} {'wait':>9}   who")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.run)
        await heartbeat.refresh()
        gc.freeze()  # as the daemon does
        with measured("the books, read again"):
            await heartbeat.refresh()
        with measured("a look at everybody"):
            await heartbeat.look()
        with measured("a look at all open batches"):
            await Days(service, metrics, clock).look()
        ahead = 2 * limits.SEEN_SECONDS * SECOND
        for seen in service.presences.page(("", ""), count):
            service.presences.hear(Heard(seen.terminal), None, clock())
        with measured("all heard: into the books"):
            await heartbeat.fold()
        ahead += HOUR
        with measured("all silent: a look"):
            await heartbeat.look()
        with measured("all silent: into the books, told"):
            await heartbeat.fold()
        await show(metrics, live, terminals_route(service.presences, clock))
        nursery.cancel_scope.cancel()


async def show(metrics: Metrics, live: Live, terminals: Route) -> None:
    app = ops_app(metrics.registry, list, [terminals, *live.routes()])
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve_ops, app, "127.0.0.1", 0, shutdown=trio.Event()))
        most = limits.TERMINALS_PAGE_MAX
        sizes = {}
        for path in ("/metrics", "/", "/terminals", f"/terminals?limit={most}", f"/terminals?state=late&limit={most}"):
            await trio.to_thread.run_sync(fetch, port, path)
            with measured(path):
                sizes[path] = await trio.to_thread.run_sync(fetch, port, path)
        nursery.start_soon(live.run)
        with measured(f"{VIEWERS} browsers, {PICTURES} pictures each"):
            size = await trio.to_thread.run_sync(look_on, port)
        print(f"a picture has {size} bytes; " + ", ".join(f"{path} {size}" for path, size in sizes.items()))
        nursery.cancel_scope.cancel()


def fetch(port: int, path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return len(answer.read())


def look_on(port: int) -> int:
    """As browsers do; bytes of the last picture."""
    with ExitStack() as streams:
        browsers = []
        for _ in range(VIEWERS):
            line = streams.enter_context(socket.create_connection(("127.0.0.1", port)))
            line.sendall(b"GET /live HTTP/1.1\r\nHost: bench\r\n\r\n")
            browsers.append(streams.enter_context(line.makefile("rb")))
        size = 0
        for _ in range(PICTURES + 1):  # the first comes at once
            for browser in browsers:
                size = 0
                while (text := browser.readline()) != b"\n":
                    size += len(text) if text.startswith(b"data: ") else 0
        return size


if __name__ == "__main__":
    main()
