"""Sockets: who may connect, in what numbers, with which certificate; then a conversation, and the reason it ended.

What happens on a connection is conversation.py's affair (WIRE.md section 1).
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from specs import limits
from specs.dialects import Dialect
from specs.transaction import Line
from specs.visa2 import Visa2Dialect
from switch.config import Config, ListenerConfig
from switch.conversation import Conversation
from switch.labels import CloseReason
from switch.metrics import Metrics
from switch.open_lines import OpenLine, OpenLines
from switch.service import Service
from switch.tls import merchants_of
from terminals.session import Session, TerminalSession
from terminals.visa2_session import Visa2Session

Stream = trio.abc.Stream


@dataclass
class Listener:
    """One open door: its settings may be replaced by a reload, the rest stays.

    Args:
        places: What it can have of the process's descriptors, however many connections its settings allow.
    """

    config: ListenerConfig
    dialect: Dialect | Visa2Dialect
    tls: ssl.SSLContext | None = None
    places: int = sys.maxsize
    connections: int = 0
    handshakes: dict[trio.CancelScope, None] = field(default_factory=dict)  # under way, the oldest first

    def take_place(self) -> bool:
        """Count a connection in. Who has not shown a certificate yet makes room for a newcomer, the oldest first."""
        if self.connections >= min(self.config.connections_max, self.places):
            if not self.handshakes:
                return False
            oldest = next(iter(self.handshakes))
            del self.handshakes[oldest]
            oldest.cancel()
        self.connections += 1
        return True


class Server:
    """Serves connections for `service`.

    Args:
        config: Asked at each use, so that a reload is seen.
        draining: Set when no more is to be read; what was accepted is still answered.
        staying: Where lines go that stay open when we end; without it they close.
    """

    def __init__(
        self,
        service: Service,
        metrics: Metrics,
        config: Callable[[], Config],
        draining: trio.Event,
        staying: OpenLines | None = None,
    ) -> None:
        self._service, self._metrics, self._config, self._draining = service, metrics, config, draining
        self._staying = staying

    async def serve_socket(self, listener: Listener, stream: trio.SocketStream, kept: bytes = b"") -> None:
        """A connection that a listening socket accepted: who may use it, TLS, then the conversation.

        Args:
            kept: What its session said of it when the daemon before us handed it over.
        """
        name = listener.config.name
        try:
            address = stream.socket.getpeername()[0]
        except OSError:  # gone again already
            self._metrics.connection_refused(name, "hung_up")
            return
        if listener.config.anonymous and not self._config().trusts(address):
            self._metrics.connection_refused(name, "not_trusted")
        elif not listener.take_place():
            self._metrics.connection_refused(name, "too_many")
        else:
            try:
                await self._serve_admitted(listener, stream, kept)
            finally:
                listener.connections -= 1

    async def _serve_admitted(self, listener: Listener, stream: trio.SocketStream, kept: bytes) -> None:
        name = listener.config.name
        if listener.tls is None:
            await self.serve_stream(listener, stream, Line(name, None, listener.config.takes_clear_pin), kept)
            return
        secure = trio.SSLStream(stream, listener.tls, server_side=True, https_compatible=True)
        line = await self._shake_hands(listener, secure)
        if line is None:
            self._metrics.connection_refused(name, "handshake")
        else:
            await self.serve_stream(listener, secure, line)

    async def _shake_hands(self, listener: Listener, stream: trio.SSLStream[trio.SocketStream]) -> Line | None:
        """None if it fails, takes too long, or its place is wanted: by a newcomer, or because we are ending."""
        shaken = False
        with trio.move_on_after(limits.HANDSHAKE_SECONDS) as shaking:
            listener.handshakes[shaking] = None
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_cancel_when, self._draining, shaking)
                    await stream.do_handshake()
                    shaken = True
                    nursery.cancel_scope.cancel()
            except* (trio.BrokenResourceError, ssl.SSLError):
                pass
            finally:
                listener.handshakes.pop(shaking, None)
        if not shaken:
            return None
        assert listener.config.tls is not None
        merchants = merchants_of(stream.getpeercert(), listener.config.tls)
        return Line(listener.config.name, merchants, listener.config.takes_clear_pin)

    async def serve_stream(self, listener: Listener, stream: Stream, line: Line, kept: bytes = b"") -> None:
        """Talk until one side ends; a fault of ours ends this connection only."""
        name = listener.config.name
        self._metrics.connection_opened(name)
        reason: CloseReason = "drain"  # unless we learn better: only the end of the daemon cancels us
        try:
            session = _open_session(listener, line)
            session.take_over(kept)
            may_stay = self._staying is not None and isinstance(stream, trio.SocketStream)
            conversation = Conversation(
                self._service, self._metrics, lambda: listener.config, stream, session, may_stay
            )
            reason = await conversation.hold(self._draining)
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            reason = "hung_up"
        except* Exception:
            reason = "error"
            raise
        finally:
            self._metrics.connection_closed(name, reason)
        if reason == "handed_over":
            assert self._staying is not None
            assert isinstance(stream, trio.SocketStream)
            kept_on = OpenLine(name, listener.config.dialect, session.hand_over() or b"")
            self._staying.add(kept_on, stream.socket.detach())
            return
        with trio.move_on_after(limits.SEND_SECONDS):
            await stream.aclose()


def _open_session(listener: Listener, line: Line) -> TerminalSession:
    config, dialect = listener.config, listener.dialect
    if isinstance(dialect, Visa2Dialect):
        return Visa2Session(dialect, line, trio.current_time(), config.link_settings)
    return Session(dialect, line, frame_bytes_max=config.frame_bytes_max)


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
