"""Everybody who has an account, for administrators: searched, filtered, sorted and paged by the server."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash
from dash import Output, callback, dcc, html
from dash.development.base_component import Component

from auth import administration
from auth.numbers import read_for
from components.attributes import attributes
from components.cards import card
from components.format import ago, day, moment, number
from components.forms import query_bar, query_search, query_select
from components.measured import unmeasured
from components.shell import role_word
from components.states import empty, skeleton
from components.tables import Column, data_table
from db.engine import Session
from db.queries.everybody import ORDERS, Somebody, Wanted
from db.services.account_fields import ROLES
from i18n import t, tn
from pages._admin import NEEDS, outline
from pages._module import whole
from pages._view import ASKED, View, load, page, titled

SIZE = 25
FILTERS = ("search", "role", "door", "factor")
CARDS = ("people.count", "people.admins_without_factor", "security.active_sessions")

dash.register_page(
    __name__,
    path="/admin",
    title=titled(lambda lang: t("Administration", lang)),
    nav={"words": lambda lang: t("Administration", lang), "icon": "people", "order": 110, "needs": NEEDS},
)


@page(NEEDS)
def layout(view: View) -> html.Div:
    """Search and the places of numbers, filters and list. No data."""
    lang = view.lang
    search = query_search(
        "admin-search", t("Search by name or address", lang), "search", view.args.get("search")
    )
    return outline(
        view,
        "people",
        html.Div(skeleton("card", 3), id="admin-top"),
        html.Div(
            query_bar(search, html.Div(_menus(view), id="admin-menus", className="query-menus")),
            className="section",
        ),
        html.Div(skeleton("table"), id="admin-list"),
    )


@callback(
    Output("admin-top", "children"),
    Output("admin-list", "children"),
    Output("admin-menus", "children"),
    *ASKED,
)
@load(NEEDS, besides=2)
def answer(unit: Session, view: View) -> tuple[Any, Any, Any]:
    """The numbers, and the page of the list that the address asks for."""
    cards = [card(read_for(unit, key, view.window), view.lang, zone=view.zone) for key in CARDS]
    wanted = _wanted(view)
    rows, total, shown = administration.people_page(wanted)
    listed = _table(view, wanted, rows, total, shown) if total else _none(view)
    top = [html.P(_measured(view), className="measured-at"), html.Div(cards, className="card-grid")]
    return top, [_summary(view, wanted, total), listed], _menus(view)


def _measured(view: View) -> str:
    return t("Measured {at}", view.lang, at=moment(view.now, view.lang, view.zone))


def _wanted(view: View) -> Wanted:
    args = {name: view.args.get(name, "").replace("\0", "").strip() for name in FILTERS}
    order = view.args.get("sort", "")
    known = order.removeprefix("-") in ORDERS
    return Wanted(**args, order=order if known else "name", page=whole(view.args.get("page", "")), size=SIZE)


def _summary(view: View, wanted: Wanted, total: int) -> Component:
    shown = number(total, view.lang)
    narrowed = any(getattr(wanted, name) for name in FILTERS)
    words = (
        tn("{count} person matches", "{count} people match", total, view.lang, count=shown)
        if narrowed
        else tn("{count} person", "{count} people", total, view.lang, count=shown)
    )
    clear = _clear(view, "list-clear") if narrowed and total else None
    return html.P(
        [html.Span(words, role="status"), clear], className="list-summary", **attributes(unmeasured("shown"))
    )


def _table(view: View, wanted: Wanted, rows: Sequence[Somebody], total: int, shown: int) -> Component:
    return data_table(
        _columns(view),
        [{"somebody": row} for row in rows],
        lang=view.lang,
        stored=True,
        caption=t("Everybody who has an account", view.lang),
        search=view.search,
        path="/admin",
        sort=wanted.order,
        page=shown,
        pages=max(1, -(-total // SIZE)),
        total=total,
        id="admin-table",
    )


def _columns(view: View) -> list[Column]:
    lang = view.lang

    def of(row: Mapping[str, Any]) -> Somebody:
        found: Somebody = row["somebody"]
        return found

    return [
        Column("name", t("Person", lang), lambda row: _name(of(row), view), sort=True),
        Column("email", t("E-mail", lang), lambda row: _address(of(row)), sort=True),
        Column("role", t("Role", lang), lambda row: _role(of(row), lang), sort=True),
        Column("door", t("Sign-in", lang), lambda row: _door(of(row), lang), sort=True),
        Column("factor", t("Second factor", lang), lambda row: _factor(of(row), lang), sort=True),
        Column("last", t("Last sign-in", lang), lambda row: _last(of(row), view), sort=True, falling=True),
        Column(
            "created",
            t("Created", lang),
            lambda row: html.Span(day(of(row).created, lang, view.zone), className="nowrap"),
            sort=True,
            falling=True,
        ),
    ]


def _name(row: Somebody, view: View) -> Component:
    link = dcc.Link(
        row.full_name or row.username or t("Closed account", view.lang),
        href=view.link(f"/admin/people/{row.profile_id}"),
        className="row-link",
    )
    under = row.username if row.full_name else None
    return html.Div(
        [link, html.Span(under, className="cell-under") if under else None], className="cell-name"
    )


def _address(row: Somebody) -> str | None:
    return None if row.is_gone else row.email


def _role(row: Somebody, lang: str) -> Component:
    return html.Span(role_word(row.role, lang), className="admin-role")


def _door(row: Somebody, lang: str) -> Component:
    if row.is_active:
        return html.Span(t("open", lang))
    words = t("closed by themselves", lang) if row.is_gone else t("closed", lang)
    return html.Span(words, className="chip is-closed")


def _factor(row: Somebody, lang: str) -> Component:
    if row.factor_since:
        return html.Span(t("on", lang))
    exposed = row.role == "admin" and row.is_active
    return html.Span(t("off", lang), className="chip is-warning" if exposed else "faint")


def _last(row: Somebody, view: View) -> Component | None:
    if row.last_sign_in is None:
        return None
    exact = moment(row.last_sign_in, view.lang, view.zone)
    return html.Time(
        ago(row.last_sign_in, view.now, view.lang),
        dateTime=row.last_sign_in.isoformat(),
        title=exact,
        className="nowrap",
    )


def _menus(view: View) -> list[Component]:
    lang, chosen = view.lang, view.args
    roles = [("", t("All roles", lang)), *[(role, role_word(role, lang)) for role in ROLES]]
    doors = [("", t("All", lang)), ("open", t("open", lang)), ("closed", t("closed", lang))]
    factors = [("", t("All", lang)), ("on", t("on", lang)), ("off", t("off", lang))]
    return [
        query_select("admin-role-filter", t("Role", lang), "role", roles, chosen.get("role")),
        query_select("admin-door-filter", t("Sign-in", lang), "door", doors, chosen.get("door")),
        query_select(
            "admin-factor-filter", t("Second factor", lang), "factor", factors, chosen.get("factor")
        ),
    ]


def _none(view: View) -> Component:
    why = t("Nobody fits the search and the filters. Take one away to see more.", view.lang)
    return html.Div(
        empty(
            t("Nobody matches", view.lang),
            why,
            action=_clear(view, "btn btn-primary"),
            lang=view.lang,
            icon_name="search",
        ),
        className="frame",
    )


def _clear(view: View, look: str) -> dcc.Link:
    address = "/admin" + view.with_query(**dict.fromkeys((*FILTERS, "page")))
    return dcc.Link(t("Clear filters", view.lang), href=address, className=look)
