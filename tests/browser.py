"""A headless Chromium for tests, driven over its DevTools pipe: no driver, no package beside the browser itself."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER TESTS: no Chromium; make test-deps")

_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run", "--window-size=1300,1000"),
)
PATIENCE_SECONDS = 20.0


class Browser:
    """One page. Messages are JSON, each ended by a zero byte: what we say on 3, what we hear on 4."""

    def __init__(self, said: int, heard: int) -> None:
        self._said, self._heard = said, heard
        self._unread = b""
        self._last = 0
        self.complaints: list[str] = []  # of the page's console: scripts that failed, policies that were broken
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session: str = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def open(self, url: str) -> None:
        self.ask("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def evaluate(self, expression: str) -> Any:
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """What it is as soon as it is true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            value = self.evaluate(expression)
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"never true: {expression}\n{self.evaluate('document.body.innerText')}\n{self.complaints}")

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._ask(method, self._session, **parameters)

    def _ask(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        self._last += 1
        message: dict[str, object] = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._said, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            if answer.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.complaints.append(json.dumps(answer["params"])[:500])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._heard], [], [], PATIENCE_SECONDS)
            assert ready, "the browser says nothing"
            data = os.read(self._heard, 65536)
            assert data, "the browser has gone"
            self._unread += data
        text, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


@contextlib.contextmanager
def browsing(profile: Path) -> Iterator[Browser]:
    """A browser of its own, gone at the end."""
    assert CHROMIUM is not None, "tests that come here are marked needs_browser"
    theirs_in, said = os.pipe()
    heard, theirs_out = os.pipe()

    def as_three_and_four() -> None:
        """In the child; first out of the way, as either may be the other's number."""
        high_in, high_out = os.dup2(theirs_in, 200), os.dup2(theirs_out, 201)
        os.dup2(high_in, 3)
        os.dup2(high_out, 4)

    command = [CHROMIUM, *_QUIET, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=False,
        preexec_fn=as_three_and_four,
        start_new_session=True,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(said, heard)
    finally:
        os.close(said)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()
        os.close(heard)
