"""Lines of values over time, with what is known to have happened then. Where nothing was recorded nothing is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import plotly.graph_objects as go
from dash import html

from components.figures.bars import escaped
from components.figures.style import axis, base_layout
from components.format import moment, number, split_unit
from components.measured import MeasuredSeries, require
from components.theme import color, translucent
from i18n import t

COLORS = ("chart", "squad-2", "squad-3", "squad-4", "warn", "squad-1")
DASHES = ("solid", "dot")  # a second round of colours is dotted, so that no two lines look alike
GAP = 2.5  # times the usual distance; a longer one breaks the line
BANDS = 3  # of more series the bands would hide each other
NAMED_APART, NUMBERED_APART = 0.045, 0.016  # shares of the chart's width between two labels
ROW = 12  # pixels
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One series as it is drawn."""

    name: str
    color: str
    dash: str
    rows: list[Row]


def lines_of(series: MeasuredSeries, theme: str) -> list[Line]:
    """The lines of a chart in their colours: by source, and by metric too where there are several."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in series.rows:
        found.setdefault((row["metric"], row["source"]), []).append(row)
    metrics = {metric for metric, _ in found}
    lines = []
    for place, ((metric, source), rows) in enumerate(sorted(found.items())):
        name = source if source and len(metrics) == 1 else " · ".join(filter(None, (metric, source)))
        tint = color(theme, COLORS[place % len(COLORS)])
        lines.append(Line(name, tint, DASHES[place // len(COLORS) % len(DASHES)], rows))
    return lines


def time_lines(series: MeasuredSeries, unit: str, marks: Sequence[Row], lang: str, theme: str) -> go.Figure:
    """One line per series. Rows hold `at`, `seconds`, `metric`, `source`, `value`, `least`, `most` and `count`; marks
    hold `starts_at`, `ends_at` and `label`."""
    require(series, MeasuredSeries, "series")
    figure = go.Figure()
    lines = lines_of(series, theme)
    for line in lines if len(lines) <= BANDS else ():
        figure.add_trace(_band(line))
    for line in lines:
        figure.add_trace(_line(line, unit, lang))
    start, end = _ends(series)
    values = [row["least"] for row in series.rows if row["least"] is not None]
    rises = {"rangemode": "tozero"} if values and min(values) >= 0 else {}
    figure.update_layout(
        base_layout(theme, lang) | {"margin": {"l": 52, "r": 16, "t": 32, "b": 46}, "hovermode": "closest"},
        barmode="overlay",
        xaxis=axis(
            theme, t("Time (UTC)", lang), showgrid=False, type="date", range=[_plain(start), _plain(end)]
        ),
        yaxis=axis(theme, escaped(unit) or t("Value (no unit told)", lang), nticks=6, **rises),
        shapes=[_shape(mark, start, end, theme) for mark in marks],
        annotations=_labels(marks, start, end, theme),
    )
    return figure


def legend(series: MeasuredSeries, theme: str) -> html.Ul | None:
    """Which line is whose, where there are several."""
    lines = lines_of(series, theme)
    if len(lines) < 2:
        return None
    items = [html.Li([_key(line), line.name]) for line in lines]
    return html.Ul(items, className="line-legend")


def _key(line: Line) -> html.Span:
    style = "solid" if line.dash == "solid" else "dotted"
    return html.Span(className="line-key", style={"borderTop": f"3px {style} {line.color}"})


def _line(line: Line, unit: str, lang: str) -> go.Scatter:
    moments: list[str] = []
    values: list[float | None] = []
    words: list[str] = []
    apart = _usual(line.rows) * GAP
    before: datetime | None = None
    for row in line.rows:
        at, width = _at(row), timedelta(seconds=int(row["seconds"]))
        if before is not None and (at - before > apart or row["value"] is None):
            moments.append(_plain(before + width))
            values.append(None)
            words.append("")
        if row["value"] is None:
            before = None
            continue
        moments.append(_plain(at + width / 2))
        values.append(row["value"])
        words.append(_hover(line, row, unit, lang))
        before = at
    alone = _alone(values)
    return go.Scatter(
        x=moments,
        y=values,
        mode="lines+markers",
        connectgaps=False,
        line={"color": line.color, "width": 1.6, "dash": line.dash},
        marker={"color": line.color, "size": [4 if each else 0 for each in alone]},
        hovertext=words,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _alone(values: Sequence[float | None]) -> list[bool]:
    """Which values have no neighbour to draw a line to: they are drawn as points."""
    padded = [None, *values, None]
    return [
        each is not None and padded[place] is None and padded[place + 2] is None
        for place, each in enumerate(values)
    ]


def _usual(rows: Sequence[Row]) -> timedelta:
    """The usual distance between two recorded stretches."""
    starts = [_at(row) for row in rows if row["value"] is not None]
    distances = [(later - sooner).total_seconds() for sooner, later in zip(starts, starts[1:], strict=False)]
    least = float(rows[0]["seconds"]) if rows else 1.0
    return timedelta(seconds=max(least, median(distances) if distances else 0.0))


def _band(line: Line) -> go.Bar:
    """From the least to the largest value of each stretch."""
    rows = [row for row in line.rows if row["value"] is not None]
    return go.Bar(
        x=[_plain(_at(row)) for row in rows],
        base=[row["least"] for row in rows],
        y=[row["most"] - row["least"] for row in rows],
        width=[int(row["seconds"]) * 1000 for row in rows],
        offset=0,
        marker={"color": translucent(line.color, 0.22), "line": {"width": 0}},
        hoverinfo="skip",
    )


def _hover(line: Line, row: Row, unit: str, lang: str) -> str:
    def words(value: float) -> str:
        return " ".join(filter(None, (split_unit(value, "of the series", lang)[0], unit)))

    told = [moment(_at(row), lang, "UTC"), escaped(line.name), f"<b>{escaped(words(row['value']))}</b>"]
    if row["count"] > 1:
        spread = f"{words(row['least'])} – {words(row['most'])}"
        told.append(f"n = {number(int(row['count']), lang)}: {escaped(spread)}")
    return "<br>".join(told)


def _shape(mark: Row, start: datetime, end: datetime, theme: str) -> dict[str, Any]:
    """A shaded band; an instant, and what nobody said the length of, is a line."""
    tint = color(theme, "error")
    begin = max(start, mark["starts_at"])
    shared = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1, "x0": _plain(begin), "layer": "below"}
    if mark["ends_at"] is None:
        line = {"color": translucent(tint, 0.85), "width": 1.2, "dash": "dash"}
        return {"type": "line", "x1": shared["x0"], "line": line} | shared
    fill = {"fillcolor": translucent(tint, 0.16), "line": {"color": translucent(tint, 0.6), "width": 1}}
    return {"type": "rect", "x1": _plain(min(end, mark["ends_at"]))} | fill | shared


def _labels(marks: Sequence[Row], start: datetime, end: datetime, theme: str) -> list[dict[str, Any]]:
    """Each mark's number, as in the table beneath; with its name where there is room for names. Of numbers that would
    lie over each other, the first stands."""
    length = (end - start) / timedelta(seconds=1) or 1.0
    places = [(max(start, mark["starts_at"]) - start) / timedelta(seconds=1) / length for mark in marks]
    apart = min((later - sooner for sooner, later in zip(places, places[1:], strict=False)), default=1.0)
    named = apart >= NAMED_APART
    shown: list[dict[str, Any]] = []
    reached = -1.0
    for place, (share, mark) in enumerate(zip(places, marks, strict=True), 1):
        if share - reached < NUMBERED_APART:
            continue
        reached = share
        beside = {"y": 1, "yanchor": "top", "textangle": -90, "xanchor": "left"}
        above = {
            "y": 1,
            "yanchor": "bottom",
            "yshift": ROW * (len(shown) % 2),
        }  # two rows: numbers are near each other
        where = beside if named else above
        words = f"{place} {escaped(str(mark['label']))}" if named else str(place)
        tint = {"size": 11, "color": color(theme, "error")}
        shown.append(
            {
                "x": _plain(max(start, mark["starts_at"])),
                "yref": "paper",
                "text": words,
                "showarrow": False,
                "bgcolor": translucent(color(theme, "surface"), 0.72),
                "font": tint,
            }
            | where
        )
    return shown


def _ends(series: MeasuredSeries) -> tuple[datetime, datetime]:
    """The window; of all time, from the first stretch to the last."""
    window = series.window
    if window is not None and window.start and window.end:
        return window.start, window.end
    starts = [_at(row) for row in series.rows] or [series.measured_at]
    return min(starts), max(starts) + timedelta(seconds=int(series.rows[-1]["seconds"]) if series.rows else 1)


def _at(row: Row) -> datetime:
    return datetime.fromisoformat(str(row["at"])).replace(tzinfo=UTC)


def _plain(moment: datetime) -> str:
    """Plotly reads dates without a zone; all of them are UTC here."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
