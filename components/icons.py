"""The icon set: small line drawings of our own in assets/icons.css, painted in the colour of the text around them."""

from dash import html

from components.attributes import attributes

NAMES = frozenset(
    [
        "overview",
        "map",
        "agents",
        "metrics",
        "profile",
        "menu",
        "close",
        "refresh",
        "sun",
        "moon",
        "globe",
        "clock",
        "sign-out",
        "copy",
        "check",
        "warning",
        "empty",
        "table",
        "search",
        "next",
        "back",
        "connections",
        "calls",
        "error",
        "gauge",
        "timer",
        "calendar",
        "tokens",
        "filter",
        "help",
        "spark",
        "first",
        "last",
        "play",
        "crm",
        "support",
        "social",
        "trophy",
        "key",
        "shield",
        "money",
        "brain",
        "pulse",
        "people",
    ]
)


def icon(name: str, className: str = "") -> html.Span:
    """A decoration: hidden from screen readers, so the words beside it must say it all."""
    if name not in NAMES:
        raise ValueError(f"icon {name!r} is not drawn; there are {', '.join(sorted(NAMES))}")
    return html.Span(className=f"icon icon-{name} {className}".strip(), **attributes({"aria-hidden": "true"}))
