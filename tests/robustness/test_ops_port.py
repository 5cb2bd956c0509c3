"""The ops port and the control socket against clients that do not read, do not end, or come in crowds."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress

import pytest

from specs import limits
from tests.robustness.victim import Victim, connect_control, exchange, running

METRICS = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"

UPGRADE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade"
WEBSOCKET = (
    UPGRADE + b"\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
POST = b"POST /metrics HTTP/1.1\r\nHost: x\r\n"

# What a client can say that leads Hypercorn elsewhere than to our pages.
# fmt: off
STRANGE = {
    "http2":            HTTP2 + bytes.fromhex("000000040000000000"),
    "http2_noise":      HTTP2 + bytes(range(256)) * 4,
    "http2_cut":        HTTP2[:-6] + bytes(100),
    "http2_reset":      HTTP2 + bytes.fromhex("000000040000000000 00000403000000000100000000"),
    "upgrade_h2c":      UPGRADE + b", HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: !\r\n\r\n",
    "websocket":        WEBSOCKET + b"\r\n",
    "websocket_noise":  WEBSOCKET + b"\r\n\xff\xff",
    "connect":          b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad_chunk":        POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "bad_utf8":         b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad_percent":      b"GET /%00%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
    "huge_header":      b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000 + b"\r\n\r\n",
    "huge_line":        b"GET /" + b"a" * 200_000,
    "negative_length":  POST + b"Content-Length: -5\r\n\r\n",
    "endless_length":   POST + b"Content-Length: 99999999999999999999\r\n\r\nx",
    "zeros":            bytes(5_000),
    "terminal":         bytes.fromhex("001960000112340800") + bytes(20),
}
# fmt: on


def connect(victim: Victim) -> socket.socket:
    return socket.create_connection(("127.0.0.1", victim.demo.listeners["ops"]), timeout=8)


@pytest.mark.parametrize("door", [connect, connect_control])
@pytest.mark.parametrize("words", STRANGE.values(), ids=STRANGE.keys())
def test_strange_words_end_their_own_connection_only(victim: Victim, door: object, words: bytes) -> None:
    assert callable(door)
    answer = exchange(door(victim), words)
    assert b"Traceback" not in answer
    assert b'File "' not in answer


def test_who_closes_a_kept_alive_connection_leaves_no_descriptor(victim: Victim) -> None:
    for _ in range(2 * limits.OPS_CONNECTIONS_MAX):
        with connect(victim) as connection:
            connection.sendall(LIVE)
            assert connection.recv(1000)


def test_half_sent_heads_do_not_keep_a_health_check_out(victim: Victim) -> None:
    with ExitStack() as crowd:
        for _ in range(3 * limits.OPS_CONNECTIONS_MAX):
            crowd.enter_context(connect(victim)).sendall(b"GET /health/re")
        assert exchange(connect(victim), LIVE).endswith(b"live")


@pytest.mark.slow
def test_who_reads_no_answers_does_not_keep_the_daemon_from_ending(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(Victim(tmp_path_factory.mktemp("victim"))) as victim, connect(victim) as unread:
        unread.setblocking(False)
        with suppress(BlockingIOError):
            while unread.send(METRICS * 100):
                pass
        victim.stop()


# -- control -----------------------------------------------------------------------------------------------------------
def post(body: bytes, length: int | None = None) -> bytes:
    head = f"POST /commands HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"null", b"[1]", b"[" * 100_000, b'[{"type":"no such command"}]', b'{"a":1}']
)
def test_a_body_that_is_no_list_of_commands_is_refused(victim: Victim, body: bytes) -> None:
    assert exchange(connect_control(victim), post(body)).startswith(b"HTTP/1.1 400 ")


def test_a_body_without_end_is_not_kept_in_memory(victim: Victim) -> None:
    answer = exchange(connect_control(victim), post(b"[" + b" " * 2_000_000, length=10**12))
    assert answer.startswith(b"HTTP/1.1 413 ")
