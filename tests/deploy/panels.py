"""What the panels of the dashboards ask, and whether a Prometheus has an answer."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from deploy.grafana.build import FOLDER

STEP_SECONDS = 1
LOOK_BACK_SECONDS = 60
#: What Grafana puts in itself.
OF_GRAFANA = {"$__rate_interval": "5s", "${datasource}": "prometheus"}
#: What Prometheus' interface says to an address under /api/v1/; an error is an assertion.
Ask = Callable[[str], Any]


class Query(NamedTuple):
    board: str
    panel: str
    expression: str


def boards() -> dict[str, Any]:
    return {file.stem: json.loads(file.read_text("utf-8")) for file in sorted(FOLDER.iterdir())}


def queries() -> Iterator[Query]:
    for name, board in boards().items():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield Query(name, panel["title"], target["expr"])


def mute_panels(ask: Ask) -> list[Query]:
    """Those nobody could read: Prometheus knows nothing at all, or only what is no number."""
    chosen = OF_GRAFANA | variables(ask)
    return [query for query in queries() if not answered(ask, filled(query.expression, chosen))]


def variables(ask: Ask) -> dict[str, str]:
    """Each that a board lets somebody choose, at the first of its values."""
    found = {}
    for board in boards().values():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]).groups()  # type: ignore[union-attr]  # another form is a failure
                match = urllib.parse.quote(selector)
                values = ask(f"label/{label}/values?match[]={match}")
                assert values, variable
                found[f"${variable['name']}"] = values[0]
    return found


def filled(expression: str, chosen: dict[str, str]) -> str:
    for name, value in chosen.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, f"nobody fills in: {expression}"
    return expression


def answered(ask: Ask, expression: str) -> bool:
    now = time.time()
    asked = urllib.parse.urlencode(
        {"query": expression, "start": now - LOOK_BACK_SECONDS, "end": now, "step": STEP_SECONDS}
    )
    return any(value != "NaN" for series in ask(f"query_range?{asked}")["result"] for _, value in series["values"])
