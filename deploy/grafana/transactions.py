"""What is bought and refused."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import EVERY, HERE, Board, Draw, Panel
from deploy.grafana.queries import GUESSES, REFUSED, TRADE, buckets, quantile, rate, rates

TRANSACTIONS: Final = Board(
    "transactions",
    "Tillswitch: transactions",
    "What is bought, what is refused and why, and how long it takes.",
    {
        "How many": [
            Panel("By kind", rates("tillswitch_transactions_total", "kind"), "reqps", Draw.STACKED),
            Panel(
                "By outcome",
                {"{{outcome}}": rate("tillswitch_transactions_total", "outcome", TRADE)},
                "reqps",
                Draw.STACKED,
            ),
            Panel("By listener", rates("tillswitch_transactions_total", "listener"), "reqps", Draw.STACKED),
            Panel(
                "Share of all, by reason of refusal",
                {"{{outcome}}": f"job_outcome:tillswitch_transactions:ratio_rate5m{{{REFUSED}}}"},
                "percentunit",
                limits=(0.1, 0.2),
            ),
        ],
        "How long": [
            Panel(
                "From the request to its answer", {"{{le}}": buckets("tillswitch_answer_seconds")}, "s", Draw.HEATMAP
            ),
            Panel(
                "99 of 100 answers, by listener",
                {"{{listener}}": quantile("0.99", "tillswitch_answer_seconds", "listener")},
                "s",
                limits=(0.5, 20),
            ),
            Panel(
                "Answers above half a second, as a share",
                {window: f"job:tillswitch_answers_late:ratio_rate{window}" for window in ("5m", "30m", "1h", "6h")},
                "percentunit",
                limits=(0.006, 0.0144),
                help="The objective: 0.1 %. At 1.44 % for an hour a month's allowance is gone in two days.",
            ),
            Panel(
                "Guesses, wrong PINs, MACs that do not fit",
                {"a second": f"sum(rate(tillswitch_transactions_total{{{HERE},{GUESSES}}}[{EVERY}])) or vector(0)"},
                "cps",
                limits=(0.1, 0.2),
            ),
        ],
    },
)
