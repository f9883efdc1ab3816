"""The connections of the neural map: few traces, binned by latency and strength, and a dot on each to point at."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from math import log10, sqrt

import numpy as np

from components.figures.network_words import (
    Edge,
    Node,
    Trace,
    card,
    columns,
    latency_line,
    latency_step,
    safe,
)
from components.figures.space import Points, curve
from components.format import number
from components.theme import LATENCY_STEPS, color
from i18n import t

MOST_CURVES = 2000
DOT = 2.2  # px across, of the dot on an edge
FADED = 0.3  # what is left of an edge beside those that were chosen


def edge_traces(
    edges: Sequence[Edge],
    nodes: Mapping[str, Node],
    where: Mapping[str, Points],
    theme: str,
    mini: bool,
    lit: Callable[[Edge], bool] | None = None,
) -> list[Trace]:
    """One trace per latency step, weak and strong apart, and one per kind of unmeasured evidence.

    lit: which edges stand out; the others fade. None where nothing was chosen.
    `joined` makes fewer of them for the map in space.
    """
    middles = _middles(nodes, where) if len(edges) <= MOST_CURVES else {}
    strongest = max((_weight(edge) for edge in edges if edge["evidence"] == "measured"), default=1.0)
    bins: dict[tuple[str, int, bool, bool], list[Points]] = defaultdict(list)
    for edge in edges:
        step = latency_step(edge["p50_ms"])
        measured = edge["evidence"] == "measured"
        strong = measured and _weight(edge) >= 0.35 * strongest
        bright = lit is not None and lit(edge)
        key = (str(edge["evidence"]), -1 if step is None or not measured else step, strong, bright)
        bins[key] += [np.round(_path(edge, nodes, where, middles), 3)]
    many = Counter(str(edge["evidence"]) for edge in edges)
    crowd = {evidence: min(1.0, sqrt(150 / count)) for evidence, count in many.items()}
    faded = 1.0 if lit is None else FADED
    return [
        _edge_trace(key[:3], paths, theme, 1.0 if key[3] else crowd[key[0]] * faded, mini, key[3])
        for key, paths in sorted(bins.items())
    ]


def joined(traces: Sequence[Trace]) -> list[Trace]:
    """Lines of one width, dash and opacity as one trace with a colour for each point, which only space can show.

    Plotly makes shaders and buffers for every trace, and draws every trace for every camera step.
    """
    alike: dict[tuple[float, str, float], list[Trace]] = defaultdict(list)
    for trace in traces:
        alike[trace["line"]["width"], trace["line"]["dash"], trace["opacity"]].append(trace)
    return [_join(group) if len(group) > 1 else group[0] for group in alike.values()]


def _join(group: Sequence[Trace]) -> Trace:
    hues = [trace["line"]["color"] for trace in group]
    last = len(hues) - 1
    steps = [[step] * len(trace["x"]) for step, trace in enumerate(group)]
    line = {
        "color": list(chain.from_iterable(steps)),
        "colorscale": [[step / last, hue] for step, hue in enumerate(hues)],
        "cmin": 0,
        "cmax": last,
    }
    places = {axis: list(chain.from_iterable(trace[axis] for trace in group)) for axis in "xyz"}
    return {**group[0], **places, "line": group[0]["line"] | line}


def edge_points(
    edges: Sequence[Edge], nodes: Mapping[str, Node], where: Mapping[str, Points], lang: str, theme: str
) -> list[Trace]:
    """A small dot on each edge, two thirds of the way to the agent that is called: direction, hover and
    click.
    """
    if not edges:
        return []
    middles = _middles(nodes, where) if len(edges) <= MOST_CURVES else {}
    points = np.array([_two_thirds(_path(edge, nodes, where, middles)) for edge in edges])
    steps = [latency_step(edge["p50_ms"]) if edge["evidence"] == "measured" else None for edge in edges]
    return [
        {
            "type": "scatter3d",
            "mode": "markers",
            "meta": "edges",
            **columns(points),
            "marker": {
                "size": DOT if len(edges) <= 200 else 0.8 * DOT,
                # Opaque, since the agents are too: whatever is transparent is another pass for Plotly.
                "opacity": 1,
                "color": [
                    color(theme, "latency-unknown" if step is None else LATENCY_STEPS[step]) for step in steps
                ],
                # A square has a third of the corners that a circle is made of, and is as good at this size.
                "symbol": "square",
                "line": {"width": 0},
            },
            "customdata": [[str(edge["source"]), str(edge["target"])] for edge in edges],
            "text": [_edge_card(edge, nodes, lang) for edge in edges],
            "hovertemplate": "%{text}<extra></extra>",
            "showlegend": False,
        }
    ]


def _edge_trace(
    key: tuple[str, int, bool], paths: list[Points], theme: str, crowd: float, mini: bool, bright: bool
) -> Trace:
    evidence, step, strong = key
    gap = np.full((1, 3), np.nan)
    points = np.concatenate([part for path in paths for part in (path, gap)])
    columns: dict[str, list[float | None]] = {
        axis: [None if value != value else value for value in points[:, at].tolist()]
        for at, axis in enumerate("xyz")
    }
    hue = {"declared": "faint", "imported": "squad-none"}.get(evidence)
    token = hue or (LATENCY_STEPS[step] if step >= 0 else "latency-unknown")
    width = 4.5 if bright else (2.2 if mini else 3.4) if strong else 1.9
    dash = {"declared": "dot", "imported": "solid"}.get(evidence, "solid")
    usual = {"declared": 0.7, "imported": 0.45}.get(evidence, 0.9 if strong else 0.62)
    opacity = 0.98 if bright else usual
    return {
        "type": "scatter3d",
        "mode": "lines",
        **columns,
        "line": {"color": color(theme, token), "width": width, "dash": dash},
        "opacity": round(max(0.04, opacity * crowd), 3),
        "hoverinfo": "skip",
        "connectgaps": False,
        "showlegend": False,
    }


def _edge_card(edge: Edge, nodes: Mapping[str, Node], lang: str) -> str:
    ends = [safe(nodes[str(edge[end])]["name"]) for end in ("source", "target")]
    if edge["evidence"] == "declared":
        return card(f"{ends[0]} → {ends[1]}", [t("Declared, no call recorded", lang)])
    if edge["evidence"] == "imported":
        strength = number(edge["strength"], lang)
        return card(f"{ends[0]} → {ends[1]}", [t("Imported, weight {strength}", lang, strength=strength)])
    lines = [
        t("Calls: {n}", lang, n=number(edge["calls"], lang)),
        latency_line(edge, lang),
        t("Errors: {n}", lang, n=number(edge["errors"], lang)),
    ]
    return card(f"{ends[0]} → {ends[1]}", lines)


def _weight(edge: Edge) -> float:
    """Strength as drawn: what the edge carries, by the logarithm of its calls where no strength is stored."""
    strength = edge["strength"]
    return float(strength) if strength is not None else log10(1 + int(edge["calls"] or 0))


def _path(
    edge: Edge, nodes: Mapping[str, Node], where: Mapping[str, Points], middles: Mapping[str, Points]
) -> Points:
    """Straight inside a group, bent through the middle between two groups."""
    source, target = str(edge["source"]), str(edge["target"])
    one, other = str(nodes[source]["group"]), str(nodes[target]["group"])
    if one == other or one not in middles:
        return np.array([where[source], where[target]])
    return curve(where[source], where[target], (middles[one] + middles[other]) / 2)


def _middles(nodes: Mapping[str, Node], where: Mapping[str, Points]) -> dict[str, Points]:
    rows: dict[str, list[Points]] = defaultdict(list)
    for name, node in nodes.items():
        rows[str(node["group"])].append(where[name])
    return {group: np.mean(places, axis=0) for group, places in rows.items()}


def _two_thirds(path: Points) -> Points:
    return np.asarray(path[0] + (path[1] - path[0]) * 2 / 3 if len(path) == 2 else path[len(path) * 2 // 3])
