"""The neural map without depth: the same layout, seen along the axis in which it is thinnest, drawn without WebGL.

Marks, hover texts and what a click carries are those of the map in space, so that both speak of the same things.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any
from zlib import crc32

import numpy as np

from components.figures.network import NO_MARGIN, lit_edges, pointable
from components.figures.network_agents import (
    NARROW_RING,
    RING,
    agent_trace,
    hubs_of,
    sizes_of,
    traffic_of,
    words_of,
)
from components.figures.network_edges import edge_points, edge_traces
from components.figures.network_words import (
    Edge,
    Node,
    Trace,
    placed,
)
from components.figures.space import Points, drawn_places, nearness
from components.figures.style import base_layout
from components.theme import squad_colors
from i18n import t

SCREENS = (
    (1100.0, 620.0),
    (340.0, 330.0),
)  # how wide and high the map is on the screen, in px: full, compact
FAINTEST = 0.3  # a line's opacity
TOOLBAR = 0.13  # of the height, free for the buttons above a wide map
PAD = 0.06  # of the map's extent, free on every side


def network_figure_2d(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    *,
    lang: str,
    theme: str,
    selected: str | None = None,
    compact: bool = False,
    frame: Sequence[Node] | None = None,
    connection: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The flat map of these agents and their connections; arguments as for network_figure.

    Nodes with a `projection` stand by longitude and latitude (in degrees), not on their ball.
    """
    everyone = placed(frame if frame is not None else nodes)
    world = flat_places(everyone)
    where = {str(node["id"]): place for node, place in zip(everyone, world, strict=True)}
    shown = {str(node["id"]): node for node in placed(nodes) if str(node["id"]) in where}
    lines = [edge for edge in edges if str(edge["source"]) in shown and str(edge["target"]) in shown]
    agents, points = list(shown.values()), np.array([where[name] for name in shown]).reshape(-1, 3)
    colors = squad_colors(theme, (str(node["group"]) for node in everyone))
    hubs = hubs_of(agents, traffic := traffic_of(agents, lines))
    sizes = sizes_of(traffic, hubs, _room(points, compact), 0.8 if compact else 1.0)
    deep = edge_traces(lines, shown, where, theme, False, lit_edges(selected, connection, shown))
    deep += edge_points(pointable(lines), shown, where, lang, theme)
    deep.append(agent_trace(agents, points, sizes, lang, theme, False))
    words = words_of(
        agents,
        lines,
        hubs,
        colors,
        selected,
        connection,
        theme=theme,
        margin=0.35 * PAD * _extent(points),
        ring=NARROW_RING if compact else RING,
    )
    return {
        "data": [_flat(trace) for trace in deep],
        "layout": _layout(points, list(shown), lang, theme, words, compact),
    }


def flat_places(nodes: Sequence[Node]) -> Points:
    """Where each node is drawn: across, up, and 0. The axis in which the places spread least is left out."""
    places = drawn_places([_unrolled(node) for node in nodes])
    if not len(places):
        return places
    extent = np.ptp(places, axis=0)
    thin = int(np.argmin(extent))
    across, up = [axis for axis in range(3) if axis != thin]
    if up != 2 and extent[up] > extent[across]:
        across, up = up, across
    return np.column_stack([places[:, across], places[:, up], np.zeros(len(places))])


def _unrolled(node: Node) -> Node:
    """A place on a ball as longitude and latitude; any other as it is."""
    if not node.get("projection"):
        return node
    return {
        **node,
        "x": float(np.degrees(np.arctan2(node["y"], node["x"]))),
        "y": 0.0,
        "z": float(np.degrees(np.arcsin(np.clip(node["z"], -1, 1)))),
    }


def _extent(points: Points) -> float:
    return max(float(np.hypot(*np.ptp(points[:, :2], axis=0))), 1.0) if len(points) else 1.0


def _room(points: Points, compact: bool) -> float:
    """Px between an agent and its nearest neighbour when the whole map is seen, for a quarter of them less."""
    wide, high = SCREENS[1 if compact else 0]
    if len(points) < 2:
        return high
    size = np.maximum(np.ptp(points[:, :2], axis=0), 1e-9)
    return nearness(points) * float(min(wide / size[0], high / size[1]))


def _flat(trace: Trace) -> Trace:
    flat = {key: value for key, value in trace.items() if key != "z"} | {"type": "scatter"}
    if trace["mode"] == "lines":
        # A trace is painted as one stroke: lines that cross do not add up, so many of them need be thin, not faint.
        crowd = sqrt(min(1.0, 600 / max(len(trace["x"]), 1)))
        flat["line"] = trace["line"] | {"width": round(max(0.5, 0.7 * trace["line"]["width"] * crowd), 2)}
        flat["opacity"] = max(float(trace["opacity"]), FAINTEST)
    return flat


def network_config_2d() -> dict[str, Any]:
    """How dcc.Graph shows the flat map: our own named buttons, no mode bar."""
    return {
        "displaylogo": False,
        "displayModeBar": False,
        "responsive": True,
        "scrollZoom": True,
        "showTips": False,
        "doubleClick": False,
    }


def _layout(
    points: Points, ids: Sequence[str], lang: str, theme: str, words: dict[str, Any], compact: bool
) -> dict[str, Any]:
    pad = PAD * _extent(points)
    low = points.min(axis=0) - pad if len(points) else np.full(3, -1.0)
    high = points.max(axis=0) + pad if len(points) else np.full(3, 1.0)
    high[1] += 0.0 if compact else TOOLBAR * (high[1] - low[1])
    axis = {"visible": False, "showgrid": False, "zeroline": False}
    ranges = [[round(float(low[at]), 3), round(float(high[at]), 3)] for at in (0, 1)]
    key = f"{len(ids)}-{crc32(' '.join(ids).encode())}"
    said = t(
        "Flat map of the agents. Arrow keys go from mark to mark, Enter opens one, plus and minus zoom, 0 shows all.",
        lang,
    )
    return base_layout(theme, lang) | {
        "margin": NO_MARGIN,
        "autosize": True,
        "uirevision": key,
        "hovermode": "closest",
        "hoverdistance": 12,
        "dragmode": "pan",
        "meta": {"label": said, "words": words, "flat": True, "key": key, "whole": ranges},
        "xaxis": {**axis, "range": ranges[0]},
        "yaxis": {**axis, "range": ranges[1], "scaleanchor": "x", "scaleratio": 1},
    }
