"""The fleet: every agent with what it did in the range, searched, filtered, sorted and paged by the server."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import dash
from dash import Output, callback, dcc, html
from dash.development.base_component import Component

from auth.doors import SIGNED_IN
from components.agents import (
    ORIGINS,
    STATES,
    agent_link,
    clock_flag,
    origin_word,
    squad_word,
    state_mark,
)
from components.attributes import attributes
from components.cards import measured
from components.figures.network_words import state_words
from components.format import ago, moment, number
from components.forms import query_bar, query_search, query_select
from components.measured import unmeasured
from components.shell import page_header
from components.states import empty, skeleton
from components.tables import Column, data_table
from db.engine import Session
from db.metric import read
from db.queries.agents import (
    EFFICIENCIES,
    ORDERS,
    UNMEASURED,
    AgentFilter,
    AgentRow,
    agent_page,
    filter_choices,
    known_sources,
)
from i18n import t, tn
from pages._view import ASKED, View, beyond_kept, load, nothing_here, notices, page, titled

SIZE = 25
FILTERS = ("search", "origin", "squad", "state", "source", "efficiency")
DEFAULT_ORDER = "-spans"
SEED_COMMAND = ".venv/bin/quantum seed"

dash.register_page(__name__, path="/agents", title=titled(lambda lang: t("Agents", lang)))


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """Search and filters, and the place of the list. No data."""
    lang = view.lang
    lead = t("Who was set up, who was seen, and how each did in the chosen range.", lang)
    search = query_search("agents-search", t("Search by name or id", lang), "search", view.args.get("search"))
    return html.Div(
        [
            page_header(t("Agents", lang), lead, lang=lang),
            query_bar(search, html.Div(_menus(view, [], []), id="agents-menus", className="query-menus")),
            html.Div(skeleton("table"), id="agents-list"),
        ]
    )


@callback(Output("agents-list", "children"), Output("agents-menus", "children"), *ASKED)
@load(SIGNED_IN, besides=1)
def answer(unit: Session, view: View) -> tuple[Component, list[Component]]:
    """The page of the list that the address asks for, and the filters' menus with what occurs."""
    wanted = _wanted(view)
    order = _order(view.args.get("order", ""))
    rows, total, number_of_page = _page(unit, view, wanted, order)
    origins, squads = filter_choices(unit)
    seen = read(unit, "spans.count", view.window).value
    elsewhere = None if seen else nothing_here(unit, view)
    listed = _table(view, rows, total, number_of_page, order) if total else _none(view, wanted, bool(origins))
    drawn = html.Div(
        [*notices(view), *beyond_kept(unit, view), elsewhere, _summary(view, wanted, total, rows), listed]
    )
    return drawn, _menus(view, origins, squads, known_sources(unit))


def _wanted(view: View) -> AgentFilter:
    """The filters of the address; an efficiency that no bar stands for is none."""
    told = {name: _text(view.args.get(name, "")) for name in FILTERS}
    return AgentFilter(**told | ({} if told["efficiency"] in EFFICIENCIES else {"efficiency": ""}))


def _page(unit: Session, view: View, wanted: AgentFilter, order: str) -> tuple[list[AgentRow], int, int]:
    """The rows, how many match, and the page shown: the last one where the address asks for one beyond it."""
    falling, by, size = order.startswith("-"), order.lstrip("-"), SIZE
    asked = _whole(view.args.get("page", ""))
    rows, total = agent_page(unit, view.window, wanted, order=by, descending=falling, page=asked, size=size)
    last = max(1, -(-total // size))
    if asked > last:
        asked = last
        rows, total = agent_page(
            unit, view.window, wanted, order=by, descending=falling, page=last, size=size
        )
    return rows, total, asked


def _text(given: str) -> str:
    """A filter of no more than a name can have."""
    return given.strip()[:200]


def _whole(text: str) -> int:
    """A page's number; 1 for anything that is none. The databases count rows in 64 bits."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 9 else 1


def _order(text: str) -> str:
    return text if text.removeprefix("-") in ORDERS else DEFAULT_ORDER


def _summary(view: View, wanted: AgentFilter, total: int, rows: list[AgentRow]) -> html.P:
    """How many there are, the instant all numbers of the list speak of, and that of those that stand in the rows."""
    shown = number(total, view.lang)
    if wanted == AgentFilter():
        count = tn("{count} agent", "{count} agents", total, view.lang, count=shown)
    else:
        count = tn("{count} agent matches", "{count} agents match", total, view.lang, count=shown)
    at = t("measured {at}", view.lang, at=moment(view.now, view.lang, view.zone))
    clear = _clear(view, "list-clear") if wanted != AgentFilter() and total else None
    return html.P(
        [html.Span(f"{count} · {at}", role="status"), _since(view, rows), clear],
        className="list-summary",
        **attributes(unmeasured("shown")),
    )


def _since(view: View, rows: list[AgentRow]) -> Component | None:
    """How old the stored measures are: one job measures all agents at one instant."""
    instants = [row.measured_at for row in rows if row.measured_at is not None]
    if not instants:
        return None
    oldest = min(instants)
    words = t("24 h efficiency stored {ago}", view.lang, ago=ago(oldest, view.now, view.lang))
    exact = moment(oldest, view.lang, view.zone)
    return html.Time(f" · {words}", dateTime=oldest.isoformat(), title=exact)


def _table(view: View, rows: list[AgentRow], total: int, shown: int, order: str) -> Component:
    return data_table(
        _columns(view),
        [{"agent": row} for row in rows],
        lang=view.lang,
        caption=t("Agents and what they did in the chosen range", view.lang),
        search=view.search,
        path="/agents",
        sort=order,
        page=shown,
        pages=max(1, -(-total // SIZE)),
        total=total,
        id="agents-table",
        keys=("order", "page"),
    )


def _columns(view: View) -> list[Column]:
    lang = view.lang
    return [
        Column("name", t("Agent", lang), lambda row: _name(row["agent"], view), sort=True),
        Column("origin", t("Origin", lang), lambda row: origin_word(row["agent"].origin, lang), sort=True),
        Column("squad", t("Squad", lang), lambda row: _squad(row["agent"], lang), sort=True),
        Column("state", t("State", lang), lambda row: _state(row["agent"], lang), sort=True),
        _measured("spans", t("Spans", lang), "agent.spans", lang),
        _measured("errors", t("Errors", lang), "agent.errors", lang),
        _measured("calls_in", t("Calls in", lang), "agent.calls_in", lang),
        _measured("calls_out", t("Calls out", lang), "agent.calls_out", lang),
        _measured("p50", t("p50", lang), "agent.latency_p50_ms", lang),
        _measured("p95", t("p95", lang), "agent.latency_p95_ms", lang),
        replace(
            _measured("efficiency", t("Efficiency", lang), "agent.efficiency", lang),
            cell=lambda row: _efficiency(row["agent"], lang),
        ),
        Column(
            "last_span", t("Last span", lang), lambda row: _last(row["agent"], view), sort=True, align="end"
        ),
    ]


def _measured(key: str, title: str, metric: str, lang: str) -> Column:
    def cell(row: Mapping[str, Any]) -> Component:
        return measured(row["agent"].readings[metric], lang)

    return Column(key, title, cell, sort=True, align="end", falling=True)


def _name(agent: AgentRow, view: View) -> Component:
    under = (
        html.Span(agent.id, className="cell-under", **attributes(unmeasured("name")))
        if agent.id != agent.name
        else None
    )
    return html.Div([agent_link(view.agent(agent.id), agent.id, agent.name), under], className="cell-name")


def _squad(agent: AgentRow, lang: str) -> Component:
    return html.Span(squad_word(agent.squad, lang), className="" if agent.squad else "faint")


def _last(agent: AgentRow, view: View) -> Component | None:
    """How long ago, with the exact instant on hover and for screen readers."""
    if agent.last_span is None:
        return None
    exact = moment(agent.last_span, view.lang, view.zone)
    return html.Time(
        ago(agent.last_span, view.now, view.lang),
        dateTime=agent.last_span.isoformat(),
        title=exact,
        className="nowrap",
    )


def _efficiency(agent: AgentRow, lang: str) -> Component:
    """Of the range, and beneath it what stands in the agent's row whatever the range."""
    stored = measured(agent.stored["agent.stored_efficiency"], lang)
    range_of = html.Span(t("24 h:", lang), **attributes(unmeasured("definition")))
    beneath = html.Span([range_of, " ", stored], className="cell-under nowrap")
    return html.Span([measured(agent.readings["agent.efficiency"], lang), beneath])


def _menus(
    view: View, origins: list[str], squads: list[str | None], sources: Sequence[str] = ()
) -> list[Component]:
    """The filters: what occurs in the fleet, and what is chosen even where it does not."""
    lang, chosen = view.lang, view.args
    told: list[tuple[str, str]] = [(name, origin_word(name, lang)) for name in ORIGINS if name in origins]
    teams = [(name, name) for name in squads if name]
    if None in squads:
        teams.append(("none", squad_word(None, lang)))
    states = [(name, word) for name, word in state_words(lang).items() if name in STATES]
    return [
        _menu("origin", t("Origin", lang), t("All origins", lang), told, chosen.get("origin")),
        _menu("squad", t("Squad", lang), t("All squads", lang), teams, chosen.get("squad")),
        _menu("state", t("State", lang), t("All states", lang), states, chosen.get("state")),
        *([_sources(view, sources)] if sources or chosen.get("source") else []),
        _efficiencies(view),
        html.Div(_orders(view), className="agents-order"),
    ]


def _sources(view: View, sources: Sequence[str]) -> Component:
    known = [(name, name) for name in sources]
    every = t("All sources", view.lang)
    return _menu("source", t("Source", view.lang), every, known, view.args.get("source"))


def _efficiencies(view: View) -> Component:
    """The bars of the overview's histogram, and those that are in none."""
    known = [(name, _bar(name, view.lang)) for name in EFFICIENCIES]
    chosen = view.args.get("efficiency")
    every = t("Any efficiency", view.lang)
    return _menu(
        "efficiency", t("Efficiency", view.lang), every, known, chosen if chosen in EFFICIENCIES else None
    )


def _bar(name: str, lang: str) -> str:
    return t("not measured", lang) if name == UNMEASURED else f"{name.replace('-', '–')} %"


def _orders(view: View) -> Component:
    """Sorting for narrow screens, where the columns have no heads."""
    sortable = [column for column in _columns(view) if column.sort]
    first = {column.key: f"-{column.key}" if column.falling else column.key for column in sortable}
    known = [(first[column.key], column.title) for column in sortable]
    order = _order(view.args.get("order", ""))
    titles = {column.key: column.title for column in sortable}
    if order not in first.values():
        known.append((order, t("{column}, reversed", view.lang, column=titles[order.removeprefix("-")])))
    return query_select("agents-order", t("Sort by", view.lang), "order", known, order)


def _menu(key: str, label: str, every: str, known: list[tuple[str, str]], chosen: str | None) -> Component:
    if chosen and chosen not in [value for value, _ in known]:
        known = [*known, (chosen, chosen)]
    return query_select(f"agents-{key}", label, key, [("", every), *known], chosen)


def _state(row: AgentRow, lang: str) -> Component:
    """The derived state, and under it that its clock is far from ours."""
    mark = state_mark(row.state, lang)
    if not row.is_clock_off:
        return mark
    return html.Span([mark, html.Span(clock_flag(row.clock_drift_ms or 0, lang), className="cell-under")])


def _none(view: View, wanted: AgentFilter, any_agents: bool) -> Component:
    """Why no row is shown: nothing matches the filters, or there is no agent at all."""
    lang = view.lang
    if any_agents or wanted != AgentFilter():
        why = t("No agent fits {filters}. Take a filter away to see more.", lang, filters=_said(view, wanted))
        return html.Div(
            empty(
                t("No agent matches", lang),
                why,
                action=_clear(view, "btn btn-primary"),
                lang=lang,
                icon_name="search",
            ),
            className="frame",
        )
    why = t(
        "The catalogue has not been seeded and no telemetry was imported. Seed the catalogue's agents:", lang
    )
    return html.Div(empty(t("No agents yet", lang), why, SEED_COMMAND, lang=lang), className="frame")


def _said(view: View, wanted: AgentFilter) -> str:
    """The filters in words, such as: the search “cart”, the squad CORE and the state Failing."""
    lang = view.lang
    parts = []
    if wanted.search:
        parts.append(t("the search “{text}”", lang, text=wanted.search[:80]))
    if wanted.origin:
        parts.append(t("the origin {name}", lang, name=origin_word(wanted.origin, lang)))
    if wanted.squad:
        squad = squad_word(None if wanted.squad == "none" else wanted.squad, lang)
        parts.append(t("the squad {name}", lang, name=squad[:80]))
    if wanted.state:
        state = state_words(lang).get(wanted.state, wanted.state)
        parts.append(t("the state {name}", lang, name=state[:80]))
    if wanted.source:
        parts.append(t("the source {name}", lang, name=wanted.source[:80]))
    if wanted.efficiency:
        parts.append(t("the efficiency {name}", lang, name=_bar(wanted.efficiency, lang)))
    return (
        parts[0]
        if len(parts) == 1
        else t("{first} and {last}", lang, first=", ".join(parts[:-1]), last=parts[-1])
    )


def _clear(view: View, look: str) -> dcc.Link:
    address = "/agents" + view.with_query(**dict.fromkeys((*FILTERS, "page")))
    return dcc.Link(t("Clear filters", view.lang), href=address, className=look)
