"""What terminals show and print with an answer about points: texts of the programme, with the answer's figures.

Only terminals that can take them get them; how they look on the wire is the codec's.
"""

from __future__ import annotations

import string
from collections.abc import Sequence

import msgspec

from specs import limits
from specs.transaction import PointsTold
from switch.core.mistakes import ProgrammeError

#: What may stand in braces. A line that tells a figure of `_LEFT_OUT` is left out where that is nought.
FIGURES = ("earned", "redeemed", "available", "expiring", "on")
_LEFT_OUT = frozenset({"earned", "redeemed", "expiring", "on"})


class PointsText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text of a points scheme. The first that fits the store and the language asked for counts."""

    display: str = ""
    receipt: str = ""
    stores: tuple[str, ...] | None = None
    language: str = ""  # ISO 639-1; empty: any


def text_for(texts: Sequence[PointsText], store: str, language: str | None, told: PointsTold) -> tuple[str, str]:
    """What is shown and what is printed; empty where the scheme has nothing to say."""
    for text in texts:
        if (text.stores is None or store in text.stores) and text.language in ("", language):
            lines = _filled(text.receipt, told)
            return "\n".join(_filled(text.display, told)), "".join(f"{line}\n" for line in lines)
    return "", ""


def _filled(text: str, told: PointsTold) -> list[str]:
    """The lines of a text; those of a receipt all end with LF (WIRE.md section 3)."""
    on = told.expires_on
    figures = {
        "earned": told.earned,
        "redeemed": told.redeemed,
        "available": told.available,
        "expiring": told.expiring,
        "on": f"20{on[:2]}-{on[2:4]}-{on[4:]}" if told.expiring else "",
    }
    lines = [line for line in text.removesuffix("\n").split("\n") if text]
    return [line.format_map(figures) for line in lines if all(figures[name] for name in _figures(line) & _LEFT_OUT)]


def _figures(line: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(line) if name is not None}


def check_texts(key: str, texts: Sequence[PointsText]) -> None:
    """
    Raises:
        ProgrammeError: with the first mistake.
    """
    for place, text in enumerate(texts):
        if not text.display and not text.receipt:
            raise ProgrammeError(f"{key}[{place}]: says nothing; needs display or receipt")
        if text.language and not (len(text.language) == 2 and text.language.isascii() and text.language.islower()):
            raise ProgrammeError(f"{key}[{place}].language: {text.language!r} is not a language such as 'tr'")
        _check_text(f"{key}[{place}].display", text.display, limits.DISPLAY_TEXT_MAX)
        _check_text(f"{key}[{place}].receipt", text.receipt, limits.RECEIPT_TEXT_MAX)


def _check_text(key: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise ProgrammeError(f"{key}: {len(text)} characters, more than {longest}")
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        raise ProgrammeError(f"{key}: a brace without its other; write {{{{ for one that is text") from None
    for _, name, form, conversion in parts:
        if name is not None and (name not in FIGURES or form or conversion):
            raise ProgrammeError(f"{key}: {{{name}}} is not one of {', '.join(f'{{{one}}}' for one in FIGURES)}")
    if any(ord(one) < 32 and one != "\n" for one in text):
        raise ProgrammeError(f"{key}: only line ends may stand between its characters, no other control codes")
