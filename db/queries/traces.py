"""Traces: counted one by one while there are few, else in the five minutes in which they begin.

Distinct things do not add up. What adds up is how many traces are seen in five minutes of the clock and were not in the
five before: a trace that goes on counts once for as long as it is never silent for five whole minutes of the clock.
"""

from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, case, exists, func, select, union

from db.histogram import BY_BUCKET, EXACT
from db.metric import NANOSECONDS, Statement, Window, metric, to_ns
from db.models import FleetRollup, Span
from db.models.rollup import FIVE_MINUTES, WEEK
from db.queries.rolled import Plan, touched_between, whole
from db.queries.spans import not_own_parts, of_others, span_reach

WIDTH = FIVE_MINUTES * NANOSECONDS


def begun(seen: CTE, start: int | None = None, end: int | None = None) -> Statement:
    """How many rows of `seen` (start, trace_id) in [start, end) have none of their trace five minutes before."""
    before = seen.alias(f"{seen.name}_before")
    again = exists().where(
        before.c.trace_id == seen.c.trace_id, before.c.start == seen.c.start - FIVE_MINUTES
    )
    bounds = [] if start is None or end is None else [seen.c.start >= start, seen.c.start < end]
    return select(func.count().label("count")).select_from(seen).where(~again, *bounds)


def seen_in(name: str, *conditions: Any, beside: CTE | None = None) -> CTE:
    """The traces of others and the five minutes in which they have a span."""
    start = (Span.start_ns // WIDTH * FIVE_MINUTES).label("start")
    found = select(start, Span.trace_id).select_from(Span)
    if beside is not None:
        begin = beside.c.start * NANOSECONDS
        found = found.join(beside, and_(Span.start_ns >= begin, Span.start_ns < begin + WIDTH))
    return found.where(not_own_parts(), *conditions).distinct().cte(name)


@metric(
    "traces.count",
    title="Traces",
    unit="traces",
    formula="count of distinct trace ids; among more than 50,000 spans, traces are counted where they begin and again "
    "after five silent minutes",
    excluded="The application's own parts.",
    evidence=lambda window: (
        select(Span.trace_id, func.count().label("spans"), func.min(Span.start_ns).label("start_ns"))
        .where(of_others(window))
        .group_by(Span.trace_id)
        .order_by(func.min(Span.start_ns).desc())
    ),
)
def trace_count(window: Window) -> Statement:
    """Distinct traces with at least one span that starts in the window."""
    reach = span_reach(window)
    each = select(func.count(Span.trace_id.distinct()))
    exact = each.where(of_others(window), reach.within(Span.start_ns)).scalar_subquery()
    about = _in_buckets(window)
    value = case((reach.is_exact, exact), else_=about)
    resolution = case((reach.is_exact, EXACT), else_=BY_BUCKET)
    return select(value.label("value"), resolution.label("resolution"))


def _in_buckets(window: Window) -> ColumnElement[int]:
    """Both ends are counted raw: what began before the window is in it from its first span on."""
    if window.start is None or window.end is None:
        return _rolled(None, None)
    start, end = to_ns(window.start), to_ns(window.end)
    first, last = -(-start // WIDTH) * FIVE_MINUTES + FIVE_MINUTES, end // WIDTH * FIVE_MINUTES
    if first >= last:
        distinct = select(func.count(Span.trace_id.distinct())).where(of_others(window))
        return distinct.scalar_subquery()
    opened = select(func.count(Span.trace_id.distinct())).where(
        not_own_parts(), Span.start_ns >= start, Span.start_ns < first * NANOSECONDS
    )
    closing = seen_in("closing", Span.start_ns >= (last - FIVE_MINUTES) * NANOSECONDS, Span.start_ns < end)
    closed = begun(closing, last, last + FIVE_MINUTES)
    return opened.scalar_subquery() + _rolled(first, last) + closed.scalar_subquery()


def _rolled(first: int | None, last: int | None) -> ColumnElement[int]:
    """Traces that begin in [first, last): by roll-ups, but for what was touched and what follows on it."""
    plan = (
        Plan.of_all(WEEK)
        if first is None or last is None
        else Plan.between(first * NANOSECONDS, last * NANOSECONDS, WEEK)
    )
    touched = touched_between(None if first is None else first - FIVE_MINUTES, last)
    changed = _shifted("changed", touched, (0, FIVE_MINUTES))
    near = _shifted("near", touched, (-FIVE_MINUTES, 0, FIVE_MINUTES))
    bounds = [] if first is None or last is None else [changed.c.start >= first, changed.c.start < last]
    anew = select(changed.c.start).where(*bounds)
    total = select(whole(func.sum(FleetRollup.traces))).where(plan.holds(FleetRollup))
    old = select(whole(func.sum(FleetRollup.traces))).where(
        FleetRollup.resolution == FIVE_MINUTES, FleetRollup.start.in_(anew)
    )
    seen = seen_in("seen", beside=near)
    fresh = begun(seen).where(seen.c.start.in_(anew))
    return total.scalar_subquery() - old.scalar_subquery() + fresh.scalar_subquery()


def _shifted(name: str, touched: CTE, by: tuple[int, ...]) -> CTE:
    return union(*(select((touched.c.start + shift).label("start")) for shift in by)).cte(name)
