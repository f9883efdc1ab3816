"""One stored value as a person reads it, by the kind its column declares. A missing value is None: a dash."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.attributes import attributes
from components.format import DASH, by_unit, calendar_day, moment, money, number
from components.measured import unmeasured
from i18n import declared, t

LONGEST_TEXT = 2000
LONGEST_DOCUMENT = 10_000
MOST_LINES = 2000
MOST_TABLE_LINES = (
    100  # a browser took 27 s for the components of 592 lines; more lines are one text in columns
)
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
    numerals = [_all_numerals(lines, key) for key in keys]
    shown = lines[:MOST_LINES]
    cut = {"shown": number(len(shown), lang), "all": number(len(lines), lang)}
    drawn = _table if len(shown) <= MOST_TABLE_LINES else _columns
    return html.Div(
        [
            html.P(
                t("{shown} of {all}", lang, **cut),
                className="list-summary",
                **attributes(unmeasured("shown")),
            )
            if len(shown) < len(lines)
            else None,
            drawn(shown, keys, numerals),
        ]
    )


def _table(lines: Sequence[Mapping[str, Any]], keys: Sequence[str], numerals: Sequence[bool]) -> Component:
    aligned = [f"align-{'end' if each else 'start'}" for each in numerals]
    columns = list(zip(keys, aligned, strict=True))
    head = [html.Th(html.Code(key), scope="col", className=side) for key, side in columns]
    rows = [
        html.Tr([html.Td(_recorded(line.get(key)), className=side) for key, side in columns])
        for line in lines
    ]
    table = html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="raw-table")
    return html.Div(table, className="raw-wrap", tabIndex=0)


def _columns(lines: Sequence[Mapping[str, Any]], keys: Sequence[str], numerals: Sequence[bool]) -> Component:
    """The same lines as one text in columns, however many they are one component."""
    rows = [list(keys), *[[_spelled(line.get(key)) for key in keys] for line in lines]]
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    text = "\n".join(
        "  ".join(
            word.rjust(width) if right else word.ljust(width)
            for word, width, right in zip(row, wide, numerals, strict=True)
        ).rstrip()
        for row in rows
    )
    return html.Pre(text, className="document document-columns", tabIndex=0)


def _spelled(value: Any) -> str:
    """A document's value on one line."""
    if value is None or value == "":
        return DASH
    return " ".join((value if isinstance(value, str) else json.dumps(value, default=str)).split())


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
