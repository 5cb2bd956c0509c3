"""Sockets: one task per connection reads, one writes. Everything that can wait has a deadline, and a reason to end.

A Session turns bytes into requests; the service's door takes them; answers come back through a small outbox. Nothing
here knows what a message means (WIRE.md section 1).
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from specs import limits
from specs.dialects import Dialect
from specs.transaction import Line, Reply, Request
from switch.config import Config, ListenerConfig
from switch.metrics import CloseReason, DropReason, Metrics
from switch.service import Service
from switch.tls import merchants_of
from terminals.errors import FrameError, ProtocolError
from terminals.iso8583_request import Slip
from terminals.session import CLOSED, NEED_DATA, Dropped, Received, Session

RECEIVE_BYTES = 16_384
Stream = trio.abc.Stream

_DROPPED: dict[str, DropReason] = {"keep-alive": "empty", "bad tpdu": "tpdu", "answer": "answer"}


@dataclass
class Listener:
    """One open door: its settings may be replaced by a reload, the rest stays.

    Args:
        places: What it can have of the process's descriptors, however many connections its settings allow.
    """

    config: ListenerConfig
    dialect: Dialect
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
    """

    def __init__(self, service: Service, metrics: Metrics, config: Callable[[], Config], draining: trio.Event) -> None:
        self._service, self._metrics, self._config, self._draining = service, metrics, config, draining

    async def serve_socket(self, listener: Listener, stream: trio.SocketStream) -> None:
        """A connection that a listening socket accepted: who may use it, TLS, then the conversation."""
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
                await self._serve_admitted(listener, stream)
            finally:
                listener.connections -= 1

    async def _serve_admitted(self, listener: Listener, stream: trio.SocketStream) -> None:
        name = listener.config.name
        if listener.tls is None:
            await self.serve_stream(listener, stream, Line(name, None, listener.config.takes_clear_pin))
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

    async def serve_stream(self, listener: Listener, stream: Stream, line: Line) -> None:
        """Talk until one side ends; a fault of ours ends this connection only."""
        name = listener.config.name
        self._metrics.connection_opened(name)
        reason: CloseReason = "drain"  # unless we learn better: only the end of the daemon cancels us
        try:
            conversation = _Conversation(self._service, self._metrics, listener, stream, line)
            reason = await conversation.hold(self._draining)
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            reason = "hung_up"
        except* Exception:
            reason = "error"
            raise
        finally:
            self._metrics.connection_closed(name, reason)
        with trio.move_on_after(limits.SEND_SECONDS):
            await stream.aclose()


class _Conversation:
    """One connection: a reader that feeds the session, a writer that empties the outbox."""

    def __init__(self, service: Service, metrics: Metrics, listener: Listener, stream: Stream, line: Line) -> None:
        self._service, self._metrics, self._listener, self._stream = service, metrics, listener, stream
        self._session = Session(listener.dialect, line, frame_bytes_max=listener.config.frame_bytes_max)
        self._outbox: list[tuple[Reply, Slip]] = []
        self._undecided = 0
        self._owed = 0  # requests that were offered and are neither answered nor given up
        self._changed = trio.Event()  # the outbox, or what is owed
        self._frame_deadline = float("inf")
        self._receiving = trio.CancelScope()
        self._reason: CloseReason = "drain"

    async def hold(self, draining: trio.Event) -> CloseReason:
        """The whole conversation; returns why it ended."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write, nursery.cancel_scope)
            nursery.start_soon(self._stop_receiving, draining)
            self._reason = await self._read(draining)
            with trio.move_on_after(self._service.answer_seconds + limits.SEND_SECONDS):
                while self._owed:
                    await self._changed.wait()
            nursery.cancel_scope.cancel()
        return self._reason

    async def _read(self, draining: trio.Event) -> CloseReason:
        """Why nothing more is read. Messages that had come whole are offered first, also when we are ending."""
        while True:
            try:
                more = await self._take_events()
            except FrameError:
                return "frame"
            except ProtocolError:
                return "unreadable"
            if not more:
                return "hung_up"
            if draining.is_set():
                return "drain"
            if not await self._receive():
                return "drain" if draining.is_set() else "slow_frame" if self._session.in_frame else "idle"

    async def _take_events(self) -> bool:
        """Offer every request that has come; False when the terminal has ended its side.

        Neighbours get their turn every few messages, and nothing more is taken while too much is owed.
        """
        taken = 0
        while True:
            event = self._session.next_event()
            if event is NEED_DATA:
                return True
            if event is CLOSED:
                return False
            self._frame_deadline = float("inf")  # a frame has ended; the next one has its own time
            if isinstance(event, Dropped):
                self._metrics.frame_dropped(self._listener.config.name, _DROPPED[event.reason])
            elif isinstance(event, Received):
                self._offer(event.request, event.slip)
            while self._owed >= limits.OUTSTANDING_MAX:
                await self._changed.wait()
            taken += 1
            if taken % limits.MESSAGES_A_TURN == 0:
                await trio.lowlevel.checkpoint()

    async def _receive(self) -> bool:
        """Feed the session; False if nothing came in time, or we are ending."""
        now = trio.current_time()
        if self._session.in_frame:
            self._frame_deadline = min(self._frame_deadline, now + limits.FRAME_SECONDS)
        deadline = min(now + self._listener.config.idle_seconds, self._frame_deadline)
        with trio.CancelScope(deadline=deadline) as self._receiving:
            self._session.receive_data(bytes(await self._stream.receive_some(RECEIVE_BYTES)))
            return True
        return False

    async def _stop_receiving(self, draining: trio.Event) -> None:
        await draining.wait()
        self._receiving.cancel()

    def _offer(self, request: Request, slip: Slip) -> None:
        def deliver(reply: Reply | None) -> None:
            self._undecided -= 1
            if reply is None:
                self._owed -= 1
            else:
                self._outbox.append((reply, slip))
            self._wake()

        alone = not self._undecided
        self._undecided += 1
        self._owed += 1
        if not self._service.offer(request, deliver, alone=alone):
            deliver(self._service.busy())

    async def _write(self, conversation: trio.CancelScope) -> None:
        """Send what is in the outbox, a few at a time; a terminal that does not take it ends the conversation."""
        while True:
            while not self._outbox:
                await self._changed.wait()
            answers = self._outbox[: limits.MESSAGES_A_TURN]
            del self._outbox[: len(answers)]
            data = b"".join(self._session.send(reply, slip) for reply, slip in answers)
            with trio.move_on_after(limits.SEND_SECONDS) as sending:
                await self._stream.send_all(data)
            if sending.cancelled_caught:
                self._reason = "slow_reader"
                conversation.cancel()
                return
            self._owed -= len(answers)
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
