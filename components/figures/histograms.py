"""Histograms of measured series; the bins are the ones the series was counted in, nothing is re-binned here."""

from collections.abc import Callable, Mapping
from math import ceil, floor, log10
from typing import Any

import plotly.graph_objects as go

from components.figures.style import amount_words, axis, base_layout
from components.format import by_unit, number
from components.measured import Measured, MeasuredSeries, require
from components.theme import color
from i18n import declared, t, tn

OPEN_WIDTH = 0.3  # of a decade: how wide a bin without a lower or upper end is drawn


def efficiency_histogram(
    series: MeasuredSeries,
    unmeasured: Measured | None,
    lang: str,
    theme: str,
    leads: Callable[[Mapping[str, Any]], str] | None = None,
) -> go.Figure:
    """Agents by efficiency from 0 to 100 percent; those without a known outcome are counted beside it, never as 0.

    Rows hold `low` and `high` in percent and `count`; a bin without a row counts none. `leads` gives the address that a
    click on a row's bar goes to (assets/bars.js).
    """
    require(series, MeasuredSeries, "series")
    edges = [(float(row["low"]), float(row["high"])) for row in series.rows]
    counts = [int(row["count"]) for row in series.rows]
    hover = [
        f"{number(low, lang)}–{number(high, lang)} %<br>{_agents(count, lang)}"
        for (low, high), count in zip(edges, counts, strict=True)
    ]
    figure = go.Figure(_bars(edges, counts, hover, theme))
    if leads is not None:
        ask = t("Click the bar to see them.", lang)
        figure.update_traces(
            customdata=[leads(row) for row in series.rows], hovertext=[f"{words}<br>{ask}" for words in hover]
        )
    top = 34 if unmeasured is not None else 12
    figure.update_layout(
        base_layout(theme, lang) | {"margin": {"l": 52, "r": 12, "t": top, "b": 46}},
        xaxis=axis(theme, t("Efficiency of an agent (%)", lang), range=[0, 100], dtick=20, showgrid=False),
        yaxis=_counts(theme, t("Agents", lang), counts),
    )
    if unmeasured is not None:
        _beside(figure, require(unmeasured, Measured, "unmeasured"), lang, theme)
    return figure


def latency_histogram(
    series: MeasuredSeries, lang: str, theme: str, marks: Mapping[str, Measured] | None = None
) -> go.Figure:
    """Durations on a logarithmic axis; `marks` names readings in ms to draw as lines: {"p50": …}.

    Rows hold `low_ms` (0 in the first bin), `high_ms` (None in an open last bin) and `count`.
    """
    require(series, MeasuredSeries, "series")
    counted = declared(series.unit, lang)
    edges = [_logs(row["low_ms"], row["high_ms"]) for row in series.rows]
    counts = [int(row["count"]) for row in series.rows]
    hover = [
        f"{range_words(row['low_ms'], row['high_ms'], lang)}<br>{amount_words(count, series.unit, lang)}"
        for row, count in zip(series.rows, counts, strict=True)
    ]
    figure = go.Figure(_bars(edges, counts, hover, theme))
    figure.update_layout(
        base_layout(theme, lang),
        xaxis=axis(theme, t("Duration (ms, logarithmic)", lang), showgrid=False, **_decades(edges, lang)),
        yaxis=_counts(theme, counted.capitalize(), counts),
    )
    for level, (name, reading) in enumerate((marks or {}).items()):
        _mark(figure, name, require(reading, Measured, f"marks[{name!r}]"), level % 2, lang, theme)
    return figure


def range_words(low: float | None, high: float | None, lang: str) -> str:
    """A bin of durations in words: "under 0.1 ms", "2 – 5 ms", "10,000 ms and more"."""
    if high is None:
        return t("{limit} and more", lang, limit=f"{number(low, lang)} ms")
    if not low:
        return t("under {limit}", lang, limit=f"{number(high, lang)} ms")
    return f"{number(low, lang)} – {number(high, lang)} ms"


def _agents(count: int, lang: str) -> str:
    return tn("{count} agent", "{count} agents", count, lang, count=number(count, lang))


def _bars(edges: list[tuple[float, float]], counts: list[int], hover: list[str], theme: str) -> go.Bar:
    return go.Bar(
        x=[(low + high) / 2 for low, high in edges],
        y=counts,
        width=[(high - low) * 0.93 for low, high in edges],
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
        marker={"color": color(theme, "chart"), "line": {"width": 0}, "cornerradius": 2},
    )


def _counts(theme: str, title: str, counts: list[int]) -> dict[str, Any]:
    most = max(counts, default=0)
    whole = {"dtick": 1} if most <= 5 else {"nticks": 5}
    return axis(theme, title, rangemode="tozero", tickformat=",d", range=[0, max(most, 1) * 1.12], **whole)


def _logs(low: float | None, high: float | None) -> tuple[float, float]:
    """The bin's ends as powers of ten."""
    if high is None:
        return log10(low or 1), log10(low or 1) + OPEN_WIDTH
    return (log10(low) if low else log10(high) - OPEN_WIDTH), log10(high)


def _decades(edges: list[tuple[float, float]], lang: str) -> dict[str, Any]:
    """Ticks at whole powers of ten of a millisecond, which the axis names; level, so that narrow screens cut none."""
    if not edges:
        return {"range": [0, 3]}
    powers = range(floor(edges[0][0]), ceil(edges[-1][1]) + 1)
    shown = [edges[0][0] - 0.1, edges[-1][1] + 0.1]
    words = [_power(power, lang) for power in powers]
    return {"tickvals": list(powers), "ticktext": words, "tickangle": 0, "range": shown}


def _power(power: int, lang: str) -> str:
    return number(10**power, lang) if power >= 0 else number(10.0**power, lang, -power)


def _beside(figure: go.Figure, unmeasured: Measured, lang: str, theme: str) -> None:
    if not unmeasured.value:
        return
    many = int(unmeasured.value)
    shown = number(many, lang)
    words = tn("{count} agent unmeasured", "{count} agents unmeasured", many, lang, count=shown)
    figure.add_annotation(
        text="+ " + words, x=1, y=1, xref="paper", yref="paper", xanchor="right", yanchor="bottom", yshift=8,
        showarrow=False, font={"color": color(theme, "muted")},
    )  # fmt: skip


def _mark(figure: go.Figure, name: str, reading: Measured, level: int, lang: str, theme: str) -> None:
    """A line at the reading, unless it is unknown: then there is nothing to draw."""
    if reading.value is None or reading.value <= 0:
        return
    place = log10(reading.value)
    figure.add_vline(x=place, line={"color": color(theme, "text"), "width": 1, "dash": "dot"})
    figure.add_annotation(
        text=f"{name} {by_unit(reading.value, 'ms', lang)}", x=place, y=1, yref="paper", yanchor="bottom",
        xanchor="center", yshift=1 + 15 * level, showarrow=False, font={"size": 11.5, "color": color(theme, "text")},
    )  # fmt: skip
