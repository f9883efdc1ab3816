"""How the page of keys draws them: the form, a new key shown once with what to try it by, and the lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from auth.keys import AGENT, Scope
from auth.own_keys import LONGEST_NAME, Made
from auth.permissions import Permission
from components.attributes import attributes
from components.format import DASH, ago, moment, number
from components.forms import area_field, select_field, text_field
from components.measured import unmeasured
from components.states import copyable
from db.queries.held_keys import HeldKey
from i18n import declared, t
from pages._admin import done
from pages._admin_words import permission_words
from pages._view import View

NAME, SCOPES, MODULES, AGENTS = "keys-name", "keys-scopes", "keys-modules", "keys-agents"
EXPIRES, LIMIT = "keys-expires", "keys-limit"
KIND = "end-key"
NEVER, DEFAULT_DAYS = "never", "90"
DAYS = ("7", "30", "90", "365")


@dataclass(frozen=True)
class Given:
    """What stands in the form."""

    name: str = ""
    scopes: Sequence[str] = ()
    modules: Sequence[str] = ()
    agents: str = ""
    expires: str = DEFAULT_DAYS
    limit: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    def expires_at(self, now: datetime) -> datetime | None:
        """The end that was chosen; what the form does not offer counts as the shortest."""
        if self.expires == NEVER:
            return None
        return now + timedelta(days=int(self.expires if self.expires in DAYS else DAYS[0]))

    def rate_limit(self) -> int | None:
        """The limit that was written; 0, which is refused, for what is no number."""
        text = self.limit.strip()
        if not text:
            return None
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def scope_words(scope: str, lang: str) -> str:
    """What a scope lets a program do."""
    words = {
        Scope.INGEST: t("report telemetry: traces, logs and metrics", lang),
        Scope.FLEET_READ: t("read agents, connections, nodes, logs and spans", lang),
        Scope.FLEET_WRITE: t("change the fleet", lang),
        Scope.METRICS_READ: t("read numbers; those of modules need their scope, too", lang),
    }
    found = {str(name): said for name, said in words.items()}
    return found.get(scope) or permission_words(Permission(scope), lang)


def form(
    view: View, grantable: Sequence[str], given: Given, said: Component | None = None
) -> list[Component | None]:
    """The fields; `grantable` are the scopes this person's role includes."""
    lang = view.lang
    wrong = {name: declared(words, lang) for name, words in given.errors.items()}
    main = [scope for scope in grantable if scope in set(Scope)]
    modules = [scope for scope in grantable if scope not in main]
    name = text_field(
        NAME,
        t("Name", lang),
        given.name,
        hint=t("What the key is for, such as the program or machine that will hold it.", lang),
        error=wrong.get("name"),
        maxlength=LONGEST_NAME,
    )
    days = [(each, t("after {n} days", lang, n=number(int(each), lang))) for each in DAYS]
    bounds = [
        select_field(
            EXPIRES,
            t("Expires", lang),
            [*days, (NEVER, t("never, until it is ended", lang))],
            given.expires,
            error=wrong.get("expires"),
        ),
        text_field(
            LIMIT,
            t("Requests per hour", lang),
            given.limit,
            hint=t("At each address. Empty is what this installation allows.", lang),
            error=wrong.get("rate_limit"),
            maxlength=11,
        ),
    ]
    return [
        said,
        name,
        _choices(SCOPES, t("What it may do", lang), main, given.scopes, lang, error=wrong.get("scopes")),
        _agents(given, lang)
        if Scope.FLEET_WRITE in grantable
        else html.Div(_agents(given, lang), hidden=True),
        _choices(MODULES, t("Modules it may read", lang), modules, given.modules, lang, folded=True),
        html.Div(bounds, className="field-row"),
        dbc.Button(t("Make a key", lang), type="submit", color="primary"),
    ]


def _agents(given: Given, lang: str) -> Component:
    return area_field(
        AGENTS,
        t("Agents it speaks for", lang),
        given.agents,
        rows=2,
        hint=t(
            "Their ids, separated by commas: it then sends heartbeats for these, and for no others makes telemetry "
            "count as a sign of life. Empty binds it to none.",
            lang,
        ),
    )


def _choices(
    id: str,
    label: str,
    scopes: Sequence[str],
    chosen: Sequence[str],
    lang: str,
    *,
    error: str | None = None,
    folded: bool = False,
) -> Component:
    options = [
        {
            "label": html.Span([html.Code(scope), html.Span(scope_words(scope, lang), className="muted")]),
            "value": scope,
        }
        for scope in scopes
    ]
    boxes = dbc.Checklist(options, id=id, value=list(chosen), className="key-scopes")
    if folded:
        return html.Details(
            [html.Summary(label), boxes], className="key-modules", open=bool(chosen), hidden=not scopes
        )
    none = html.P(t("Your role lets a key do none of this.", lang), className="muted") if not scopes else None
    wrong = html.Div(error or "", id=f"{id}-error", className="field-error", role="alert")
    return html.Fieldset(
        [html.Legend(label, className="form-label"), boxes, none, wrong],
        className="field" + (" has-error" if error else ""),
    )


# --- a new key ----------------------------------------------------------------------------------------


def shown_once(view: View, made: Made, base: str) -> Component:
    """The key, and lines that try it."""
    lang, token = view.lang, made.token
    parts: list[Component] = [
        copyable(token, lang),
        html.P(
            t("It is shown now and never again. Put it where your program keeps its secrets.", lang),
            className="admin-once",
        ),
    ]
    trial = _trial(made, base)
    if trial:
        parts += [html.P(t("Try it:", lang), className="key-try"), copyable(trial, lang, block=True)]
    if Scope.INGEST in made.wish.scopes:
        words = t("For every OpenTelemetry SDK, in the environment of the program:", lang)
        parts += [html.P(words, className="key-try"), copyable(_environment(token, base), lang, block=True)]
    return done(t("The key {name}", lang, name=made.wish.name), *parts)


def _trial(made: Made, base: str) -> str:
    """One request that the key may make; nothing where it may make none by itself."""
    scopes = made.wish.scopes
    if Scope.INGEST in scopes:
        body = ('-H "Content-Type: application/json"', "-d '{\"resourceSpans\":[]}'")
        return _curl(made.token, f"{base}/v1/traces", *body)
    if Scope.FLEET_READ in scopes:
        return _curl(made.token, f"{base}/api/v1/agents")
    if Scope.METRICS_READ in scopes:
        return _curl(made.token, f"{base}/api/v1/metrics/fleet.agents_operational")
    agent = next((each.removeprefix(AGENT) for each in scopes if each.startswith(AGENT)), None)
    beat = f"{base}/api/v1/agents/{quote(agent or '')}/heartbeat"
    return _curl(made.token, beat, "-X POST") if agent else ""


def _curl(token: str, address: str, *more: str) -> str:
    return " \\\n  ".join((f"curl -i {address}", f'-H "Authorization: Bearer {token}"', *more))


def _environment(token: str, base: str) -> str:
    return "\n".join(
        (
            f'export OTEL_EXPORTER_OTLP_ENDPOINT="{base}"',
            'export OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"',
            f'export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20{token}"',
        )
    )


# --- lists --------------------------------------------------------------------------------------------


def key_list(view: View, keys: Sequence[HeldKey], *, of_others: bool = False) -> Component:
    """Keys with what each may do and a button that ends it."""
    return html.Ul([_item(view, key, of_others) for key in keys], className="session-list key-list")


def _item(view: View, key: HeldKey, of_others: bool) -> Component:
    lang, zone = view.lang, view.zone
    is_accepted = key.is_accepted(view.now)
    button = html.Button(
        t("End", lang),
        id={"kind": KIND, "key": str(key.id)},
        type="button",
        className="btn btn-quiet btn-sm",
        **attributes({"aria-label": t("End the key {name}", lang, name=key.name)}),
    )
    ended = html.Span(t("ended", lang) if not key.is_active else t("expired", lang), className="chip")
    used = key.last_used_at
    facts: list[tuple[str, object]] = [
        (t("Begins with", lang), html.Code(f"qk_{key.prefix}_")),
        (t("May", lang), " · ".join(key.scopes) or DASH),
        (t("Made on", lang), moment(key.created_at, lang, zone)),
        (
            t("Last used", lang),
            html.Time(ago(used, view.now, lang), title=moment(used, lang, zone))
            if used
            else t("never", lang),
        ),
        (t("Expires", lang), moment(key.expires_at, lang, zone) if key.expires_at else t("never", lang)),
    ]
    if key.rate_limit:
        facts.append((t("Requests per hour", lang), number(key.rate_limit, lang)))
    if of_others:
        facts.insert(0, (t("Owner", lang), key.owner or DASH))
    return html.Li(
        [
            html.Div([html.Strong(key.name), button if is_accepted else ended], className="session-head"),
            html.Dl(
                [part for word, value in facts for part in (html.Dt(word), html.Dd(value))],
                className="facts",
                **attributes(unmeasured("stored")),
            ),
        ]
    )
