"""Holding an answer against what a story expects, and saying field by field what is otherwise."""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from simulators.codecs import Dialect
from simulators.demo import LONG_NUMBER_MAX, SHORT_NUMBER_MAX, DemoError
from simulators.points_receipt import find_points, find_return
from simulators.references import Value, parse_reference, resolve_terms
from simulators.settlement_slip import read_totals
from simulators.story import Step
from simulators.tables import available, find_tables
from simulators.terminal import Exchange
from simulators.wire import Message, WireError


class Played(msgspec.Struct, frozen=True):
    """What a step left behind for later steps to refer to. A held step has no exchange yet."""

    kind: str
    request: Message
    exchange: Exchange | None = None
    dialect: Dialect = "nac"
    facts: Mapping[str, int] = {}  # of demo.json, which is no step

    @property
    def answer(self) -> Message | None:
        return self.exchange.answer if self.exchange else None


class Difference(msgspec.Struct, frozen=True):
    what: str
    expected: str
    got: str


def differences(step: Step, exchange: Exchange, played: dict[str, Played], dialect: Dialect) -> list[Difference]:
    """Everything the answer has otherwise than the step expects."""
    answer, expect = exchange.answer, step.expect
    if answer is None:
        return [Difference("answer", "an answer", exchange.problem)]
    found = []
    for part in ("code", "amount", "balance", "card_balance", "currencies", *_POINTS, *_RETURN):
        wanted = getattr(expect, part)
        if wanted is not None:
            found += _compare(part, resolve(wanted, played), _part_or_words(answer, part, dialect))
    if expect.batch is not None:
        found += _compare("batch", resolve_batch(expect.batch, played, dialect), answer.get(60))
    if expect.text is not None:
        found += _compare("text", expect.text, find_tables(answer, dialect).get("22", "")[: len(expect.text)])
    if expect.session is not None:
        found += _compare("session", expect.session, _OPTIONAL.sub(r"\1", exchange.session))
    if expect.totals is not None:
        found += _compare("totals", _told(expect.totals), _told(read_totals(answer)))
    if expect.same_as:
        first = played[expect.same_as].answer
        for number in (4, 37, 38, 39, 54):
            before = first.get(number) if first else ""
            found += _compare(f"DE{number}, as in {expect.same_as}", before, answer.get(number))
    names = {str(one) for one in answer.fields} | set(find_tables(answer, dialect))
    found += [Difference(f"field {one}", "present", "absent") for one in expect.present if str(one) not in names]
    found += [Difference(f"field {one}", "absent", "present") for one in expect.absent if str(one) in names]
    return found


def resolve(value: Value, played: dict[str, Played]) -> Value:
    """A value as it stands, or what the parts of earlier steps that it refers to come to."""
    if isinstance(value, int) or not value.startswith("$"):
        return value

    def part_of(name: str, part: str) -> Value:
        step = played.get(name)
        if step is None:
            raise DemoError(f"{value}: that step was not played")
        if part in step.facts:
            return step.facts[part]
        if part in _ASKED:
            return step.request.get(_ASKED[part])
        if step.answer is None:
            raise DemoError(f"{value}: that step has no answer")
        return _part(step.answer, part, step.dialect)

    return resolve_terms(parse_reference(value, value), part_of)


def resolve_batch(value: str, played: dict[str, Played], dialect: Dialect) -> str:
    """A batch number as DE60 has it; a reference may run past the last one. Empty stays empty."""
    found = resolve(value, played)
    last = SHORT_NUMBER_MAX if dialect == "visa2" else LONG_NUMBER_MAX
    return f"{(int(found) - 1) % last + 1:06d}" if found else ""


_OPTIONAL = re.compile("(>[DTJ]) <ACK(?= )")  # to a good request: a listener may be told to say it
_ASKED = {"stan": 11, "receipt": 62}
_ANSWERED = {"rrn": 37, "approval": 38, "code": 39, "batch": 60}
_POINTS = {"earned": "earned", "redeemed": "redeemed", "points": "available"}  # of table PT
_RETURN = {"worth": "worth", "pay_out": "rest"}  # of table RT


def _part(answer: Message, part: str, dialect: Dialect) -> Value:
    """What an answer says under the names that stories use."""
    if part in _ANSWERED:
        return answer.get(_ANSWERED[part])
    if part == "amount":
        return int(answer.get(4) or 0)
    told, returned = find_points(answer, dialect), find_return(answer, dialect)
    if part in _POINTS and told:
        return int(getattr(told, _POINTS[part]))
    if part in _RETURN and returned:
        return int(getattr(returned, _RETURN[part]))
    blocks = available(answer)
    if part == "currencies":
        return len({block.currency for block in blocks})
    if part in ("balance", "card_balance") and blocks:
        return blocks[0 if part == "balance" else -1].amount
    raise DemoError(f"the answer has no {part}")


def _part_or_words(answer: Message, part: str, dialect: Dialect) -> Value:
    try:
        return _part(answer, part, dialect)
    except (DemoError, WireError):
        return "nothing readable"


def _told(totals: Iterable[Sequence[int]]) -> str:
    return ", ".join(f"{count} of {amount}" for count, amount in totals)


def _compare(what: str, expected: Value, got: Value) -> list[Difference]:
    return [] if expected == got else [Difference(what, str(expected) or "nothing", str(got) or "nothing")]
