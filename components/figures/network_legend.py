"""What the marks of the neural map mean, in words: beside the colours, never instead of them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from dash import html
from dash.development.base_component import Component

from components.attributes import attributes
from components.figures.network_words import (
    GROUP_LENGTH,
    LATENCY_LIMITS_MS,
    STATE_TOKENS,
    Edge,
    Node,
    group_sizes,
    label,
    latency_step,
    placed,
    plain,
    state_words,
)
from components.format import number
from components.measured import unmeasured
from components.theme import LATENCY_STEPS, color, squad_colors
from i18n import t, tn

MOST_GROUPS = 8


def network_legend(
    nodes: Sequence[Node], edges: Sequence[Edge], lang: str, theme: str, frame: Sequence[Node] | None = None
) -> html.Div:
    """States with counts, latency steps, size, kinds of evidence and squads, for these nodes and edges.

    frame: all agents, when `nodes` are a filtered part of them, as for the figure.
    """
    colors = squad_colors(theme, (str(node["group"]) for node in placed(nodes if frame is None else frame)))
    sections: list[tuple[str, Sequence[Component]]] = [
        (t("State", lang), _states(nodes, lang, theme)),
        (t("Latency p50", lang), _latencies(edges, lang, theme)),
        (t("Connections", lang), _evidence(edges, lang, theme)),
        (t("Size", lang), [html.Span(t("square root of the calls in and out", lang))]),
        (t("Position", lang), _positions(nodes, lang)),
        (t("Squad or source", lang), _groups(nodes, lang, colors)),
    ]
    rows = [
        html.Div([html.Dt(name), html.Dd(list(entries))], className="map-legend-row")
        for name, entries in sections
        if entries
    ]
    return html.Div(
        html.Dl(rows, className="map-legend frame"),
        role="group",
        **attributes({"aria-label": t("Legend of the map", lang)}, unmeasured("shown")),
    )


def _key(mark: str, hue: str, words: str) -> html.Span:
    return html.Span(
        [
            html.Span(className=f"map-key map-key-{mark}", style={"color": hue}),
            words,
        ],
        className="map-legend-entry",
    )


def _squad(group: str, size: int, hue: str, lang: str) -> html.Button:
    """A squad's key; a click brings the camera near it (assets/map.js)."""
    name = plain(group, 32)
    return html.Button(
        [
            html.Span(className="map-key map-key-ring", style={"color": hue}),
            f"{name}: {number(size, lang)}",
        ],
        type="button",
        className="map-legend-entry map-legend-squad",
        title=t("Fly to {name}", lang, name=name),
        disable_n_clicks=True,
        **attributes({"data-map-squad": label(group, GROUP_LENGTH)}),
    )


def _states(nodes: Sequence[Node], lang: str, theme: str) -> list[Component]:
    counts = Counter(str(node["state"]) for node in nodes)
    return [
        _key(state, color(theme, STATE_TOKENS[state]), f"{words}: {number(counts[state], lang)}")
        for state, words in state_words(lang).items()
    ]


def _latencies(edges: Sequence[Edge], lang: str, theme: str) -> list[Component]:
    measured = [edge for edge in edges if edge["evidence"] == "measured"]
    if not measured:
        return []
    limits = [number(limit, lang) for limit in LATENCY_LIMITS_MS]
    words = [
        t("under {limit} ms", lang, limit=limits[0]),
        *(f"{low}–{high} ms" for low, high in zip(limits, limits[1:], strict=False)),
        t("{limit} ms and more", lang, limit=limits[-1]),
    ]
    keys: list[Component] = [
        _key("line", color(theme, token), word) for token, word in zip(LATENCY_STEPS, words, strict=True)
    ]
    if any(latency_step(edge["p50_ms"]) is None for edge in measured):
        keys.append(_key("line", color(theme, "latency-unknown"), t("not measured", lang)))
    return keys


def _evidence(edges: Sequence[Edge], lang: str, theme: str) -> list[Component]:
    counts = Counter(str(edge["evidence"]) for edge in edges)
    told = {
        "measured": (t("from recorded calls; wider is stronger", lang), "latency-2"),
        "declared": (t("declared, no call recorded", lang), "faint"),
        "imported": (t("imported with a network", lang), "squad-none"),
    }
    keys: list[Component] = [
        _key(f"line map-key-{kind}", color(theme, token), f"{words}: {number(counts[kind], lang)}")
        for kind, (words, token) in told.items()
        if counts[kind]
    ]
    if keys:
        keys.append(html.Span(t("the dot on a line is nearer to the called agent", lang)))
    return keys or [html.Span(t("none recorded in this range", lang))]


def _groups(nodes: Sequence[Node], lang: str, colors: Mapping[str, str]) -> list[Component]:
    sizes = list(group_sizes(nodes).items())
    keys: list[Component] = [
        _squad(group, size, colors.get(group, "currentColor"), lang) for group, size in sizes[:MOST_GROUPS]
    ]
    rest = len(sizes) - MOST_GROUPS
    return [*keys, html.Span(tn("and {n} more", "and {n} more", rest, lang))] if rest > 0 else keys


def _positions(nodes: Sequence[Node], lang: str) -> list[Component]:
    counts = Counter(str(node["positioned"]) for node in placed(nodes))
    without = len(nodes) - sum(counts.values())
    told = {
        "computed": t("computed from squads and connections, nearness is no measurement", lang),
        "measured": t("measured, as in the imported file", lang),
        "placed": t("set by hand", lang),
    }
    texts = [f"{words}: {number(counts[kind], lang)}" for kind, words in told.items() if counts[kind]]
    if counts["measured"] and len(counts) > 1:
        texts.append(t("measured groups keep their shape and are scaled to stand beside the others", lang))
    if without:
        texts.append(tn("{n} agent has no place yet", "{n} agents have no place yet", without, lang))
    return [html.Span(text, className="map-legend-entry") for text in texts]
