"""/maintenance: time in which nobody is judged, declared before it begins; who changes it later says why."""

from typing import Any
from uuid import UUID

import dash
import dash_bootstrap_components as dbc
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from auth.doors import SIGNED_IN, permitted
from auth.permissions import allows
from components.shell import page_header
from components.states import empty, skeleton
from db.engine import Session, session
from db.queries.uptime_rows import known_subjects, maintenance_rows
from db.services.account_fields import FieldErrors
from db.services.exempt_times import Wish, change_maintenance, declare_maintenance, end_maintenance
from db.services.uptime_complaints import Complaint
from i18n import t
from pages._admin import done, frame, key_of, refused
from pages._moments import typed
from pages._status import WRITES, tabs
from pages._status_declared import (
    ABOUT,
    EDIT_ENDS,
    EDIT_FORM,
    EDIT_STARTS,
    EDIT_WHY,
    END,
    ENDS,
    EVERYTHING,
    STARTS,
    WHY,
    Given,
    edit_form,
    maintenance_form,
    maintenance_table,
    moments_of,
)
from pages._view import ASKED, View, actor, engine, here, load, page, person, titled

BODY, FORM = "maintenance-body", "maintenance-form"
PATH = "/maintenance"

dash.register_page(__name__, path=PATH, title=titled(lambda lang: t("Maintenance", lang)))


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The outline. No data."""
    lead = t(
        "Time in which nobody is judged. It is declared before it begins; who changes it later says why.",
        view.lang,
    )
    return html.Div(
        [
            page_header(t("Maintenance", view.lang), lead, lang=view.lang),
            tabs(view, "maintenance"),
            html.Div(skeleton("table"), id=BODY),
        ],
        className="is-rangeless",
    )


@callback(Output(BODY, "children"), *ASKED)
@load(SIGNED_IN)
def answer(unit: Session, view: View) -> Any:
    """What was declared, and the forms for whom they are."""
    return _drawn(unit, view)


@callback(
    Output(BODY, "children", allow_duplicate=True),
    Input(FORM, "n_submit"),
    State(ABOUT, "value"),
    State(STARTS, "value"),
    State(ENDS, "value"),
    State(WHY, "value"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(WRITES)
def declare(
    submitted: int | None,
    about: str | None,
    starts: str | None,
    ends: str | None,
    why: str | None,
    search: str | None,
) -> Any:
    """Declare it. Whether it lies ahead is asked there."""
    if not submitted:
        raise PreventUpdate
    view = here(search or "")
    given = Given(about or EVERYTHING, starts or "", ends or "", why=why or "")
    first, last = typed(given.starts, view.zone), typed(given.ends, view.zone)
    try:
        if first is None or last is None:
            raise FieldErrors(moments_of(first, last, Complaint.MOMENT))
        subject = None if given.about == EVERYTHING else given.about
        with session(engine(), actor(), write=True) as unit:
            declare_maintenance(unit, Wish(subject, first, last, given.why), view.now)
    except FieldErrors as wrong:
        again = Given(given.about, given.starts, given.ends, why=given.why, errors=wrong.errors)
        return _again(view, given=again)
    return _again(view, said=done(t("The maintenance was declared.", view.lang)))


@callback(
    Output(BODY, "children", allow_duplicate=True),
    Input(EDIT_FORM, "n_submit"),
    State(EDIT_STARTS, "value"),
    State(EDIT_ENDS, "value"),
    State(EDIT_WHY, "value"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(WRITES)
def change(
    submitted: int | None, starts: str | None, ends: str | None, why: str | None, search: str | None
) -> Any:
    """Change the one that the address names."""
    view = here(search or "")
    key = key_of(view.args.get("edit"))
    if not submitted or key is None:
        raise PreventUpdate
    given = Given(starts=starts or "", ends=ends or "", why=why or "")
    first, last = typed(given.starts, view.zone), typed(given.ends, view.zone)
    try:
        if first is None or last is None:
            raise FieldErrors(moments_of(first, last, Complaint.MOMENT))
        with session(engine(), actor(), write=True) as unit:
            found = change_maintenance(unit, key, starts_at=first, ends_at=last, why=given.why, at=view.now)
    except FieldErrors as wrong:
        again = Given(starts=given.starts, ends=given.ends, why=given.why, errors=wrong.errors)
        return _again(view, edited=again)
    if not found:
        return _again(view, said=refused(t("There is no such maintenance.", view.lang)))
    return _again(view, said=done(t("The maintenance was changed, and says so.", view.lang)))


@callback(
    Output(BODY, "children", allow_duplicate=True),
    Input({"kind": END, "key": ALL}, "n_clicks"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(WRITES)
def end(_clicks: list[int | None], search: str | None) -> Any:
    """End it now, or call it off before it begins."""
    asked = dash.ctx.triggered_id
    if not asked or not dash.ctx.triggered[0]["value"]:
        raise PreventUpdate
    view = here(search or "")
    key: UUID | None = key_of(asked["key"])
    ended = False
    if key is not None:
        with session(engine(), actor(), write=True) as unit:
            ended = end_maintenance(unit, key, t("Ended by hand.", "en"), view.now)
    if not ended:
        return _again(view, said=refused(t("It was over or called off already.", view.lang)))
    return _again(view, said=done(t("The maintenance is over.", view.lang)))


clientside_callback(ClientsideFunction("admin", "tell"), Input(BODY, "children"), prevent_initial_call=True)


def _again(
    view: View, said: Component | None = None, given: Given | None = None, edited: Given | None = None
) -> Any:
    with session(engine(), actor()) as unit:
        return _drawn(unit, view, said, given, edited)


def _drawn(
    unit: Session,
    view: View,
    said: Component | None = None,
    given: Given | None = None,
    edited: Given | None = None,
) -> list[Component | None]:
    lang = view.lang
    rows = maintenance_rows(unit, view.window)
    chosen = next((row for row in rows if str(row["id"]) == view.args.get("edit")), None)
    listed: Component = maintenance_table(view, rows, edit=PATH)
    if not rows:
        why = t("What is declared is listed here, also after it is over.", lang)
        listed = html.Div(
            empty(t("No maintenance", lang), why, lang=lang, icon_name="calendar"), className="frame"
        )
    if not allows(person().role, WRITES):
        return [said, listed]
    forms: list[Component | None] = []
    if chosen is not None:
        form = dbc.Form(edit_form(view, chosen, edited), id=EDIT_FORM, prevent_default_on_submit=True)
        forms.append(frame(t("Change maintenance", lang), form, note=chosen["why"]))
    form = dbc.Form(
        maintenance_form(view, known_subjects(unit), given or Given()),
        id=FORM,
        prevent_default_on_submit=True,
    )
    why = t("Once it has begun, only its end can be moved.", lang)
    forms.append(frame(t("Declare maintenance", lang), form, note=why))
    return [said, html.Div(forms, className="status-forms"), listed]
