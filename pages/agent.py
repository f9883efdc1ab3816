"""One agent: what is stored of it, what it did in the range, whom it called and who called it, its last spans."""

from datetime import datetime, timedelta

import dash
from dash import Output, State, callback, dcc, html
from dash.development.base_component import Component

from auth.doors import SIGNED_IN
from components.agents import origin_word, state_mark
from components.cards import card
from components.format import moment
from components.icons import icon
from components.links import AGENT_PATH, status_address
from components.shell import page_header
from components.states import copyable, empty, skeleton
from db.engine import Session
from db.metric import Window, from_ns
from db.queries.agents import AgentRow, agent_details, last_spans, one_agent
from db.queries.connections import connections_of
from db.queries.held_connections import held_connections
from db.queries.spans import extent
from i18n import t
from pages._agent_facts import facts_panel, state_panel
from pages._agent_tables import connections_table, cursor_of, held_table, spans_table
from pages._view import ASKED, View, beyond_kept, first_steps, here, load, notices, page

PREFIX = "/agents/"
SPANS = 20
CARDS = (
    ("agent.spans", "spark"),
    ("agent.errors", "error"),
    ("agent.calls_in", "calls"),
    ("agent.calls_out", "calls"),
    ("agent.latency_p50_ms", "timer"),
    ("agent.latency_p95_ms", "timer"),
    ("agent.tokens_input", "tokens"),
    ("agent.tokens_output", "tokens"),
    ("agent.efficiency", "gauge"),
)


def _title(**_: object) -> str:
    view = here()
    return f"{asked_for(view, None)[:80]} · {t('Agents', view.lang)} · ALSHAM QUANTUM"


dash.register_page(__name__, path=AGENT_PATH, path_template="/agents/<agent>", title=_title)


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The place of one agent's page. No data."""
    return html.Div([html.Div([skeleton("text"), skeleton("card", 8), skeleton("table")], id="agent-body")])


@callback(Output("agent-body", "children"), *ASKED, State("url", "pathname"))
@load(SIGNED_IN)
def answer(unit: Session, view: View, path: str | None) -> Component:
    """The whole page of the agent the address names, read at one instant."""
    agent = asked_for(view, path)
    row, stored = one_agent(unit, view.window, agent), agent_details(unit, agent)
    if row is None or stored is None:
        return _unknown(view, agent)
    before = cursor_of(view.args.get("before", ""))
    spans, older = last_spans(unit, view.window, agent, before=before, size=SPANS)
    connections = connections_of(unit, view.window, agent)
    held = held_table(view, row, lambda offset, size: held_connections(unit, agent, offset, size))
    return html.Div(
        [
            *notices(view),
            *beyond_kept(unit, view),
            *_head(view, row),
            None if row.readings["agent.spans"].value else _quiet(unit, view, row),
            html.Div(
                [card(row.readings[key], view.lang, zone=view.zone, icon=drawn) for key, drawn in CARDS],
                className="card-grid card-grid-5 agent-cards",
            ),
            html.Div(
                [state_panel(view, row, stored), facts_panel(view, row, stored)],
                className="frame-row agent-facts",
            ),
            connections_table(view, row, [one for one in connections if one.callee_id == agent], "in"),
            connections_table(view, row, [one for one in connections if one.caller_id == agent], "out"),
            held,
            spans_table(view, row, spans, before, older),
        ]
    )


def asked_for(view: View, path: str | None) -> str:
    """The agent's id: `id` in the query, else what follows "/agents/" in the path."""
    return view.args.get("id") or View.of("", path=path or view.path).path.removeprefix(PREFIX)


def _unknown(view: View, agent: str) -> Component:
    lang = view.lang
    shown = agent if len(agent) <= 120 else agent[:120] + "…"
    why = t(
        "No agent has the id “{id}”. It may have been typed wrongly, or its telemetry lies in another database.",
        lang,
        id=shown,
    )
    address = view.link("/agents", search=agent.rpartition("/")[2][:120])
    action = html.Div(
        [
            dcc.Link(t("Search for it", lang), href=address, className="btn btn-primary"),
            dcc.Link(t("All agents", lang), href=view.link("/agents"), className="btn btn-quiet"),
        ],
        className="state-actions",
    )
    found = empty(t("No such agent", lang), why, action=action, lang=lang, icon_name="search")
    return html.Div([page_header(t("Agent not found", lang), lang=lang), html.Div(found, className="frame")])


def _head(view: View, row: AgentRow) -> list[Component]:
    lang = view.lang
    back = (t("All agents", lang), view.link("/agents"))
    lead = [
        copyable(row.id, lang),
        state_mark(row.state, lang),
        html.Span(t("origin: {name}", lang, name=origin_word(row.origin, lang)), className="chip"),
        html.Span(
            t("squad: {name}", lang, name=row.squad) if row.squad else t("no squad", lang), className="chip"
        ),
        dcc.Link(
            t("States over time", lang),
            href=status_address(view.search, f"{_kind(row)}:{row.id}"),
            className="agent-link",
        ),
        dcc.Link(t("Its log lines", lang), href=view.link("/logs", agent=row.id), className="agent-link"),
    ]
    return [
        page_header(row.name, lang=lang, zone=view.zone, measured_at=view.now, back=back),
        html.Div(lead, className="agent-lead"),
    ]


def _kind(row: AgentRow) -> str:
    return "part" if row.origin == "system" else "agent"


def _quiet(unit: Session, view: View, row: AgentRow) -> Component:
    """No span in the range: where this agent's latest one is, or what would bring its first."""
    lang = view.lang
    found, _ = last_spans(unit, Window.parse("all", view.now), row.id, size=1)
    if found:
        return _earlier(view, row.id, from_ns(found[0]["start_ns"]))
    if extent(unit) is None:
        return html.Div(first_steps(view), className="frame agent-quiet")
    words = [
        html.Strong(t("No span of this agent was ever stored.", lang)),
        html.Span(t("Its numbers begin with the first span that names it:", lang)),
        copyable(f"gen_ai.agent.id={row.id}", lang),
    ]
    return html.Div(
        [icon("clock"), html.Div(words, className="notice-text")], className="notice", role="status"
    )


def _earlier(view: View, agent: str, last: datetime) -> Component:
    """The range is empty for this agent: the day that ends with its last span, one click away."""
    lang = view.lang
    end = last.replace(second=0, microsecond=0) + timedelta(minutes=1)
    day = "/".join(at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in (end - timedelta(days=1), end))
    words = [
        html.Strong(t("No span of this agent in the chosen range.", lang)),
        html.Span(t("Its last one began {at}.", lang, at=moment(last, lang, view.zone))),
    ]
    address = view.agent(agent).partition("?")[0] + view.with_query(range=day, before=None)
    return html.Div(
        [
            icon("clock"),
            html.Div(words, className="notice-text"),
            dcc.Link(t("Show that day", lang), href=address, className="btn btn-primary btn-sm"),
        ],
        className="notice",
        role="status",
    )
