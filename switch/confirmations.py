"""Transactions whose terminals have to confirm the answer, and have not: they are undone when their time has passed.

A terminal that hangs up is seen at once (conversation.py); this is for the rest: a crash of ours in between, a terminal
that says nothing for ever. What waits lies on disk, written by the commit that approved it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
import trio

from switch.service import Service
from switch.store.port import Conflict, Unavailable

LOOK_SECONDS: Final = 5.0  # between two looks: much less than what a terminal has
SLICE: Final = 100

log = structlog.get_logger()


class Confirmations:
    """Undoes what is overdue.

    Args:
        clock: Microseconds since 1970.
    """

    def __init__(self, service: Service, clock: Callable[[], int]) -> None:
        self._service, self._clock = service, clock

    async def run(self) -> None:
        """Until cancelled, beginning with what a crash has left. While the store is away it waits for the next look."""
        while True:
            try:
                await self.look()
            except (Unavailable, Conflict) as reason:
                log.warning("what is not confirmed has to wait to be undone", reason=str(reason))
            await trio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        overdue = await self._service.ask_store(self._service.books.store.overdue, self._clock(), SLICE)
        if overdue:
            await self._service.undo(overdue)
            log.info("not confirmed in time, undone", transactions=len(overdue))
