"""Metrics count what happened, under labels that nothing from the network can invent."""

import platform
from collections import Counter
from typing import get_args

import pytest
from prometheus_client import generate_latest

from specs.outcomes import Outcome
from specs.transaction import Kind
from switch import __version__
from switch.core import irregular, merchants
from switch.core.clock import DAY, HOUR
from switch.labels import (
    AGES,
    BatchEventName,
    CloseReason,
    CommitFailure,
    DropReason,
    ExceptionKind,
    UploadResult,
    age_of,
)
from switch.metrics import Answered, Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(["nac", "ascii"])


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_a_group_is_counted_at_once(metrics: Metrics) -> None:
    paid = Answered("nac", Kind.GIFT_REDEEM, Outcome.APPROVED, 0.004)
    refused = Answered("ascii", Kind.GIFT_REDEEM, Outcome.NOT_ENOUGH, 20.0)
    metrics.group_committed(3, seconds=0.002, conflicts=2)
    metrics.group_answered([paid, paid, refused])
    metrics.group_answered([paid])
    labels = {"kind": "gift_redeem", "outcome": "approved", "listener": "nac"}
    assert value(metrics, "tillswitch_transactions_total", **labels) == 3
    assert value(metrics, "tillswitch_answer_seconds_count", listener="nac") == 3
    assert value(metrics, "tillswitch_answer_seconds_bucket", listener="nac", le="0.005") == 3
    assert value(metrics, "tillswitch_answer_seconds_bucket", listener="ascii", le="10.0") == 0
    assert value(metrics, "tillswitch_answer_seconds_bucket", listener="ascii", le="20.0") == 1  # in time, just
    assert value(metrics, "tillswitch_group_requests_sum") == 3
    assert value(metrics, "tillswitch_commit_failures_total", reason="conflict") == 2
    assert value(metrics, "tillswitch_commit_seconds_bucket", le="0.0025") == 1


def test_connections_come_and_go(metrics: Metrics) -> None:
    metrics.connection_opened("nac")
    metrics.connection_opened("nac")
    metrics.connection_closed("nac", "idle")
    metrics.connection_refused("nac", "too_many")
    metrics.frame_dropped("ascii", "empty")
    metrics.store_unavailable()
    metrics.queue_requests.set(17)
    assert value(metrics, "tillswitch_connections", listener="nac") == 1
    assert value(metrics, "tillswitch_connections_closed_total", listener="nac", reason="idle") == 1
    assert value(metrics, "tillswitch_connections_closed_total", listener="nac", reason="too_many") == 1
    assert value(metrics, "tillswitch_frames_dropped_total", listener="ascii", reason="empty") == 1
    assert value(metrics, "tillswitch_commit_failures_total", reason="unavailable") == 1
    assert value(metrics, "tillswitch_queue_requests") == 17


def test_what_can_be_counted_stands_at_zero_from_the_start(metrics: Metrics) -> None:
    """A rate over a counter that appears with its first event misses that event."""
    for reason in get_args(CloseReason):
        assert value(metrics, "tillswitch_connections_closed_total", listener="nac", reason=reason) == 0
    for reason in get_args(CommitFailure):
        assert value(metrics, "tillswitch_commit_failures_total", reason=reason) == 0


def test_everything_that_happens_to_batches_can_be_counted() -> None:
    """A name the rules know and the metrics do not would end the daemon's report of that group."""
    reasons = {merchants.SETTLED, merchants.UPLOADED, merchants.CLEARED, merchants.LEFT_BEHIND, merchants.END_OF_DAY}
    assert {reason.replace(" ", "_") for reason in reasons} < set(get_args(BatchEventName))
    uploads = {irregular.DIFFERENT, irregular.OF_UNDONE, irregular.WITHOUT_AUTHORISATION}
    uploads |= {irregular.NOT_BOOKED, irregular.TOO_OLD}
    assert set(get_args(UploadResult)) == uploads | {irregular.EQUAL}
    others = {irregular.ADVICE_TOO_OLD, irregular.AFTER_CLOSE, irregular.UNCOVERED, irregular.OTHER_TOTALS}
    others |= {irregular.CAPTURED_AGAIN}
    assert set(get_args(ExceptionKind)) == uploads | others


def test_open_batches_are_counted_by_age(metrics: Metrics) -> None:
    metrics.set_open_batches(Counter(map(age_of, [0, HOUR - 1, HOUR, 7 * DAY - 1, 7 * DAY, 900 * DAY])))
    counted = {age: value(metrics, "tillswitch_open_batches", age=age) for age in (*AGES, "older")}
    assert counted == {"1h": 2, "8h": 1, "1d": 0, "3d": 0, "7d": 1, "older": 2}
    metrics.set_open_batches({})
    assert value(metrics, "tillswitch_open_batches", age="older") == 0


def test_build_info_names_the_version(metrics: Metrics) -> None:
    text = generate_latest(metrics.registry).decode()
    assert f'tillswitch_build_info{{python="{platform.python_version()}",version="{__version__}"}} 1.0' in text


def test_two_daemons_in_one_process_do_not_meet(metrics: Metrics) -> None:
    metrics.connection_opened("nac")
    assert value(Metrics(["nac"]), "tillswitch_connections", listener="nac") == 0


def test_the_number_of_series_is_bounded_by_the_lists_alone(metrics: Metrics) -> None:
    """Every kind with every outcome on every listener, from any number of terminals."""
    metrics.group_answered(
        [Answered(where, kind, out, 0.1) for where in ("nac", "ascii") for kind in Kind for out in Outcome]
    )
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    per_listener = len(Kind) * len(Outcome) + len(get_args(CloseReason)) + len(get_args(DropReason)) + 20
    assert len(samples) <= 2 * per_listener + 100
    names = {name for sample in samples for name in sample.labels}
    labels = "kind outcome listener reason le version python event result age what state offline"
    assert names == set(labels.split())


def test_a_listener_that_is_not_configured_is_a_fault_of_ours(metrics: Metrics) -> None:
    with pytest.raises(KeyError):
        metrics.connection_opened("60000111")
