"""A panel is a row of data: a title, a unit, what Prometheus is asked. Here Grafana's own types are made of it.

Every board has the same two choices on top: the data source, and the daemons (`$instance`). Queries say `HERE` for
them, and `EVERY` for the time between two points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

#: What every selector begins with. Rules record by job: they have no instance.
HERE: Final = 'job="tillswitch",instance=~"$instance"'
EVERY: Final = "$__rate_interval"

SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH: Final = 24  # columns of a board
STAT_HEIGHT, GRAPH_HEIGHT = 4, 8
#: From this value on it is orange, from that on red.
Limits = tuple[float, float]


class Draw(Enum):
    LINES = "lines"
    STACKED = "stacked"
    HEATMAP = "heatmap"  # of the buckets of one histogram
    NUMBER = "number"  # the last value, large


class Panel(NamedTuple):
    title: str
    queries: Mapping[str, str]  # what the legend says: what is asked
    unit: str = "short"  # as Grafana calls units
    draw: Draw = Draw.LINES
    width: int = 12
    help: str = ""
    limits: Limits | None = None
    low_is_bad: bool = False  # the limits then are: red below this value, orange below that


class Board(NamedTuple):
    name: str
    title: str
    help: str
    rows: Mapping[str, Sequence[Panel]]


def numbers(*panels: Panel) -> list[Panel]:
    """A line of large numbers that share the width."""
    return [panel._replace(draw=Draw.NUMBER, width=WIDTH // len(panels)) for panel in panels]


def encode(board: Board) -> str:
    """The file Grafana reads."""
    made = builders.Dashboard(board.title).uid(f"tillswitch-{board.name}").description(board.help)
    made.tags(["tillswitch"]).timezone("browser").refresh("30s").time("now-3h", "now")
    made.tooltip(models.DashboardCursorSync.CROSSHAIR)
    others = builders.DashboardLink("Tillswitch").type(models.DashboardLinkType.DASHBOARDS)
    made.link(others.tags(["tillswitch"]).as_dropdown(True).keep_time(True).include_vars(True))
    made.with_variable(builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    made.with_variable(_instances())
    number = 0
    for title, panels in board.rows.items():
        number += 1
        made.with_row(builders.Row(title).id(number))
        for panel in panels:
            number += 1
            made.with_panel(_panel(panel, number))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _instances() -> builders.QueryVariable:
    made = builders.QueryVariable("instance").label("Daemon").datasource(SOURCE)
    made.query('label_values(tillswitch_build_info{job="tillswitch"}, instance)')
    made.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
    made.multi(True).include_all(True).all_value(".*")
    return made.current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))


def _panel(panel: Panel, number: int) -> timeseries.Panel | stat.Panel | heatmap.Panel:
    made = _drawn(panel)
    made.id(number).title(panel.title).description(panel.help).datasource(SOURCE).span(panel.width)
    for at, (legend, expression) in enumerate(panel.queries.items()):
        query = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + at))
        if panel.draw is Draw.HEATMAP:
            query.format(PromQueryFormat.HEATMAP)
        made.with_target(query.datasource(SOURCE))
    return made


def _drawn(panel: Panel) -> timeseries.Panel | stat.Panel | heatmap.Panel:
    if panel.draw is Draw.NUMBER:
        number = stat.Panel().unit(panel.unit).height(STAT_HEIGHT).thresholds(_thresholds(panel))
        number.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        return number.graph_mode(common.BigValueGraphMode.AREA).color_mode(common.BigValueColorMode.VALUE)
    if panel.draw is Draw.HEATMAP:
        squares = heatmap.Panel().height(GRAPH_HEIGHT).calculate(False)
        squares.y_axis(heatmap.YAxisConfig().unit(panel.unit))
        return squares.color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(64))
    lines = timeseries.Panel().unit(panel.unit).height(GRAPH_HEIGHT).axis_soft_min(0)
    lines.legend(
        common_builders.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
    )
    lines.tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    if panel.limits:
        lines.thresholds(_thresholds(panel))
        lines.thresholds_style(common_builders.GraphThresholdsStyleConfig().mode(common.GraphTresholdsStyleMode.DASHED))
    if panel.draw is Draw.STACKED:
        lines.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL)).fill_opacity(30)
    return lines


def _thresholds(panel: Panel) -> builders.ThresholdsConfig:
    steps: list[tuple[float | None, str]] = [(None, "green")]
    if panel.limits:
        first, second = panel.limits
        colours = ("red", "orange", "green") if panel.low_is_bad else ("green", "orange", "red")
        steps = list(zip((None, first, second), colours, strict=True))
    made = builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE)
    return made.steps([models.Threshold(value=value, color=colour) for value, colour in steps])
