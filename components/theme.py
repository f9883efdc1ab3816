"""The colours, for figures; assets/theme.css holds the same values for everything else, and a test compares the two."""

from collections.abc import Iterable

DARK = {
    "bg": "#060a13",
    "surface": "#0b1220",
    "raised": "#101a2c",
    "scene": "#060a13",
    "line": "#1b273c",
    "line-strong": "#4e6286",
    "text": "#e8eef8",
    "muted": "#a3b2ca",
    "faint": "#8494af",
    "accent": "#7cadff",
    "accent-fill": "#2b60d6",
    "accent-soft": "#11203d",
    "on-accent": "#ffffff",
    "chart": "#4c80e0",
    "chart-soft": "#2a477c",
    "ok": "#34d399",
    "busy": "#5aa9ff",
    "warn": "#fbb53c",
    "error": "#ff6b6e",
    "idle": "#8b9bb5",
    "unknown": "#5d6d88",
    "squad-1": "#a68bff",
    "squad-2": "#2fc9d8",
    "squad-3": "#f27fd0",
    "squad-4": "#9bdc52",
    "squad-5": "#eeea5f",
    "squad-6": "#6673ff",
    "squad-7": "#c4eef4",
    "squad-8": "#b34fd0",
    "squad-9": "#9a9a2e",
    "squad-none": "#8b9bb5",
    "latency-1": "#4f8ff0",
    "latency-2": "#7f86ee",
    "latency-3": "#a87be3",
    "latency-4": "#cf70cd",
    "latency-5": "#f066a6",
    "latency-unknown": "#5d6d88",
}
LIGHT = {
    "bg": "#f4f6fa",
    "surface": "#ffffff",
    "raised": "#ffffff",
    "scene": "#fafbfe",
    "line": "#dde3ed",
    "line-strong": "#7b8aa4",
    "text": "#0f1a2e",
    "muted": "#44546e",
    "faint": "#5a6a84",
    "accent": "#1f54cf",
    "accent-fill": "#2459d3",
    "accent-soft": "#e6edfc",
    "on-accent": "#ffffff",
    "chart": "#3b74e6",
    "chart-soft": "#b9cdf6",
    "ok": "#0a8a5c",
    "busy": "#1d6fd6",
    "warn": "#b56a00",
    "error": "#cf2f3a",
    "idle": "#6b7b95",
    "unknown": "#7f8da5",
    "squad-1": "#6d45e0",
    "squad-2": "#0b8794",
    "squad-3": "#c02d94",
    "squad-4": "#557f05",
    "squad-5": "#9a9400",
    "squad-6": "#2f36b8",
    "squad-7": "#0a5a64",
    "squad-8": "#8d1fa8",
    "squad-9": "#5b5910",
    "squad-none": "#6b7b95",
    "latency-1": "#2f6fd6",
    "latency-2": "#5f63d3",
    "latency-3": "#8a56c9",
    "latency-4": "#b14bb0",
    "latency-5": "#cf3c83",
    "latency-unknown": "#7f8da5",
}
TOKENS = {"dark": DARK, "light": LIGHT}
THEMES = tuple(TOKENS)

STATUS_TOKENS = {
    "ACTIVE": "ok",
    "PROCESSING": "busy",
    "LEARNING": "busy",
    "WARNING": "warn",
    "MAINTENANCE": "warn",
    "ERROR": "error",
    "IDLE": "idle",
    None: "unknown",
}
SQUAD_TOKENS = {
    "CORE": "squad-1",
    "ANALYST": "squad-2",
    "GUARD": "squad-3",
    "SPECIALIST": "squad-4",
    "CHAOS": "squad-5",
}
FURTHER_SQUADS = ("squad-6", "squad-7", "squad-8", "squad-9")
LATENCY_STEPS = tuple(f"latency-{step}" for step in range(1, 6))

FONT = '"Inter", system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def color(theme: str, token: str) -> str:
    """The value of a token, such as "text" or "squad-2", in a theme."""
    return TOKENS[theme][token]


def status_color(theme: str, status: str | None) -> str:
    """The fill of an agent by what it last said of itself; an unforeseen word counts as unknown."""
    return color(theme, STATUS_TOKENS.get(status, "unknown"))


def squad_color(theme: str, squad: str | None) -> str:
    """The ring or hull of a squad; without one it is grey, a squad we have not met takes a further hue by name."""
    if squad is None:
        return color(theme, "squad-none")
    return color(theme, SQUAD_TOKENS.get(squad) or FURTHER_SQUADS[_by_name(squad)])


def squad_colors(theme: str, squads: Iterable[str]) -> dict[str, str]:
    """The colours of squads that are shown together: no two alike as long as the further hues suffice."""
    found: dict[str, str] = {}
    free = list(FURTHER_SQUADS)
    for squad in sorted(set(squads)):
        if squad in SQUAD_TOKENS:
            found[squad] = squad_color(theme, squad)
            continue
        free = free or list(FURTHER_SQUADS)
        wish = FURTHER_SQUADS[_by_name(squad)]
        token = wish if wish in free else free[0]
        free.remove(token)
        found[squad] = color(theme, token)
    return found


def _by_name(squad: str) -> int:
    return sum(squad.encode()) % len(FURTHER_SQUADS)


def translucent(hex_color: str, alpha: float) -> str:
    """`#rrggbb` as rgba() with the given opacity."""
    red, green, blue = (int(hex_color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
