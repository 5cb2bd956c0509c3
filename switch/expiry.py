"""Points that have expired are taken out of the books, a slice at a time, by commands like any other.

Who runs it submits the commands of one slice after the other until there are none. A lot is left alone as long as a
reversal may still need it: `replay_hours` after it last moved.
"""

from __future__ import annotations

from specs import limits
from switch.core.clock import HOUR
from switch.core.points_commands import ExpireLots, expiries
from switch.core.points_matter import day_of
from switch.core.programme import Programme
from switch.store.port import Reader


def expired_slice(reader: Reader, programme: Programme, now: int) -> list[ExpireLots]:
    """The commands that clear away the next slice; none if there is nothing to do."""
    today = day_of(programme, now).isoformat()
    return expiries(reader.expired(today, now - limits.REPLAY_HOURS * HOUR, limits.EXPIRY_SLICE))
