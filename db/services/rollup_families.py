"""Families of rows that are rolled up alike: which rows there are, and what makes their roll-ups."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.metric import NANOSECONDS, from_ns, to_ns
from db.models import (
    AgentLog,
    AgentRollup,
    ApiLog,
    ApiRollup,
    CallRollup,
    FleetRollup,
    LogRollup,
    MeasurementRollup,
    Span,
    SystemMetric,
)
from db.models.rollup import API, FIVE_MINUTES, LOGS, MEASUREMENTS, SPANS
from db.moments import start_of
from db.queries.measured import NOT_WATCHED
from db.services.rollup_rows import make_anew
from db.services.rollup_shapes import LOG_LINES, MEASURED, PROGRAMS, make
from db.services.touched import WIDTH


@dataclass(frozen=True)
class Family:
    """One family.

    Attributes:
        models: its roll-ups; the first has a row for every stretch in which there are raw rows.
        moment: the raw rows' time, in nanoseconds or as a moment; only: which of them are rolled up.
        make: counts the five minutes that start then anew, and the hours and days above them.
    """

    models: tuple[Any, ...]
    moment: Any
    make: Callable[[Session, Sequence[int]], None]
    only: tuple[Any, ...] = ()
    is_instant: bool = True

    def starts(self, first: int | None, last: int | None) -> Any:
        """The starts of five minutes of raw rows in [first, last), in seconds; both are multiples of 300."""
        five = start_of(self.moment, FIVE_MINUTES) if self.is_instant else self.moment // WIDTH * FIVE_MINUTES
        stored = select(five.label("start")).where(self.moment.is_not(None), *self.only)
        if first is not None:
            stored = stored.where(self.moment >= self.at(first))
        return stored if last is None else stored.where(self.moment < self.at(last))

    def start(self, moment: Any) -> int:
        """The start of the five minutes in which a raw row's time lies."""
        return int((to_ns(moment) if self.is_instant else moment) // WIDTH * FIVE_MINUTES)

    def at(self, seconds: int) -> Any:
        """These seconds since 1970 as the raw rows say them."""
        return from_ns(seconds * NANOSECONDS) if self.is_instant else seconds * NANOSECONDS


def _spans_anew(session: Session, starts: Sequence[int]) -> None:
    make_anew(session, starts, _with_following(session, starts))


def _with_following(session: Session, starts: Sequence[int]) -> list[int]:
    """Which traces begin in five minutes depends on the five before as well."""
    following = {start + FIVE_MINUTES for start in starts} - set(starts)
    made = select(FleetRollup.start).where(
        FleetRollup.resolution == FIVE_MINUTES, FleetRollup.start.in_(following)
    )
    return sorted({*starts, *session.scalars(made)})


FAMILIES: Mapping[str, Family] = {
    SPANS: Family((FleetRollup, AgentRollup, CallRollup), Span.start_ns, _spans_anew, is_instant=False),
    LOGS: Family((LogRollup,), AgentLog.created_at, partial(make, LOG_LINES)),
    MEASUREMENTS: Family(
        (MeasurementRollup,), SystemMetric.recorded_at, partial(make, MEASURED), (NOT_WATCHED,)
    ),
    API: Family((ApiRollup,), ApiLog.created_at, partial(make, PROGRAMS)),
}
