"""Traffic of `simulators.load` over a running daemon, with a look at how far it is."""

import trio

from simulators.load import run_load
from simulators.load_line import LoadOptions
from simulators.load_report import LoadReport
from tests.crash.daemon import Daemon

CONNECTIONS = 8


class Load:
    """Traffic that runs until `enough` messages were answered."""

    def __init__(self, daemon: Daemon, enough: int) -> None:
        self._demo = daemon.demo()
        self._options = LoadOptions(CONNECTIONS, transactions=enough, answer_seconds=5.0)
        self.report = LoadReport("")

    async def run(self) -> None:
        self.report = await run_load(self._demo, self._options, self._watch)

    async def until(self, answered: int) -> None:
        """Until so many were answered, or all is over."""
        while self.report.answered < answered and not self.report.seconds:  # noqa: ASYNC110 - the load knows no watcher
            await trio.sleep(0.001)

    def _watch(self, report: LoadReport) -> None:
        self.report = report
