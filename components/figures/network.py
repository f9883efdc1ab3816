"""The neural map: agents as points, calls as lines, squads as soft hulls. Rows in, a Plotly figure as a plain
dict out.

A plain dict, because building and checking a go.Figure costs more than everything else here together. Few
traces, and edges always a little transparent: Plotly redraws every trace for each camera step, and that is what
its cost hangs on. Rings as further marks and hulls as meshes cost as much as all the rest, so the browser draws
them under the scene.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from components.figures.network_agents import (
    NARROW_RING,
    RING,
    agent_trace,
    hubs_of,
    sizes_of,
    traffic_of,
    words_of,
)
from components.figures.network_edges import edge_points, edge_traces, joined
from components.figures.network_words import Edge, Node, Trace, placed
from components.figures.space import Points, bounds, drawn_places, first_view, nearness
from components.figures.style import base_layout
from components.theme import squad_colors
from i18n import t

NO_MARGIN = {"l": 0, "r": 0, "t": 0, "b": 0}
MOST_DOTS = 1500  # above this edges have no hover of their own
# How wide and high the map is on the screen when all of it is seen, in px: full, compact, mini.
SCREENS = ((1000.0, 520.0), (340.0, 300.0), (520.0, 260.0))


def network_figure(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    *,
    lang: str,
    theme: str,
    selected: str | None = None,
    show_hulls: bool = True,
    title: str | None = None,
    mini: bool = False,
    compact: bool = False,
    frame: Sequence[Node] | None = None,
    connection: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The map of these agents and their connections.

    nodes: id, name, group, origin, state (one of STATES), calls, spans, errors, p50_ms, p95_ms, x, y, z, positioned
    edges: source, target, kind, calls, errors, p50_ms, p95_ms, strength (any positive weight or None), evidence
    selected: the id of an agent to mark and to name with its neighbours
    frame: all agents, when `nodes` are a filtered part of them, so that a filter changes neither scale nor view
    mini: a still glance without hover and names; compact: smaller marks, for a narrow screen
    connection: caller and callee of the connection to mark

    Names, rings and hulls are not drawn here: `layout.meta.words` tells assets/map-marks.js what to write beside the
    marks and what to surround.

    Agents without a place, and edges with an end that is not shown, are left out.
    """
    everyone = placed(frame if frame is not None else nodes)
    where = {str(node["id"]): place for node, place in zip(everyone, drawn_places(everyone), strict=True)}
    shown = {str(node["id"]): node for node in placed(nodes) if str(node["id"]) in where}
    lines = [edge for edge in edges if str(edge["source"]) in shown and str(edge["target"]) in shown]
    world = np.array(list(where.values())).reshape(-1, 3)
    margin = (0.035 * float(np.linalg.norm(np.ptp(world, axis=0))) if len(world) else 0.0) or 0.5
    agents = list(shown.values())
    points = np.array([where[name] for name in shown]).reshape(-1, 3)
    colors = squad_colors(theme, (str(node["group"]) for node in everyone))
    hubs = hubs_of(agents, traffic := traffic_of(agents, lines))
    sizes = sizes_of(traffic, hubs, _room(world, mini, compact), 0.8 if mini or compact else 1.0)
    data: list[Trace] = joined(
        edge_traces(lines, shown, where, theme, mini, lit_edges(selected, connection, shown))
    )
    if not mini:
        data += edge_points(pointable(lines), shown, where, lang, theme)
    data.append(agent_trace(agents, points, sizes, lang, theme, mini))
    words = words_of(
        agents,
        [] if mini else lines,
        {} if mini else hubs,
        colors,
        selected,
        connection,
        theme=theme,
        margin=0.48 * margin if show_hulls else None,
        ring=0 if mini else NARROW_RING if compact else RING,
    )
    return {"data": data, "layout": _layout(world, margin, lang, theme, title, mini, words)}


def lit_edges(
    selected: str | None, connection: tuple[str, str] | None, shown: Mapping[str, Node]
) -> Callable[[Edge], bool] | None:
    """Which edges stand out: the chosen connection, else those of the chosen agent; None without a choice."""
    if connection and all(end in shown for end in connection):
        return lambda edge: (str(edge["source"]), str(edge["target"])) == connection
    if selected in shown:
        return lambda edge: selected in (str(edge["source"]), str(edge["target"]))
    return None


def _room(world: Points, mini: bool, compact: bool) -> float:
    """Px between an agent and its nearest neighbour, for a quarter of them less, when the whole map is seen."""
    wide, high = SCREENS[2 if mini else 1 if compact else 0]
    if len(world) < 2:
        return high
    size = np.ptp(world, axis=0)
    scale = min(wide / max(float(np.hypot(size[0], size[1])), 1e-9), high / max(float(size[2]), 1e-9))
    return nearness(world) * scale


def pointable(edges: Sequence[Edge]) -> list[Edge]:
    """The edges that get a dot to point at: all if they are few, else those that are not from an imported network."""
    few = (
        list(edges) if len(edges) <= MOST_DOTS else [edge for edge in edges if edge["evidence"] != "imported"]
    )
    return few if len(few) <= MOST_DOTS else []


def network_config(mini: bool = False) -> dict[str, Any]:
    """How dcc.Graph shows the map: one canvas pixel per pixel (twice costs twice), our own named buttons, no
    mode bar.
    """
    return {
        "plotGlPixelRatio": 1,
        "displaylogo": False,
        "displayModeBar": False,
        "responsive": True,
        "scrollZoom": not mini,
        "staticPlot": False,
        "showTips": False,
        "doubleClick": False,
    }


def _layout(
    world: Points,
    margin: float,
    lang: str,
    theme: str,
    title: str | None,
    mini: bool,
    words: dict[str, Any],
) -> dict[str, Any]:
    low, high = bounds(world, 2.2 * margin) if len(world) else (np.full(3, -1.0), np.full(3, 1.0))
    names = {axis: f"{axis}axis" for axis in "xyz"}
    axes = {
        names[axis]: {
            "visible": False,
            "showspikes": False,
            "range": [round(float(low[at]), 3), round(float(high[at]), 3)],
        }
        for at, axis in enumerate("xyz")
    }
    camera = (
        first_view(world, low, high, 1.4 if mini else 1.6)
        if len(world)
        else {"eye": {"x": 0.0, "y": -2.0, "z": 0.5}}
    )
    return base_layout(theme, lang) | {
        "margin": NO_MARGIN,
        "autosize": True,
        "uirevision": "map",
        "hovermode": False if mini else "closest",
        "meta": {"label": title or t("Neural map", lang), "view": camera, "words": words, "mini": mini},
        "scene": {
            **axes,
            "aspectmode": "data",
            "bgcolor": "rgba(0,0,0,0)",
            "dragmode": False if mini else "turntable",
            "camera": camera,
            "uirevision": "map",
        },
    }
