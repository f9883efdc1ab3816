"""Tables whose order, filters and page live in the address: the server sorts and pages, links carry the wish."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.attributes import attributes
from components.format import DASH, number
from components.icons import icon
from components.links import with_query
from components.measured import unmeasured
from i18n import t, tn

Row = Mapping[str, Any]
LONG = 40  # letters that half a narrow screen holds in two lines


@dataclass(frozen=True)
class Column:
    """One column: `key` names the row's field and the sort wish, `title` is already in the reader's language.

    `falling` sorts from the largest down at the first click, as one asks of numbers.
    """

    key: str
    title: str
    cell: Callable[[Row], Any] | None = None
    sort: bool = False
    align: str = "start"
    help: str | None = None
    falling: bool = False

    def draw(self, row: Row) -> Any:
        """The cell's content; a missing value is a dash."""
        shown = self.cell(row) if self.cell else row.get(self.key)
        return DASH if shown is None or shown == "" else shown


def data_table(
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    lang: str,
    caption: str,
    search: str | None = None,
    path: str = "",
    sort: str = "",
    page: int = 1,
    pages: int = 1,
    total: int | None = None,
    id: str | None = None,
    keys: tuple[str, str] = ("sort", "page"),
    stored: bool = False,
) -> html.Div:
    """An accessible table: `sort` is a column key, "-key" for descending; `keys` names its two words in the query.

    `stored` says that the cells show what rows hold, and nothing that was counted.

    On a narrow screen each row becomes a block headed by its first cell, so nothing scrolls sideways.
    """
    head = html.Thead(html.Tr([_header(column, search, path, sort, keys, lang) for column in columns]))
    told = attributes(unmeasured("stored")) if stored else {}
    body = html.Tbody([html.Tr([_cell(column, row) for column in columns]) for row in rows], **told)
    table = dbc.Table(
        [html.Caption(caption, className="visually-hidden"), head, body], hover=True, className="data-table"
    )
    given: dict[str, Any] = {"id": id} if id else {}
    return html.Div(
        [html.Div(table, className="table-wrap"), pager(search, path, page, pages, total, lang, key=keys[1])],
        className="table-block",
        **given,
    )


def pager(
    search: str | None, path: str, page: int, pages: int, total: int | None, lang: str, *, key: str = "page"
) -> html.Nav | None:
    """How many rows there are and the way to the others; nothing at all where one page holds a known few."""
    if pages <= 1 and total is None:
        return None
    rows = (
        tn("{total} row", "{total} rows", total, lang, total=number(total, lang)) if total is not None else ""
    )
    steps = [
        ("first", t("First page", lang), 1, page > 1),
        ("back", t("Previous page", lang), page - 1, page > 1),
        ("next", t("Next page", lang), page + 1, page < pages),
        ("last", t("Last page", lang), pages, page < pages),
    ]
    here = html.Span(t("Page {page} of {pages}", lang, page=number(page, lang), pages=number(pages, lang)))
    links = [
        _step(name, word, path + with_query(search, **{key: to if to > 1 else None}), on)
        for name, word, to, on in steps
    ]
    turning = [*links[:2], here, *links[2:]] if pages > 1 else []
    return html.Nav(
        [html.Span(rows, className="pager-total"), html.Div(turning, className="pager-steps")],
        className="pager",
        **attributes({"aria-label": t("Pages", lang)}, unmeasured("shown")),
    )


def keyset_pager(newest: str | None, older: str | None, lang: str) -> html.Nav | None:
    """Paging by key for tables that grow while they are read: to the newest, on to the older. None hides a step."""
    links = [
        dcc.Link([icon("first"), t("Newest", lang)], href=newest, className="btn btn-quiet")
        if newest
        else None,
        dcc.Link([t("Older", lang), icon("next")], href=older, className="btn btn-quiet") if older else None,
    ]
    if not any(links):
        return None
    return html.Nav(
        html.Div(links, className="pager-steps"),
        className="pager pager-keyset",
        **attributes({"aria-label": t("Pages", lang)}),
    )


def _header(
    column: Column, search: str | None, path: str, sort: str, keys: tuple[str, str], lang: str
) -> html.Th:
    state = {column.key: "ascending", f"-{column.key}": "descending"}.get(sort, "none")
    if not column.sort:
        return html.Th(column.title, scope="col", title=column.help or "", className=f"align-{column.align}")
    first, second = (f"-{column.key}", column.key) if column.falling else (column.key, f"-{column.key}")
    wish = second if sort == first else first
    link = dcc.Link(
        [column.title, html.Span(className=f"sort-mark sort-{state}")],
        href=path + with_query(search, **{keys[0]: wish, keys[1]: None}),
        className="sort-link",
        title=t("Sort by {column}", lang, column=column.title),
    )
    return html.Th(link, scope="col", className=f"align-{column.align}", **attributes({"aria-sort": state}))


def _cell(column: Column, row: Row) -> html.Td:
    shown = column.draw(row)
    long = isinstance(shown, str) and len(shown) > LONG
    return html.Td(
        html.Div(shown, className="cell is-none" if shown == DASH else "cell"),
        className=f"align-{column.align}" + (" is-long" if long else ""),
        **attributes({"data-label": column.title}),
    )


def _step(name: str, word: str, href: str, on: bool) -> Component:
    if not on:
        return html.Span(icon(name), className="pager-step is-off", **attributes({"aria-hidden": "true"}))
    return dcc.Link(
        [icon(name), html.Span(word, className="visually-hidden")],
        href=href,
        className="pager-step",
        title=word,
    )
