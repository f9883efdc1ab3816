"""Lines of logs: how many of which level when, and the lines, each with its agent and the trace it was written in."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import dash
from dash import Output, callback, dcc, html
from dash.development.base_component import Component

from auth.doors import SIGNED_IN
from components.agents import agent_link, span_status
from components.attributes import attributes
from components.cards import card
from components.charts import chart_frame
from components.figures.levels import level_bars, level_legend, level_mark, level_word
from components.format import by_unit, moment, number
from components.forms import query_bar, query_search, query_select
from components.icons import icon
from components.measured import unmeasured
from components.shell import page_header
from components.states import empty, skeleton
from components.tables import Column, data_table, keyset_pager
from db.engine import Session
from db.keyset import Slice
from db.metric import SeriesReading, Window, from_ns, read, read_series
from db.queries.kept import LOGS
from db.queries.logs import LEVELS, MOST_SPANS, agents_heard, extent, line_page, spans_of
from db.queries.rolled import MS
from i18n import t
from pages._recorded import bounded, elsewhere_of
from pages._view import ASKED, BUSY, View, beyond_kept, load, notices, page, titled

NAME = "logs"
CARDS = ("logs.lines", "logs.warnings", "logs.errors")
FILTERS = ("search", "level", "agent", "trace")
SIZE = 50
SHORT, LONGEST = 280, 20_000  # characters of a line that are shown at once, and at a click
COMMAND = ".venv/bin/quantum import otlp FILE"

dash.register_page(
    __name__,
    path=f"/{NAME}",
    title=titled(lambda lang: t("Logs", lang)),
    nav={"words": lambda lang: t("Logs", lang), "icon": "table", "order": 6, "needs": SIGNED_IN},
)


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The outline; everything comes by the callback below."""
    lang = view.lang
    lead = t("What agents and services wrote, by level and time.", lang)
    search = query_search(f"{NAME}-search", t("Search the lines", lang), "search", view.args.get("search"))
    return html.Div(
        [
            page_header(t("Logs", lang), lead, lang=lang),
            html.Div([skeleton("card", 3), skeleton("chart")], id=f"{NAME}-top", className="page-body"),
            html.Div(
                query_bar(search, html.Div(id=f"{NAME}-menus", className="query-menus")), className="section"
            ),
            html.Div(skeleton("table"), id=f"{NAME}-list"),
        ]
    )


@callback(
    Output(f"{NAME}-top", "children"),
    Output(f"{NAME}-list", "children"),
    Output(f"{NAME}-menus", "children"),
    *ASKED,
    running=BUSY,
)
@load(SIGNED_IN, besides=2)
def answer(unit: Session, view: View) -> tuple[list[Component | None], Component | None, list[Component]]:
    """All lines of the window in numbers, and a page of those that fit the filters."""
    found = extent(unit)
    if found is None:
        why = t("Lines come with logs over OpenTelemetry, or from a file:", view.lang)
        none = html.Div(empty(t("No logs yet", view.lang), why, COMMAND, lang=view.lang), className="frame")
        return [*notices(view), none], None, []
    window = bounded(view.window, found)
    readings = {key: read(unit, key, window) for key in CARDS}
    course = read_series(unit, "logs.by_time", window)
    cards = [card(readings[key], view.lang, zone=view.zone) for key in CARDS]
    top = [
        *notices(view),
        *beyond_kept(unit, view, (LOGS,)),
        None if readings["logs.lines"].value else elsewhere_of(view, found),
        html.Div(cards, className="card-grid"),
        html.Div(_chart(course, view), className="section"),
    ]
    return top, _list(unit, view, window), _menus(unit, view, window)


def _chart(course: SeriesReading, view: View) -> Component:
    lang = view.lang
    return chart_frame(
        course,
        level_bars(course, lang, view.theme),
        lang,
        id=f"{NAME}-course",
        zone=view.zone,
        note=[
            html.Span(t("All lines of the range; the filters choose among those below.", lang)),
            level_legend(course, lang),
        ],
        columns=[
            Column("at", t("Time (UTC)", lang), lambda row: str(row["at"]).replace("T", " ")),
            Column("label", t("Level", lang), lambda row: level_word(row["label"], lang)),
            Column("count", t("Lines", lang), lambda row: number(row["count"], lang), align="end"),
        ],
    )


def _menus(unit: Session, view: View, window: Window) -> list[Component]:
    lang, chosen = view.lang, view.args
    levels = [("", t("All levels", lang)), *[(each, level_word(each, lang)) for each in LEVELS]]
    heard = agents_heard(unit, window)
    asked = chosen.get("agent", "")
    names = heard if not asked or asked in heard else [*heard, asked]
    agents = [("", t("All agents", lang)), *[(name, name) for name in names]]
    return [
        query_select(f"{NAME}-level", t("Level", lang), "level", levels, chosen.get("level")),
        query_select(f"{NAME}-agent", t("Agent", lang), "agent", agents, asked),
    ]


# --- the lines ----------------------------------------------------------------------------------------


def _list(unit: Session, view: View, window: Window) -> Component:
    asked = {name: view.args.get(name, "").strip()[:200] for name in FILTERS}
    before = before_of(view.args.get("before", ""))
    level = asked["level"] if asked["level"] in LEVELS else ""
    found = line_page(
        unit,
        window,
        level=level,
        agent=asked["agent"],
        text=asked["search"],
        trace=asked["trace"],
        before=before,
        size=SIZE,
    )
    drawn = _table(view, found, before) if found.rows else _nothing(view, bool(before), any(asked.values()))
    if not asked["trace"]:
        return html.Div(drawn, className="module-list")
    parts = [_trace_head(view, asked["trace"]), drawn, _trace_spans(unit, view, asked["trace"])]
    return html.Div(parts, className="module-list")


def before_of(text: str) -> tuple[datetime, UUID] | None:
    """`MOMENT_ID` as links write it; None for anything else, which shows the newest."""
    at, _, key = text.partition("_")
    try:
        moment, identity = datetime.fromisoformat(at), UUID(key)
        return (moment.astimezone(UTC), identity) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _table(view: View, found: Slice, before: Any) -> Component:
    lang = view.lang
    columns = [
        Column("created_at", t("Time", lang), lambda row: _moment(row["created_at"], view)),
        Column("log_level", t("Level", lang), lambda row: level_mark(row["log_level"], lang)),
        Column(
            "agent_id",
            t("Agent", lang),
            lambda row: agent_link(view.agent(row["agent_id"]), row["agent_id"], row["agent_id"]),
        ),
        Column("message", t("Line", lang), _message),
        Column("trace_id", t("Trace", lang), lambda row: _trace_link(row, view)),
    ]
    path = f"/{NAME}"
    newest = path + view.with_query(before=None) if before else None
    older = None
    if found.after is not None:
        at, key = found.after
        older = path + view.with_query(
            before=f"{at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}_{key}"
        )
    caption = t("Log lines, the newest first", lang)
    table = data_table(columns, found.rows, lang=lang, caption=caption, id=f"{NAME}-table", stored=True)
    return html.Div([table, keyset_pager(newest, older, lang)])


def _moment(at: datetime, view: View) -> Component:
    """To the second, as everywhere; the thousandths, by which lines follow each other, beneath."""
    exact = html.Span(f".{at.microsecond // 1000:03}", className="faint")
    return html.Time(
        [moment(at, view.lang, view.zone), " ", exact], dateTime=at.isoformat(), className="nowrap"
    )


def _message(row: Mapping[str, Any]) -> Component:
    """Of a long line the beginning, and at a click the whole (assets/recorded.css)."""
    text = str(row["message"])
    if len(text) <= SHORT:
        return html.Div(text, className="log-line")
    whole = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return html.Details(html.Summary(whole, className="log-line"), className="log-more")


def _trace_link(row: Mapping[str, Any], view: View) -> Component | None:
    if not row["trace_id"]:
        return None
    told = t("Lines and spans of trace {trace}", view.lang, trace=row["trace_id"])
    href = f"/{NAME}" + view.with_query(**dict.fromkeys((*FILTERS, "before")) | {"trace": row["trace_id"]})
    span = html.Span(f"{row['span_id'][:8]}…", className="cell-under") if row["span_id"] else None
    return html.Div(
        [dcc.Link(html.Code(f"{row['trace_id'][:8]}…"), href=href, title=told, className="agent-link"), span],
        className="cell-name",
    )


def _nothing(view: View, is_deeper: bool, is_narrowed: bool) -> Component:
    lang = view.lang
    if is_deeper:
        why = t("There are no older ones in this range.", lang)
    elif is_narrowed:
        why = t("No line of the chosen range fits. Take a filter away to see more.", lang)
    else:
        why = t("No line speaks of a moment in the chosen range.", lang)
    clear = dcc.Link(
        t("Clear filters", lang),
        href=f"/{NAME}" + view.with_query(**dict.fromkeys((*FILTERS, "before"))),
        className="btn btn-primary",
    )
    return html.Div(
        empty(
            t("Nothing matches", lang),
            why,
            action=clear if is_deeper or is_narrowed else None,
            lang=lang,
            icon_name="search",
        ),
        className="frame",
    )


# --- one trace ----------------------------------------------------------------------------------------


def _trace_head(view: View, trace: str) -> Component:
    """Which trace the lines below are of, and the way back to all lines."""
    lang = view.lang
    words = [t("Trace", lang), " ", html.Code(trace[:32])]
    whole = dcc.Link(
        [icon("close"), t("All lines", lang)],
        href=f"/{NAME}" + view.with_query(trace=None, before=None),
        className="btn btn-quiet btn-sm",
    )
    return html.Div([html.H2(words, className="section-title trace-name"), whole], className="trace-head")


def _trace_spans(unit: Session, view: View, trace: str) -> Component:
    """The spans of the trace the lines were written in, whatever the range."""
    lang = view.lang
    hexadecimal = len(trace) == 32 and all(letter in "0123456789abcdef" for letter in trace)
    spans = spans_of(unit, trace) if hexadecimal else []
    title = html.H2(t("Spans of this trace", lang), className="section-title")
    if not spans:
        none = t("None of its spans is stored.", lang)
        return html.Section([title, html.Div(none, className="frame agent-none muted")], className="section")
    most = t("Its first {n} spans.", lang, n=number(MOST_SPANS, lang)) if len(spans) >= MOST_SPANS else None
    told = html.P(most, className="muted", **attributes(unmeasured("limit"))) if most else None
    caption = t("Spans of this trace", lang)
    table = data_table(
        _span_columns(view), spans, lang=lang, caption=caption, id=f"{NAME}-spans", stored=True
    )
    return html.Section([title, told, table], className="section")


def _span_columns(view: View) -> Sequence[Column]:
    lang = view.lang
    return [
        Column("name", t("Operation", lang), lambda row: row["name"][:400]),
        Column("agent_id", t("Agent", lang), lambda row: _agent(row["agent_id"], view)),
        Column("start_ns", t("Start", lang), lambda row: _moment(from_ns(row["start_ns"]), view)),
        Column(
            "duration_ns",
            t("Duration", lang),
            lambda row: by_unit(row["duration_ns"] / MS, "ms", lang),
            align="end",
        ),
        Column("status", t("Status", lang), lambda row: span_status(row["status"], lang)),
    ]


def _agent(agent: str | None, view: View) -> Component | None:
    return None if agent is None else agent_link(view.agent(agent), agent, agent)
