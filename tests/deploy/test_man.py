"""The manual pages: every command with every option that its help names, and nothing troff stumbles over."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deploy.man.build import PAGES
from deploy.man.roff import Page, render, text
from tests.cli.operator import ROOT

needs_mandoc = pytest.mark.skipif(
    not shutil.which("mandoc"), reason="NO TESTS OF THE MANUAL PAGES: no mandoc; make test-deps"
)


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))


def sections(page: Page) -> dict[str, str]:
    """What stands under each command, as somebody reads it."""
    done = subprocess.run(
        ["mandoc", "-T", "ascii", "-O", "width=400"], input=render(page).encode(), capture_output=True
    )
    assert done.returncode < 3, done.stderr  # 2 and less: only the date is missing
    plain = re.sub(".\b", "", done.stdout.decode("ascii"))
    found = re.split(rf"^ {{3}}(?=\S)({page.name} [^\[\n]*?) (?=\[OPTIONS\]).*\n", plain, flags=re.MULTILINE)
    return {page.name: found[0], **dict(zip(found[1::2], found[2::2], strict=True))}


@needs_mandoc
@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_command_is_there_with_every_option_of_its_help(page: Page) -> None:
    told = sections(page)
    paths = list(commands(page.command, (page.name,)))
    assert len(paths) > 15
    assert told.keys() == {" ".join(path) for path in paths}
    for path in paths:
        shown = CliRunner().invoke(page.command, [*path[1:], "--help"], prog_name=page.name, terminal_width=400)
        assert shown.exit_code == 0, shown.output
        options = re.findall(r"^  +(-\S.*?)(?:  |$)", shown.output, re.MULTILINE)
        assert options
        for option in options:
            assert option.strip() in told[" ".join(path)] or "--help" in option, f"{path}: {option}"


@needs_mandoc
@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_troff_finds_nothing_wrong(page: Page) -> None:
    """A date would be that of the day it was made; the version says more."""
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=render(page), capture_output=True, text=True)
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


@needs_mandoc
@pytest.mark.parametrize("plain", ["--of a-b", ".hidden", "'quoted'", r"a\nb", '"both"', "`x` ~ ^", "ü İ …"])
def test_whatever_a_help_says_is_printed_as_it_is(plain: str) -> None:
    shown = subprocess.run(
        ["mandoc", "-K", "utf-8", "-T", "utf8"],
        input=f'.TH A 1\n.SH A\n{text(plain)}\n.SH "{text(plain)}"\n', capture_output=True, text=True,
    )  # fmt: skip
    assert re.sub(".\b", "", shown.stdout).count(plain) == 2, shown.stdout


@pytest.mark.slow
def test_the_pages_are_written_where_man_looks_and_name_nothing_of_this_machine(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.man.build", str(tmp_path)]  # as OPERATIONS.md says
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"{tmp_path}/man8/tillswitch.8", f"{tmp_path}/man1/tillsim.1"]
    for file in map(Path, done.stdout.split()):
        said = file.read_text("utf-8")
        assert str(Path.home()) not in said
        assert str(ROOT) not in said
