"""Serves an ASGI app in our own nursery, on a TCP port or on a Unix socket: the ops pages, and the control API.

Hypercorn speaks HTTP; accepting, TLS, limits and the end of each connection are ours: its own server waits for ever
for a client that does not read, keeps the descriptor of one that has gone, and ends the daemon with its own faults.
"""

import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config as HypercornConfig
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    ConnectionState,
    Scope,
)
from starlette.applications import Starlette

from specs import limits

BACKLOG: Final = 64  # Prometheus, a load balancer, a person
KEEP_ALIVE_SECONDS: Final = 75.0  # longer than the usual scrape interval of a minute
CLOSE_SECONDS: Final = 1.0  # what requests under way get when we end, or when their client has said all it will


async def serve_ops(
    app: Starlette,
    host: str,
    port: int,
    *,
    shutdown: trio.Event,
    tls: ssl.SSLContext | None = None,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on a TCP port until `shutdown`; the started value is the port (of use where `port` is 0)."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        await _serve(app, listening, shutdown, lambda: task_status.started(listening.getsockname()[1]), tls)


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


class _Settings(HypercornConfig):
    """Hypercorn's, for one connection."""

    keep_alive_timeout = KEEP_ALIVE_SECONDS
    include_server_header = False
    accesslog = None
    errorlog = logging.getLogger("hypercorn.error")  # else it brings a handler and a format of its own


class _Stream:
    """A client's stream as Hypercorn uses it, with an end to everything.

    Hypercorn shields what it sends from cancellation, and waits for its keep-alive time when a client has gone.
    """

    def __init__(self, stream: trio.abc.Stream, sock: trio.socket.SocketType, conversation: trio.CancelScope) -> None:
        self._stream, self._conversation = stream, conversation
        self.socket = sock

    async def receive_some(self, max_bytes: int) -> bytes:
        try:
            data = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._end_soon()
            raise
        if not data:
            self._end_soon()
        return bytes(data)

    async def send_all(self, data: bytes) -> None:
        with trio.move_on_after(limits.SEND_SECONDS) as sending:
            await self._stream.send_all(data)
        if sending.cancelled_caught:
            raise trio.BrokenResourceError("the client does not take its answer")

    async def send_eof(self) -> None:
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _end_soon(self) -> None:
        self._conversation.deadline = min(self._conversation.deadline, trio.current_time() + CLOSE_SECONDS)


class _Unsendable(Exception):
    """Hypercorn cannot say any more to a client that broke the protocol; no fault of ours."""


def _http_only(app: ASGIFramework) -> ASGIFramework:
    """Who asks for a WebSocket is sent away; who cannot be answered is no reason for a stack in the log."""

    async def answer(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def tell(event: ASGISendEvent) -> None:
            try:
                await send(event)
            except Exception as fault:
                raise _Unsendable from fault

        with suppress(_Unsendable):
            if scope["type"] == "http":
                await app(scope, receive, tell)
            elif scope["type"] == "websocket":
                await tell({"type": "websocket.close", "code": 1000, "reason": None})

    return answer


class _HTTPServer:
    """Talks to clients until they end, and to the newest ones when there are too many."""

    def __init__(self, app: Starlette, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._app = ASGIWrapper(
            _http_only(cast(ASGIFramework, app))
        )  # each library has types of its own for the same calls
        self._context = WorkerContext(None)
        self._open: dict[trio.SocketStream, None] = {}  # the oldest first

    async def talk(self, stream: trio.SocketStream) -> None:
        """A health check must get through, whoever holds connections: the oldest one goes."""
        if len(self._open) >= limits.OPS_CONNECTIONS_MAX:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.socket.close()
        self._open[stream] = None
        try:
            with trio.CancelScope() as conversation:
                secure = await self._secured(stream)
                if secure is None:
                    return
                bounded = cast("trio.SSLStream[trio.SocketStream]", _Stream(secure, stream.socket, conversation))
                await TCPServer(self._app, _Settings(), self._context, ConnectionState({}), bounded)
        except Exception as fault:  # Hypercorn's: faults of our pages it has caught and logged
            logging.getLogger("hypercorn.error").warning("connection failed: %r", fault)
        finally:
            self._open.pop(stream, None)

    async def _secured(self, stream: trio.SocketStream) -> trio.abc.Stream | None:
        """With TLS, if that is asked for; None if the client does not agree on it in time."""
        if self._tls is None:
            return stream
        secure = trio.SSLStream(stream, self._tls, server_side=True, https_compatible=True)
        with trio.move_on_after(limits.HANDSHAKE_SECONDS), suppress(trio.BrokenResourceError):
            await secure.do_handshake()
            return secure
        await trio.aclose_forcefully(stream)
        return None

    async def say_that_it_ends(self) -> None:
        """Idle clients are let go at once."""
        await self._context.terminated.set()

    async def close_when_cancelled(self) -> None:
        """An answer on its way is shielded from being cancelled, but not from losing its socket."""
        try:
            await trio.sleep_forever()
        finally:
            for stream in self._open:
                stream.socket.close()


async def _serve(
    app: Starlette,
    listening: socket.socket,
    shutdown: trio.Event,
    started: Callable[[], None],
    tls: ssl.SSLContext | None = None,
) -> None:
    listening.listen(BACKLOG)
    server = _HTTPServer(app, tls)
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(listening))
    async with trio.open_nursery() as whole:
        whole.start_soon(server.close_when_cancelled)
        async with trio.open_nursery() as conversations:
            async with trio.open_nursery() as accepting:
                accept = partial(trio.serve_listeners, server.talk, [listener], handler_nursery=conversations)
                accepting.start_soon(accept)
                started()
                await shutdown.wait()
                accepting.cancel_scope.cancel()
            await server.say_that_it_ends()
            whole.cancel_scope.deadline = trio.current_time() + CLOSE_SECONDS
        whole.cancel_scope.cancel()
