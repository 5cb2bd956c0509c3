"""The dashboards: made by their code, each panel in its place. What they ask is asked in test_prometheus.py."""

from __future__ import annotations

import re
from collections import Counter

from deploy.grafana.build import FOLDER, files
from tests.deploy.panels import boards, queries


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
