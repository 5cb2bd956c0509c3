"""A long run on the screen: a bar while it goes on, then its report."""

import sys
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import click
import trio
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn

from simulators.demo import DemoError
from simulators.line import LineDown
from simulators.output import APPROVED, DECLINED, NO_ANSWER, show_json

REFRESH_SECONDS = 0.25


class Report(Protocol):
    @property
    def ok(self) -> bool: ...

    def as_json(self) -> object: ...

    def lines(self) -> list[str]: ...


R = TypeVar("R", bound=Report)


async def show_run(
    run: Callable[[Callable[[R], None]], Awaitable[R]], show_progress: Callable[[R], Awaitable[None]], as_json: bool
) -> int:
    """Run it and tell; the exit code. The bar goes to standard error, so that the report can be kept in a file.

    Args:
        run: Is given whom to hand its report to before it begins.

    Raises:
        DemoError: the demo has not what the run needs.
    """
    report: R | None = None
    problem: DemoError | None = None
    try:
        async with trio.open_nursery() as nursery:

            def watch(report: R) -> None:
                if sys.stderr.isatty() and not as_json:
                    nursery.start_soon(show_progress, report)

            report = await run(watch)
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


async def keep_bar(total: float | None, look: Callable[[], tuple[float, str]], *columns: ProgressColumn) -> None:
    """Until cancelled: how far it is, and a few words.

    Args:
        total: What `look` counts up to, if that is known.
        columns: Between the bar and the time.
    """
    shown = (TextColumn("{task.description}"), BarColumn(), *columns, TimeElapsedColumn())
    with Progress(*shown, console=Console(stderr=True), auto_refresh=False, transient=True) as progress:
        task = progress.add_task("starting", total=total)
        while True:
            done, words = look()
            progress.update(task, completed=done, description=words, refresh=True)
            await trio.sleep(REFRESH_SECONDS)
