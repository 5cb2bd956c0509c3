"""Tells webhooks what happens to terminals: signed JSON from a durable outbox, tried again with back-off.

The outbox is filled by the commit that the event belongs to, so nothing is told that did not happen, and nothing is
forgotten by a crash. What is sent may come twice; its id stays the same. A webhook that hangs or fails holds up only
itself: each has a task and a thread of its own.
"""

from __future__ import annotations

import hmac
import http.client
import json
import ssl
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import structlog
import trio

from specs import limits
from switch import __version__
from switch.core.clock import DAY, SECOND
from switch.core.deliveries import Delivery
from switch.core.presence import TerminalEvent
from switch.metrics import Metrics
from switch.ops_access import read_token
from switch.ops_config import WebhookConfig
from switch.service import Service
from switch.store.port import Conflict, Unavailable
from switch.terminal_pages import moment
from switch.tls import TLSError

LOOK_SECONDS: Final = 5.0  # between two looks for what is due, if nobody says that there is something
SIGNATURE: Final = "Tillswitch-Signature"

log = structlog.get_logger()


class Failed(Exception):
    """Not delivered; the text says why, and nothing of what was sent."""


def deliveries_of(event: TerminalEvent, event_id: str, webhooks: Sequence[WebhookConfig]) -> list[Delivery]:
    """What goes into the outbox for `event`."""
    body = json.dumps(
        {
            "id": event_id,
            "event": event.event.value,
            "merchant_id": event.merchant_id,
            "terminal_id": event.terminal_id,
            "store": event.store,
            "at": moment(event.at),
            "detail": event.detail,
        }
    )
    return [
        Delivery(event_id, webhook.name, event.event.value, body, event.at, event.at)
        for webhook in webhooks
        if event.event.value in webhook.events
    ]


def sign(secret: str, seconds: int, body: str) -> str:
    """`t=…,v1=…`: HMAC-SHA-256, in hex, over the time of sending, a dot, and the body."""
    mac = hmac.digest(secret.encode(), f"{seconds}.{body}".encode(), "sha256").hex()
    return f"t={seconds},v1={mac}"


class Webhook:
    """One of them. Its methods wait: they are called in a thread.

    Raises:
        TokenError, TLSError: its secret or its certificates cannot be used.
    """

    def __init__(self, config: WebhookConfig) -> None:
        self.name = config.name
        parts = urlsplit(config.url)
        assert parts.hostname is not None, "the configuration was checked"
        self._host, self._port = parts.hostname, parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._tls = _client_context(config.ca) if parts.scheme == "https" else None
        self._secret = read_token(config.secret)

    def post(self, delivery: Delivery, seconds: int) -> None:
        """
        Raises:
            Failed: it did not say that it has it.
        """
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"tillswitch/{__version__}",
            "Tillswitch-Event": delivery.event,
            "Tillswitch-Delivery": delivery.id,
            SIGNATURE: sign(self._secret, seconds, delivery.body),
        }
        try:
            with closing(self._connection()) as connection:
                connection.request("POST", self._path, delivery.body.encode(), headers)
                status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise Failed(getattr(error, "strerror", None) or type(error).__name__) from None
        if not 200 <= status < 300:
            raise Failed(f"it answered {status}")

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=limits.WEBHOOK_SECONDS, context=self._tls
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=limits.WEBHOOK_SECONDS)


def _client_context(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # an SSLError is one
        reason = "not PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise TLSError(f"{ca}: {reason}") from None


class Webhooks:
    """
    Args:
        clock: Microseconds since 1970.
    """

    def __init__(
        self, service: Service, metrics: Metrics, webhooks: Sequence[Webhook], clock: Callable[[], int]
    ) -> None:
        self._service, self._metrics, self._webhooks, self._clock = service, metrics, webhooks, clock
        self._something = {webhook.name: trio.Event() for webhook in webhooks}

    def wake(self) -> None:
        """There is something in the outbox."""
        for event in self._something.values():
            event.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            for webhook in self._webhooks:
                nursery.start_soon(_Line(self._service, self._metrics, webhook, self._clock).serve, self._something)


class _Line:
    """What goes to one webhook, in order. While it fails, everything waits for its next try."""

    def __init__(self, service: Service, metrics: Metrics, webhook: Webhook, clock: Callable[[], int]) -> None:
        self._service, self._metrics, self._webhook, self._clock = service, metrics, webhook, clock
        self._store = service.books.store
        self._limiter = trio.CapacityLimiter(1)  # a thread of its own, none of those that the books use
        self._failures = 0  # in a row

    async def serve(self, something: dict[str, trio.Event]) -> None:
        name = self._webhook.name
        while True:
            something[name] = trio.Event()
            delivered = False
            try:
                delivered = await self._deliver_some()
                waiting, oldest = await self._service.ask_store(self._store.count_deliveries, name)
                self._metrics.set_webhook(name, waiting, (self._clock() - oldest) / SECOND if oldest else 0.0)
            except (Unavailable, Conflict):
                log.info("webhook has to wait for the store", webhook=name)
            if self._failures:
                await trio.sleep(back_off(self._failures))
            elif not delivered:
                with trio.move_on_after(LOOK_SECONDS):
                    await something[name].wait()

    async def _deliver_some(self) -> bool:
        """Whether there was anything. What was not delivered is due again when we try again."""
        now, name = self._clock(), self._webhook.name
        until = now + limits.WEBHOOK_CLAIM_SECONDS * SECOND
        some = await self._service.ask_store(self._store.claim_deliveries, name, now, until, limits.WEBHOOK_SLICE)
        done: list[str] = []
        again: list[tuple[str, int]] = []
        for place, delivery in enumerate(some):
            if await self._try(delivery):
                done.append(delivery.id)
                continue
            for one in some[place:]:
                if self._clock() - one.created_at > limits.WEBHOOK_DAYS * DAY:
                    self._metrics.webhook_tried(name, "given_up")
                    done.append(one.id)
                else:
                    again.append((one.id, one.created_at))  # before all that has come since; the wait is ours
            break
        if some:
            await self._service.ask_store(self._store.settle_deliveries, name, done, again)
        return bool(some)

    async def _try(self, delivery: Delivery) -> bool:
        """Send it once, and tell what came of it where that is news."""
        name, reason = self._webhook.name, await self._post(delivery)
        self._metrics.webhook_tried(name, "failed" if reason else "delivered")
        if reason and not self._failures:
            log.warning("webhook fails", webhook=name, reason=reason)
        if not reason and self._failures:
            log.info("webhook is back", webhook=name)
        self._failures = self._failures + 1 if reason else 0
        return reason is None

    async def _post(self, delivery: Delivery) -> str | None:
        """Why it was not delivered, if so."""
        with trio.move_on_after(limits.WEBHOOK_WHOLE_SECONDS):
            try:
                await trio.to_thread.run_sync(
                    self._webhook.post,
                    delivery,
                    self._clock() // SECOND,
                    limiter=self._limiter,
                    abandon_on_cancel=True,
                )
            except Failed as error:
                return str(error)
            return None
        return "it takes too long"


def back_off(failures: int) -> float:
    """Seconds until the next try, after so many failures in a row."""
    seconds: float = limits.WEBHOOK_AGAIN_SECONDS * 2 ** min(failures - 1, 16)
    return min(seconds, limits.WEBHOOK_AGAIN_SECONDS_MAX)
