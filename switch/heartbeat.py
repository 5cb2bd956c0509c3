"""Watches who is there: counts states, tells who has fallen silent, and folds what memory knows into the books.

All of it in slices between the groups of the terminals' messages, and never in the way of one. Several daemons on the
same books hear different terminals: each reads now and then what the others have written.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Final

import structlog
import trio

from specs import limits
from switch.core.presence import State
from switch.core.sightings import FoldPresence, Sighting
from switch.labels import OfflineShare, offline_share
from switch.live_page import StoreStates
from switch.metrics import Metrics
from switch.presence import Presences, Seen, sighting_of
from switch.service import Service
from switch.store.port import Conflict, Unavailable

LOOK_SECONDS: Final = 5.0  # between two looks at all terminals
REFRESH_SECONDS: Final = 30.0  # between two readings of what other daemons have seen
WORST_STORES: Final = 20  # shown on the live page
#: A small store that is all dark comes before a large one that has lost some.
DARKER: Final[Mapping[OfflineShare, int]] = {"none": 0, "some": 1, "half": 2, "all": 3}
LOOK_SLICE: Final = 500  # terminals, or stores, looked at before everybody else gets a turn: about a millisecond

Darkness = tuple[int, int, int]  # of a store: its share, terminals offline, terminals late

log = structlog.get_logger()


class Heartbeat:
    """
    Args:
        clock: Microseconds since 1970.
    """

    def __init__(self, service: Service, metrics: Metrics, clock: Callable[[], int]) -> None:
        self._service, self._metrics, self._clock = service, metrics, clock
        self.states: Counter[State] = Counter()  # of all terminals, as of the last look
        self.worst_stores: list[StoreStates] = []  # the darkest
        self._silent: list[Seen] = []  # who is offline and not known to be, as of the last look

    @property
    def _presences(self) -> Presences:
        return self._service.presences

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled; started when what the books know is known. While the store is away it waits."""
        await self.refresh()
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_looking)
            nursery.start_soon(self._keep_folding)

    async def _keep_looking(self) -> None:
        """Goes on while the store is away: then it matters most who is there."""
        while True:
            await self.look()
            await trio.sleep(LOOK_SECONDS)

    async def _keep_folding(self) -> None:
        refreshed = trio.current_time()
        while True:
            await trio.sleep(LOOK_SECONDS)
            await self.fold()
            if trio.current_time() - refreshed >= REFRESH_SECONDS:
                await self.refresh()
                refreshed = trio.current_time()

    async def look(self) -> None:
        """One look at everybody."""
        now, silent = self._clock(), list[Seen]()
        states: Counter[State] = Counter()
        stores: defaultdict[tuple[str, str], Counter[State]] = defaultdict(Counter)
        for some in self._presences.slices(LOOK_SLICE):
            for seen in some:
                state = seen.state(now)
                if seen.terminal.active:
                    states[state] += 1
                    stores[seen.terminal.merchant_id, seen.terminal.store][state] += 1
                    if state is State.OFFLINE and self._presences.is_silent(seen, now):
                        silent.append(seen)
            await trio.lowlevel.checkpoint()
        worst = await self._look_at_stores(states, list(stores.items()))
        self.states, self.worst_stores, self._silent = states, worst, silent

    async def _look_at_stores(
        self, states: Mapping[State, int], stores: Sequence[tuple[tuple[str, str], Mapping[State, int]]]
    ) -> list[StoreStates]:
        """Counts them by their share of terminals offline. The darkest come back; of many if anybody is missing."""
        shares: Counter[OfflineShare] = Counter()
        darkest: list[tuple[Darkness, StoreStates]] = []
        for start in range(0, len(stores), LOOK_SLICE):
            for names, counted in stores[start : start + LOOK_SLICE]:
                if share := offline_share(counted):  # else it has not opened yet
                    shares[share] += 1
                    darkness = DARKER[share], counted.get(State.OFFLINE, 0), counted.get(State.LATE, 0)
                    darkest.append((darkness, StoreStates(*names, counted)))
            darkest = heapq.nlargest(WORST_STORES, darkest, key=itemgetter(0))
            await trio.lowlevel.checkpoint()
        self._metrics.set_terminals(states, shares)
        many = shares.total() > WORST_STORES
        return [store for darkness, store in darkest if not many or any(darkness)]

    async def fold(self) -> None:
        """What is news: who has fallen silent, who was heard."""
        size = limits.PRESENCE_SLICE
        for start in range(0, len(self._silent), size):
            await self._tell([sighting_of(seen, silent=True) for seen in self._silent[start : start + size]])
        await self._fold_heard(everything=False)

    async def fold_all(self) -> None:
        """Before the end: nothing that was seen is forgotten."""
        await self._fold_heard(everything=True)

    async def _fold_heard(self, *, everything: bool) -> None:
        numbers, size = self._presences.with_news(), limits.PRESENCE_SLICE
        for start in range(0, len(numbers), size):
            await self._tell(self._presences.take_sightings(numbers[start : start + size], everything=everything))

    async def _tell(self, sightings: Sequence[Sighting]) -> None:
        if sightings:
            await self._service.submit([FoldPresence(tuple(sightings))])
        else:
            await trio.lowlevel.checkpoint()

    async def refresh(self) -> None:
        """What the books know, a slice at a time."""
        after = 0
        try:
            while page := await self._service.ask_store(
                self._service.books.store.stations, after, limits.PRESENCE_SLICE
            ):
                after = page[-1].terminal.id
                self._presences.learn(page)
        except (Unavailable, Conflict) as reason:
            log.warning("what other daemons have seen has to wait", reason=str(reason))
