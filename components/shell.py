"""The frame round every page: navigation, time range, language, theme, zone, who is signed in, and the proof drawer.

Its controls are plain buttons whose wish assets/clientside.js writes into the address; pages read the address and
nothing else. What is pressed is marked by the same script, so the frame is drawn once per visit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.attributes import attributes
from components.controls import language_control, range_control, theme_control, zone_control
from components.format import moment
from components.icons import icon
from i18n import t

PRODUCT = "ALSHAM QUANTUM"


@dataclass(frozen=True)
class NavItem:
    """One entry of the sidebar; `label` is already in the reader's language."""

    label: str
    path: str
    icon: str


def nav_items(lang: str) -> tuple[NavItem, ...]:
    """The places one can go."""
    return (
        NavItem(t("Overview", lang), "/", "overview"),
        NavItem(t("Map", lang), "/map", "map"),
        NavItem(t("Agents", lang), "/agents", "agents"),
        NavItem(t("Metrics", lang), "/metrics", "metrics"),
        NavItem(t("Profile", lang), "/profile", "profile"),
    )


def shell(
    person_name: str,
    role: str,
    nav: Sequence[NavItem],
    lang: str,
    theme: str,
    *,
    csrf_token: str,
    range_name: str = "24h",
    zone: str = "America/Sao_Paulo",
    utc: bool = False,
    content: Component | None = None,
) -> html.Div:
    """The whole page; `content` defaults to where Dash puts the page.

    `zone` is the person's own; `utc` says that the switch to UTC is on.
    """
    return html.Div(
        [
            html.A(t("Skip to content", lang), href="#content", className="skip-link"),
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="proof-request"),
            dcc.Store(id="proof-page"),
            _sidebar(person_name, role, nav, lang, theme, csrf_token, zone, utc),
            html.Div(className="shell-veil", id="shell-veil"),
            html.Div(
                [
                    _topbar(lang, range_name, zone),
                    html.Div(id="trouble", className="trouble"),
                    html.Main(content or dash.page_container, id="content", tabIndex=-1),
                ],
                className="shell-main",
            ),
            dbc.Offcanvas(
                html.Div(id="proof-body", **attributes({"aria-live": "polite"})),
                id="proof",
                placement="end",
                is_open=False,
                scrollable=True,
                title=t("How is this made?", lang),
                className="proof-drawer",
            ),
            html.Div(id="toasts", className="toasts", role="status", **attributes({"aria-live": "polite"})),
        ],
        className="shell",
        id="shell",
    )


def page_header(
    title: str,
    lead: Any = None,
    *,
    lang: str = "en",
    zone: str = "UTC",
    measured_at: datetime | None = None,
    actions: Any = None,
    back: tuple[str, str] | None = None,
) -> html.Header:
    """A page's head: its one H1, a sentence about it, the instant its numbers speak of; `back` is (words, href)."""
    at = t("Measured {at}", lang, at=moment(measured_at, lang, zone)) if measured_at else None
    return html.Header(
        [
            html.Div(
                [
                    dcc.Link([icon("back"), back[0]], href=back[1], className="back-link") if back else None,
                    html.H1(title),
                    html.P(lead, className="page-lead") if lead else None,
                ],
                className="page-words",
            ),
            html.Div([html.Span(at, className="page-at") if at else None, actions], className="page-actions")
            if at or actions
            else None,
        ],
        className="page-header",
    )


def brand(lang: str) -> html.A:
    """The mark and the name, leading home."""
    return html.A(
        [
            html.Span(className="brand-mark", **attributes({"aria-hidden": "true"})),
            html.Span(["ALSHAM ", html.B("QUANTUM")], className="brand-name"),
        ],
        href="/",
        className="brand",
        **attributes({"data-nav": "/", "aria-label": t("{product}, overview", lang, product=PRODUCT)}),
    )


def _sidebar(
    person: str, role: str, nav: Sequence[NavItem], lang: str, theme: str, csrf: str, zone: str, utc: bool
) -> html.Aside:
    links = [
        html.Li(
            html.A(
                [icon(item.icon), html.Span(item.label)],
                href=item.path,
                className="nav-entry",
                **attributes({"data-nav": item.path}),
            )
        )
        for item in nav
    ]
    close = html.Button(
        icon("close"),
        type="button",
        className="shell-close icon-button",
        disable_n_clicks=True,
        **attributes({"aria-label": t("Close menu", lang)}),
    )
    return html.Aside(
        [
            html.Div([brand(lang), close], className="shell-brand"),
            html.Nav(html.Ul(links), className="shell-nav", **attributes({"aria-label": t("Main", lang)})),
            html.Div(
                [zone_control(lang, zone, utc), language_control(lang), theme_control(lang, theme)],
                className="shell-view",
            ),
            _person(person, role, lang, csrf),
        ],
        id="shell-sidebar",
        className="shell-sidebar",
    )


def _topbar(lang: str, range_name: str, zone: str) -> html.Header:
    menu = html.Button(
        icon("menu"),
        type="button",
        id="shell-menu",
        className="icon-button",
        disable_n_clicks=True,
        **attributes(
            {"aria-label": t("Menu", lang), "aria-controls": "shell-sidebar", "aria-expanded": "false"}
        ),
    )
    refresh = html.Button(
        [icon("refresh"), html.Span(t("Refresh", lang), className="refresh-word")],
        type="button",
        id="shell-refresh",
        className="btn btn-quiet shell-refresh",
        n_clicks=0,
        title=t("Measure again now", lang),
    )
    return html.Header(
        [
            menu,
            html.Div(brand(lang), className="topbar-brand"),
            range_control(lang, range_name, zone),
            refresh,
        ],
        className="shell-topbar",
    )


def _person(person: str, role: str, lang: str, csrf: str) -> html.Div:
    leave = html.Form(
        [
            dcc.Input(type="hidden", name="csrf_token", value=csrf, id="shell-csrf"),
            html.Button(
                icon("sign-out"),
                type="submit",
                className="icon-button",
                title=t("Sign out", lang),
                **attributes({"aria-label": t("Sign out", lang)}),
            ),
        ],
        method="post",
        action="/logout",
    )
    initials = "".join(word[0] for word in person.split()[:2]).upper() or "?"
    return html.Div(
        [
            html.Span(initials, className="avatar", **attributes({"aria-hidden": "true"})),
            html.Div([html.Strong(person), html.Span(role_word(role, lang))], className="person-words"),
            leave,
        ],
        className="shell-person",
    )


def role_word(role: str, lang: str) -> str:
    """The word for a role; a role we have no word for is shown as it is."""
    words = {
        "user": t("user", lang),
        "strategist": t("strategist", lang),
        "architect": t("architect", lang),
        "observer": t("observer", lang),
        "admin": t("administrator", lang),
    }
    return words.get(role, role)
