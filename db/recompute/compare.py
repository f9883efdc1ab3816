"""Compares what the metrics show with what comes out of the raw rows by the other way."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isclose
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import db.queries
from db.metric import BY_HISTOGRAM, HISTOGRAM_BOUND, METRICS, Metric, Reading, read
from db.models import Span
from db.recompute.base import RECOMPUTED, Again, Domain, Rows, Stopped
from db.window import Window, from_ns, iso

REGISTRIES = db.queries.__all__  # importing db.queries fills METRICS
AGREES, WITHIN, DIFFERS = "agrees", "within the bound", "differs"
STANDARD = ("all", "24h", "7d", "30d")
Subject = tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One number, shown and recomputed. `difference` is None where one of the two is unknown."""

    key: str
    window: str
    subject: Subject
    shown: float | None
    shown_n: int
    recomputed: float | None
    recomputed_n: int
    difference: float | None
    verdict: str

    def told(self) -> dict[str, Any]:
        """In JSON's types."""
        return asdict(self) | {"subject": list(self.subject)}


def standard_windows(session: Session, at: datetime) -> list[Window]:
    """All time, the last day, week and month; and the stretch in which there are spans, where there are any."""
    windows = [Window.parse(name, at) for name in STANDARD]
    first, last = session.execute(select(func.min(Span.start_ns), func.max(Span.start_ns))).one()
    if first is not None:
        # The end is not inside: one microsecond later it is behind the last span.
        span = f"{iso(from_ns(first))}/{iso(from_ns(last + 1000))}"
        windows.append(Window.parse(span, at))
    return windows


def verify(
    session: Session,
    windows: Sequence[Window],
    *,
    is_ending: Callable[[], bool] = lambda: False,
    domains: Sequence[Domain] | None = None,
) -> Iterator[Line]:
    """Every metric over every window, and over some of what it may be about; Stopped when told to end.

    Read and recomputed in one transaction, so that both see the same rows.
    """
    rows = Rows(session, is_ending)
    for domain in dict.fromkeys(RECOMPUTED.values()) if domains is None else domains:
        for again in domain(rows, windows):
            if not METRICS[again.key].windowed and again.window is not windows[0]:
                continue  # it speaks of now, whatever the window
            if is_ending():
                raise Stopped
            yield compared(read(session, again.key, again.window, again.subject), again)


def compared(reading: Reading, again: Again) -> Line:
    """The verdict on one number. Percentiles out of a histogram may be off by its bound, and say so."""
    declared = METRICS[again.key]
    n = int(again.value or 0) if again.n is None else again.n
    value = None if again.value is None or n < declared.least else float(again.value)
    shown = None if reading.value is None else float(reading.value)
    difference = None if value is None or shown is None else shown - value
    return Line(
        key=again.key,
        window=again.window.name,
        subject=again.subject,
        shown=shown,
        shown_n=reading.n,
        recomputed=value,
        recomputed_n=n,
        difference=difference,
        verdict=_verdict(reading, shown, value, n, again.within),
    )


def _verdict(reading: Reading, shown: float | None, value: float | None, n: int, within: float) -> str:
    if reading.n != n or (shown is None) is not (value is None):
        return DIFFERS
    if shown is None or value is None or isclose(shown, value, rel_tol=1e-9, abs_tol=max(1e-9, within)):
        return AGREES
    if reading.resolution == BY_HISTOGRAM and isclose(shown, value, rel_tol=HISTOGRAM_BOUND):
        return WITHIN
    return DIFFERS


def unproven() -> list[Metric]:
    """Metrics without another way to compute them."""
    return [made for key, made in METRICS.items() if key not in RECOMPUTED]


__all__ = [
    "AGREES",
    "DIFFERS",
    "STANDARD",
    "WITHIN",
    "Line",
    "compared",
    "standard_windows",
    "unproven",
    "verify",
]
