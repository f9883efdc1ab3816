"""Seeded squad graphs as the application and its peers want them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import plotly.graph_objects as go
from dash._utils import to_json

from components.figures.network import network_config, network_figure
from components.figures.packed import packed
from components.theme import LATENCY_STEPS, color, squad_colors
from db.layout import squad_layout
from tests.db.test_layout import hub_graph

SIZES = {"139/400": (139, 400, 5), "1k/3k": (1000, 3000, 10)}
STATES = {"operational": 0.6, "observed": 0.3, "unknown": 0.07, "failing": 0.03}


@dataclass(frozen=True)
class Graph:
    """One graph: what the browser gets per candidate, and the sizes of the map's data by serialiser, in bytes."""

    payloads: dict[str, str]
    sent: int
    plotly_sent: int


def make(size: str) -> Graph:
    agents, connections, squads = SIZES[size]
    groups, pairs = hub_graph(agents, connections, squads, seed=1)
    places = squad_layout(groups, pairs)
    nodes = _nodes(groups, places)
    edges = _edges(nodes, pairs)
    figure = network_figure(nodes, edges, lang="en", theme="dark")
    plain = orjson.dumps(_plain(nodes, edges)).decode()
    ours = to_json({**packed(figure), "config": network_config()})
    return Graph(
        {"ours": ours, "three": plain, "force": plain, "plain": plain},
        len(to_json(packed(figure)).encode()),
        len(go.Figure(_as_arrays(figure)).to_json().encode()),
    )


def _nodes(groups: list[str], places: Any) -> list[dict[str, Any]]:
    rng = np.random.default_rng(11)
    calls = rng.pareto(1.5, len(groups)) * 40
    states = rng.choice(list(STATES), len(groups), p=list(STATES.values()))
    return [
        {
            "id": f"{group}/agent-{number:04d}",
            "name": f"Agent {number:04d}",
            "group": group,
            "origin": "telemetry",
            "state": str(states[number]),
            "calls": int(calls[number]),
            "spans": int(calls[number] * 3),
            "errors": 0,
            "p50_ms": round(float(rng.lognormal(2, 1.5)), 2),
            "p95_ms": round(float(rng.lognormal(3.5, 1.5)), 2),
            "x": float(places[number][0]),
            "y": float(places[number][1]),
            "z": float(places[number][2]),
            "positioned": "computed",
        }
        for number, group in enumerate(groups)
    ]


def _edges(nodes: list[dict[str, Any]], pairs: list[tuple[int, int]]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(12)
    return [
        {
            "source": nodes[one]["id"],
            "target": nodes[other]["id"],
            "kind": "data",
            "calls": int(rng.pareto(1.5) * 50) + 1,
            "errors": 0,
            "p50_ms": round(float(rng.lognormal(2, 1.8)), 2),
            "p95_ms": None,
            "strength": float(rng.random()),
            "evidence": "measured",
        }
        for one, other in pairs
    ]


def _plain(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> dict[str, Any]:
    """Places, ends and colours: what the peers draw."""
    hues = squad_colors("dark", (node["group"] for node in nodes))
    line = color("dark", LATENCY_STEPS[2])
    return {
        "nodes": [
            {"id": node["id"], **{axis: round(node[axis], 3) for axis in "xyz"}, "color": hues[node["group"]]}
            for node in nodes
        ],
        "links": [{"source": edge["source"], "target": edge["target"], "color": line} for edge in edges],
    }


def _as_arrays(figure: dict[str, Any]) -> dict[str, Any]:
    """The same figure as Plotly's serialiser packs it best: places as float32 arrays, gaps as NaN, steps as bytes."""
    return {
        "data": [_array_trace(trace) for trace in figure["data"]],
        "layout": {name: value for name, value in figure["layout"].items() if name != "template"},
    }


def _array_trace(trace: dict[str, Any]) -> dict[str, Any]:
    places = {axis: np.array(trace[axis], dtype=np.float32) for axis in "xyz" if axis in trace}
    steps = trace.get("line", {}).get("color")
    if isinstance(steps, list):
        return trace | places | {"line": trace["line"] | {"color": np.array(steps, dtype=np.uint8)}}
    return trace | places
