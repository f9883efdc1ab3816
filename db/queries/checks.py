"""What checks over HTTP found: how many, which share was up, and how long the answers took.

A share of checks is no share of time: between two checks nobody looked. Of days whose results are no longer kept,
their counts and a histogram of their times are.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, false, func, literal_column, select, union_all

from db.functions import bucket_of
from db.metric import Statement, Window, metric, place_of, series
from db.models.uptime import CheckResult
from db.models.uptime_kept import CheckDay
from db.queries.check_results import COLUMNS, Which, listed, medians_of_days, percentile, single, tallies
from db.queries.rolled import whole
from db.queries.round_trips import bucket_seconds

NOT_CHECKED = "No check of this window is stored."
NOT_ANSWERED = "No check of this window was answered as expected."
SUBJECT = ("check",)


def _of(check: str) -> tuple[tuple[Which, ...], tuple[Which, ...]]:
    """Its results, and the days of which only sums are kept."""
    try:
        key = UUID(check)
    except ValueError:
        return (false(),), (false(),)
    return (CheckResult.check_id == key,), (CheckDay.check_id == key,)


def _results(window: Window, check: str) -> Statement:
    return listed(window, *_of(check))


def _failures(window: Window, check: str) -> Statement:
    return listed(window, *_of(check), ups=False)


@metric(
    "checks.count",
    title="Checks",
    unit="checks",
    formula="count of stored results",
    subject=SUBJECT,
    evidence=_results,
)
def count(window: Window, check: str) -> Statement:
    """Results of this check that were planned for a moment of the window."""
    total = tallies(window, *_of(check))
    return select(whole(func.sum(total.c.up + total.c.failed)).label("value"))


@metric(
    "checks.failed",
    title="Failed checks",
    unit="checks",
    formula="count of stored results that are not up",
    subject=SUBJECT,
    evidence=_failures,
)
def failed(window: Window, check: str) -> Statement:
    """Checks without the expected answer in time. They lie in no percentile of its times."""
    return select(whole(func.sum(tallies(window, *_of(check)).c.failed)).label("value"))


@metric(
    "checks.share_up",
    title="Share of checks up",
    unit="percent",
    formula="100 × checks up / checks",
    least=1,
    few=NOT_CHECKED,
    subject=SUBJECT,
    evidence=_results,
)
def share_up(window: Window, check: str) -> Statement:
    """How many of the checks were answered as expected. It is a share of checks and no availability: between two checks
    nobody looked."""
    total = tallies(window, *_of(check))
    up, n = whole(func.sum(total.c.up)), whole(func.sum(total.c.up + total.c.failed))
    return select((100.0 * up / func.nullif(n, 0)).label("value"), n.label("n"))


def _answered(window: Window, check: str) -> tuple[Which, ...]:
    results, _ = _of(check)
    return single(window, *results, CheckResult.is_up, CheckResult.milliseconds.is_not(None))


def _from_rank(percent: int) -> Any:
    """The results from the one that is the percentile upwards: the first row is the value itself."""

    def evidence(window: Window, check: str) -> Statement:
        place = func.row_number().over(order_by=(CheckResult.milliseconds, CheckResult.id)).label("place")
        ranked = (
            select(*COLUMNS, place, func.count().over().label("n"))
            .where(*_answered(window, check))
            .subquery()
        )
        return select(ranked).where(ranked.c.place >= place_of(ranked.c.n, percent)).order_by(ranked.c.place)

    return evidence


@metric(
    "checks.latency_p50_ms",
    title="Time to the answer, median",
    unit="ms",
    formula="nearest rank: the ⌈0.50·n⌉-th shortest time of a check that was up",
    excluded="Checks that failed, and answers whose time is not known.",
    least=1,
    few=NOT_ANSWERED,
    subject=SUBJECT,
    evidence=_from_rank(50),
)
def latency_p50(window: Window, check: str) -> Statement:
    """Half of the checks that were up were answered in this time or less, from the moment they were planned for."""
    return percentile(window, 50, *_of(check))


@metric(
    "checks.latency_p95_ms",
    title="Time to the answer, 95th percentile",
    unit="ms",
    formula="nearest rank: the ⌈0.95·n⌉-th shortest time of a check that was up; needs n ≥ 20",
    excluded="Checks that failed, and answers whose time is not known.",
    least=20,
    few=NOT_ANSWERED,
    subject=SUBJECT,
    evidence=_from_rank(95),
)
def latency_p95(window: Window, check: str) -> Statement:
    """95 of 100 checks that were up were answered in this time or less, from the moment they were planned for."""
    return percentile(window, 95, *_of(check))


@series(
    "checks.latency_by_time",
    title="Time to the answer over time",
    unit="ms",
    formula="median by nearest rank per 5 minutes; per hour beyond 2 days, per day beyond 2 weeks",
    excluded="Checks that failed, and answers whose time is not known.",
    subject=SUBJECT,
    evidence=_results,
)
def latency_by_time(window: Window, check: str) -> Statement:
    """The median of the checks that were up, by the stretch of time they were planned for. One without a bar had
    none."""
    each = (
        select(
            bucket_of(CheckResult.at, bucket_seconds(window)).label("at"), CheckResult.milliseconds.label("x")
        )
        .where(*_answered(window, check))
        .subquery("each")
    )
    ranked = select(
        each.c.at,
        each.c.x,
        func.row_number().over(partition_by=each.c.at, order_by=each.c.x).label("place"),
        func.count().over(partition_by=each.c.at).label("n"),
    ).subquery("ranked")
    middle = func.max(ranked.c.x).filter(ranked.c.place == place_of(ranked.c.n, 50))
    width: ColumnElement[int] = literal_column(str(bucket_seconds(window)))
    exact: ColumnElement[int] = literal_column("0")
    told = (ranked.c.at, width.label("seconds"), middle.label("value"), func.max(ranked.c.n).label("count"))
    bars = select(*told, exact.label("resolution")).group_by(ranked.c.at)
    row = union_all(bars, medians_of_days(window, _of(check)[1])).subquery("bars")
    return select(row).order_by(row.c.at)
