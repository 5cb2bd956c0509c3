"""How long the end of a large batch takes: `python -m tests.bench_batches [COUNT]`. Prints times; asserts none.

One terminal, one line, one message at a time, as a terminal does it; the books in SQLite on disk, synchronous as in
production. COUNT redemptions (5000) are made, the totals are claimed wrong, all are uploaded, and the trailer closes.
Then again, closed by equal totals without an upload.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import trio
import trio.testing

from simulators.codecs import Dialect
from simulators.wire import Message
from specs import limits
from specs.dialects import load_dialect
from specs.transaction import Line
from switch.config import Config, ListenerConfig
from switch.metrics import Metrics
from switch.server import Listener, Server
from switch.service import Service
from switch.store.open import open_store
from switch.vault import Vault
from tests.bench_switch import filled
from tests.simulation.stage import Wire, message, redeem

LINE = Line("bench", clear_pin=True)
DIALECT: Dialect = "nac"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; {count} transactions")
    with tempfile.TemporaryDirectory() as folder:
        trio.run(_bench, Path(folder), count)


async def _bench(folder: Path, count: int) -> None:
    vault = Vault.ephemeral()
    with closing(open_store(f"sqlite:///{folder}/books.db", make=True)) as store:
        books, pans = filled(store, vault)
        metrics = Metrics(["bench"])
        service = Service(books, vault, metrics)
        door = ListenerConfig(name="bench", dialect=DIALECT, port=0, clear_pin=True)
        server = Server(service, metrics, lambda: Config(store="memory:", listeners=(door,)), trio.Event())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.run)
            ours, theirs = trio.testing.memory_stream_pair()
            nursery.start_soon(server.serve_stream, Listener(door, load_dialect(DIALECT)), ours, LINE)
            till = _Till(Wire(theirs, DIALECT), pans[0])
            await till.trade(1, count)
            await till.ask("claim other totals (95)", till.settle("920000", 1, 1), "95")
            await till.upload(count)
            await till.ask("trailer, closes", till.settle("960000", 1, 1), "00")
            await till.trade(2, count)
            await till.ask("settle with equal totals, closes", till.settle("920000", 2, count), "00")
            await till.ask("the same again", till.settle("920000", 2, count), "00")
            nursery.cancel_scope.cancel()


class _Till:
    def __init__(self, wire: Wire, pan: str) -> None:
        self._wire, self._pan, self._stan = wire, pan, 0
        self._first = 0

    def _next(self) -> int:
        self._stan += 1
        return self._stan

    async def trade(self, batch: int, count: int) -> None:
        self._first = self._stan + 1
        began = time.perf_counter()
        for _ in range(count):
            answer = await self._wire.ask(redeem(self._next(), self._pan, 1, de60=f"{batch:06d}"))
            assert answer.get(39) == "00", answer
        _report(f"redemptions of batch {batch}", time.perf_counter() - began, count)

    async def upload(self, count: int) -> None:
        began = time.perf_counter()
        for original in range(self._first, self._first + count):
            told = f"0200{original:06d}{'':12}"
            fields = message("0320", "006001", self._next(), de2=self._pan, de4=f"{1:012d}", de60=told)
            answer = await self._wire.ask(fields)
            assert answer.get(39) == "00", answer
        _report("uploads, one after another", time.perf_counter() - began, count)

    def settle(self, code: str, batch: int, count: int) -> Message:
        totals = f"{count % limits.TOTALS_COUNT:03d}{count:012d}"
        return message("0500", code, self._next(), de60=f"{batch:06d}", de63=totals)

    async def ask(self, what: str, said: Message, code: str) -> None:
        began = time.perf_counter()
        answer = await self._wire.ask(said)
        seconds = time.perf_counter() - began
        assert answer.get(39) == code, answer
        print(f"{what:<42} {seconds * 1e3:9.1f} ms")


def _report(what: str, seconds: float, count: int) -> None:
    print(f"{what:<42} {seconds:9.1f} s  {seconds / count * 1e3:9.2f} ms each")


if __name__ == "__main__":
    main()
