"""`tillsim load` on the screen."""

from functools import partial

import trio

from simulators.demo import Demo
from simulators.load import run_load
from simulators.load_line import LoadOptions
from simulators.load_report import LoadReport
from simulators.long_run import keep_bar, show_run


async def show_load(demo: Demo, options: LoadOptions, as_json: bool) -> int:
    return await show_run(partial(run_load, demo, options), partial(_show_progress, options), as_json)


async def _show_progress(options: LoadOptions, report: LoadReport) -> None:
    started = trio.current_time()

    def look() -> tuple[float, str]:
        done = report.answered if options.transactions else trio.current_time() - started
        words = f"{report.approved} approved, {report.declined} declined, {report.wrong} wrong, {report.lost} lost"
        return done, words

    await keep_bar(options.transactions or options.seconds, look)
