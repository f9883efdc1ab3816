"""What is stored of one agent, its derived state, and what would make it operational."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.agents import clock_flag, clock_words, origin_word, squad_word, state_mark
from components.attributes import attributes
from components.cards import measured
from components.format import ago, moment, number
from components.measured import unmeasured
from components.states import status
from db.queries.agents import AgentRow
from db.queries.fleet import UNHEARD_AFTER_SECONDS
from i18n import t, tn
from pages._view import View

LONGEST_FACT = 400


def state_panel(view: View, row: AgentRow, stored: Mapping[str, Any]) -> Component:
    """The derived state, why it is so, and what would make the agent operational."""
    lang = view.lang
    limit = _limit(stored, lang)
    why = {
        "operational": t(
            "It was heard within its limit of {limit}, and neither paused nor in maintenance.",
            lang,
            limit=limit,
        ),
        "failing": t("At least one of its spans in the range reports an error.", lang),
        "observed": t("Its spans in the range report no error.", lang),
        "unknown": t("Nothing of it was recorded in the range.", lang),
    }
    facts: list[tuple[str, Any]] = [
        (t("Last heard", lang), _heard(view, row)),
        (
            t("Says of itself", lang),
            status(stored["status"], lang) if stored["status"] else t("nothing so far", lang),
        ),
        (t("Working on", lang), stored["current_task"]),
        (t("Longest silence allowed", lang), limit),
        (t("Its own clock", lang), _clock(view, row, stored)),
        *_measures(view, row),
    ]
    return _panel(
        t("State", lang),
        [
            html.P([state_mark(row.state, lang), html.Span(why[row.state])], className="agent-why"),
            _needed(view, row, stored, limit),
            _list(facts),
        ],
    )


def _measures(view: View, row: AgentRow) -> list[tuple[str, Any]]:
    """What stands measured in its row, whatever the range, and how old that is."""
    lang = view.lang
    names = {
        "agent.stored_efficiency": t("Efficiency, its last 24 h", lang),
        "agent.stored_load": t("Neural load, its last 24 h", lang),
        "agent.stored_up_seconds": t("Seen up (s)", lang),
    }
    facts: list[tuple[str, Any]] = [(name, measured(row.stored[key], lang)) for key, name in names.items()]
    if row.measured_at is None:
        return [*facts, (t("Measured", lang), t("not yet", lang))]
    exact = html.Span(moment(row.measured_at, lang, view.zone), className="cell-under")
    return [*facts, (t("Measured", lang), html.Span([ago(row.measured_at, view.now, lang), exact]))]


def _limit(stored: Mapping[str, Any], lang: str) -> str:
    """How long one may be silent and still count as operational."""
    declared = stored["heartbeat_seconds"]
    seconds = 2 * declared if declared else UNHEARD_AFTER_SECONDS
    if seconds % 60 == 0:
        return tn("{count} minute", "{count} minutes", seconds // 60, lang, count=number(seconds // 60, lang))
    return tn("{count} second", "{count} seconds", seconds, lang, count=number(seconds, lang))


def _heard(view: View, row: AgentRow) -> Component | str:
    if row.last_active is None:
        return t("never", view.lang)
    exact = moment(row.last_active, view.lang, view.zone)
    return html.Span([ago(row.last_active, view.now, view.lang), html.Span(exact, className="cell-under")])


def _clock(view: View, row: AgentRow, stored: Mapping[str, Any]) -> Component | None:
    """How far its clock is from ours and when that was seen; a warning where it is far. Nothing where nobody knows."""
    seen = stored["clock_drift_at"]
    if row.clock_drift_ms is None or seen is None:
        return None
    words = (clock_flag if row.is_clock_off else clock_words)(row.clock_drift_ms, view.lang)
    return html.Span([words, html.Span(ago(seen, view.now, view.lang), className="cell-under")])


def _needed(view: View, row: AgentRow, stored: Mapping[str, Any], limit: str) -> Component | None:
    """The condition that is missing; nothing for an agent that is operational."""
    lang = view.lang
    if row.state == "operational":
        return None
    if stored["paused_at"] is not None:
        since = moment(stored["paused_at"], lang, view.zone)
        return html.P(
            t("It is paused since {since}; it can be operational again when that ends.", lang, since=since),
            className="muted",
        )
    if stored["status"] == "MAINTENANCE":
        return html.P(
            t("It says it is in maintenance; it can be operational again when that ends.", lang),
            className="muted",
        )
    words = t(
        "Operational: an authenticated heartbeat or span of its own at most {limit} old. A file never counts.",
        lang,
        limit=limit,
    )
    return html.P(words, className="muted", **attributes(unmeasured("limit")))


def facts_panel(view: View, row: AgentRow, stored: Mapping[str, Any]) -> Component:
    """What is stored of the agent, its catalogue facts or its source included."""
    lang, meta = view.lang, dict(stored["metadata"]) if isinstance(stored["metadata"], dict) else {}

    def told(key: str) -> str | None:
        """A fact with a word of its own; what is no text stays for the end of the list."""
        return meta.pop(key) if isinstance(meta.get(key), str) else None

    facts: list[tuple[str, Any]] = [
        (t("Origin", lang), origin_word(row.origin, lang)),
        (t("First seen in", lang), told("source")),
        (t("Service", lang), told("service")),
        (t("Squad", lang), _squad(row, told("squad_basis"), lang)),
        (t("Role", lang), row.role or t("none assigned", lang)),
        (t("Domain", lang), told("domain")),
        (t("Evidence in the catalogue", lang), _evidence(told("kind"), lang)),
        (t("Source file", lang), _code(told("source_file"))),
        (t("State of the source", lang), _source_state(told("source_state"), lang)),
        (t("Version", lang), stored["version"]),
        (t("Stored since", lang), moment(stored["created_at"], lang, view.zone)),
    ]
    return _panel(
        t("What is known of it", lang),
        [_list([*facts, *_stated(meta), *((key, _plain(value)) for key, value in sorted(meta.items()))])],
    )


def _stated(meta: dict[str, Any]) -> list[tuple[str, Any]]:
    """What a network's file says of the node, under the file's own names."""
    told = meta.pop("attributes", None)
    return [(key, _plain(value)) for key, value in told.items()] if isinstance(told, dict) else []


def _squad(row: AgentRow, basis: str | None, lang: str) -> str:
    """The squad, and whether the source states it or it was assigned from the domain."""
    name = squad_word(row.squad, lang)
    told = {"stated": t("stated by the source", lang), "assigned": t("assigned from the domain", lang)}
    return f"{name} ({told[basis]})" if basis in told else name


def _evidence(kind: str | None, lang: str) -> str | None:
    """How firm a row of the catalogue is."""
    words = {
        "class": t("implemented as a class", lang),
        "named": t("named on a screen or in base data", lang),
        "registry": t("listed in a registry", lang),
        "archived": t("of an older, archived generation", lang),
        "planned": t("planned", lang),
        "later": t("from a later catalogue", lang),
    }
    return words.get(kind, kind) if kind else None


def _source_state(state: str | None, lang: str) -> str | None:
    return t("younger than the published schema", lang) if state == "later" else state


def _code(text: str | None) -> Component | None:
    return html.Code(text) if text else None


def _plain(value: Any) -> str:
    """A fact without a word of its own, as it is stored."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_FACT else text[:LONGEST_FACT] + "…"


def _panel(title: str, content: list[Component | None]) -> html.Section:
    return html.Section(
        [html.Header(html.H2(title), className="frame-head"), html.Div(content, className="frame-body")],
        className="frame",
    )


def _list(facts: Sequence[tuple[str, Any]]) -> html.Dl:
    """Names and values; what is not known is left out."""
    told = [(name, value) for name, value in facts if value not in (None, "")]
    return html.Dl(
        [part for name, value in told for part in (html.Dt(name), html.Dd(value))],
        className="facts",
        **attributes(unmeasured("stored")),
    )
