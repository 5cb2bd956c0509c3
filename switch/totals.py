"""Plain numbers beside the metrics, for the live page: Prometheus' own objects are made to be scraped, not read."""

from collections import Counter as Tally
from collections.abc import Mapping

import msgspec

from specs.outcomes import Outcome


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What the live page adds up itself: plain numbers since the start, and the worst since they were last taken."""

    answers: int = 0
    answer_seconds: float = 0.0
    worst_answer: float = 0.0
    commits: int = 0
    commit_seconds: float = 0.0
    worst_commit: float = 0.0
    queue: int = 0
    outcomes: Mapping[Outcome, int] = {}
    stores: Mapping[str, int] = {}
    open_batches: Mapping[str, int] = {}
    batch_events: Mapping[str, int] = {}


class Sums:
    """The same, as they grow."""

    def __init__(self) -> None:
        self.answers = self.commits = self.queue = 0
        self.answer_seconds = self.worst_answer = self.commit_seconds = self.worst_commit = 0.0
        self.outcomes: Tally[Outcome] = Tally()
        self.stores: Tally[str] = Tally()
        self.open_batches: Tally[str] = Tally()
        self.batch_events: Tally[str] = Tally()

    def take(self) -> Totals:
        """All so far; the worst begin anew."""
        totals = Totals(
            answers=self.answers,
            answer_seconds=self.answer_seconds,
            worst_answer=self.worst_answer,
            commits=self.commits,
            commit_seconds=self.commit_seconds,
            worst_commit=self.worst_commit,
            queue=self.queue,
            outcomes=dict(self.outcomes),
            stores=dict(self.stores),
            open_batches=dict(self.open_batches),
            batch_events=dict(self.batch_events),
        )
        self.worst_answer = self.worst_commit = 0.0
        return totals

    def add_answer(self, outcome: Outcome, seconds: float) -> None:
        self.answers += 1
        self.outcomes[outcome] += 1
        self.answer_seconds += seconds
        self.worst_answer = max(self.worst_answer, seconds)

    def add_commit(self, seconds: float) -> None:
        self.commits += 1
        self.commit_seconds += seconds
        self.worst_commit = max(self.worst_commit, seconds)
