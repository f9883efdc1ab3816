"""A reading as a card, or inline in a table cell. Both open the proof drawer."""

import dash_bootstrap_components as dbc
from dash import html

from components.age import age
from components.attributes import attributes
from components.format import by_unit, number, split_unit
from components.icons import icon as drawn
from components.measured import Measured, beside, marks, require, unit_told
from i18n import declared, t

GLUE = "\u2060"  # the word joiner: of no width, and no line breaks at it


def card(
    reading: Measured,
    lang: str,
    *,
    zone: str,
    note: str | None = None,
    icon: str | None = None,
) -> dbc.Card:
    """One measured value with its n and interval, or a dash and the reason there is none; and how old it is."""
    require(reading, Measured, "reading")
    doubt = getattr(reading, "doubt", None)
    lines = [_evidence(reading, lang), declared(doubt, lang) if doubt else None, note]
    return dbc.Card(
        [
            html.Div(
                [drawn(icon) if icon else None, html.H3(declared(reading.title, lang))], className="card-name"
            ),
            _big(reading, lang),
            html.Div(
                [
                    *[html.P(line, className="card-line") for line in lines if line],
                    html.P(age(reading.measured_at, lang, zone), className="card-line card-age"),
                ],
                className="card-lines",
                **attributes(beside(reading)),
            ),
        ],
        className="reading-card" + (" is-unknown" if reading.value is None else ""),
    )


def measured(reading: Measured, lang: str) -> html.Button:
    """The value alone, for a table cell or a sentence."""
    require(reading, Measured, "reading")
    return html.Button(
        by_unit(reading.value, reading.unit, lang),
        type="button",
        className="measured",
        title=_hint(reading, lang),
        disable_n_clicks=True,
        **attributes({"aria-label": _spoken(reading, lang)}, marks(reading)),
    )


def _big(reading: Measured, lang: str) -> html.Button:
    shown, unit = split_unit(reading.value, reading.unit, lang)
    if reading.unit == "money" and reading.subject:
        # An amount is of one currency, which is its subject; "" where the rows do not say which.
        unit = reading.subject[0] or t("unknown currency", lang)
    if reading.unit == "of the series" and reading.value is not None:
        unit = unit_told(reading.subject)
    return html.Button(
        [
            html.Span(shown, className="measured-number"),
            html.Span(unit, className="measured-unit") if unit else None,
        ],
        type="button",
        className="measured measured-big",
        title=_hint(reading, lang),
        disable_n_clicks=True,
        **attributes({"aria-label": _spoken(reading, lang)}, marks(reading)),
    )


def _evidence(reading: Measured, lang: str) -> str | None:
    """ "n = 23,019 · 95 % interval 61.2–88.0 %"; for an unknown value, why it is unknown."""
    if reading.value is None:
        return declared(reading.reason, lang) if reading.reason else t("Not measured.", lang)
    parts = (
        [t("n = {n}", lang, n=number(reading.n, lang))]
        if reading.unit in ("percent", "ms", "hours", "apdex", "of the series")
        else []
    )
    if reading.interval:
        low, high = (number(end, lang, 1) for end in reading.interval)
        shown = t("95 % interval {low}–{high} %", lang, low=low, high=high)
        parts.append(shown.replace("–", f"{GLUE}–{GLUE}"))  # a line never breaks inside the interval
    return " · ".join(parts).replace(" %", "\u00a0%") or None


def _hint(reading: Measured, lang: str) -> str:
    if reading.value is None and reading.reason:
        return declared(reading.reason, lang)
    return t("How is this made?", lang)


def _spoken(reading: Measured, lang: str) -> str:
    shown, unit = split_unit(reading.value, reading.unit, lang)
    value = t("unknown", lang) if reading.value is None else f"{shown} {unit}".strip()
    return t("{title}: {value}. How is this made?", lang, title=declared(reading.title, lang), value=value)
