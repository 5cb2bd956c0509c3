"""The ops pages over a real loopback socket, and the Unix socket that only its owner can open."""

import json
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from switch.http_server import serve_ops, serve_unix
from switch.metrics import Metrics
from switch.ops import json_app, ops_app


async def fetch(stream: trio.abc.HalfCloseableStream, request: str, *headers: str) -> tuple[int, dict[str, str], str]:
    """One request and its whole answer."""
    lines = [f"{request} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    async with stream:
        await stream.send_all("\r\n".join(lines).encode())
        answer = b"".join([chunk async for chunk in stream]).decode()
    head, _, body = answer.partition("\r\n\r\n")
    status, *fields = head.split("\r\n")
    return int(status.split()[1]), dict(field.lower().split(": ", 1) for field in fields), body


class Ops:
    """An ops server on a free port, with reasons that a test can set."""

    def __init__(self) -> None:
        self.metrics = Metrics(["nac"])
        self.reasons: list[str] = []
        self.port = 0
        self.shutdown = trio.Event()

    async def get(self, path: str, *headers: str) -> tuple[int, dict[str, str], str]:
        return await self.ask(f"GET {path}", *headers)

    async def ask(self, request: str, *headers: str) -> tuple[int, dict[str, str], str]:
        return await fetch(await trio.open_tcp_stream("127.0.0.1", self.port), request, *headers)


@pytest.fixture
async def ops() -> AsyncIterator[Ops]:
    ops = Ops()
    app = ops_app(ops.metrics.registry, lambda: ops.reasons)
    async with trio.open_nursery() as nursery:
        ops.port = await nursery.start(partial(serve_ops, app, "127.0.0.1", 0, shutdown=ops.shutdown))
        yield ops
        ops.shutdown.set()


async def test_live_is_live(ops: Ops) -> None:
    status, headers, body = await ops.get("/health/live")
    assert (status, body) == (200, "live")
    assert "server" not in headers


async def test_ready_says_why_not(ops: Ops) -> None:
    assert (await ops.get("/health/ready"))[::2] == (200, "ready")
    ops.reasons = ["the store cannot commit: disk full"]
    status, _, body = await ops.get("/health/ready")
    assert (status, json.loads(body)) == (503, {"ready": False, "reasons": ["the store cannot commit: disk full"]})


async def test_metrics_come_in_the_format_that_was_asked_for(ops: Ops) -> None:
    ops.metrics.connection_opened("nac")
    status, headers, body = await ops.get("/metrics")
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/plain")
    assert 'tillswitch_connections{listener="nac"} 1.0\n' in body
    _, headers, body = await ops.get("/metrics", "Accept: application/openmetrics-text; version=1.0.0")
    assert headers["content-type"].startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("request_line", "status", "error"),
    [
        ("GET /", 404, "Not Found"),
        ("GET /metrics/x", 404, "Not Found"),
        ("POST /metrics", 405, "Method Not Allowed"),
        ("DELETE /health/live", 405, "Method Not Allowed"),
    ],
)
async def test_other_requests_are_refused_as_json(ops: Ops, request_line: str, status: int, error: str) -> None:
    got, headers, body = await ops.ask(request_line)
    assert (got, headers["content-type"], json.loads(body)) == (status, "application/json", {"error": error})


async def test_bytes_that_are_no_http_harm_nobody(ops: Ops) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", ops.port) as stream:
        await stream.send_all(b"\0\xff no HTTP\r\n\r\n")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 400 ")
    assert (await ops.get("/health/live"))[0] == 200


async def test_a_fault_in_a_page_tells_nothing(tmp_path: Path) -> None:
    async def broken(request: Request) -> Response:
        raise RuntimeError("secret inner words")

    async with unix_server(json_app([Route("/", broken)]), tmp_path / "s") as path:
        status, _, body = await fetch(await trio.open_unix_socket(path), "GET /")
    assert (status, json.loads(body)) == (500, {"error": "Internal Server Error"})


async def test_an_open_connection_does_not_hold_the_end(ops: Ops) -> None:
    """Kept alive by its client, closed by us when the fixture ends the server."""
    received = b""
    async with await trio.open_tcp_stream("127.0.0.1", ops.port) as stream:
        await stream.send_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        async for chunk in stream:  # until the other side closes
            received += chunk
            if received.endswith(b"live"):
                ops.shutdown.set()
    assert received.endswith(b"live")


async def test_two_servers_cannot_share_a_port(ops: Ops) -> None:
    app = ops_app(Metrics([]).registry, list)
    with pytest.raises(OSError, match="in use"):
        await serve_ops(app, "127.0.0.1", ops.port, shutdown=trio.Event())


# -- the Unix socket ---------------------------------------------------------------------------------------------------
@asynccontextmanager
async def unix_server(app: Starlette, path: Path) -> AsyncIterator[Path]:
    """Served until the block ends."""
    shutdown = trio.Event()
    async with trio.open_nursery() as nursery:
        yield await nursery.start(partial(serve_unix, app, path, shutdown=shutdown))
        shutdown.set()


def control() -> Starlette:
    return ops_app(Metrics([]).registry, list)


async def test_the_unix_socket_is_for_its_owner_and_gone_afterwards(tmp_path: Path) -> None:
    async with unix_server(control(), tmp_path / "control.sock") as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert (await fetch(await trio.open_unix_socket(path), "GET /health/ready"))[::2] == (200, "ready")
    assert not path.exists()


def leave_a_dead_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


@pytest.mark.parametrize("before", [leave_a_dead_socket, lambda path: None])
async def test_a_dead_socket_is_no_obstacle(tmp_path: Path, before: Callable[[Path], object]) -> None:
    before(tmp_path / "s")
    async with unix_server(control(), tmp_path / "s") as path:
        assert (await fetch(await trio.open_unix_socket(path), "GET /health/live"))[0] == 200


async def test_a_socket_that_answers_is_left_alone(tmp_path: Path) -> None:
    async with unix_server(control(), tmp_path / "s") as path:
        with pytest.raises(FileExistsError, match="another daemon serves on "):
            await serve_unix(control(), path, shutdown=trio.Event())
        assert (await fetch(await trio.open_unix_socket(path), "GET /health/live"))[0] == 200


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("mine")
    with pytest.raises(FileExistsError, match=r"exists and is no socket$"):
        await serve_unix(control(), tmp_path / "s", shutdown=trio.Event())
    assert (tmp_path / "s").read_text() == "mine"
