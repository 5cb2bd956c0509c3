"""What the daemon does inside, and what it stands on."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import EVERY, HERE, Board, Draw, Panel
from deploy.grafana.queries import buckets, each, quantile, quantiles, rates

INTERNALS: Final = Board(
    "internals",
    "Tillswitch: internals",
    "For whoever looks for the reason: store, queue, event loop, and what the daemon stands on.",
    {
        "Store": [
            Panel("Time to a commit", {"{{le}}": buckets("tillswitch_commit_seconds")}, "s", Draw.HEATMAP),
            Panel(
                "99 of 100 commits",
                {"{{instance}}": quantile("0.99", "tillswitch_commit_seconds", "instance")},
                "s",
                limits=(0.25, 1),
            ),
            Panel(
                "Groups that could not be written at once",
                rates("tillswitch_commit_failures_total", "reason"),
                "cps",
                width=8,
            ),
            Panel("Size of the books", each("tillswitch_store_bytes"), "bytes", width=8),
            Panel("Room left", each("tillswitch_store_free_bytes"), "bytes", width=8),
        ],
        "Work": [
            Panel(
                "Requests waiting", each("tillswitch_queue_requests"), width=8, help="At `queue_max` terminals hear 96."
            ),
            Panel(
                "Requests decided together",
                {
                    "mean": f"sum(rate(tillswitch_group_requests_sum{{{HERE}}}[{EVERY}]))"
                    f" / sum(rate(tillswitch_group_requests_count{{{HERE}}}[{EVERY}]))",
                    "95 of 100": quantile("0.95", "tillswitch_group_requests"),
                },
                width=8,
            ),
            Panel(
                "The event loop is late", quantiles("tillswitch_loop_late_seconds"), "s", width=8, limits=(0.05, 0.1)
            ),
        ],
        "Around it": [
            Panel(
                "Running for", {"{{instance}}": f"time() - tillswitch_start_timestamp_seconds{{{HERE}}}"}, "s", width=6
            ),
            Panel(
                "Clock, ahead of Prometheus'",
                {"{{instance}}": f"tillswitch_time_seconds{{{HERE}}} - timestamp(tillswitch_time_seconds{{{HERE}}})"},
                "s",
                width=6,
                limits=(2, 5),
            ),
            Panel(
                "Certificates expire in",
                {"{{instance}}: {{door}}": f"tillswitch_certificate_expiry_timestamp_seconds{{{HERE}}} - time()"},
                "s",
                width=6,
                limits=(3 * 86400, 14 * 86400),
                low_is_bad=True,
            ),
            Panel("Runs on an old configuration", each("tillswitch_reload_failed"), width=6, limits=(1, 2)),
            Panel("Lines lost by the log", each("tillswitch_log_lines_lost"), width=8, limits=(1, 1000)),
            Panel("Time of a scrape", each("scrape_duration_seconds"), "s", width=8),
            Panel("Series of a scrape", each("scrape_samples_scraped"), width=8),
        ],
    },
)
