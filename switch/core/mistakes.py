"""How a mistake in a programme file is said: `key: reason`, and what is allowed."""

from __future__ import annotations

import re
from enum import Enum
from fractions import Fraction
from typing import Any

import msgspec


class ProgrammeError(ValueError):
    """A programme file that cannot be used: `key: reason`."""


def check_range(key: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ProgrammeError(f"{key}: {value} must be from {low} to {high}")


def check_id(key: str, text: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", text):
        raise ProgrammeError(f"{key}: {text!r} must be 1 to 32 of a-z 0-9 _ -")


def check_prefix(key: str, text: str) -> None:
    if not re.fullmatch(r"[1-9][0-9]{5}", text):
        raise ProgrammeError(f"{key}: {text!r} must be six digits, the first not 0")


def read_fraction(kind: type, value: Any) -> Fraction:
    """A whole number, or a decimal in quotes, for msgspec: money and points never pass through a float."""
    if kind is not Fraction:
        return value  # type: ignore[no-any-return]  # msgspec looks at what it asked for
    exact = isinstance(value, int) and not isinstance(value, bool)
    if not exact and not (isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", value)):
        raise ValueError(f'{value!r} must be a whole number, or a decimal in quotes such as "0.5"')
    return Fraction(value)


def explained(message: str, structs: dict[str, type[msgspec.Struct]], choices: dict[str, type[Enum]]) -> str:
    """msgspec says `Expected … - at `$.a[0].b``; people read `a[0].b: expected …`, and what is allowed instead.

    Args:
        structs: What lies at a path without its numbers; the file itself at "".
        choices: The enum of a key.
    """
    reason, _, place = message.partition(" - at `$")
    key = place.rstrip("`").lstrip(".")
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", reason):
        allowed = structs[re.sub(r"\[[0-9]*\]", "", key)].__struct_fields__
        return f"{_join(key, found[1])}: is not a key; allowed: {', '.join(allowed)}"
    if found := re.fullmatch(r"Object missing required field `(.*)`", reason):
        return f"{_join(key, found[1])}: is missing"
    enum = choices.get(re.sub(r"\[[0-9.]*\]", "", key).rpartition(".")[2])
    if enum and reason.startswith("Invalid enum value"):
        reason += f"; allowed: {', '.join(choice.value for choice in enum)}"
    return f"{key}: {reason[:1].lower()}{reason[1:]}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
