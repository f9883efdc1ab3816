"""The frame's own controls: time range, zone, language, theme. Each button writes one key into the address."""

from typing import Any

import dash_bootstrap_components as dbc
from babel.dates import get_timezone_location
from dash import html
from dash.development.base_component import Component

from components.attributes import attributes
from components.format import locale
from components.icons import icon
from i18n import LANGUAGES, NAMES, t

RANGES = ("24h", "7d", "30d", "90d", "all")


def range_control(lang: str, chosen: str, zone: str) -> html.Div:
    """The one time range of all pages: five names, or two days of one's own."""
    words = {
        "24h": t("24 h", lang),
        "7d": t("7 d", lang),
        "30d": t("30 d", lang),
        "90d": t("90 d", lang),
        "all": t("All", lang),
    }
    long = {
        "24h": t("Last 24 hours", lang),
        "7d": t("Last 7 days", lang),
        "30d": t("Last 30 days", lang),
        "90d": t("Last 90 days", lang),
        "all": t("All time", lang),
    }
    buttons: list[Component] = [
        _choice("range", name, words[name], chosen == name, title=long[name]) for name in RANGES
    ]
    custom = html.Button(
        [icon("calendar"), html.Span(t("Custom", lang), className="range-words")],
        type="button",
        id="shell-range-custom",
        disable_n_clicks=True,
        className="choice",
        title=t("Choose the first and last day", lang),
        **attributes(
            {
                "aria-expanded": "false",
                "aria-controls": "shell-range-days",
                "aria-pressed": _said(chosen not in RANGES),
            }
        ),
    )
    return html.Div(
        [
            html.Div(
                [*buttons, custom],
                className="choices",
                role="group",
                **attributes({"aria-label": t("Time range", lang)}),
            ),
            _days(lang),
        ],
        id="shell-range",
        className="shell-range",
        **attributes({"data-zone": zone}),
    )


def _days(lang: str) -> html.Div:
    def labelled(id: str, words: str) -> html.Div:
        return html.Div(
            [
                html.Label(words, htmlFor=id, className="form-label"),
                dbc.Input(id=id, type="text", class_name="as-date", placeholder="2025-01-31"),
            ]
        )

    apply = html.Button(
        t("Apply", lang),
        type="button",
        id="shell-range-apply",
        className="btn btn-primary",
        disable_n_clicks=True,
    )
    refused = html.P(
        "",
        id="shell-range-refused",
        className="field-error",
        role="alert",
        **attributes(
            {
                "data-missing": t("Choose both days, written 2025-01-31.", lang),
                "data-order": t("The first day is after the last one.", lang),
            }
        ),
    )
    return html.Div(
        [
            labelled("shell-range-from", t("First day", lang)),
            labelled("shell-range-to", t("Last day, included", lang)),
            apply,
            refused,
        ],
        id="shell-range-days",
        className="range-days",
        hidden=True,
    )


def zone_control(lang: str, zone: str, utc: bool) -> html.Div:
    city = get_timezone_location(zone, locale=locale(lang), return_city=True)
    choices = [_choice("zone", "", city, not utc, title=zone), _choice("zone", "UTC", "UTC", utc)]
    return _setting("shell-zone", "clock", t("Time zone", lang), choices if zone != "UTC" else choices[1:])


def language_control(lang: str) -> html.Div:
    shorts = {"en": "EN", "pt-BR": "PT"}
    choices = [
        _choice("lang", code, shorts[code], code == lang, title=NAMES[code], speaks=code)
        for code in LANGUAGES
    ]
    return _setting("shell-lang", "globe", t("Language", lang), choices)


def theme_control(lang: str, theme: str) -> html.Div:
    choices = [
        _choice("theme", "dark", icon("moon"), theme == "dark", title=t("Dark", lang)),
        _choice("theme", "light", icon("sun"), theme == "light", title=t("Light", lang)),
    ]
    return _setting("shell-theme", "sun" if theme == "light" else "moon", t("Theme", lang), choices)


def _setting(id: str, drawn: str, words: str, choices: list[html.Button]) -> html.Div:
    return html.Div(
        [
            html.Span(words, className="setting-word"),
            html.Div(choices, className="choices", role="group", **attributes({"aria-label": words})),
        ],
        id=id,
        className="setting",
    )


def _choice(
    key: str, value: str, words: Any, pressed: bool, *, title: str | None = None, speaks: str | None = None
) -> html.Button:
    """A button that writes key=value into the address."""
    named = {"aria-label": title} if title and not isinstance(words, str) else {}
    given: dict[str, Any] = {"title": title} if title else {}
    spoken: dict[str, Any] = {"lang": speaks} if speaks else {}
    return html.Button(
        words,
        type="button",
        className="choice",
        disable_n_clicks=True,
        **given,
        **spoken,
        **attributes(
            named, {"data-query-set": key, "data-query-value": value, "aria-pressed": _said(pressed)}
        ),
    )


def _said(pressed: bool) -> str:
    return "true" if pressed else "false"
