"""One connection's conversation: a task reads, a task writes. Everything that can wait has a deadline.

The session turns bytes into requests; the service's door takes them; answers come back through a small outbox. Nothing
here knows what a message means (WIRE.md section 1).
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import trio

from specs import limits
from specs.transaction import Reply, Request
from switch.config import ListenerConfig
from switch.echoing import Echoing
from switch.metrics import CloseReason, DropReason, Metrics
from switch.presence import Visit
from switch.service import Service
from terminals.errors import FrameError, ProtocolError
from terminals.iso8583_request import Slip
from terminals.session import CLOSED, NEED_DATA, Dropped, EchoAnswered, Received, Session

RECEIVE_BYTES = 16_384

_DROPPED: dict[str, DropReason] = {"keep-alive": "empty", "bad tpdu": "tpdu", "answer": "answer"}


class Conversation:
    """One connection: a reader that feeds the session, a writer that empties the outbox.

    Args:
        config: Of its listener; asked at each use, so that a reload is seen.
    """

    def __init__(
        self,
        service: Service,
        metrics: Metrics,
        config: Callable[[], ListenerConfig],
        stream: trio.abc.Stream,
        session: Session,
    ) -> None:
        self._service, self._metrics, self._config = service, metrics, config
        self._stream, self._session = stream, session
        self._visit = Visit()
        self._echoing = Echoing(service.presences, self._visit, session, trio.current_time())
        self._outbox: list[tuple[Reply, Slip]] = []
        self._echo = b""  # of ours, not sent yet
        self._undecided = 0
        self._owed = 0  # requests that were offered and are neither answered nor given up
        self._changed = trio.Event()  # the outbox, or what is owed
        self._frame_deadline = float("inf")
        self._receiving = trio.CancelScope()
        self._spoke = trio.Event()
        self._ending = False
        self._reason: CloseReason = "drain"

    async def hold(self, draining: trio.Event) -> CloseReason:
        """The whole conversation; returns why it ended."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, nursery.cancel_scope)
                nursery.start_soon(self._stop_receiving, draining)
                self._reason = await self._read(draining)
                with trio.move_on_after(self._service.answer_seconds + limits.SEND_SECONDS):
                    while self._owed:
                        await self._changed.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._service.presences.left(self._visit)
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
            if self._ending:
                return "drain"
            if not await self._receive():
                return "drain" if draining.is_set() else self._what_was_missed()

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
                self._metrics.frame_dropped(self._config().name, _DROPPED[event.reason])
            elif isinstance(event, EchoAnswered):
                if not self._echoing.answered(event, trio.current_time(), self._service.now()):
                    self._metrics.frame_dropped(self._config().name, "answer")
            elif isinstance(event, Received):
                self._spoke.set()
                self._echoing.heard(trio.current_time())
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
        idle_seconds = self._config().idle_seconds
        patience = min(now + idle_seconds, self._frame_deadline)
        while True:
            with trio.CancelScope(deadline=min(patience, self._echoing.deadline(idle_seconds))) as self._receiving:
                self._session.receive_data(bytes(await self._stream.receive_some(RECEIVE_BYTES)))
                return True
            now = trio.current_time()
            if self._ending or now >= patience:
                return False
            if now >= self._echoing.deadline(idle_seconds):  # else it has moved while we waited
                if self._echoing.unanswered:
                    return False
                self._echo = self._echoing.ask(now)
                self._wake()

    def _what_was_missed(self) -> CloseReason:
        """Why nothing came in time."""
        if self._session.in_frame and trio.current_time() >= self._frame_deadline:
            return "slow_frame"
        return "no_echo" if self._echoing.unanswered else "idle"

    async def _stop_receiving(self, draining: trio.Event) -> None:
        await draining.wait()
        if not self._owed:  # the best moment to close a line is right behind an answer
            with trio.move_on_after(limits.LAST_WORD_SECONDS):
                self._spoke = trio.Event()
                await self._spoke.wait()
        self._ending = True
        self._receiving.cancel()

    def _offer(self, request: Request, slip: Slip) -> None:
        def deliver(reply: Reply | None) -> None:
            self._undecided -= 1
            if reply is None:
                self._owed -= 1
            else:
                self._outbox.append((reply, slip))
            echo_due = self._echoing.deadline(self._config().idle_seconds)  # now it is known who has spoken
            self._receiving.deadline = min(self._receiving.deadline, echo_due)
            self._wake()

        alone = not self._undecided
        self._undecided += 1
        self._owed += 1
        if not self._service.offer(request, deliver, alone=alone, visit=self._visit, address=slip):
            deliver(self._service.busy())

    async def _write(self, conversation: trio.CancelScope) -> None:
        """Send what is in the outbox, a few at a time; a terminal that does not take it ends the conversation."""
        while True:
            while not self._outbox and not self._echo:
                await self._changed.wait()
            answers = self._outbox[: limits.MESSAGES_A_TURN]
            del self._outbox[: len(answers)]
            data = self._echo + b"".join(self._session.send(reply, slip) for reply, slip in answers)
            self._echo = b""
            last = self._ending and self._owed == len(answers)
            with trio.move_on_after(limits.SEND_SECONDS) as sending:
                await self._send(data, last)
            if sending.cancelled_caught:
                self._reason = "slow_reader"
                conversation.cancel()
                return
            self._owed -= len(answers)
            self._wake()

    async def _send(self, data: bytes, last: bool) -> None:
        """With the last answer the terminal hears that there will be no more, in the same packet: before it can ask."""
        if last and isinstance(self._stream, trio.SocketStream):
            self._stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, True)
            await self._stream.send_all(data)
            await self._stream.send_eof()
        else:
            await self._stream.send_all(data)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
