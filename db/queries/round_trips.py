"""How long the database takes to answer this application: round trips of real queries, and those that failed."""

from typing import Any

from sqlalchemy import ColumnElement, func, select

from db.metric import Statement, Window, metric, place_of, series
from db.models import SystemMetric
from db.queries.measured import BY_RANK, Subject, count_of, measurement_percentile, medians_by_time

ROUND_TRIP = "db.round_trip_ms"
WEB_ROUND_TRIP = "web.round_trip_ms"
NOT_SAMPLED = "No round trip of a query has been recorded in this window."
NEEDS = "system:read"
TRIPS = Subject(ROUND_TRIP)
MINUTES_5, HOUR, DAY = 300, 3600, 86_400


def _trips(window: Window) -> tuple[ColumnElement[bool], ...]:
    """Round trips that ended with an answer."""
    return (
        SystemMetric.metric_type == ROUND_TRIP,
        SystemMetric.metric_value.is_not(None),
        window.covers(SystemMetric.recorded_at),
    )


COLUMNS = (
    SystemMetric.recorded_at,
    SystemMetric.metric_value,
    SystemMetric.metric_unit,
    SystemMetric.source,
    SystemMetric.meta["asked"].as_string().label("asked"),
)


def _from_rank(percent: int) -> Any:
    """The samples from the one that is the percentile upwards: the first row is the value itself."""

    def evidence(window: Window) -> Statement:
        ranked = (
            select(
                *COLUMNS,
                func.row_number().over(order_by=SystemMetric.metric_value).label("place"),
                func.count().over().label("n"),
            )
            .where(*_trips(window))
            .subquery()
        )
        return select(ranked).where(ranked.c.place >= place_of(ranked.c.n, percent)).order_by(ranked.c.place)

    return evidence


@metric(
    "db.latency_p50_ms",
    title="Database round trip, median",
    unit="ms",
    formula=f"nearest rank: the ⌈0.50·n⌉-th shortest recorded round trip; {BY_RANK}",
    excluded="Queries that failed: they have no round trip and are counted apart.",
    least=1,
    few=NOT_SAMPLED,
    evidence=_from_rank(50),
)
def db_latency_p50(window: Window) -> Statement:
    """Half of the recorded round trips of real queries, fetch included, took this long or less."""
    return measurement_percentile(window, TRIPS, 50)


@metric(
    "db.latency_p95_ms",
    title="Database round trip, 95th percentile",
    unit="ms",
    formula=f"nearest rank: the ⌈0.95·n⌉-th shortest recorded round trip; needs n ≥ 20; {BY_RANK}",
    excluded="Queries that failed: they have no round trip and are counted apart.",
    least=20,
    few=NOT_SAMPLED,
    evidence=_from_rank(95),
)
def db_latency_p95(window: Window) -> Statement:
    """95 of 100 recorded round trips of real queries, fetch included, took this long or less."""
    return measurement_percentile(window, TRIPS, 95)


@metric(
    "db.latency_p99_ms",
    title="Database round trip, 99th percentile",
    unit="ms",
    formula=f"nearest rank: the ⌈0.99·n⌉-th shortest recorded round trip; needs n ≥ 100; {BY_RANK}",
    excluded="Queries that failed: they have no round trip and are counted apart.",
    least=100,
    few=NOT_SAMPLED,
    evidence=_from_rank(99),
)
def db_latency_p99(window: Window) -> Statement:
    """99 of 100 recorded round trips of real queries, fetch included, took this long or less."""
    return measurement_percentile(window, TRIPS, 99)


def _failures(window: Window) -> tuple[ColumnElement[bool], ...]:
    return (
        SystemMetric.metric_type == ROUND_TRIP,
        SystemMetric.metric_value.is_(None),
        window.covers(SystemMetric.recorded_at),
    )


@metric(
    "db.failures",
    title="Failed queries",
    unit="errors",
    formula="count of recorded queries without an answer",
    excluded="Queries that were answered.",
    evidence=lambda window: (
        select(
            SystemMetric.recorded_at,
            SystemMetric.source,
            SystemMetric.meta["asked"].as_string().label("asked"),
            SystemMetric.meta["error"].as_string().label("error"),
        )
        .where(*_failures(window))
        .order_by(SystemMetric.recorded_at.desc())
    ),
)
def db_failures(window: Window) -> Statement:
    """Queries of metrics and heartbeats that the database did not answer. They have no round trip and lie in no
    percentile."""
    return count_of(window, TRIPS, "missing")


def bucket_seconds(window: Window) -> int:
    """How wide a bar is: five minutes up to two days, an hour up to two weeks, else a day."""
    if window.start is None or window.end is None:
        return DAY
    length = (window.end - window.start).total_seconds()
    return MINUTES_5 if length <= 2 * DAY else HOUR if length <= 14 * DAY else DAY


@series(
    "db.latency_by_time",
    title="Database round trip over time",
    unit="ms",
    formula="median by nearest rank per 5 minutes; per hour beyond 2 days, per day beyond 2 weeks; "
    f"{BY_RANK}",
    excluded="Queries that failed: they have no round trip and are counted apart.",
    needs=NEEDS,
    evidence=lambda window: select(*COLUMNS).where(*_trips(window)).order_by(SystemMetric.recorded_at.desc()),
)
def latency_by_time(window: Window) -> Statement:
    """The median of the round trips recorded in each stretch of time. A stretch without a bar has none recorded."""
    return medians_by_time(window, TRIPS, bucket_seconds(window))
