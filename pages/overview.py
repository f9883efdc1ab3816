"""The first page: how many, how well, how fast, how connected. All of it is read in one session, at one instant."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dash
from dash import Output, callback, dcc, html
from dash.development.base_component import Component

from auth.doors import SIGNED_IN
from components.attributes import attributes
from components.cards import card, measured
from components.charts import chart_frame, histogram_columns
from components.figures.histograms import efficiency_histogram, latency_histogram
from components.figures.network import network_config, network_figure
from components.format import moment, number
from components.icons import icon
from components.measured import marks
from components.shell import page_header
from components.states import empty, skeleton
from db.engine import Session
from db.metric import Reading, SeriesReading, read, read_series
from db.queries.agents import UNMEASURED, AgentFilter
from db.queries.connections import NetworkMap, latest_events, lines_of, network
from i18n import t
from pages._view import ASKED, BUSY, View, beyond_kept, load, nothing_here, notices, page, titled

dash.register_page(__name__, path="/", title=titled(lambda lang: t("Overview", lang)))

CARDS = {
    "fleet.agents_configured": "agents",
    "fleet.agents_observed": "search",
    "fleet.agents_operational": "play",
    "fleet.connections": "connections",
    "calls.count": "calls",
    "spans.errors": "error",
    "fleet.efficiency": "gauge",
    "spans.latency_p50_ms": "timer",
    "spans.latency_p95_ms": "timer",
    "system.elapsed_days": "calendar",
}
BESIDE = ("fleet.agents_measured", "fleet.agents_known", "fleet.agents_unmeasured", "spans.count")
STEP_BACK = 1.15
Readings = Mapping[str, Reading]
Names = Mapping[str, tuple[str, str]]


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The outline; its numbers come by the callback below."""
    lead = t("What the fleet's own telemetry says. Click any number to see how it is made.", view.lang)
    outline = [
        skeleton("card", len(CARDS)),
        html.Div([skeleton("chart"), skeleton("chart")], className="frame-row"),
    ]
    return html.Div(
        [
            page_header(t("Overview", view.lang), lead, lang=view.lang),
            html.Div(outline, id="overview-body", className="page-body"),
        ]
    )


@callback(Output("overview-body", "children"), *ASKED, running=BUSY)
@load(SIGNED_IN)
def overview(unit: Session, view: View) -> list[Component]:
    """Everything on the page, of one instant."""
    readings = {key: read(unit, key, view.window) for key in (*CARDS, *BESIDE)}
    drawn = network(unit, view.window, AgentFilter())
    said = [*notices(view), *beyond_kept(unit, view)]
    if not readings["spans.count"].value:
        said += filter(None, [nothing_here(unit, view)])
        return [*said, _cards(readings, view), html.Div(_map(drawn, view), className="frame-row")]
    efficiencies = read_series(unit, "fleet.efficiency_histogram", view.window)
    latencies = read_series(unit, "spans.latency_histogram", view.window)
    names = _names(drawn)
    glance, events = _map(drawn, view, STEP_BACK), _events(latest_events(unit, view.window), names, view)
    charts = [_efficiency(efficiencies, readings, view), _latency(latencies, readings, view)]
    return [
        *said,
        _cards(readings, view),
        html.Div(charts, className="frame-row"),
        html.Div([glance, events], className="frame-row frame-row-map"),
    ]


def _cards(readings: Readings, view: View) -> html.Div:
    at = t("Measured {at}", view.lang, at=moment(view.now, view.lang, view.zone))
    cards = [card(readings[key], view.lang, zone=view.zone, icon=drawn) for key, drawn in CARDS.items()]
    return html.Div(
        [html.P(at, className="page-at overview-at"), html.Div(cards, className="card-grid card-grid-5")]
    )


def _efficiency(series: SeriesReading, readings: Readings, view: View) -> Component:
    """The pooled share speaks of those who had tasks; the rest is counted beside it and leads to its agents."""

    def bar(row: Mapping[str, Any]) -> str:
        return view.link("/agents", efficiency=f"{row['low']}-{row['high']}")

    def words(row: Mapping[str, Any]) -> Component:
        return dcc.Link(f"{number(row['low'], view.lang)}–{number(row['high'], view.lang)} %", href=bar(row))

    figure = efficiency_histogram(series, None, view.lang, view.theme, leads=bar)
    first, *others = histogram_columns(series, view.lang)
    return chart_frame(
        series,
        figure,
        view.lang,
        id="overview-efficiency",
        zone=view.zone,
        note=_had_tasks(readings, view),
        columns=[replace(first, cell=words), *others],
    )


def _had_tasks(readings: Readings, view: View) -> list[Any]:
    lang = view.lang
    nobody = dcc.Link(
        t("have none and are not drawn.", lang), href=view.link("/agents", efficiency=UNMEASURED)
    )
    return [
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


def _latency(series: SeriesReading, readings: Readings, view: View) -> Component:
    lines = {"p50": readings["spans.latency_p50_ms"], "p95": readings["spans.latency_p95_ms"]}
    figure = latency_histogram(series, view.lang, view.theme, lines)
    spans = measured(readings["spans.count"], view.lang)
    beside = [
        spans,
        " ",
        t("spans start in this range. Dotted lines mark the median and the 95th percentile.", view.lang),
    ]
    return chart_frame(series, figure, view.lang, id="overview-latency", zone=view.zone, note=beside)


def _map(drawn: NetworkMap, view: View, away: float = 1.0) -> Component:
    """A still glance at the map that leads to the whole one; `away` steps back where the frame is narrow."""
    figure = network_figure(drawn.nodes, drawn.edges, lang=view.lang, theme=view.theme, mini=True)
    eye = figure["layout"]["scene"]["camera"]["eye"]
    eye.update({axis: place * away for axis, place in eye.items()})
    graph = dcc.Graph(
        id="overview-map",
        figure=figure,
        config=network_config(mini=True),
        className="mini-map",
        responsive=True,
    )
    words = t("Open the map", view.lang)
    return html.Section(
        [
            html.Header(
                [
                    html.H2(t("The fleet at a glance", view.lang)),
                    dcc.Link([words, icon("next")], href=view.link("/map"), className="frame-link"),
                ],
                className="frame-head",
            ),
            html.Div(
                dcc.Link(graph, href=view.link("/map"), className="mini-map-link", title=words),
                **attributes(marks(lines_of(drawn, view.window))),
            ),
        ],
        className="frame map-frame",
    )


def _events(events: list[dict[str, Any]], names: Names, view: View) -> Component:
    title = html.Header(html.H2(t("Latest events", view.lang)), className="frame-head")
    if not events:
        none = empty(
            t("No events", view.lang),
            t("No agent was seen and no error reported in this range.", view.lang),
            lang=view.lang,
        )
        return html.Section([title, none], className="frame")
    return html.Section(
        [title, html.Ul([_event(event, names, view) for event in events], className="events")],
        className="frame",
    )


def _names(drawn: NetworkMap) -> Names:
    """By id, an agent's name; and what its id says besides, where another agent bears the same name."""
    bearers = Counter(node["name"] for node in drawn.nodes)
    return {
        node["id"]: (
            node["name"],
            node["id"].removesuffix(f"/{node['name']}") if bearers[node["name"]] > 1 else "",
        )
        for node in drawn.nodes
    }


def _event(event: Mapping[str, Any], names: Names, view: View) -> html.Li:
    failed = event["event"] == "error"
    agent = event["agent_id"]
    name, beside = names.get(agent, (agent, ""))
    who = dcc.Link(name, href=view.agent(agent), title=agent) if agent else t("unattributed", view.lang)
    what = (
        t("reported an error in {span}", view.lang, span=event["name"])
        if failed
        else t("first span in this range", view.lang)
    )
    why = " · ".join(filter(None, [event.get("error_type"), event.get("status_message")])) if failed else ""
    at = html.Time(moment(event["at"], view.lang, view.zone), dateTime=event["at"].isoformat())
    said = [
        html.Div([who, " ", what]),
        html.Div(why[:200], className="event-why") if why else None,
        html.Div(beside, className="event-at event-beside") if beside else None,
        html.Div(at, className="event-at"),
    ]
    mark = icon("error" if failed else "spark", "event-icon")
    return html.Li(
        [mark, html.Div(said, className="event-words")], className="event is-error" if failed else "event"
    )
