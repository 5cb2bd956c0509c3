"""Webhooks against a receiver on the loopback: signed, in order, tried again, and never in anybody's way."""

from __future__ import annotations

import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trio

from specs import limits
from switch.core.clock import DAY, SECOND
from switch.core.deliveries import Delivery
from switch.core.presence import Event, TerminalEvent
from switch.demo.certificates import write_demo_certificates
from switch.ops_config import WebhookConfig
from switch.tls import TLSError
from switch.webhooks import SIGNATURE, Webhook, Webhooks, back_off, deliveries_of
from tests.core.till import NOON
from tests.simulation.stage import Stage
from tests.store.make import changes

SECRET = "sixteen letters or more"


class Receiver(ThreadingHTTPServer):
    """Keeps what it was sent; answers with the codes it was given, then 204."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.codes: list[int] = []
        self.got: list[tuple[dict[str, str], str]] = []
        self.hang = threading.Event()
        self.hang.set()

    @property
    def ids(self) -> list[str]:
        return [json.loads(body)["id"] for _, body in self.got]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.hang.wait(10)
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.codes.pop(0) if self.server.codes else 204)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def receiving(tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Receiver]:
    receiver = Receiver(port)
    if tls:
        receiver.socket = tls.wrap_socket(receiver.socket, server_side=True)
    thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.hang.set()
        receiver.shutdown()
        thread.join()
        receiver.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, a hundred times as fast."""
    monkeypatch.setattr(limits, "WEBHOOK_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(limits, "WEBHOOK_AGAIN_SECONDS_MAX", 0.2)


def configured(tmp_path: Path, port: int, scheme: str = "http", **other: object) -> WebhookConfig:
    secret = tmp_path / "secret"
    secret.write_text(SECRET.replace(" ", "-"))
    known = {"name": "alarms", "url": f"{scheme}://127.0.0.1:{port}/in?x=1", "secret": secret} | other
    return WebhookConfig(**known)  # type: ignore[arg-type]  # the fields are WebhookConfig's own


def event(what: Event = Event.TAMPER) -> TerminalEvent:
    return TerminalEvent(what, "M1", "T1", "north", NOON, "words")


class Telling:
    """A switch with webhooks."""

    def __init__(self, on: Stage, sender: Webhooks) -> None:
        self.on, self.sender = on, sender
        self.store, self.service, self.count = on.store, on.service, on.count

    def happens(self, webhook: WebhookConfig, *ids: str) -> None:
        for name in ids:
            self.store.commit(changes(*deliveries_of(event(), name, [webhook])), None)
        self.sender.wake()


@asynccontextmanager
async def telling(*webhooks: WebhookConfig) -> AsyncIterator[Telling]:
    """A switch that has these; what is in its outbox is sent."""
    began = time.monotonic_ns()
    async with trio.open_nursery() as nursery:
        on = Stage(nursery)
        on.decide()
        known = [Webhook(one) for one in webhooks]
        sender = Webhooks(on.service, on.metrics, known, lambda: NOON + SECOND + (time.monotonic_ns() - began) // 1000)
        nursery.start_soon(sender.run)
        yield Telling(on, sender)
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], object], seconds: float = 5) -> None:
    with trio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110 - the receiver lives in a thread
            await trio.sleep(0.01)


# -- what is sent ------------------------------------------------------------------------------------------------------
def test_an_event_is_posted_as_signed_json(tmp_path: Path, receiver: Receiver) -> None:
    webhook = configured(tmp_path, receiver.server_port)
    (delivery,) = deliveries_of(event(), "17.0", [webhook])
    Webhook(webhook).post(delivery, 1_800_000_000)
    ((headers, body),) = receiver.got
    assert json.loads(body) == {
        "id": "17.0",
        "event": "tamper",
        "merchant_id": "M1",
        "terminal_id": "T1",
        "store": "north",
        "at": "2026-03-10T12:00:00.000+00:00",
        "detail": "words",
    }
    assert (headers["Tillswitch-Event"], headers["Tillswitch-Delivery"]) == ("tamper", "17.0")
    assert headers["Content-Type"] == "application/json"
    told, mac = (piece.partition("=")[2] for piece in headers[SIGNATURE].split(","))
    secret = SECRET.replace(" ", "-").encode()
    assert hmac.compare_digest(mac, hmac.new(secret, f"{told}.{body}".encode(), "sha256").hexdigest())
    assert told == "1800000000"


def test_a_webhook_is_told_what_it_asked_for(tmp_path: Path) -> None:
    some = configured(tmp_path, 1, events=("offline", "back"))
    every = configured(tmp_path, 1, name="every")
    assert [one.webhook for one in deliveries_of(event(Event.OFFLINE), "1.0", [some, every])] == ["alarms", "every"]
    assert [one.webhook for one in deliveries_of(event(Event.TAMPER), "1.0", [some, every])] == ["every"]


async def test_over_tls_the_receiver_has_to_be_the_right_one(tmp_path: Path) -> None:
    demo = write_demo_certificates(tmp_path, ["M"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(demo["server"]["cert"], demo["server"]["key"])
    with receiving(context) as receiver:
        trusting = configured(tmp_path, receiver.server_port, "https", ca=Path(demo["ca"]))
        doubting = configured(tmp_path, receiver.server_port, "https", name="doubting")
        async with telling(trusting, doubting) as on:
            for webhook in (trusting, doubting):
                on.happens(webhook, "1.0")
            await until(lambda: on.count("webhooks_total", webhook="doubting", result="failed"))
            await until(lambda: on.count("webhooks_total", webhook="alarms", result="delivered"))
        assert receiver.ids == ["1.0"]
    with pytest.raises(TLSError, match=r"secret: not PEM"):
        Webhook(configured(tmp_path, 1, "https", ca=tmp_path / "secret"))


# -- until it has arrived ----------------------------------------------------------------------------------------------
async def test_what_was_not_taken_comes_again_in_order(tmp_path: Path, receiver: Receiver) -> None:
    webhook = configured(tmp_path, receiver.server_port)
    receiver.codes = [500, 302, 404]
    async with telling(webhook) as on:
        on.happens(webhook, "1.0", "2.0", "3.0")
        await until(lambda: len(receiver.got) == 6)
        await until(lambda: on.store.count_deliveries("alarms") == (0, 0))
        assert receiver.ids == ["1.0", "1.0", "1.0", "1.0", "2.0", "3.0"]
        assert on.count("webhooks_total", webhook="alarms", result="failed") == 3
        assert on.count("webhooks_total", webhook="alarms", result="delivered") == 3
        assert on.count("webhooks_waiting", webhook="alarms") == 0


async def test_what_happens_while_a_webhook_fails_waits_behind_what_came_before(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Else `back` is told before `offline`, and somebody drives to a store where all is well."""
    webhook = configured(tmp_path, receiver.server_port)
    receiver.codes = [500]
    later = [f"{number}.0" for number in range(2, limits.WEBHOOK_SLICE + 3)]
    async with telling(webhook) as on:
        on.happens(webhook, "1.0")
        await until(lambda: receiver.ids == ["1.0"])
        on.happens(webhook, *later)
        await until(lambda: on.store.count_deliveries("alarms") == (0, 0))
    assert receiver.ids == ["1.0", "1.0", *later]


async def test_a_receiver_that_is_not_there_yet_gets_everything_later(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    webhook = configured(tmp_path, port)
    async with telling(webhook) as on:
        on.happens(webhook, "1.0")
        await until(lambda: on.count("webhooks_total", webhook="alarms", result="failed") >= 2)
        assert on.count("webhooks_waiting", webhook="alarms") == 1
        assert on.count("webhooks_oldest_seconds", webhook="alarms") > 1
        assert on.store.count_deliveries("alarms")[0] == 1


@pytest.mark.parametrize("words", [b"", b"\0\xff", b"HTTP/1.1 999999 \r\n\r\n", b"HTTP/1.1 ", b"SSH-2.0\r\n"])
async def test_a_receiver_that_talks_nonsense_has_not_got_it(tmp_path: Path, words: bytes) -> None:
    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(words)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, answer, [listener])
        webhook = configured(tmp_path, listener.socket.getsockname()[1])
        async with telling(webhook) as on:
            on.happens(webhook, "1.0")
            await until(lambda: on.count("webhooks_total", webhook="alarms", result="failed"))
        nursery.cancel_scope.cancel()


async def test_a_webhook_that_hangs_is_in_nobodys_way(tmp_path: Path, receiver: Receiver) -> None:
    hanging = configured(tmp_path, receiver.server_port)
    receiver.hang.clear()
    with receiving() as healthy_receiver:
        healthy = configured(tmp_path, healthy_receiver.server_port, name="healthy")
        async with telling(hanging, healthy) as on:
            on.happens(hanging, "1.0")
            on.happens(healthy, "2.0")
            await until(lambda: healthy_receiver.ids == ["2.0"])
            for _ in range(100):
                await on.service.ask_store(on.store.merchants)  # as the groups of terminals' messages do
            assert not on.count("webhooks_total", webhook="alarms", result="failed"), "it has not been given up yet"
            assert on.store.count_deliveries("alarms")[0] == 1
            receiver.hang.set()
            await until(lambda: on.store.count_deliveries("alarms") == (0, 0))


async def test_old_news_is_given_up(tmp_path: Path, receiver: Receiver) -> None:
    webhook = configured(tmp_path, receiver.server_port)
    receiver.codes = [500]
    async with telling(webhook) as on:
        old = Delivery("1.0", "alarms", "tamper", '{"id":"1.0"}', NOON - limits.WEBHOOK_DAYS * DAY, NOON)
        on.store.commit(changes(old), None)
        on.happens(webhook, "2.0")
        await until(lambda: receiver.ids == ["1.0", "2.0"])
        assert on.count("webhooks_total", webhook="alarms", result="given_up") == 1


def test_tries_are_further_and_further_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert [back_off(failures) for failures in (1, 2, 3, 6, 7, 8, 10_000)] == [5, 10, 20, 160, 300, 300, 300]
