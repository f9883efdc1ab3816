"""The agents of the neural map: points, rings in the squad's colour, hulls and the few names that fit."""

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np

from components.figures.network_words import (
    STATE_SYMBOLS,
    STATE_TOKENS,
    STATES,
    Edge,
    Node,
    Trace,
    by_group,
    card,
    columns,
    group_sizes,
    label,
    latency_line,
    position_words,
    safe,
    state_words,
)
from components.figures.space import Points, hull
from components.format import number
from components.theme import FONT, color, squad_color
from i18n import t

SMALLEST, LARGEST = 7.0, 24.0  # diameter of a node in px
MOST_LABELS = 40
MOST_RINGS = 400  # above this the hull alone tells the squad


def agent_trace(
    nodes: Sequence[Node], points: Points, sizes: Sequence[float], lang: str, theme: str, mini: bool
) -> Trace:
    last = len(STATES) - 1
    scale = [[at / last, color(theme, STATE_TOKENS[state])] for at, state in enumerate(STATES)]
    trace: Trace = {
        "type": "scatter3d",
        "mode": "markers",
        "meta": "agents",
        **columns(points),
        "marker": {
            "size": [round(size, 1) for size in sizes],
            "color": [STATES.index(str(node["state"])) for node in nodes],
            "colorscale": scale,
            "cmin": 0,
            "cmax": last,
            "symbol": [STATE_SYMBOLS[str(node["state"])] for node in nodes],
            "opacity": 1,
            "line": {"width": 0},
            "showscale": False,
        },
        "customdata": [str(node["id"]) for node in nodes],
        "showlegend": False,
    }
    if mini:
        return trace | {"hoverinfo": "skip"}
    return trace | {
        "text": [_agent_card(node, lang) for node in nodes],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _agent_card(node: Node, lang: str) -> str:
    lines = [
        f"{safe(node['group'])} · {state_words(lang)[str(node['state'])]}",
        t("Calls in and out: {n}", lang, n=number(node["calls"], lang)),
        f"{latency_line(node, lang)} · {t('n = {n}', lang, n=number(node['spans'], lang))}",
        t("Errors: {n}", lang, n=number(node["errors"], lang)),
        position_words(lang)[str(node["positioned"])],
    ]
    return card(safe(node["name"]), lines)


def hull_traces(nodes: Sequence[Node], points: Points, theme: str, margin: float) -> list[Trace]:
    traces: list[Trace] = []
    for group, rows in by_group(nodes).items():
        body = hull(points[rows], 0.55 * margin)
        if body is None:
            continue
        corners, triangles = body
        traces.append(
            {
                "type": "mesh3d",
                **columns(corners),
                **{name: triangles[:, at].tolist() for at, name in enumerate("ijk")},
                "color": squad_color(theme, group),
                "opacity": 0.07 if theme == "dark" else 0.08,
                "lighting": {"ambient": 1, "diffuse": 0, "specular": 0, "fresnel": 0},
                "hoverinfo": "skip",
                "showscale": False,
            }
        )
    return traces


def ring_traces(
    nodes: Sequence[Node], points: Points, sizes: Sequence[float], theme: str, mini: bool
) -> list[Trace]:
    """A ring in the squad's colour; a diamond-shaped one in the error colour round failing agents, always."""
    wanted = [
        row for row, node in enumerate(nodes) if str(node["state"]) == "failing" or len(nodes) <= MOST_RINGS
    ]
    if mini or not wanted:
        return []
    failing = [str(nodes[row]["state"]) == "failing" for row in wanted]
    return [
        {
            "type": "scatter3d",
            "mode": "markers",
            **columns(points[wanted]),
            "marker": {
                "size": [
                    round(sizes[row] + 5 + 7 * bad, 1) for row, bad in zip(wanted, failing, strict=True)
                ],
                "color": [
                    color(theme, "error") if bad else squad_color(theme, str(nodes[row]["group"]))
                    for row, bad in zip(wanted, failing, strict=True)
                ],
                "symbol": ["diamond-open" if bad else "circle" for bad in failing],
                "opacity": 1,
                "line": {"width": 0},
            },
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]


def squad_name_trace(nodes: Sequence[Node], points: Points, theme: str, margin: float, small: bool) -> Trace:
    groups = list(group_sizes(nodes).items())[: MOST_LABELS // 2]
    rows = by_group(nodes)
    tops = [_above(points[rows[group]], margin) for group, _ in groups]
    return {
        "type": "scatter3d",
        "mode": "text",
        "meta": "squads",
        **columns(np.array(tops).reshape(-1, 3)),
        "text": [f"<b>{label(group, 24)} · {size}</b>" for group, size in groups],
        "textposition": "top center",
        "textfont": {
            "family": FONT,
            "size": 11 if small else 14,
            "color": [squad_color(theme, group) for group, _ in groups],
        },
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _above(points: Points, margin: float) -> Points:
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    return np.array([middle[0], middle[1], float(points[:, 2].max()) + 0.7 * margin])


def name_trace(
    nodes: Sequence[Node],
    points: Points,
    sizes: Sequence[float],
    hubs: Mapping[str, str],
    edges: Sequence[Edge],
    selected: str | None,
    theme: str,
    margin: float,
) -> Trace:
    """Names of the hubs, and of the chosen agent with its neighbours; 20 at most."""
    near = [str(edge["target" if str(edge["source"]) == selected else "source"]) for edge in edges]
    touching = [
        name for name, edge in zip(near, edges, strict=True) if selected in (edge["source"], edge["target"])
    ]
    wanted = list(dict.fromkeys([*([selected] if selected else []), *hubs.values(), *touching]))[
        : MOST_LABELS // 2
    ]
    rows = {str(node["id"]): row for row, node in enumerate(nodes)}
    kept = [rows[name] for name in wanted if name in rows]
    drop = np.array([[0, 0, 0.02 * sizes[row] * margin] for row in kept]).reshape(-1, 3)
    return {
        "type": "scatter3d",
        "mode": "text",
        "meta": "names",
        **columns((points[kept] - drop).reshape(-1, 3)),
        "text": [label(nodes[row]["name"], 28) for row in kept],
        "textposition": "bottom center",
        "textfont": {"family": FONT, "size": 12, "color": color(theme, "text")},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def chosen_trace(
    nodes: Sequence[Node], points: Points, sizes: Sequence[float], selected: str | None, theme: str
) -> Trace:
    """The mark round the chosen agent; the trace is there without one too, because the browser moves it on a
    search.
    """
    rows = [row for row, node in enumerate(nodes) if str(node["id"]) == selected]
    return {
        "type": "scatter3d",
        "mode": "markers",
        "meta": "chosen",
        **columns(points[rows].reshape(-1, 3)),
        "marker": {
            "size": max((sizes[row] for row in rows), default=SMALLEST) + 16,
            "symbol": "circle-open",
            "color": color(theme, "text"),
            "line": {"width": 0},
        },
        "hoverinfo": "skip",
        "showlegend": False,
    }


def traffic_of(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, int]:
    """Calls in and out by agent, of the connections that are shown; measured ones only."""
    traffic = {str(node["id"]): 0 for node in nodes}
    for edge in edges:
        for end in ("source", "target"):
            traffic[str(edge[end])] += int(edge["calls"] or 0)
    return traffic


def sizes_of(traffic: Mapping[str, int], hubs: Mapping[str, str], small: bool) -> list[float]:
    """Diameters in px by the square root of the calls; hubs a third larger, nobody too small to hit."""
    most = max(traffic.values(), default=0)
    least, factor = SMALLEST + 2.0, 0.65 if small else 1.0
    busiest = set(hubs.values())
    sizes = []
    for name, calls in traffic.items():
        size = least + (LARGEST - least) * sqrt(calls / most) if calls else least
        sizes.append(max(5.0, size * factor * (1.35 if name in busiest else 1.0)))
    return sizes


def hubs_of(nodes: Sequence[Node], traffic: Mapping[str, int]) -> dict[str, str]:
    """The busiest agent of each group; a group without calls has none."""
    hubs: dict[str, str] = {}
    for node in nodes:
        name, group = str(node["id"]), str(node["group"])
        if traffic[name] > traffic.get(hubs.get(group, ""), 0):
            hubs[group] = name
    return hubs
