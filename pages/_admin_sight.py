"""What somebody sees of a table, drawn: how much, why, the rows, the query, and what they may change."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from auth.exploring import STRANGER, Whom
from components.attributes import attributes
from components.format import number
from components.icons import icon
from components.shell import role_word
from components.states import copyable
from db.queries.access import DIRECTORY, SeenRow, Sight, changing, letting_through
from db.rules import Rule
from i18n import t, tn
from pages._admin import frame
from pages._admin_words import bounds_words, origin_words, verb_words, who_words
from pages._cells import cell, code_name
from pages._view import View

LONGEST = 200


def sight_part(view: View, as_whom: Whom, found: Sight, total: int) -> list[Component | None]:
    """The whole answer."""
    lang = view.lang
    seeing = letting_through(as_whom.actor, found.table)
    return [
        _alarm(found, lang),
        html.Div(
            [
                frame(
                    t("{who} looking at {table}", lang, who=whom_words(as_whom, lang), table=found.table),
                    _verdict(found, total, lang),
                    _by_database(found, lang),
                    className="admin-verdict",
                ),
                frame(
                    t("Why: the rules that let rows through", lang),
                    _rules(seeing, found, lang) if seeing else html.P(_none_lets(lang)),
                ),
            ],
            className="frame-row",
        ),
        _rows(view, found, seeing) if found.rows else None,
        html.Div([_query(found, lang), _changes(as_whom, found.table, lang)], className="frame-row"),
    ]


def whom_words(as_whom: Whom, lang: str) -> str:
    """As whom one looks, in words."""
    if as_whom.text == STRANGER:
        return t("A stranger", lang)
    role = role_word(as_whom.actor.role or "", lang)
    if as_whom.somebody is None:
        return t("Anybody with the role {role}", lang, role=role)
    return f"{as_whom.somebody.name} ({role})"


def _verdict(found: Sight, total: int, lang: str) -> Component:
    seen, every = number(found.seen, lang), number(total, lang)
    if found.refused:
        words = t(
            "Sees nothing: the database refuses the login. There are {all}.", lang, all=_count(total, lang)
        )
        return html.Div([html.P(words), html.Code(found.refused)])
    if not total:
        return html.P(t("The table is empty.", lang))
    if found.seen == total:
        return html.P(t("Sees everything: {all}.", lang, all=_count(total, lang)))
    return html.P(
        t("Sees {seen} of {all}.", lang, seen=seen, all=_count(total, lang) if total != 1 else every)
    )


def _count(total: int, lang: str) -> str:
    return tn("{total} row", "{total} rows", total, lang, total=number(total, lang))


def _by_database(found: Sight, lang: str) -> Component | None:
    """Whether PostgreSQL, asked alone, counts the same."""
    if found.refused:
        return None
    if found.by_database is None:
        words = t(
            "SQLite keeps no rules of its own: here the application alone decides. PostgreSQL would be a second fence.",
            lang,
        )
        return html.P(words, className="muted")
    if found.is_leaking:
        return None
    words = t("PostgreSQL, asked without the application's conditions, counts the same.", lang)
    return html.P([icon("check"), " ", words], className="admin-agrees")


def _alarm(found: Sight, lang: str) -> Component | None:
    if not found.is_leaking:
        return None
    words = t(
        "Alarm: the application shows {seen}, the database alone would show {other}. One of the two fences is broken; "
        "tell whoever runs this installation.",
        lang,
        seen=number(found.seen, lang),
        other=number(found.by_database, lang),
    )
    return html.Div(
        [icon("warning"), html.Div(html.Strong(words), className="notice-text")],
        className="notice is-alarm",
        role="alert",
        id="admin-alarm",
    )


# --- rules ------------------------------------------------------------------------------------------


def _none_lets(lang: str) -> str:
    return t("No rule lets them see a row of this table; what no rule allows is refused.", lang)


def _rules(seeing: Sequence[Rule], found: Sight, lang: str) -> Component:
    counted = {rule.name: sum(rule.name in row.by for row in found.rows) for rule in seeing}
    items = [
        _rule(
            rule,
            lang,
            t(
                "lets {count} of the {shown} rows below through",
                lang,
                count=number(counted[rule.name], lang),
                shown=number(len(found.rows), lang),
            )
            if found.rows
            else t("lets no row through now", lang),
        )
        for rule in seeing
    ]
    return html.Ul(items, className="admin-rules")


def _rule(rule: Rule, lang: str, count: str = "") -> Component:
    said = [who_words(rule, lang), *bounds_words(rule, lang)]
    return html.Li(
        [
            html.Div([code_name(rule.name), html.Span(count, className="chip") if count else None]),
            html.P("; ".join(said)),
            html.P(origin_words(rule, lang), className="faint"),
        ]
    )


# --- rows -------------------------------------------------------------------------------------------


def _rows(view: View, found: Sight, seeing: Sequence[Rule]) -> Component:
    lang = view.lang
    short = {rule.name: _short(rule, found.table) for rule in seeing}
    head = html.Tr(
        [
            html.Th(t("Let through by", lang), scope="col"),
            *[html.Th(html.Code(name), scope="col") for name in found.columns],
        ]
    )
    body = [_row(view, found.columns, row, short) for row in found.rows]
    words = tn("The row they see", "The rows they see", found.seen, lang)
    note = None
    if found.seen > len(found.rows):
        note = t(
            "The first {shown} of {all}, newest key first.",
            lang,
            shown=number(len(found.rows), lang),
            all=number(found.seen, lang),
        )
    table = html.Table([html.Thead(head), html.Tbody(body)], className="raw-table admin-rows")
    return frame(
        words,
        html.Div(
            table,
            className="raw-wrap",
            tabIndex=0,
            role="region",
            **attributes({"aria-label": words}),
        ),
        note=note,
        className="admin-seen",
    )


def _short(rule: Rule, table: str) -> str:
    """A rule's name without what all of the table share."""
    return rule.name if table == DIRECTORY else rule.name.removeprefix(f"{table}_{rule.verb}_")


def _row(view: View, columns: Sequence[str], row: SeenRow, short: Mapping[str, str]) -> Component:
    by = [html.Span(short[name], className="chip", title=name) for name in row.by]
    return html.Tr([html.Td(by), *[html.Td(_cell(view, row.values[name])) for name in columns]])


def _cell(view: View, value: Any) -> Any:
    kind = "yes_no" if isinstance(value, bool) else "text"
    if isinstance(value, dict | list):
        value = str(value)
    shown = cell(value, kind, view.lang, view.zone)
    if shown is None:
        return html.Span("—", className="is-none")
    return shown if not isinstance(shown, str) or len(shown) <= LONGEST else shown[:LONGEST] + "…"


# --- the query, and what may be changed -------------------------------------------------------------


def _query(found: Sight, lang: str) -> Component:
    values = html.Dl(
        [
            part
            for name, value in found.params.items()
            for part in (html.Dt(html.Code(name)), html.Dd(str(value)))
        ],
        className="facts",
    )
    return frame(
        t("The query that ran", lang),
        copyable(found.sql, lang, block=True),
        html.H3(t("Parameters", lang), className="admin-small"),
        values,
        className="admin-query",
    )


def _changes(as_whom: Whom, table: str, lang: str) -> Component:
    """Rules of the other verbs, in words: nothing is tried."""
    parts: list[Component] = []
    for verb, rules in changing(as_whom.actor, table).items():
        parts.append(html.H3(verb_words(verb, lang), className="admin-small"))
        if rules:
            parts.append(html.Ul([_rule(rule, lang) for rule in rules], className="admin-rules"))
        else:
            parts.append(html.P(t("Refused: no rule allows it.", lang), className="muted"))
    return frame(t("What they may change", lang), *parts)
