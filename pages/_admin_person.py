"""One person as administrators see them: what is known, and everything that can be done about their account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from components.attributes import attributes
from components.format import DASH, ago, day, moment, number
from components.forms import select_field
from components.shell import role_word
from db.queries.everybody import Somebody
from db.queries.people import OwnSession
from db.services.account_fields import ROLES
from i18n import declared, t, tn
from pages._admin import ACT, act, asked_first, facts, frame
from pages._own_sessions import device_words
from pages._view import View

ROLE = "admin-role"
MOST = 20


@dataclass(frozen=True)
class Panel:
    """What is drawn of one person: `said` is what the last act came to, `wrong` what of its field was refused."""

    view: View
    row: Somebody
    sessions: Sequence[OwnSession]
    total: int
    is_me: bool
    is_demanded: bool
    said: Component | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)
    wished: str = ""


def panel(given: Panel) -> list[Component | None]:
    """The whole page of the person."""
    view, row, lang = given.view, given.row, given.view.lang
    back = dcc.Link(t("All people", lang), href=view.link("/admin"), className="back-link")
    name = row.full_name or row.username or t("Closed account", lang)
    side = [_role(given), _sign_in(given), _password(given), _factor(given)]
    return [
        given.said,
        html.Div([back, html.H2(name, className="admin-name")], className="admin-head"),
        html.Div(
            [
                html.Div([_known(given), _sessions(given)], className="profile-side"),
                html.Div(side, className="profile-side"),
            ],
            className="admin-columns",
        ),
    ]


def _known(given: Panel) -> Component:
    view, row, lang = given.view, given.row, given.view.lang
    said = [
        (t("User name", lang), row.username or DASH),
        (t("E-mail", lang), DASH if row.is_gone else row.email),
        (t("Role", lang), role_word(row.role, lang)),
        (t("Created", lang), day(row.created, lang, view.zone)),
        (t("Last sign-in", lang), _last(given)),
        (t("Profile", lang), html.Code(str(row.profile_id))),
    ]
    ways = [
        dcc.Link(
            t("What they see", lang),
            href=view.link("/admin/access", **{"as": row.profile_id}),
            className="btn btn-quiet",
        ),
        dcc.Link(
            t("What they did", lang),
            href=view.link(f"/security/people/{row.profile_id}"),
            className="btn btn-quiet",
        ),
    ]
    return frame(t("Account", lang), facts(*said), html.Div(ways, className="profile-ways"))


def _last(given: Panel) -> Component | str:
    at, view = given.row.last_sign_in, given.view
    if at is None:
        return t("never", view.lang)
    return html.Span(ago(at, view.now, view.lang), title=moment(at, view.lang, view.zone))


# --- role -------------------------------------------------------------------------------------------


def _role(given: Panel) -> Component:
    lang, row = given.view.lang, given.row
    why = t("Another role ends all sessions of the person, at once and everywhere.", lang)
    if given.is_me:
        why = t("This is you: with another role you are signed out and cannot come back to this page.", lang)
    wrong = declared(given.wrong["role"], lang) if "role" in given.wrong else None
    choose = select_field(
        ROLE,
        t("Role", lang),
        [(role, role_word(role, lang)) for role in ROLES],
        given.wished or row.role,
        hint=None,
        error=wrong,
    )
    what = dcc.Link(t("What each role may do", lang), href=given.view.link("/admin/roles"))
    if row.is_gone:
        return frame(t("Role", lang), html.Div(choose, hidden=True), html.P(_gone(lang)))
    return frame(
        t("Role", lang),
        choose,
        html.Div([act("role", t("Change the role", lang)), what], className="profile-ways"),
        note=why,
    )


def _gone(lang: str) -> str:
    return t("The person closed this account; nothing is left that could be opened.", lang)


# --- signing in -------------------------------------------------------------------------------------


def _sign_in(given: Panel) -> Component:
    lang, row = given.view.lang, given.row
    title = t("Sign-in", lang)
    if row.is_gone:
        return frame(title, html.P(_gone(lang)))
    if given.is_me:
        way = html.A(t("Close my account", lang), href=given.view.link("/account/close", range=None))
        return frame(title, html.P([t("Open. This is you.", lang), " ", way]))
    if not row.is_active:
        said = t("Closed: the person cannot sign in. What they made stays.", lang)
        return frame(title, html.P(said), act("open", t("Open sign-in again", lang)))
    why = t(
        "All sessions end at once and no new one begins until you open it again. What the person made stays.",
        lang,
    )
    ask = asked_first(t("Close sign-in", lang), why, act("close", t("Yes, close it", lang), danger=True))
    return frame(title, html.P(t("Open: the person can sign in.", lang)), ask)


def _password(given: Panel) -> Component:
    lang = given.view.lang
    title = t("Password", lang)
    if not given.row.is_active:
        return frame(title, html.P(t("A closed account has no password to renew.", lang)))
    why = t("A link with which the person chooses a new password. Earlier links stop working.", lang)
    return frame(title, act("link", t("Make a link", lang)), note=why)


def _factor(given: Panel) -> Component:
    view, row, lang = given.view, given.row, given.view.lang
    title = t("Second factor", lang)
    demanded = html.P(t("Their role demands one.", lang)) if given.is_demanded else None
    if row.factor_since is None:
        off = t("Off: whoever learns the password can sign in as this person.", lang)
        return frame(title, html.P(off), demanded)
    on = t("On since {day}.", lang, day=day(row.factor_since, lang, view.zone))
    why = t(
        "For somebody who lost phone and recovery codes: from then on the password alone opens the account.",
        lang,
    )
    ask = asked_first(t("Reset it", lang), why, act("factor", t("Yes, take it away", lang), danger=True))
    return frame(title, html.P(on), demanded, ask)


# --- sessions ---------------------------------------------------------------------------------------


def _sessions(given: Panel) -> Component:
    lang = given.view.lang
    title = t("Sessions", lang)
    if not given.sessions:
        return frame(title, html.P(t("Signed in nowhere.", lang), className="muted"))
    body: list[Component | None] = [
        html.Ul([_session(given, row) for row in given.sessions], className="session-list")
    ]
    left = given.total - len(given.sessions)
    if left > 0:
        words = tn(
            "{count} more session is not listed.",
            "{count} more sessions are not listed.",
            left,
            lang,
            count=number(left, lang),
        )
        body.append(html.P(words, className="muted"))
    if given.is_me:
        body.append(
            html.P(dcc.Link(t("End your own on your profile", lang), href=given.view.link("/profile")))
        )
    else:
        every = html.Button(
            t("End all sessions", lang),
            id={"kind": ACT, "key": "sessions"},
            type="button",
            className="btn btn-quiet",
        )
        body.append(html.Div(every, className="session-others"))
    return frame(title, *body, note=t("Where the person is signed in now.", lang))


def _session(given: Panel, row: OwnSession) -> Component:
    view, lang = given.view, given.view.lang
    name, address = device_words(row, lang), row.address or DASH
    end = html.Button(
        t("End", lang),
        id={"kind": ACT, "key": f"session:{row.id}"},
        type="button",
        className="btn btn-quiet btn-sm",
        **attributes(
            {"aria-label": t("End the session {device}, {address}", lang, device=name, address=address)}
        ),
    )
    active = html.Span(
        ago(row.last_activity, view.now, lang), title=moment(row.last_activity, lang, view.zone)
    )
    said: list[tuple[str, Any]] = [
        (t("Address", lang), address),
        (t("Signed in", lang), moment(row.begun, lang, view.zone)),
        (t("Last active", lang), active),
    ]
    return html.Li(
        [
            html.Div(
                [html.Strong(name), None if given.is_me else end],
                className="session-head",
            ),
            html.Dl(
                [part for word, value in said for part in (html.Dt(word), html.Dd(value))],
                className="facts facts-code",
            ),
        ]
    )
