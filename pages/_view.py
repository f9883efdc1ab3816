"""What the address of a page asks for, and how a page answers it: one callback, one database session, one instant."""

import inspect
import logging
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, cast
from urllib.parse import parse_qsl, unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dash
from dash import Input, Output, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask import current_app, g, has_request_context, request
from werkzeug.exceptions import HTTPException

from auth import SignedIn, current_person, require_person
from auth.addresses import parts_of
from auth.doors import DECLARED, may, note_missing, permitted
from auth.refusals import not_yours
from components.format import moment
from components.icons import icon
from components.links import VIEW, agent_address, link_to, with_query
from components.shell import page_header
from components.states import elsewhere, empty, error_state
from components.theme import THEMES
from db.actor import Actor
from db.engine import DatabaseUnavailable, Engine, Session, session
from db.guard import Denied
from db.metric import Window
from db.queries.kept import API, LOGS, MEASUREMENTS, SPANS, Beyond, beyond
from db.queries.spans import extent
from i18n import negotiate, t

ENGINE, STAFF_ENGINE = "QUANTUM_ENGINE", "QUANTUM_STAFF_ENGINE"
FAILED = "quantum_answer_failed"  # of flask's g: this request was answered with an error in place of the page
DEFAULT_RANGE = "24h"
DEFAULT_ZONE = "America/Sao_Paulo"
IMPORT_COMMAND = ".venv/bin/quantum import otlp FILE"
LONGEST_QUERY, MOST_ARGS = 4000, 40
ROUTER_PATH, ROUTER_SEARCH = "_pages_location.pathname", "_pages_location.search"

# What every page's callback listens to, in this order: `@callback(Output(...), *ASKED)` over `@load(needs)`.
ASKED = (Input("url", "search"), Input("shell-refresh", "n_clicks"))
# `@callback(..., running=BUSY)`: the refresh button turns while the page is being measured.
BUSY = [
    (
        Output("shell-refresh", "className"),
        "btn btn-quiet shell-refresh is-busy",
        "btn btn-quiet shell-refresh",
    )
]

log = logging.getLogger("quantum.pages")


@dataclass(frozen=True)
class View:
    """What one address asks for.

    Attributes:
        range_text: the range as the address bar names it; "24h" where it named none that can be used.
        window: that range, seen at the instant `window.at`, which is the one instant of the answer.
        lang, zone, theme: how to say and show it.
        utc: True when the switch to UTC is on; then `zone` is "UTC".
        args: the page's own words of the query, without range, lang, theme and zone.
        search: the query as it stands, for links that keep it.
        path: the path with percent signs resolved.
        problem: what of the address could not be used, in the reader's language; else None.
    """

    range_text: str
    window: Window
    lang: str
    zone: str
    theme: str
    utc: bool
    args: Mapping[str, str]
    search: str
    path: str
    problem: str | None = None

    @classmethod
    def of(
        cls,
        search: str | None,
        profile: Mapping[str, Any] | None = None,
        now: datetime | None = None,
        *,
        path: str = "/",
        cookies: Mapping[str, str] | None = None,
        accept_language: str | None = None,
    ) -> "View":
        """The view of an address. What it does not say, `profile`, then cookies, then browser say."""
        asked, profile, cookies = _parsed(search), profile or {}, cookies or {}
        lang = negotiate(asked.get("lang"), profile.get("language") or cookies.get("lang"), accept_language)
        window, problem = _window(asked.get("range", DEFAULT_RANGE), now or datetime.now(UTC), lang)
        utc = asked.get("zone") == "UTC"
        return cls(
            range_text=window.name,
            window=window,
            lang=lang,
            zone="UTC" if utc else own_zone(profile),
            theme=_first((asked.get("theme"), profile.get("theme"), cookies.get("theme")), THEMES),
            utc=utc,
            args={key: value for key, value in asked.items() if key not in VIEW},
            search=with_query(None, **asked),
            path=_storable(unquote(path)),
            problem=problem,
        )

    @property
    def now(self) -> datetime:
        """The instant of this answer."""
        return self.window.at

    def link(self, path: str, **changes: object) -> str:
        """Another page's address with the same range, language, theme and zone."""
        return link_to(path, self.search, **changes)

    def agent(self, agent_id: str) -> str:
        """The address of an agent's page, whatever its id is made of."""
        return agent_address(self.search, agent_id)

    def with_query(self, **changes: object) -> str:
        """This page's query with `changes`; None takes a word away."""
        return with_query(self.search, **changes)


def own_zone(profile: Mapping[str, Any]) -> str:
    """The person's own time zone, whatever the UTC switch says."""
    wish = profile.get("zone")
    try:
        return ZoneInfo(wish).key if isinstance(wish, str) else DEFAULT_ZONE
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return DEFAULT_ZONE


def _parsed(search: str | None) -> dict[str, str]:
    """The words of a query; one too long or with too many words counts as empty."""
    text = (search or "").lstrip("?")
    try:
        pairs = parse_qsl(text, max_num_fields=MOST_ARGS) if len(text) <= LONGEST_QUERY else []
    except ValueError:
        return {}
    return {_storable(key): _storable(value) for key, value in pairs}


def _storable(text: str) -> str:
    """Without what no database holds: null characters and half ones."""
    return re.sub("[\0\ud800-\udfff]", "", text)


def _first(wishes: Sequence[Any], known: Sequence[str]) -> str:
    return next((wish for wish in wishes if wish in known), known[0])


def _window(text: str, now: datetime, lang: str) -> tuple[Window, str | None]:
    """The window asked for; the last 24 hours and a message where it cannot be used."""
    try:
        return Window.parse(text, now), None
    except (ValueError, OverflowError):
        said = text if len(text) <= 80 else text[:80] + "…"
        problem = t(
            "The time range “{wish}” cannot be read, so the last 24 hours are shown. Choose a range above.",
            lang,
            wish=said,
        )
        return Window.parse(DEFAULT_RANGE, now), problem


def here(search: str | None = None, path: str | None = None) -> View:
    """The view of this request; `search` and `path` where a callback was told them."""
    asked_path, asked_search = _address()
    person = current_person()
    return View.of(
        asked_search if search is None else search,
        person.preferences if person else {},
        path=asked_path if path is None else path,
        cookies=request.cookies,
        accept_language=request.headers.get("Accept-Language"),
    )


def _address() -> tuple[str, str]:
    """Path and query of the page a request belongs to: Dash asks for its layout and data elsewhere."""
    if not request.path.startswith("/_dash"):
        return request.path, request.query_string.decode("utf-8", "replace")
    told = _router_inputs()
    if told is not None:
        return told
    referrer = parts_of(request.referrer)
    return referrer.path or "/", referrer.query


def _router_inputs() -> tuple[str, str] | None:
    """What Dash's page router was told, if this request is to it."""
    body = request.get_json(silent=True) if request.method == "POST" and request.is_json else None
    given = body.get("inputs") if isinstance(body, dict) else None
    values = {
        f"{entry.get('id')}.{entry.get('property')}": entry.get("value")
        for entry in (given if isinstance(given, list) else [])
        if isinstance(entry, dict)
    }
    if ROUTER_PATH not in values:
        return None
    return str(values[ROUTER_PATH] or "/"), str(values.get(ROUTER_SEARCH) or "")


def lang_here() -> str:
    """The language of this request."""
    return here().lang if has_request_context() else "en"


def titled(words: Callable[[str], str]) -> Callable[..., str]:
    """A page's title in the reader's language: `register_page(title=titled(lambda lang: t("Map", lang)))`."""

    def title(**_: object) -> str:
        return f"{words(lang_here())} · ALSHAM QUANTUM"

    return title


def page(needs: str) -> Callable[[Callable[[View], Component]], Callable[..., Component]]:
    """A page's layout: drawn once when one comes to it. A changed query redraws nothing; the page's callbacks read it.

    Whoever does not hold what it `needs` gets the page that says so, with 403.
    Dash hands the query to layouts as keyword arguments, over the path's own; none of them is let through.
    """
    permitted(needs)  # refuses what is no permission

    def declare(draw: Callable[[View], Component]) -> Callable[..., Component]:
        @wraps(draw)
        def layout(**_: object) -> Component:
            if _only_the_query_changed():
                raise PreventUpdate
            if not may(needs):
                g.is_refused = True
                note_missing(needs)
                return refused(here())
            return draw(here())

        setattr(layout, DECLARED, needs)
        return layout

    return declare


def refused(view: View) -> Component:
    """The page of a page that is not for this person's role."""
    title = t("You may not see this", view.lang)
    text = t("Your role does not include this page. An administrator can change that.", view.lang)
    home = dcc.Link(t("To the overview", view.lang), href=view.link("/"), className="btn btn-primary")
    said = empty(title, text, action=home, lang=view.lang, icon_name="profile")
    return html.Div(
        [page_header(t("Not for your role", view.lang), lang=view.lang), html.Div(said, className="frame")],
        className="is-timeless",
    )


def _only_the_query_changed() -> bool:
    try:
        changed = set(dash.ctx.triggered_prop_ids)
    except dash.exceptions.MissingCallbackContextException:
        return False
    return changed == {ROUTER_SEARCH}


def engine() -> Engine:
    """The database as the person behind this request signs in to it."""
    return engine_of(require_person().role)


def engine_of(role: str | None) -> Engine:
    """The database as a role signs in to it, None being strangers: who sees others' rows has a login of its own."""
    return cast(Engine, current_app.config[ENGINE if role in (None, "user") else STAFF_ENGINE])


def person() -> SignedIn:
    """Who is signed in; a stranger's request ends with 401."""
    return require_person()


def actor() -> Actor:
    """In whose name this request reads and writes; a stranger's request ends with 401."""
    return require_person().actor


def load(needs: str, *, besides: int = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Answer a page's callback in one session: `draw(session, view, *more)` over the inputs `*ASKED, *more`.

    `needs` is the permission it declares, as `auth.doors.permitted` does.
    What goes wrong is shown in the first output, with what to do; the `besides` other outputs stay as they are. Where
    the same was shown before, the browser keeps it and says what went wrong above it (assets/answers.js).
    """

    def declare(draw: Callable[..., Any]) -> Callable[..., Any]:
        @permitted(needs)
        @wraps(draw)
        def drawn(search: str | None, _refreshed: int | None = None, *more: Any) -> Any:
            view = here(search or "")
            try:
                with session(engine(), actor()) as unit:
                    return draw(unit, view, *more)
            except (PreventUpdate, HTTPException):
                raise
            except Exception as error:
                g.is_troubled = True
                said = failure(error, view.lang)
                return (said, *[dash.no_update] * besides) if besides else said

        setattr(drawn, "__signature__", _signature(draw))  # noqa: B010 - the attribute inspect looks for
        return drawn

    return declare


def _signature(draw: Callable[..., Any]) -> inspect.Signature:
    """What the browser gives in place of session and view; auth.callback_bodies holds requests against it."""
    own = list(inspect.signature(draw).parameters.values())[2:]
    search = inspect.Parameter("search", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=str | None)
    refreshed = inspect.Parameter("refreshed", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=int | None)
    return inspect.Signature([search, refreshed, *own])


def failure(error: Exception, lang: str) -> Component:
    """What a person can do about an error; the log tells the rest under the reference."""
    title, remedy, reference = explained(error, lang)
    return error_state(title, remedy, lang=lang, reference=reference)


def explained(error: BaseException, lang: str) -> tuple[str, str, str]:
    """Title, remedy and reference of an error, which is logged under that reference."""
    reference = secrets.token_hex(4)
    if isinstance(error, Denied):
        log.warning("%s: %s", reference, error)
        return (*not_yours(lang), reference)
    if has_request_context():
        setattr(g, FAILED, True)
    log.error("%s: %s", reference, error, exc_info=None if isinstance(error, DatabaseUnavailable) else error)
    if isinstance(error, DatabaseUnavailable):
        title = t("The database does not answer", lang)
        return (
            title,
            t(
                "Nothing was lost. Wait a moment and press Refresh; if it stays so, the server's log has the reason.",
                lang,
            ),
            reference,
        )
    title = t("This could not be shown", lang)
    return (
        title,
        t("Nothing was changed. Press Refresh; if it happens again, report the reference below.", lang),
        reference,
    )


def notices(view: View) -> list[Component]:
    """What of the address could not be used, said above the page."""
    if not view.problem:
        return []
    return [
        html.Div(
            [icon("warning"), html.Div(html.Span(view.problem), className="notice-text")],
            className="notice",
            role="alert",
        )
    ]


def beyond_kept(unit: Session, view: View, families: Sequence[str] = (SPANS,)) -> list[Component]:
    """Said above the page where its numbers reach further back than single rows are kept, for each family it shows."""
    found = {family: reach for family in families if (reach := beyond(unit, view.window, family))}
    told = [_kept_since(family, reach, view) for family, reach in found.items()]
    return [
        html.Div([icon("warning"), html.Div(html.Span(said), className="notice-text")], className="notice")
        for said in told
    ]


def _kept_since(family: str, reach: Beyond, view: View) -> str:
    since = moment(reach.since, view.lang, view.zone)
    kept = {
        SPANS: t("Single spans are kept since {since}.", view.lang, since=since),
        LOGS: t("Single log lines are kept since {since}.", view.lang, since=since),
        MEASUREMENTS: t("Single measurements are kept since {since}.", view.lang, since=since),
        API: t("Single calls of programs are kept since {since}.", view.lang, since=since),
    }
    stretches = {300: t("five minutes", view.lang), 3600: t("hours", view.lang)}
    before = t(
        "What this range holds before that is counted in whole {stretches}, and percentiles over it are read from "
        "histograms.",
        view.lang,
        stretches=stretches.get(reach.seconds, t("days", view.lang)),
    )
    return f"{kept[family]} {before}"


def nothing_here(unit: Session, view: View) -> Component | None:
    """For a range without spans: where there are some, one click away; or how to get the first ones.

    None when the address asks for all time and there are spans (of the application's own parts, or unattributed).
    """
    found = extent(unit)
    if found is None:
        return first_steps(view)
    if view.range_text == "all":
        return None
    start = found.latest_from.replace(second=0, microsecond=0)
    end = found.last.replace(second=0, microsecond=0) + timedelta(minutes=1)
    span = f"{_short(start)}/{_short(end)}"
    return elsewhere(
        start,
        end,
        href=view.with_query(range=span, page=None),
        all_href=view.with_query(range="all", page=None),
        lang=view.lang,
        zone=view.zone,
    )


def first_steps(view: View) -> Component:
    """No span is stored at all: why the page is empty, and the command that changes it."""
    return empty(
        t("No telemetry yet", view.lang),
        t(
            "Agents are counted, connected and timed from the spans they report. "
            "Import a file of OpenTelemetry traces to see the first ones:",
            view.lang,
        ),
        IMPORT_COMMAND,
        lang=view.lang,
    )


def _short(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
