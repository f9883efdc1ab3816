"""The application itself: its clock, its database's answers, its collector's presence."""

from typing import Any

from sqlalchemy import func, literal, select

import settings
from db.base import Instant
from db.functions import days_between
from db.metric import Statement, Window, metric, nearest_rank
from db.models import SystemMetric

ROUND_TRIP = "db.round_trip_ms"
OBSERVED_SECONDS = "collector.observed_seconds"
UP_SECONDS = "collector.up_seconds"
NOT_SAMPLED = "No round trip of a query has been recorded in this window."
NOT_WATCHED = "Nothing was observed in this window: no heartbeat of the collector is recorded."


@metric(
    "system.elapsed_days",
    title="Days since the start",
    unit="days",
    formula="(now − QUANTUM_EPOCH) / 1 day",
    windowed=False,
)
def elapsed_days(window: Window) -> Statement:
    """Days since the project's clock started. Elapsed time is a fact; it says nothing about availability."""
    start, end = literal(settings.epoch(), Instant()), literal(window.at, Instant())
    return select(days_between(start, end).label("value"))


def _samples(window: Window, kind: str) -> Statement:
    return select(SystemMetric.metric_value.label("x")).where(
        SystemMetric.metric_type == kind,
        SystemMetric.metric_value.is_not(None),
        window.covers(SystemMetric.recorded_at),
    )


def _sample_rows(*kinds: str) -> Any:
    return lambda window: (
        select(
            SystemMetric.recorded_at,
            SystemMetric.metric_type,
            SystemMetric.metric_value,
            SystemMetric.metric_unit,
            SystemMetric.source,
        )
        .where(SystemMetric.metric_type.in_(kinds), window.covers(SystemMetric.recorded_at))
        .order_by(SystemMetric.recorded_at.desc())
    )


@metric(
    "db.latency_p50_ms",
    title="Database round trip, median",
    unit="ms",
    formula="nearest rank: the ⌈0.50·n⌉-th shortest recorded round trip",
    least=1,
    few=NOT_SAMPLED,
    evidence=_sample_rows(ROUND_TRIP),
)
def db_latency_p50(window: Window) -> Statement:
    """Half of the recorded round trips of real queries, fetch included, took this long or less."""
    return nearest_rank(_samples(window, ROUND_TRIP), 50)


@metric(
    "db.latency_p95_ms",
    title="Database round trip, 95th percentile",
    unit="ms",
    formula="nearest rank: the ⌈0.95·n⌉-th shortest recorded round trip; needs n ≥ 20",
    least=20,
    few=NOT_SAMPLED,
    evidence=_sample_rows(ROUND_TRIP),
)
def db_latency_p95(window: Window) -> Statement:
    """95 of 100 recorded round trips of real queries, fetch included, took this long or less."""
    return nearest_rank(_samples(window, ROUND_TRIP), 95)


@metric(
    "system.uptime",
    title="Collector uptime",
    unit="percent",
    formula="100 × seconds the collector was up / seconds observed",
    least=1,
    few=NOT_WATCHED,
    evidence=_sample_rows(OBSERVED_SECONDS, UP_SECONDS),
)
def uptime(window: Window) -> Statement:
    """Share of the observed time in which the collector was up. Time nobody watched is not counted as up or down."""
    seen = select(
        func.sum(SystemMetric.metric_value).filter(SystemMetric.metric_type == UP_SECONDS).label("up"),
        func.sum(SystemMetric.metric_value).filter(SystemMetric.metric_type == OBSERVED_SECONDS).label("all"),
        func.count().filter(SystemMetric.metric_type == OBSERVED_SECONDS).label("n"),
    ).where(
        SystemMetric.metric_type.in_((UP_SECONDS, OBSERVED_SECONDS)),
        window.covers(SystemMetric.recorded_at),
    )
    totals = seen.subquery("totals")
    return select((100.0 * totals.c.up / func.nullif(totals.c.all, 0)).label("value"), totals.c.n)
