"""The agents of the neural map: points, rings in the squad's colour, and what the browser writes and draws round
them.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from components.figures.network_words import (
    GROUP_LENGTH,
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
from components.figures.space import Points
from components.format import number
from components.theme import color
from i18n import t

SMALLEST, LARGEST = 6.0, 18.0  # diameter of a node in px
MOST_LABELS = 40
MOST_HULLS = 30
NAME_LENGTH = 28
RING, NARROW_RING = 4.2, 3.0  # px by which a ring is wider than its agent, on a wide screen and a narrow one
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
    ]
    place = position_words(lang).get(str(node["positioned"]))
    return card(safe(node["name"]), [*lines, place] if place else lines)


def words_of(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    hubs: Mapping[str, str],
    colors: Mapping[str, str],
    selected: str | None,
    lit: tuple[str, str] | None,
    *,
    theme: str,
    margin: float | None,
    ring: float,
) -> dict[str, Any]:
    """What the browser writes beside the marks, as far as there is room: squads, hubs, the chosen and its neighbours,
    and what it draws under them: hulls round squads, rings round agents.

    Rows count the agents' trace; `first` are the rows named before all others.
    margin: how far a hull keeps from its agents, in the unit of the places; None for no hulls
    ring: by how many px the ring in the squad's colour is wider than an agent; 0 for none. Failing agents have a
    diamond-shaped one in the error colour, always.
    """
    rows, at = by_group(nodes), {str(node["id"]): row for row, node in enumerate(nodes)}
    chosen = [name for name in (selected, *(lit or ())) if name in at]
    touching = [
        str(edge[other])
        for edge in edges
        for end, other in (("source", "target"), ("target", "source"))
        if str(edge[end]) == selected
    ]
    first = list(dict.fromkeys([*chosen, *touching, *hubs.values()]))[: MOST_LABELS // 2]
    groups = list(group_sizes(nodes).items())[: MOST_LABELS // 2]
    return {
        "squads": [
            {
                "text": label(group, GROUP_LENGTH),
                "count": size,
                "color": colors[group],
                "rows": rows[group],
                "hull": margin is not None and place < MOST_HULLS,
            }
            for place, (group, size) in enumerate(groups)
        ],
        "margin": 0.0 if margin is None else round(margin, 4),
        "ring": ring if len(nodes) <= MOST_RINGS else 0,
        "failing": [row for row, node in enumerate(nodes) if str(node["state"]) == "failing"],
        "error": color(theme, "error"),
        "names": [label(node["name"], NAME_LENGTH) for node in nodes],
        "first": [at[name] for name in first],
        "chosen": [at[name] for name in chosen],
    }


def traffic_of(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, int]:
    """Calls in and out by agent, of the connections that are shown; measured ones only."""
    traffic = {str(node["id"]): 0 for node in nodes}
    for edge in edges:
        for end in ("source", "target"):
            traffic[str(edge[end])] += int(edge["calls"] or 0)
    return traffic


def sizes_of(
    traffic: Mapping[str, int], hubs: Mapping[str, str], room: float, factor: float = 1.0
) -> list[float]:
    """Diameters in px by the square root of the calls; hubs a third larger, nobody too small to hit.

    room: px between neighbours when the whole map is seen; where it is scarce the largest become smaller.
    """
    most = max(traffic.values(), default=0)
    least = float(np.clip(0.28 * room, SMALLEST, 8.0))
    largest = float(np.clip(0.55 * room, 1.6 * least, LARGEST))
    busiest = set(hubs.values())
    sizes = []
    for name, calls in traffic.items():
        size = least + (largest - least) * sqrt(calls / most) if calls else least
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
