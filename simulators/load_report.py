"""What a load run found: counts, latencies, and everything that was not as it had to be."""

from collections import Counter
from typing import Any

import msgspec

TEXTS_KEPT = 20  # of each kind of complaint: enough to see the pattern
PERCENTILES = (50, 90, 95, 99, 99.9)


class LoadReport(msgspec.Struct):
    """Filled while the load runs; `ok` when every answer and every card is as the client's own view has it."""

    listener: str
    connections: int = 0
    cards: int = 0
    notes: list[str] = []
    measuring: bool = False
    started: float = 0.0
    seconds: float = 0.0
    answers: Counter[str] = msgspec.field(default_factory=Counter)
    codes: Counter[str] = msgspec.field(default_factory=Counter)
    approved: int = 0
    declined: int = 0
    wrong: int = 0
    wrong_texts: list[str] = []
    lost: int = 0
    dialled: int = 0
    unresolved: list[str] = []
    differences: list[str] = []
    verified: int = 0
    latencies: list[float] = []

    def begin(self, now: float) -> None:
        """Setting up is over: what follows is measured."""
        self.started, self.measuring = now, True

    def end(self, now: float) -> None:
        self.seconds, self.measuring = now - self.started, False

    def count(self, what: str, code: str, seconds: float) -> None:
        if not self.measuring:
            return
        self.latencies.append(seconds)
        self.answers[what] += 1
        self.codes[code] += 1
        if code in ("00", "10"):
            self.approved += 1
        else:
            self.declined += 1

    @property
    def answered(self) -> int:
        return len(self.latencies)

    @property
    def ok(self) -> bool:
        return not (self.wrong or self.differences or self.unresolved)

    @property
    def throughput(self) -> float:
        return self.answered / self.seconds if self.seconds else 0.0

    def complain(self, text: str) -> None:
        self.wrong += 1
        if len(self.wrong_texts) < TEXTS_KEPT:
            self.wrong_texts.append(text)

    def percentiles(self) -> dict[str, float]:
        """Milliseconds."""
        ordered = sorted(self.latencies)
        if not ordered:
            return {}
        found = {f"p{one:g}": ordered[min(len(ordered) - 1, int(len(ordered) * one / 100))] for one in PERCENTILES}
        return {name: round(value * 1000, 3) for name, value in {**found, "max": ordered[-1]}.items()}

    def histogram(self) -> list[tuple[str, int]]:
        """Answers by latency in steps of two, between the fastest and the slowest."""
        buckets = Counter(max(0, int(seconds * 8000)).bit_length() for seconds in self.latencies)
        if not buckets:
            return []
        return [(f"< {2**step / 8:g} ms", buckets[step]) for step in range(min(buckets), max(buckets) + 1)]

    def as_json(self) -> dict[str, Any]:
        hidden = ("latencies", "started", "measuring")
        content = {name: getattr(self, name) for name in self.__struct_fields__ if name not in hidden}
        return content | {
            "ok": self.ok,
            "answered": self.answered,
            "transactions_per_second": round(self.throughput, 1),
            "latency_ms": self.percentiles(),
            "histogram": [{"latency": label, "answers": count} for label, count in self.histogram()],
        }

    def lines(self) -> list[str]:
        """The report for people."""
        lines = [*self.notes, ""] if self.notes else []
        lines += [
            f"{self.answered} answers over {self.connections} connections on {self.listener} in {self.seconds:.1f} s: "
            f"{self.throughput:.0f} a second",
            f"approved {self.approved}, declined {self.declined}, wrong {self.wrong}, "
            f"lost {self.lost}, dialled {self.dialled} times",
            "by transaction: " + _counted(self.answers),
            "by code: " + _counted(self.codes),
            "latency in ms: " + ", ".join(f"{name} {value:g}" for name, value in self.percentiles().items()),
        ]
        most = max((count for _, count in self.histogram()), default=1)
        lines += [f"{label:>12} {count:8} {'#' * round(40 * count / most)}" for label, count in self.histogram()]
        lines += [f"WRONG       {text}" for text in self.wrong_texts]
        lines += [f"UNRESOLVED  {text}" for text in self.unresolved]
        lines += [f"DIFFERENT   {text}" for text in self.differences]
        agreed = self.verified - len(self.differences)
        return [*lines, f"{agreed} of {self.cards} cards hold what this client reckons"]


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
