"""/status: what is up and what is not, since when, and how much of the time was observed at all."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import dash
from dash import Output, callback, dcc, html
from dash.development.base_component import Component

from auth.doors import SIGNED_IN
from components.agents import agent_link
from components.cards import measured
from components.format import ago, moment
from components.forms import query_bar, query_search, query_select
from components.links import status_address
from components.shell import page_header
from components.states import copyable, empty, skeleton
from components.tables import Column, data_table
from components.timeline import STATES, state_mark, state_word, strip
from db.engine import Session
from db.metric import read
from db.queries.uptime import edges
from db.queries.uptime_kept import Summed, summed
from db.queries.uptime_rows import (
    KINDS,
    SubjectRow,
    Wanted,
    check_readings,
    check_rows,
    collector_heard,
    stretches_of,
    subject_page,
    unknown_now,
)
from i18n import t
from pages._status import (
    drawn_from,
    formula,
    kind_word,
    observed_words,
    older_words,
    reason_words,
    share_card,
    strip_start,
    tabs,
    trouble,
)
from pages._view import ASKED, BUSY, View, load, notices, page, titled

SIZE = 25
FLEET = (
    "uptime.fleet_availability",
    "uptime.fleet_lowest",
    "uptime.fleet_highest",
    "uptime.fleet_coverage",
    "uptime.agents_counted",
    "uptime.agents_left_out",
)
LATELY = timedelta(minutes=2)

dash.register_page(
    __name__,
    path="/status",
    title=titled(lambda lang: t("Status", lang)),
    nav={"words": lambda lang: t("Status", lang), "icon": "gauge", "order": 5, "needs": SIGNED_IN},
)


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The outline. No data."""
    lang = view.lang
    lead = t("What is up and what is not, since when, and how much of the time was observed at all.", lang)
    kinds = [("", t("All kinds", lang)), *[(kind, kind_word(kind, lang)) for kind in KINDS]]
    states = [("", t("All states", lang)), *[(state, state_word(state, lang)) for state in STATES]]
    return html.Div(
        [
            page_header(t("Status", lang), lead, lang=lang),
            tabs(view, "status"),
            query_bar(
                query_search("status-search", t("Search by name", lang), "search", view.args.get("search")),
                query_select("status-kind", t("Kind", lang), "kind", kinds, view.args.get("kind")),
                query_select("status-state", t("State", lang), "state", states, view.args.get("state")),
            ),
            html.Div([skeleton("card", 6), skeleton("table")], id="status-body"),
        ]
    )


@callback(Output("status-body", "children"), *ASKED, running=BUSY)
@load(SIGNED_IN)
def answer(unit: Session, view: View) -> list[Component | None]:
    """The fleet's numbers, every subject, and histories that were imported."""
    heard = collector_heard(unit)
    watching = heard is not None and heard > view.now - LATELY
    cards = [share_card(read(unit, key, view.window), view) for key in FLEET]
    found = summed(unit, view.window)
    return [
        *notices(view),
        trouble(view, unknown_now(unit), watching=watching),
        older_words(found, view),
        html.P(
            t("Measured {at}", view.lang, at=moment(view.now, view.lang, view.zone)), className="measured-at"
        ),
        html.Div(cards, className="card-grid status-cards"),
        formula(view.lang),
        _subjects(unit, view, found),
        _imported(unit, view),
    ]


def _subjects(unit: Session, view: View, found: Summed) -> Component:
    lang, args = view.lang, view.args
    wanted = Wanted(
        search=args.get("search", "")[:200],
        kind=args.get("kind", "") if args.get("kind") in KINDS else "",
        state=args.get("state", "") if args.get("state") in STATES else "",
    )
    text = args.get("page", "")
    shown = int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 7 else 1
    rows, total = subject_page(unit, view.window, wanted, page=max(1, shown), size=SIZE)
    title = html.H2(t("States", lang), className="section-title")
    if not total:
        return html.Section([title, html.Div(_none(view, wanted), className="frame")], className="section")
    stretches = stretches_of(unit, view.window, [row.id for row in rows])
    table = data_table(
        _columns(view, stretches, found),
        [{"one": row} for row in rows],
        lang=lang,
        caption=t("States, what is down first", lang),
        search=view.search,
        path="/status",
        page=max(1, shown),
        pages=-(-total // SIZE),
        total=total,
        id="status-list",
    )
    return html.Section([title, table], className="section")


def _none(view: View, wanted: Wanted) -> Component:
    lang = view.lang
    if wanted != Wanted():
        why = t("Nothing matches this search. Change it, or take a filter away.", lang)
        return empty(t("Nothing found", lang), why, lang=lang, icon_name="search")
    why = t(
        "States begin with the first heartbeat of an agent or the first result of a check, and are told every minute "
        "while the application is served. Files make nothing operational.",
        lang,
    )
    command = "curl -X POST https://HOST/api/v1/agents/AGENT/heartbeat -H 'Authorization: Bearer KEY'"
    return empty(t("Nothing was observed yet", lang), why, command, lang=lang, icon_name="pulse")


def _columns(view: View, stretches: Mapping[str, Any], found: Summed) -> list[Column]:
    lang = view.lang

    def name(cells: Mapping[str, Any]) -> Component:
        row: SubjectRow = cells["one"]
        link = agent_link(status_address(view.search, row.id), row.id, row.name)
        return html.Div(
            [link, html.Span(kind_word(row.kind, lang), className="cell-under")], className="cell-name"
        )

    def state(cells: Mapping[str, Any]) -> Component:
        row: SubjectRow = cells["one"]
        since = t("since {ago}", lang, ago=ago(row.since, view.now, lang))
        exact = f"{reason_words(row.reason, lang)} · {moment(row.since, lang, view.zone)}"
        told = html.Time(since, dateTime=row.since.isoformat(), className="cell-under")
        return html.Span([state_mark(row.state, lang), told], title=exact)

    def drawn(cells: Mapping[str, Any]) -> Component:
        row: SubjectRow = cells["one"]
        _, end = edges(view.window)
        parts = drawn_from(stretches.get(row.id, []))
        return strip(parts, strip_start(view, row, found), end, lang, view.zone, small=True)

    def reading(key: str, words: str) -> Column:
        return Column(key, words, lambda cells: measured(cells["one"].readings[key], lang), align="end")

    def seen(cells: Mapping[str, Any]) -> Component:
        return observed_words(cells["one"].readings["uptime.days_observed"], view.window, lang)

    return [
        Column("name", t("Name", lang), name),
        Column("state", t("State", lang), state),
        Column("strip", t("In the chosen range", lang), drawn),
        reading("uptime.availability", t("Availability", lang)),
        reading("uptime.coverage", t("Observed share", lang)),
        Column("days", t("Observed", lang), seen, align="end"),
    ]


# --- histories that were imported ---------------------------------------------------------------------


def _imported(unit: Session, view: View) -> Component:
    lang = view.lang
    title = html.H2(t("Imported histories of checks", lang), className="section-title")
    rows, readings = check_rows(unit, "imported"), check_readings(unit, view.window, "imported")
    if not rows:
        how = html.P(
            t("A history of checks that another program made is brought in with:", lang), className="muted"
        )
        return html.Section(
            [title, how, copyable(".venv/bin/quantum import checks FILE", lang)], className="section"
        )
    why = [t("A share of checks is no availability: between two checks nobody looked.", lang)]
    if view.range_text != "all" and not any(each["checks.count"].value for each in readings.values()):
        everything = dcc.Link(t("Show all time", lang), href="/status" + view.with_query(range="all"))
        why += [" ", t("None lies in the chosen range.", lang), " ", everything]

    def reading(key: str, words: str) -> Column:
        return Column(key, words, lambda row: measured(readings[row["id"]][key], lang), align="end")

    columns = [
        Column("name", t("Service", lang), lambda row: _check_link(view, row["id"], row["name"])),
        reading("checks.share_up", t("Share of checks up", lang)),
        reading("checks.count", t("Checks", lang)),
        reading("checks.failed", t("Failed checks", lang)),
    ]
    table = data_table(
        columns, rows, lang=lang, caption=t("Imported histories of checks", lang), id="status-imported"
    )
    return html.Section([title, html.P(why, className="muted"), table], className="section")


def _check_link(view: View, key: UUID, name: str) -> dcc.Link:
    return dcc.Link(name, href=status_address(view.search, f"check:{key}"), className="agent-link")
