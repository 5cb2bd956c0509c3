"""Terminals, their lines, and who is told of them."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import EVERY, HERE, Board, Draw, Panel
from deploy.grafana.queries import BY_STATE, rates

TERMINALS: Final = Board(
    "terminals",
    "Tillswitch: terminals",
    "Who is there, who is not, and what happens to them. Which ones: `tillswitch terminal list --state offline`.",
    {
        "Who is there": [
            Panel("Terminals by state", BY_STATE, draw=Draw.STACKED),
            Panel(
                "Stores by how many of their terminals are offline",
                {"{{offline}}": f"sum by (offline) (max by (job, offline) (tillswitch_stores{{{HERE}}}))"},
                draw=Draw.STACKED,
            ),
            Panel(
                "Share offline, of those ever seen",
                {"{{job}}": "job:tillswitch_terminals_offline:ratio"},
                "percentunit",
                limits=(0.05, 0.1),
            ),
            Panel(
                "What happened to terminals, in five minutes",
                {"{{event}}": f"sum by (event) (increase(tillswitch_terminal_events_total{{{HERE}}}[5m]))"},
                help="`tamper` and `serial_changed` wake somebody.",
            ),
        ],
        "Lines": [
            Panel("Connections", {"{{listener}}": f"sum by (listener) (tillswitch_connections{{{HERE}}})"}, width=8),
            Panel(
                "Connections that ended, by reason",
                rates("tillswitch_connections_closed_total", "reason"),
                "cps",
                width=8,
            ),
            Panel(
                "Frames without an answer",
                rates("tillswitch_frames_dropped_total", "reason"),
                "cps",
                width=8,
                help="`empty` are keep-alives.",
            ),
        ],
        "Telling others": [
            Panel(
                "Events waiting for webhooks",
                {"{{webhook}}": f"sum by (webhook) (tillswitch_webhooks_waiting{{{HERE}}})"},
                width=6,
            ),
            Panel(
                "Age of the oldest",
                {"{{webhook}}": f"max by (webhook) (tillswitch_webhooks_oldest_seconds{{{HERE}}})"},
                "s",
                width=6,
                limits=(60, 600),
            ),
            Panel("Tries", rates("tillswitch_webhooks_total", "webhook", "result"), "cps", width=6),
            Panel(
                "Values of status tables without sense",
                {"a second": f"sum(rate(tillswitch_terminal_status_odd_total{{{HERE}}}[{EVERY}]))"},
                "cps",
                width=6,
            ),
        ],
    },
)
