"""What all figures share: transparent grounds, thin lines, one font, numbers in the reader's manner."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from components.format import locale, split_unit
from components.theme import FONT, color
from i18n import declared

_DATES = {
    "en": {"dayMonth": "%-d %b", "dayMonthYear": "%-d %b %Y", "month": "%b %Y", "year": "%Y"},
    "pt-BR": {"dayMonth": "%-d %b", "dayMonthYear": "%d/%m/%Y", "month": "%b %Y", "year": "%Y"},
}
"""How Plotly writes the ticks of a date axis, like components/format.py writes moments."""


@cache
def config(lang: str) -> Any:
    """What a graph may do, and the names of months and days it writes on date axes."""
    return {
        "displayModeBar": False,
        "responsive": True,
        "showTips": False,
        "locale": lang,
        "locales": {lang: {"dictionary": {}, "format": _calendar(lang)}},
    }


def short_month(day: date, lang: str) -> str:
    """The month of `day` as Plotly writes it on the ticks of a date axis."""
    return str(config(lang)["locales"][lang]["format"]["shortMonths"][day.month - 1])


def _calendar(lang: str) -> dict[str, Any]:
    """The calendar's words from CLDR, under the names Plotly has for them."""
    words = locale(lang)
    return {
        "months": _listed(words.months["format"]["wide"], range(1, 13)),
        "shortMonths": [
            name.rstrip(".") for name in _listed(words.months["format"]["abbreviated"], range(1, 13))
        ],
        "days": _listed(words.days["format"]["wide"], (6, *range(6))),
        "shortDays": [
            name.rstrip(".") for name in _listed(words.days["format"]["abbreviated"], (6, *range(6)))
        ],
        "date": _DATES[lang]["dayMonthYear"],
    } | _DATES[lang]


def _listed(names: Any, keys: Sequence[int]) -> list[str]:
    return [str(names[key]) for key in keys]


def amount_words(value: float | int | None, unit: str, lang: str) -> str:
    """The value with its unit, a count with its noun in the right number: "1 span", "81.4 ms", "92.0 %"."""
    if unit == "money":
        return " ".join(filter(None, [split_unit(value, unit, lang)[0], declared(unit, lang)]))
    return "\u00a0".join(filter(None, split_unit(value, unit, lang)))


def base_layout(theme: str, lang: str = "en") -> dict[str, Any]:
    """A layout to start from; nothing of Plotly's own templates shines through."""
    return {
        "template": {"layout": {}, "data": {}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": color(theme, "muted")},
        "margin": {"l": 52, "r": 12, "t": 34, "b": 46},
        "separators": ",." if lang == "pt-BR" else ".,",
        "showlegend": False,
        "hoverlabel": {
            "bgcolor": color(theme, "raised"),
            "bordercolor": color(theme, "line-strong"),
            "font": {"family": FONT, "size": 13, "color": color(theme, "text")},
            "align": "left",
        },
        "dragmode": False,
        "uirevision": "kept",
    }


def axis(theme: str, title: str, **more: Any) -> dict[str, Any]:
    """An axis with its title; the title names the unit."""
    return {
        "title": {"text": title, "standoff": 10, "font": {"size": 12, "color": color(theme, "muted")}},
        "gridcolor": color(theme, "line"),
        "linecolor": color(theme, "line"),
        "tickfont": {"size": 11.5, "color": color(theme, "faint")},
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        "separatethousands": True,
        "exponentformat": "none",
    } | more
