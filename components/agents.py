"""An agent in words: its derived state, its origin, its squad, and the way to its page."""

from dash import dcc, html

from components.figures.network_words import state_words
from components.format import number
from i18n import t

STATES = ("operational", "failing", "observed", "unknown")
ORIGINS = ("catalogue", "person", "telemetry", "network")
# The marks of components.states, so that a shape means the same wherever it stands.
_MARKS = {"operational": "active", "failing": "error", "observed": "processing", "unknown": "unknown"}


def agent_link(href: str, agent: str, name: str) -> dcc.Link:
    """The name, leading to the agent's page; hovering tells the id."""
    return dcc.Link(name, href=href, className="agent-link", title=agent)


def state_mark(state: str, lang: str, word: str | None = None) -> html.Span:
    """The derived state as a mark of its own shape and colour, and the word; `word` says it more exactly."""
    word = word or state_words(lang).get(state, state)
    return html.Span(
        [html.Span(className="status-mark"), word], className=f"status status-{_MARKS.get(state, 'unknown')}"
    )


def clock_words(drift_ms: int, lang: str) -> str:
    """How far an agent's own clock is from ours."""
    seconds = number(abs(drift_ms) / 1000, lang, 1)
    if drift_ms < 0:
        return t("clock {seconds} s behind ours", lang, seconds=seconds)
    return t("clock {seconds} s ahead of ours", lang, seconds=seconds)


def clock_flag(drift_ms: int, lang: str) -> html.Span:
    """The same as a warning."""
    return html.Span(
        [html.Span(className="status-mark"), clock_words(drift_ms, lang)], className="status status-warning"
    )


def origin_word(origin: str, lang: str) -> str:
    """Where an agent's row comes from."""
    words = {
        "catalogue": t("catalogue", lang),
        "person": t("made by a person", lang),
        "telemetry": t("telemetry", lang),
        "network": t("imported network", lang),
        "system": t("part of this application", lang),
    }
    return words.get(origin, origin)


def squad_word(squad: str | None, lang: str) -> str:
    """The squad's name as stored; agents nobody has assigned say so."""
    return squad or t("unassigned", lang)


def kind_word(kind: str, lang: str) -> str:
    """What a connection carries."""
    words = {
        "data": t("data", lang),
        "command": t("command", lang),
        "sync": t("message", lang),
        "neural": t("neural", lang),
    }
    return words.get(kind, kind)


def category_word(category: str | None, lang: str) -> str | None:
    """What a span does in an agent system, where it says so."""
    words = {
        "agent": t("agent run", lang),
        "model": t("model call", lang),
        "tool": t("tool call", lang),
        "retrieval": t("retrieval", lang),
        "message": t("message", lang),
        "handoff": t("hand-off", lang),
    }
    return words.get(category, category) if category else None


def span_status(status: int, lang: str) -> html.Span:
    """The status a span reports: 0 unset, 1 ok, 2 error."""
    kind, word = {
        1: ("active", t("ok", lang)),
        2: ("error", t("error", lang)),
    }.get(status, ("unknown", t("not reported", lang)))
    return html.Span([html.Span(className="status-mark"), word], className=f"status status-{kind}")
