"""`/terminals` over a real socket: pages, filters, mistakes; and who may read the pages at all."""

import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from switch.config import TLSConfig
from switch.core.clock import SECOND
from switch.core.presence import Presence
from switch.demo.certificates import write_demo_certificates
from switch.http_server import serve_ops
from switch.metrics import Metrics
from switch.ops import ops_app
from switch.ops_access import TokenError, read_token
from switch.presence import Presences
from switch.store.port import Station
from switch.terminal_pages import terminals_route
from switch.tls import server_context
from tests.shell.test_ops import fetch
from tests.shell.test_presence import NOW, terminal

TOKEN = "0123456789abcdef"


@asynccontextmanager
async def served(
    presences: Presences, token: str | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """An ops server with this page; its port."""
    app = ops_app(Metrics([]).registry, list, [terminals_route(presences, lambda: NOW)], token)
    shutdown = trio.Event()
    async with trio.open_nursery() as nursery:
        yield await nursery.start(partial(serve_ops, app, "127.0.0.1", 0, shutdown=shutdown, tls=tls))
        shutdown.set()


async def get(port: int, path: str, *headers: str) -> tuple[int, Any]:
    status, _, body = await fetch(await trio.open_tcp_stream("127.0.0.1", port), f"GET {path}", *headers)
    return status, json.loads(body) if body[:1] == "{" else body


def chain() -> Presences:
    """Two stores of two terminals each."""
    presences = Presences()
    stations = [
        Station(terminal(1, store="north"), Presence(1)),
        Station(terminal(2, store="north"), Presence(2, last_seen=NOW, status=(("paper", "ok"), ("sw", "1")))),
        Station(terminal(3, store="south"), Presence(3, last_seen=NOW - 700 * SECOND)),
        Station(terminal(4, store="south", merchant_id="N"), Presence(4, last_seen=NOW - 1000 * SECOND)),
    ]
    presences.learn(stations)
    return presences


async def test_each_terminal_is_told_with_its_state_and_status() -> None:
    async with served(chain()) as port:
        status, told = await get(port, "/terminals")
    assert status == 200
    assert told["next"] is None
    assert [one["state"] for one in told["terminals"]] == ["never seen", "online", "late", "offline"]
    assert told["terminals"][1] == {
        "merchant_id": "M",
        "terminal_id": "T0000002",
        "store": "north",
        "active": True,
        "state": "online",
        "last_seen": "2027-01-15T08:00:00.000+00:00",
        "status": {"paper": "ok", "sw": "1"},
        "status_at": None,
        "clock_skew_seconds": None,
        "round_trip_ms": None,
        "oldest_pending_reversal": None,
        "connections": 0,
        "oldest_open_batch": None,
    }


@pytest.mark.parametrize(("query", "found"), [
    ("state=late",                     [3]),
    ("state=never%20seen",             [1]),
    ("state=never+seen",               [1]),
    ("store=north",                    [1, 2]),
    ("store=south&state=offline",      [4]),
    ("merchant_id=M",                  [1, 2, 3]),
    ("merchant_id=N&terminal_id=T0000004", [4]),
    ("store=east",                     []),
    ("after=M/T0000002",               [3, 4]),
    ("after=M/T0000002&state=late",    [3]),
])  # fmt: skip
async def test_filters(query: str, found: list[int]) -> None:
    async with served(chain()) as port:
        status, told = await get(port, f"/terminals?{query}")
    assert status == 200
    assert [int(one["terminal_id"][1:]) for one in told["terminals"]] == found


@pytest.mark.parametrize("query", ["limit=1", "limit=2", "limit=3", "limit=4", "limit=1&store=north", "limit=1000"])
async def test_pages_follow_one_another_until_all_are_told(query: str) -> None:
    async with served(chain()) as port:
        found: list[str] = []
        page = f"/terminals?{query}"
        while page:
            _, told = await get(port, page)
            assert told["terminals"], "no page is empty"
            found += [one["terminal_id"] for one in told["terminals"]]
            page = told["next"]
    assert found == [f"T{number:07d}" for number in ((1, 2) if "store" in query else (1, 2, 3, 4))]


@pytest.mark.parametrize(
    "query",
    [
        "state=gone",
        "state=",
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=1001",
        "limit=%D9%A1",
        "limit=",
        "after=M",
        "x=1",
    ],
)
async def test_what_cannot_be_meant_is_refused_with_what_is_allowed(query: str) -> None:
    async with served(chain()) as port:
        status, told = await get(port, f"/terminals?{query}")
    assert status == 400
    assert ": " in told["error"]


# -- who may read ------------------------------------------------------------------------------------------------------
def basic(user: str, password: str) -> str:
    return f"Authorization: Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize("path", ["/terminals", "/metrics", "/health/live", "/nowhere"])
@pytest.mark.parametrize(
    "header",
    [
        "X: y", "Authorization: Bearer", f"Authorization: Bearer {TOKEN}x", f"Authorization: {TOKEN}",
        f"Authorization: Bearer {TOKEN[:-1]}", basic("ops", "wrong"), basic(TOKEN, ""), "Authorization: Basic !",
        "Authorization: Bearer \xff", f"Cookie: {TOKEN}",
    ],
)  # fmt: skip
async def test_without_the_token_nothing_is_shown(path: str, header: str) -> None:
    async with served(chain(), TOKEN) as port:
        assert await get(port, path, header) == (401, {"error": "Unauthorized"})


@pytest.mark.parametrize(
    "header", [f"Authorization: Bearer {TOKEN}", f"authorization: bearer {TOKEN}", basic("", TOKEN)]
)
async def test_with_the_token_all_is_shown(header: str) -> None:
    async with served(chain(), TOKEN) as port:
        status, told = await get(port, "/terminals", header)
    assert (status, len(told["terminals"])) == (200, 4)


@pytest.mark.parametrize("content", ["", "short", "with a space in it, long", "\x00" * 20, "ü" * 20])
def test_what_is_no_token_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content, "utf-8")
    with pytest.raises(TokenError, match=r"token: "):
        read_token(tmp_path / "token")
    with pytest.raises(TokenError, match="No such file"):
        read_token(tmp_path / "none")
    (tmp_path / "token").write_text(TOKEN + "\n")
    assert read_token(tmp_path / "token") == TOKEN


async def is_turned_away(client: trio.SSLStream[trio.SocketStream]) -> bool:
    """With TLS 1.3 a client hears of it when it reads: as an alert, or as the end, whichever comes first."""
    try:
        await client.send_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        return await client.receive_some() == b""
    except trio.BrokenResourceError:
        return True


async def test_over_tls_a_client_certificate_opens_the_pages_and_nothing_else_does(tmp_path: Path) -> None:
    demo = write_demo_certificates(tmp_path, ["M"])
    server = demo["server"]
    context = server_context(
        TLSConfig(certificate=Path(server["cert"]), key=Path(server["key"]), client_ca=Path(demo["ca"]))
    )
    with_certificate, without = (ssl.create_default_context(cafile=demo["ca"]) for _ in range(2))
    pair = demo["merchants"]["M"]
    with_certificate.load_cert_chain(pair["cert"], pair["key"])
    async with served(chain(), tls=context) as port:
        stream = await trio.open_ssl_over_tcp_stream("127.0.0.1", port, ssl_context=with_certificate)
        await stream.send_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")
        await trio.aclose_forcefully(stream)
        refused = await trio.open_ssl_over_tcp_stream("127.0.0.1", port, ssl_context=without)
        assert await is_turned_away(refused)
        plain = await trio.open_tcp_stream("127.0.0.1", port)
        await plain.send_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"live" not in await plain.receive_some()
        await trio.aclose_forcefully(refused)
        await plain.aclose()
