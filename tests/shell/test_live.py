"""The live page: what it shows, that nothing from outside becomes HTML, its stream, and a browser looking at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
import trio

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import Kind
from switch import live as live_module
from switch.core.presence import Event, State, TerminalEvent
from switch.heartbeat import Heartbeat
from switch.http_server import serve_ops
from switch.live import Live
from switch.live_page import Snapshot, StoreStates, fragment, page
from switch.metrics import Answered
from switch.ops import ops_app
from tests.browser import browsing, needs_browser
from tests.core.till import NOON
from tests.shell.test_ops import fetch
from tests.simulation.stage import Stage, echo

NASTY = "<script>alert(1)</script>&\"'"


def snapshot(**other: object) -> Snapshot:
    fields: dict[str, object] = {
        "version": "1.2.3",
        "node": "main",
        "at": NOON,
        "trouble": [],
        "connections": {"nac": 3},
        "queue": 7,
        "per_second": (0.0, 12.0, 6.0),
        "outcomes": {Outcome.APPROVED: 90, Outcome.NOT_ENOUGH: 5, Outcome.WRONG_PIN: 2},
        "recent": {Outcome.WRONG_PIN: 1},
        "answer_ms": (1.5, 9.0),
        "commit_ms": (0.5, 4.0),
        "states": {State.ONLINE: 5, State.OFFLINE: 1},
        "stores": [StoreStates("M1", "north", {State.ONLINE: 5, State.OFFLINE: 1})],
        "stores_by_share": {"none": 0, "some": 1},
        "open_batches": {"1h": 2, "older": 1},
        "batch_events": {"opened": 4, "settled": 1, "totals_differ": 0},
        "events": [TerminalEvent(Event.TAMPER, "M1", "T1", "north", NOON, "its tamper switch has opened")],
    }
    return Snapshot(**fields | other)  # type: ignore[arg-type]  # the fields are Snapshot's own


class Reader(HTMLParser):
    """Elements and text of a page, which must be closed as they were opened."""

    VOID = ("meta", "link", "rect")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())


# -- the picture -------------------------------------------------------------------------------------------------------
def test_the_page_tells_what_there_is() -> None:
    words = " ".join(Reader(page(snapshot())).words)
    for told in (
        "Tillswitch main · 1.2.3 ready",
        "0 never seen 5 online 0 late 1 offline",
        "connections: nac 3",
        "6.0 answers a second at most 12.0; 7 waiting",
        "wrong pin 1 2 not enough 0 5",  # those of the last minute first
        "answer 1.5 ms 9.0 ms commit 0.5 ms 4.0 ms",
        "open, up to 1h 2 open, older 1 opened 4 settled 1",
        "1 with some offline",
        "store offline late online never seen merchant north 1 0 5 0 M1",
        "2026-03-10T12:00:00.000+00:00 tamper M1/T1 north its tamper switch has opened",
    ):
        assert told in words, told


def test_an_empty_switch_has_a_page_as_well() -> None:
    maps = ("outcomes", "recent", "states", "stores_by_share", "open_batches", "batch_events", "connections")
    nothing: dict[str, object] = {name: {} for name in maps} | {"stores": [], "events": [], "per_second": ()}
    words = " ".join(Reader(page(snapshot(**nothing))).words)
    assert "none so far" in words
    assert "nothing since the start" in words
    assert "no terminal has spoken yet" in words


def test_where_nothing_was_answered_no_time_is_told() -> None:
    words = " ".join(Reader(page(snapshot(answer_ms=(0.0, 0.0)))).words)
    assert "answer – – commit 0.5 ms 4.0 ms" in words


def test_a_store_leads_to_its_terminals() -> None:
    html = fragment(snapshot(stores=[StoreStates("M 1", 'no"rth', {State.OFFLINE: 1})]))
    assert '<a href="/terminals?merchant_id=M+1&amp;store=no%22rth">no&quot;rth</a>' in html


def test_where_all_is_well_in_many_stores_none_is_named() -> None:
    assert "200 with all there no terminal is late or offline" in " ".join(
        Reader(page(snapshot(stores=[], stores_by_share={"none": 200}))).words
    )


def test_trouble_is_told_first() -> None:
    assert (
        "not ready: the disk is full; draining"
        in Reader(page(snapshot(trouble=["the disk is full", "draining"]))).words
    )


def test_nothing_from_outside_becomes_html() -> None:
    usual = Reader(page(snapshot())).seen
    nasty = snapshot(
        node=NASTY,
        trouble=[],
        connections={NASTY: 1},
        stores=[StoreStates(NASTY, NASTY, {State.OFFLINE: 1})],
        events=[TerminalEvent(Event.SERIAL_CHANGED, NASTY, NASTY, NASTY, NOON, NASTY)],
    )
    read = Reader(page(nasty))
    assert read.seen == usual
    assert any(NASTY in words for words in read.words)


# -- the stream --------------------------------------------------------------------------------------------------------
class Showing:
    """A switch on a stage with its live page on a port."""

    def __init__(self, on: Stage, live: Live) -> None:
        self.on, self.live = on, live
        self.trouble: list[str] = []
        self.port = 0
        self.viewers: list[Viewer] = []

    async def get(self, path: str) -> tuple[int, dict[str, str], str]:
        return await fetch(await trio.open_tcp_stream("127.0.0.1", self.port), f"GET {path}")


@asynccontextmanager
async def showing() -> AsyncIterator[Showing]:
    async with trio.open_nursery() as nursery:
        on = Stage(nursery)
        on.decide()
        heartbeat = Heartbeat(on.service, on.metrics, on.service.now)
        await nursery.start(heartbeat.run)
        trouble: list[str] = []
        live = Live(on.metrics, heartbeat, lambda: (trouble, {"nac": 0}), "main", on.service.now)
        here = Showing(on, live)
        here.trouble = trouble
        nursery.start_soon(live.run)
        app = ops_app(on.metrics.registry, list, live.routes())
        here.port = await nursery.start(partial(serve_ops, app, "127.0.0.1", 0, shutdown=trio.Event()))
        try:
            yield here
        finally:
            for viewer in here.viewers:
                await trio.aclose_forcefully(viewer.stream)
        nursery.cancel_scope.cancel()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "PICTURE_SECONDS", 0.1)


class Viewer:
    """A browser without a screen: reads the stream picture by picture."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream, self.unread = stream, b""

    async def next_picture(self) -> str:
        while b"\n\n" not in self.unread:
            data = await self.stream.receive_some()
            assert data, "the stream has ended"
            self.unread += data
        picture, _, self.unread = self.unread.partition(b"\n\n")
        return picture.decode()


async def look(here: Showing) -> Viewer:
    viewer = Viewer(await trio.open_tcp_stream("127.0.0.1", here.port))
    here.viewers.append(viewer)
    await viewer.stream.send_all(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
    return viewer


async def test_pages_come_with_headers_that_let_nothing_else_in() -> None:
    async with showing() as here:
        for path, kind in (("/", "text/html"), ("/live.css", "text/css"), ("/live.js", "text/javascript")):
            status, headers, body = await here.get(path)
            assert (status, headers["content-type"].split(";")[0]) == (200, kind)
            assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
            assert headers["x-content-type-options"] == "nosniff"
            assert body
        assert "<script>" not in (await here.get("/"))[2], "inline scripts would not run"


async def test_each_event_of_the_stream_is_a_whole_picture(quick: None) -> None:
    async with showing() as here:
        viewer = await look(here)
        with trio.fail_after(20):
            first = await viewer.next_picture()
            here.on.metrics.group_answered([Answered("test", Kind.GIFT_REDEEM, Outcome.NOT_ENOUGH, 0.25)] * 3)
            here.live.note([TerminalEvent(Event.OFFLINE, "M1", "T9", "north", NOON, "silent for 901 s")])
            here.trouble.append("the disk is full")
            while "not enough" not in (picture := await viewer.next_picture()):
                pass
        assert "text/event-stream" in first
        for told in ("<td>3</td><td>3</td>", "250.0 ms", "silent for 901 s", "not ready: the disk is full"):
            assert told in picture, told


async def test_a_viewer_that_does_not_read_holds_nothing_up(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEND_SECONDS", 0.5)
    async with showing() as here:
        sleepy = await look(here)
        await sleepy.next_picture()
        here.live.note([TerminalEvent(Event.OFFLINE, "M1", "T9", "north", NOON, "x" * 40_000)] * 20)
        wire = here.on.connect()
        with trio.fail_after(10):  # it would be half a second for each picture it does not take
            for stan in range(1, 30):
                await wire.ask(echo(stan))
        awake = await look(here)
        with trio.fail_after(30):
            for _ in range(3):
                await awake.next_picture()
            while len(here.live._viewers) > 1:
                await awake.next_picture()  # the sleepy one is let go


async def test_only_so_many_may_look(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LIVE_VIEWERS_MAX", 2)
    async with showing() as here:
        viewers = [await look(here) for _ in range(2)]
        for viewer in viewers:
            await viewer.next_picture()
        status, _, body = await here.get("/live")
        assert (status, body) == (503, '{"error":"too many are looking already"}')
        await viewers[0].stream.aclose()
        with trio.fail_after(20):
            while len(here.live._viewers) > 1:
                await viewers[1].next_picture()
        await (await look(here)).next_picture()


# -- a browser ---------------------------------------------------------------------------------------------------------
@needs_browser
@pytest.mark.slow
async def test_a_browser_shows_the_page_and_keeps_it_up_to_date(quick: None, tmp_path: Path) -> None:
    async with showing() as here:
        here.live.note([TerminalEvent(Event.SERIAL_CHANGED, "M1", "T9", "north", NOON, NASTY)])

        def watch(happen: Callable[[], None]) -> list[str]:
            with browsing(tmp_path) as browser:
                browser.open(f"http://127.0.0.1:{here.port}/")
                assert browser.evaluate("document.querySelectorAll('section').length") == 7
                assert browser.evaluate("getComputedStyle(document.querySelector('main')).display") == "grid"
                shown = browser.evaluate("document.querySelector('time').textContent")
                browser.wait_for(f"document.querySelector('time').textContent !== {shown!r}")
                browser.wait_for(f"document.getElementById('events').innerText.includes({NASTY!r})")
                trio.from_thread.run_sync(happen)
                browser.wait_for("document.getElementById('refusals').innerText.includes('not enough')")
                assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
                return browser.complaints

        def happen() -> None:
            here.on.metrics.group_answered([Answered("test", Kind.GIFT_REDEEM, Outcome.NOT_ENOUGH, 0.25)])

        complaints = await trio.to_thread.run_sync(watch, happen)
        assert [one for one in complaints if "favicon" not in one] == []


def test_a_fragment_is_small_enough_to_be_sent_every_two_seconds() -> None:
    many = [StoreStates(f"MERCHANT{n:07d}", f"store-{n}", {State.OFFLINE: n}) for n in range(20)]
    events = [TerminalEvent(Event.OFFLINE, "M" * 15, "T" * 8, "s" * 32, NOON, "silent for 901 s")] * 20
    assert len(fragment(snapshot(stores=many, events=events, per_second=(1.5,) * 60))) < 16_000
