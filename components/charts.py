"""A figure in its frame: title, what it says in words, and the same rows as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from dash import dcc, html

from components.attributes import attributes
from components.figures.histograms import range_words
from components.figures.style import config
from components.format import moment, number
from components.icons import icon
from components.measured import MeasuredSeries, beside, marks, require
from components.states import empty
from components.tables import Column
from i18n import declared, t

MOST_ROWS = 100
"""Rows of one chart's table: with a thousand the page stands still for a minute while the browser builds them."""


def chart_frame(
    series: MeasuredSeries,
    figure: go.Figure,
    lang: str,
    *,
    id: str,
    zone: str,
    note: Any = None,
    says: str | None = None,
    height: int = 260,
    columns: Sequence[Column] | None = None,
    provable: bool = True,
) -> html.Section:
    """A chart with its rows as a table beneath. `says` is the picture in words; `note` stands under the title.

    `columns` defaults to a histogram's two. The title opens the proof drawer, unless `provable` is False.
    """
    require(series, MeasuredSeries, "series")
    title = declared(series.title, lang)
    return html.Section(
        [
            html.Header(
                [_title(series, title, provable), html.P(note, className="frame-note") if note else None],
                className="frame-head",
            ),
            _drawing(series, figure, title, says, lang, id, height),
            html.Footer(
                [_at(series, lang, zone), _rows(series, columns or histogram_columns(series, lang), lang)],
                className="frame-foot",
            ),
        ],
        className="frame chart-frame",
        **attributes(beside(series)),
    )


def histogram_columns(series: MeasuredSeries, lang: str) -> list[Column]:
    """The bin in words and how many fell into it: what a histogram's rows say."""

    def words(row: Mapping[str, Any]) -> str:
        if "low_ms" in row:
            return range_words(row["low_ms"], row["high_ms"], lang)
        return f"{number(row['low'], lang)}–{number(row['high'], lang)} %"

    bins = (
        t("Duration", lang)
        if series.rows and "low_ms" in series.rows[0]
        else t("Efficiency of an agent (%)", lang)
    )
    counted = declared(series.unit, lang).capitalize()
    return [
        Column("low", bins, words),
        Column("count", counted, lambda row: number(row["count"], lang), align="end"),
    ]


def _title(series: MeasuredSeries, title: str, provable: bool) -> html.H2:
    if not provable:
        return html.H2(title)
    return html.H2(
        html.Button(
            title,
            type="button",
            className="measured measured-title",
            disable_n_clicks=True,
            **attributes(marks(series)),
        )
    )


def _drawing(
    series: MeasuredSeries, figure: go.Figure, title: str, says: str | None, lang: str, id: str, height: int
) -> html.Div:
    if not series.rows:
        why = (
            declared(series.reason, lang) if series.reason else t("Nothing was measured in this range.", lang)
        )
        return html.Div(empty(t("Nothing to draw yet", lang), why, lang=lang), id=id)
    said = t("Based on {n} measurements; the table below holds every bar.", lang, n=number(series.n, lang))
    words = f"{title}. {says or said}"
    graph = dcc.Graph(
        id=id, figure=figure, config=config(lang), style={"height": f"{height}px"}, responsive=True
    )
    said_of = {"aria-label": words} | marks(series)
    return html.Div(graph, role="img", className="frame-graph", **attributes(said_of))


def _at(series: MeasuredSeries, lang: str, zone: str) -> html.Span:
    said = t(
        "n = {n} · measured {at}", lang, n=number(series.n, lang), at=moment(series.measured_at, lang, zone)
    )
    return html.Span(said, className="frame-at")


def _rows(series: MeasuredSeries, columns: Sequence[Column], lang: str) -> html.Details | None:
    if not series.rows:
        return None
    rows = (
        series.rows[-MOST_ROWS:] if "at" in series.rows[0] else series.rows[:MOST_ROWS]
    )  # the latest, the most
    head = html.Thead(
        html.Tr([html.Th(column.title, scope="col", className=f"align-{column.align}") for column in columns])
    )
    body = html.Tbody(
        [
            html.Tr([html.Td(column.draw(row), className=f"align-{column.align}") for column in columns])
            for row in rows
        ]
    )
    shown = {"shown": number(len(rows), lang), "all": number(len(series.rows), lang)}
    of_all = html.P(t("{shown} of {all}", lang, **shown), className="list-summary")
    summary = html.Summary([icon("table"), t("Data", lang)], className="btn btn-quiet")
    return html.Details(
        [
            summary,
            of_all if len(rows) < len(series.rows) else None,
            html.Div(html.Table([head, body], className="raw-table"), className="raw-wrap", tabIndex=0),
        ],
        className="frame-data",
    )
