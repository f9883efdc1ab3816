"""One stored value as a person reads it, by the kind its column declares. A missing value is None: a dash."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.format import DASH, by_unit, calendar_day, moment, money, number
from i18n import declared, t

LONGEST_TEXT = 2000
LONGEST_DOCUMENT = 10_000
MOST_LINES = 2000
LONGEST_NAME = 20  # letters of a name that half a phone has room for
NUMERAL = re.compile(r"-?\d+(\.\d+)?")


def cell(value: Any, kind: str, lang: str, zone: str, currency: str | None = None) -> str | Component | None:
    """`kind` is one of Field's kinds; `currency` is needed for money and may be unknown."""
    if value is None or value == "":
        return None
    if kind == "money":
        return money(value, currency, lang)
    if kind == "number":
        return number(value if isinstance(value, int) else float(value), lang)
    if kind == "share":
        return by_unit(float(Decimal(str(value)) * 100), "percent", lang)
    if kind == "yes_no":
        return t("yes", lang) if value else t("no", lang)
    if isinstance(value, datetime):
        return moment(value, lang, zone)
    if isinstance(value, date):
        return calendar_day(value, lang)
    if kind == "word":
        return declared(str(value), lang)
    if kind == "address":
        return html.Span(str(value), className="nowrap")
    if kind == "document" or isinstance(value, dict | list):
        return document(value, lang)
    text = str(value)
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


def document(value: Any, lang: str) -> Component | None:
    """A JSON document as recorded: fields as a list, lines of fields as a table, all else indented."""
    if not value:
        return None
    if isinstance(value, dict):
        return _fields(value)
    if isinstance(value, list) and all(isinstance(line, dict) and line for line in value):
        return _lines(value, lang)
    return _indented(value)


def code_name(name: str) -> Component:
    """A column's or field's own name; one too long for a phone breaks after an underscore, not in mid-word."""
    if len(name) <= LONGEST_NAME:
        return html.Code(name)
    first, *others = name.split("_")
    return html.Code([first, *[part for other in others for part in ("_", html.Wbr(), other)]])


def _fields(value: Mapping[str, Any]) -> Component:
    pairs = [(html.Dt(code_name(key)), html.Dd(_recorded(each))) for key, each in value.items()]
    return html.Dl([part for pair in pairs for part in pair], className="facts document-fields")


def _lines(lines: Sequence[Mapping[str, Any]], lang: str) -> Component:
    keys = list(dict.fromkeys(key for line in lines for key in line))
    aligned = {key: f"align-{'end' if _all_numerals(lines, key) else 'start'}" for key in keys}
    head = [html.Th(html.Code(key), scope="col", className=aligned[key]) for key in keys]
    rows = [
        html.Tr([html.Td(_recorded(line.get(key)), className=aligned[key]) for key in keys])
        for line in lines[:MOST_LINES]
    ]
    shown = {"shown": number(len(rows), lang), "all": number(len(lines), lang)}
    return html.Div(
        [
            html.P(t("{shown} of {all}", lang, **shown), className="list-summary")
            if len(rows) < len(lines)
            else None,
            html.Div(
                html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="raw-table"),
                className="raw-wrap",
                tabIndex=0,
            ),
        ]
    )


def _all_numerals(lines: Sequence[Mapping[str, Any]], key: str) -> bool:
    said = [_recorded(line[key]) for line in lines if line.get(key) is not None]
    return bool(said) and all(isinstance(each, str) and NUMERAL.fullmatch(each) for each in said)


def _recorded(value: Any) -> str | Component:
    """A document's value as it was recorded: no grouping, no translation."""
    if value is None or value == "":
        return html.Span(DASH, className="is-none")
    if isinstance(value, dict | list):
        return _indented(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _indented(value: Any) -> Component:
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    cut = text if len(text) <= LONGEST_DOCUMENT else text[:LONGEST_DOCUMENT] + "…"
    return html.Pre(cut, className="document", tabIndex=0)
