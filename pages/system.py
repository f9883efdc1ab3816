"""The application itself: whether its parts answer, how fast, and what of the time was watched at all."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.agents import agent_link, state_mark
from components.attributes import attributes
from components.cards import measured
from components.figures.bars import category_bars
from components.figures.slots import slot_bars
from components.format import ago, duration, moment, split_unit
from components.measured import beside
from components.tables import Column, data_table
from db.engine import Session
from db.metric import Reading, read
from db.queries.kept import MEASUREMENTS
from db.queries.system_parts import own_parts
from i18n import t
from pages._module import Chart, Module, register_page
from pages._view import View

WATCHED = ("system.up_seconds", "system.down_seconds", "system.unknown_seconds")
BOUNDS = ("system.uptime_lowest", "system.uptime_highest")


def more(unit: Session, view: View) -> Sequence[Component]:
    """The parts, and the time that was watched."""
    return [html.Div([_parts(unit, view), _presence(unit, view)], className="frame-row system-now")]


def _parts(unit: Session, view: View) -> Component:
    lang = view.lang
    columns = [
        Column(
            "name",
            t("Part", lang),
            lambda row: agent_link(view.agent(row["id"]), row["id"], _name(row["id"], lang)),
        ),
        Column("state", t("State", lang), lambda row: _state(row, lang)),
        Column("heard", t("Last heard", lang), lambda row: _heard(row, view)),
    ]
    title = html.Header(html.H2(t("Own parts", lang)), className="frame-head")
    rows = own_parts(unit, view.window)
    if not rows:
        none = t("The parts introduce themselves when the application is served.", lang)
        return html.Section([title, html.P(none, className="frame-body muted")], className="frame")
    return html.Section(
        [title, data_table(columns, rows, lang=lang, caption=t("Own parts", lang))],
        className="frame system-parts",
    )


def _name(part: str, lang: str) -> str:
    words = {
        "quantum/web": t("Web server", lang),
        "quantum/database": t("Database", lang),
        "quantum/collector": t("Collector", lang),
    }
    return words.get(part, part)


def _state(row: Mapping[str, Any], lang: str) -> Component:
    """Operational, or why not: a part heard long ago has a signal recorded, one never heard has none."""
    if row["up"]:
        return state_mark("operational", lang)
    return state_mark("unknown", lang, t("No recent signal", lang) if row["last_active"] else None)


def _heard(row: Mapping[str, Any], view: View) -> Component | None:
    if row["last_active"] is None:
        return None
    exact = moment(row["last_active"], view.lang, view.zone)
    said = ago(row["last_active"], view.now, view.lang)
    return html.Time(said, dateTime=row["last_active"].isoformat(), title=exact)


def _presence(unit: Session, view: View) -> Component:
    """Up, down and unobserved seconds of the window as one bar and three numbers; together they are the window."""
    lang = view.lang
    readings = {key: read(unit, key, view.window) for key in (*WATCHED, *BOUNDS)}
    up, down, unknown = (float(readings[key].value or 0) for key in WATCHED)
    if not up + down + unknown:
        return _unwatched(lang)
    seen, length = duration(up + down, lang), duration(up + down + unknown, lang)
    return html.Section(
        [
            html.Header(html.H2(t("Observed time", lang)), className="frame-head"),
            html.Div(
                [
                    html.P(
                        t("Observed {seen} of {length}.", lang, seen=seen, length=length),
                        className="system-seen",
                        **attributes(beside(readings["system.up_seconds"])),
                    ),
                    _bar(up, down, unknown),
                    html.Dl(_lengths(readings, lang), className="system-lengths"),
                    *_between(readings, lang),
                ],
                className="frame-body",
            ),
        ],
        className="frame",
    )


def _unwatched(lang: str) -> Component:
    """No heartbeat at all: a share of nothing would say nothing."""
    none = t("The collector watches from its first heartbeat on; so far it recorded none.", lang)
    title = html.Header(html.H2(t("Observed time", lang)), className="frame-head")
    return html.Section([title, html.P(none, className="frame-body muted")], className="frame")


def _bar(*seconds: float) -> Component:
    """A picture of the three numbers below it."""
    kinds = ("up", "down", "unknown")
    parts = [
        html.Span(className=f"system-bar-part is-{kind}", style={"flexGrow": length})
        for kind, length in zip(kinds, seconds, strict=True)
        if length
    ]
    return html.Div(parts, className="system-bar", **attributes({"aria-hidden": "true"}))


def _lengths(readings: Mapping[str, Reading], lang: str) -> list[Component]:
    names = (
        ("up", t("Up", lang)),
        ("down", t("Down", lang)),
        ("unknown", t("Nobody watched", lang)),
    )
    return [
        html.Div(
            [
                html.Dt([html.Span(className=f"system-key is-{kind}"), name]),
                html.Dd(
                    [
                        measured(readings[key], lang),
                        html.Span(
                            " " + split_unit(readings[key].value, "seconds", lang)[1], className="muted"
                        ),
                    ]
                ),
            ]
        )
        for (kind, name), key in zip(names, WATCHED, strict=True)
    ]


def _between(readings: Mapping[str, Reading], lang: str) -> list[Component]:
    """What the uptime of the whole window can be at all; nothing where nothing was observed."""
    low, high = (readings[key] for key in BOUNDS)
    if low.value is None:
        return []
    words = t("Whatever happened while nobody watched, the uptime of the whole time lies between", lang)
    return [
        html.P(
            [words, " ", measured(low, lang), " ", t("and", lang), " ", measured(high, lang), "."],
            className="muted system-between",
        )
    ]


register_page(
    Module(
        name="system",
        title=lambda lang: t("System", lang),
        lead=lambda lang: t(
            "The application measures itself: its parts, their answers, and the time it was watched.", lang
        ),
        icon="pulse",
        order=100,
        needs="system:read",
        cards=(
            "system.uptime",
            "system.coverage",
            "system.parts_operational",
            "system.calls",
            "db.latency_p50_ms",
            "db.latency_p95_ms",
            "db.latency_p99_ms",
            "db.failures",
            "ingest.refused",
            "ingest.late",
            "ingest.orphans",
            "system.elapsed_days",
        ),
        charts=(
            Chart("db.latency_by_time", slot_bars),
            Chart("system.heartbeats_by_hour", slot_bars),
            Chart("ingest.refused_by_reason", category_bars),
        ),
        listings=("measurements", "agentlogs", "nodes", "connections"),
        families=(MEASUREMENTS,),
        how=lambda lang: t(
            "The application writes these rows itself, from the first half minute it is served:", lang
        ),
        command=".venv/bin/quantum serve",
        ways={
            "nodes": (
                lambda lang: t("Agents get their nodes when they are seeded or imported:", lang),
                ".venv/bin/quantum seed",
            ),
            "connections": (
                lambda lang: t("Connections come from calls that imported traces prove:", lang),
                ".venv/bin/quantum import otlp FILE",
            ),
        },
        more=more,
    ),
    __name__,
)
