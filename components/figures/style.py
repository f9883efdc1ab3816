"""What all figures share: transparent grounds, thin lines, one font, numbers in the reader's manner."""

from typing import Any

from components.theme import FONT, color

CONFIG: Any = {"displayModeBar": False, "responsive": True, "showTips": False}


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
    } | more
