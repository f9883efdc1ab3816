"""The map as a table: the same agents and connections under the same filters, to read instead of to look at."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.agents import agent_link, kind_word
from components.attributes import attributes
from components.cards import measured
from components.format import number
from components.measured import unmeasured
from components.states import empty
from components.tables import Column, data_table
from db.metric import Reading
from i18n import t, tn
from pages._map_parts import Told
from pages._view import View

SIZE = 25
MEASURES = {
    "calls": "connection.calls",
    "errors": "connection.errors",
    "p50": "connection.latency_p50_ms",
    "p95": "connection.latency_p95_ms",
}
WORDS = ("caller", "callee", "kind", "evidence")
DEFAULT_ORDER = "-calls"
MOST_ALONE = 500
Row = Mapping[str, Any]


def table(told: Told) -> Component:
    """Connections, sorted and paged; under them the agents that have none."""
    view, rows = told.view, _rows(told)
    order = _order(view.args.get("order", ""))
    rows = _sorted(rows, order)
    pages = max(1, -(-len(rows) // SIZE))
    page = min(_whole(view.args.get("page", "")), pages)
    if not told.drawn.nodes:
        return html.Div()
    listed = data_table(
        _columns(view),
        rows[(page - 1) * SIZE : page * SIZE],
        lang=view.lang,
        caption=t("Connections between the agents shown, with the numbers of the chosen range", view.lang),
        search=view.search,
        path="/map",
        sort=order,
        page=page,
        pages=pages,
        total=len(rows),
        id="map-connections",
        keys=("order", "page"),
    )
    return html.Div([listed if rows else _none(view), _alone(told)])


def _rows(told: Told) -> list[Row]:
    """Measured connections with their readings, then imported and declared ones, which have none."""
    names = {node["id"]: str(node["name"]) for node in told.drawn.nodes}
    measured_rows = {(one.caller_id, one.callee_id): one.readings for one in told.drawn.connections}
    return [
        {
            "caller_id": edge["source"],
            "callee_id": edge["target"],
            "caller": names[edge["source"]],
            "callee": names[edge["target"]],
            "kind": edge["kind"],
            "evidence": edge["evidence"],
            "readings": measured_rows[edge["source"], edge["target"]]
            if edge["evidence"] == "measured"
            else {},
        }
        for edge in told.drawn.edges
    ]


def _sorted(rows: list[Row], order: str) -> list[Row]:
    """By one column; what is unknown comes last either way, equals by name."""
    key, falling = order.removeprefix("-"), order.startswith("-")
    by_name = sorted(rows, key=lambda row: (row["caller"].lower(), row["callee"].lower()))
    if key in WORDS:
        return sorted(by_name, key=lambda row: str(row[key]).lower(), reverse=falling)

    def value(row: Row) -> float | None:
        reading: Reading | None = row["readings"].get(MEASURES[key])
        return None if reading is None else reading.value

    known = [row for row in by_name if value(row) is not None]
    return sorted(known, key=lambda row: value(row) or 0, reverse=falling) + [
        row for row in by_name if value(row) is None
    ]


def _columns(view: View) -> list[Column]:
    lang = view.lang
    titles = {
        "calls": t("Calls", lang),
        "errors": t("Errors", lang),
        "p50": t("p50", lang),
        "p95": t("p95", lang),
    }
    return [
        Column("caller", t("Caller", lang), lambda row: _agent(row, "caller", view), sort=True),
        Column("callee", t("Called agent", lang), lambda row: _agent(row, "callee", view), sort=True),
        Column("kind", t("Kind", lang), lambda row: kind_word(row["kind"], lang), sort=True),
        Column("evidence", t("Evidence", lang), lambda row: _evidence(row["evidence"], lang), sort=True),
        *(_measured(key, title, lang) for key, title in titles.items()),
    ]


def _measured(key: str, title: str, lang: str) -> Column:
    def cell(row: Row) -> Component | None:
        reading = row["readings"].get(MEASURES[key])
        return measured(reading, lang) if reading else None

    return Column(key, title, cell, sort=True, align="end", falling=True)


def _agent(row: Row, side: str, view: View) -> Component:
    return agent_link(view.agent(row[f"{side}_id"]), row[f"{side}_id"], row[side])


def _evidence(evidence: str, lang: str) -> str:
    words = {
        "measured": t("recorded calls", lang),
        "imported": t("imported network", lang),
        "declared": t("declared", lang),
    }
    return words[evidence]


def _none(view: View) -> Component:
    why = t(
        "No call between the agents shown is recorded in this range, and none is declared or imported.",
        view.lang,
    )
    return html.Div(
        empty(t("No connections", view.lang), why, lang=view.lang, icon_name="connections"), className="frame"
    )


def _alone(told: Told) -> Component | None:
    """The agents without any connection, by squad or source."""
    lang = told.view.lang
    busy = {edge[end] for edge in told.drawn.edges for end in ("source", "target")}
    alone = [node for node in told.drawn.nodes if node["id"] not in busy]
    if not alone:
        return None
    count = number(len(alone), lang)
    title = tn(
        "{count} agent without a connection",
        "{count} agents without a connection",
        len(alone),
        lang,
        count=count,
    )
    by_group = sorted(alone[:MOST_ALONE], key=lambda node: (str(node["group"]), str(node["name"]).lower()))
    groups = [
        _group(name, list(nodes), told.view)
        for name, nodes in groupby(by_group, lambda node: str(node["group"]))
    ]
    rest = len(alone) - MOST_ALONE
    more = html.P(tn("and {n} more", "and {n} more", rest, lang), className="muted") if rest > 0 else None
    return html.Details(
        [html.Summary(title), *groups, more],
        className="frame map-alone",
        open=len(alone) <= SIZE,
        **attributes(unmeasured("shown")),
    )


def _group(name: str, nodes: Sequence[Mapping[str, Any]], view: View) -> html.Section:
    links = [html.Li(agent_link(view.agent(node["id"]), node["id"], str(node["name"]))) for node in nodes]
    return html.Section([html.H3(f"{name} · {number(len(nodes), view.lang)}"), html.Ul(links)])


def _whole(text: str) -> int:
    """A page's number; 1 for anything that is none."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 9 else 1


def _order(text: str) -> str:
    return text if text.removeprefix("-") in (*WORDS, *MEASURES) else DEFAULT_ORDER
