"""`tillsim settle`: closes the terminal's batch, uploads if told to, and goes on where an earlier attempt stopped."""

import sys
from typing import Any

import click
import trio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from simulators.demo import DemoError
from simulators.describe import mask_fields
from simulators.journal import Result
from simulators.output import APPROVED, DECLINED, NO_ANSWER, show_json, show_message
from simulators.receipt import WIDTH, meaning, title
from simulators.settlement import Habits, Said, settle
from simulators.settlement_slip import read_totals, settlement_lines
from simulators.tables import has_totals
from simulators.terminal import Terminal
from simulators.till import Till, add_options, till_options
from simulators.totals import BLOCK_CHOICES, BLOCK_NAMES, Total


def _settle(till: Till, blocks: str, clear: bool, capture: bool, names_rrn: bool, names_batch: bool) -> int:
    """Settle the terminal's batch (0500; VISA-2: X2); told 95, upload every record (0320; VISA-2: K) and close it."""
    terminal = till.open(like_last=True)
    visa2 = terminal.dialect == "visa2"  # its block 901 has debits and credits
    if capture and not visa2:
        raise DemoError("--capture goes with --dialect visa2")
    habits = Habits(2 if visa2 else int(blocks), names_rrn, names_batch, capture)
    all_said = trio.run(_talk, till, terminal, habits, clear)
    code = exit_code(all_said)
    if till.json:
        show_json(_as_json(terminal, all_said))
    else:
        click.echo("\n".join(_slip(terminal, all_said)))
        if code == NO_ANSWER:
            click.echo("The batch is not closed; `tillsim settle` goes on from here.", err=True)
    return code


settle_command = click.command("settle", help=_settle.__doc__)(
    add_options(
        till_options(_settle),
        [
            click.option(
                "--blocks",
                type=click.Choice([str(one) for one in BLOCK_CHOICES]),
                default="4",
                show_default=True,
                help="blocks of totals in DE63: redeemed, loaded, sales, returns, two that stay empty",
            ),
            click.option("--capture", is_flag=True, help="VISA-2: upload it (K) without asking for totals (X2) first"),
            click.option("--clear", is_flag=True, help="close it on the switch's totals (940000), whatever they are"),
            click.option(
                "--rrn/--no-rrn", "names_rrn", default=True, help="uploads name the RRN, or send spaces [rrn]"
            ),
            click.option("--name-batch", "names_batch", is_flag=True, help="uploads name their batch in table 37"),
        ],
    )
)


def exit_code(all_said: list[Said]) -> int:
    """Closed, refused, or not answered."""
    last = all_said[-1].result
    if last is Result.CLOSED:
        return APPROVED
    return NO_ANSWER if last in (None, Result.UNDECIDED) else DECLINED


async def _talk(till: Till, terminal: Terminal, habits: Habits, clear: bool) -> list[Said]:
    quiet = till.json or till.trace or not sys.stderr.isatty()
    columns = (TextColumn("uploading"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as progress:
        task = progress.add_task("", total=None, visible=False)

        def tell(said: Said) -> None:
            if till.trace and not till.json:
                _show_messages(terminal, said)
            if said.request.mti == "0320" and not quiet:
                journal = terminal.read_journal()
                done = sum(item.uploaded for item in journal.counting)
                progress.update(task, completed=done, total=len(journal.counting), visible=True)

        async with terminal:
            return await settle(terminal, habits, clear=clear, tell=tell)


def _show_messages(terminal: Terminal, said: Said) -> None:
    show_message(said.request, terminal.dialect, f">> {title(said.kind)}")
    if said.answer:
        code = said.answer.get(39)
        show_message(said.answer, terminal.dialect, f"<< {code} {meaning(code)}")


def _slip(terminal: Terminal, all_said: list[Said]) -> list[str]:
    """What came before the settlement, in a line each; every answer to a settlement with both sides' totals."""
    demo, who = terminal.demo, terminal.who
    lines = [demo.merchant_name(who.merchant_id).center(WIDTH).rstrip(), f"Terminal {who.terminal_id}", ""]
    for said in all_said:
        code = said.answer.get(39) if said.answer else None
        if said.answer and has_totals(said.request):
            lines += ["", title(said.kind), *settlement_lines(said.request, said.answer, who.currency)]
        elif said.request.mti != "0320" or code != "00":
            line = f"{title(said.kind)}: {f'{code} {meaning(code)}' if code else said.problem}"
            lines += [line] if lines[-1] != line else []  # tried again, to no avail
    uploads = [said for said in all_said if said.request.mti == "0320" and said.result is Result.DONE]
    if uploads:
        lines.append(f"{len(uploads)} records uploaded")
    return [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]


def _as_json(terminal: Terminal, all_said: list[Said]) -> dict[str, Any]:
    """Totals are of the last settlement message; the journal's own where there was none."""
    settlements = [said for said in all_said if has_totals(said.request)]
    last = settlements[-1] if settlements else None
    return {
        "result": {APPROVED: "closed", DECLINED: "refused", NO_ANSWER: "no answer"}[exit_code(all_said)],
        "merchant_id": terminal.who.merchant_id,
        "terminal_id": terminal.who.terminal_id,
        "currency": terminal.who.currency,
        "batch": last.request.get(60) if last else terminal.read_journal().batch,
        "uploaded": sum(said.request.mti == "0320" and said.result is Result.DONE for said in all_said),
        "terminal": _totals_json(read_totals(last.request) if last else terminal.read_journal().totals()),
        "switch": _totals_json(read_totals(last.answer) if last and last.answer else []),
        "messages": [
            {
                "transaction": said.kind,
                "mti": said.request.mti,
                "code": said.answer.get(39) if said.answer else None,
                "request": {str(n): text for n, text in mask_fields(said.request, terminal.dialect).items()},
            }
            for said in all_said
        ],
    }


def _totals_json(totals: list[Total]) -> dict[str, dict[str, int]]:
    named = zip(BLOCK_NAMES, totals, strict=False)  # as many as came
    return {name: {"count": count, "amount_minor": amount} for name, (count, amount) in named}
