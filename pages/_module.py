"""A module of the system as one declaration: its page, its menu entry, its list and each row's page come with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import dash
import plotly.graph_objects as go
from dash import Output, callback, dcc, html
from dash.development.base_component import Component

import db.queries
from auth.events import note_hidden_row
from auth.permissions import allows
from components.attributes import attributes
from components.cards import card
from components.charts import chart_frame
from components.figures.bars import amount, label_words, time_words, when
from components.format import by_unit, moment, number
from components.forms import query_bar, query_search, query_select
from components.measured import unmeasured
from components.shell import page_header
from components.states import elsewhere as away
from components.states import empty, skeleton
from components.tables import Column, data_table
from db.engine import Session
from db.listing import LISTINGS, Listing, Wish, choices, elsewhere, read_page, read_row
from db.metric import METRICS, SERIES, SeriesReading, iso, read, read_series
from i18n import declared, t, tn
from pages._own_rows import own_rows
from pages._rows import children, columns_of, row_page
from pages._view import ASKED, View, beyond_kept, load, notices, page, person, titled

REGISTRIES = db.queries.__all__  # importing db.queries fills METRICS, SERIES and LISTINGS
Words = Callable[[str], str]  # language → text
Draw = Callable[[SeriesReading, str, str], go.Figure]


@dataclass(frozen=True)
class Chart:
    """A registered series and how it is drawn."""

    series: str
    draw: Draw


@dataclass(frozen=True)
class Module:
    """One page of the system.

    Attributes:
        name: the word in its address (`/name`) and its ids.
        title, lead: what it is called and what it is for, by language.
        icon, order: its entry in the menu.
        needs: permission without which nobody opens it; "" for everybody signed in.
        cards: keys of metrics, or a function that finds (key, subject) pairs in what is stored.
        charts: at least two.
        listings: names of its lists; the first one is shown first.
        how: how rows get in, by language; `command` is what to copy for it.
        ways: the same by the name of a list, for lists whose rows come in another way; "" copies nothing.
        families: whose rows its numbers are counted from, to say since when single ones are kept.
        more: what else the module shows, between its cards and its charts.
    """

    name: str
    title: Words
    lead: Words
    icon: str
    order: int
    needs: str
    cards: tuple[str, ...] | Callable[[Session, View], Sequence[tuple[str, tuple[str, ...]]]]
    charts: tuple[Chart, ...]
    listings: tuple[str, ...]
    how: Words
    command: str
    ways: Mapping[str, tuple[Words, str]] = field(default_factory=dict)
    more: Callable[[Session, View], Sequence[Component]] = lambda unit, view: ()
    families: tuple[str, ...] = ()


def register_page(module: Module, source: str) -> None:
    """Give `module` its page, its rows' pages and its place in the menu. `source` is the page file's __name__."""
    dash.register_page(
        source,
        path=f"/{module.name}",
        title=titled(module.title),
        layout=_layout(module),
        nav={"words": module.title, "icon": module.icon, "order": module.order, "needs": module.needs},
    )
    dash.register_page(
        f"{source}.row",
        path_template=f"/{module.name}/<listing>/<row>",
        path=f"/{module.name}/row",
        title=titled(module.title),
        layout=_row_layout(module),
    )
    _answer(module)
    _answer_row(module)


def _layout(module: Module) -> Callable[..., Component]:
    @page(module.needs)
    def layout(view: View) -> html.Div:
        search = query_search(
            f"{module.name}-search", t("Search the list", view.lang), "search", view.args.get("search")
        )
        return html.Div(
            [
                page_header(module.title(view.lang), module.lead(view.lang), lang=view.lang),
                html.Div(skeleton("card", 4), id=f"{module.name}-top"),
                html.Div(
                    [query_bar(search, html.Div(id=f"{module.name}-menus", className="query-menus"))],
                    className="section",
                ),
                html.Div(skeleton("table"), id=f"{module.name}-list"),
            ]
        )

    return layout


def _answer(module: Module) -> None:
    @callback(
        Output(f"{module.name}-top", "children"),
        Output(f"{module.name}-list", "children"),
        Output(f"{module.name}-menus", "children"),
        *ASKED,
    )
    @load(module.needs, besides=2)
    def answer(unit: Session, view: View) -> tuple[Any, Any, Any]:
        listing = _listing(module, view)
        return (
            _top(module, unit, view),
            _list(module, listing, unit, view),
            _menus(module, listing, unit, view),
        )


def _listing(module: Module, view: View) -> Listing:
    """The list the address asks for, among those this person may see."""
    seen, asked = _seen(module), view.args.get("list", "")
    return next((each for each in seen if each.name == asked), seen[0])


def _seen(module: Module) -> list[Listing]:
    """The module's lists of which this role may see rows."""
    return [LISTINGS[name] for name in module.listings if allows(person().role, LISTINGS[name].needs)]


def _top(module: Module, unit: Session, view: View) -> list[Component]:
    role = person().role
    pairs = module.cards(unit, view) if callable(module.cards) else [(key, ()) for key in module.cards]
    cards = [
        card(read(unit, key, view.window, subject), view.lang, zone=view.zone)
        for key, subject in pairs
        if allows(role, METRICS[key].needs)
    ]
    charts = [
        _chart(module, each, unit, view) for each in module.charts if allows(role, SERIES[each.series].needs)
    ]
    at = t("Measured {at}", view.lang, at=moment(view.now, view.lang, view.zone))
    return [
        *notices(view),
        *beyond_kept(unit, view, module.families),
        own_rows(view, _seen(module)),
        _elsewhere(module, unit, view),
        html.P(at, className="measured-at"),
        html.Div(cards, className="card-grid"),
        *module.more(unit, view),
        html.Div(charts, className="frame-row"),
    ]


def _elsewhere(module: Module, unit: Session, view: View) -> Component | None:
    """Where the rows of the module's first list lie, when the chosen range holds none of them."""
    found = elsewhere(unit, _seen(module)[0], view.window)
    if found is None:
        return None
    start, end = found[0].replace(second=0, microsecond=0), found[1].replace(second=0, microsecond=0)
    return away(
        start,
        end + timedelta(minutes=1),
        href=view.with_query(range=f"{iso(start)}/{iso(end + timedelta(minutes=1))}"),
        all_href=view.with_query(range="all"),
        lang=view.lang,
        zone=view.zone,
    )


def _chart(module: Module, chart: Chart, unit: Session, view: View) -> Component:
    series = read_series(unit, chart.series, view.window)
    return chart_frame(
        series,
        chart.draw(series, view.lang, view.theme),
        view.lang,
        id=f"{module.name}-{chart.series.replace('.', '-')}",
        zone=view.zone,
        columns=series_columns(series, view),
    )


def series_columns(series: SeriesReading, view: View) -> list[Column]:
    """The chart's rows as a table: what is counted, and how much of it."""
    first = series.rows[0] if series.rows else {}
    unit = declared(series.unit, view.lang).capitalize()
    value = Column("value", unit, lambda row: by_unit(amount(row), series.unit, view.lang), align="end")
    if "at" in first:
        heading = time_words([str(row["at"]) for row in series.rows], view.lang)
        return [Column("at", heading, lambda row: when(str(row["at"]), view.lang)), value]
    return [Column("label", t("Value", view.lang), lambda row: label_words(row["label"], view.lang)), value]


def _list(module: Module, listing: Listing, unit: Session, view: View) -> Component:
    wish = Wish(
        search=view.args.get("search", "")[:200],
        chosen={key: value for key, value in view.args.items() if key in _filter_keys(listing)},
        order=view.args.get("sort", ""),
        page=whole(view.args.get("page", "")),
    )
    found = read_page(unit, listing, wish)
    if not found.total:
        return _nothing(module, listing, wish, view)
    shown = {"count": number(found.total, view.lang), "at": moment(view.now, view.lang, view.zone)}
    summary = tn(
        "{count} row, whatever the range · measured {at}",
        "{count} rows, whatever the range · measured {at}",
        found.total,
        view.lang,
        **shown,
    )
    table = _table(module, listing, found, wish, view)
    return html.Div(
        [html.P(summary, className="list-summary", **attributes(unmeasured("shown"))), table],
        className="module-list",
    )


def _table(module: Module, listing: Listing, found: Any, wish: Wish, view: View) -> Component:
    return data_table(
        columns_of(module.name, listing, view),
        found.rows,
        lang=view.lang,
        stored=True,
        caption=declared(listing.title, view.lang),
        search=view.search,
        path=f"/{module.name}",
        sort=wish.order or f"{'-' if listing.descending else ''}{listing.order.key}",
        page=found.number,
        pages=found.pages,
        total=found.total,
        id=f"{module.name}-table",
    )


def _menus(module: Module, listing: Listing, unit: Session, view: View) -> list[Component]:
    """Which list, and those of the list's filters that have something to choose between."""
    lang = view.lang
    menus: list[Component] = []
    seen = _seen(module)
    if len(seen) > 1:
        known = [(each.name, declared(each.title, lang)) for each in seen]
        menus.append(query_select(f"{module.name}-which", t("List", lang), "list", known, listing.name))
    titles = {field.key: field.title for field in listing.fields}
    for key, values in choices(unit, listing).items():
        if len(values) < 2 and not view.args.get(key):
            continue  # nothing to choose between
        every = ("", t("All", lang))
        known = [every, *[("none" if value is None else value, _said(value, lang)) for value in values]]
        label = declared(titles.get(key, key), lang)
        menus.append(query_select(f"{module.name}-filter-{key}", label, key, known, view.args.get(key)))
    return menus


def _said(value: str | None, lang: str) -> str:
    """A filter's value in words."""
    truths = {"true": t("yes", lang), "false": t("no", lang)}
    return truths[value] if value in truths else label_words(value, lang)


def _nothing(module: Module, listing: Listing, wish: Wish, view: View) -> Component:
    """Why the list is empty: nothing matches, or nothing was ever stored, and then how rows get in."""
    lang = view.lang
    if wish.search or wish.chosen:
        keys = dict.fromkeys(("search", "page", *_filter_keys(listing)))
        clear = dcc.Link(
            t("Clear filters", lang),
            href=f"/{module.name}" + view.with_query(**keys),
            className="btn btn-primary",
        )
        why = t("No row fits the search and the filters. Take one away to see more.", lang)
        return html.Div(
            empty(t("Nothing matches", lang), why, action=clear, lang=lang, icon_name="search"),
            className="frame",
        )
    title = t("Nothing is stored here yet: {what}", lang, what=declared(listing.title, lang))
    how, command = module.ways.get(listing.name, (module.how, module.command))
    return html.Div(empty(title, how(lang), command or None, lang=lang), className="frame")


def _filter_keys(listing: Listing) -> tuple[str, ...]:
    return tuple(column.key for column in listing.filters)


def whole(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 9 else 1


def _row_layout(module: Module) -> Callable[..., Component]:
    @page(module.needs)
    def layout(view: View) -> html.Div:
        return html.Div(skeleton("table"), id=f"{module.name}-row")

    return layout


def _answer_row(module: Module) -> None:
    @callback(Output(f"{module.name}-row", "children"), *ASKED)
    @load(module.needs)
    def answer(unit: Session, view: View) -> Any:
        parts = [unquote(part) for part in view.path.strip("/").split("/")]
        listing = LISTINGS.get(parts[1]) if len(parts) == 3 and parts[1] in module.listings else None
        if listing is None:
            return _no_row(module, view)
        row = read_row(unit, listing, parts[2]) if allows(person().role, listing.needs) else None
        if row is None:
            note_hidden_row(listing, parts[2])
            return _no_row(module, view)
        drawn = row_page(module.name, module.title, listing, row, view)
        return [drawn, *children(module.name, module.listings, listing, parts[2], unit, view)]


def _no_row(module: Module, view: View) -> Component:
    back = dcc.Link(module.title(view.lang), href=view.link(f"/{module.name}"), className="btn btn-primary")
    why = t("It may have been deleted, or the address was typed wrongly.", view.lang)
    return html.Div(
        empty(t("There is no such row", view.lang), why, action=back, lang=view.lang), className="frame"
    )
