"""Bars over slots of time of one width: an empty slot shows as empty, and the axis is the range that was asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import plotly.graph_objects as go

from components.figures.bars import amount
from components.figures.style import amount_words, axis, base_layout
from components.format import moment, number
from components.measured import MeasuredSeries, require
from components.theme import color
from i18n import declared, t

FEW_SLOTS = 6  # the least that an axis without a range of its own shows, so that one bar is no wall


class _Range(Protocol):
    start: datetime | None
    end: datetime | None


def slot_bars(series: MeasuredSeries, lang: str, theme: str) -> go.Figure:
    """One bar per row. Rows hold `at` (the slot's start in UTC), `seconds` (its width), and `value` or `count`."""
    require(series, MeasuredSeries, "series")
    starts = [datetime.fromisoformat(str(row["at"])).replace(tzinfo=UTC) for row in series.rows]
    widths = [timedelta(seconds=int(row["seconds"])) for row in series.rows]
    unit = declared(series.unit, lang)
    hover = [
        f"{moment(start, lang, 'UTC')}<br>{amount_words(amount(row), series.unit, lang)}"
        + (f"<br>n = {number(int(row['count']), lang)}" if "value" in row else "")
        for start, row in zip(starts, series.rows, strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            x=[_plain(start) for start in starts],
            y=[amount(row) for row in series.rows],
            width=[width.total_seconds() * 1000 for width in widths],
            offset=0,
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
            marker={"color": color(theme, "chart"), "line": {"width": 0}},
        )
    )
    words = unit if series.unit == "ms" else unit.capitalize()
    figure.update_layout(
        base_layout(theme, lang) | {"margin": {"l": 52, "r": 16, "t": 8, "b": 46}},
        xaxis=axis(theme, t("Time (UTC)", lang), showgrid=False, type="date", range=_range(series, starts, widths)),
        yaxis=axis(theme, words, rangemode="tozero", nticks=6),
    )  # fmt: skip
    return figure


def window_range(series: MeasuredSeries) -> list[str] | None:
    """The axis of rows that hold `at` and `seconds`."""
    starts = [datetime.fromisoformat(str(row["at"])).replace(tzinfo=UTC) for row in series.rows]
    return _range(series, starts, [timedelta(seconds=int(row["seconds"])) for row in series.rows])


def _range(series: Any, starts: list[datetime], widths: list[timedelta]) -> list[str] | None:
    """The window asked for; of all time, from the first slot to the last and some room beside few of them."""
    window: _Range | None = series.window
    if window is not None and window.start and window.end:
        return [_plain(window.start), _plain(window.end)]
    if not starts:
        return None
    first, last = min(starts), max(starts) + widths[-1]
    return [_plain(min(first, last - FEW_SLOTS * widths[-1])), _plain(last)]


def _plain(moment: datetime) -> str:
    """Plotly reads dates without a zone; all of them are UTC here."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
