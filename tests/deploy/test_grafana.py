"""The dashboards: made from their code, and every query gets an answer from a real Prometheus after a fleet's day."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trio

from deploy.grafana.build import FOLDER, files
from simulators.demo import load_demo
from simulators.fleet import run_fleet
from simulators.fleet_till import FleetOptions
from tests.contract.daemon import running
from tests.deploy.test_prometheus import MISSING, Monitoring, get, until
from tests.shell.test_webhooks import receiving

needs_prometheus = pytest.mark.skipif(
    bool(MISSING), reason=f"NO TESTS OF DASHBOARDS: no {' and no '.join(MISSING)}; make test-deps"
)
STEP_SECONDS = 1
LOOK_BACK_SECONDS = 60
#: What Grafana puts in itself.
OF_GRAFANA = {"$__rate_interval": "5s", "${datasource}": "prometheus"}


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


def test_the_boards_are_those_of_their_code() -> None:
    there = {file.name: file.read_text("utf-8") for file in FOLDER.iterdir()}
    assert there == files(), "python -m deploy.grafana.build"
    assert there.keys() == {
        f"{name}.json" for name in ("overview", "terminals", "transactions", "batches", "internals")
    }


def test_every_panel_asks_has_a_place_and_a_number_of_its_own() -> None:
    for name, board in boards().items():
        assert board["uid"] == f"tillswitch-{name}"
        panels = board["panels"]
        assert max(Counter(panel["id"] for panel in panels).values()) == 1
        places = Counter(
            (x, y)
            for at in (panel["gridPos"] for panel in panels)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        )
        assert max(places.values()) == 1, f"{name}: panels lie on each other"
        assert max(x for x, _ in places) < 24
        for panel in panels:
            assert panel["type"] == "row" or panel["targets"], panel["title"]
            assert len({target["refId"] for target in panel.get("targets", [])}) == len(panel.get("targets", []))


def test_panels_ask_only_for_this_job() -> None:
    """Another program's series must not be counted with ours; what rules recorded is of our job already."""
    for query in queries():
        for selector in re.findall(r"(?<![\w:])(?:tillswitch|scrape)_\w+(\{[^}]*\}|)", query.expression):
            assert selector.startswith('{job="tillswitch",instance=~"$instance"'), query


@pytest.mark.slow
@needs_prometheus
def test_every_query_gets_an_answer(tmp_path: Path) -> None:
    """An error, nothing at all, or only what is no number would be a panel that nobody can read."""
    with receiving() as receiver:
        secret = tmp_path / "webhook.secret"
        secret.write_text("0123456789abcdef")
        url = f"http://127.0.0.1:{receiver.server_port}/"
        webhook = f'[[webhooks]]\nname = "alarms"\nurl = "{url}"\nsecret = "{secret}"\n'
        with running(tmp_path, settings=webhook) as daemon:
            monitoring = Monitoring(tmp_path, daemon.base_port + 10, receiver)
            with monitoring.run():
                until(lambda: monitoring.query('up{job="tillswitch"} == 1'), "the daemon is scraped")
                demo = load_demo(daemon.demo.folder / "demo.json")
                # a rate wants series that were there before: what the second day adds
                for seed, seen in ((1, "tillswitch_transactions_total"), (2, "job:tillswitch_transactions:rate5m > 0")):
                    report = trio.run(run_fleet, demo, FleetOptions(terminals=2, deeds=30, faults=0.5, seed=seed))
                    assert report.ok, report.lines()
                    until(partial(monitoring.query, seen), f"day {seed} is seen")
                until(partial(monitoring.query, "job:tillswitch_terminals_offline:ratio"), "terminals are counted")
                chosen = OF_GRAFANA | variables(monitoring)
                mute = [query for query in queries() if not answered(monitoring, filled(query.expression, chosen))]
                assert not mute


def variables(monitoring: Monitoring) -> dict[str, str]:
    """Each that a board lets somebody choose, at the first of its values."""
    found = {}
    for board in boards().values():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]).groups()  # type: ignore[union-attr]  # another form is a failure
                match = urllib.parse.quote(selector)
                told = get(f"http://127.0.0.1:{monitoring.prometheus}/api/v1/label/{label}/values?match[]={match}")
                assert told["data"], variable
                found[f"${variable['name']}"] = told["data"][0]
    return found


def filled(expression: str, chosen: dict[str, str]) -> str:
    for name, value in chosen.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, f"nobody fills in: {expression}"
    return expression


def answered(monitoring: Monitoring, expression: str) -> bool:
    now = time.time()
    asked = urllib.parse.urlencode(
        {"query": expression, "start": now - LOOK_BACK_SECONDS, "end": now, "step": STEP_SECONDS}
    )
    told = get(f"http://127.0.0.1:{monitoring.prometheus}/api/v1/query_range?{asked}")
    return any(value != "NaN" for series in told["data"]["result"] for _, value in series["values"])
