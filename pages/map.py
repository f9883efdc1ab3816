"""The neural map: who called whom in the range, as a picture and as a table, both under the same filters."""

from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State, callback, clientside_callback, dcc, html, no_update
from dash.exceptions import PreventUpdate

from auth.doors import SIGNED_IN, permitted
from components.attributes import attributes
from components.figures.network import network_config, network_figure
from components.figures.network_flat import network_config_2d, network_figure_2d
from components.figures.network_legend import network_legend
from components.figures.packed import packed
from components.forms import query_bar, query_search
from components.shell import page_header
from db.engine import Session
from db.metric import read
from db.queries.agents import AgentFilter, filter_choices, known_sources
from db.queries.connections import network
from i18n import t
from pages import _map_parts as parts
from pages import _map_table as twin
from pages._view import ASKED, BUSY, View, beyond_kept, here, load, notices, page, titled

# The figures as they are sent, by the graph that shows them.
PACKED = {"map-graph": "map-graph-packed", "map-flat": "map-flat-packed"}

dash.register_page(__name__, path="/map", title=titled(lambda lang: t("Map", lang)))


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """Filters, the stage of the map and the places of everything else. The stage stays while its data changes."""
    lang = view.lang
    lead = t(
        "Who called whom in the chosen range. Click an agent to open its page, the dot on a line to see its calls.",
        lang,
    )
    search = query_search("map-filter", t("Filter by name or id", lang), "search", view.args.get("search"))
    return html.Div(
        [
            page_header(t("Map", lang), lead, lang=lang, actions=parts.view_switch(lang)),
            query_bar(search, html.Div(parts.menus(view, [], []), id="map-menus", className="query-menus")),
            html.Div(id="map-said"),
            html.Section(
                [
                    *_graphs(view),
                    parts.toolbar(lang),
                    html.Div(id="map-connection", className="map-connection"),
                ],
                id="map-stage",
                className="frame map-frame map-stage",
                **attributes({"aria-label": t("Neural map", lang)}),
            ),
            html.Div(id="map-legend"),
            html.Div(id="map-table"),
            dcc.Location(id="map-go", refresh="callback-nav"),
            *(dcc.Store(id=store) for store in PACKED.values()),
            dcc.Store(id="map-picked"),
            dcc.Store(id="map-narrow"),
            dcc.Store(id="map-wish"),
        ],
        id="map-page",
        className=_look(parts.mode(view, None), True),
    )


def _graphs(view: View) -> list[html.Div]:
    """The map in space and its flat twin; one of them is seen."""
    deep = network_figure([], [], lang=view.lang, theme=view.theme)
    flat = network_figure_2d([], [], lang=view.lang, theme=view.theme)
    drawn = (
        ("map-graph", deep, network_config(), "map-space"),
        ("map-flat", flat, network_config_2d(), "map-flat"),
    )
    return [
        html.Div(
            dcc.Graph(id=name, figure=nothing, config=config, responsive=True, style={"height": "100%"}),
            className=f"map-canvas {look}",
        )
        for name, nothing, config, look in drawn
    ]


LOOKS = {"3d": "is-map", "2d": "is-map is-flat", "table": "is-table"}


def _look(mode: str, any_agents: bool) -> str:
    return f"map-page {LOOKS[mode]}" if any_agents else "map-page is-empty"


@callback(
    Output("map-said", "children"),
    Output("map-menus", "children"),
    Output(PACKED["map-graph"], "data"),
    Output(PACKED["map-flat"], "data"),
    Output("map-search", "options"),
    Output("map-connection", "children"),
    Output("map-legend", "children"),
    Output("map-table", "children"),
    Output("map-page", "className"),
    *ASKED,
    Input("map-narrow", "data"),
    Input("map-wish", "data"),
    Input("map-search", "value"),
    running=BUSY,
)
@load(SIGNED_IN, besides=8)
def answer(
    unit: Session, view: View, narrow: bool | None, wish: str | None, selected: str | None
) -> tuple[Any, ...]:
    """The whole page, of one instant: the numbers, the picture or its table, and the chosen connection."""
    wanted = parts.wanted(view)
    everyone = network(unit, view.window, AgentFilter())
    drawn = everyone if wanted == AgentFilter() else network(unit, view.window, wanted)
    whole = {key: read(unit, key, view.window) for key in parts.NUMBERS}
    told = parts.Told(view, wanted, drawn, everyone, whole)
    said = [
        *notices(view),
        *beyond_kept(unit, view),
        *parts.without_webgl(view, wish),
        *(parts.why_no_calls(unit, told) if drawn.nodes else []),
        parts.summary(told),
        *parts.left_out(told),
    ]
    if not drawn.nodes:
        said.append(parts.nobody(told))
    menus = parts.menus(view, *filter_choices(unit), known_sources(unit))
    mode = parts.mode(view, wish)
    look = _look(mode, bool(drawn.nodes))
    if mode == "table":
        return said, menus, no_update, no_update, no_update, None, None, twin.table(told), look
    frame = told.frame
    chosen = parts.chosen_connection(view)
    draw = network_figure_2d if mode == "2d" else network_figure
    figure = packed(
        draw(
            drawn.nodes,
            drawn.edges,
            lang=view.lang,
            theme=view.theme,
            selected=selected,
            compact=bool(narrow),
            frame=frame,
            connection=chosen,
        )
    )
    figures = (no_update, figure) if mode == "2d" else (figure, no_update)
    legend = network_legend(drawn.nodes, drawn.edges, view.lang, view.theme, frame)
    return said, menus, *figures, parts.to_find(drawn), parts.connection(told, chosen), legend, None, look


@callback(
    Output("map-go", "href"), Input("map-picked", "data"), State("url", "search"), prevent_initial_call=True
)
@permitted(SIGNED_IN)
def follow(picked: Any, search: str | None) -> str:
    """Where a click on the map leads: an agent to its page, a connection to its numbers beside the map."""
    view = here(search or "")
    picked = picked if isinstance(picked, dict) else {}
    edge, agent = picked.get("edge"), picked.get("id")
    if isinstance(edge, dict):
        return "/map" + view.with_query(caller=edge.get("source"), callee=edge.get("target"))
    if not isinstance(agent, str) or not agent:
        raise PreventUpdate
    return view.agent(agent)


for _graph, _store in PACKED.items():
    clientside_callback(
        ClientsideFunction("mapData", "unpack"), Output(_graph, "figure"), Input(_store, "data")
    )
clientside_callback(ClientsideFunction("map", "fly"), Input("map-search", "value"))
clientside_callback(
    ClientsideFunction("map", "narrow"), Output("map-narrow", "data"), Input("map-stage", "id")
)
clientside_callback(
    ClientsideFunction("mapFlat", "wish"), Output("map-wish", "data"), Input("map-stage", "id")
)
