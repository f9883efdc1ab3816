"""What the pages of administration share: their frame, the door that opens for administrators only, what was done."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from dash import dcc, html
from dash.development.base_component import Component

from auth.permissions import Permission
from components.attributes import attributes
from components.format import moment
from components.icons import icon
from components.shell import page_header
from components.states import copyable
from components.states import empty as nothing
from i18n import t
from pages._view import View

NEEDS = Permission.PEOPLE_ADMIN
SAID = "admin-said"
ACT = "admin-act"


def outline(view: View, part: str, *content: Component) -> html.Div:
    """A page of administration: its head, the ways to the other parts, its own content."""
    lead = t("Who may come in, what each may do, and what each sees.", view.lang)
    head = page_header(t("Administration", view.lang), lead, lang=view.lang)
    return html.Div([head, _ways(view, part), *content], className="is-rangeless")


def _ways(view: View, part: str) -> Component:
    parts = (
        ("people", "/admin", t("People", view.lang)),
        ("roles", "/admin/roles", t("Roles", view.lang)),
        ("invitations", "/admin/invitations", t("Invitations", view.lang)),
        ("access", "/admin/access", t("Who sees what", view.lang)),
    )
    return ways(
        t("Parts of administration", view.lang),
        [(words, view.link(path), name == part) for name, path, words in parts],
    )


def ways(label: str, links: Sequence[tuple[str, str, bool]]) -> Component:
    """Links beside each other (words, address, whether it is where one is). Dash's own links know no aria-current."""
    drawn: list[Component] = [
        html.A(words, href=href, className="admin-way is-here", **attributes({"aria-current": "page"}))
        if is_here
        else dcc.Link(words, href=href, className="admin-way")
        for words, href, is_here in links
    ]
    return html.Nav(drawn, className="admin-ways", **attributes({"aria-label": label}))


def frame(title: Any, *body: Component | None, note: str | None = None, className: str = "") -> Component:
    """A section with a head."""
    head: list[Component] = [html.H2(title)]
    if note:
        head.append(html.P(note, className="frame-note"))
    return html.Section(
        [html.Header(head, className="frame-head"), html.Div(list(body), className="frame-body")],
        className=f"frame {className}".strip(),
    )


def facts(*said: tuple[Any, Any]) -> Component:
    """Names and values."""
    return html.Dl(
        [part for name, value in said for part in (html.Dt(name), html.Dd(value))], className="facts"
    )


def done(words: str, *more: Component) -> Component:
    """What an act came to. It takes the focus (assets/admin.js), for the button that was pressed is gone."""
    return _said("check", "status", words, *more)


def refused(words: str) -> Component:
    """Why nothing was done."""
    return _said("warning", "alert", words)


def link_once(words: str, address: str, until: Any, view: View) -> Component:
    """A link that is shown now and never again, to be copied and handed on."""
    lang = view.lang
    rest = t(
        "It works once, until {moment}. It is shown now and never again; hand it on in private.",
        lang,
        moment=moment(until, lang, view.zone),
    )
    return done(words, copyable(address, lang), html.P(rest, className="admin-once"))


def _said(look: str, role: str, words: str, *more: Component) -> Component:
    return html.Div(
        [icon(look), html.Div([html.Strong(words), *more], className="notice-text")],
        id=SAID,
        className="notice is-alarm" if look == "warning" else "notice",
        role=role,
        tabIndex=-1,
    )


def act(key: str, words: str, *, danger: bool = False, spoken: str | None = None) -> html.Button:
    """A button that does something at once."""
    return html.Button(
        words,
        id={"kind": ACT, "key": key},
        type="button",
        className="btn btn-danger" if danger else "btn btn-primary",
        **attributes({"aria-label": spoken} if spoken else {}),
    )


def asked_first(words: str, why: str, *inside: Component, open_: bool = False) -> Component:
    """A button that first says what will happen, and then offers to do it."""
    return html.Details(
        [
            html.Summary(words, className="btn btn-quiet"),
            html.Div([html.P(why), *inside], className="admin-asked"),
        ],
        className="admin-ask",
        open=open_,
    )


def nobody(view: View) -> Component:
    """There is no person at this address."""
    back = dcc.Link(t("To the people", view.lang), href=view.link("/admin"), className="btn btn-primary")
    why = t("The profile may have been removed, or the address was typed wrongly.", view.lang)
    return html.Div(
        nothing(
            t("There is no such person", view.lang), why, action=back, lang=view.lang, icon_name="profile"
        ),
        className="frame",
    )


def key_of(text: Any) -> UUID | None:
    """An id as an address or a button names it; None for anything else."""
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
