"""Bars over slots of time, stacked by level, the worst at the foot, where two errors among a thousand lines show."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go
from dash import html

from components.figures.slots import window_range
from components.figures.style import amount_words, axis, base_layout
from components.format import moment
from components.measured import MeasuredSeries, require
from components.theme import color
from i18n import declared, t

WORST_FIRST = ("critical", "error", "warning", "info", "debug")
_TINTS = {"critical": "error", "error": "error", "warning": "warn", "info": "chart", "debug": "idle"}
_PATTERNS = {"critical": "x", "error": "\\", "warning": "/", "debug": "."}  # colour alone tells nothing


def level_bars(series: MeasuredSeries, lang: str, theme: str) -> go.Figure:
    """One stack per slot. Rows hold `at` (the slot's start in UTC), `seconds`, `label` (the level) and `count`."""
    require(series, MeasuredSeries, "series")
    figure = go.Figure([_bars(series, level, lang, theme) for level in levels_in(series)])
    figure.update_layout(
        base_layout(theme, lang) | {"margin": {"l": 52, "r": 16, "t": 8, "b": 46}},
        barmode="stack",
        xaxis=axis(theme, t("Time (UTC)", lang), showgrid=False, type="date", range=window_range(series)),
        yaxis=axis(theme, declared(series.unit, lang).capitalize(), rangemode="tozero", nticks=6),
    )
    return figure


def levels_in(series: MeasuredSeries) -> list[str]:
    """The levels that occur, the worst first."""
    there = {str(row["label"]) for row in series.rows}
    return [level for level in WORST_FIRST if level in there]


def level_legend(series: MeasuredSeries, lang: str) -> html.Ul:
    """The levels that occur, each with its colour and pattern."""
    items = [
        html.Li([html.Span(className=f"level-key is-{each}"), level_word(each, lang)])
        for each in levels_in(series)
    ]
    return html.Ul(items, className="line-legend")


def level_word(level: str, lang: str) -> str:
    """A level in one word."""
    words = {
        "debug": t("debug", lang),
        "info": t("info", lang),
        "warning": t("warning", lang),
        "error": t("error", lang),
        "critical": t("critical", lang),
    }
    return words.get(level, level)


def level_mark(level: str, lang: str) -> html.Span:
    """A level as its mark and its word."""
    return html.Span(
        [html.Span(className=f"level-key is-{level}"), level_word(level, lang)], className="level nowrap"
    )


def _bars(series: MeasuredSeries, level: str, lang: str, theme: str) -> go.Bar:
    rows = [row for row in series.rows if row["label"] == level]
    return go.Bar(
        x=[str(row["at"]) for row in rows],
        y=[row["count"] for row in rows],
        width=[int(row["seconds"]) * 1000 for row in rows],
        offset=0,
        hovertext=[_hover(row, series.unit, level, lang) for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "color": color(theme, _TINTS[level]),
            "line": {"width": 0},
            "pattern": {
                "shape": _PATTERNS.get(level, ""),
                "size": 5,
                "solidity": 0.35,
                "fgcolor": color(theme, "bg"),
            },
        },
    )


def _hover(row: Mapping[str, Any], unit: str, level: str, lang: str) -> str:
    at = datetime.fromisoformat(str(row["at"])).replace(tzinfo=UTC)
    return f"{moment(at, lang, 'UTC')}<br>{level_word(level, lang)}: {amount_words(row['count'], unit, lang)}"
