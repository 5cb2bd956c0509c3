"""What a fleet's day came to: counts, and for every batch the terminal's totals against the switch's."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from simulators.settlement_slip import total_lines
from simulators.totals import BLOCK_NAMES, Total, same_totals

TEXTS_KEPT = 20  # of each kind of complaint: enough to see the pattern


class Settled(msgspec.Struct, frozen=True):
    """One closed batch. `fault` says in words what was done to the terminal's journal on purpose.

    `expected` is what the switch must have answered: the terminal's totals, and what its journal had lost.
    """

    terminal: str
    batch: int
    currency: str
    terminal_totals: list[Total]
    switch_totals: list[Total]
    expected: list[Total]
    uploaded: int = 0
    fault: str = ""

    @property
    def balanced(self) -> bool:
        return same_totals(self.terminal_totals[: len(self.switch_totals)], self.switch_totals)

    @property
    def explained(self) -> bool:
        return same_totals(self.expected[: len(self.switch_totals)], self.switch_totals)


class FleetReport(msgspec.Struct):
    """Filled while the day lasts; `ok` when every batch closed with the totals it had to, and every card agrees."""

    listener: str
    terminals: int = 0
    deeds_planned: int = 0
    deeds: int = 0
    notes: list[str] = []
    seconds: float = 0.0
    messages: Counter[str] = msgspec.field(default_factory=Counter)
    codes: Counter[str] = msgspec.field(default_factory=Counter)
    lost: int = 0  # never answered, as far as the terminal knows
    repeated: int = 0  # on a new line, because the first was closed in the place of an answer
    power_cuts: int = 0
    settled: list[Settled] = []
    wrong: int = 0
    wrong_texts: list[str] = []
    unresolved: list[str] = []
    cards: int = 0
    card_differences: list[str] = []

    @property
    def differing(self) -> list[Settled]:
        return [one for one in self.settled if not one.balanced]

    @property
    def ok(self) -> bool:
        return not (self.wrong or self.unresolved or self.card_differences or self.unexplained)

    @property
    def unexplained(self) -> list[Settled]:
        return [one for one in self.settled if not one.explained]

    def complain(self, text: str) -> None:
        self.wrong += 1
        if len(self.wrong_texts) < TEXTS_KEPT:
            self.wrong_texts.append(text)

    def as_json(self) -> dict[str, Any]:
        hidden = ("settled", "deeds_planned")
        content = {name: getattr(self, name) for name in self.__struct_fields__ if name not in hidden}
        return content | {
            "ok": self.ok,
            "seconds": round(self.seconds, 3),
            "batches": list(map(_as_json, self.settled)),
        }

    def lines(self) -> list[str]:
        """The report for people."""
        uploads = sum(one.uploaded for one in self.settled)
        after_upload = sum(one.uploaded > 0 for one in self.settled)
        lines = [*self.notes, ""] if self.notes else []
        lines += [
            f"{self.terminals} terminals on {self.listener} in {self.seconds:.1f} s: {self.deeds} deeds, "
            f"{self.messages.total()} messages, {self.lost} lost, {self.repeated} asked again on a new line, "
            f"{self.power_cuts} power cuts",
            "by transaction: " + _counted(self.messages.items()),
            "by code: " + _counted(self.codes.items()),
            f"{len(self.settled)} batches closed, {after_upload} of them after uploads ({uploads} records)",
        ]
        for one in self.differing:
            lines += ["", f"{'as expected' if one.explained else 'DIFFERENT'}  {one.terminal} batch {one.batch:06d}"]
            lines += [f"  ({one.fault})"] if one.fault else []
            lines += ["  " + line for line in total_lines(one.terminal_totals, one.switch_totals, one.currency)]
        lines += [f"DIFFERENT   {_told(one)}" for one in self.unexplained if one.balanced]
        lines += [f"WRONG       {text}" for text in self.wrong_texts]
        lines += [f"UNRESOLVED  {text}" for text in self.unresolved]
        lines += [f"DIFFERENT   {text}" for text in self.card_differences]
        differing = self.differing
        expected = sum(one.explained for one in differing)
        return [
            *lines,
            "",
            f"{len(self.settled) - len(differing)} of {len(self.settled)} batches have the same totals on both sides; "
            f"of the other {len(differing)}, {expected} differ as they must",
            f"{self.cards - len(self.card_differences)} of {self.cards} cards hold what the terminals reckon",
        ]


def _told(one: Settled) -> str:
    return f"{one.terminal} batch {one.batch:06d} has the same totals, but must not: {one.fault}"


def _as_json(one: Settled) -> dict[str, Any]:
    return {
        "terminal": one.terminal,
        "batch": one.batch,
        "uploaded": one.uploaded,
        "fault": one.fault or None,
        "balanced": one.balanced,
        "as_expected": one.explained,
        "terminal_totals": _named(one.terminal_totals),
        "switch_totals": _named(one.switch_totals),
    }


def _named(totals: list[Total]) -> dict[str, list[int]]:
    return {name: list(total) for name, total in zip(BLOCK_NAMES, totals, strict=False)}


def _counted(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts)) or "none"
