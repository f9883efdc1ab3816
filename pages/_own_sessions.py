"""One's own sessions as the profile page draws them: where one is signed in, and a button to end each."""

from collections.abc import Sequence
from uuid import UUID

from dash import html
from dash.development.base_component import Component

from components.attributes import attributes
from components.format import DASH, ago, moment, number
from components.icons import icon
from components.measured import unmeasured
from db.queries.people import OwnSession
from i18n import t, tn
from pages._view import View

KIND, OTHERS = "end-session", "others"
MOST = 20
SAID = "profile-sessions-said"


def sessions_part(
    view: View, rows: Sequence[OwnSession], total: int, mine: UUID, ended: int | None = None
) -> list[Component | None]:
    """The list with its buttons; `ended` says how many sessions the last button ended."""
    lang, shown = view.lang, sorted(rows, key=lambda row: row.id != mine)
    others = total - sum(row.id == mine for row in rows)
    end_others = html.Button(
        t("End all other sessions", lang),
        id={"kind": KIND, "key": OTHERS},
        type="button",
        className="btn btn-quiet",
    )
    return [
        _outcome(ended, lang) if ended is not None else None,
        html.Ul([_item(view, row, row.id == mine) for row in shown], className="session-list"),
        _more(total - len(rows), lang) if total > len(rows) else None,
        html.P(t("You are signed in nowhere else.", lang), className="muted") if not others else None,
        html.Div(end_others, className="session-others", hidden=not others),
    ]


def _item(view: View, row: OwnSession, is_mine: bool) -> Component:
    lang, zone = view.lang, view.zone
    name, address = device_words(row, lang), row.address or DASH
    mark = html.Span(t("This session", lang), className="chip") if is_mine else None
    whole = t("End the session {device}, {address}", lang, device=name, address=address)
    end = html.Button(
        t("End", lang),
        id={"kind": KIND, "key": str(row.id)},
        type="button",
        className="btn btn-quiet btn-sm",
        **attributes({"aria-label": whole}),
    )
    facts = [
        (t("Address", lang), address),
        (t("Signed in", lang), moment(row.begun, lang, zone)),
        (
            t("Last active", lang),
            html.Time(ago(row.last_activity, view.now, lang), title=moment(row.last_activity, lang, zone)),
        ),
    ]
    return html.Li(
        [
            html.Div([html.Strong(name), mark if is_mine else end], className="session-head"),
            html.Dl(
                [part for word, value in facts for part in (html.Dt(word), html.Dd(value))],
                className="facts facts-code",
                **attributes(unmeasured("stored")),
            ),
        ]
    )


def device_words(row: OwnSession, lang: str) -> str:
    """Browser and system, as far as the browser named them."""
    browser, system = row.device.get("browser"), row.device.get("system")
    if browser and system:
        return t("{browser} on {system}", lang, browser=browser, system=system)
    return browser or system or t("Unknown device", lang)


def _more(count: int, lang: str) -> Component:
    words = tn(
        "{count} more session is not listed.",
        "{count} more sessions are not listed.",
        count,
        lang,
        count=number(count, lang),
    )
    return html.P(words, className="muted")


def _outcome(ended: int, lang: str) -> Component:
    """Takes the focus (assets/profile.js): the button that was pressed is gone."""
    words = tn("{count} session ended.", "{count} sessions ended.", ended, lang, count=number(ended, lang))
    if not ended:
        words = t("That session had ended already.", lang)
    return html.Div(
        [icon("check"), html.Div(words, className="notice-text")],
        className="notice",
        role="status",
        id=SAID,
        tabIndex=-1,
    )
