"""Compares what the metrics and charts show with what comes out of the raw rows by the other way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isclose
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import db.queries
from db.metric import (
    BY_HISTOGRAM,
    HISTOGRAM_BOUND,
    METRICS,
    SERIES,
    Metric,
    Reading,
    Series,
    SeriesReading,
    read,
    read_series,
)
from db.models import Span
from db.recompute.base import RECOMPUTED, Again, Amount, Chart, Domain, Rows, Stopped
from db.recompute.beyond import Reach, kept_since, reach_of
from db.window import Window, from_ns, iso

REGISTRIES = db.queries.__all__  # importing db.queries fills METRICS and SERIES
AGREES, WITHIN, DIFFERS, BEYOND = "agrees", "within the bound", "differs", "not recomputed"
STANDARD = ("all", "24h", "7d", "30d")
Subject = tuple[str, ...]
Table = Mapping[tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True)
class Line:
    """One number, shown and recomputed. `difference` is None where one of the two is unknown.

    Of a chart, what is shown and recomputed is how many rows it has, n is their counts' sum, and the difference is the
    largest of any number in it. `since` says of a number that is not recomputed since when its rows are kept.
    """

    key: str
    window: str
    subject: Subject
    shown: float | None
    shown_n: int
    recomputed: float | None
    recomputed_n: int
    difference: float | None
    verdict: str
    since: str | None = None
    is_chart: bool = False

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
    """Every metric and chart over every window, and over some of what it may be about; Stopped when told to end.

    Read and recomputed in one transaction, so that both see the same rows. Windows that hold more than the rows which
    are kept are told, and not compared.
    """
    rows = Rows(session, is_ending)
    since = kept_since(rows)
    for domain in dict.fromkeys(RECOMPUTED.values()) if domains is None else domains:
        reach = reach_of(domain, windows, since)
        yield from _beyond(domain, reach, windows[0])
        for again in domain(rows, reach.covered) if reach.covered else ():
            if not declared(again.key).windowed and again.window is not reach.covered[0]:
                continue  # it speaks of now, whatever the window
            if is_ending():
                raise Stopped
            if isinstance(again, Chart):
                yield charted(read_series(session, again.key, again.window, again.subject), again)
            else:
                yield compared(read(session, again.key, again.window, again.subject), again)


def declared(key: str) -> Metric | Series:
    return METRICS.get(key) or SERIES[key]


def _beyond(domain: Domain, reach: Reach, first: Window) -> Iterator[Line]:
    """What is not recomputed; what speaks of now once, and only where no window is left."""
    for window in reach.beyond:
        for key in (key for key, each in RECOMPUTED.items() if each is domain):
            if declared(key).windowed or (window is first and not reach.covered):
                since, is_chart = iso(reach.since), key in SERIES
                yield Line(key, window.name, (), None, 0, None, 0, None, BEYOND, since, is_chart)


def compared(reading: Reading, again: Again) -> Line:
    """The verdict on one number. Percentiles out of a histogram may be off by its bound, and say so."""
    least = METRICS[again.key].least
    n = int(again.value or 0) if again.n is None else again.n
    value = None if again.value is None or n < least else float(again.value)
    shown = None if reading.value is None else float(reading.value)
    difference = None if value is None or shown is None else shown - value
    verdict = _verdict(reading.resolution, shown, value, again.within) if reading.n == n else DIFFERS
    return Line(
        key=again.key,
        window=again.window.name,
        subject=again.subject,
        shown=shown,
        shown_n=reading.n,
        recomputed=value,
        recomputed_n=n,
        difference=difference,
        verdict=verdict,
    )


def _verdict(resolution: str, shown: float | None, value: float | None, within: float = 0.0) -> str:
    if shown is None or value is None:
        return AGREES if shown is value else DIFFERS
    if isclose(shown, value, rel_tol=1e-9, abs_tol=max(1e-9, within)):
        return AGREES
    if resolution == BY_HISTOGRAM and isclose(shown, value, rel_tol=HISTOGRAM_BOUND):
        return WITHIN
    return DIFFERS


# --- charts -----------------------------------------------------------------------------------------------


def charted(reading: SeriesReading, chart: Chart) -> Line:
    """The verdict on a chart, number by number: the same rows, each with the same numbers."""
    shown = {tuple(_name(row[name]) for name in chart.by): row for row in reading.rows}
    wanted = _largest(shown, chart.rows, chart.most)
    is_alike = shown.keys() == wanted.keys() and len(shown) == len(reading.rows)
    verdicts: list[str] = [] if is_alike else [DIFFERS]
    differences = [0.0]
    for key in shown.keys() & wanted.keys():
        for name, value in wanted[key].items():
            left, right = _plain(shown[key][name]), _plain(value)
            verdicts.append(_verdict(reading.resolution, left, right))
            if left is not None and right is not None:
                differences.append(left - right)
    return Line(
        key=chart.key,
        window=chart.window.name,
        subject=chart.subject,
        shown=float(len(reading.rows)),
        shown_n=reading.n,
        recomputed=float(len(wanted)),
        recomputed_n=sum(int(row["count"] or 0) for row in wanted.values()),
        difference=max(differences, key=abs) if is_alike else None,
        verdict=next((each for each in (DIFFERS, WITHIN) if each in verdicts), AGREES),
        is_chart=True,
    )


def _largest(shown: Table, rows: Table, most: int | None) -> Table:
    """The rows with the largest counts; of equal ones at the end those that are shown, for databases sort text in
    their own ways."""
    if most is None or len(rows) <= most:
        return rows
    order = sorted(rows, key=lambda key: (-rows[key]["count"], key not in shown, str(key)))
    return {key: rows[key] for key in order[:most]}


def _name(value: Any) -> Any:
    """What a row is named by: an address as text, which one database gives as an object of its own."""
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _plain(value: Amount | None) -> float | None:
    return None if value is None else float(value)


def unproven() -> list[Metric | Series]:
    """Metrics and charts without another way to compute them."""
    every: dict[str, Metric | Series] = {**METRICS, **SERIES}
    return [made for key, made in every.items() if key not in RECOMPUTED]


__all__ = [
    "AGREES",
    "BEYOND",
    "DIFFERS",
    "STANDARD",
    "WITHIN",
    "Line",
    "charted",
    "compared",
    "standard_windows",
    "unproven",
    "verify",
]
