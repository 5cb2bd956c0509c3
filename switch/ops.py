"""HTTP inside the daemon: metrics and health for operators, and the server that the control API shares.

Responsible for: the three ops pages, and for serving any ASGI app in our own nursery on a TCP port or on a Unix socket.
Not for what readiness means (the daemon's to say) nor for the control API's pages (switch/control.py).
"""

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, cast

import trio
from hypercorn.config import Config as HypercornConfig
from hypercorn.config import Sockets
from hypercorn.trio import serve
from hypercorn.typing import ASGIFramework
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

BACKLOG: Final = 64  # Prometheus, a load balancer, a person
KEEP_ALIVE_SECONDS: Final = 75.0  # longer than the usual scrape interval of a minute
CLOSE_SECONDS: Final = 1.0  # what requests under way get when we end


# -- the pages --------------------------------------------------------------------------------------------------------
def ops_app(registry: CollectorRegistry, readiness: Callable[[], list[str]]) -> Starlette:
    """`readiness` returns why no traffic should come here now, as sentences; empty is ready."""

    async def metrics(request: Request) -> Response:
        encoder, content_type = choose_encoder(request.headers.get("accept", ""))
        # in a thread: ten thousand series take 300 ms, and terminals must not wait for them
        body = await trio.to_thread.run_sync(encoder, registry)
        return Response(body, headers={"content-type": content_type})

    async def live(request: Request) -> Response:
        return PlainTextResponse("live")

    async def ready(request: Request) -> Response:
        reasons = readiness()
        if reasons:
            return JSONResponse({"ready": False, "reasons": reasons}, 503)
        return PlainTextResponse("ready")

    return json_app([Route("/metrics", metrics), Route("/health/live", live), Route("/health/ready", ready)])


def json_app(routes: list[Route]) -> Starlette:
    """An app whose errors are JSON as well: `{"error": "Not Found"}`."""
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused, Exception: _failed})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    """Starlette raises it again behind this answer; it is logged there, and the answer tells nothing."""
    return JSONResponse({"error": "Internal Server Error"}, 500)


# -- the server -------------------------------------------------------------------------------------------------------
async def serve_ops(
    app: Starlette,
    host: str,
    port: int,
    *,
    shutdown: trio.Event,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on a TCP port until `shutdown`; the started value is the port (of use where `port` is 0)."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        await _serve(app, listening, shutdown, lambda: task_status.started(listening.getsockname()[1]))


async def serve_unix(
    app: Starlette,
    path: Path,
    *,
    shutdown: trio.Event,
    task_status: trio.TaskStatus[Path] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on a Unix socket that only our own user can open; the file is gone when this returns.

    Raises:
        FileExistsError: somebody serves there, or the file is no socket.
    """
    with _unix_socket(path) as listening:
        await _serve(app, listening, shutdown, lambda: task_status.started(path))


@contextmanager
def _unix_socket(path: Path) -> Iterator[socket.socket]:
    _remove_dead_socket(path)
    with socket.socket(socket.AF_UNIX) as bound:
        umask = os.umask(0o177)  # so that it is never open to others, not even between two calls
        try:
            bound.bind(str(path))
        finally:
            os.umask(umask)
        try:
            yield bound
        finally:
            path.unlink(missing_ok=True)


def _remove_dead_socket(path: Path) -> None:
    """What a killed daemon leaves behind; a socket that still answers is left alone.

    Raises:
        FileExistsError: it answers, or is no socket.
    """
    if not path.exists():
        return
    if not path.is_socket():
        raise FileExistsError(f"{path} exists and is no socket")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        else:
            raise FileExistsError(f"another daemon serves on {path}")


class _OneSocket(HypercornConfig):
    """Hypercorn's settings for a socket that we bound, so that we know its port and its file's mode."""

    graceful_timeout = CLOSE_SECONDS
    keep_alive_timeout = KEEP_ALIVE_SECONDS
    include_server_header = False
    accesslog = None
    errorlog = logging.getLogger("hypercorn.error")  # else it brings a handler and a format of its own

    def __init__(self, listening: socket.socket) -> None:
        super().__init__()
        self._listening = listening

    def create_sockets(self) -> Sockets:
        return Sockets([], [self._listening], [])


async def _serve(app: Starlette, listening: socket.socket, shutdown: trio.Event, started: Callable[[], None]) -> None:
    listening.listen(BACKLOG)
    asgi = cast(ASGIFramework, app)  # each library has types of its own for the same calls
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve, asgi, _OneSocket(listening), shutdown_trigger=shutdown.wait, mode="asgi"))
        started()
