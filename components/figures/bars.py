"""Bars of counted rows: by category, and over time. The rows are drawn as they come; nothing is re-counted here."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import plotly.graph_objects as go

from components.figures.style import amount_words, axis, base_layout, short_month
from components.format import calendar_day, moment
from components.measured import MeasuredSeries, require
from components.theme import color
from i18n import declared, t

LONGEST_LABEL = 28
FEWEST = 4  # bars stay thin where there are fewer
FEW_DAYS = 8
FEWEST_DAYS = 7  # bars of days stay thin where there are fewer
DAY_BAR = 0.8 * 86_400_000  # milliseconds of the axis


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
                f"{when(at, lang)}<br>{amount_words(value, series.unit, lang)}"
                for at, value in zip(moments, values, strict=True)
            ],
            width=DAY_BAR if _few(moments) else None,
            marker={"color": color(theme, "chart"), "line": {"width": 0}},
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.update_layout(
        base_layout(theme, lang) | {"margin": {"l": 52, "r": 16, "t": 8, "b": 46}},
        xaxis=axis(theme, time_words(moments, lang), showgrid=False, **_days(moments, lang)),
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


def time_words(moments: Sequence[str], lang: str) -> str:
    """What the rows' moments are, and in which zone: days or instants."""
    return t("Day (UTC)", lang) if moments and all(map(is_day, moments)) else t("Time (UTC)", lang)


def when(at: str, lang: str) -> str:
    """A row's day, or its instant in UTC."""
    if is_day(at):
        return calendar_day(date.fromisoformat(at), lang)
    return moment(datetime.fromisoformat(at), lang, "UTC")


def is_day(at: str) -> bool:
    """True for a day, false for an instant."""
    return len(at) == len("2022-08-22")


def _few(moments: Sequence[str]) -> bool:
    """True where the rows are of few days."""
    return bool(moments) and all(map(is_day, moments)) and len(_span(moments)) <= FEW_DAYS


def _span(moments: Sequence[str]) -> list[date]:
    """Every day from the first to the last, those without a row too."""
    first, last = (date.fromisoformat(end(moments)) for end in (min, max))
    return [first + timedelta(days=place) for place in range((last - first).days + 1)]


def _days(moments: Sequence[str], lang: str) -> dict[str, Any]:
    """A few days: bars no wider than among a week's, each under its day. The library's own steps fit all else."""
    if not _few(moments):
        return {}
    days = _span(moments)
    middle = datetime.combine(days[0], time()) + (days[-1] - days[0]) / 2
    half = timedelta(days=max(len(days), FEWEST_DAYS)) / 2
    return {
        "range": [(middle - half).isoformat(), (middle + half).isoformat()],
        "tickvals": [each.isoformat() for each in days],
        "ticktext": _day_words(days, lang),
        "tickangle": 0,
    }


def _day_words(days: Sequence[date], lang: str) -> list[str]:
    """One day by its date; of several only the first of each month says more than its number, to fit a phone."""
    if len(days) == 1:
        return [calendar_day(days[0], lang)]
    month = {
        each: f"{each.day} {short_month(each, lang)}"
        for each in days
        if each in (days[0], each.replace(day=1))
    }
    year = {each: f"{month[each]}<br>{each.year}" for each in month if each == days[0] or each.month == 1}
    return [year.get(each, month.get(each, str(each.day))) for each in days]


def _whole(values: Sequence[float]) -> dict[str, Any]:
    most = max(values, default=0)
    return {"range": [0, max(most, 1) * 1.08]} | ({"dtick": 1} if most <= 5 else {"nticks": 6})
