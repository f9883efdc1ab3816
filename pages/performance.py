"""How fast and how well: response times of every kind side by side, what came of tasks, and how loaded the fleet is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dash
from dash import Input, Output, State, callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from auth.doors import permitted
from auth.permissions import Permission, allows
from components.attributes import attributes
from components.cards import card, measured
from components.format import moment, number
from components.measured import beside, unmeasured
from components.shell import page_header
from components.states import skeleton
from components.tables import Column, data_table
from db.engine import Session, session
from db.metric import METRICS, Reading, read
from db.queries.agents import UNMEASURED
from db.queries.kept import API, MEASUREMENTS, SPANS
from db.queries.percentiles import threshold
from db.services.account_fields import FieldErrors
from db.services.objectives import drop_tasks_objective, set_tasks_objective
from i18n import t
from pages._admin import done
from pages._objective import DROP, FORM, LEAST, PART, TARGET, objective_part
from pages._own_rows import is_narrowed, said
from pages._view import (
    ASKED,
    BUSY,
    View,
    actor,
    beyond_kept,
    engine,
    here,
    load,
    nothing_here,
    notices,
    page,
    person,
    titled,
)

NEEDS = "system:read"
RANKS = (50, 95, 99)
TASKS = (
    "fleet.efficiency",
    "tasks.count",
    "tasks.failures",
    "tasks.cancelled",
    "tasks.aborted",
    "tasks.per_hour",
)
LOAD = ("fleet.neural_load", "tasks.queue_wait_p50_ms", "tasks.queue_wait_p95_ms")
BESIDE = ("fleet.agents_measured", "fleet.agents_known", "fleet.agents_unmeasured", "spans.count")
Readings = Mapping[str, Reading]


@dataclass(frozen=True)
class Source:
    """One kind of response time: its percentiles' key, and what counts its failures and its Apdex."""

    key: str
    failures: str
    apdex: str = ""

    def ranked(self, percent: int) -> str:
        return f"{self.key}_p{percent}_ms"

    @property
    def keys(self) -> tuple[str, ...]:
        ranked = (self.ranked(percent) for percent in RANKS)
        return tuple(key for key in (*ranked, self.failures, self.apdex) if key)


SOURCES = (
    Source("db.latency", "db.failures"),
    Source("web.server_time", "web.server_failures", "web.apdex"),
    Source("api.response", "api.failures", "api.apdex"),
    Source("browser.first_paint", ""),
    Source("browser.numbers", "browser.failures"),
    Source("tasks.duration", "tasks.failures"),
    Source("models.first_token", "models.failures"),
)
SHOWN = (*TASKS, *LOAD, *BESIDE, *(key for source in SOURCES for key in source.keys))

dash.register_page(
    __name__,
    path="/performance",
    title=titled(lambda lang: t("Performance", lang)),
    nav={"words": lambda lang: t("Performance", lang), "icon": "timer", "order": 95, "needs": NEEDS},
)


@page(NEEDS)
def layout(view: View) -> html.Div:
    """The outline; its numbers come by the callback below."""
    lead = t("How long answers take, each kind by itself, and what came of the tasks.", view.lang)
    outline = [skeleton("table"), skeleton("card", 6)]
    return html.Div(
        [
            page_header(t("Performance", view.lang), lead, lang=view.lang),
            html.Div(outline, id="performance-body", className="page-body"),
        ]
    )


@callback(Output("performance-body", "children"), *ASKED, running=BUSY)
@load(NEEDS)
def answer(unit: Session, view: View) -> list[Component | None]:
    """Everything on the page, of one instant."""
    role = person().role
    readings = {
        key: read(unit, key, view.window) for key in dict.fromkeys(SHOWN) if allows(role, METRICS[key].needs)
    }
    at = t("Measured {at}", view.lang, at=moment(view.now, view.lang, view.zone))
    return [
        *notices(view),
        *beyond_kept(unit, view, (SPANS, MEASUREMENTS, API)),
        None if readings["spans.count"].n else nothing_here(unit, view),
        html.P(at, className="measured-at"),
        _times(readings, view),
        _tasks(readings, view),
        _cards(t("Load", view.lang), LOAD, readings, view, ()),
        html.Section(objective_part(unit, view), id=PART, className="section"),
    ]


# --- the objective -----------------------------------------------------------------------------------


@callback(
    Output(PART, "children"),
    Input(FORM, "n_submit"),
    Input(DROP, "n_clicks"),
    State(TARGET, "value"),
    State(LEAST, "value"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(Permission.OBJECTIVES_WRITE)
def aim(
    submitted: int | None, dropped: int | None, target: str | None, least: str | None, search: str | None
) -> list[Component | None]:
    """Set the objective, or take it back, and show how it stands."""
    view = here(search or "")
    given = (target or "", least or "")
    if dash.ctx.triggered_id not in (FORM, DROP) or not (submitted or dropped):
        raise PreventUpdate
    try:
        with session(engine(), actor(), write=True) as unit:
            if dash.ctx.triggered_id == DROP:
                drop_tasks_objective(unit)
            else:
                set_tasks_objective(unit, *given, by=person().profile_id)
            return objective_part(unit, view, done(t("The objective was changed.", view.lang)))
    except FieldErrors as wrong:
        with session(engine(), actor()) as unit:
            return objective_part(unit, view, given=given, errors=wrong.errors)


# --- response times ----------------------------------------------------------------------------------


def _times(readings: Readings, view: View) -> Component:
    lang = view.lang
    names = {
        "db.latency": (t("Database", lang), t("a query's round trip", lang)),
        "web.server_time": (t("Server, pages", lang), t("from taking a request up to its answer", lang)),
        "api.response": (t("Server, programs", lang), t("calls of REST and telemetry", lang)),
        "browser.first_paint": (t("Browser, first paint", lang), t("as the pages report it", lang)),
        "browser.numbers": (t("Browser, numbers on screen", lang), t("as the pages report it", lang)),
        "tasks.duration": (t("Agent, task", lang), t("finished runs of agents", lang)),
        "models.first_token": (t("Model, first token", lang), t("where spans say it", lang)),
    }
    columns = [
        Column("name", t("Kind", lang), lambda row: _named(*names[row["source"].key])),
        *[_rank(percent, readings, lang) for percent in RANKS],
        Column("n", t("n", lang), lambda row: _n(row["source"], readings, lang), align="end"),
        Column(
            "failures",
            t("Failures", lang),
            lambda row: _one(row["source"].failures, readings, lang),
            align="end",
        ),
        Column(
            "apdex", _apdex_title(lang), lambda row: _apdex(row["source"].apdex, readings, lang), align="end"
        ),
    ]
    rows = [{"source": source} for source in SOURCES if source.ranked(50) in readings]
    title = html.Header(
        [html.H2(t("Response times", lang)), _note(lang)],
        className="frame-head",
    )
    own = (
        said(t("Of programs' calls, your role shows your own.", lang)) if is_narrowed(["api_logs"]) else None
    )
    table = data_table(columns, rows, lang=lang, caption=t("Response times", lang), id="performance-times")
    return html.Section([title, own, table], className="frame framed-table section")


def _note(lang: str) -> Component:
    words = t(
        "Nearest rank. The 95th percentile needs n ≥ 20, the 99th n ≥ 100. Failures lie in no percentile; Apdex counts "
        "them as frustrated.",
        lang,
    )
    return html.P(words, className="frame-note", **attributes(unmeasured("definition")))


def _named(name: str, what: str) -> Component:
    return html.Div([html.Strong(name), html.Span(what, className="cell-under")], className="cell-name")


def _rank(percent: int, readings: Readings, lang: str) -> Column:
    def cell(row: Mapping[str, Any]) -> Component:
        return _one(row["source"].ranked(percent), readings, lang)

    return Column(f"p{percent}", f"p{percent}", cell, align="end")


def _one(key: str, readings: Readings, lang: str) -> Component:
    """The reading; where the kind has no such number at all, words, because a dash would say that it is unknown."""
    return (
        measured(readings[key], lang)
        if key in readings
        else html.Span(t("not counted", lang), className="faint")
    )


def _apdex_title(lang: str) -> str:
    return t("Apdex, T = {seconds} s", lang, seconds=number(float(threshold()) / 1000, lang))


def _apdex(key: str, readings: Readings, lang: str) -> Component:
    """With its own n, for it counts failures too."""
    if key not in readings:
        return _one(key, readings, lang)
    n = t("n = {n}", lang, n=number(readings[key].n, lang))
    beneath = html.Span(n, className="cell-under", **attributes(beside(readings[key])))
    return html.Span([measured(readings[key], lang), beneath])


def _n(source: Source, readings: Readings, lang: str) -> Component:
    """How many values the percentiles rank."""
    ranked = readings[source.ranked(50)]
    return html.Span(number(ranked.n, lang), **attributes(beside(ranked)))


# --- tasks and load ----------------------------------------------------------------------------------


def _tasks(readings: Readings, view: View) -> Component:
    """The pooled efficiency with how many agents it speaks of; what was cancelled or aborted is listed apart."""
    lang = view.lang
    nobody = dcc.Link(t("had none.", lang), href=view.link("/agents", efficiency=UNMEASURED))
    said_of = [
        t("Efficiency is pooled over the fleet:", lang),
        " ",
        measured(readings["fleet.agents_measured"], lang),
        " ",
        t("of", lang),
        " ",
        measured(readings["fleet.agents_known"], lang),
        " ",
        t("agents had tasks with an outcome in this range;", lang),
        " ",
        measured(readings["fleet.agents_unmeasured"], lang),
        " ",
        nobody,
    ]
    return _cards(t("Tasks", lang), TASKS, readings, view, said_of)


def _cards(title: str, keys: tuple[str, ...], readings: Readings, view: View, note: Any) -> Component:
    cards = [card(readings[key], view.lang, zone=view.zone) for key in keys if key in readings]
    return html.Section(
        [
            html.H2(title, className="section-title"),
            html.P(note, className="muted") if note else None,
            html.Div(cards, className="card-grid"),
        ],
        className="section",
    )
