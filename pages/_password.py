"""Changing one's password on the profile page: the old one, the new one, and what became of it."""

from collections.abc import Mapping

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from auth.own_password import change_own_password
from auth.routes import wait_words
from components.format import number
from components.forms import text_field
from components.icons import icon
from db.services.accounts import FieldErrors
from db.services.sign_in_limits import TooManyAttempts
from i18n import declared, t, tn
from pages._view import View

FORM, OLD, NEW, SHOW = "password-form", "password-old", "password-new", "password-show"
SAID = "password-said"


def password_part(view: View, login: str) -> Component:
    """A frame with the form; `login` tells password managers whose password it is."""
    lang = view.lang
    why = t("Changing it ends all your other sessions.", lang)
    return html.Section(
        [
            html.Header(
                [html.H2(t("Your password", lang)), html.P(why, className="frame-note")],
                className="frame-head",
            ),
            html.Div(
                [
                    dbc.Input(
                        value=login, type="text", autocomplete="username", readonly=True, className="d-none"
                    ),
                    dbc.Form(password_form(view), id=FORM, prevent_default_on_submit=True),
                ],
                className="frame-body",
            ),
        ],
        className="frame profile-password",
    )


def password_form(
    view: View, errors: Mapping[str, str] | None = None, said: Component | None = None
) -> list[Component | None]:
    """The fields, always empty: nothing typed here is sent back."""
    lang, wrong = view.lang, errors or {}
    return [
        said,
        text_field(
            OLD,
            t("Current password", lang),
            type="password",
            autocomplete="current-password",
            error=wrong.get("old"),
        ),
        text_field(
            NEW,
            t("New password", lang),
            type="password",
            autocomplete="new-password",
            hint=t("At least 8 characters of any kind; spaces count.", lang),
            error=wrong.get("password"),
        ),
        html.Div(
            [
                dbc.Button(t("Change password", lang), type="submit", color="primary"),
                dbc.Checkbox(id=SHOW, label=t("Show what I type", lang), value=False),
            ],
            className="password-actions",
        ),
    ]


def changed(view: View, old: str | None, new: str | None) -> tuple[list[Component | None], bool]:
    """Change the password of whoever is asking: the form with what became of it, and whether it was changed."""
    lang = view.lang
    try:
        ended = change_own_password(old or "", new or "")
    except FieldErrors as refused:
        errors = {name: declared(message, lang) for name, message in refused.errors.items()}
        return password_form(view, errors), False
    except TooManyAttempts as refused:
        return password_form(view, said=_said(wait_words(refused.wait, lang), "warning")), False
    return password_form(view, said=_said(_done(ended, lang), "check")), True


def _done(ended: int, lang: str) -> str:
    if not ended:
        return t("Your password is changed. You are signed in nowhere else.", lang)
    return tn(
        "Your password is changed. {count} other session ended.",
        "Your password is changed. {count} other sessions ended.",
        ended,
        lang,
        count=number(ended, lang),
    )


def _said(words: str, look: str) -> Component:
    return html.Div(
        [icon(look), html.Div(words, className="notice-text")],
        id=SAID,
        className="notice",
        role="alert" if look == "warning" else "status",
        tabIndex=-1,
    )
