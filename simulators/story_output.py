"""How a played story is shown: a line for each step, and for one that differs, what was expected and what came."""

import sys
from typing import Any

import click
import msgspec
import trio
from rich import box
from rich.console import Console
from rich.table import Table

from simulators.demo import DemoError
from simulators.money import format_amount
from simulators.output import APPROVED, DECLINED, NO_ANSWER, USAGE, as_json, show_exchange
from simulators.player import Player, StepResult
from simulators.receipt import meaning
from simulators.story import Story
from simulators.wire import WireError


class StoryResult(msgspec.Struct):
    name: str
    title: str
    steps: list[StepResult] = []
    problem: str = ""

    @property
    def exit_code(self) -> int:
        """As for a single message: did it go as expected, was it answered at all, could it be played."""
        if self.problem:
            return USAGE
        wrong = [result for result in self.steps if result.differences]
        if any(result.exchange and result.exchange.answer is None for result in wrong):
            return NO_ANSWER
        return DECLINED if wrong else APPROVED


async def show_story(name: str, story: Story, player: Player, trace: bool, quiet: bool) -> StoryResult:
    """Play a story and tell each step as it happens."""
    result = StoryResult(name, story.title)
    if not quiet:
        click.echo(f"{name}: {story.title}")
    try:
        async for step in player.play():
            result.steps.append(step)
            if not quiet:
                _show_step(step, trace)
    except (DemoError, WireError) as error:
        result.problem = str(error)
    if not quiet:
        verdict = {APPROVED: "as expected", USAGE: f"could not be played: {result.problem}"}
        click.echo(f"  {verdict.get(result.exit_code, 'NOT as expected')}\n")
    return result


async def wait_for_enter(text: str) -> None:
    """A pause of a story, for somebody who sits at the screen."""
    click.echo(f"\n  {text}\n  Enter goes on. ", nl=False)
    await trio.to_thread.run_sync(sys.stdin.readline)


def story_json(result: StoryResult) -> dict[str, Any]:
    return {
        "story": result.name,
        "title": result.title,
        "as_expected": result.exit_code == APPROVED,
        "problem": result.problem or None,
        "steps": [
            {
                "name": one.step.name or one.step.send,
                "cleanup": one.is_cleanup,
                "differences": [msgspec.structs.asdict(difference) for difference in one.differences],
                "exchange": as_json(one.terminal, one.exchange) if one.exchange else None,
            }
            for one in result.steps
        ],
    }


def _show_step(result: StepResult, trace: bool) -> None:
    mark = "FAIL" if result.differences else "tidy" if result.is_cleanup else " ok "
    words = f"  {mark}  {result.step.name or result.step.send:32} {_happened(result)}"
    click.echo(words.rstrip())
    if trace and result.exchange:
        show_exchange(result.terminal, result.exchange, trace=True)
    if result.differences:
        table = Table(box=box.SIMPLE_HEAD)
        for heading in ("field", "expected", "got"):
            table.add_column(heading)
        for difference in result.differences:
            table.add_row(difference.what, difference.expected, difference.got)
        Console(file=sys.stdout, highlight=False, markup=False).print(table)


def _happened(result: StepResult) -> str:
    exchange = result.exchange
    if exchange is None:
        return "kept, not sent" if result.step.answer == "held" else "sent, hung up before the answer"
    asked = exchange.request.get(4)
    currency = exchange.request.get(49) or result.terminal.who.currency
    amount = f"{format_amount(int(asked), currency)}, " if asked.strip("0") else ""
    outcome = f"{exchange.code} {meaning(exchange.code)}" if exchange.answer else exchange.problem
    return f"{exchange.request.mti} {amount}{outcome}"
