"""States over time as a strip: each state has a pattern of its own, and the strip says in words what it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from components.attributes import attributes
from components.format import duration, moment
from i18n import t

STATES = ("up", "down", "unknown", "maintenance", "paused")
WORST = ("down", "unknown", "maintenance", "paused", "up", "none")
MOST_PARTS = 240
_MARKS = {
    "up": "active",
    "down": "error",
    "unknown": "unknown",
    "maintenance": "maintenance",
    "paused": "idle",
}


@dataclass(frozen=True)
class Part:
    """One stretch of the strip; the state "none" is time without any."""

    start: datetime
    end: datetime
    state: str

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def state_word(state: str, lang: str) -> str:
    """A state in one word."""
    words = {
        "up": t("up", lang),
        "down": t("down", lang),
        "unknown": t("unknown", lang),
        "maintenance": t("maintenance", lang),
        "paused": t("paused", lang),
        "none": t("not observed yet", lang),
    }
    return words.get(state, state)


def state_mark(state: str, lang: str) -> html.Span:
    """A state as a mark of its own shape and colour, and the word."""
    return html.Span(
        [html.Span(className="status-mark"), state_word(state, lang)],
        className=f"status status-{_MARKS.get(state, 'unknown')}",
    )


def filled(parts: Sequence[Part], start: datetime, end: datetime) -> list[Part]:
    """The whole of [start, end): what no part speaks of is time without a state."""
    found, at = [], start
    for part in parts:
        if at < part.start:
            found.append(Part(at, part.start, "none"))
        found.append(part)
        at = part.end
    return [*found, Part(at, end, "none")] if at < end else found


def coarser(parts: Sequence[Part], most: int = MOST_PARTS) -> list[Part]:
    """At most so many parts: where there are more, each shows the worst of its time."""
    if len(parts) <= most:
        return list(parts)
    start, width = parts[0].start, (parts[-1].end - parts[0].start) / most
    worst = ["none"] * most
    for each in parts:
        first = int((each.start - start) / width)
        last = min(most - 1, int((each.end - start) / width))
        for slot in range(first, last + 1):
            if start + slot * width < each.end:
                worst[slot] = min(worst[slot], each.state, key=WORST.index)
    found: list[Part] = []
    for slot, state in enumerate(worst):
        begin = start + slot * width
        if found and found[-1].state == state:
            found[-1] = Part(found[-1].start, begin + width, state)
        else:
            found.append(Part(begin, begin + width, state))
    return found


def strip(
    parts: Sequence[Part], start: datetime, end: datetime, lang: str, zone: str, *, small: bool = False
) -> Component:
    """The states between two moments, with their ends below it unless it is `small`."""
    whole = filled(parts, start, end)
    drawn = [
        html.Span(
            className=f"strip-part is-{each.state}",
            style={"flexGrow": max(each.seconds, 0.001)},
            title=_spell(each, lang, zone),
        )
        for each in coarser(whole)
    ]
    bar = html.Div(
        drawn,
        className="strip is-small" if small else "strip",
        role="img",
        **attributes({"aria-label": spoken(whole, lang)}),
    )
    if small:
        return bar
    ends = [html.Span(moment(start, lang, zone)), html.Span(moment(end, lang, zone))]
    note = html.P(t("Each mark shows the worst state of its time.", lang), className="muted strip-note")
    return html.Div([bar, html.Div(ends, className="strip-ends"), note if len(whole) > MOST_PARTS else None])


def _spell(part: Part, lang: str, zone: str) -> str:
    ends = [moment(each, lang, zone) for each in (part.start, part.end)]
    return f"{state_word(part.state, lang)}: {ends[0]} – {ends[1]}"


def spoken(parts: Sequence[Part], lang: str) -> str:
    """How long each state lasted, in words."""
    sums: dict[str, float] = {}
    for each in parts:
        sums[each.state] = sums.get(each.state, 0.0) + each.seconds
    told = [
        f"{state_word(state, lang)} {duration(sums[state], lang)}"
        for state in (*STATES, "none")
        if state in sums
    ]
    return ", ".join(told)


def legend(parts: Sequence[Part], lang: str) -> Component:
    """The states that occur, each with its pattern."""
    there = {each.state for each in parts}
    items = [
        html.Li([html.Span(className=f"strip-key is-{state}"), state_word(state, lang)])
        for state in (*STATES, "none")
        if state in there
    ]
    return html.Ul(items, className="strip-legend")


def parts_of(rows: Sequence[Mapping[str, object]]) -> list[Part]:
    """Parts of rows with `since`, `until` and `state`."""
    found = []
    for row in rows:
        start, end = row["since"], row["until"]
        assert isinstance(start, datetime) and isinstance(end, datetime)
        found.append(Part(start, end, str(row["state"])))
    return found
