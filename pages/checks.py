"""/checks: what is asked over HTTP, how often, and what counts as up. Who builds agents also says what is watched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import dash
import dash_bootstrap_components as dbc
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from auth.doors import permitted
from components.attributes import attributes
from components.cards import measured
from components.format import number
from components.forms import text_field
from components.links import status_address
from components.measured import unmeasured
from components.shell import page_header
from components.states import empty, skeleton
from components.tables import Column, data_table
from db.engine import Session, session
from db.queries.uptime_rows import check_readings, check_rows
from db.services.account_fields import FieldErrors
from db.services.checks import Wish, change_check, define_check, delete_check, pause_check
from i18n import declared, t
from pages._admin import asked_first, done, frame, key_of, refused
from pages._status import WRITES, tabs
from pages._view import ASKED, View, actor, engine, here, load, page, titled

BODY, FORM, ACT = "checks-body", "checks-form", "check-act"
PATH = "/checks"
NAME, URL, EVERY, TIMEOUT = "checks-name", "checks-url", "checks-every", "checks-timeout"
STATUS, FAILURES = "checks-status", "checks-failures"

dash.register_page(__name__, path=PATH, title=titled(lambda lang: t("Checks over HTTP", lang)))


@dataclass(frozen=True)
class Given:
    """What stands in the form."""

    name: str = ""
    url: str = ""
    interval_seconds: str = "60"
    timeout_seconds: str = "10"
    expected_status: str = "200"
    confirmations: str = "2"
    errors: Mapping[str, str] = field(default_factory=dict)

    def wish(self) -> Wish:
        """Numbers as such; 0, which is refused, for what is none."""
        counts = (self.interval_seconds, self.timeout_seconds, self.expected_status, self.confirmations)
        return Wish(self.name, self.url, *map(_count, counts))


def _count(text: str) -> int:
    told = text.strip()
    return int(told) if told.isascii() and told.isdigit() and len(told) < 8 else 0


@page(WRITES)
def layout(view: View) -> html.Div:
    """The outline. No data."""
    lead = t("What this application asks over HTTP, how often, and what counts as up.", view.lang)
    return html.Div(
        [
            page_header(t("Checks over HTTP", view.lang), lead, lang=view.lang),
            tabs(view, "checks"),
            html.Div(skeleton("table"), id=BODY),
        ]
    )


@callback(Output(BODY, "children"), *ASKED)
@load(WRITES)
def answer(unit: Session, view: View) -> Any:
    """The form and the list."""
    return _drawn(unit, view)


@callback(
    Output(BODY, "children", allow_duplicate=True),
    Input(FORM, "n_submit"),
    State(NAME, "value"),
    State(URL, "value"),
    State(EVERY, "value"),
    State(TIMEOUT, "value"),
    State(STATUS, "value"),
    State(FAILURES, "value"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(WRITES)
def keep(
    submitted: int | None,
    name: str | None,
    url: str | None,
    every: str | None,
    timeout: str | None,
    status: str | None,
    failures: str | None,
    search: str | None,
) -> Any:
    """Define a check, or change the one that the address names."""
    if not submitted:
        raise PreventUpdate
    view = here(search or "")
    given = Given(name or "", url or "", every or "", timeout or "", status or "", failures or "")
    key = key_of(view.args.get("edit"))
    try:
        with session(engine(), actor(), write=True) as unit:
            if key is None:
                define_check(unit, given.wish())
            elif not change_check(unit, key, given.wish()):
                return _again(view, refused(t("There is no such check.", view.lang)))
    except FieldErrors as wrong:
        told = {name: getattr(given, name) for name in given.__dataclass_fields__ if name != "errors"}
        return _again(view, given=Given(**told, errors=wrong.errors))
    said = t("The check was defined; it is asked within seconds.", view.lang)
    return _again(view, done(said if key is None else t("The check was changed.", view.lang)))


@callback(
    Output(BODY, "children", allow_duplicate=True),
    Input({"kind": ACT, "key": ALL}, "n_clicks"),
    State("url", "search"),
    prevent_initial_call=True,
)
@permitted(WRITES)
def act(_clicks: list[int | None], search: str | None) -> Any:
    """Pause a check, let it go on, or delete it."""
    asked = dash.ctx.triggered_id
    if not asked or not dash.ctx.triggered[0]["value"]:
        raise PreventUpdate
    view = here(search or "")
    wish, _, text = str(asked["key"]).partition(":")
    key = key_of(text)
    if key is None or not _acted(view, wish, key):
        return _again(view, refused(t("There is no such check.", view.lang)))
    words = {
        "pause": t("The check is paused: nobody asks, and its time is on neither side.", view.lang),
        "resume": t("The check goes on.", view.lang),
        "delete": t("The check and what it found were deleted.", view.lang),
    }
    return _again(view, done(words[wish]))


def _acted(view: View, wish: str, key: UUID) -> bool:
    with session(engine(), actor(), write=True) as unit:
        if wish == "delete":
            return delete_check(unit, key)
        return wish in ("pause", "resume") and pause_check(unit, key, wish == "pause", view.now)


clientside_callback(ClientsideFunction("admin", "tell"), Input(BODY, "children"), prevent_initial_call=True)


def _again(view: View, said: Component | None = None, given: Given | None = None) -> Any:
    with session(engine(), actor()) as unit:
        return _drawn(unit, view, said, given)


def _drawn(
    unit: Session, view: View, said: Component | None = None, given: Given | None = None
) -> list[Component | None]:
    lang = view.lang
    rows = check_rows(unit, "http")
    chosen = next((row for row in rows if str(row["id"]) == view.args.get("edit")), None)
    told = given or (_of(chosen) if chosen is not None else Given())
    title = t("Define a check", lang) if chosen is None else t("Change a check", lang)
    why = t(
        "GET, without cookies and passwords; redirects are not followed, and no body is read. Private and reserved "
        "addresses are asked only where the setting QUANTUM_CHECK_NETWORKS allows them.",
        lang,
    )
    form = dbc.Form(_form(told, lang, chosen is not None), id=FORM, prevent_default_on_submit=True)
    return [said, html.Div(frame(title, form, note=why), className="status-forms"), _list(unit, view, rows)]


def _of(row: Mapping[Any, Any]) -> Given:
    names = [name for name in Given.__dataclass_fields__ if name != "errors"]
    return Given(**{name: str(row[name]) for name in names})


def _form(given: Given, lang: str, is_there: bool) -> list[Component]:
    wrong = {name: declared(words, lang) for name, words in given.errors.items()}

    def line(id: str, name: str, label: str, hint: str | None = None, most: int = 8) -> Component:
        return text_field(id, label, getattr(given, name), hint=hint, error=wrong.get(name), maxlength=most)

    again = t("Failures in a row that make it down, from the first of them on.", lang)
    return [
        line(NAME, "name", t("Name", lang), most=80),
        line(
            URL, "url", t("Address", lang), t("Whole, such as https://example.com/health.", lang), most=2000
        ),
        html.Div(
            [
                line(EVERY, "interval_seconds", t("Every so many seconds", lang)),
                line(TIMEOUT, "timeout_seconds", t("Wait at most (seconds)", lang)),
            ],
            className="field-row",
        ),
        html.Div(
            [
                line(STATUS, "expected_status", t("Expected status", lang)),
                line(FAILURES, "confirmations", t("Failures until it is down", lang), again),
            ],
            className="field-row",
        ),
        dbc.Button(
            t("Change it", lang) if is_there else t("Define it", lang), type="submit", color="primary"
        ),
    ]


def _list(unit: Session, view: View, rows: list[Mapping[Any, Any]]) -> Component:
    lang = view.lang
    if not rows:
        why = t("Define one, and its states are told from its first result on.", lang)
        nothing = empty(t("No check is defined", lang), why, lang=lang, icon_name="pulse")
        return html.Div(nothing, className="frame")
    readings = check_readings(unit, view.window, "http")

    def reading(key: str, words: str) -> Column:
        return Column(key, words, lambda row: measured(readings[row["id"]][key], lang), align="end")

    columns = [
        Column("name", t("Name", lang), lambda row: _name(row, view)),
        Column("how", t("Asked", lang), lambda row: _how(row, lang)),
        reading("checks.share_up", t("Share of checks up", lang)),
        reading("checks.count", t("Checks", lang)),
        reading("checks.failed", t("Failed checks", lang)),
        Column("act", t("Act", lang), lambda row: _acts(row, view)),
    ]
    return data_table(columns, rows, lang=lang, caption=t("Checks over HTTP", lang), id="checks-list")


def _name(row: Mapping[Any, Any], view: View) -> Component:
    link = dcc.Link(
        row["name"], href=status_address(view.search, f"check:{row['id']}"), className="agent-link"
    )
    url = html.Span(row["url"], className="cell-under status-url", **attributes(unmeasured("name")))
    return html.Div([link, url], className="cell-name")


def _how(row: Mapping[Any, Any], lang: str) -> Component:
    every = t("every {n} s", lang, n=number(row["interval_seconds"], lang))
    wanted = t(
        "status {status}, down after {count} failures",
        lang,
        status=row["expected_status"],
        count=row["confirmations"],
    )
    said = t("paused", lang) if row["paused_at"] is not None else None
    return html.Span(
        [
            every,
            html.Span(wanted, className="cell-under"),
            html.Span(said, className="chip") if said else None,
            _refusal(row["refusal"], lang) if row["refusal"] else None,
        ],
        **attributes(unmeasured("definition")),
    )


def _refusal(why: str, lang: str) -> Component:
    """Why it is not asked, as a warning."""
    said = [html.Span(className="status-mark"), html.Span(declared(why, lang))]
    return html.Span(said, className="status status-warning status-refusal cell-under")


def _acts(row: Mapping[Any, Any], view: View) -> Component:
    lang, key, name = view.lang, row["id"], row["name"]

    def button(wish: str, words: str, look: str) -> Component:
        return html.Button(
            words,
            id={"kind": ACT, "key": f"{wish}:{key}"},
            type="button",
            className=f"btn {look} btn-sm",
            **attributes({"aria-label": f"{words}: {name}"}),
        )

    paused = row["paused_at"] is not None
    change = html.A(
        t("Change", lang), href=PATH + view.with_query(edit=str(key)), className="btn btn-quiet btn-sm"
    )
    turn = (
        button("resume", t("Go on", lang), "btn-quiet")
        if paused
        else button("pause", t("Pause", lang), "btn-quiet")
    )
    why = t("Its results and states are deleted with it. To keep them, pause it.", lang)
    gone = asked_first(t("Delete", lang), why, button("delete", t("Yes, delete it", lang), "btn-danger"))
    return html.Div([change, turn, gone], className="status-acts")
