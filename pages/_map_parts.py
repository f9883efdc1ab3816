"""What stands round the map: filters, numbers, why something is missing, the chosen connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from components.agents import ORIGINS, STATES, agent_link, kind_word, origin_word, squad_word
from components.attributes import attributes
from components.cards import measured
from components.figures.network_words import state_words
from components.format import moment, number
from components.forms import findable, query_select
from components.icons import icon
from components.measured import unmeasured
from components.states import copyable, empty
from db.engine import Session
from db.metric import Reading
from db.queries.agents import AgentFilter
from db.queries.connections import LARGEST_SCENE, ConnectionRow, NetworkMap
from db.queries.held_connections import MOST_HELD
from db.queries.spans import extent
from i18n import t, tn
from pages._view import IMPORT_COMMAND, View, nothing_here

FILTERS = ("search", "origin", "squad", "state", "source")
NUMBERS = ("fleet.agents_observed", "fleet.connections", "calls.count")
SEED_COMMAND = ".venv/bin/quantum seed"
LONGEST = 200
DEEP = ("left", "right", "top", "front")  # movements that a flat map does not have
MODES = ("3d", "2d", "table")


@dataclass(frozen=True)
class Told:
    """What one answer speaks of: the filter, what matches it, the whole fleet and the numbers of the whole range."""

    view: View
    wanted: AgentFilter
    drawn: NetworkMap
    everyone: NetworkMap
    whole: Mapping[str, Reading]

    @property
    def filtered(self) -> bool:
        return self.wanted != AgentFilter()

    @property
    def frame(self) -> list[dict[str, Any]]:
        """Every node that sets the map's scale: the fleet, and what a filter brought in from beyond the limit."""
        known = {node["id"] for node in self.everyone.nodes}
        return [*self.everyone.nodes, *(node for node in self.drawn.nodes if node["id"] not in known)]


def wanted(view: View) -> AgentFilter:
    """The filters of the address, each of no more than a name can have."""
    given = {name: view.args.get(name, "").strip()[:LONGEST] for name in FILTERS}
    return AgentFilter(**given)


def mode(view: View, wish: str | None) -> str:
    """How the map is shown: as the address says, else flat where the browser has no WebGL ("none") or is "narrow"."""
    asked = view.args.get("view", "")
    if asked == "3d" and wish == "none":
        return "2d"
    return asked if asked in MODES else "2d" if wish else "3d"


def without_webgl(view: View, wish: str | None) -> list[Component]:
    """Why somebody who asked for the map in space sees it flat."""
    if wish != "none" or view.args.get("view") != "3d":
        return []
    what = t("This browser cannot draw in 3D, so the flat map is shown.", view.lang)
    return [
        _notice(
            what, t("WebGL is missing or switched off. The places and connections are the same.", view.lang)
        )
    ]


def view_switch(lang: str) -> html.Div:
    """In space, flat or as a table; the wish stands in the address."""
    words = (
        ("3d", "map", t("3D", lang)),
        ("2d", "connections", t("2D", lang)),
        ("table", "table", t("Table", lang)),
    )
    buttons = [
        html.Button(
            [icon(drawn), word],
            type="button",
            className="choice",
            disable_n_clicks=True,
            **attributes({"data-query-set": "view", "data-query-value": value, "aria-pressed": "false"}),
        )
        for value, drawn, word in words
    ]
    return html.Div(
        buttons,
        className="choices map-switch",
        role="group",
        **attributes({"aria-label": t("Show as", lang)}),
    )


def toolbar(lang: str) -> html.Div:
    """Search that flies to an agent, and every movement of the camera as a button."""
    moves = [
        ("in", "+", t("Nearer", lang)),
        ("out", "−", t("Farther", lang)),
        ("left", "↺", t("Turn left", lang)),
        ("right", "↻", t("Turn right", lang)),
        ("top", t("Top", lang), t("Seen from above", lang)),
        ("front", t("Front", lang), t("Seen from the front", lang)),
        ("reset", t("Whole map", lang), t("Back to the whole map", lang)),
    ]
    find = dcc.Dropdown(id="map-search", placeholder=t("Fly to an agent", lang), className="map-find")
    return html.Div(
        [
            html.Div(
                [
                    html.Label(t("Fly to an agent", lang), htmlFor="map-search", className="visually-hidden"),
                    find,
                ],
                className="map-finder",
            ),
            html.Div(
                [_move(*each) for each in moves],
                className="map-moves",
                role="group",
                **attributes({"aria-label": t("Camera", lang)}),
            ),
        ],
        className="map-toolbar",
    )


def _move(action: str, shown: str, words: str) -> html.Button:
    return html.Button(
        shown,
        type="button",
        className="map-move"
        + (" map-move-sign" if len(shown) == 1 else "")
        + (" map-deep" if action in DEEP else ""),
        title=words,
        disable_n_clicks=True,
        **attributes({"data-map-action": action, "aria-label": words}),
    )


def to_find(drawn: NetworkMap) -> list[dict[str, str]]:
    """Every drawn agent, by name; the id beside it where two share a name."""
    names = [str(node["name"]) for node in drawn.nodes]
    twice = {name for name in names if names.count(name) > 1} if len(names) <= LARGEST_SCENE else set(names)
    options = findable(
        (node["id"], f"{node['name']} · {node['id']}" if node["name"] in twice else node["name"])
        for node in drawn.nodes
    )
    return sorted(options, key=lambda option: str(option["label"]).lower())


def menus(
    view: View, origins: list[str], squads: list[str | None], sources: Sequence[str] = ()
) -> list[Component]:
    """The filters: what occurs in the fleet, and what is chosen even where it does not."""
    lang = view.lang
    told = [(name, origin_word(name, lang)) for name in ORIGINS if name in origins]
    teams = [(name, name) for name in squads if name] + (
        [("none", squad_word(None, lang))] if None in squads else []
    )
    states = [(name, word) for name, word in state_words(lang).items() if name in STATES]
    files, chosen = [(name, name) for name in sources], view.args.get("source")
    return [
        _menu(view, "origin", t("Origin", lang), t("All origins", lang), told),
        _menu(view, "squad", t("Squad", lang), t("All squads", lang), teams),
        _menu(view, "state", t("State", lang), t("All states", lang), states),
        *(
            [_menu(view, "source", t("Source", lang), t("All sources", lang), files)]
            if files or chosen
            else []
        ),
    ]


def _menu(view: View, key: str, label: str, every: str, known: list[tuple[str, str]]) -> Component:
    chosen = view.args.get(key)
    if chosen and chosen not in [value for value, _ in known]:
        known = [*known, (chosen, chosen)]
    return query_select(f"map-{key}", label, key, [("", every), *known], chosen)


def why_no_calls(unit: Session, told: Told) -> list[Component]:
    """Why no line is measured: nothing was ever imported, the data lies elsewhere in time, or nobody called anybody."""
    view, lang = told.view, told.view.lang
    if told.whole["calls.count"].value:
        return []
    if extent(unit) is None:
        why = t(
            "The agents stand where the layout puts them; their state is unknown. Import a file of traces:",
            lang,
        )
        if told.drawn.edges:
            what = t("No call was recorded yet; the lines are imported or declared ones.", lang)
            why = t("Nothing is known of the agents' state. Import a file of traces:", lang)
        else:
            what = t("No call was recorded yet, so there is no connection to draw.", lang)
        return [
            _notice(
                what,
                why,
                copyable(IMPORT_COMMAND, lang),
            )
        ]
    if not told.whole["fleet.agents_observed"].value:
        elsewhere = nothing_here(unit, view)
        return [elsewhere] if elsewhere else []
    why = t("Agents reported spans, but none that another agent asked for.", lang)
    return [_notice(t("No agent called another one in this range.", lang), why)]


def _notice(what: str, why: str, action: Component | None = None) -> html.Div:
    words = html.Div([html.Strong(what), html.Span(why), action], className="notice-text")
    return html.Div(
        [icon("clock"), words], className="notice", role="status", **attributes(unmeasured("shown"))
    )


def summary(told: Told) -> html.P:
    """What is drawn, what the whole range holds, and the instant all of it speaks of."""
    lang, shown = told.view.lang, len(told.drawn.nodes)
    agents = tn("{count} agent", "{count} agents", shown, lang, count=number(shown, lang))
    lines = len(told.drawn.edges)
    lined = tn("{count} connection", "{count} connections", lines, lang, count=number(lines, lang))
    at = t("measured {at}", lang, at=moment(told.view.now, lang, told.view.zone))
    beside: list[Component] = [
        html.Span([measured(told.whole[key], lang), " ", word], className="map-number")
        for key, word in (
            ("fleet.agents_observed", t("agents observed", lang)),
            ("fleet.connections", t("connections measured", lang)),
            ("calls.count", t("calls", lang)),
        )
    ]
    return html.P(
        [
            html.Span(
                t("Shown: {agents}, {connections}", lang, agents=agents, connections=lined),
                role="status",
                **attributes(unmeasured("shown")),
            ),
            html.Span([t("In the whole range:", lang), *beside], className="map-numbers"),
            html.Span(at, **attributes(unmeasured("shown"))),
            clear(told.view, "list-clear") if told.filtered and shown else None,
        ],
        className="list-summary map-summary",
    )


def left_out(told: Told) -> list[Component]:
    """How many agents, and connections between those drawn, the map has no room for."""
    return [*_agents_left_out(told), *_edges_left_out(told)]


def _edges_left_out(told: Told) -> list[Component]:
    count, lang = told.drawn.edges_left_out, told.view.lang
    if not count:
        return []
    said = number(count, lang)
    what = tn("{count} connection is left out.", "{count} connections are left out.", count, lang, count=said)
    why = t(
        "The map and its table hold the {most} strongest imported connections of the agents shown.",
        lang,
        most=number(MOST_HELD, lang),
    )
    return [_notice(what, why)]


def _agents_left_out(told: Told) -> list[Component]:
    count, lang = told.drawn.left_out, told.view.lang
    if not count:
        return []
    what = tn(
        "{count} agent is left out.", "{count} agents are left out.", count, lang, count=number(count, lang)
    )
    most = number(LARGEST_SCENE, lang)
    why = t(
        "The map and its table hold the {most} agents with the most calls, then those with the most imported "
        "connections. Filter to see others.",
        lang,
        most=most,
    )
    return [_notice(what, why)]


def nobody(told: Told) -> html.Div:
    """No agent to draw: nothing matches, or there is none at all."""
    lang = told.view.lang
    if told.filtered:
        why = t("No agent fits all the filters. Take one away to see more.", lang)
        drawn = empty(
            t("No agent matches", lang),
            why,
            action=clear(told.view, "btn btn-primary"),
            lang=lang,
            icon_name="search",
        )
    else:
        why = t(
            "The catalogue has not been seeded and no telemetry was imported. Seed the catalogue's agents:",
            lang,
        )
        drawn = empty(t("No agents yet", lang), why, SEED_COMMAND, lang=lang)
    return html.Div(drawn, className="frame")


def clear(view: View, look: str) -> dcc.Link:
    address = "/map" + view.with_query(**dict.fromkeys((*FILTERS, "page")))
    return dcc.Link(t("Clear filters", view.lang), href=address, className=look)


def chosen_connection(view: View) -> tuple[str, str] | None:
    """Caller and callee named by the address."""
    caller, callee = view.args.get("caller"), view.args.get("callee")
    return (caller, callee) if caller and callee else None


def connection(told: Told, chosen: tuple[str, str] | None) -> Component | None:
    """The numbers of the connection that was clicked."""
    if chosen is None:
        return None
    view, lang = told.view, told.view.lang
    close = dcc.Link(
        [icon("close"), html.Span(t("Close", lang), className="visually-hidden")],
        href="/map" + view.with_query(caller=None, callee=None),
        className="icon-button",
        title=t("Close", lang),
    )
    row = next((one for one in told.drawn.connections if (one.caller_id, one.callee_id) == chosen), None)
    names = {node["id"]: node["name"] for node in told.frame}
    ends = [agent_link(view.agent(end), end, str(names.get(end, end))) for end in chosen]
    head = html.Header(
        [html.H2([ends[0], html.Span(" → ", className="faint"), ends[1]]), close],
        className="map-connection-head",
    )
    return html.Div(
        [head, _numbers(row, lang) if row else _unmeasured(told, chosen)],
        className="map-panel",
        role="status",
    )


def _numbers(row: ConnectionRow, lang: str) -> html.Dl:
    told: list[tuple[str, Any]] = [
        (t("Kind", lang), kind_word(row.kind, lang)),
        (t("Calls", lang), measured(row.readings["connection.calls"], lang)),
        (t("Errors", lang), measured(row.readings["connection.errors"], lang)),
        (t("p50", lang), measured(row.readings["connection.latency_p50_ms"], lang)),
        (t("p95", lang), measured(row.readings["connection.latency_p95_ms"], lang)),
    ]
    return html.Dl(
        [part for name, value in told for part in (html.Dt(name), html.Dd(value))], className="facts"
    )


def _unmeasured(told: Told, chosen: tuple[str, str]) -> html.P:
    """Why a connection has no numbers."""
    lang = told.view.lang
    found = {edge["evidence"] for edge in told.drawn.edges if (edge["source"], edge["target"]) == chosen}
    words = t("No call between these two is recorded in this range under these filters.", lang)
    if "imported" in found:
        words = t("Imported with a network; no call between these two is recorded in this range.", lang)
    elif "declared" in found:
        words = t("Declared; no call between these two is recorded in this range.", lang)
    return html.P(words, className="muted")
