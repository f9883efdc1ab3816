"""Rows of a list: the columns of the list, and one row's page with every column and its children."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from auth.permissions import allows
from components.format import number
from components.shell import page_header
from components.tables import Column, data_table
from db.engine import Session
from db.listing import Children, Listing, Wish, kinds, read_page
from i18n import declared, t
from pages._cells import cell
from pages._view import View, person

Words = Callable[[str], str]  # language → text


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
                align="end" if field.kind in ("number", "money") else "start",
                falling=field.kind in ("number", "money", "moment", "day"),
            )
        )
    return drawn


def _cell(listing: Listing, key: str, kind: str, view: View) -> Callable[[Mapping[str, Any]], Any]:
    currency = listing.currency.key if listing.currency is not None else ""
    return lambda row: cell(row.get(key), kind, view.lang, view.zone, row.get(currency))


def _linked(module: str, listing: Listing, view: View) -> Callable[[Mapping[str, Any]], Component]:
    field = listing.fields[0]
    draw = _cell(listing, field.key, field.kind, view)

    def link(row: Mapping[str, Any]) -> Component:
        return dcc.Link(
            draw(row) or "—", href=row_address(module, listing, row["row_key"], view), className="row-link"
        )

    return link


def row_address(module: str, listing: Listing, key: Any, view: View) -> str:
    """The address of a row's page."""
    path = f"/{module}/{listing.name}/{quote(str(key), safe='')}"
    return view.link(path, list=None, search=None, sort=None, page=None)


def row_page(module: str, title: Words, listing: Listing, row: Mapping[str, Any], view: View) -> Component:
    """Every column of the row, by its own name in the table."""
    how = kinds(listing)
    currency = row.get(listing.currency.key) if listing.currency is not None else None
    facts: list[Component] = []
    for key, value in row.items():
        shown = cell(value, how[key], view.lang, view.zone, currency)
        facts += [
            html.Dt(html.Code("metadata" if key == "meta" else key)),
            html.Dd("—" if shown is None else shown),
        ]
    first = listing.fields[0]
    named = cell(row[first.key], first.kind, view.lang, view.zone, currency)
    header = page_header(
        named if isinstance(named, str) else declared(listing.title, view.lang),
        declared(listing.title, view.lang),
        lang=view.lang,
        zone=view.zone,
        measured_at=view.now,
        back=(title(view.lang), view.link(f"/{module}", list=listing.name)),
    )
    return html.Div([header, html.Section(html.Dl(facts, className="facts"), className="frame frame-body")])


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
        caption=declared(child.listing.title, view.lang),
    )
    count = t(
        "{shown} of {all}",
        view.lang,
        shown=number(len(found.rows), view.lang),
        all=number(found.total, view.lang),
    )
    return html.Section([title, html.P(count, className="list-summary"), table], className="section")


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
                align="end" if field.kind in ("number", "money") else "start",
            )
            for field in listing.fields
        ]
    return [Column(column.key, column.title, column.cell, align=column.align) for column in columns]
