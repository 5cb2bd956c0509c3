"""Standard output that keeps nobody waiting: lines go through a bounded queue to a thread of their own.

A log that cannot be written (its reader has gone, its pipe or its disk is full) must neither stop the switch nor stall
a terminal. What does not fit is lost, and counted; as soon as there is room again the log itself says how many.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from types import TracebackType
from typing import Final, Self, TextIO

import structlog

LINES_MAX: Final = 20_000  # six seconds of the fastest traffic, under 10 MB
AT_ONCE: Final = 100  # lines of one write
CLOSE_SECONDS: Final = 1.0  # what a slow reader gets when we end
RETRY_SECONDS: Final = 1.0  # between looks at a full pipe that its owner made non-blocking


class LogWriter:
    """The `write`, `flush` and `isatty` of a text file, as far as a log needs them; a context manager.

    Args:
        target: Has a file descriptor. It is not closed.
    """

    def __init__(self, target: TextIO) -> None:
        target.flush()
        self._target, self._descriptor = target, target.fileno()
        self._lines: deque[str] = deque()
        self._lost = 0  # lines, ever
        self._told = 0  # of them, in the log
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is there, as long as its reader takes it."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(CLOSE_SECONDS)

    @property
    def lost(self) -> int:
        """How many lines could not be written."""
        return self._lost

    def write(self, line: str) -> int:
        with self._changed:
            if len(self._lines) < LINES_MAX or threading.current_thread() is self._thread:  # its count of losses
                self._lines.append(line)
                self._changed.notify()
            else:
                self._lost += 1
        return len(line)

    def flush(self) -> None:
        """Nothing: the thread is always at it."""

    def isatty(self) -> bool:
        return self._target.isatty()

    # -- in the thread ------------------------------------------------------------------------------------------------
    def _run(self) -> None:
        while lines := self._next_lines():
            try:
                self._write_out("".join(lines).encode("utf-8", "backslashreplace"))
            except OSError:  # the reader has gone, or the disk is full: perhaps not for ever
                with self._changed:
                    self._lost += len(lines)
            else:
                self._tell_losses()

    def _next_lines(self) -> list[str]:
        """Waits for lines; none when we are closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closing)
            return [self._lines.popleft() for _ in range(min(AT_ONCE, len(self._lines)))]

    def _write_out(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [], RETRY_SECONDS)

    def _tell_losses(self) -> None:
        """Now that there is room again."""
        if self._lost > self._told:
            lines, self._told = self._lost - self._told, self._lost
            structlog.get_logger().warning("log lines lost", lines=lines)
