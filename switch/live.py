"""The live page on the ops port: a picture of the last seconds, and a stream of new ones to each browser.

A browser that is slow misses pictures; it never holds memory, and its connection ends if it does not read at all.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Final

import trio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from specs import limits
from specs.outcomes import Outcome
from switch import __version__
from switch.core.presence import TerminalEvent
from switch.heartbeat import Heartbeat
from switch.live_page import BARS, Snapshot, fragment, page
from switch.metrics import Metrics
from switch.totals import Totals

PICTURE_SECONDS: Final = 2.0
MINUTE_PICTURES: Final = 30
EVENTS_SHOWN: Final = 20
#: Nothing from elsewhere, nothing inline, in nobody's frame.
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class Live:
    """
    Args:
        tell: Why the daemon is not ready, as sentences, and its connections by listener.
        clock: Microseconds since 1970.
    """

    def __init__(
        self,
        metrics: Metrics,
        heartbeat: Heartbeat,
        tell: Callable[[], tuple[Sequence[str], Mapping[str, int]]],
        node: str,
        clock: Callable[[], int],
    ) -> None:
        self._metrics, self._heartbeat, self._tell, self._node, self._clock = metrics, heartbeat, tell, node, clock
        self._per_second: deque[float] = deque(maxlen=BARS)
        self._outcomes: deque[Counter[Outcome]] = deque([Counter()], maxlen=MINUTE_PICTURES + 1)
        self._events: deque[TerminalEvent] = deque(maxlen=EVENTS_SHOWN)
        self._before = Totals()
        self._viewers: set[trio.MemorySendChannel[str]] = set()
        self.picture = self._take(PICTURE_SECONDS)

    def note(self, events: Sequence[TerminalEvent]) -> None:
        """What has happened to terminals."""
        self._events.extendleft(events)

    async def run(self) -> None:
        """Until cancelled; then every stream ends."""
        try:
            at = trio.current_time()
            while True:
                await trio.sleep(PICTURE_SECONDS)
                at, before = trio.current_time(), at
                self.picture = self._take(at - before)
                if self._viewers:
                    self._show(fragment(self.picture))
        finally:
            for viewer in self._viewers:
                viewer.close()

    def _show(self, text: str) -> None:
        for viewer in self._viewers:
            try:
                viewer.send_nowait(text)
            except trio.WouldBlock:  # it has not taken the last one yet
                continue

    def _take(self, seconds: float) -> Snapshot:
        totals = self._metrics.take_totals()
        before, self._before = self._before, totals
        self._per_second.append((totals.answers - before.answers) / max(seconds, 0.001))
        self._outcomes.append(Counter(totals.outcomes))
        trouble, connections = self._tell()
        return Snapshot(
            version=__version__,
            node=self._node,
            at=self._clock(),
            trouble=trouble,
            connections=connections,
            queue=totals.queue,
            per_second=tuple(self._per_second),
            outcomes=totals.outcomes,
            recent=self._outcomes[-1] - self._outcomes[0],
            answer_ms=_mean_and_worst(
                totals.answer_seconds - before.answer_seconds, totals.answers - before.answers, totals.worst_answer
            ),
            commit_ms=_mean_and_worst(
                totals.commit_seconds - before.commit_seconds, totals.commits - before.commits, totals.worst_commit
            ),
            states=self._heartbeat.states,
            stores=self._heartbeat.worst_stores,
            stores_by_share=totals.stores,
            open_batches=totals.open_batches,
            batch_events=totals.batch_events,
            events=tuple(self._events),
        )

    # -- the pages ----------------------------------------------------------------------------------------------------
    def routes(self) -> list[Route]:
        style, script = ((resources.files("switch") / name).read_text("utf-8") for name in ("live.css", "live.js"))

        async def whole(request: Request) -> Response:
            return Response(page(self.picture), headers=HEADERS, media_type="text/html")

        async def css(request: Request) -> Response:
            return Response(style, headers=HEADERS, media_type="text/css")

        async def javascript(request: Request) -> Response:
            return Response(script, headers=HEADERS, media_type="text/javascript")

        async def stream(request: Request) -> Response:
            if len(self._viewers) >= limits.LIVE_VIEWERS_MAX:
                return JSONResponse({"error": "too many are looking already"}, 503)
            return _Pictures(self._viewers, fragment(self.picture))

        return [
            Route("/", whole),
            Route("/live.css", css),
            Route("/live.js", javascript),
            Route("/live", stream),
        ]


class _Pictures(Response):
    """The stream to one browser, as long as it looks."""

    media_type = "text/event-stream"

    def __init__(self, viewers: set[trio.MemorySendChannel[str]], first: str) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._viewers, self._first = viewers, first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        viewer, pictures = trio.open_memory_channel[str](1)
        self._viewers.add(viewer)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_until_gone, receive, nursery.cancel_scope)
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": _event(self._first), "more_body": True})
                async for text in pictures:
                    await send({"type": "http.response.body", "body": _event(text), "more_body": True})
                await send({"type": "http.response.body", "body": b""})
                nursery.cancel_scope.cancel()
        finally:
            self._viewers.discard(viewer)


async def _until_gone(receive: Receive, stream: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    stream.cancel()


def _event(text: str) -> bytes:
    """A server-sent event; a line of its own for each line of the text."""
    return ("".join(f"data: {line}\n" for line in text.splitlines()) + "\n").encode()


def _mean_and_worst(seconds: float, count: int, worst: float) -> tuple[float, float]:
    return (1000 * seconds / count if count else 0.0), 1000 * worst
