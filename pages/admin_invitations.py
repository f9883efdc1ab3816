"""/admin/invitations: let somebody make an account, by a link that works once; take such links back."""

from collections.abc import Mapping
from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from auth import administration
from auth.doors import permitted
from components.attributes import attributes
from components.format import moment, number
from components.forms import select_field, text_field
from components.measured import unmeasured
from components.shell import role_word
from components.states import empty, skeleton
from components.tables import Column, data_table
from db.engine import Session
from db.services.account_fields import LONGEST_EMAIL, ROLES, FieldErrors
from db.services.links import Invitation
from i18n import declared, t, tn
from pages._admin import NEEDS, done, frame, key_of, link_once, outline, refused
from pages._view import View, here, load, page, titled

BODY, FORM, LIST = "admin-invitations", "admin-invite-form", "admin-invite-list"
EMAIL, ROLE = "admin-invite-email", "admin-invite-role"
KIND = "admin-withdraw"

dash.register_page(__name__, path="/admin/invitations", title=titled(lambda lang: t("Invitations", lang)))


@page(NEEDS)
def layout(view: View) -> html.Div:
    """The outline. No data."""
    return outline(view, "invitations", html.Div(skeleton("chart"), id=BODY))


@callback(
    Output(BODY, "children"), Input(BODY, "id"), Input("shell-refresh", "n_clicks"), State("url", "search")
)
@permitted(NEEDS)
def answer(_id: str, refreshed: int | None, search: str | None) -> Any:
    """Form and list, once per visit: neither what is typed nor a link shown once is lost to a switch of theme."""
    return _answer(search, refreshed)


@load(NEEDS)
def _answer(unit: Session, view: View) -> Any:
    form = dbc.Form(_form(view), id=FORM, prevent_default_on_submit=True)
    why = t(
        "The link works once, within seven days, for this address and this role. A new one ends the one before.",
        view.lang,
    )
    return html.Div(
        [
            frame(t("Invite somebody", view.lang), form, note=why),
            html.Div(_list(view), id=LIST, className="section"),
        ],
        className="admin-invite",
    )


@callback(
    Output(FORM, "children"),
    Output(LIST, "children", allow_duplicate=True),
    Input(FORM, "n_submit"),
    State(EMAIL, "value"),
    State(ROLE, "value"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(NEEDS)
def invite(submitted: int | None, email: str | None, role: str | None, search: str | None) -> tuple[Any, Any]:
    """Make the link and show it. Whether it may be made is asked there, too."""
    administration.require_admin()
    if not submitted:
        raise PreventUpdate
    view = here(search or "")
    given = {"email": email or "", "role": role or ""}
    try:
        made = administration.invite(given["email"], given["role"])
    except FieldErrors as errors:
        return _form(view, given, errors.errors), dash.no_update
    words = t("Invitation for {email}", view.lang, email=given["email"].strip())
    return _form(view, said=link_once(words, made.address, made.expires, view)), _list(view)


@callback(
    Output(LIST, "children", allow_duplicate=True),
    Input({"kind": KIND, "key": ALL}, "n_clicks"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(NEEDS)
def withdraw(_clicks: list[int | None], search: str | None) -> Any:
    """Take an invitation back, and list what is left. Whether it may be done is asked there, too."""
    administration.require_admin()
    asked = dash.ctx.triggered_id
    if not asked or not dash.ctx.triggered[0]["value"]:
        raise PreventUpdate
    view, key = here(search or ""), key_of(asked["key"])
    if key is not None and administration.withdraw_invite(key):
        return _list(view, done(t("The invitation was taken back; its link opens nothing.", view.lang)))
    return _list(view, refused(t("That invitation could not be used any more.", view.lang)))


for _shown in (FORM, LIST):
    clientside_callback(
        ClientsideFunction("admin", "tell"), Input(_shown, "children"), prevent_initial_call=True
    )


def _form(
    view: View,
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    said: Component | None = None,
) -> list[Component | None]:
    lang, values = view.lang, given or {}
    wrong = {name: declared(message, lang) for name, message in (errors or {}).items()}
    fields = [
        text_field(
            EMAIL,
            t("E-mail address", lang),
            values.get("email"),
            error=wrong.get("email"),
            maxlength=LONGEST_EMAIL,
        ),
        select_field(
            ROLE,
            t("Role", lang),
            [(role, role_word(role, lang)) for role in ROLES],
            values.get("role") or ROLES[0],
            error=wrong.get("role"),
        ),
    ]
    return [
        said,
        html.Div(fields, className="field-row"),
        dbc.Button(t("Make an invitation", lang), type="submit", color="primary"),
    ]


def _list(view: View, said: Component | None = None) -> list[Component | None]:
    lang = view.lang
    rows, total = administration.open_invitations(view.now)
    title = html.H2(t("Open invitations", lang), className="section-title")
    if not rows:
        why = t(
            "Nobody is invited now. An invitation leaves this list when it is used, replaced or too old.",
            lang,
        )
        none = html.Div(
            empty(t("No open invitation", lang), why, lang=lang, icon_name="profile"), className="frame"
        )
        return [said, title, none]
    words = tn("{count} invitation", "{count} invitations", total, lang, count=number(total, lang))
    if total > len(rows):
        words = t("{shown} of {all}", lang, shown=number(len(rows), lang), all=number(total, lang))
    table = data_table(
        _columns(view),
        [{"invitation": row} for row in rows],
        lang=lang,
        stored=True,
        caption=t("Open invitations", lang),
        id="admin-invitations-table",
    )
    return [said, title, html.P(words, className="list-summary", **attributes(unmeasured("shown"))), table]


def _columns(view: View) -> list[Column]:
    lang = view.lang

    def of(row: Mapping[str, Any]) -> Invitation:
        found: Invitation = row["invitation"]
        return found

    def at(value: Any) -> Component:
        return html.Span(moment(value, lang, view.zone), className="nowrap")

    return [
        Column("email", t("E-mail", lang), lambda row: of(row).email),
        Column("role", t("Role", lang), lambda row: role_word(of(row).role, lang)),
        Column("by", t("Made by", lang), lambda row: of(row).by or t("at the console", lang)),
        Column("created", t("Made", lang), lambda row: at(of(row).created)),
        Column("expires", t("Works until", lang), lambda row: at(of(row).expires)),
        Column("back", t("Action", lang), lambda row: _withdraw(of(row), lang)),
    ]


def _withdraw(row: Invitation, lang: str) -> Component:
    return html.Button(
        t("Take back", lang),
        id={"kind": KIND, "key": str(row.id)},
        type="button",
        className="btn btn-quiet btn-sm",
        **attributes({"aria-label": t("Take back the invitation for {email}", lang, email=row.email)}),
    )
