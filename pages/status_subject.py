"""/status/SUBJECT: the states of one agent, part or check over time, its failures, and how fast it answered."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import dash
from dash import Input, Output, State, callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from auth.doors import SIGNED_IN, permitted
from components.attributes import attributes
from components.cards import card
from components.charts import chart_frame
from components.figures.slots import slot_bars
from components.format import by_unit, moment, number
from components.links import STATUS_PATH
from components.measured import unmeasured
from components.shell import page_header
from components.states import empty, skeleton
from components.tables import Column
from components.timeline import filled, legend, state_mark, strip
from db.engine import Session, session
from db.metric import read, read_series
from db.queries.uptime import edges
from db.queries.uptime_kept import Summed, summed
from db.queries.uptime_rows import (
    SubjectRow,
    check_facts,
    correction_rows,
    failures,
    maintenance_rows,
    one_subject,
    stretches_of,
    subject_readings,
)
from db.services.account_fields import FieldErrors
from db.services.exempt_times import correct
from db.services.uptime_complaints import Complaint
from i18n import declared, t
from pages._admin import done, key_of
from pages._moments import typed
from pages._status import (
    CORRECTS,
    MOST_ROWS,
    drawn_from,
    failure_table,
    formula,
    kind_word,
    older_words,
    settled_words,
    share_card,
    stretch_table,
    strip_start,
    window_table,
    windows,
)
from pages._status_declared import (
    C_ENDS,
    C_FORM,
    C_STARTS,
    C_STATE,
    C_WHY,
    Given,
    correct_form,
    corrections_panel,
    maintenance_table,
    moments_of,
)
from pages._view import ASKED, View, actor, engine, here, load, notices, page

PREFIX = "/status/"
SECONDS = ("up", "down", "unknown", "maintenance", "paused")
AGENT_TIMES = ("agent.latency_p50_ms", "agent.latency_p95_ms", "agent.spans", "agent.errors")
CHECK_TIMES = ("checks.latency_p50_ms", "checks.latency_p95_ms", "checks.count", "checks.failed")
CHARTS = {"check": "checks.latency_by_time", "agent": "agent.latency_by_time", "part": "db.latency_by_time"}
DATABASE_TIMES = ("db.latency_p50_ms", "db.latency_p95_ms", "db.failures")


def _title(**_: object) -> str:
    view = here()
    return f"{asked_for(view, None)[:80]} · {t('Status', view.lang)} · ALSHAM QUANTUM"


dash.register_page(__name__, path=STATUS_PATH, path_template="/status/<subject>", title=_title, order=100)


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The place of one subject's page. No data."""
    return html.Div([html.Div([skeleton("text"), skeleton("card", 4), skeleton("table")], id="subject-body")])


@callback(Output("subject-body", "children"), *ASKED, State("url", "pathname"))
@load(SIGNED_IN)
def answer(unit: Session, view: View, path: str | None) -> Component:
    """Everything about the subject the address names, read at one instant."""
    subject = asked_for(view, path)
    row = one_subject(unit, view.window, subject)
    check = _check_of(unit, subject)
    found = summed(unit, view.window)
    if row is None and check is None:
        return _unknown(view, subject)
    if row is None:
        assert check is not None
        return html.Div([*notices(view), *_unjudged(unit, view, check), *_times(unit, view, subject)])
    return html.Div(
        [
            *notices(view),
            older_words(found, view, checks=check is not None),
            *_head(view, row, check),
            _strip(unit, view, row, found),
            *_numbers(unit, view, row),
            _failures(unit, view, subject, found),
            *_times(unit, view, subject),
            _stretches(unit, view, subject),
            _declared(unit, view, subject),
            corrections_panel(view, row, correction_rows(unit, subject)),
        ]
    )


def asked_for(view: View, path: str | None) -> str:
    """The subject's id: `id` in the query, else what follows "/status/" in the path."""
    return view.args.get("id") or View.of("", path=path or view.path).path.removeprefix(PREFIX)


def _check_of(unit: Session, subject: str) -> Mapping[Any, Any] | None:
    kind, _, key = subject.partition(":")
    found: UUID | None = key_of(key) if kind == "check" else None
    return None if found is None else check_facts(unit, found)


def _unknown(view: View, subject: str) -> Component:
    lang = view.lang
    why = t(
        "Nothing is known of “{id}” yet. States begin with the first heartbeat or result, and are told a minute later.",
        lang,
        id=subject[:120],
    )
    action = dcc.Link(t("All states", lang), href=view.link("/status"), className="btn btn-primary")
    found = empty(t("No states here", lang), why, action=action, lang=lang, icon_name="search")
    return html.Div([page_header(t("Status", lang), lang=lang), html.Div(found, className="frame")])


def _unjudged(unit: Session, view: View, check: Mapping[Any, Any]) -> list[Component]:
    """A check without states: an imported history never has any, one that is asked has none yet."""
    lang = view.lang
    back = (t("All states", lang), view.link("/status"))
    share = read(unit, "checks.share_up", view.window, (str(check["id"]),))
    why = (
        t(
            "An imported history: a share of checks, and no availability, for between two checks nobody looked.",
            lang,
        )
        if check["kind"] == "imported"
        else t("It has no states yet: they are told from its first results, a minute later.", lang)
    )
    return [
        page_header(check["name"], why, lang=lang, zone=view.zone, measured_at=view.now, back=back),
        html.Div([card(share, lang, zone=view.zone)], className="card-grid"),
    ]


def _head(view: View, row: SubjectRow, check: Mapping[Any, Any] | None) -> list[Component]:
    lang = view.lang
    back = (t("All states", lang), view.link("/status"))
    lead: list[Component] = [
        state_mark(row.state, lang),
        html.Span(t("since {at}", lang, at=moment(row.since, lang, view.zone)), className="muted"),
        html.Span(kind_word(row.kind, lang), className="chip"),
    ]
    if check is not None:
        every = t("every {n} s", lang, n=number(check["interval_seconds"], lang))
        lead += [
            html.Code(check["url"], className="status-url"),
            html.Span(every, className="chip", **attributes(unmeasured("definition"))),
        ]
        if check["refusal"]:
            lead.append(html.Span(declared(check["refusal"], lang), className="chip is-warning"))
    elif row.agent_id is not None:
        lead.append(
            dcc.Link(t("The agent's page", lang), href=view.agent(row.agent_id), className="agent-link")
        )
    return [
        page_header(
            row.name, settled_words(row, view), lang=lang, zone=view.zone, measured_at=view.now, back=back
        ),
        html.Div(lead, className="agent-lead"),
    ]


def _strip(unit: Session, view: View, row: SubjectRow, found: Summed) -> Component:
    parts = drawn_from(stretches_of(unit, view.window, [row.id]).get(row.id, []))
    begin, (_, end) = strip_start(view, row, found), edges(view.window)
    return html.Section(
        [
            html.Header(html.H2(t("States in the chosen range", view.lang)), className="frame-head"),
            html.Div(
                [
                    strip(parts, begin, end, view.lang, view.zone),
                    legend(filled(parts, begin, end), view.lang),
                ],
                className="frame-body",
            ),
        ],
        className="frame",
    )


def _numbers(unit: Session, view: View, row: SubjectRow) -> list[Component]:
    """The percentages of the chosen range and by window, and the seconds they are made of."""
    lang = view.lang
    shares = ("uptime.availability", "uptime.lowest", "uptime.highest", "uptime.coverage")
    cards = [share_card(row.readings[key], view) for key in shares]
    sums = [
        card(read(unit, f"uptime.{state}_seconds", view.window, (row.id,)), lang, zone=view.zone)
        for state in SECONDS
    ]
    told = [
        (name, window, subject_readings(unit, window, [row.id])[row.id]) for name, window in windows(view)
    ]
    why = t("Together they are the time from the first observation in the range to what is told.", lang)
    return [
        html.Div(cards, className="card-grid"),
        _section(t("By window", lang), formula(lang), window_table(view, told)),
        _section(
            t("Seconds of the chosen range", lang),
            html.P(why, className="muted"),
            html.Div(sums, className="card-grid card-grid-5"),
        ),
    ]


def _section(title: str, *content: Component | None) -> Component:
    return html.Section([html.H2(title, className="section-title"), *content], className="section")


def _newest(shown: int, total: int, lang: str) -> str:
    """What a table leaves out; nothing where it shows all."""
    if total <= shown:
        return ""
    counts = {"shown": number(shown, lang), "total": number(total, lang)}
    return t("The newest {shown} of {total} are shown.", lang, **counts)


def _failures(unit: Session, view: View, subject: str, found: Summed) -> Component:
    lang = view.lang
    rows, total = failures(unit, view.window, subject, MOST_ROWS)
    if not rows:
        none = t("None was observed in the chosen range.", lang)
        if found.states is not None:
            since = moment(found.states, lang, view.zone)
            none = t(
                "None was observed since {since}; earlier ones are no longer kept singly.", lang, since=since
            )
        return _section(t("Failures", lang), html.Div(none, className="frame agent-none muted"))
    left_out = html.P(_newest(len(rows), total, lang), className="muted", **attributes(unmeasured("shown")))
    return _section(t("Failures", lang), left_out, failure_table(view, rows))


def _stretches(unit: Session, view: View, subject: str) -> Component:
    lang = view.lang
    rows = stretches_of(unit, view.window, [subject]).get(subject, [])
    why = t("The strip as a table, newest first: the seconds the percentages are made of.", lang)
    words = f"{why} {_newest(MOST_ROWS, len(rows), lang)}".strip()
    told = html.P(words, className="muted", **attributes(unmeasured("shown")))
    return _section(t("Stretches", lang), told, stretch_table(view, rows))


def _times(unit: Session, view: View, subject: str) -> list[Component]:
    """How long answers took in the same range."""
    lang = view.lang
    kind, _, key = subject.partition(":")
    title = html.H2(t("Latency in the same range", lang), className="section-title")
    if kind == "check":
        keys: Sequence[str] = CHECK_TIMES
        about: tuple[str, ...] = (key,)
    elif subject == "part:quantum/database":
        keys, about = DATABASE_TIMES, ()
    elif kind == "agent":
        keys, about = AGENT_TIMES, (key,)
    else:
        return []
    cards = [card(read(unit, each, view.window, about), lang, zone=view.zone) for each in keys]
    chart = _chart(unit, view, CHARTS[kind], about)
    return [html.Section([title, html.Div(cards, className="card-grid"), chart], className="section")]


def _chart(unit: Session, view: View, key: str, about: tuple[str, ...]) -> Component:
    series = read_series(unit, key, view.window, about)
    lang = view.lang
    columns: list[Column] = [
        Column("at", t("Time (UTC)", lang), lambda row: str(row["at"]).replace("T", " ")),
        Column("value", t("Median", lang), lambda row: by_unit(row["value"], "ms", lang), align="end"),
        Column("count", t("n", lang), lambda row: number(int(row["count"]), lang), align="end"),
    ]
    draw: Callable[..., Any] = slot_bars
    return chart_frame(
        series, draw(series, lang, view.theme), lang, id="status-times", zone=view.zone, columns=columns
    )


def _declared(unit: Session, view: View, subject: str) -> Component | None:
    rows = maintenance_rows(unit, view.window, subject)
    if not rows:
        return None
    title = html.H2(t("Maintenance", view.lang), className="section-title")
    return html.Section([title, maintenance_table(view, rows)], className="section")


@callback(
    Output(C_FORM, "children"),
    Input(C_FORM, "n_submit"),
    State(C_STARTS, "value"),
    State(C_ENDS, "value"),
    State(C_STATE, "value"),
    State(C_WHY, "value"),
    State("url", "search"),
    State("url", "pathname"),
    prevent_initial_call=True,
)
@permitted(CORRECTS)
def correct_states(
    submitted: int | None,
    starts: str | None,
    ends: str | None,
    state: str | None,
    why: str | None,
    search: str | None,
    path: str | None,
) -> Any:
    """Say what the state was. What was measured stays stored beneath it."""
    if not submitted:
        raise PreventUpdate
    view = here(search or "")
    given = Given(starts=starts or "", ends=ends or "", state=state or "", why=why or "")
    first, last = typed(given.starts, view.zone), typed(given.ends, view.zone)
    try:
        if first is None or last is None:
            raise FieldErrors(moments_of(first, last, Complaint.MOMENT))
        with session(engine(), actor(), write=True) as unit:
            correct(unit, asked_for(view, path), first, last, given.state, given.why, view.now)
    except FieldErrors as wrong:
        told = Given(
            starts=given.starts, ends=given.ends, state=given.state, why=given.why, errors=wrong.errors
        )
        return correct_form(view, told)
    said = done(t("The correction was stored; it counts within a minute.", view.lang))
    return correct_form(view, Given(), said)
