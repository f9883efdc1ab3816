"""Tokens as our spans tell them against what providers report, and what providers charge."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dash
from dash import Output, callback, html
from dash.development.base_component import Component

from components.attributes import attributes
from components.cards import card, measured
from components.format import calendar_day, moment, number
from components.measured import beside, unmeasured
from components.shell import page_header
from components.states import copyable, empty, skeleton
from components.tables import Column, data_table
from db.engine import Session
from db.metric import Reading, read
from db.queries.usage import KINDS, NEEDS, PARTS, currencies, reconciled
from i18n import t
from pages._view import ASKED, BUSY, View, load, notices, page, titled

SIZE = 50
COMMAND = ".venv/bin/quantum import usage FILE.csv --provider NAME --map day=DATE --map input_tokens=INPUT"
ALONE = ("usage.only_ours", "usage.only_theirs")

dash.register_page(
    __name__,
    path="/reconciliation",
    title=titled(lambda lang: t("Reconciliation", lang)),
    nav={"words": lambda lang: t("Reconciliation", lang), "icon": "check", "order": 91, "needs": NEEDS},
)


@page(NEEDS)
def layout(view: View) -> html.Div:
    """The outline; its numbers come by the callback below."""
    lead = t(
        "Tokens that our spans tell, held against what providers report: by whole days in UTC and by model.",
        view.lang,
    )
    return html.Div(
        [
            page_header(t("Reconciliation", view.lang), lead, lang=view.lang),
            html.Div(
                [skeleton("card", 4), skeleton("table")], id="reconciliation-body", className="page-body"
            ),
        ]
    )


@callback(Output("reconciliation-body", "children"), *ASKED, running=BUSY)
@load(NEEDS)
def answer(unit: Session, view: View) -> list[Component | None]:
    """Totals, costs and the days, all of one instant."""
    asked = _whole(view.args.get("page", ""))
    rows, total = reconciled(unit, view.window, asked, SIZE)
    last = max(1, -(-total // SIZE))
    if asked > last:
        asked, (rows, total) = last, reconciled(unit, view.window, last, SIZE)
    at = t("Measured {at}", view.lang, at=moment(view.now, view.lang, view.zone))
    said = t("A day that is not over is left out. Nothing is compared where one side is missing.", view.lang)
    return [
        *notices(view),
        html.P(f"{at} · {said}", className="measured-at"),
        _totals(unit, view),
        _costs(unit, view),
        _days(rows, total, asked, last, view) if total else _nothing(view),
    ]


def _whole(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 9 else 1


# --- totals ------------------------------------------------------------------------------------------


def _totals(unit: Session, view: View) -> Component:
    """Over what both sides tell; and how much only one does."""
    lang = view.lang
    rows = [
        {"kind": kind, **{part: read(unit, f"usage.{kind}_{part}", view.window) for part in PARTS}}
        for kind in KINDS
    ]
    columns = [Column("kind", t("Tokens", lang), lambda row: _kind(row["kind"], lang)), *_parts(lang)]
    title = t("Where both sides tell", lang)
    table = data_table(columns, rows, lang=lang, caption=title, id="reconciliation-totals")
    pairs = rows[0]["ours"].n
    note = t("Over {count} pairs of a day and a model that both sides tell.", lang, count=number(pairs, lang))
    told = html.P(note, className="frame-note", **attributes(beside(rows[0]["ours"])))
    head = html.Header([html.H2(title), told], className="frame-head")
    alone = [card(read(unit, key, view.window), lang, zone=view.zone) for key in ALONE]
    return html.Div(
        [
            html.Section([head, table], className="frame framed-table"),
            html.Div(alone, className="card-grid section"),
        ],
        className="section",
    )


def _kind(kind: str, lang: str) -> str:
    return {"input": t("Input", lang), "output": t("Output", lang)}[kind]


def _parts(lang: str, prefix: str = "") -> list[Column]:
    words = {
        "ours": t("Ours", lang),
        "theirs": t("Theirs", lang),
        "difference": t("Difference", lang),
        "share": t("In percent", lang),
    }
    return [_column(f"{prefix}{part}", word, lang) for part, word in words.items()]


def _column(key: str, title: str, lang: str) -> Column:
    def cell(row: Mapping[str, Any]) -> Component:
        reading: Reading = row[key]
        return measured(reading, lang)

    return Column(key, title, cell, align="end")


# --- costs -------------------------------------------------------------------------------------------


def _costs(unit: Session, view: View) -> Component:
    lang = view.lang
    known = [
        card(read(unit, "usage.cost_theirs", view.window, (name,)), lang, zone=view.zone)
        for name in currencies(unit, view.window)
    ]
    none = t("No provider's report of this range states a cost.", lang)
    ours = t("This application holds no prices, so costs are theirs alone and compared with nothing.", lang)
    return html.Section(
        [
            html.H2(t("Costs", lang), className="section-title"),
            html.P(ours, className="muted"),
            html.Div(known, className="card-grid") if known else html.P(none, className="muted"),
        ],
        className="section",
    )


# --- days --------------------------------------------------------------------------------------------


def _days(rows: list[Any], total: int, shown: int, pages: int, view: View) -> Component:
    lang = view.lang
    columns = [
        Column("model", t("Model and day (UTC)", lang), lambda row: _whose(row, lang)),
        *[
            _column(f"{kind}_{part}", f"{_kind(kind, lang)}: {words}", lang)
            for kind in KINDS
            for part, words in _short(lang).items()
        ],
    ]
    title = t("By day and model", lang)
    table = data_table(
        columns,
        [{"day": day, "model": model, **readings} for day, model, readings in rows],
        lang=lang,
        caption=title,
        search=view.search,
        path="/reconciliation",
        page=shown,
        pages=pages,
        total=total,
        id="reconciliation-days",
    )
    more = html.Details(
        [
            html.Summary(t("Bring in a provider's report", lang), className="btn btn-quiet"),
            copyable(COMMAND, lang),
        ]
    )
    head = html.Header(html.H2(title), className="frame-head")
    return html.Div([html.Section([head, table], className="frame framed-table"), more], className="section")


def _whose(row: Mapping[str, Any], lang: str) -> Component:
    day = calendar_day(date.fromisoformat(row["day"]), lang)
    name = html.Strong(row["model"] or t("unknown", lang), **attributes(unmeasured("name")))
    return html.Div([name, html.Span(day, className="cell-under")], className="cell-name")


def _short(lang: str) -> dict[str, str]:
    return {"ours": t("ours", lang), "theirs": t("theirs", lang), "difference": "±", "share": "%"}


def _nothing(view: View) -> Component:
    lang = view.lang
    why = t(
        "No model span and no provider's report tells tokens of a whole day of this range. A provider's export comes "
        "in from a file of comma-separated values:",
        lang,
    )
    return html.Div(
        empty(t("Nothing to hold against each other", lang), why, COMMAND, lang=lang), className="frame"
    )
