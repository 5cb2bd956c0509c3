"""What Prometheus sees. Labels are words from fixed lists, never a terminal, a merchant, a card or a number of either.

One registry for each daemon, so that two in one process (tests) do not meet. A label's child is made once and kept:
with it an `inc` costs 0.5 microseconds, without it four times as much.
"""

import platform
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import Kind
from switch import __version__
from switch.core.decision import EXCEPTION, UPLOAD, BatchEvent
from switch.core.presence import Event, State, TerminalEvent
from switch.labels import (
    AGES,
    OLDER,
    BatchEventName,
    CloseReason,
    CommitFailure,
    DropReason,
    ExceptionKind,
    OfflineShare,
    UploadResult,
    WebhookResult,
)
from switch.totals import Sums, Totals

# An edge at each deadline (limits.py), so that "how many were late" is exact.
ANSWER_BUCKETS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    limits.ANSWER_SECONDS,
    30,
)
COMMIT_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LOOP_BUCKETS: Final = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
GROUP_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, limits.GROUP_MAX, 256, 1024)

# The library would add the start time of every counter: twice the series, and no rule of ours reads them.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library forgot its annotation


class Answered(NamedTuple):
    """One answer, as far as metrics care; `seconds` from the last byte of the request to the answer."""

    listener: str
    kind: Kind
    outcome: Outcome
    seconds: float


class Metrics:
    def __init__(self, listeners: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._sums = Sums()
        names = tuple(listeners)
        labels = ["kind", "outcome", "listener"]
        self._transactions = self._counter("tillswitch_transactions", "Answered requests.", labels)
        self._transaction_children: dict[tuple[Kind, Outcome, str], Counter] = {}
        answer_seconds = self._histogram(
            "tillswitch_answer_seconds", "From the last byte of a request to its answer.", ANSWER_BUCKETS, ["listener"]
        )
        self._answer_seconds = {name: answer_seconds.labels(name) for name in names}
        self._group_requests = self._histogram(
            "tillswitch_group_requests", "Requests decided and committed together.", GROUP_BUCKETS
        )
        self._commit_seconds = self._histogram(
            "tillswitch_commit_seconds", "Time to make a group durable.", COMMIT_BUCKETS
        )
        failures = self._counter("tillswitch_commit_failures", "Groups that could not be made durable.", ["reason"])
        self._commit_failures = {reason: failures.labels(reason) for reason in get_args(CommitFailure)}

        connections = self._gauge("tillswitch_connections", "Open connections.", ["listener"])
        self._connections = {name: connections.labels(name) for name in names}
        closed = self._counter("tillswitch_connections_closed", "Connections that ended.", ["listener", "reason"])
        self._closed = {(name, why): closed.labels(name, why) for name in names for why in get_args(CloseReason)}
        dropped = self._counter("tillswitch_frames_dropped", "Frames without an answer.", ["listener", "reason"])
        self._dropped = {(name, why): dropped.labels(name, why) for name in names for why in get_args(DropReason)}

        events = self._counter("tillswitch_batch_events", "What happened to batches.", ["event"])
        self._batch_events = {name: events.labels(name) for name in get_args(BatchEventName)}
        uploads = self._counter("tillswitch_uploads", "Uploaded transactions.", ["result"])
        self._uploads = {name: uploads.labels(name) for name in get_args(UploadResult)}
        exceptions = self._counter("tillswitch_exceptions", "What somebody has to look at.", ["what"])
        self._exceptions = {name: exceptions.labels(name) for name in get_args(ExceptionKind)}
        ages = self._gauge("tillswitch_open_batches", "Open batches by age.", ["age"])
        self._ages = {age: ages.labels(age) for age in (*AGES, OLDER)}

        states = self._gauge("tillswitch_terminals", "Terminals that may speak, by state.", ["state"])
        self._states = {state: states.labels(state.value.replace(" ", "_")) for state in State}
        stores = self._gauge(
            "tillswitch_stores", "Stores by the share of their terminals that are offline.", ["offline"]
        )
        self._stores = {share: stores.labels(share) for share in get_args(OfflineShare)}
        happened = self._counter("tillswitch_terminal_events", "What happened to terminals.", ["event"])
        self._terminal_events = {event: happened.labels(event.value) for event in Event}
        self.status_odd = self._counter(
            "tillswitch_terminal_status_odd", "Values of status tables that say nothing sensible."
        )
        self._webhooks = self._counter("tillswitch_webhooks", "Tries to tell webhooks.", ["webhook", "result"])
        self._waiting = self._gauge("tillswitch_webhooks_waiting", "Events still to be told.", ["webhook"])
        self._oldest = self._gauge(
            "tillswitch_webhooks_oldest_seconds", "Age of the oldest event still to be told.", ["webhook"]
        )
        self.queue_requests = self._gauge("tillswitch_queue_requests", "Requests waiting to be decided.")
        self._loop_late = self._histogram(
            "tillswitch_loop_late_seconds", "How late the event loop is to who waits for it.", LOOP_BUCKETS
        )
        self.log_lines_lost = self._gauge("tillswitch_log_lines_lost", "Lines that could not be written to the log.")
        build = self._gauge("tillswitch_build_info", "Always 1; what runs stands in its labels.", ["version", "python"])
        build.labels(__version__, platform.python_version()).set(1)

    # -- the service, once per group ----------------------------------------------------------------------------------
    def group_committed(self, requests: int, seconds: float, conflicts: int) -> None:
        """Conflicts: how often the group had to be decided again, because another daemon was there."""
        self._commit_failures["conflict"].inc(conflicts)
        self._group_requests.observe(requests)
        self._commit_seconds.observe(seconds)
        self._sums.add_commit(seconds)

    def group_answered(self, answers: Sequence[Answered]) -> None:
        """Count a whole group at once; answers of one kind, outcome and listener cost one step together."""
        for label, count in Tally((answer.kind, answer.outcome, answer.listener) for answer in answers).items():
            child = self._transaction_children.get(label)
            if child is None:
                kind, outcome, listener = label
                child = self._transactions.labels(kind.value, outcome.value, listener)
                self._transaction_children[label] = child
            child.inc(count)
        for answer in answers:
            self._answer_seconds[answer.listener].observe(answer.seconds)
            self._sums.add_answer(answer.outcome, answer.seconds)

    def take_totals(self) -> Totals:
        """All so far; the worst begin anew."""
        return self._sums.take()

    def set_queue(self, requests: int) -> None:
        """How many wait to be decided."""
        self.queue_requests.set(requests)
        self._sums.queue = requests

    def loop_late(self, seconds: float) -> None:
        self._loop_late.observe(seconds)

    def store_unavailable(self) -> None:
        self._commit_failures["unavailable"].inc()

    # -- batches ------------------------------------------------------------------------------------------------------
    def batches_changed(self, events: Sequence[BatchEvent]) -> None:
        """Count what a group has done to batches."""
        for event in events:
            if event.event == UPLOAD:
                self._uploads[event.detail].inc()
            elif event.event == EXCEPTION:
                self._exceptions[event.detail].inc()
            else:
                name = event.event.replace(" ", "_")
                self._batch_events[name].inc()
                self._sums.batch_events[name] += 1

    def set_open_batches(self, ages: Mapping[str, int]) -> None:
        """How many are open, by the name of their age."""
        self._sums.open_batches = Tally({age: ages.get(age, 0) for age in self._ages})
        for age, gauge in self._ages.items():
            gauge.set(ages.get(age, 0))

    # -- terminals ----------------------------------------------------------------------------------------------------
    def terminals_changed(self, events: Sequence[TerminalEvent]) -> None:
        for one in events:
            self._terminal_events[one.event].inc()

    def set_terminals(self, states: Mapping[State, int], shares: Mapping[OfflineShare, int]) -> None:
        """How many terminals are in each state, and how many stores have how many of theirs offline."""
        for state, gauge in self._states.items():
            gauge.set(states.get(state, 0))
        self._sums.stores = Tally({share: shares.get(share, 0) for share in self._stores})
        for share, gauge in self._stores.items():
            gauge.set(shares.get(share, 0))

    # -- webhooks -----------------------------------------------------------------------------------------------------
    def begin_webhooks(self, names: Iterable[str]) -> None:
        """Those of the configuration stand at zero from the start."""
        for name in names:
            self.set_webhook(name, 0, 0.0)
            for result in get_args(WebhookResult):
                self._webhooks.labels(name, result)

    def webhook_tried(self, name: str, result: WebhookResult) -> None:
        self._webhooks.labels(name, result).inc()

    def set_webhook(self, name: str, waiting: int, oldest_seconds: float) -> None:
        self._waiting.labels(name).set(waiting)
        self._oldest.labels(name).set(oldest_seconds)

    # -- the server ---------------------------------------------------------------------------------------------------
    def connection_opened(self, listener: str) -> None:
        self._connections[listener].inc()

    def connection_closed(self, listener: str, reason: CloseReason) -> None:
        """For a connection that was opened; one that was never let in is `connection_refused`."""
        self._connections[listener].dec()
        self._closed[listener, reason].inc()

    def connection_refused(self, listener: str, reason: CloseReason) -> None:
        self._closed[listener, reason].inc()

    def frame_dropped(self, listener: str, reason: DropReason) -> None:
        self._dropped[listener, reason].inc()

    # -- making them --------------------------------------------------------------------------------------------------
    def _counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], labels: Sequence[str] = ()) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)
