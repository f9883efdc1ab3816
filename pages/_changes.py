"""A record before and after as a person reads it: field by field, only what differs, secrets named but never shown."""

import json
from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.format import DASH
from i18n import t
from pages._cells import code_name

LEFT_OUT = "left_out"  # the key under which the log names what it does not keep
LONGEST = 2000


def changes(old: Any, new: Any, lang: str) -> Component:
    """A table of the fields that differ. A side that is missing altogether is not drawn."""
    before, after = _fields(old), _fields(new)
    hidden = sorted({*_hidden(old), *_hidden(new)})
    keys = [key for key in dict.fromkeys([*before, *after]) if before.get(key) != after.get(key)]
    if not keys and not hidden:
        return html.P(t("No field was recorded with this action.", lang), className="muted")
    sides = [(words, side) for words, side in _sides(old, new, before, after, lang)]
    head = html.Tr(
        [html.Th(t("Field", lang), scope="col"), *[html.Th(words, scope="col") for words, _ in sides]]
    )
    rows = [
        html.Tr([html.Th(code_name(key), scope="row"), *[html.Td(_said(side, key)) for _, side in sides]])
        for key in keys
    ]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="raw-table changes")
    return html.Div(
        [html.Div(table, className="raw-wrap", tabIndex=0) if keys else None, _secrets(hidden, lang)]
    )


def _sides(
    old: Any, new: Any, before: Mapping[str, Any], after: Mapping[str, Any], lang: str
) -> list[tuple[str, Mapping[str, Any]]]:
    both = [(old, t("Before", lang), before), (new, t("After", lang), after)]
    return [(words, side) for there, words, side in both if isinstance(there, dict)]


def _fields(value: Any) -> dict[str, Any]:
    return {key: each for key, each in value.items() if key != LEFT_OUT} if isinstance(value, dict) else {}


def _hidden(value: Any) -> list[str]:
    named = value.get(LEFT_OUT) if isinstance(value, dict) else None
    return [str(each) for each in named] if isinstance(named, list) else []


def _said(side: Mapping[str, Any], key: str) -> Any:
    value = side.get(key)
    if value is None or value == "":
        return html.Span(DASH, className="is-none")
    text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
    cut = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return html.Pre(cut, className="document") if isinstance(value, dict | list) else cut


def _secrets(names: list[str], lang: str) -> Component | None:
    if not names:
        return None
    words = t("Also set, and never kept in the log: {names}.", lang, names=", ".join(names))
    return html.P(words, className="muted")
