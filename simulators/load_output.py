"""`tillsim load` on the screen: a bar while it runs, then the report."""

import sys

import click
import trio
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from simulators.demo import Demo, DemoError
from simulators.line import LineDown
from simulators.load import run_load
from simulators.load_line import LoadOptions
from simulators.load_report import LoadReport
from simulators.output import APPROVED, DECLINED, NO_ANSWER, show_json

REFRESH_SECONDS = 0.25


async def show_load(demo: Demo, options: LoadOptions, as_json: bool) -> int:
    """Run it and tell; the exit code. The bar goes to standard error, so that the report can be kept in a file."""
    report: LoadReport | None = None
    problem: DemoError | None = None
    try:
        async with trio.open_nursery() as nursery:

            def watch(report: LoadReport) -> None:
                if sys.stderr.isatty() and not as_json:
                    nursery.start_soon(_show_progress, report, options)

            report = await run_load(demo, options, watch)
            nursery.cancel_scope.cancel()
    except* LineDown as group:
        click.echo(f"tillsim: {group.exceptions[0]}", err=True)
    except* DemoError as group:
        [problem] = (error for error in group.exceptions if isinstance(error, DemoError))
    if problem:
        raise problem
    if report is None:
        return NO_ANSWER
    if as_json:
        show_json(report.as_json())
    else:
        click.echo("\n".join(report.lines()))
    return APPROVED if report.ok else DECLINED


async def _show_progress(report: LoadReport, options: LoadOptions) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    started = trio.current_time()
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True) as progress:
        task = progress.add_task("starting", total=options.transactions or options.seconds)
        while True:
            done = report.answered if options.transactions else trio.current_time() - started
            words = f"{report.approved} approved, {report.declined} declined, {report.wrong} wrong, {report.lost} lost"
            progress.update(task, completed=done, description=words, refresh=True)
            await trio.sleep(REFRESH_SECONDS)
