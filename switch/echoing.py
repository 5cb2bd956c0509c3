"""Our own echo on a connection that has fallen silent: when it is due, and whether it was answered.

Only terminals whose profile says that they answer are asked; TCP's keep-alive does for the others. Nothing here waits
or sends: the conversation asks for a deadline and for bytes.
"""

from __future__ import annotations

from specs import limits
from switch.presence import Presences, Visit
from terminals.session import EchoAnswered, TerminalSession


class Echoing:
    """One connection's. A concentrator's is asked for one of its terminals: it is the line that may be dead."""

    def __init__(self, presences: Presences, visit: Visit, session: TerminalSession, now: float) -> None:
        self._presences, self._visit, self._session = presences, visit, session
        self._heard_at = now
        self._asked: tuple[int, str, float] | None = None  # STAN and terminal of our echo, and when it left

    def deadline(self, idle_seconds: float) -> float:
        """When something is to be done if nothing comes."""
        if self._asked:
            return self._asked[2] + limits.ECHO_ANSWER_SECONDS
        asks = self._visit.asks
        if asks is None or not self._session.has_echo:
            return float("inf")
        return self._heard_at + min(asks.terminal.echo_seconds or limits.ECHO_SILENCE_SECONDS, idle_seconds / 2)

    @property
    def unanswered(self) -> bool:
        """An echo of ours is on its way."""
        return self._asked is not None

    def ask(self, now: float) -> bytes:
        """The echo to send now."""
        asks = self._visit.asks
        assert asks is not None, "there is no deadline without somebody to ask"
        stan = self._presences.take_stan()
        self._asked = stan, asks.terminal.terminal_id, now
        return self._session.ask_echo(asks.address, stan)

    def heard(self, now: float) -> None:
        """A message came: the line is up, whether it is the answer or not."""
        self._heard_at, self._asked = now, None

    def answered(self, event: EchoAnswered, now: float, wall_clock: int) -> bool:
        """An 0810 came; False if nobody asked for it."""
        asks = self._visit.asks
        if asks is None or self._asked is None or self._asked[:2] != (event.stan, event.terminal_id):
            return False
        self._presences.echo_answered(asks.terminal.id, round((now - self._asked[2]) * 1_000_000), wall_clock)
        self._heard_at, self._asked = now, None
        return True
