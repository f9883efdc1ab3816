"""/admin/people/ID: one person's account, and what an administrator can do about it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from auth import administration
from auth.doors import permitted
from components.format import number
from components.shell import role_word
from components.states import skeleton
from db.engine import Session, session
from db.queries.people import own_sessions
from db.services.account_fields import FieldErrors
from db.services.links import NotAllowed
from i18n import declared, t, tn
from pages._admin import ACT, NEEDS, done, key_of, link_once, nobody, outline, refused
from pages._admin_person import MOST, ROLE, Panel, panel
from pages._view import View, actor, engine, here, load, page, person, titled

BODY = "admin-person"
SESSION = "session:"

dash.register_page(
    __name__,
    path_template="/admin/people/<somebody>",
    path="/admin/people/somebody",
    title=titled(lambda lang: t("Administration", lang)),
)


@page(NEEDS)
def layout(view: View) -> html.Div:
    """The outline. No data."""
    return outline(view, "people", html.Div(skeleton("chart"), id=BODY))


@callback(
    Output(BODY, "children"),
    Input(BODY, "id"),
    Input("shell-refresh", "n_clicks"),
    State("url", "search"),
)
@permitted(NEEDS)
def answer(_id: str, refreshed: int | None, search: str | None) -> Any:
    """The person, once per visit: what is being chosen, or a link shown once, outlives a switch of theme."""
    return _answer(search, refreshed)


@load(NEEDS)
def _answer(unit: Session, view: View) -> Any:
    return _drawn(unit, view)


def _drawn(unit: Session, view: View, said: Component | None = None, **more: Any) -> Any:
    key = key_of(view.path.rstrip("/").rpartition("/")[2])
    row = administration.find_somebody(key) if key else None
    if row is None:
        return nobody(view)
    sessions, total = own_sessions(unit, row.profile_id, view.now, MOST)
    return panel(
        Panel(
            view,
            row,
            sessions,
            total,
            is_me=row.profile_id == person().profile_id,
            is_demanded=administration.requirements()[row.role],
            said=said,
            **more,
        )
    )


@callback(
    Output(BODY, "children", allow_duplicate=True),
    Input({"kind": ACT, "key": ALL}, "n_clicks"),
    State(ROLE, "value"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(NEEDS)
def do(_clicks: list[int | None], role: str | None, search: str | None) -> Any:
    """Do what the pressed button says, and draw the person anew. Whether it may be done is asked there, too."""
    administration.require_admin()
    asked = dash.ctx.triggered_id
    if not asked or not dash.ctx.triggered[0]["value"]:
        raise PreventUpdate
    view = here(search or "")
    profile_id = key_of(view.path.rstrip("/").rpartition("/")[2])
    if profile_id is None:
        return nobody(view)
    wished, wrong = role or "", {}
    try:
        said = _done(str(asked["key"]), profile_id, wished, view)
    except FieldErrors as errors:
        wrong = errors.errors
        said = refused(declared(wrong.get("account", ""), view.lang) or _not_done(view.lang))
    except NotAllowed:
        said = refused(t("A closed account has no password to renew.", view.lang))
    except LookupError:
        return nobody(view)
    with session(engine(), actor()) as unit:
        return _drawn(unit, view, said, wrong=wrong, wished=wished if "role" in wrong else "")


clientside_callback(ClientsideFunction("admin", "tell"), Input(BODY, "children"), prevent_initial_call=True)


def _not_done(lang: str) -> str:
    return t("Nothing was changed. See the field marked below.", lang)


def _done(key: str, profile_id: UUID, role: str, view: View) -> Component:
    """Do it. Raises FieldErrors, NotAllowed, LookupError, and PasswordNeeded before anything was done."""
    if key.startswith(SESSION):
        which = key_of(key.removeprefix(SESSION))
        return _end(view, profile_id, which) if which else done(_ended(0, view.lang))
    acts: dict[str, Callable[[], Component]] = {
        "role": lambda: _change_role(view, profile_id, role),
        "close": lambda: _close(view, profile_id),
        "open": lambda: _open(view, profile_id),
        "sessions": lambda: _end(view, profile_id),
        "link": lambda: _link(view, profile_id),
        "factor": lambda: _reset_factor(view, profile_id),
    }
    if key not in acts:
        raise PreventUpdate
    return acts[key]()


def _change_role(view: View, profile_id: UUID, role: str) -> Component:
    ended = administration.change_role(engine(), profile_id, role)
    words = t("The role is now {role}.", view.lang, role=role_word(role, view.lang))
    return done(f"{words} {_ended(ended, view.lang)}")


def _close(view: View, profile_id: UUID) -> Component:
    if profile_id == person().profile_id:
        return refused(t("You cannot close your own sign-in here; your profile can.", view.lang))
    ended = administration.close_sign_in(profile_id)
    return done(f"{t('Sign-in is closed.', view.lang)} {_ended(ended, view.lang)}")


def _open(view: View, profile_id: UUID) -> Component:
    administration.open_sign_in(profile_id)
    return done(t("The person can sign in again.", view.lang))


def _end(view: View, profile_id: UUID, *which: UUID) -> Component:
    return done(_ended(administration.end_sessions(engine(), profile_id, *which), view.lang))


def _link(view: View, profile_id: UUID) -> Component:
    made = administration.reset_link(profile_id)
    words = t("Link for a new password", view.lang)
    return link_once(words, made.address, made.expires, view)


def _reset_factor(view: View, profile_id: UUID) -> Component:
    was_on = administration.reset_factor(profile_id)
    words = t("The second factor is off; the password alone opens the account.", view.lang)
    return done(words if was_on else t("No second factor was on.", view.lang))


def _ended(count: int, lang: str) -> str:
    if not count:
        return t("No session was open.", lang)
    return tn("{count} session ended.", "{count} sessions ended.", count, lang, count=number(count, lang))
