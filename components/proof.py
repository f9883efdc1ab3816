"""The drawer's inside: how one number was made, down to the rows behind it, twenty at a time."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.age import age
from components.attributes import attributes
from components.format import DASH, by_unit, moment, number
from components.icons import icon
from components.measured import Measured, MeasuredSeries, Proven, marks, require
from components.states import copyable
from i18n import declared, t

LONGEST_CELL = 160
LONGEST_LINE = 68  # what the drawer holds in a line
Reading = Measured | MeasuredSeries


def proof_body(
    proof: Proven, lang: str, zone: str, check: Component | None = None, following: str | None = None
) -> html.Div:
    """Definition, value, circumstances, query and rows of one reading; `check` stands under the value.

    `following` is what brings the rows after the first ones.
    """
    require(proof, Proven, "proof")
    reading = proof.reading
    if not isinstance(reading, Measured):
        require(reading, MeasuredSeries, "proof.reading")
    return html.Div(
        [
            html.H2(declared(reading.title, lang), className="proof-title"),
            html.P(declared(proof.sentence, lang), className="proof-sentence"),
            _value(reading, lang),
            check,
            _again(lang),
            html.Dl(
                [part for pair in _facts(proof, reading, lang, zone) for part in pair], className="facts"
            ),
            _section(t("Query", lang), copyable(indented(proof.sql.strip()), lang, block=True)),
            _section(t("Parameters", lang), _parameters(proof.params, lang)),
            _section(
                t("The rows behind it", lang),
                html.Div(
                    proof_rows(proof.columns, proof.rows, lang, zone, following=following), id="proof-rows"
                ),
            ),
        ],
        className="proof",
    )


def _again(lang: str) -> html.Button:
    """Reads the number once more over the same window (assets/proof.js asks, pages/_proof.py answers)."""
    return html.Button(
        [icon("refresh"), t("Recompute", lang)],
        type="button",
        className="btn btn-quiet proof-again",
        title=t("Read it again over the same window and compare", lang),
        disable_n_clicks=True,
        **attributes({"data-proof-again": "true"}),
    )


def _value(reading: Reading, lang: str) -> html.Div:
    """The value large; a series has none of its own and shows how many measurements it holds."""
    shown = (
        by_unit(reading.value, reading.unit, lang)
        if isinstance(reading, Measured)
        else t("n = {n}", lang, n=number(reading.n, lang))
    )
    value = html.Output(shown, className="proof-value", **attributes(marks(reading)))
    why = declared(reading.reason, lang) if reading.reason else None
    return html.Div([value, html.P(why, className="proof-why") if why else None])


def _facts(proof: Proven, reading: Reading, lang: str, zone: str) -> list[tuple[html.Dt, html.Dd]]:
    facts: list[tuple[str, Any]] = [
        (t("Formula", lang), declared(proof.formula, lang)),
        (t("Unit", lang), declared(reading.unit, lang)),
        (t("n", lang), number(reading.n, lang)),
        (t("Left out", lang), declared(proof.excluded, lang) if proof.excluded else t("nothing", lang)),
        (t("Resolution", lang), declared(proof.resolution, lang)),
        (t("Window", lang), window_words(reading.window, lang, zone)),
        (
            t("Measured at", lang),
            [moment(reading.measured_at, lang, zone), " · ", age(reading.measured_at, lang, zone)],
        ),
        (t("Tables", lang), ", ".join(proof.tables) or DASH),
        (t("Code version", lang), html.Code(proof.version)),
    ]
    if isinstance(reading, Measured):
        facts.insert(
            2, (t("Exact value", lang), html.Code(DASH if reading.value is None else repr(reading.value)))
        )
        if reading.interval:
            low, high = (number(end, lang, 1) for end in reading.interval)
            facts.insert(4, (t("95 % interval", lang), f"{low}–{high} %"))
    if reading.subject:
        facts.insert(0, (t("Of", lang), " → ".join(reading.subject)))
    return [(html.Dt(name), html.Dd(value)) for name, value in facts]


def window_words(window: Any, lang: str, zone: str) -> str:
    """A window in words: "now" for a metric without one, "all time", or its two ends."""
    if window is None:
        return t("now, without a window", lang)
    if window.start is None and window.end is None:
        return t("all time", lang)
    if window.start is None:
        return t("until {end}", lang, end=moment(window.end, lang, zone))
    if window.end is None:
        return t("since {start}", lang, start=moment(window.start, lang, zone))
    return t(
        "from {start} until {end}",
        lang,
        start=moment(window.start, lang, zone),
        end=moment(window.end, lang, zone),
    )


def indented(sql: str) -> str:
    """A query whose inner ones stand further in, by the brackets open where each line begins.

    A line is folded where it is long, but never one with a quoted text, in which a blank could be part of the text.
    """
    depth, lines = 0, []
    for line in map(str.strip, sql.splitlines()):
        inset = "  " * max(depth, 0)
        folded = (
            _fold(line, inset) if len(inset + line) > LONGEST_LINE and "'" not in line else [inset + line]
        )
        lines += folded
        bare = re.sub("'[^']*'", "", line)
        depth += bare.count("(") - bare.count(")")
    return "\n".join(lines)


def _fold(line: str, inset: str) -> list[str]:
    return textwrap.wrap(
        line,
        LONGEST_LINE,
        initial_indent=inset,
        subsequent_indent=inset + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _parameters(params: Mapping[str, Any], lang: str) -> Component:
    if not params:
        return html.P(t("The query takes none.", lang), className="muted")
    pairs = [(html.Dt(html.Code(name)), html.Dd(html.Code(_plain(value)))) for name, value in params.items()]
    return html.Dl([part for pair in pairs for part in pair], className="facts facts-code")


def proof_rows(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    lang: str,
    zone: str,
    *,
    first: int = 1,
    following: str | None = None,
) -> list[Component]:
    """A page of the rows as the reader may see them; `first` is its first row's place."""
    if not rows:
        return [html.P(t("No row stands behind it.", lang), className="muted")]
    return [_table(columns, rows, lang, zone), _turning(len(rows), first, following, lang)]


def _turning(shown: int, first: int, following: str | None, lang: str) -> html.Div:
    """Which rows these are, and the way to the following and back to the first."""
    ends = {"first": number(first, lang), "last": number(first + shown - 1, lang)}
    steps = [
        (icon("first"), t("First rows", lang), "", first > 1),
        (icon("next"), t("Next rows", lang), following or "", following is not None),
    ]
    return html.Div(
        [
            html.Span(t("Rows {first} to {last}", lang, **ends), role="status"),
            *[_step(mark, word, after) for mark, word, after, on in steps if on],
        ],
        className="proof-turning",
    )


def _step(mark: Component, word: str, after: str) -> html.Button:
    return html.Button(
        [mark, word],
        type="button",
        className="btn btn-quiet",
        disable_n_clicks=True,
        **attributes({"data-proof-after": after}),
    )


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], lang: str, zone: str) -> Component:
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in columns]))
    body = html.Tbody(
        [html.Tr([html.Td(_shown(row.get(name), lang, zone)) for name in columns]) for row in rows]
    )
    return html.Div(html.Table([head, body], className="raw-table"), className="raw-wrap", tabIndex=0)


def _shown(value: Any, lang: str, zone: str) -> str:
    if isinstance(value, datetime):
        return moment(value, lang, zone)
    text = _plain(value)
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"


def _plain(value: Any) -> str:
    """A stored value as it is, without the screen's rounding."""
    if value is None:
        return DASH
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _section(title: str, content: Component) -> html.Section:
    return html.Section([html.H3(title), content])
