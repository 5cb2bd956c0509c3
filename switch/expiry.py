"""Points that have expired are booked out once a day, in slices between the groups of the terminals' messages.

Nobody can spend them from the day after their last one, booked out or not; so a run that is missed is made up by the
next. Each is a command that says how often the lot had been moved when it was looked at: several daemons, or a till at
the same moment, take nothing twice.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable
from typing import Final

import structlog
import trio

from specs import limits
from switch.core.clock import HOUR, SECOND
from switch.core.member_commands import expiries
from switch.core.points_commands import ExpireLots
from switch.core.points_matter import day_of
from switch.core.programme import Programme
from switch.service import Service
from switch.store.port import Conflict, Reader, Store, Unavailable

LOOK_SECONDS: Final = 30.0  # between two looks at the clock
NEVER: Final = "never"

log = structlog.get_logger()


class ExpiredLots:
    """Looks for what has expired by `now`, slice by slice.

    A lot that something has moved within `replay_hours` is left alone: what moved it may be reversed yet, and takes
    back from this lot, or puts back into it.
    """

    def __init__(self, programme: Programme, now: int) -> None:
        self._day = day_of(programme, now).isoformat()
        self._still_since = now - limits.REPLAY_HOURS * HOUR
        self._after = ("", 0)

    def next_slice(self, books: Reader | Store) -> list[ExpireLots] | None:
        """The commands for some lots more; None at the end."""
        lots = books.expired_lots(self._day, self._still_since, self._after, limits.EXPIRY_SLICE)
        if not lots:
            return None
        self._after = lots[-1].expires_on, lots[-1].id
        return expiries(lots)


class Expiry:
    """The daily run of a daemon.

    Args:
        at: The time of day in the programme's zone, `hhmm`, or never; asked anew at each look.
        clock: Microseconds since 1970.
    """

    def __init__(self, service: Service, at: Callable[[], str], clock: Callable[[], int]) -> None:
        self._service, self._at, self._clock = service, at, clock
        self._last = clock()

    async def run(self) -> None:
        """Until cancelled. While the store is away it waits for the next look."""
        while True:
            await trio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except (Unavailable, Conflict) as reason:
                log.warning("points have to wait to expire", reason=str(reason))

    async def look(self) -> None:
        """Book out what has expired, if the time of day has come since the last time."""
        now, at = self._clock(), self._at()
        if at != NEVER and last_time(at, now, self._service.books.programme.time_zone) > self._last:
            await self._expire(now)
            self._last = now

    async def _expire(self, now: int) -> None:
        expired = ExpiredLots(self._service.books.programme, now)
        members = 0
        while (commands := await self._service.ask_store(expired.next_slice, self._service.books.store)) is not None:
            members += sum(reply.rrn is not None for reply in await self._service.submit(commands))
        log.info("points expired", members=members)


def last_time(at: str, now: int, time_zone: str) -> int:
    """When the clocks of `time_zone` last showed `at` (hhmm): now or before."""
    zone = zoneinfo.ZoneInfo(time_zone)
    today = dt.datetime.fromtimestamp(now // SECOND, zone).date()
    for day in (today, today - dt.timedelta(1)):
        moment = dt.datetime(day.year, day.month, day.day, int(at[:2]), int(at[2:]), tzinfo=zone)
        if moment.timestamp() * SECOND <= now:
            break
    return round(moment.timestamp()) * SECOND
