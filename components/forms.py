"""Labelled fields. `query_*` fields write into the address (assets/clientside.js); the others feed callbacks."""

import re
from collections.abc import Iterable, Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components.attributes import attributes
from components.icons import icon
from components.measured import unmeasured

PROTO = re.compile(r"__(?=proto__)", re.IGNORECASE)
ANY = "*"
"""What stands for "no filter" in a select: the browser shows no words for an option whose value is empty."""


def field(
    id: str, label: str, control: Component, *, hint: str | None = None, error: str | None = None
) -> html.Div:
    """A control under its label, with a hint and, where it was refused, the reason and the remedy."""
    return html.Div(
        [
            html.Label(label, htmlFor=id, className="form-label"),
            control,
            html.Div(hint, className="form-text", **attributes(unmeasured("limit"))) if hint else None,
            html.Div(error or "", id=f"{id}-error", className="field-error", role="alert"),
        ],
        className="field" + (" has-error" if error else ""),
    )


def text_field(
    id: str,
    label: str,
    value: str | None = None,
    *,
    type: str = "text",
    placeholder: str | None = None,
    hint: str | None = None,
    error: str | None = None,
    maxlength: int | None = None,
    autocomplete: str = "off",
) -> html.Div:
    """A labelled line of text, read by callbacks as `id`.value."""
    given = {"maxlength": maxlength} if maxlength else {}
    control = dbc.Input(
        id=id,
        type=type,
        value=value or "",
        placeholder=placeholder,
        invalid=bool(error),
        autocomplete=autocomplete,
        **given,
    )
    return field(id, label, control, hint=hint, error=error)


def area_field(
    id: str,
    label: str,
    value: str | None = None,
    *,
    rows: int = 4,
    hint: str | None = None,
    error: str | None = None,
) -> html.Div:
    """A labelled longer text, read by callbacks as `id`.value."""
    return field(
        id,
        label,
        dbc.Textarea(id=id, value=value or "", rows=rows, invalid=bool(error)),
        hint=hint,
        error=error,
    )


def select_field(
    id: str,
    label: str,
    options: Sequence[tuple[str, str]],
    value: str | None,
    *,
    hint: str | None = None,
    error: str | None = None,
) -> html.Div:
    """A labelled choice of (value, words), read by callbacks as `id`.value."""
    return field(id, label, _select(id, options, value), hint=hint, error=error)


def query_search(
    id: str, label: str, key: str, value: str | None, *, placeholder: str | None = None
) -> html.Div:
    """A search box that writes `key` into the address while one types; "/" moves the focus here."""
    box = dbc.Input(
        id=id,
        type="search",
        value=value or "",
        placeholder=placeholder or label,
        autocomplete="off",
        maxlength=200,
    )
    return html.Div(
        [html.Label(label, htmlFor=id, className="visually-hidden"), icon("search"), box],
        className="query-search",
        **attributes({"data-query-key": key}),
    )


def query_select(
    id: str, label: str, key: str, options: Sequence[tuple[str, str]], value: str | None
) -> html.Div:
    """A choice that writes `key` into the address; the option with the value "" takes it away."""
    whole = [(name or ANY, words) for name, words in options]
    return html.Div(
        [html.Label(label, htmlFor=id, className="query-label"), _select(id, whole, value or ANY)],
        className="query-select",
        **attributes({"data-query-key": key}),
    )


def findable(options: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Options of a dcc.Dropdown, given as (value, words), without what would write into every object of the page.

    Its search keeps all parts of values and words as keys of a plain object, and `__proto__` is no key like others.
    Words get a joiner that is not seen; a value cannot be changed, so its option is left out.
    """
    return [
        {"value": value, "label": PROTO.sub("__\u2060", words)}
        for value, words in options
        if not PROTO.search(value)
    ]


def query_bar(*controls: Component) -> html.Div:
    """Search and filters of one page in a row that wraps."""
    return html.Div(list(controls), className="query-bar", role="search")


def _select(id: str, options: Sequence[tuple[str, str]], value: str | None) -> dbc.Select:
    return dbc.Select(id=id, options=[{"value": key, "label": words} for key, words in options], value=value)
