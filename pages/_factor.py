"""The second factor on the profile page: whether it is on, and the ways to change that (auth/factor_routes.py)."""

from dash import html
from dash.development.base_component import Component

from components.format import day, number
from db.services.second_factors import RECOVERY_CODES, Factor
from i18n import t, tn
from pages._view import View

FEW = 3


def factor_part(view: View, factor: Factor | None) -> Component:
    """A frame with the state of the person's own second factor."""
    lang = view.lang
    why = t("A code from your phone besides the password.", lang)
    return html.Section(
        [
            html.Header(
                [html.H2(t("Second factor", lang)), html.P(why, className="frame-note")],
                className="frame-head",
            ),
            html.Div(_on(view, factor) if factor else _off(view), className="frame-body"),
        ],
        className="frame profile-factor",
    )


def _off(view: View) -> list[Component]:
    lang = view.lang
    said = t("Off: whoever learns your password can sign in as you.", lang)
    return [html.P(said), _way(view, "/second-factor", t("Set up a second factor", lang), "btn btn-primary")]


def _on(view: View, factor: Factor) -> list[Component]:
    lang = view.lang
    facts = [
        (t("On since", lang), day(factor.since, lang, view.zone)),
        (
            t("Recovery codes", lang),
            t("{n} of {all} left", lang, n=number(factor.codes_left, lang), all=number(RECOVERY_CODES, lang)),
        ),
    ]
    return [
        html.Dl(
            [part for word, value in facts for part in (html.Dt(word), html.Dd(value))], className="facts"
        ),
        *([html.P(_few(factor.codes_left, lang), className="muted")] if factor.codes_left <= FEW else []),
        html.Div(
            [
                _way(view, "/second-factor/codes", t("New recovery codes", lang), "btn btn-quiet"),
                _way(view, "/second-factor/off", t("Turn it off", lang), "btn btn-quiet"),
            ],
            className="profile-ways",
        ),
    ]


def _few(left: int, lang: str) -> str:
    if not left:
        return t("No recovery code is left. Without your phone you could not sign in: make new ones.", lang)
    return tn(
        "Only {n} recovery code is left. Make new ones before you need it.",
        "Only {n} recovery codes are left. Make new ones before you need them.",
        left,
        lang,
    )


def _way(view: View, path: str, words: str, look: str) -> Component:
    """A plain link: these are no pages of Dash's. Language and theme go along."""
    return html.A(words, href=view.link(path, range=None), className=look)
