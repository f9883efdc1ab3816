"""/admin/roles: what each role may do, how many people hold it, and whether it needs a second factor."""

from collections.abc import Mapping
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from auth import administration
from auth.doors import permitted
from auth.numbers import read_for
from auth.permissions import HELD_BY
from components.attributes import attributes
from components.cards import measured
from components.format import moment
from components.shell import role_word
from components.states import skeleton
from components.tables import Column, data_table
from db.engine import Session, session
from db.queries.access import changing, letting_through, somebody_with, tables
from db.rules import Rule, Verb
from db.services.account_fields import ROLES, FieldErrors
from i18n import declared, t
from pages._admin import NEEDS, asked_first, done, outline, refused, ways
from pages._admin_words import bounds_words, permission_words, reach_words, verb_words
from pages._view import ASKED, View, actor, engine, here, load, page, person, titled

BODY = "admin-roles"
KIND = "admin-require"

dash.register_page(__name__, path="/admin/roles", title=titled(lambda lang: t("Roles", lang)))


@page(NEEDS)
def layout(view: View) -> html.Div:
    """The outline. No data."""
    return outline(view, "roles", html.Div(skeleton("table"), id=BODY))


@callback(Output(BODY, "children"), *ASKED)
@load(NEEDS)
def answer(unit: Session, view: View) -> Any:
    """Every role, and what the chosen one may do with the rows of every table."""
    return _drawn(unit, view)


@callback(
    Output(BODY, "children", allow_duplicate=True),
    Input({"kind": KIND, "key": ALL}, "n_clicks"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(NEEDS)
def require(_clicks: list[int | None], search: str | None) -> Any:
    """Demand a second factor of a role, or no longer. Whether it may be done is asked there, too."""
    administration.require_admin()
    asked = dash.ctx.triggered_id
    if not asked or not dash.ctx.triggered[0]["value"]:
        raise PreventUpdate
    view = here(search or "")
    wish, _, role = str(asked["key"]).partition(":")
    try:
        said = _required(view, role, wish == "on")
    except FieldErrors as errors:
        said = refused(declared(errors.errors["role"], view.lang))
    with session(engine(), actor()) as unit:
        return _drawn(unit, view, said)


clientside_callback(ClientsideFunction("admin", "tell"), Input(BODY, "children"), prevent_initial_call=True)


def _required(view: View, role: str, required: bool) -> Component:
    administration.require_factor(role, required)
    word = role_word(role, view.lang)
    if required:
        return done(t("The role {role} now needs a second factor.", view.lang, role=word))
    return done(t("The role {role} no longer needs a second factor.", view.lang, role=word))


def _drawn(unit: Session, view: View, said: Component | None = None) -> list[Component | None]:
    demanded = administration.requirements()
    at = t("Measured {at}", view.lang, at=moment(view.now, view.lang, view.zone))
    chosen = view.args.get("role", "")
    return [
        said,
        html.P(at, className="measured-at"),
        html.Div([_role(unit, view, role, demanded) for role in ROLES], className="admin-roles"),
        _rows_of(view, chosen if chosen in ROLES else ROLES[0]),
    ]


def _role(unit: Session, view: View, role: str, demanded: Mapping[str, bool]) -> Component:
    lang = view.lang
    reading = read_for(unit, "people.with_role", view.window, (role,))
    opened = [permission for permission, roles in HELD_BY.items() if role in roles]
    words = sorted((permission_words(permission, lang) for permission in opened), key=str.lower)
    return html.Section(
        [
            html.Header(
                [
                    html.H2(role_word(role, lang)),
                    html.P([t("People:", lang), " ", measured(reading, lang)], className="frame-note"),
                ],
                className="frame-head",
            ),
            html.Div(
                [
                    html.P(_meant(role, lang)),
                    html.H3(t("Opens", lang), className="admin-small"),
                    html.Ul([html.Li(word, className="chip") for word in words], className="admin-chips"),
                    html.H3(t("Second factor", lang), className="admin-small"),
                    *_factor(view, role, demanded[role]),
                ],
                className="frame-body",
            ),
        ],
        className="frame",
    )


def _meant(role: str, lang: str) -> str:
    words = {
        "user": t("Works with the fleet and with rows of their own.", lang),
        "admin": t("Manages people and everything else.", lang),
        "architect": t("Builds agents and models.", lang),
        "observer": t("Watches: security, sessions and requests of everybody.", lang),
        "strategist": t("Oversees sales and finance of everybody.", lang),
    }
    return words[role]


def _factor(view: View, role: str, is_demanded: bool) -> list[Component]:
    lang = view.lang
    if is_demanded:
        said = t("Demanded: without one, nothing opens but setting it up.", lang)
        return [html.P(said), _switch("off", role, t("Demand it no longer", lang))]
    why = t("Whoever has none is led to set one up before anything else, from their next click on.", lang)
    if role == person().role:
        why += " " + t("You hold this role yourself.", lang)
    sure = _switch("on", role, t("Yes, demand it", lang))
    return [html.P(t("Left to each person.", lang)), asked_first(t("Demand one", lang), why, sure)]


def _switch(wish: str, role: str, words: str) -> html.Button:
    spoken = f"{words}: {role}"
    return html.Button(
        words,
        id={"kind": KIND, "key": f"{wish}:{role}"},
        type="button",
        className="btn btn-primary" if wish == "on" else "btn btn-quiet",
        **attributes({"aria-label": spoken}),
    )


# --- what a role may do with rows -------------------------------------------------------------------


def _rows_of(view: View, role: str) -> Component:
    lang = view.lang
    links = [
        (role_word(each, lang), "/admin/roles" + view.with_query(role=each), each == role) for each in ROLES
    ]
    why = t(
        "What the rules let this role do with the rows of each table. “In part” opens and says what the limits are.",
        lang,
    )
    title = t("Rows of every table: {role}", lang, role=role_word(role, lang))
    return html.Section(
        [
            html.H2(title, className="section-title"),
            ways(t("Role", lang), links),
            html.P(why, className="muted"),
            _matrix(view, role),
        ],
        className="section module-list",
    )


def _matrix(view: View, role: str) -> Component:
    lang = view.lang
    rows = []
    for table in tables():
        who = somebody_with(role)
        found = {Verb.SELECT: letting_through(who, table), **changing(who, table)}
        if any(found.values()):
            rows.append({"table": table, "found": found})
    columns = [
        Column("table", t("Table", lang), lambda row: _table_link(view, role, row["table"])),
        *[_verb_column(verb, lang) for verb in Verb],
    ]
    caption = t("Rows of every table: {role}", lang, role=role_word(role, lang))
    return data_table(columns, rows, lang=lang, caption=caption, id="admin-matrix")


def _verb_column(verb: Verb, lang: str) -> Column:
    def cell(row: Mapping[str, Any]) -> Component | None:
        found: list[Rule] = row["found"][verb]
        if not found:
            return None
        bounds = [part for rule in found for part in bounds_words(rule, lang)]
        word = reach_words(found, lang)
        if not bounds:
            return html.Span(word)
        return html.Details(
            [html.Summary(word), html.Ul([html.Li(part) for part in dict.fromkeys(bounds)])],
            className="admin-bounds",
        )

    return Column(verb.value, verb_words(verb, lang), cell)


def _table_link(view: View, role: str, table: str) -> Component:
    address = view.link("/admin/access", **{"as": f"role:{role}", "table": table})
    return dcc.Link(html.Code(table), href=address, className="row-link")
