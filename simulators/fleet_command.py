"""`tillsim fleet` on the screen: a bar while the day lasts, then the report."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
import trio
from rich.progress import MofNCompleteColumn

from simulators.demo import Demo, load_demo
from simulators.fleet import run_fleet
from simulators.fleet_report import FleetReport
from simulators.fleet_till import EVERY_LISTENER, FleetOptions
from simulators.long_run import keep_bar, show_run
from simulators.terminal import ANSWER_SECONDS
from simulators.till import LISTENERS, complaints, demo_option, host_option

SHARE = click.FloatRange(0, 1)


@click.command("fleet")
@demo_option
@host_option
@click.option("--terminals", type=click.IntRange(1), default=50, show_default=True)
@click.option("--deeds", type=click.IntRange(0), default=40, show_default=True, help="of each terminal")
@click.option("--listener", type=click.Choice((*LISTENERS, EVERY_LISTENER)), default="nac", show_default=True)
@click.option("--lose", type=SHARE, default=0.05, show_default=True, help="share of messages without an answer")
@click.option(
    "--faults", type=SHARE, default=0.1, show_default=True, help="share of terminals whose journal gets damaged"
)
@click.option("--seed", type=int, default=1, show_default=True, help="of everything that is left to chance")
@click.option("--timeout", "answer_seconds", type=float, default=ANSWER_SECONDS, show_default=True)
@click.option(
    "--patience", "patience_seconds", type=float, default=60.0, show_default=True, help="for a line that is down"
)
@click.option("--json", "as_json", is_flag=True)
def fleet_command(demo: Path | None, as_json: bool, **options: Any) -> None:
    """Have many terminals live a whole day: open, trade, lose answers, settle; compare both sides' totals.

    Exit codes: 0 everything is as it must be, 1 something differs, 3 nobody answers.
    """
    with complaints():
        sys.exit(trio.run(_show_fleet, load_demo(demo), FleetOptions(**options), as_json))


async def _show_fleet(demo: Demo, options: FleetOptions, as_json: bool) -> int:
    return await show_run(partial(run_fleet, demo, options), _show_progress, as_json)


async def _show_progress(report: FleetReport) -> None:
    def look() -> tuple[float, str]:
        words = f"{len(report.settled)} of {report.terminals} settled, {report.wrong} wrong, {report.lost} lost"
        return report.deeds, words

    await keep_bar(report.deeds_planned, look, MofNCompleteColumn())
