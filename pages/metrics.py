"""Every number's definition, with what it reads now."""

from collections.abc import Mapping

import dash
from dash import Output, callback, html
from dash.development.base_component import Component

import db.queries
from auth.doors import SIGNED_IN
from auth.numbers import read_for
from auth.permissions import allows
from components.attributes import attributes
from components.cards import measured
from components.format import moment, split_unit
from components.measured import marks, unmeasured
from components.shell import page_header
from components.states import skeleton
from db.engine import Session
from db.metric import (
    METRICS,
    NOTHING,
    SERIES,
    Metric,
    Reading,
    Series,
    SeriesReading,
    Window,
    read,
    read_series,
)
from db.proof import tables_of
from db.queries.numbers import last_run
from i18n import declared, t
from pages._admin import ways
from pages._own_rows import is_narrowed, said
from pages._verified import CARDS, verified
from pages._view import ASKED, BUSY, View, load, nothing_here, notices, page, person, titled

dash.register_page(__name__, path="/metrics", title=titled(lambda lang: t("Metrics", lang)))

REGISTRIES = db.queries.__all__  # importing db.queries fills METRICS and SERIES
DOMAINS = (
    "numbers",
    "fleet",
    "tasks",
    "objective",
    "calls",
    "spans",
    "traces",
    "models",
    "tokens",
    "usage",
    "agent",
    "connection",
    "uptime",
    "checks",
    "ingest",
    "db",
    "web",
    "browser",
    "system",
)
Declared = Metric | Series
Read = Mapping[str, Reading | SeriesReading]


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The outline; the readings come by the callback below."""
    lead = t(
        "How every number is made: its definition, its formula, what it counts and when it is unknown. "
        "Click a value for the query and the rows behind it.",
        view.lang,
    )
    return html.Div(
        [
            page_header(t("Metrics", view.lang), lead, lang=view.lang),
            html.Div(skeleton("table"), id="metrics-body", className="page-body"),
        ]
    )


@callback(Output("metrics-body", "children"), *ASKED, running=BUSY)
@load(SIGNED_IN)
def metrics(unit: Session, view: View) -> list[Component]:
    """The definitions of one domain; those of the whole fleet with their reading, all of one instant.

    All domains at once would be thousands of elements, which a browser takes many seconds to draw.
    """
    found = domains()
    name = chosen(view, found)
    shown = {made.key for made in found[name]}
    whole: dict[str, Reading | SeriesReading] = {
        key: read_for(unit, key, view.window)
        for key, made in METRICS.items()
        if key in shown and not made.subject and allows(person().role, made.needs)
    }
    whole |= {
        key: read_series(unit, key, view.window)
        for key, made in SERIES.items()
        if key in shown and not made.subject and allows(person().role, made.needs)
    }
    notice = [] if read(unit, "spans.count", view.window).n else [nothing_here(unit, view)]
    at = t("Measured {at}", view.lang, at=moment(view.now, view.lang, view.zone))
    return [
        *notices(view),
        *filter(None, notice),
        verified(last_run(unit), {key: read(unit, key, view.window) for key in CARDS}, view),
        _jump(found, name, view),
        html.P(at, className="page-at metrics-at"),
        _domain(name, found[name], whole, view),
    ]


def chosen(view: View, found: Mapping[str, list[Declared]]) -> str:
    """The domain that the address names; the fleet where it names none that there is."""
    named = view.args.get("domain", "")
    return named if named in found else "fleet"


def _jump(found: Mapping[str, list[Declared]], name: str, view: View) -> html.Div:
    """Links to the domains, each with how many definitions it has."""
    links = [
        (
            f"{domain_words(each, view.lang)} · {len(made)}",
            view.link("/metrics", domain=each),
            each == name,
        )
        for each, made in found.items()
    ]
    return html.Div(ways(t("Domains", view.lang), links), **attributes(unmeasured("shown")))


def domains() -> dict[str, list[Declared]]:
    """Every definition by domain, in the order people ask; a domain we have not named comes last."""
    everything: list[Declared] = [*METRICS.values(), *SERIES.values()]
    names = {made.key.split(".")[0] for made in everything}
    order = [name for name in DOMAINS if name in names] + sorted(names - set(DOMAINS))
    return {name: [made for made in everything if made.key.split(".")[0] == name] for name in order}


def domain_words(name: str, lang: str) -> str:
    """A domain in words."""
    words = {
        "numbers": t("Do they agree?", lang),
        "fleet": t("The fleet", lang),
        "tasks": t("Tasks", lang),
        "objective": t("Error budget", lang),
        "models": t("Model calls", lang),
        "usage": t("What providers report", lang),
        "web": t("Answers to pages", lang),
        "browser": t("What browsers report", lang),
        "calls": t("Calls", lang),
        "spans": t("Spans", lang),
        "traces": t("Traces", lang),
        "tokens": t("Tokens", lang),
        "agent": t("One agent", lang),
        "connection": t("One connection", lang),
        "uptime": t("States over time", lang),
        "checks": t("Checks over HTTP", lang),
        "ingest": t("What came in", lang),
        "db": t("The database", lang),
        "system": t("The application", lang),
        "people": t("People", lang),
    }
    modules = {
        entry["module"].rpartition(".")[2]: entry["nav"]["words"]
        for entry in dash.page_registry.values()
        if "nav" in entry
    }
    return words.get(name) or (modules[name](lang) if name in modules else name)


def _domain(name: str, definitions: list[Declared], whole: Read, view: View) -> html.Section:
    title = html.H2(domain_words(name, view.lang), className="section-title", id=f"metrics-{name}")
    listed = [_definition(made, whole.get(made.key), view) for made in definitions]
    own = is_narrowed(
        table for made in definitions for table in _tables(made) if allows(person().role, made.needs)
    )
    note = said(t("Your role shows the rows that belong to you.", view.lang)) if own else None
    return html.Section([title, note, html.Div(listed, className="definitions frame")], className="section")


def _tables(made: Declared) -> tuple[str, ...]:
    return tables_of(made.build(Window.parse("all"), *made.subject))


def _definition(made: Declared, reading: Reading | SeriesReading | None, view: View) -> html.Article:
    lang = view.lang
    over = t("over the chosen time range", lang) if made.windowed else t("as of now", lang)
    facts = [
        (t("Formula", lang), declared(made.formula, lang)),
        (t("Unit", lang), f"{declared(made.unit, lang)}, {over}"),
        *([(t("Left out", lang), declared(made.excluded, lang))] if made.excluded else []),
        (t("Unknown", lang), unknown_when(made, lang)),
    ]
    return html.Article(
        [
            html.Div(
                [
                    html.H3(declared(made.title, lang)),
                    html.Code(made.key),
                    html.P(declared(made.sentence, lang)),
                ],
                className="definition-words",
                **attributes(unmeasured("definition")),
            ),
            html.Dl(
                [part for name, said in facts for part in (html.Dt(name), html.Dd(said))],
                className="facts",
                **attributes(unmeasured("definition")),
            ),
            html.Div(_now(made, reading, lang), className="definition-now"),
        ],
        className="definition",
    )


def unknown_when(made: Declared, lang: str) -> str:
    """When the reading is a dash, in words."""
    if isinstance(made, Series):
        return t("when nothing was counted", lang)
    if made.least > 1:
        return t("with fewer than {least} values", lang, least=made.least)
    if made.least == 0:
        return t("never; none counts as 0", lang)
    return t("when nothing was recorded", lang) if made.few == NOTHING else declared(made.few, lang)


def _now(made: Declared, reading: Reading | SeriesReading | None, lang: str) -> list[Component | None]:
    if reading is None:
        per = {
            (): t("not for your role", lang),
            ("agent",): t("per agent", lang),
            ("caller", "callee"): t("per connection", lang),
            ("currency",): t("per currency", lang),
            ("role",): t("per role", lang),
            ("stretch",): t("per stretch of time", lang),
            ("day", "model"): t("per day and model", lang),
            ("subject",): t("per agent, part or check", lang),
            ("check",): t("per check", lang),
            ("series",): t("per series", lang),
        }
        return [html.Span(per.get(made.subject, ""), className="muted")]
    if isinstance(reading, SeriesReading):
        rows = html.Button(
            t("Show its rows", lang),
            type="button",
            className="measured measured-rows",
            disable_n_clicks=True,
            **attributes(marks(reading)),
        )
        return [rows, _why(reading, lang)]
    why = _why(reading, lang)
    beside = reading.unit not in ("percent", "ms", "days", "hours")
    unit = split_unit(reading.value, reading.unit, lang)[1] if beside else ""
    return [measured(reading, lang), html.Span(unit, className="definition-unit") if unit else None, why]


def _why(reading: Reading | SeriesReading, lang: str) -> Component | None:
    if not reading.reason:
        return None
    told = attributes(unmeasured("definition"))
    return html.Span(declared(reading.reason, lang), className="definition-why", **told)
