"""A click command and all that is under it, as one manual page (man(7) of troff)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click


class Page(NamedTuple):
    """What a page says beside what the command knows of itself. Sections are paragraphs, or a list of terms."""

    name: str
    section: int
    version: str
    command: click.Command
    more: Sequence[tuple[str, Sequence[str | tuple[str, str]]]]


def render(page: Page) -> str:
    context = click.Context(page.command, info_name=page.name, **page.command.context_settings)
    first, *rest = paragraphs(page.command)
    lines = [
        '.\\" Made of the definitions of the commands by deploy/man/build.py.',
        f'.TH {page.name.upper()} {page.section} "" "{page.name} {page.version}" "Tillswitch"',
        ".SH NAME",
        f"{page.name} \\- {text(lowered(first.rstrip('.')))}",
        ".SH SYNOPSIS",
        usage(context),
        ".SH DESCRIPTION",
        *described([first, *rest]),
        *options(context),
        ".SH COMMANDS",
    ]
    for each in commands_under(context):
        lines += [f'.SS "{usage(each)}"', *described(paragraphs(each.command)), *options(each)]
    for title, content in page.more:
        lines.append(f".SH {title}")
        for part in content:
            lines += (
                [".PP", text(part)] if isinstance(part, str) else [".TP", f"\\fB{text(part[0])}\\fR", text(part[1])]
            )
    return "\n".join(line for at, line in enumerate(lines) if not follows_heading(lines, at)) + "\n"


def follows_heading(lines: Sequence[str], at: int) -> bool:
    """A paragraph begins there anyhow."""
    return lines[at] == ".PP" and lines[at - 1].startswith((".SH", ".SS"))


def commands_under(context: click.Context) -> Iterator[click.Context]:
    """Every command and group, in the order of the help."""
    assert isinstance(context.command, click.Group)
    for name in context.command.list_commands(context):
        command = context.command.commands[name]
        if command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context, **command.context_settings)
        yield inner
        if isinstance(command, click.Group):
            yield from commands_under(inner)


def paragraphs(command: click.Command) -> list[str]:
    return re.split(r"\n\s*\n", inspect.cleandoc(command.help or "").split("\f")[0].strip())


def lowered(words: str) -> str:
    return words[:1].lower() + words[1:]


def described(texts: Sequence[str]) -> list[str]:
    """A paragraph that begins with \\b keeps its lines, as in the help."""
    lines: list[str] = []
    for one in texts:
        kept = one.startswith("\b\n")
        words = one.removeprefix("\b\n").splitlines()
        lines += [".PP", *((".nf", *map(text, words), ".fi") if kept else (text(" ".join(words)),))]
    return lines


def usage(context: click.Context) -> str:
    pieces = " ".join(context.command.collect_usage_pieces(context))
    return f"\\fB{text(context.command_path)}\\fR {text(pieces)}"


def options(context: click.Context) -> list[str]:
    """Those that everybody has stand at the beginning; arguments are in the usage and explained by the description."""
    lines = []
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record and isinstance(parameter, click.Option) and not (context.parent and "--help" in parameter.opts):
            names, words = record
            lines += [".TP", f"\\fB{text(names)}\\fR", text(words) or "\\&"]
    return lines


def text(plain: str) -> str:
    """So that troff prints just these characters; a hyphen that somebody may type is a minus."""
    for sign, code in (
        ("\\", "\\e"),
        ("-", "\\-"),
        ("'", "\\(aq"),
        ("`", "\\(ga"),
        ("^", "\\(ha"),
        ("~", "\\(ti"),
        ('"', "\\(dq"),
    ):
        plain = plain.replace(sign, code)
    return f"\\&{plain}" if plain.startswith(".") else plain
