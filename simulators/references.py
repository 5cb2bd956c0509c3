"""What a story writes instead of a number: `$before.balance - 2500`, `$before.points + $demo.earn_points * 10`.

A sum of terms; each is a number, or part of an earlier step, perhaps times a number. One reference alone may also be
text, as a RRN is.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from simulators.demo import DemoError

Value = int | str

_TERM = re.compile(r" *([+-]?) *(?:\$([\w -]+)\.(\w+)(?: *\* *([0-9]+))?|([0-9]+)) *")


class Term(NamedTuple):
    sign: int
    factor: int
    step: str = ""  # of a number alone there is none
    part: str = ""


def parse_reference(value: str, where: str) -> list[Term]:
    """The terms of a value that begins with `$`."""
    terms: list[Term] = []
    place = 0
    while place < len(value) or not terms:
        match = _TERM.match(value, place)
        if match is None or (terms and not match[1]):
            example = "$sale.rrn or $before.balance - $demo.value * 2"
            raise DemoError(f"{where}: {value!r} is not a reference such as {example}")
        sign = -1 if match[1] == "-" else 1
        terms.append(Term(sign, int(match[4] or 1), match[2], match[3]) if match[2] else Term(sign, int(match[5])))
        place = match.end()
    return terms


def resolve_terms(terms: list[Term], part_of: Callable[[str, str], Value]) -> Value:
    """The sum; `part_of` finds part of a step. What stands alone is given as it is, text too."""
    if len(terms) == 1 and terms[0].step and terms[0].factor == terms[0].sign == 1:
        return part_of(terms[0].step, terms[0].part)
    return sum(one.sign * one.factor * (int(part_of(one.step, one.part)) if one.step else 1) for one in terms)
