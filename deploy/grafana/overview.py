"""The board to begin with."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import HERE, Board, Draw, Panel, numbers
from deploy.grafana.queries import (
    ALL_REFUSED,
    ALL_TRADE,
    ANSWERED,
    BY_AGE,
    BY_STATE,
    OLD_BATCHES,
    REFUSED,
    TRADE,
    quantiles,
    rate,
)

OVERVIEW: Final = Board(
    "overview",
    "Tillswitch: overview",
    "Is it well? If a number is not green, the board of its subject and deploy/OPERATIONS.md say more.",
    {
        "Now": [
            *numbers(
                Panel("Ready", {"": f"min(tillswitch_ready{{{HERE}}})"}, limits=(0.5, 1), low_is_bad=True),
                Panel(
                    "Alerts",
                    {"": 'count(ALERTS{alertstate="firing",severity=~"page|ticket"}) or vector(0)'},
                    limits=(1, 3),
                ),
                Panel("Transactions a second", {"": ALL_TRADE}, "reqps"),
                Panel("Refused", {"": f"{ALL_REFUSED} / ({ALL_TRADE} > 0)"}, "percentunit", limits=(0.1, 0.2)),
                Panel(
                    "Answers above half a second",
                    {"": "max(job:tillswitch_answers_late:ratio_rate5m)"},
                    "percentunit",
                    limits=(0.001, 0.0144),
                ),
                Panel(
                    "Terminals offline",
                    {"": "max(job:tillswitch_terminals_offline:ratio)"},
                    "percentunit",
                    limits=(0.05, 0.1),
                ),
                Panel("Batches open for more than three days", {"": OLD_BATCHES}, limits=(1, 10)),
                Panel(
                    "Room for the books",
                    {"": f"min(tillswitch_store_free_bytes{{{HERE}}})"},
                    "bytes",
                    limits=(1e9, 5e9),
                    low_is_bad=True,
                ),
            )
        ],
        "Traffic": [
            Panel("Transactions by kind", {"{{kind}}": ANSWERED}, "reqps", Draw.STACKED),
            Panel(
                "Refusals by reason",
                {"{{outcome}}": rate("tillswitch_transactions_total", "outcome", f"{TRADE},{REFUSED}")},
                "reqps",
                Draw.STACKED,
            ),
            Panel("Time to an answer", quantiles("tillswitch_answer_seconds"), "s", limits=(0.5, 20)),
            Panel("Time to a commit", quantiles("tillswitch_commit_seconds"), "s", limits=(0.25, 1)),
        ],
        "Terminals and daemons": [
            Panel("Terminals by state", BY_STATE, draw=Draw.STACKED, width=8),
            Panel("Open batches by age", BY_AGE, draw=Draw.STACKED, width=8),
            Panel(
                "What runs",
                {"{{instance}}: {{version}}": f"tillswitch_build_info{{{HERE}}}"},
                draw=Draw.STACKED,
                width=8,
                help="A daemon that is gone leaves a gap; a new release has another name.",
            ),
        ],
    },
)
