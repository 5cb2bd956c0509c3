"""What the ops port shows: metrics and health, and whatever pages the daemon adds; all of it read-only.

Not for what readiness means (the daemon's to say), for who may read (switch/ops_access.py), nor for serving
(switch/http_server.py).
"""

from collections.abc import Callable, Sequence

import trio
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from switch.ops_access import TokenRequired


def ops_app(
    registry: CollectorRegistry,
    readiness: Callable[[], list[str]],
    pages: Sequence[Route] = (),
    token: str | None = None,
) -> Starlette:
    """
    Args:
        readiness: Returns why no traffic should come here now, as sentences; empty is ready.
        pages: More than metrics and health.
        token: Without it nothing is shown.
    """
    rendering = trio.CapacityLimiter(1)  # each takes a thread from the store's, and time from everybody

    async def metrics(request: Request) -> Response:
        encoder, content_type = choose_encoder(request.headers.get("accept", ""))
        # in a thread: ten thousand series take 300 ms, and terminals must not wait for them
        body = await trio.to_thread.run_sync(encoder, registry, limiter=rendering)
        return Response(body, headers={"content-type": content_type})

    async def live(request: Request) -> Response:
        return PlainTextResponse("live")

    async def ready(request: Request) -> Response:
        reasons = readiness()
        if reasons:
            return JSONResponse({"ready": False, "reasons": reasons}, 503)
        return PlainTextResponse("ready")

    health = [Route("/health/live", live), Route("/health/ready", ready)]
    return json_app([Route("/metrics", metrics), *health, *pages], token)


def json_app(routes: list[Route], token: str | None = None) -> Starlette:
    """An app whose errors are JSON as well: `{"error": "Not Found"}`."""
    guard = [Middleware(TokenRequired, token=token)] if token else []
    return Starlette(routes=routes, middleware=guard, exception_handlers={HTTPException: _refused, Exception: _failed})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    """Starlette raises it again behind this answer; it is logged there, and the answer tells nothing."""
    return JSONResponse({"error": "Internal Server Error"}, 500)
