"""The proof drawer: a click on a measured value reads it again, over the same window, and shows how it is made.

What comes out otherwise than it was shown is told here, and assets/proof.js tells it on the page's own card as well.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import isclose, nan
from typing import Any

from dash import Dash, Input, Output, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

import db.queries
from auth.doors import SIGNED_IN, permitted
from auth.events import note_refused
from auth.numbers import reader_of
from auth.permissions import allows
from auth.subjects import subject as keyed
from components.attributes import attributes
from components.format import by_unit, moment, number
from components.measured import mark_of
from components.proof import proof_body, proof_rows
from db.engine import session
from db.keyset import LONGEST_CURSOR, BadCursor
from db.metric import (
    EARLIEST,
    LATEST,
    METRICS,
    SERIES,
    Metric,
    Reading,
    Series,
    Window,
    WindowError,
    from_ns,
)
from db.proof import Proof, more, prove
from db.queries.rolled import MS
from i18n import t
from pages._view import View, actor, engine, failure, here, person

__all__ = ["Refused", "Request", "body", "rows_after", "wire"]

REGISTRIES = db.queries.__all__  # importing db.queries fills METRICS and SERIES
LONGEST_WORD, MOST_SUBJECTS = 1000, 4
SIGNED = 16  # hexadecimal digits of the signature under a cursor
LARGEST = 1e18  # as far as a value is spelled out


class Refused(ValueError):
    """A request that names no reading; the message, in the reader's language, says why."""


class Request:
    """What the browser asks to be proven, checked.

    Attributes:
        key: of METRICS or SERIES. subject: as many words as its declaration names.
        window: the one the shown value was measured over, seen at the instant it was measured.
        shown: the value on the screen; None when it was unknown there or the key is a series'.
        says_value: whether the element showed a value or a dash, as opposed to a chart's title.
        mark: of the rows the chart on the screen was drawn from; "" where the element does not tell.
        after: which rows to show, as the page before said it; "" for the first.
    """

    def __init__(self, data: Any, view: View) -> None:
        if not isinstance(data, Mapping):
            raise Refused(t("Click a measured value to see how it is made.", view.lang))
        self.key = str(data.get("key") or "")[:LONGEST_WORD]
        found = METRICS.get(self.key) or SERIES.get(self.key)
        if found is None:
            raise Refused(
                t(
                    "There is no measure called “{key}”. Reload the page; it may be of another version.",
                    view.lang,
                    key=self.key[:80],
                )
            )
        self.declared: Metric | Series = found
        if not allows(person().role, self.declared.needs):
            words = "A signed-in person was refused a measure that their role does not include."
            note_refused("unauthorized_access", words, measure=self.key)
            raise Refused(t("Your role does not include this measure.", view.lang))
        self.subject = self._subject(data.get("subject"), view.lang)
        self.window = _window(data, view)
        self.says_value = isinstance(self.declared, Metric)
        self.shown = _number(data.get("value"))
        self.mark = str(data.get("rows") or "")[:LONGEST_WORD]
        self.after = str(data.get("after") or "")[: LONGEST_CURSOR + LONGEST_WORD]

    def _subject(self, given: Any, lang: str) -> tuple[str, ...]:
        words = tuple(given) if isinstance(given, list) and len(given) <= MOST_SUBJECTS else ()
        if len(words) != len(self.declared.subject) or not all(
            isinstance(w, str) and len(w) <= LONGEST_WORD and "\0" not in w for w in words
        ):
            raise Refused(
                t("It is not said whose value this is. Reload the page and click the value again.", lang)
            )
        return words


def wire(app: Dash) -> None:
    """Answer clicks on measured values in `app`."""

    @app.callback(Output("proof-body", "children"), Input("proof-request", "data"), prevent_initial_call=True)
    @permitted(SIGNED_IN)
    def prove_it(data: Any) -> Component:
        if not data:
            raise PreventUpdate
        return body(data, here())

    @app.callback(Output("proof-rows", "children"), Input("proof-page", "data"), prevent_initial_call=True)
    @permitted(SIGNED_IN)
    def turn(data: Any) -> Any:
        if not data:
            raise PreventUpdate
        return rows_after(data, here())


def body(data: Any, view: View) -> Component:
    """The drawer's inside for a request, or what is wrong with it."""
    try:
        asked = Request(data, view)
        with session(engine(), actor()) as own, reader_of(asked.declared, own) as unit:
            proof = prove(unit, asked.key, asked.window, asked.subject)
    except Refused as refused:
        return html.P(str(refused), className="notice", role="alert")
    except Exception as error:
        return failure(error, view.lang)
    proof = replace(proof, rows=readable(proof.rows, view))
    check = _compared(asked, proof, view)
    return proof_body(proof, view.lang, view.zone, check, following=_sealed(proof.following))


def rows_after(data: Any, view: View) -> Any:
    """A page of the rows behind a reading, as the person sees them, or what is wrong with the request."""
    try:
        asked = Request(data, view)
        with session(engine(), actor()) as own, reader_of(asked.declared, own) as unit:
            found = more(unit, asked.key, asked.window, asked.subject, _opened(asked.after, view.lang))
    except (Refused, BadCursor) as refused:
        said = str(refused) if isinstance(refused, Refused) else _other_rows(view.lang)
        return html.P(said, className="notice", role="alert")
    except Exception as error:
        return failure(error, view.lang)
    rows = readable(found.rows, view)
    place = {"first": found.first, "following": _sealed(found.following)}
    return proof_rows(found.columns, rows, view.lang, view.zone, **place)


def _sealed(cursor: str | None) -> str | None:
    """The cursor with a signature of this server, for this person: no other is read."""
    return None if cursor is None else f"{cursor}.{_signature(cursor)}"


def _opened(after: str, lang: str) -> str | None:
    cursor, _, signature = after.rpartition(".")
    if after and not hmac.compare_digest(signature.encode(), _signature(cursor).encode()):
        raise Refused(_other_rows(lang))
    return cursor or None


def _signature(cursor: str) -> str:
    return keyed("rows", cursor, str(actor().profile_id))[:SIGNED]


def _other_rows(lang: str) -> str:
    return t("These rows cannot be found again. Close this and click the value again.", lang)


def readable(rows: Sequence[Mapping[str, Any]], view: View) -> tuple[Mapping[str, Any], ...]:
    """The same rows with nanoseconds since 1970 as moments and lengths in nanoseconds as milliseconds."""
    return tuple({name: _readable(name, value, view.lang) for name, value in row.items()} for row in rows)


def _readable(name: str, value: Any, lang: str) -> Any:
    if not isinstance(value, int) or not name.endswith("_ns"):
        return value
    if name in ("duration_ns", "latency_ns"):
        return by_unit(value / MS, "ms", lang)
    return from_ns(value)


def _compared(asked: Request, proof: Proof, view: View) -> Component | None:
    """Whether what the screen shows is what comes out now."""
    reading, lang = proof.reading, view.lang
    at = moment(view.now, lang, view.zone)
    if isinstance(reading, Reading):
        if not asked.says_value:
            return None
        if same(asked.shown, reading.value):
            words = t("Read again {at} over the same window: it is the value you clicked.", lang, at=at)
            return _agrees(words)
        words = t(
            "Read again {at} over the same window it is {now}; the page showed {shown}. "
            "Rows came or went meanwhile: press Refresh.",
            lang,
            at=at,
            now=by_unit(reading.value, reading.unit, lang),
            shown=by_unit(asked.shown, reading.unit, lang),
        )
        return _differs(words)
    if not asked.mark:
        return None
    if asked.mark == mark_of(reading.rows):
        return _agrees(t("Read again {at} over the same window: the chart shows these rows.", lang, at=at))
    words = t(
        "Read again {at} over the same window the rows are others than those drawn; now n = {n}. "
        "Rows came or went meanwhile: press Refresh.",
        lang,
        at=at,
        n=number(reading.n, lang),
    )
    return _differs(words)


def _agrees(words: str) -> Component:
    return html.P(words, className="proof-check", **attributes({"data-same": "true"}))


def _differs(words: str) -> Component:
    return html.P(
        words, className="proof-check is-different", role="alert", **attributes({"data-same": "false"})
    )


def same(shown: float | int | None, again: float | int | None) -> bool:
    """Whether two values are one, apart from the last bits of a sum."""
    if shown is None or again is None:
        return shown is again
    return isclose(shown, again, rel_tol=1e-9, abs_tol=1e-9)


def _window(data: Mapping[str, Any], view: View) -> Window:
    """The window of the shown value, seen at the instant it was measured (never later than now)."""
    try:
        measured_at = datetime.fromisoformat(str(data.get("at") or "")[:64])
        at = min(measured_at, view.now) if measured_at.tzinfo and measured_at > EARLIEST else view.now
    except ValueError:
        at = view.now
    try:
        window = Window.parse(str(data.get("window") or "all")[:LONGEST_WORD], at)
        if window.start and window.end and not EARLIEST <= window.start < window.end <= LATEST:
            raise WindowError("outside the years that can be stored")
    except (ValueError, OverflowError):
        raise Refused(
            t(
                "The time range of this value cannot be read. Reload the page and click the value again.",
                view.lang,
            )
        ) from None
    return window


def _number(text: Any) -> float | int | None:
    """A value as an element carries it: text, empty when unknown. None for what no reading can be."""
    try:
        number = float(text) if isinstance(text, str | int | float) else nan
    except (ValueError, OverflowError):
        return None
    if not abs(number) <= LARGEST:
        return None
    return int(number) if number.is_integer() else number
