"""Rows of a list: the columns of the list, and one row's page with every column and its children."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from auth.permissions import allows
from components.attributes import attributes
from components.format import DASH, number
from components.measured import unmeasured
from components.shell import page_header
from components.tables import Column, data_table
from db.engine import Session
from db.listing import Children, Listing, Wish, kinds, read_page
from i18n import declared, t, tn
from pages._cells import cell, code_name
from pages._changes import changes
from pages._view import View, person

Words = Callable[[str], str]  # language → text
AMOUNTS = ("number", "money", "share")
UNBROKEN = ("moment", "day", "word")


def columns_of(module: str, listing: Listing, view: View) -> list[Column]:
    """The list's columns; the first one links to the row's page."""
    drawn = []
    for place, field in enumerate(listing.fields):
        drawn.append(
            Column(
                field.key,
                declared(field.title, view.lang),
                _linked(module, listing, view) if place == 0 else _cell(listing, field.key, field.kind, view),
                sort=True,
                align="end" if field.kind in AMOUNTS else "start",
                falling=field.kind in (*AMOUNTS, "moment", "day"),
            )
        )
    return drawn


def _cell(listing: Listing, key: str, kind: str, view: View) -> Callable[[Mapping[str, Any]], Any]:
    currency = listing.currency.key if listing.currency is not None else ""

    def draw(row: Mapping[str, Any]) -> Any:
        shown = cell(row.get(key), kind, view.lang, view.zone, row.get(currency))
        return html.Span(shown, className="nowrap") if shown and kind in UNBROKEN else shown

    return draw


def _linked(module: str, listing: Listing, view: View) -> Callable[[Mapping[str, Any]], Component]:
    field = listing.fields[0]
    draw = _cell(listing, field.key, field.kind, view)

    def link(row: Mapping[str, Any]) -> Component:
        return dcc.Link(
            draw(row) or DASH, href=row_address(module, listing, row["row_key"], view), className="row-link"
        )

    return link


def row_address(module: str, listing: Listing, key: Any, view: View) -> str:
    """The address of a row's page."""
    path = f"/{module}/{listing.name}/{quote(str(key), safe='')}"
    return view.link(path, list=None, search=None, sort=None, page=None)


def row_page(module: str, title: Words, listing: Listing, row: Mapping[str, Any], view: View) -> Component:
    """What the list says of the row, in its words; then every other column, by its own name in the table."""
    how = kinds(listing)
    titles = {field.key: declared(field.title, view.lang) for field in listing.fields}
    first = listing.fields[0]
    named = _shown(listing, row, first.key, how, view)
    header = page_header(
        named if isinstance(named, str) else declared(listing.title, view.lang),
        declared(listing.title, view.lang),
        lang=view.lang,
        zone=view.zone,
        measured_at=view.now,
        back=(title(view.lang), view.link(f"/{module}", list=listing.name)),
    )
    compared = listing.compare or ()
    documents = [
        key for key, value in row.items() if value and isinstance(value, dict | list) and key not in compared
    ]
    others = [key for key in row if key not in (*titles, *documents, *compared)]
    said = [(titles[key], _shown(listing, row, key, how, view)) for key in titles]
    rest = [(code_name(_column(key)), _shown(listing, row, key, how, view)) for key in others]
    pairs = [listing.compare] if listing.compare else []
    panels = [
        _panel(t("Main facts", view.lang), _facts(said)),
        *[_panel(t("What changed", view.lang), changes(row[old], row[new], view.lang)) for old, new in pairs],
        _panel(t("Other columns", view.lang), _facts(rest)),
        *[_panel(html.Code(_column(key)), _shown(listing, row, key, how, view)) for key in documents],
    ]
    return html.Div([header, html.Div(panels, className="row-panels")], className="is-rangeless")


def _shown(listing: Listing, row: Mapping[str, Any], key: str, how: Mapping[str, str], view: View) -> Any:
    currency = row.get(listing.currency.key) if listing.currency is not None else None
    return cell(row[key], how[key], view.lang, view.zone, currency)


def _column(key: str) -> str:
    """The column's name in the table."""
    return "metadata" if key == "meta" else key


def _facts(said: Sequence[tuple[Any, Any]]) -> Component:
    pairs = [
        (
            html.Dt(name),
            html.Dd(DASH if value is None else value, className="is-none" if value is None else ""),
        )
        for name, value in said
    ]
    return html.Dl([part for pair in pairs for part in pair], className="facts")


def _panel(title: Any, body: Any) -> Component:
    return html.Section(
        [html.Header(html.H2(title), className="frame-head"), html.Div(body, className="frame-body")],
        className="frame",
    )


def children(
    module: str, known: tuple[str, ...], listing: Listing, key: str, unit: Session, view: View
) -> list[Component]:
    role = person().role
    drawn: list[Component] = []
    for child in listing.children:
        if not allows(role, child.listing.needs):
            continue
        drawn.append(_child_table(module, known, child, key, unit, view))
    return drawn


def _child_table(
    module: str, known: tuple[str, ...], child: Children, key: str, unit: Session, view: View
) -> Component:
    found = read_page(unit, child.listing, Wish(size=100), child.belongs_to(key))
    title = html.H2(declared(child.listing.title, view.lang), className="section-title")
    if not found.total:
        none = html.P(t("None is stored.", view.lang), className="frame frame-body muted")
        return html.Section([title, none], className="section")
    table = data_table(
        _plain_columns(module, known, child.listing, view),
        found.rows,
        lang=view.lang,
        stored=True,
        caption=declared(child.listing.title, view.lang),
    )
    return html.Section(
        [
            title,
            html.P(
                _count(len(found.rows), found.total, view.lang),
                className="list-summary",
                **attributes(unmeasured("shown")),
            ),
            table,
        ],
        className="section module-list",
    )


def _count(shown: int, total: int, lang: str) -> str:
    """How many rows there are; and how many of them are shown, where that is not all."""
    every = number(total, lang)
    if shown < total:
        return t("{shown} of {all}", lang, shown=number(shown, lang), all=every)
    return tn("{total} row", "{total} rows", total, lang, total=every)


def _plain_columns(module: str, known: tuple[str, ...], listing: Listing, view: View) -> list[Column]:
    """Columns of children; they link to their own page where the module has one for them."""
    if listing.name in known:
        columns = columns_of(module, listing, view)
    else:
        columns = [
            Column(
                field.key,
                declared(field.title, view.lang),
                _cell(listing, field.key, field.kind, view),
                align="end" if field.kind in AMOUNTS else "start",
            )
            for field in listing.fields
        ]
    return [Column(column.key, column.title, column.cell, align=column.align) for column in columns]
