"""Time series that were sent or imported: which there are, and how the chosen ones went, with what happened then."""

from collections.abc import Sequence
from typing import Any

import dash
from dash import Output, callback, dcc, html
from dash.development.base_component import Component

from auth.doors import SIGNED_IN
from components.attributes import attributes
from components.cards import card, measured
from components.charts import chart_frame
from components.figures.lines import legend, time_lines
from components.format import duration, moment, number, split_unit
from components.forms import query_bar, query_search
from components.icons import icon
from components.measured import unit_told, unmeasured
from components.shell import page_header
from components.states import empty, skeleton
from components.tables import Column, data_table
from db.engine import Session
from db.measured_series import MOST, SeriesKey, keys_of, step_of, text_of
from db.metric import SeriesReading, Window, read, read_series
from db.queries.annotations import MOST as MOST_MARKS
from db.queries.annotations import marks_in
from db.queries.kept import MEASUREMENTS
from db.queries.measurements import extent, series_page, sources_of
from i18n import t, tn
from pages._module import whole
from pages._recorded import bounded, elsewhere_of
from pages._view import ASKED, BUSY, View, beyond_kept, load, notices, page, titled

NAME = "measurements"
CARDS = ("count", "least", "mean", "most", "p50", "p95", "last", "unknown")
SIZE = 25
COMMAND = ".venv/bin/quantum import measurements FILE"

dash.register_page(
    __name__,
    path=f"/{NAME}",
    title=titled(lambda lang: t("Measurements", lang)),
    nav={"words": lambda lang: t("Measurements", lang), "icon": "spark", "order": 7, "needs": SIGNED_IN},
)


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The outline; everything comes by the callback below."""
    lang = view.lang
    lead = t("Time series that were sent or imported, and what is known to have happened meanwhile.", lang)
    search = query_search(
        f"{NAME}-search", t("Search by metric or source", lang), "search", view.args.get("search")
    )
    return html.Div(
        [
            page_header(t("Measurements", lang), lead, lang=lang),
            html.Div([skeleton("card", 4), skeleton("chart")], id=f"{NAME}-chosen", className="page-body"),
            html.Div(query_bar(search), className="section"),
            html.Div(skeleton("table"), id=f"{NAME}-list"),
        ]
    )


@callback(Output(f"{NAME}-chosen", "children"), Output(f"{NAME}-list", "children"), *ASKED, running=BUSY)
@load(SIGNED_IN, besides=1)
def answer(unit: Session, view: View) -> tuple[list[Component | None], Component]:
    """The chosen series over the window, and the list to choose from."""
    asked = view.args.get("series", "")
    keys = keys_of(asked) if asked else ()
    top = [*notices(view), *beyond_kept(unit, view, (MEASUREMENTS,))]
    return [*top, *(_chosen(unit, view, keys) if keys else [])], _list(unit, view, keys)


# --- the chosen ---------------------------------------------------------------------------------------


def _chosen(unit: Session, view: View, keys: Sequence[SeriesKey]) -> list[Component | None]:
    lang, text = view.lang, text_of(keys)
    found = extent(unit, text)
    if found is None:
        why = t("It may be named otherwise, or its measurements are no longer kept. Choose one below.", lang)
        return [html.Div(empty(t("No such series", lang), why, lang=lang), className="frame")]
    window = bounded(view.window, found)
    readings = {key: read(unit, f"measurements.{key}", window, (text,)) for key in CARDS}
    course = read_series(unit, "measurements.by_time", window, (text,))
    marks = marks_in(unit, window, keys)
    inside = readings["count"].value or readings["unknown"].value
    shown = [key for key in CARDS if key != "last" or len(keys) == 1]
    cards = [card(readings[key], lang, zone=view.zone) for key in shown]
    return [
        None if inside else elsewhere_of(view, found),
        _head(unit, view, window, keys),
        html.Div(cards, className="card-grid"),
        html.Div(_chart(course, marks, view), className="section"),
        _marks(marks, view),
    ]


def _head(unit: Session, view: View, window: Window, keys: Sequence[SeriesKey]) -> Component:
    """Which series these are, each with the way to take it out, and all of their metric at one click."""
    lang = view.lang
    chips = [
        html.Li(
            dcc.Link(
                [html.Span(_words(key, lang), **attributes(unmeasured("name"))), icon("close")],
                href=_address(view, [each for each in keys if each != key]),
                className="chip",
                title=t("Take it out", lang),
            )
        )
        for key in keys
    ]
    alike = (
        sources_of(unit, window, keys[0], MOST) if len({(key.metric, key.unit) for key in keys}) == 1 else []
    )
    every = None
    if len(keys) < len(alike) <= MOST:
        said = t("All {n} sources of {metric}", lang, n=number(len(alike), lang), metric=keys[0].metric)
        words = html.Span(said, **attributes(unmeasured("shown")))
        every = dcc.Link(words, href=_address(view, alike), className="btn btn-quiet btn-sm")
    nearest = t("Percentiles by nearest rank; where several series are chosen, over all their values.", lang)
    return html.Div(
        [
            html.Div([html.Ul(chips, className="chosen-series"), every], className="chosen-head"),
            html.P(nearest, className="muted"),
        ]
    )


def _words(key: SeriesKey, lang: str) -> str:
    return f"{key.metric} · {key.source or t('source not told', lang)}"


def _address(view: View, keys: Sequence[SeriesKey]) -> str:
    return f"/{NAME}" + view.with_query(series=text_of(keys) if keys else None)


def _chart(course: SeriesReading, marks: Sequence[Any], view: View) -> list[Component | None]:
    lang, unit = view.lang, unit_told(course.subject)
    drawn = chart_frame(
        course,
        time_lines(course, unit, marks, lang, view.theme),
        lang,
        id=f"{NAME}-course",
        zone=view.zone,
        note=[_note(course, lang), legend(course, view.theme)],
        height=340,
        columns=_columns(unit, lang),
    )
    return [drawn]


def _note(course: SeriesReading, lang: str) -> Component:
    assert course.window is not None
    step = duration(step_of(course.window), lang)
    words = t(
        "One point per {step}: the mean, on a pale band from the least to the largest value. The line breaks where "
        "nothing was recorded.",
        lang,
        step=step,
    )
    return html.Span(words, **attributes(unmeasured("definition")))


def _columns(unit: str, lang: str) -> list[Column]:
    def valued(name: str, words: str) -> Column:
        head = f"{words} ({unit})" if unit else words
        return Column(name, head, lambda row: split_unit(row[name], "of the series", lang)[0], align="end")

    return [
        Column("at", t("Time (UTC)", lang), lambda row: str(row["at"]).replace("T", " ")),
        Column("source", t("Source", lang), lambda row: row["source"] or row["metric"]),
        Column("count", t("n", lang), lambda row: number(int(row["count"]), lang), align="end"),
        valued("least", t("Least", lang)),
        valued("value", t("Mean", lang)),
        valued("most", t("Largest", lang)),
    ]


# --- what happened ------------------------------------------------------------------------------------


def _marks(marks: Sequence[Any], view: View) -> Component | None:
    """The marks of the chart by their numbers."""
    if not marks:
        return None
    lang = view.lang
    columns = [
        Column("label", t("What happened", lang), lambda row: _label(row, lang)),
        Column("starts_at", t("Began", lang), lambda row: _moment(row["starts_at"], view)),
        Column("ends_at", t("Ended", lang), lambda row: _end(row, view)),
        Column("about", t("About", lang), lambda row: _about(row, lang)),
        Column("origin", t("From", lang), lambda row: html.Span(row["origin"], className="cell-under")),
    ]
    rows = [{**mark, "place": place} for place, mark in enumerate(marks, 1)]
    title = t("Marks in this chart", lang)
    most = (
        t("The first {n} are shown.", lang, n=number(MOST_MARKS, lang)) if len(marks) >= MOST_MARKS else None
    )
    return html.Section(
        [
            html.Header(
                [html.H2(title), html.P(most, className="frame-note") if most else None],
                className="frame-head",
            ),
            data_table(columns, rows, lang=lang, caption=title, id=f"{NAME}-marks", stored=True),
        ],
        className="frame framed-table section",
    )


def _label(row: Any, lang: str) -> Component:
    """Its number and what stands on the chart, and beneath it its kind and what else is said."""
    name = html.Strong(f"{number(row['place'], lang)} · {row['label']}")
    words = {
        "fault": t("injected fault", lang),
        "anomaly": t("labelled by hand", lang),
        "note": t("note", lang),
    }
    beneath = " · ".join(filter(None, (words.get(row["kind"], row["kind"]), row["note"])))
    return html.Div([name, html.Span(beneath, className="cell-under")], className="cell-name")


def _moment(at: Any, view: View) -> Component | None:
    """None, shown as unknown, where the row is no longer kept."""
    return (
        None
        if at is None
        else html.Time(moment(at, view.lang, view.zone), dateTime=at.isoformat(), className="nowrap")
    )


def _end(row: Any, view: View) -> Component:
    if row["ends_at"] is None:
        return html.Span(t("not told", view.lang), className="faint")
    return _moment(row["ends_at"], view)


def _about(row: Any, lang: str) -> str:
    return " · ".join(filter(None, (row["metric"], row["source"]))) or t("all series", lang)


# --- all series ---------------------------------------------------------------------------------------


def _list(unit: Session, view: View, keys: Sequence[SeriesKey]) -> Component:
    search = view.args.get("search", "")[:200]
    asked = whole(view.args.get("page", ""))
    rows, total = series_page(unit, view.window, search, asked, SIZE)
    if not rows and asked > 1:
        asked = 1
        rows, total = series_page(unit, view.window, search, asked, SIZE)
    if not rows:
        return _nothing(unit, view, search)
    lang = view.lang
    said = tn(
        "{count} series recorded in the chosen range · measured {at}",
        "{count} series recorded in the chosen range · measured {at}",
        total,
        lang,
        count=number(total, lang),
        at=moment(view.now, lang, view.zone),
    )
    table = data_table(
        _list_columns(view, keys),
        rows,
        lang=lang,
        caption=t("Series recorded in the chosen range", lang),
        search=view.search,
        path=f"/{NAME}",
        page=asked,
        pages=max(1, -(-total // SIZE)),
        total=total,
        id=f"{NAME}-table",
    )
    return html.Div(
        [html.P(said, className="list-summary", **attributes(unmeasured("shown"))), table],
        className="module-list",
    )


def _list_columns(view: View, keys: Sequence[SeriesKey]) -> list[Column]:
    lang = view.lang
    return [
        Column("metric", t("Metric", lang), lambda row: _named(row["key"], view)),
        Column("source", t("Source", lang), lambda row: _sourced(row["key"], lang)),
        Column("unit", t("Unit", lang), lambda row: row["key"].unit),
        Column("n", t("n", lang), lambda row: measured(row["readings"]["count"], lang), align="end"),
        Column(
            "last", t("Last value", lang), lambda row: measured(row["readings"]["last"], lang), align="end"
        ),
        Column("first", t("First", lang), lambda row: _moment(row["first"], view)),
        Column("final", t("Latest", lang), lambda row: _moment(row["final"], view)),
        Column("add", t("Chart", lang), lambda row: _toggle(row["key"], view, keys), align="end"),
    ]


def _named(key: SeriesKey, view: View) -> Component:
    name = html.Span(key.metric, **attributes(unmeasured("name")))
    return dcc.Link(name, href=_address(view, [key]), className="row-link")


def _sourced(key: SeriesKey, lang: str) -> Component:
    if key.source is None:
        return html.Span(t("not told", lang), className="faint")
    return html.Span(key.source, **attributes(unmeasured("name")))


def _toggle(key: SeriesKey, view: View, keys: Sequence[SeriesKey]) -> Component | None:
    """Into the chart beside others of its unit, or out of it."""
    lang = view.lang
    if key in keys:
        words, wanted = t("Take out", lang), [each for each in keys if each != key]
    elif not keys or len(keys) >= MOST or any(each.unit != key.unit for each in keys):
        words, wanted = t("Show", lang), [key]
    else:
        words, wanted = t("Add", lang), [*keys, key]
    return dcc.Link(words, href=_address(view, wanted), className="btn btn-quiet btn-sm nowrap")


def _nothing(unit: Session, view: View, search: str) -> Component:
    """Why there is no series: nothing matches, none is of this range, or none was ever recorded."""
    lang = view.lang
    found = extent(unit)
    if found is None:
        why = t("Series come with metrics over OpenTelemetry, or from a file:", lang)
        return html.Div(empty(t("No measurements yet", lang), why, COMMAND, lang=lang), className="frame")
    if view.window.start is not None and not (
        found[0] < (view.window.end or found[0]) and found[1] >= view.window.start
    ):
        return elsewhere_of(view, found)
    why = t("No series of the chosen range fits “{text}”.", lang, text=search[:80])
    if not search:
        why = t("No series was recorded in the chosen range.", lang)
    clear = dcc.Link(
        t("Show all series", lang),
        href=f"/{NAME}" + view.with_query(search=None, page=None, range="all"),
        className="btn btn-primary",
    )
    return html.Div(
        empty(t("Nothing matches", lang), why, action=clear, lang=lang, icon_name="search"), className="frame"
    )
