"""Which terminals are there, in memory: fed by every answered message, read by the pages and the heartbeat.

Nothing here does I/O or waits; the books' copy is `switch/core/presence.py`, and `switch/heartbeat.py` keeps the two
together. Twenty thousand terminals are twenty thousand small records, looked through in slices.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from specs import limits
from switch.core.clock import SECOND
from switch.core.decision import Changes, Heard
from switch.core.merchants import Terminal
from switch.core.presence import Presence, State, offline_after, state_of
from switch.core.sightings import Sighting
from switch.store.port import Station


class Asks(msgspec.Struct, frozen=True):
    """Who on a connection can be asked for an echo, and the address its last message came with."""

    terminal: Terminal
    address: Any


class Visit:
    """A connection, as far as terminals are concerned: who has spoken on it, and who of them answers echoes."""

    def __init__(self) -> None:
        self.terminals: set[int] = set()
        self.asks: Asks | None = None
        self.ended = False

    def note(self, terminal: Terminal, address: Any) -> None:
        """`terminal` has spoken."""
        if terminal.answers_echo:
            self.asks = Asks(terminal, address)
        elif self.asks is not None and self.asks.terminal.id == terminal.id:
            self.asks = None


class Seen(msgspec.Struct, gc=False):
    """A terminal, what the books know of its being there, and what has come since."""

    terminal: Terminal
    presence: Presence
    last_seen: int = 0
    skew: int | None = None  # of its last message; not in the books yet, as the round trip
    doubted: bool = False  # only its last message says that its clock is off: our answer may have set it right
    round_trip: int | None = None
    connections: int = 0
    batch_opened_at: int = 0  # the oldest that is open; 0: none

    def state(self, now: int) -> State:
        return state_of(self.terminal, self.last_seen, now)


class Presences:
    """All terminals.

    Args:
        began: Microseconds since 1970. Silence from before is no news: a daemon that was down has heard nobody.
    """

    def __init__(self, began: int = 0) -> None:
        self._began = began
        self._seen: dict[int, Seen] = {}  # by Terminal.id
        self._keys: list[tuple[str, str, int]] = []  # merchant id, terminal id, Terminal.id; in order
        self._news: dict[int, None] = {}  # terminals heard since they were folded
        self._stan = 0  # of our own echoes

    def __len__(self) -> int:
        return len(self._seen)

    # -- what happens -------------------------------------------------------------------------------------------------
    def learn(self, stations: Iterable[Station]) -> None:
        """What the books say; where memory knows better, it stays."""
        for station in stations:
            self._note(self._place(station.terminal), station.presence)

    def hear(self, life: Heard, visit: Visit | None, now: int, address: Any = None) -> None:
        """A message of a terminal was decided.

        Args:
            address: What an answer to it would be sent by.
        """
        seen = self._place(life.terminal)
        seen.last_seen = max(seen.last_seen, now)
        if life.skew is not None:
            seen.doubted = _is_off(life.skew) and not (seen.skew is not None and _is_off(seen.skew))
            seen.skew = life.skew
        if visit is not None and not visit.ended and life.terminal.id not in visit.terminals:
            visit.terminals.add(life.terminal.id)
            seen.connections += 1
        if visit is not None:
            visit.note(life.terminal, address)
        self._news[life.terminal.id] = None

    def note_changes(self, changes: Changes) -> None:
        """What a group has written of terminals."""
        for terminal in changes.terminals.values():
            self._place(terminal).terminal = terminal
        for presence in changes.presences.values():
            seen = self._seen.get(presence.terminal)
            if seen:
                self._note(seen, presence)

    def take_stan(self) -> int:
        """For an echo of ours."""
        self._stan = self._stan % 999_999 + 1
        return self._stan

    def echo_answered(self, terminal: int, round_trip: int, now: int) -> None:
        """A terminal has answered our echo after so many microseconds."""
        seen = self._seen[terminal]
        seen.round_trip = round_trip
        seen.last_seen = max(seen.last_seen, now)
        self._news[terminal] = None

    def left(self, visit: Visit) -> None:
        """A connection has ended; what it has sent may still be decided."""
        visit.ended = True
        for number in visit.terminals:
            self._seen[number].connections -= 1
        visit.terminals.clear()

    # -- what is asked ------------------------------------------------------------------------------------------------
    def slices(self, size: int) -> Iterator[list[Seen]]:
        """All terminals, by merchant and terminal id, so many at a time; who comes in between may be missed."""
        keys = self._keys
        for start in range(0, len(keys), size):
            yield [self._seen[number] for *_, number in keys[start : start + size]]

    def page(self, after: tuple[str, str], size: int) -> list[Seen]:
        """The terminals that come after these two ids."""
        start = bisect.bisect_right(self._keys, (*after, 2**63))
        return [self._seen[number] for *_, number in self._keys[start : start + size]]

    def is_silent(self, seen: Seen, now: int) -> bool:
        """Whether it went offline while somebody was listening, and the books do not know yet."""
        if seen.presence.offline or not seen.last_seen or not seen.terminal.active:
            return False
        return now - max(seen.last_seen, self._began) > offline_after(seen.terminal)

    def take_sightings(self, numbers: Iterable[int], *, everything: bool = False) -> list[Sighting]:
        """Of these terminals what is worth writing into the books: what has changed, and times too old on disk."""
        found = []
        for number in numbers:
            seen = self._seen[number]
            if everything or _is_worth_writing(seen):
                self._news.pop(number, None)
                found.append(sighting_of(seen))
        return found

    def with_news(self) -> list[int]:
        """Terminals that were heard since they were written."""
        return list(self._news)

    # -- keeping ------------------------------------------------------------------------------------------------------
    # What is as we know it is not taken: it would all be new with each reading of the books, and the collector of
    # garbage, which stops everybody, would look through all of it.
    def _place(self, terminal: Terminal) -> Seen:
        seen = self._seen.get(terminal.id)
        if seen is None:
            seen = self._seen[terminal.id] = Seen(terminal, Presence(terminal.id))
            bisect.insort(self._keys, (terminal.merchant_id, terminal.terminal_id, terminal.id))
        elif seen.terminal != terminal:
            seen.terminal = terminal
        return seen

    def _note(self, seen: Seen, presence: Presence) -> None:
        if presence.status == seen.presence.status:
            presence = msgspec.structs.replace(presence, status=seen.presence.status)
        seen.presence = presence
        seen.last_seen = max(seen.last_seen, presence.last_seen)


def _is_worth_writing(seen: Seen) -> bool:
    presence = seen.presence
    if presence.offline or not presence.last_seen or seen.round_trip is not None:
        return True
    if seen.skew is not None and not seen.doubted and _is_off(seen.skew) is not presence.clock_off:
        return True
    half_an_interval = seen.terminal.echo_seconds * SECOND // 2 or limits.SEEN_SECONDS * SECOND
    return seen.last_seen - presence.last_seen >= min(limits.SEEN_SECONDS * SECOND, half_an_interval)


def _is_off(skew: int) -> bool:
    return abs(skew) > limits.CLOCK_OFF_SECONDS


def sighting_of(seen: Seen, *, silent: bool = False) -> Sighting:
    """What the books are to know of a terminal."""
    terminal = seen.terminal
    skew = None if seen.doubted else seen.skew
    one = Sighting(terminal.merchant_id, terminal.terminal_id, seen.last_seen, silent, skew, seen.round_trip)
    seen.round_trip = None
    return one
