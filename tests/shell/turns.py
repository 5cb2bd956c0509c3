"""How much is done between two turns of the event loop: counted, so that no clock and no other process matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trio


class Turns(trio.abc.Instrument):
    """Counts calls; `most` is the most of one turn."""

    def __init__(self) -> None:
        self.all = self.most = self._now = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._now = 0

    def count(self) -> None:
        self.all += 1
        self._now += 1
        self.most = max(self.most, self._now)


@contextmanager
def counted(function: str) -> Iterator[Turns]:
    """Calls of a function, named as the module that calls it knows it."""
    turns = Turns()
    module, _, name = function.rpartition(".")
    original: Callable[..., Any] = getattr(__import__(module, fromlist=[name]), name)

    def counting(*arguments: Any, **named: Any) -> Any:
        turns.count()
        return original(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(function, counting)
        trio.lowlevel.add_instrument(turns)
        try:
            yield turns
        finally:
            trio.lowlevel.remove_instrument(turns)
