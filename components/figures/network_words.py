"""What the neural map's figure and legend share: what a node and an edge are, states and steps, texts made safe."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from components.figures.space import Points
from components.format import by_unit
from i18n import t

Node = Mapping[str, Any]
Edge = Mapping[str, Any]
Trace = dict[str, Any]

STATES = ("unknown", "observed", "operational", "failing")
STATE_TOKENS = {"unknown": "unknown", "observed": "busy", "operational": "ok", "failing": "error"}
# Not by colour alone: each state has its own shape as well.
STATE_SYMBOLS = {"unknown": "circle", "observed": "circle", "operational": "circle", "failing": "diamond"}
LATENCY_LIMITS_MS = (1, 10, 100, 1000)  # fixed, so that a colour means the same today and tomorrow
_NAME_LENGTH = 48
GROUP_LENGTH = 30  # of a squad's or source's name beside the marks


def placed(nodes: Sequence[Node]) -> list[Node]:
    """The nodes that have a place."""
    return [node for node in nodes if None not in (node["x"], node["y"], node["z"])]


def latency_step(p50_ms: float | None) -> int | None:
    """0 for the quickest step to 4 for the slowest; None where nothing was measured."""
    return None if p50_ms is None else sum(p50_ms >= limit for limit in LATENCY_LIMITS_MS)


def group_sizes(nodes: Sequence[Node]) -> dict[str, int]:
    """How many agents each group has, largest first, then by name."""
    return dict(
        sorted(Counter(str(node["group"]) for node in nodes).items(), key=lambda pair: (-pair[1], pair[0]))
    )


def plain(text: object, length: int = _NAME_LENGTH) -> str:
    """A name on one line, cut to a length that leaves room for others."""
    line = " ".join(str(text)[: 4 * length].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def safe(text: object, length: int = _NAME_LENGTH) -> str:
    """A name that Plotly shows as it is: it reads tags, entities and %{...} in texts otherwise."""
    return escape(plain(text, length)).replace("%", "&#37;").replace("{", "&#123;").replace("}", "&#125;")


def label(text: object, length: int) -> str:
    """A name for text drawn inside the scene, where tags are read."""
    return plain(text, length).replace("<", "‹").replace(">", "›")


def card(heading: str, lines: Sequence[str]) -> str:
    return "<br>".join([heading, *lines])


def latency_line(row: Mapping[str, Any], lang: str) -> str:
    return f"p50 {by_unit(row['p50_ms'], 'ms', lang)} · p95 {by_unit(row['p95_ms'], 'ms', lang)}"


def state_words(lang: str) -> dict[str, str]:
    """The states in words."""
    return {
        "operational": t("Operational", lang),
        "failing": t("Failing", lang),
        "observed": t("Observed", lang),
        "unknown": t("No signal recorded", lang),
    }


def position_words(lang: str) -> dict[str, str]:
    return {
        "measured": t("Position measured", lang),
        "computed": t("Position computed", lang),
        "placed": t("Position set by hand", lang),
    }


def columns(points: Points) -> dict[str, list[float]]:
    rounded = np.round(points, 3)
    return {axis: rounded[:, at].tolist() for at, axis in enumerate("xyz")}


def by_group(nodes: Sequence[Node]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, node in enumerate(nodes):
        rows[str(node["group"])].append(row)
    return dict(sorted(rows.items()))
