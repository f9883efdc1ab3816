"""What may be drawn as a measured value: a reading that knows its key, unit, n, window and instant."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol, TypeVar, runtime_checkable


@runtime_checkable
class MeasuredWindow(Protocol):
    """A half-open span of time in UTC, with the name the address bar uses for it."""

    @property
    def start(self) -> datetime | None: ...
    @property
    def end(self) -> datetime | None: ...
    @property
    def name(self) -> str: ...


@runtime_checkable
class Measured(Protocol):
    """One number with everything needed to doubt it. `value` is None when unknown, and then `reason` says why."""

    @property
    def key(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def value(self) -> float | int | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def n(self) -> int: ...
    @property
    def interval(self) -> tuple[float, float] | None: ...
    @property
    def measured_at(self) -> datetime: ...
    @property
    def window(self) -> Any: ...
    @property
    def subject(self) -> tuple[str, ...]: ...


@runtime_checkable
class MeasuredSeries(Protocol):
    """Rows for a chart, measured at one instant."""

    @property
    def key(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def rows(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def n(self) -> int: ...
    @property
    def measured_at(self) -> datetime: ...
    @property
    def window(self) -> Any: ...
    @property
    def subject(self) -> tuple[str, ...]: ...


@runtime_checkable
class Proven(Protocol):
    """How a reading was made: the definition and its version, the query as it ran, and the first rows behind it."""

    @property
    def reading(self) -> Any: ...
    @property
    def sentence(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def excluded(self) -> str: ...
    @property
    def resolution(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def sql(self) -> str: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def tables(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def columns(self) -> Sequence[str]: ...


Given = TypeVar("Given")


def require(given: Given, wanted: type, argument: str) -> Given:
    """`given`, if it is what `wanted` describes; else a TypeError that names the argument."""
    if not isinstance(given, wanted):
        raise TypeError(
            f"{argument} must be a {wanted.__name__} (a reading with its key, n and instant), "
            f"not {type(given).__name__}: values reach a page only as readings"
        )
    return given


def marks(reading: Measured | MeasuredSeries) -> dict[str, str]:
    """The data attributes by which a person, a test or the proof drawer finds the measurement behind an element."""
    value = getattr(reading, "value", None)
    rows = {"data-rows": mark_of(reading.rows)} if isinstance(reading, MeasuredSeries) else {}
    return rows | {
        "data-metric": reading.key,
        "data-value": "" if value is None else repr(value) if isinstance(value, float) else str(value),
        "data-window": reading.window.name if reading.window is not None else "",
        "data-subject": json.dumps(list(reading.subject), ensure_ascii=False),
        "data-measured-at": reading.measured_at.isoformat(),
    }


def unit_told(subject: Sequence[str]) -> str:
    """The unit of the series that a subject names, [[metric, unit, source], ...]; "" where none is told."""
    try:
        return str(json.loads(subject[0])[0][1])
    except (ValueError, LookupError, TypeError):
        return ""


def beside(reading: Measured | MeasuredSeries) -> dict[str, str]:
    """The attribute of what stands beside a measured value and belongs to it: its n, its interval, its rows."""
    return {"data-of": reading.key}


# Why a number on a page is no measured value: a definition's own, a limit, a row as it is stored, how many rows of a
# list are shown, part of a name.
UNMEASURED = ("definition", "limit", "stored", "shown", "name")


def unmeasured(why: str) -> dict[str, str]:
    """The attribute of an element whose digits measure nothing, with the reason; a test looks for all others."""
    if why not in UNMEASURED:
        raise ValueError(f"{why!r} is no reason; choose one of {', '.join(UNMEASURED)}")
    return {"data-unmeasured": why}


def mark_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """A short mark of a chart's rows: the same for the same rows, apart from the last bits of a sum."""
    spelled = [[(name, _spelled(value)) for name, value in sorted(row.items())] for row in rows]
    return sha256(json.dumps(spelled).encode()).hexdigest()[:16]


def _spelled(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.9g}" if is_number and math.isfinite(value) else str(value)
