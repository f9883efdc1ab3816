"""The tables of one agent's page: who called it, whom it called, its last spans."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from components.agents import agent_link, category_word, kind_word, span_status
from components.attributes import attributes
from components.cards import measured
from components.format import by_unit, moment, number
from components.icons import icon
from components.tables import Column, data_table, keyset_pager
from db.metric import from_ns
from db.queries.agents import AgentRow, Cursor
from db.queries.connections import ConnectionRow
from db.queries.held_connections import HeldRow
from db.queries.rolled import MS
from i18n import t
from pages._view import View

CONNECTIONS = 10
LONGEST_TEXT = 400


def connections_table(view: View, row: AgentRow, listed: list[ConnectionRow], side: str) -> Component:
    """One side's connections, most calls first; `side` is "in" or "out" and names their page in the query."""
    lang, key = view.lang, f"{side}_page"
    title = t("Called by", lang) if side == "in" else t("Calls to", lang)
    if not listed:
        none = (
            t("No call to it was recorded in this range.", lang)
            if side == "in"
            else t("It made no recorded call in this range.", lang)
        )
        return html.Section([html.H2(title, className="section-title"), _none(none)], className="section")
    pages = -(-len(listed) // CONNECTIONS)
    shown = min(_whole(view.args.get(key, "")), pages)
    table = data_table(
        _connection_columns(view, side),
        [{"one": one} for one in listed[(shown - 1) * CONNECTIONS : shown * CONNECTIONS]],
        lang=lang,
        caption=title,
        search=view.search,
        path=view.agent(row.id).partition("?")[0],
        page=shown,
        pages=pages,
        total=len(listed) if pages > 1 else None,
        id=f"agent-{side}",
        keys=("order", key),
    )
    return html.Section([html.H2(title, className="section-title"), table], className="section")


def _connection_columns(view: View, side: str) -> list[Column]:
    lang = view.lang

    def other(cells: Mapping[str, Any]) -> Component:
        one = cells["one"]
        agent, name = (one.caller_id, one.caller_name) if side == "in" else (one.callee_id, one.callee_name)
        return agent_link(view.agent(agent), agent, name)

    return [
        Column("other", t("Caller", lang) if side == "in" else t("Called agent", lang), other),
        Column("kind", t("Kind", lang), lambda cells: kind_word(cells["one"].kind, lang)),
        _measured("connection.calls", t("Calls", lang), lang),
        _measured("connection.errors", t("Errors", lang), lang),
        _measured("connection.latency_p50_ms", t("p50", lang), lang),
        _measured("connection.latency_p95_ms", t("p95", lang), lang),
    ]


def _measured(metric: str, title: str, lang: str) -> Column:
    return Column(metric, title, lambda cells: measured(cells["one"].readings[metric], lang), align="end")


def spans_table(
    view: View, row: AgentRow, spans: Sequence[Mapping[Any, Any]], before: Cursor | None, older: Cursor | None
) -> Component:
    """The agent's own spans in the range, newest first, page by page."""
    lang = view.lang
    title = html.H2(t("Last spans", lang), className="section-title")
    path = view.agent(row.id).partition("?")[0]
    newest = path + view.with_query(before=None) if before else None
    further = path + view.with_query(before=_written(older)) if older else None
    if spans:
        caption = t("Spans of this agent, newest first", lang)
        shown = data_table(
            _span_columns(view, spans), spans, lang=lang, caption=caption, id="agent-last", stored=True
        )
    else:
        none = t("There are no older ones in this range.", lang) if before else t("None in this range.", lang)
        shown = _none(none)
    return html.Section([title, shown, keyset_pager(newest, further, lang)], className="section agent-spans")


def held_table(
    view: View, row: AgentRow, read: Callable[[int, int], tuple[list[HeldRow], int]]
) -> Component | None:
    """Connections that a network file or a person states; nothing where there are none."""
    lang = view.lang
    shown = _whole(view.args.get("held_page", ""))
    listed, total = read((shown - 1) * CONNECTIONS, CONNECTIONS)
    if not listed and shown > 1:
        shown = 1
        listed, total = read(0, CONNECTIONS)
    if not listed:
        return None
    title, pages = t("Imported and declared", lang), -(-total // CONNECTIONS)
    table = data_table(
        _held_columns(view),
        [{"one": one} for one in listed],
        lang=lang,
        caption=t("Connections stated by a file or a person; nobody saw a call on them here", lang),
        search=view.search,
        path=view.agent(row.id).partition("?")[0],
        page=shown,
        pages=pages,
        total=total if pages > 1 else None,
        id="agent-held",
        keys=("order", "held_page"),
    )
    return html.Section([html.H2(title, className="section-title"), table], className="section")


def _held_columns(view: View) -> list[Column]:
    lang = view.lang

    def other(cells: Mapping[str, Any]) -> Component:
        one = cells["one"]
        return agent_link(view.agent(one.other_id), one.other_id, one.other_name)

    def way(cells: Mapping[str, Any]) -> str:
        return t("to", lang) if cells["one"].outgoing else t("from", lang)

    def kind(cells: Mapping[str, Any]) -> str:
        one = cells["one"]
        return (
            f"{kind_word(one.kind, lang)} ({', '.join(one.stated)})"
            if one.stated
            else kind_word(one.kind, lang)
        )

    def evidence(cells: Mapping[str, Any]) -> str:
        one = cells["one"]
        words = t("imported", lang) if one.evidence == "imported" else t("declared", lang)
        return f"{words} · {one.source}" if one.source else words

    return [
        Column("way", t("Direction", lang), way),
        Column("other", t("Agent", lang), other),
        Column("kind", t("Kind", lang), kind),
        Column("weight", t("Weight", lang), lambda cells: number(cells["one"].weight, lang), align="end"),
        Column(
            "strength", t("Strength", lang), lambda cells: number(cells["one"].strength, lang), align="end"
        ),
        Column("evidence", t("Evidence", lang), evidence),
    ]


def _none(words: str) -> html.Div:
    return html.Div(words, className="frame agent-none muted")


def _span_columns(view: View, spans: Sequence[Mapping[Any, Any]]) -> list[Column]:
    """Kind and tokens only where one of the spans tells them: services report neither."""
    lang = view.lang
    told = {
        name
        for name in ("category", "input_tokens", "output_tokens")
        for span in spans
        if span[name] is not None
    }
    kind = Column("category", t("Kind", lang), lambda span: category_word(span["category"], lang))
    tokens = Column("tokens", t("Tokens in / out", lang), lambda span: _tokens(span, lang), align="end")
    return [
        Column("name", t("Operation", lang), _operation),
        *([kind] if "category" in told else []),
        Column("start_ns", t("Start", lang), lambda span: _start(span, view)),
        Column("duration_ns", t("Duration", lang), lambda span: _duration(span, lang), align="end"),
        *([tokens] if told & {"input_tokens", "output_tokens"} else []),
        Column("status", t("Status", lang), lambda span: span_status(span["status"], lang)),
        Column("trace_id", t("Trace", lang), lambda span: _trace(span["trace_id"], view)),
    ]


def _duration(span: Mapping[Any, Any], lang: str) -> str:
    return by_unit(span["duration_ns"] / MS, "ms", lang)


def _operation(span: Mapping[Any, Any]) -> Component:
    said = (span["status_message"] or "")[:LONGEST_TEXT]
    return html.Div(
        [html.Span(span["name"][:LONGEST_TEXT]), html.Span(said, className="cell-under") if said else None],
        className="cell-name",
    )


def _start(span: Mapping[Any, Any], view: View) -> Component:
    at = from_ns(span["start_ns"])
    exact = t("{ns} ns since 1970-01-01 UTC", view.lang, ns=span["start_ns"])
    return html.Time(
        moment(at, view.lang, view.zone), dateTime=at.isoformat(), title=exact, className="nowrap"
    )


def _tokens(span: Mapping[Any, Any], lang: str) -> str | None:
    """Tokens of a model span; nothing for a span that reports none."""
    sent, answered = span["input_tokens"], span["output_tokens"]
    return None if sent is None and answered is None else f"{number(sent, lang)} / {number(answered, lang)}"


def _trace(trace: str, view: View) -> Component:
    """The first digits, of which a click copies all; and the way to its lines and spans."""
    lang = view.lang
    words = t("Copy trace id {trace}", lang, trace=trace)
    told = t("Lines and spans of trace {trace}", lang, trace=trace)
    words_of = [icon("table"), html.Span(told, className="visually-hidden")]
    link = dcc.Link(words_of, href=view.link("/logs", trace=trace), title=told, className="agent-link")
    return html.Span([_copied(trace, words, lang), " ", link], className="nowrap")


def _copied(trace: str, words: str, lang: str) -> Component:
    return html.Button(
        html.Code(f"{trace[:8]}…", className="copy-word copy-text"),
        type="button",
        className="trace-copy",
        title=words,
        disable_n_clicks=True,
        **attributes({"data-copy": trace, "data-copied": t("Copied", lang), "aria-label": words}),
    )


def _whole(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 9 else 1


def cursor_of(text: str) -> Cursor | None:
    """`START_NS.TRACE.SPAN` as links write it; None for anything else, which shows the newest."""
    found = re.fullmatch(r"(\d{1,18}|[1-8]\d{18})\.([0-9a-f]{32})\.([0-9a-f]{16})", text, re.ASCII)
    return Cursor(int(found[1]), found[2], found[3]) if found else None


def _written(cursor: Cursor) -> str:
    return f"{cursor.start_ns}.{cursor.trace_id}.{cursor.span_id}"
