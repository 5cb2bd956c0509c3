"""What several panels ask Prometheus."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import EVERY, HERE

TRADE: Final = 'kind!~"echo|logon|parameters"'  # what somebody bought, or wanted to
REFUSED: Final = 'outcome!~"approved|partial"'


def rate(metric: str, by: str, where: str = "") -> str:
    """How often a second, by a label."""
    return f"sum by ({by}) (rate({metric}{{{HERE}{where and ',' + where}}}[{EVERY}]))"


def rates(metric: str, *by: str) -> dict[str, str]:
    """A line for each value of these labels."""
    return {": ".join(f"{{{{{label}}}}}" for label in by): rate(metric, ", ".join(by))}


def each(metric: str) -> dict[str, str]:
    """A line for each daemon."""
    return {"{{instance}}": f"{metric}{{{HERE}}}"}


def quantile(share: str, histogram: str, by: str = "") -> str:
    """The time that all but this share stay below."""
    return f"histogram_quantile({share}, sum by ({by and by + ', '}le) (rate({histogram}_bucket{{{HERE}}}[{EVERY}])))"


def buckets(histogram: str) -> str:
    return f"sum by (le) (increase({histogram}_bucket{{{HERE}}}[{EVERY}]))"


def quantiles(histogram: str) -> dict[str, str]:
    return {
        "half": quantile("0.5", histogram),
        "95 of 100": quantile("0.95", histogram),
        "99 of 100": quantile("0.99", histogram),
    }


ANSWERED: Final = rate("tillswitch_transactions_total", "kind", TRADE)
BY_STATE: Final = {"{{state}}": f"sum by (state) (max by (job, state) (tillswitch_terminals{{{HERE}}}))"}
BY_AGE: Final = {"{{age}}": f"sum by (age) (max by (job, age) (tillswitch_open_batches{{{HERE}}}))"}
ALL_TRADE: Final = f"sum(rate(tillswitch_transactions_total{{{HERE},{TRADE}}}[{EVERY}]))"
ALL_REFUSED: Final = f"sum(rate(tillswitch_transactions_total{{{HERE},{TRADE},{REFUSED}}}[{EVERY}]))"
GUESSES: Final = 'outcome=~"security|wrong_pin|pin_tries|count_limit"'
OLD_BATCHES: Final = f'sum(max by (job, age) (tillswitch_open_batches{{{HERE},age=~"7d|older"}}))'
