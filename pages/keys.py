"""/profile/keys: the keys of one's own programs, made and ended here; administrators end anybody's."""

from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from auth import own_keys
from auth.doors import SIGNED_IN, permitted
from auth.hosts import base_address
from auth.own_keys import Wish, agents_of, grantable
from components.format import number
from components.shell import page_header
from components.states import empty, skeleton
from db.engine import Session
from db.services.account_fields import FieldErrors
from i18n import t, tn
from pages._admin import done, frame, key_of, refused
from pages._keys import (
    AGENTS,
    EXPIRES,
    KIND,
    LIMIT,
    MODULES,
    NAME,
    SCOPES,
    Given,
    form,
    key_list,
    shown_once,
)
from pages._view import View, engine, here, load, page, person, titled

BODY, FORM, LIST = "keys-body", "keys-form", "keys-list"

dash.register_page(__name__, path="/profile/keys", title=titled(lambda lang: t("Keys", lang)))


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The outline. No data."""
    lead = t(
        "With a key a program reports and reads in your name, and never more than you may yourself.",
        view.lang,
    )
    ways = [
        dcc.Link(t("Profile", view.lang), href=view.link("/profile")),
        dcc.Link(t("Calls, limits and all keys", view.lang), href=view.link("/api-access", list="keys")),
        dcc.Link(t("API reference", view.lang), href=view.link("/docs/api")),
    ]
    return html.Div(
        [
            page_header(t("Keys", view.lang), lead, lang=view.lang),
            html.P(ways, className="key-ways"),
            html.Div(skeleton("chart"), id=BODY),
        ],
        className="is-timeless",
    )


@callback(
    Output(BODY, "children"), Input(BODY, "id"), Input("shell-refresh", "n_clicks"), State("url", "search")
)
@permitted(SIGNED_IN)
def answer(_id: str, refreshed: int | None, search: str | None) -> Any:
    """Form and lists, once per visit: a key shown once is not lost to a switch of theme."""
    return _answer(search, refreshed)


@load(SIGNED_IN)
def _answer(unit: Session, view: View) -> Any:
    drawn = dbc.Form(form(view, grantable(person().role), Given()), id=FORM, prevent_default_on_submit=True)
    why = t("Change your password as you like: keys stay until they expire or are ended.", view.lang)
    return html.Div(
        [
            frame(t("Make a key", view.lang), drawn, note=why),
            html.Div(_lists(view), id=LIST),
        ],
        className="key-columns",
    )


@callback(
    Output(FORM, "children"),
    Output(LIST, "children", allow_duplicate=True),
    Input(FORM, "n_submit"),
    State(NAME, "value"),
    State(SCOPES, "value"),
    State(MODULES, "value"),
    State(AGENTS, "value"),
    State(EXPIRES, "value"),
    State(LIMIT, "value"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(SIGNED_IN)
def make(
    submitted: int | None,
    name: str | None,
    scopes: list[str] | None,
    modules: list[str] | None,
    agents: str | None,
    expires: str | None,
    limit: str | None,
    search: str | None,
) -> tuple[Any, Any]:
    """Make the key and show it. What it may do is checked there, whatever the form offered."""
    if not submitted:
        raise PreventUpdate
    view, role = here(search or ""), person().role
    given = Given(name or "", scopes or (), modules or (), agents or "", expires or "", limit or "")
    try:
        wanted = (*given.scopes, *given.modules, *agents_of(given.agents))
        wish = Wish(given.name, wanted, given.expires_at(view.now), given.rate_limit())
        made = own_keys.make(engine(), wish)
    except FieldErrors as wrong:
        again = Given(*[getattr(given, each) for each in FIELDS], errors=wrong.errors)
        return form(view, grantable(role), again), dash.no_update
    return form(view, grantable(role), Given(), shown_once(view, made, base_address())), _lists(view)


FIELDS = ("name", "scopes", "modules", "agents", "expires", "limit")


@callback(
    Output(LIST, "children", allow_duplicate=True),
    Input({"kind": KIND, "key": ALL}, "n_clicks"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(SIGNED_IN)
def end(_clicks: list[int | None], search: str | None) -> Any:
    """End a key, and list what is left. Nobody's can be named here whom the rules do not let one end."""
    asked = dash.ctx.triggered_id
    if not asked or not dash.ctx.triggered[0]["value"]:
        raise PreventUpdate
    view, key = here(search or ""), key_of(asked["key"])
    if key is not None and own_keys.end(engine(), key):
        return _lists(view, done(t("The key was ended; it opens nothing from now on.", view.lang)))
    return _lists(view, refused(t("That key had ended already, or is not yours to end.", view.lang)))


for _shown in (FORM, LIST):
    clientside_callback(
        ClientsideFunction("admin", "tell"), Input(_shown, "children"), prevent_initial_call=True
    )


def _lists(view: View, said: Component | None = None) -> list[Component | None]:
    lang = view.lang
    mine, others = own_keys.seen(engine())
    words = tn("{count} key", "{count} keys", len(mine), lang, count=number(len(mine), lang))
    own: Component = key_list(view, mine)
    if not mine:
        why = t("Make one, and your programs can report and read.", lang)
        own = empty(t("You have no key", lang), why, lang=lang, icon_name="key")
    parts: list[Component | None] = [said, frame(t("Your keys", lang), own, note=words if mine else None)]
    if others:
        note = t("You administer: you may end them.", lang)
        parts.append(frame(t("Keys of others", lang), key_list(view, others, of_others=True), note=note))
    return parts
