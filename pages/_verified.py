"""Whether the numbers agree with what comes out of the raw rows by another way, as the hourly job found last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.age import age
from components.attributes import attributes
from components.cards import card
from components.format import moment, number
from components.measured import unmeasured
from components.states import copyable
from db.metric import Reading, SeriesReading
from db.queries.numbers import LastRun
from i18n import t, tn
from pages._view import View

COMMAND = ".venv/bin/quantum verify numbers"
CARDS = ("numbers.agreed", "numbers.differing")


def verified(last: LastRun | None, whole: Mapping[str, Reading | SeriesReading], view: View) -> html.Section:
    """When it was, how many agreed, which did not; and the command that prints both sides."""
    lang = view.lang
    readings = [each for key in CARDS if isinstance(each := whole[key], Reading)]
    cards = [card(each, lang, zone=view.zone) for each in readings]
    return html.Section(
        [
            html.H2(t("Recomputed another way", lang), className="section-title"),
            html.Div(cards, className="card-grid"),
            html.Div([*_said(last, view), *_how(lang)], className="frame verified-words"),
        ],
        className="section verified",
        **attributes({"data-verdict": _verdict(last)}),
    )


def _verdict(last: LastRun | None) -> str:
    return "unknown" if last is None else "differs" if last.differs else "agrees"


def _said(last: LastRun | None, view: View) -> list[Component]:
    lang = view.lang
    if last is None:
        why = t(
            "No number has been recomputed yet. The job does it within the hour; the command does it now.",
            lang,
        )
        return [html.P(why)]
    words = t("Last run:", lang)
    parts: list[Component] = [html.P([words, " ", age(last.at, lang, view.zone)])]
    if last.error:
        failed = t(
            "A later run failed: {error}. What is shown is from the one before.", lang, error=last.error
        )
        parts.append(html.P(failed, role="alert", className="verified-alert"))
    if last.differs:
        parts += [
            html.P(
                t("These do not agree. Each is a defect, of the number or of its check:", lang),
                role="alert",
                className="verified-alert",
            ),
            _list([(each["key"], each["window"]) for each in last.differs]),
        ]
    if last.unreached:
        why = t("There was no time for these; run the command to have them recomputed:", lang)
        parts += [html.P(why), _list([(key, "") for key in last.unreached])]
    if last.beyond:
        why = t("Not recomputed, for the rows that numbers over these windows are made of are gone:", lang)
        parts += [html.P(why, className="muted"), _gone(last.beyond, view)]
    return parts


def _gone(beyond: list[Mapping[str, Any]], view: View) -> html.Ul:
    """By window: since when rows are kept, and how many numbers that leaves out."""
    lang = view.lang

    def said(each: Mapping[str, Any]) -> str:
        counts = {"count": number(each["numbers"], lang)}
        since = moment(datetime.fromisoformat(each["since"]), lang, view.zone)
        many = tn("{count} number", "{count} numbers", each["numbers"], lang, **counts)
        return f"{many} · " + t("raw rows before {since} are gone", lang, since=since)

    rows = [
        html.Li([html.Code(each["window"]), " ", html.Span(said(each), **attributes(unmeasured("shown")))])
        for each in beyond
    ]
    return html.Ul(rows, className="verified-list")


def _list(named: list[tuple[str, str]]) -> html.Ul:
    return html.Ul(
        [html.Li([html.Code(key), " ", html.Code(window) if window else None]) for key, window in named],
        className="verified-list",
    )


def _how(lang: str) -> list[Component]:
    words = t(
        "Every hour each number is computed once more in plain arithmetic over the rows, without the query that shows "
        "it. To see both sides of every number:",
        lang,
    )
    return [html.P(words, className="muted"), copyable(COMMAND, lang)]
