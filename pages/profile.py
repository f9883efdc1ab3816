"""One's own profile: the public card, and in which language, theme and time zone to see everything."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import dash
import dash_bootstrap_components as dbc
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, dcc, html
from dash.development.base_component import Component
from flask import flash, get_flashed_messages

from auth.doors import SIGNED_IN, permitted
from auth.factor import own_factor
from components.format import day, number
from components.forms import area_field, select_field, text_field
from components.icons import icon
from components.shell import page_header, role_word
from components.states import error_state, skeleton
from components.theme import THEMES
from db.engine import Session, session
from db.queries.people import OwnProfile, own_profile, own_sessions
from db.services.account_fields import LONGEST_BIO, LONGEST_LINE
from db.services.accounts import FieldErrors, update_own_profile
from db.services.user_sessions import end_session, end_sessions
from i18n import LANGUAGES, NAMES, declared, t
from pages import _password
from pages._factor import factor_part
from pages._own_data import own_data_part
from pages._own_sessions import KIND, MOST, OTHERS, sessions_part
from pages._view import View, actor, engine, here, load, own_zone, page, person, titled

FIELDS = ("full_name", "company", "location", "bio", "language", "theme", "zone")
SAVED = "profile-saved"
# Zones people live in; the rest are aliases and offsets without a place.
REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
Values = Mapping[str, str | None]

dash.register_page(__name__, path="/profile", title=titled(lambda lang: t("Profile", lang)))


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The outline. No data."""
    lead = t("How others see you, and how you see this application.", view.lang)
    return html.Div(
        [
            dcc.Location(id="profile-go", refresh=True),
            page_header(t("Profile", view.lang), lead, lang=view.lang),
            html.Div(skeleton("chart"), id="profile-body"),
        ],
        className="is-timeless",
    )


@callback(Output("profile-body", "children"), Input("profile-body", "id"), State("url", "search"))
@permitted(SIGNED_IN)
def answer(_id: str, search: str | None) -> Component:
    """The form, once per visit: what is being typed must not be lost to a switch of theme or range."""
    drawn: Component = _answer(search)
    return drawn


@load(SIGNED_IN)
def _answer(unit: Session, view: View) -> Component:
    """The person's own card as it is stored, in a form."""
    mine = own_profile(unit, person().profile_id)
    if mine is None:
        why = t("Your profile was removed. Sign out and ask an administrator.", view.lang)
        return error_state(t("No profile", view.lang), why, lang=view.lang)
    saved = SAVED in get_flashed_messages(category_filter=[SAVED])
    form = dbc.Form(
        _form(view, _values(view, mine), {}, saved), id="profile-form", prevent_default_on_submit=True
    )
    parts = [
        _account(view, mine),
        _password.password_part(view, person().email),
        factor_part(view, own_factor()),
        _sessions(unit, view),
        _keys(view),
        own_data_part(view),
    ]
    beside = html.Div(parts, className="profile-side")
    return html.Div([html.Div(form, className="form-panel"), beside], className="profile-columns")


@callback(
    Output("profile-form", "children"),
    Output("profile-go", "href"),
    Input("profile-form", "n_submit"),
    *(State(f"profile-{name.replace('_', '-')}", "value") for name in FIELDS),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(SIGNED_IN)
def save(_submitted: int | None, *given: str | None) -> tuple[Any, Any]:
    """Store the form in one commit, then load the page anew, so that language, theme and zone hold everywhere."""
    values, view = dict(zip(FIELDS, given[:-1], strict=True)), here(given[-1] or "")
    if not _submitted:
        raise dash.exceptions.PreventUpdate
    try:
        with session(engine(), actor(), write=True) as unit:
            update_own_profile(unit, person().profile_id, **values)
    except FieldErrors as refused:
        return _form(view, values, refused.errors, False), dash.no_update
    flash(SAVED, SAVED)
    return dash.no_update, "/profile" + view.with_query(lang=None, theme=None, zone=None)


@callback(
    Output("profile-sessions", "children"),
    Input({"kind": KIND, "key": ALL}, "n_clicks"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(SIGNED_IN)
def end(_clicks: list[int | None], search: str | None) -> list[Component | None]:
    """End one session, or all but this one, and list what is left. Nobody else's can be named here."""
    asked = dash.ctx.triggered_id
    if not asked or not dash.ctx.triggered[0]["value"]:
        raise dash.exceptions.PreventUpdate
    me, view = person(), here(search or "")
    with session(engine(), actor(), write=True) as unit:
        ended = _end(unit, str(asked["key"]))
        return sessions_part(view, *own_sessions(unit, me.profile_id, view.now, MOST), me.session_id, ended)


clientside_callback(
    ClientsideFunction("profile", "tell"),
    Input("profile-sessions", "children"),
    prevent_initial_call=True,
)


@callback(
    Output(_password.FORM, "children"),
    Output("profile-sessions", "children", allow_duplicate=True),
    Input(_password.FORM, "n_submit"),
    State(_password.OLD, "value"),
    State(_password.NEW, "value"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(SIGNED_IN)
def change_password(
    submitted: int | None, old: str | None, new: str | None, search: str | None
) -> tuple[Any, Any]:
    """Change one's own password, and list the sessions that are left."""
    if not submitted:
        raise dash.exceptions.PreventUpdate
    view = here(search or "")
    drawn, is_changed = _password.changed(view, old, new)
    if not is_changed:
        return drawn, dash.no_update
    me = person()
    with session(engine(), actor()) as unit:
        return drawn, sessions_part(view, *own_sessions(unit, me.profile_id, view.now, MOST), me.session_id)


clientside_callback(
    ClientsideFunction("profile", "show"),
    Output(_password.OLD, "type"),
    Output(_password.NEW, "type"),
    Input(_password.SHOW, "value"),
    prevent_initial_call=True,
)


def _keys(view: View) -> Component:
    """The way to the page of keys."""
    words = t("A program reports and reads in your name with a key.", view.lang)
    way = dcc.Link(t("Your keys", view.lang), href=view.link("/profile/keys"), className="btn btn-quiet")
    return html.Section(
        [
            html.Header(html.H2(t("Programs", view.lang)), className="frame-head"),
            html.Div([html.P(words, className="muted"), way], className="frame-body"),
        ],
        className="frame profile-own-data",
    )


def _end(unit: Session, key: str) -> int:
    me = person()
    if key == OTHERS:
        return end_sessions(unit, me.profile_id, but=me.session_id)
    try:
        return int(end_session(unit, me.profile_id, UUID(key)))
    except ValueError:
        return 0


def _values(view: View, mine: OwnProfile) -> Values:
    """What is stored, and what is in force where nothing was chosen yet."""
    chosen = mine.preferences
    return {
        "full_name": mine.full_name,
        "company": mine.company,
        "location": mine.location,
        "bio": mine.bio,
        "language": chosen.get("language") if chosen.get("language") in LANGUAGES else view.lang,
        "theme": chosen.get("theme") if chosen.get("theme") in THEMES else view.theme,
        "zone": own_zone(chosen),
    }


def _form(view: View, values: Values, errors: Mapping[str, str], saved: bool) -> list[Component | None]:
    lang = view.lang
    wrong = {name: declared(message, lang) for name, message in errors.items()}

    def line(name: str, words: str, completes: str, hint: str | None = None) -> Component:
        id = f"profile-{name.replace('_', '-')}"
        return text_field(
            id,
            words,
            values[name],
            hint=hint,
            error=wrong.get(name),
            maxlength=LONGEST_LINE,
            autocomplete=completes,
        )

    about = [
        html.H2(t("About you", lang), className="section-title"),
        line("full_name", t("Full name", lang), "name"),
        html.Div(
            [
                line("company", t("Company", lang), "organization"),
                line("location", t("Location", lang), "off", t("A city or a country, as you like.", lang)),
            ],
            className="field-row",
        ),
        area_field(
            "profile-bio",
            t("In your own words", lang),
            values["bio"],
            hint=t("At most {n} characters.", lang, n=number(LONGEST_BIO, lang)),
            error=wrong.get("bio"),
        ),
    ]
    save = dbc.Button(t("Save", lang), type="submit", color="primary", id="profile-save")
    return [
        _outcome(lang, saved, bool(errors)),
        html.Div(about, className="form-part"),
        html.Div(_preferences(view, values, wrong), className="form-part"),
        html.Div(save, className="form-actions"),
    ]


def _preferences(view: View, values: Values, wrong: Mapping[str, str]) -> list[Component]:
    lang = view.lang
    themes = {"dark": t("Dark", lang), "light": t("Light", lang)}
    return [
        html.H2(t("How you see it", lang), className="section-title"),
        html.Div(
            [
                select_field(
                    "profile-language",
                    t("Language", lang),
                    [(code, NAMES[code]) for code in LANGUAGES],
                    values["language"],
                    error=wrong.get("language"),
                ),
                select_field(
                    "profile-theme",
                    t("Theme", lang),
                    [(theme, themes[theme]) for theme in THEMES],
                    values["theme"],
                    error=wrong.get("theme"),
                ),
            ],
            className="field-row",
        ),
        select_field(
            "profile-zone",
            t("Time zone", lang),
            _zones(view, values["zone"]),
            values["zone"],
            hint=t("All moments are shown in this zone; the switch in the menu shows them in UTC.", lang),
            error=wrong.get("zone"),
        ),
    ]


def _zones(view: View, chosen: str | None) -> list[tuple[str, str]]:
    """Every place's zone with its distance from UTC now, by name; also the chosen one where it is no place."""
    known = available_timezones()
    names = {name for name in known if name.partition("/")[0] in REGIONS and "/" in name} | {"UTC"}
    if chosen in known:
        names.add(str(chosen))
    return [(name, f"{name.replace('_', ' ')} ({_offset(view, name)})") for name in sorted(names)]


def _offset(view: View, name: str) -> str:
    far = view.now.astimezone(ZoneInfo(name)).strftime("%z")
    return "UTC" if far == "+0000" else f"UTC{far[0].replace('-', '−')}{far[1:3]}:{far[3:5]}"


def _outcome(lang: str, saved: bool, refused: bool) -> Component | None:
    """What became of the last attempt to save."""
    if refused:
        words = t("Nothing was saved yet. See the fields marked below.", lang)
        return html.Div(
            [icon("warning"), html.Div(words, className="notice-text")], className="notice", role="alert"
        )
    if saved:
        words = t("Saved.", lang)
        return html.Div(
            [icon("check"), html.Div(words, className="notice-text")], className="notice", role="status"
        )
    return None


def _account(view: View, mine: OwnProfile) -> Component:
    """What one may not change oneself."""
    lang = view.lang
    facts = [
        (t("E-mail", lang), person().email),
        (t("User name", lang), mine.username or "—"),
        (t("Role", lang), role_word(mine.role, lang)),
        (t("Member since", lang), day(mine.member_since, lang, view.zone)),
    ]
    return html.Section(
        [
            html.Header(html.H2(t("Your account", lang)), className="frame-head"),
            html.Div(
                [
                    html.Dl(
                        [part for name, value in facts for part in (html.Dt(name), html.Dd(value))],
                        className="facts",
                    ),
                    html.P(t("Only an administrator changes a role.", lang), className="muted"),
                    html.P(
                        dcc.Link(t("What you changed here", lang), href=view.link("/activity")),
                        className="mb-0",
                    ),
                ],
                className="frame-body",
            ),
        ],
        className="frame profile-account",
    )


def _sessions(unit: Session, view: View) -> Component:
    """Where one is signed in."""
    me, lang = person(), view.lang
    part = sessions_part(view, *own_sessions(unit, me.profile_id, view.now, MOST), me.session_id)
    why = t("Where you are signed in. End what you do not recognise.", lang)
    return html.Section(
        [
            html.Header(
                [html.H2(t("Your sessions", lang)), html.P(why, className="frame-note")],
                className="frame-head",
            ),
            html.Div(part, id="profile-sessions", className="frame-body"),
        ],
        className="frame profile-sessions",
    )
