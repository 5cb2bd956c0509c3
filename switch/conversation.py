"""One connection's conversation: a task reads, a task writes. Everything that can wait has a deadline.

The session turns bytes into requests; the service's door takes them; answers come back through a small outbox. Nothing
here knows what a message means (WIRE.md section 1).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import trio

from specs import limits
from specs.transaction import Reply, Request
from switch.config import ListenerConfig
from switch.echoing import Echoing
from switch.labels import CloseReason, DropReason
from switch.metrics import Metrics
from switch.presence import Visit
from switch.service import Service
from terminals.errors import FrameError, ProtocolError
from terminals.session import CLOSED, NEED_DATA, PAUSED, SIGNED_OFF, Dropped, EchoAnswered, Received, TerminalSession

RECEIVE_BYTES = 16_384

_DROPPED: dict[str, DropReason] = {"keep-alive": "empty", "bad tpdu": "tpdu", "answer": "answer"}


class Conversation:
    """One connection: a reader that feeds the session, a writer that empties the outbox.

    Args:
        config: Of its listener; asked at each use, so that a reload is seen.
        may_stay: When we end the line need not: it can be handed over.
    """

    def __init__(
        self,
        service: Service,
        metrics: Metrics,
        config: Callable[[], ListenerConfig],
        stream: trio.abc.Stream,
        session: TerminalSession,
        may_stay: bool = False,
    ) -> None:
        self._service, self._metrics, self._config = service, metrics, config
        self._stream, self._session, self._may_stay = stream, session, may_stay
        self._visit = Visit()
        self._echoing = Echoing(service.presences, self._visit, session, trio.current_time())
        self._outbox: list[tuple[Reply, Any]] = []
        self._undecided = 0
        self._owed = 0  # requests that were offered and are neither answered nor given up
        self._said = b""  # by us without being asked, not sent yet
        self._sending = False
        self._changed = trio.Event()  # any of these
        self._frame_deadline = float("inf")
        self._receiving = trio.CancelScope()
        self._spoke = trio.Event()
        self._ending = False
        self._reason: CloseReason = "drain"

    async def hold(self, draining: trio.Event) -> CloseReason:
        """The whole conversation; returns why it ended. What the terminal should have confirmed is undone at once."""
        try:
            return await self._hold(draining)
        finally:
            self._service.presences.left(self._visit)
            for request in self._session.abandon():
                self._service.offer(request, lambda reply: None, alone=True)

    async def _hold(self, draining: trio.Event) -> CloseReason:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write, nursery.cancel_scope)
            nursery.start_soon(self._stop_receiving, draining)
            self._reason = await self._read(draining)
            with trio.move_on_after(self._service.answer_seconds + limits.SEND_SECONDS):
                while self._owed and self._reason != "signed_off":  # a session that has ended sends no answer
                    await self._changed.wait()
                stays = self._reason == "drain" and self._stays
                if not stays and self._reason != "hung_up":
                    self._session.sign_off()
                self._say(self._session.take_output())
                while self._said or self._sending:
                    await self._changed.wait()
                if stays:
                    self._reason = "handed_over"
            nursery.cancel_scope.cancel()
        return self._reason

    @property
    def _stays(self) -> bool:
        return self._may_stay and self._session.hand_over() is not None

    async def _read(self, draining: trio.Event) -> CloseReason:
        """Why nothing more is read. Messages that had come whole are offered first, also when we are ending."""
        while True:
            try:
                ended = await self._take_events()
            except FrameError:
                return "frame"
            except ProtocolError:
                return "unreadable"
            if ended:
                return ended
            if self._ending:
                return "drain"
            if not await self._receive():
                return "drain" if draining.is_set() else self._what_was_missed()

    async def _take_events(self) -> CloseReason | None:
        """Offer every request that has come; why there will be no more, if so.

        Neighbours get their turn every few messages, and nothing more is taken while too much is owed.
        """
        taken = 0
        while True:
            event = self._session.next_event()
            self._say(self._session.take_output())
            if event is NEED_DATA:
                return None
            if event is CLOSED:
                return "hung_up"
            if event is SIGNED_OFF:
                return "signed_off"
            if event is PAUSED:
                await self._until_answered()
                continue
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

    async def _until_answered(self) -> None:
        with trio.CancelScope(deadline=self._session.deadline):
            await self._changed.wait()
        self._session.tick(trio.current_time())

    async def _receive(self) -> bool:
        """Feed the session, or tell it the time; False if nothing came in time, or we are ending."""
        now = trio.current_time()
        if self._session.in_frame:
            self._frame_deadline = min(self._frame_deadline, now + limits.FRAME_SECONDS)
        idle_seconds = self._config().idle_seconds
        patience = min(now + idle_seconds, self._frame_deadline)
        due = self._session.deadline
        while True:
            deadline = min(patience, due, self._echoing.deadline(idle_seconds))
            with trio.CancelScope(deadline=deadline) as self._receiving:
                data = bytes(await self._stream.receive_some(RECEIVE_BYTES))
                self._session.tick(trio.current_time())
                self._session.receive_data(data)
                return True
            now = trio.current_time()
            self._session.tick(now)
            if self._ending or now >= patience:
                return False
            if now >= due:
                return True
            if now >= self._echoing.deadline(idle_seconds):  # else it has moved while we waited
                if self._echoing.unanswered:
                    return False
                self._say(self._echoing.ask(now))

    def _what_was_missed(self) -> CloseReason:
        """Why nothing came in time."""
        if self._session.in_frame and trio.current_time() >= self._frame_deadline:
            return "slow_frame"
        return "no_echo" if self._echoing.unanswered else "idle"

    async def _stop_receiving(self, draining: trio.Event) -> None:
        await draining.wait()
        if not self._owed and not self._stays:  # the best moment to close a line is right behind an answer
            with trio.move_on_after(limits.LAST_WORD_SECONDS):
                self._spoke = trio.Event()
                await self._spoke.wait()
        self._ending = True
        self._receiving.cancel()

    def _offer(self, request: Request, slip: Any) -> None:
        def deliver(reply: Reply | None) -> None:
            self._undecided -= 1
            if reply is None:
                self._owed -= 1
            else:
                self._outbox.append((reply, slip))
            echo_due = self._echoing.deadline(self._config().idle_seconds)  # now it is known who has spoken
            if echo_due < self._receiving.deadline:
                self._receiving.deadline = echo_due
            self._wake()

        alone = not self._undecided
        self._undecided += 1
        self._owed += 1
        if not self._service.offer(request, deliver, alone=alone, visit=self._visit, address=slip):
            deliver(self._service.busy())

    async def _write(self, conversation: trio.CancelScope) -> None:
        """Send what is in the outbox, a few at a time; a terminal that does not take it ends the conversation."""
        while True:
            answers = self._outbox[: limits.MESSAGES_A_TURN]
            del self._outbox[: len(answers)]
            if answers:
                self._session.tick(trio.current_time())
            data = self._said + b"".join(self._session.send(reply, slip) for reply, slip in answers)
            last = bool(answers) and self._ending and self._owed == len(answers) and not self._stays
            if last:
                self._session.sign_off()
                data += self._session.take_output()
            self._said, self._sending = b"", bool(data)
            if not data and not answers:
                await self._changed.wait()
                continue
            with trio.move_on_after(limits.SEND_SECONDS) as sending:
                await self._send(data, last)
            if sending.cancelled_caught:
                self._reason = "slow_reader"
                conversation.cancel()
                return
            self._sending = False
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

    def _say(self, data: bytes) -> None:
        """What nobody has asked for goes to the writer: what the session says by itself, an echo of ours."""
        if data:
            self._said += data
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
