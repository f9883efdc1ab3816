"""What stands where data would: nothing yet, an error, still loading, elsewhere in time. Each says what to do."""

from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from components.attributes import attributes
from components.format import moment
from components.icons import icon
from i18n import t

_STATUS_WORDS = ("ACTIVE", "PROCESSING", "LEARNING", "WARNING", "ERROR", "MAINTENANCE", "IDLE", "UNKNOWN")


def empty(
    title: str,
    why: str,
    command: str | None = None,
    action: Component | None = None,
    *,
    lang: str,
    icon_name: str = "empty",
) -> html.Div:
    """No data, why, and the way out: a command to copy, or a link to follow."""
    return html.Div(
        [
            icon(icon_name, "state-icon"),
            html.H3(title),
            html.P(why),
            copyable(command, lang) if command else None,
            html.Div(action, className="state-action") if action else None,
        ],
        className="state state-empty",
    )


def error_state(
    title: str, what_to_do: str, *, lang: str, reference: str | None = None, action: Component | None = None
) -> html.Div:
    """Something failed: what a person can do now, and the reference under which the log tells more."""
    return html.Div(
        [
            icon("warning", "state-icon"),
            html.H3(title),
            html.P(what_to_do),
            html.P(t("Reference {reference}", lang, reference=reference), className="state-reference")
            if reference
            else None,
            html.Div(action, className="state-action") if action else None,
        ],
        className="state state-error",
        role="alert",
    )


def elsewhere(
    start: datetime, end: datetime, *, href: str, lang: str, zone: str, all_href: str | None = None
) -> html.Div:
    """The chosen range is empty, others are not: where the data is, one click away; `all_href` offers all of it."""
    spell = {"start": moment(start, lang, zone), "end": moment(end, lang, zone)}
    return html.Div(
        [
            icon("clock", "state-icon"),
            html.Div(
                [
                    html.Strong(t("No data in the chosen range.", lang)),
                    html.Span(t("Data exists from {start} to {end}.", lang, **spell)),
                ],
                className="notice-text",
            ),
            dcc.Link(t("Show that time", lang), href=href, className="btn btn-primary btn-sm"),
            dcc.Link(t("Show all time", lang), href=all_href, className="btn btn-quiet btn-sm")
            if all_href
            else None,
        ],
        className="notice",
        role="status",
    )


def skeleton(kind: str, count: int = 1) -> html.Div:
    """A still outline while data is on its way: kind is "card", "chart", "table" or "text"."""
    if kind not in ("card", "chart", "table", "text"):
        raise ValueError(f"kind {kind!r} has no outline; choose card, chart, table or text")
    return html.Div(
        [html.Div(className=f"skeleton skeleton-{kind}") for _ in range(count)],
        className="card-grid" if kind == "card" else "skeletons",
        **attributes({"aria-hidden": "true"}),
    )


def copyable(text: str, lang: str, *, block: bool = False) -> html.Div:
    """A command or a query to read, with a button that copies it."""
    return html.Div(
        [
            html.Pre(html.Code(text), className="copy-text", tabIndex=0)
            if block
            else html.Code(text, className="copy-text"),
            html.Button(
                [icon("copy"), html.Span(t("Copy", lang), className="copy-word")],
                type="button",
                className="copy-button",
                disable_n_clicks=True,
                **attributes({"data-copy": text, "data-copied": t("Copied", lang)}),
            ),
        ],
        className="copyable copyable-block" if block else "copyable",
    )


def status(value: str | None, lang: str) -> html.Span:
    """An agent's status as a mark of its own shape and colour, and the word. None reads as never heard from."""
    kind = value if value in _STATUS_WORDS else "UNKNOWN"
    return html.Span(
        [html.Span(className="status-mark"), status_word(value, lang)],
        className=f"status status-{kind.lower()}",
    )


def status_word(value: str | None, lang: str) -> str:
    """The word for a status an agent gave of itself; an unforeseen one is shown as it came."""
    words = {
        None: t("never heard", lang),
        "ACTIVE": t("active", lang),
        "PROCESSING": t("processing", lang),
        "LEARNING": t("learning", lang),
        "WARNING": t("warning", lang),
        "ERROR": t("error", lang),
        "MAINTENANCE": t("maintenance", lang),
        "IDLE": t("idle", lang),
    }
    return words.get(value) or str(value)
