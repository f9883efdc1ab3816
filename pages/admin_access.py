"""/admin/access: choose a person or a role and a table, and see what they see, by running the real query as them."""

from typing import Any

import dash
from dash import Output, callback, html
from dash.development.base_component import Component

from auth import administration, exploring
from auth.exploring import ROLE, STRANGER, Whom
from components.attributes import attributes
from components.forms import query_bar, query_search, query_select
from components.measured import unmeasured
from components.shell import role_word
from components.states import empty, skeleton
from db.engine import Session
from db.queries.access import tables
from db.queries.everybody import Wanted
from db.services.account_fields import ROLES
from i18n import t
from pages._admin import NEEDS, outline
from pages._admin_sight import sight_part
from pages._view import ASKED, View, engine, engine_of, load, page, titled

MOST = 30

dash.register_page(__name__, path="/admin/access", title=titled(lambda lang: t("Who sees what", lang)))


@page(NEEDS)
def layout(view: View) -> html.Div:
    """The question: as whom, and which table. No data."""
    lang = view.lang
    search = query_search("admin-find", t("Find a person", lang), "find", view.args.get("find"))
    why = t(
        "The application's own query runs as the person you choose, on their login, and shows what they get. "
        "Nothing is written, apart from your look, which goes into the audit log.",
        lang,
    )
    return outline(
        view,
        "access",
        html.P(why, className="admin-why"),
        query_bar(search, html.Div(_menus(view, None, []), id="admin-access-menus", className="query-menus")),
        html.Div(
            skeleton("table"), id="admin-access", className="section", **attributes(unmeasured("shown"))
        ),
    )


@callback(Output("admin-access", "children"), Output("admin-access-menus", "children"), *ASKED)
@load(NEEDS, besides=1)
def answer(_unit: Session, view: View) -> tuple[Any, Any]:
    """What they see, once both are chosen."""
    asked, table = view.args.get("as", ""), view.args.get("table", "")
    as_whom = exploring.whom(asked) if asked else None
    menus = _menus(view, as_whom, _candidates(view, as_whom))
    if (asked and as_whom is None) or (table and table not in tables()):
        return _not_there(view), menus
    if as_whom is None or not table:
        return _choose(view), menus
    found, total = exploring.look(engine(), engine_of, as_whom, table)
    return sight_part(view, as_whom, found, total), menus


def _candidates(view: View, chosen: Whom | None) -> list[tuple[str, str]]:
    """People who match the search; the one chosen stays among them."""
    search = view.args.get("find", "").replace("\0", "").strip()
    rows, _, _ = administration.people_page(Wanted(search=search, size=MOST))
    if chosen and chosen.somebody and chosen.somebody.profile_id not in {row.profile_id for row in rows}:
        rows = [chosen.somebody, *rows]
    return [(str(row.profile_id), f"{row.name} · {role_word(row.role, view.lang)}") for row in rows]


def _menus(view: View, chosen: Whom | None, people: list[tuple[str, str]]) -> list[Component]:
    lang = view.lang
    roles = [
        (f"{ROLE}{role}", t("anybody with the role {role}", lang, role=role_word(role, lang)))
        for role in ROLES
    ]
    whom = [("", t("Choose", lang)), (STRANGER, t("a stranger", lang)), *roles, *people]
    named = [("", t("Choose", lang)), *[(table, table) for table in tables()]]
    table = view.args.get("table")
    return [
        query_select("admin-as", t("Seen as", lang), "as", whom, chosen.text if chosen else None),
        query_select(
            "admin-table-choice", t("Table", lang), "table", named, table if table in tables() else None
        ),
    ]


def _choose(view: View) -> Component:
    why = t(
        "Above, choose as whom to look and at which table. Anybody with a role is somebody to whom no row belongs.",
        view.lang,
    )
    return html.Div(
        empty(t("Choose a person and a table", view.lang), why, lang=view.lang, icon_name="search"),
        className="frame",
    )


def _not_there(view: View) -> Component:
    why = t("The address names a person or a table that there is not. Choose again above.", view.lang)
    return html.Div(
        empty(t("Nothing to look at", view.lang), why, lang=view.lang, icon_name="search"), className="frame"
    )
