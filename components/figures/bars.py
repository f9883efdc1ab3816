"""Bars of counted rows: by category, and over time. The rows are drawn as they come; nothing is re-counted here."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import plotly.graph_objects as go

from components.figures.style import amount_words, axis, base_layout
from components.format import calendar_day, moment
from components.measured import MeasuredSeries, require
from components.theme import color
from i18n import declared, t

LONGEST_LABEL = 28
FEWEST = 4  # bars stay thin where there are fewer
FEW_DAYS = 8


def category_bars(series: MeasuredSeries, lang: str, theme: str) -> go.Figure:
    """One horizontal bar per row, the first on top. Rows hold `label` (None is unknown) and `value` or `count`."""
    require(series, MeasuredSeries, "series")
    words = [label_words(row.get("label"), lang) for row in series.rows]
    values = [amount(row) for row in series.rows]
    unit = declared(series.unit, lang)
    hover = [
        f"{escaped(word)}<br>{amount_words(value, series.unit, lang)}"
        for word, value in zip(words, values, strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            y=list(range(len(words))),
            x=values,
            orientation="h",
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
            marker={"color": color(theme, "chart"), "line": {"width": 0}, "cornerradius": 2},
        )
    )
    ticks = {"tickvals": list(range(len(words))), "ticktext": [escaped(_short(word)) for word in words]}
    figure.update_layout(
        base_layout(theme, lang) | {"margin": {"l": 12, "r": 16, "t": 8, "b": 46}},
        yaxis=axis(theme, "", range=[max(len(words), FEWEST) - 0.5, -0.5], showgrid=False, ticks="", **ticks),
        xaxis=axis(theme, unit.capitalize(), rangemode="tozero", **_whole(values)),
    )
    return figure


def time_bars(series: MeasuredSeries, lang: str, theme: str) -> go.Figure:
    """One bar per row over time. Rows hold `at` (ISO 8601 text) and `value` or `count`; a missing row is a gap."""
    require(series, MeasuredSeries, "series")
    values = [amount(row) for row in series.rows]
    moments = [str(row["at"]) for row in series.rows]
    figure = go.Figure(
        go.Bar(
            x=moments,
            y=values,
            hovertext=[
                f"{_when(at, lang)}<br>{amount_words(value, series.unit, lang)}"
                for at, value in zip(moments, values, strict=True)
            ],
            marker={"color": color(theme, "chart"), "line": {"width": 0}},
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.update_layout(
        base_layout(theme, lang) | {"margin": {"l": 52, "r": 16, "t": 8, "b": 46}},
        xaxis=axis(theme, t("Time (UTC)", lang), showgrid=False, **_days(moments)),
        yaxis=axis(theme, declared(series.unit, lang).capitalize(), rangemode="tozero", **_whole(values)),
    )
    return figure


def amount(row: Any) -> float:
    """What a row counts or adds up to."""
    return row["value"] if row.get("value") is not None else row["count"]  # type: ignore[no-any-return]


def label_words(label: Any, lang: str) -> str:
    """A label in words: text out of a fixed set is translated, a missing one is said to be so."""
    return t("unknown", lang) if label in (None, "") else declared(str(label), lang)


def escaped(text: str) -> str:
    """Text as Plotly draws it without reading tags or placeholders in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "%\u200b{")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def _when(at: str, lang: str) -> str:
    """A row's day, or its instant in UTC."""
    if len(at) == len("2022-08-22"):
        return calendar_day(date.fromisoformat(at), lang)
    return moment(datetime.fromisoformat(at), lang, "UTC")


def _days(moments: Sequence[str]) -> dict[str, Any]:
    """No ticks of hours between the bars of a few days; the library's own steps fit all else."""
    if not moments or any(len(moment) != len("2022-08-22") for moment in moments):
        return {}
    first, last = (date.fromisoformat(end(moments)) for end in (min, max))
    return {"dtick": 86_400_000} if (last - first).days < FEW_DAYS else {}


def _whole(values: Sequence[float]) -> dict[str, Any]:
    most = max(values, default=0)
    return {"range": [0, max(most, 1) * 1.08]} | ({"dtick": 1} if most <= 5 else {"nticks": 6})
