"""What the pages of states share: the ways between them, why a state is what it is, failures, stretches, windows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from auth.permissions import Permission, allows
from components.attributes import attributes
from components.cards import card, measured
from components.format import duration, moment, number
from components.icons import icon
from components.measured import unmeasured
from components.tables import Column, data_table
from components.timeline import Part, parts_of, state_mark
from db.metric import Reading, Window
from db.queries.uptime import edges
from db.queries.uptime_kept import DAY_SUM, Summed
from db.queries.uptime_rows import SubjectRow
from i18n import t, tn
from pages._admin import ways
from pages._moments import this_month
from pages._view import View, person

WRITES = Permission.CHECKS_WRITE
CORRECTS = Permission.UPTIME_CORRECT
MOST_ROWS = 100


def tabs(view: View, part: str) -> Component:
    """The ways between the pages of states; those that change something only for whom they are."""
    lang = view.lang
    parts = [
        ("status", "/status", t("States", lang)),
        ("maintenance", "/maintenance", t("Maintenance", lang)),
    ]
    if allows(person().role, WRITES):
        parts.append(("checks", "/checks", t("Checks over HTTP", lang)))
    links = [(words, view.link(path), name == part) for name, path, words in parts]
    return ways(t("Parts of the status pages", lang), links)


def kind_word(kind: str, lang: str) -> str:
    words = {
        "agent": t("agent", lang),
        "check": t("check over HTTP", lang),
        "part": t("part of this application", lang),
    }
    return words.get(kind, kind)


def reason_words(reason: str, lang: str) -> str:
    """What a state follows from."""
    words = {
        "heard": t("heartbeats came in time", lang),
        "silent": t("no heartbeat in time, while the collector watched", lang),
        "unwatched": t("the collector did not watch", lang),
        "drop": t("fewer than half of the fleet was heard", lang),
        "answered": t("answered as expected", lang),
        "failed": t("failed, confirmed", lang),
        "unconfirmed": t("failed, not often enough in a row to count", lang),
        "not_probed": t("nobody asked", lang),
        "maintenance": t("maintenance, declared ahead", lang),
        "paused": t("paused by a person", lang),
        "corrected": t("corrected by a person", lang),
        DAY_SUM: t("sum of a whole day, whose stretches are no longer kept", lang),
    }
    return words.get(reason, reason)


def evidence_words(row: Mapping[Any, Any], view: View) -> str:
    """The reason with what is known beside it."""
    lang, facts = view.lang, row["facts"] or {}
    said = [reason_words(row["reason"], lang)]
    if "last" in facts:
        said.append(t("last heard {at}", lang, at=_at(facts["last"], view)))
    if "failures" in facts:
        count = int(facts["failures"])
        said.append(
            tn("{count} failed check", "{count} failed checks", count, lang, count=number(count, lang))
        )
    return " · ".join(said)


def _at(text: str, view: View) -> str:
    return moment(datetime.fromisoformat(text), view.lang, view.zone)


def confirmed(row: Mapping[Any, Any], view: View) -> str | None:
    """When a failure was certain."""
    found = (row["facts"] or {}).get("confirmed")
    return None if found is None else _at(found, view)


def failure_table(view: View, rows: Sequence[Mapping[Any, Any]]) -> Component:
    """When it was down: from when, when that was certain, until when, and what it follows from."""
    lang, zone = view.lang, view.zone
    columns = [
        Column("since", t("Began", lang), lambda row: moment(row["since"], lang, zone)),
        Column("confirmed", t("Confirmed", lang), lambda row: confirmed(row, view)),
        Column(
            "until",
            t("Ended", lang),
            lambda row: t("lasts", lang) if row["lasts"] else moment(row["until"], lang, zone),
        ),
        Column(
            "length",
            t("Duration", lang),
            lambda row: duration((row["until"] - row["since"]).total_seconds(), lang),
            align="end",
        ),
        Column("why", t("Evidence", lang), lambda row: evidence_words(row, view)),
    ]
    return data_table(
        columns, rows, lang=lang, caption=t("Failures", lang), id="status-failures", stored=True
    )


def stretch_table(view: View, rows: Sequence[Mapping[Any, Any]]) -> Component:
    """The strip as a table, newest first; its seconds are those the percentages are made of."""
    lang, zone = view.lang, view.zone
    columns = [
        Column("state", t("State", lang), lambda row: state_mark(row["state"], lang)),
        Column("since", t("From", lang), lambda row: moment(row["since"], lang, zone)),
        Column("until", t("Until", lang), lambda row: moment(row["until"], lang, zone)),
        Column("seconds", t("Seconds", lang), lambda row: number(row["seconds"], lang), align="end"),
        Column("why", t("Follows from", lang), lambda row: evidence_words(row, view)),
    ]
    shown = list(reversed(rows))[:MOST_ROWS]
    return data_table(
        columns,
        shown,
        lang=lang,
        caption=t("States in the chosen range", lang),
        id="status-stretches",
        stored=True,
    )


def windows(view: View) -> list[tuple[str, Window]]:
    """The windows people ask for, by what they are called."""
    lang = view.lang
    names = {
        "24h": t("24 hours", lang),
        "7d": t("7 days", lang),
        "30d": t("30 days", lang),
        "90d": t("90 days", lang),
    }
    found = [(words, Window.parse(name, view.now)) for name, words in names.items()]
    found.append((t("This month", lang), this_month(view.now, view.zone)))
    return [*found, (t("Since the first observation", lang), Window.parse("all", view.now))]


def window_table(view: View, read: Sequence[tuple[str, Window, Mapping[str, Reading]]]) -> Component:
    """Availability, its bounds and what was observed, by window."""
    lang = view.lang

    def reading(key: str, words: str) -> Column:
        return Column(key, words, lambda row: measured(row["of"][key], lang), align="end")

    def seen(row: Mapping[str, Any]) -> Component:
        return observed_words(row["of"]["uptime.days_observed"], row["window"], lang)

    def between(row: Mapping[str, Any]) -> Component:
        low, high = row["of"]["uptime.lowest"], row["of"]["uptime.highest"]
        return html.Span([measured(low, lang), " – ", measured(high, lang)])

    columns = [
        Column(
            "name", t("Window", lang), lambda row: html.Span(row["name"], **attributes(unmeasured("name")))
        ),
        reading("uptime.availability", t("Availability", lang)),
        Column("between", t("At the lowest and highest", lang), between, align="end"),
        reading("uptime.coverage", t("Observed share", lang)),
        Column("days", t("Observed", lang), seen, align="end"),
    ]
    rows = [{"name": name, "window": window, "of": readings} for name, window, readings in read]
    return data_table(
        columns, rows, lang=lang, caption=t("Availability by window", lang), id="status-windows"
    )


def observed_words(reading: Reading, window: Window, lang: str) -> Component:
    """ "12.0 days of 30": how much of a window was observed. Without a beginning, the days alone."""
    start, _ = edges(window)
    if start is None or window.end is None:
        return measured(reading, lang)
    days = round((window.end - start).total_seconds() / 86_400)
    whole = html.Span(t("of {count}", lang, count=number(days, lang)), **attributes(unmeasured("definition")))
    return html.Span([measured(reading, lang), " ", whole])


def formula(lang: str) -> Component:
    """How every percentage here is made, in full."""
    said = [
        t("Availability = seconds up / (seconds up + seconds down).", lang),
        t(
            "Unknown time, maintenance and pauses are on neither side; the bounds count unknown time as down, "
            "then as up.",
            lang,
        ),
        t("Percentages are rounded down: 100 % means that no second was down.", lang),
    ]
    return html.P(" ".join(said), className="muted status-formula", **attributes(unmeasured("definition")))


def share_card(reading: Reading, view: View) -> Component:
    """A percentage of seconds, with what its n counts."""
    lang = view.lang
    note = t("n counts seconds", lang) if reading.unit == "percent" and reading.value is not None else None
    return card(reading, lang, zone=view.zone, note=note)


def trouble(view: View, unknown: Mapping[str, int], *, watching: bool) -> Component | None:
    """One banner for what makes many states unknown at once."""
    lang = view.lang
    if unknown.get("drop"):
        words = t(
            "Fewer than half of the fleet was heard, so silence says nothing: the states of agents are unknown.",
            lang,
        )
    elif not watching:
        words = t(
            "The collector has not been heard lately. What happened since then is unknown, not down.", lang
        )
    else:
        return None
    return html.Div(
        [icon("warning"), html.Div(html.Span(words), className="notice-text")],
        className="notice is-alarm",
        role="alert",
    )


def older_words(found: Summed, view: View, *, checks: bool = False) -> Component | None:
    """Said above the page where its range reaches further back than single stretches, or results, are kept."""
    lang, said = view.lang, []
    if found.states is not None:
        said.append(
            t(
                "Single stretches of states are kept since {since}. Of what lies before, the seconds of whole days "
                "(UTC) are counted, exactly; a day in which the range begins or ends is left out. The strip begins "
                "there.",
                lang,
                since=moment(found.states, lang, view.zone),
            )
        )
    if checks and found.results is not None:
        said.append(
            t(
                "Single results of checks are kept since {since}. Of what lies before, whole days (UTC) are counted, "
                "and percentiles over it are read from histograms.",
                lang,
                since=moment(found.results, lang, view.zone),
            )
        )
    if not said:
        return None
    words = [html.Span(each) for each in said]
    return html.Div([icon("warning"), html.Div(words, className="notice-text")], className="notice")


def drawn_from(rows: Sequence[Mapping[Any, Any]]) -> list[Part]:
    """What a strip shows: stretches, and no sums of days, of which nobody knows where in the day they lay."""
    return parts_of([row for row in rows if row["reason"] != DAY_SUM])


def strip_start(view: View, row: SubjectRow, found: Summed) -> datetime:
    """Where a strip begins: with the range or the first observation, and not before single stretches are kept."""
    start, end = edges(view.window)
    begin = start or row.observed_since
    return begin if found.states is None else min(end, max(begin, found.states))


def settled_words(row: SubjectRow, view: View) -> str:
    return t(
        "Told up to {at}; what came later is not judged yet.",
        view.lang,
        at=moment(row.settled_until, view.lang, view.zone),
    )
