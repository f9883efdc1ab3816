"""One stored value as a person reads it, by the kind its column declares. A missing value is None: a dash."""

import json
from datetime import date, datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.format import calendar_day, moment, money, number
from i18n import declared, t

LONGEST_TEXT = 2000


def cell(value: Any, kind: str, lang: str, zone: str, currency: str | None = None) -> str | Component | None:
    """`kind` is one of Field's kinds; `currency` is needed for money and may be unknown."""
    if value is None or value == "":
        return None
    if kind == "money":
        return money(value, currency, lang)
    if kind == "number":
        return number(value if isinstance(value, int) else float(value), lang)
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
        return _document(value)
    text = str(value)
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


def _document(value: Any) -> Component | None:
    """A JSON document, indented; an empty one says nothing."""
    if not value:
        return None
    return html.Pre(
        json.dumps(value, indent=2, ensure_ascii=False, default=str)[: LONGEST_TEXT * 5], className="document"
    )
