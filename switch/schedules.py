"""What happens by the clock: the host settles what is left open at the end of a merchant's day, and cuts settlements.

All of it is commands, decided like everything else; what could not be done is done at the next look. Several daemons on
the same books do it once: a command says which batch it means, and the second finds it closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import structlog
import trio

from specs.outcomes import ACCEPTED
from switch.core.commands import Command
from switch.core.day_commands import CutSettlement, SettlePart
from switch.core.days import is_over, settled_day
from switch.core.decision import BatchEvent
from switch.core.merchants import Merchant
from switch.labels import age_of
from switch.metrics import Metrics
from switch.service import Service
from switch.store.port import Conflict, OpenBatch, Unavailable

LOOK_SECONDS: Final = 30.0  # between two looks at all open batches
PAGE: Final = 500  # open batches read, or commands given, at a time: the terminals' messages come in between

log = structlog.get_logger()


class Days:
    """Watches business days.

    Args:
        clock: Microseconds since 1970.
    """

    def __init__(self, service: Service, metrics: Metrics, clock: Callable[[], int]) -> None:
        self._service, self._metrics, self._clock = service, metrics, clock
        self._closed: set[str] = set()  # merchants one of whose batches has just closed
        self._told = trio.Event()

    def note(self, events: Sequence[BatchEvent]) -> None:
        """What has happened to batches: where one has closed, it may have been the last of its merchant's day."""
        closed = {event.merchant_id for event in events if event.batch and event.batch.closed_at}
        if closed:
            self._closed |= closed
            self._told.set()

    async def run(self) -> None:
        """Until cancelled. While the store is away it waits for the next look."""
        while True:
            try:
                await self.look()
            except (Unavailable, Conflict) as reason:
                log.warning("business days have to wait", reason=str(reason))
            with trio.move_on_after(LOOK_SECONDS) as scope:
                while True:
                    await self._told.wait()
                    await self._cut(self._take_closed())
            assert scope.cancelled_caught, "only the time ends it"

    async def look(self) -> None:
        """Settle what is left of days that are over, then cut what can be cut."""
        merchants = {one.merchant_id: one for one in await self._service.ask_store(self._service.books.store.merchants)}
        now, after = self._clock(), 0
        ages: Counter[str] = Counter()
        oldest: dict[int, int] = {}  # by terminal
        while page := await self._service.ask_store(self._service.books.store.open_batches, after, PAGE):
            after = page[-1].batch.id
            ages.update(age_of(now - one.opened_at) for one in page)
            for one in page:
                terminal = one.batch.terminal
                oldest[terminal] = min(one.opened_at, oldest.get(terminal, one.opened_at))
            await self._service.submit(list(_due(page, merchants, now)))
        self._metrics.set_open_batches(ages)
        await self._note_batches(oldest)
        self._take_closed()
        unsettled = list((await self._service.ask_store(self._service.books.store.unsettled)).items())
        for start in range(0, len(unsettled), PAGE):
            days = ((merchants.get(name), day) for name, day in unsettled[start : start + PAGE])
            await self._cut([one.merchant_id for one, day in days if one and settled_day(one, day)])
            await trio.lowlevel.checkpoint()

    async def _note_batches(self, oldest: Mapping[int, int]) -> None:
        for some in self._service.presences.slices(PAGE):
            for seen in some:
                seen.batch_opened_at = oldest.get(seen.terminal.id, 0)
            await trio.lowlevel.checkpoint()

    def _take_closed(self) -> list[str]:
        closed, self._closed, self._told = sorted(self._closed), set(), trio.Event()
        return closed

    async def _cut(self, merchant_ids: Sequence[str]) -> None:
        """Those that have other batches open are refused, and are tried again when these close."""
        for start in range(0, len(merchant_ids), PAGE):
            names = merchant_ids[start : start + PAGE]
            replies = await self._service.submit([CutSettlement(name) for name in names])
            for name, reply in zip(names, replies, strict=True):
                if reply.outcome in ACCEPTED:
                    log.info("settlement", merchant_id=name, rrn=reply.rrn)


def _due(page: Sequence[OpenBatch], merchants: dict[str, Merchant], now: int) -> Iterator[Command]:
    for one in page:
        merchant = merchants.get(one.merchant_id)
        if merchant and is_over(merchant, one.batch, now):
            yield SettlePart(one.merchant_id, one.terminal_id, one.batch.application, one.batch.id)
