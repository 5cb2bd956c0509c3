"""What the log tells of batches (`switch/reporting.py`): a line for each event, and for each exception."""

from __future__ import annotations

from structlog.testing import capture_logs

from specs.transaction import Total
from switch.core.decision import EXCEPTION, UPLOAD, BatchEvent
from switch.core.irregular import AFTER_CLOSE, DIFFERENT
from switch.core.merchants import NO_TOTALS, Batch
from switch.reporting import log_batches

BATCH = Batch(5, 1, "main", 7, True, 0, totals=(Total(2, 300), *NO_TOTALS[1:]))
WHO = {"merchant_id": "M1", "terminal_id": "T1"}
LINE = {"event": "batch", "log_level": "info", **WHO}


def said(*events: BatchEvent) -> list[dict[str, object]]:
    with capture_logs() as lines:
        log_batches(events)
    return [dict(line) for line in lines]


def test_each_event_has_a_line_with_the_totals_of_then() -> None:
    lines = said(BatchEvent("opened", "M1", "T1", BATCH), BatchEvent("settled", "M1", "T1", BATCH))
    totals = [(2, 300), (0, 0), (0, 0), (0, 0)]
    assert lines == [
        {**LINE, "event_of_batch": name, "application": "main", "number": 7, "totals": totals}
        for name in ("opened", "settled")
    ]


def test_an_exception_says_what_and_of_which_transaction_and_may_be_in_no_batch() -> None:
    (line,) = said(BatchEvent(EXCEPTION, "M1", "T1", None, AFTER_CLOSE, "632600004097"))
    assert line == {
        **LINE,
        "event_of_batch": "exception",
        "application": None,
        "number": None,
        "totals": None,
        "what": "after_close",
        "rrn": "632600004097",
    }


def test_an_upload_has_the_line_of_its_transaction_only() -> None:
    assert said(BatchEvent(UPLOAD, "M1", "T1", BATCH, DIFFERENT, "632600004097")) == []
