"""What is settled."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import HERE, Board, Draw, Panel, numbers
from deploy.grafana.queries import BY_AGE, OLD_BATCHES, rate, rates

BATCHES: Final = Board(
    "batches",
    "Tillswitch: batches",
    "Whether terminals settle, and whether both sides' totals agree. Which: `tillswitch batch list`.",
    {
        "Open": [
            *numbers(
                Panel("Open", {"": f"sum(max by (job, age) (tillswitch_open_batches{{{HERE}}}))"}),
                Panel("For more than three days", {"": OLD_BATCHES}, limits=(1, 10)),
                Panel(
                    "Totals that differed, in a day",
                    {"": f'sum(increase(tillswitch_batch_events_total{{{HERE},event="totals_differ"}}[1d]))'},
                ),
                Panel(
                    "To be looked at, in a day",
                    {"": f"sum(increase(tillswitch_exceptions_total{{{HERE}}}[1d]))"},
                    limits=(1, 50),
                ),
            ),
            Panel("By age", BY_AGE, draw=Draw.STACKED),
            Panel(
                "What happened to batches",
                rates("tillswitch_batch_events_total", "event"),
                "cps",
                help="`opened`, `named` and `totals_differ` leave a batch open; the others end it, or a part of it.",
            ),
        ],
        "What does not agree": [
            Panel(
                "To be looked at",
                {"{{what}}": f"sum by (what) (increase(tillswitch_exceptions_total{{{HERE}}}[1h]))"},
                help="In an hour; more than ten are a ticket. What each means: The end of the day, in OPERATIONS.md.",
                limits=(5, 10),
                width=8,
            ),
            Panel("Uploaded transactions", rates("tillswitch_uploads_total", "result"), "cps", width=8),
            Panel(
                "Settlements by outcome",
                {
                    "{{kind}}: {{outcome}}": rate(
                        "tillswitch_transactions_total", "kind, outcome", 'kind=~"settle|settle_uploaded|clear_batch"'
                    )
                },
                "cps",
                width=8,
            ),
        ],
    },
)
