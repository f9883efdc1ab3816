"""Finished tasks and their outcomes: one by one, and their sums over a window."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from db.metric import NANOSECONDS, Statement, Window
from db.models import AgentRollup, Span
from db.models.rollup import FIVE_MINUTES, WEEK
from db.models.telemetry import ERROR, OK
from db.queries.rolled import Plan, touched_between
from db.queries.spans import not_own_parts, of_others, of_own_among


def reports(span: Any) -> ColumnElement[bool]:
    """True for spans with a status. Said in the statement itself, so that SQLite finds the index over these."""
    found: ColumnElement[bool] = span.status != literal_column("0")
    return found


@cache
def first_reported() -> CTE:
    """Per service, when it `since` reports statuses: its first span with one, also if only a roll-up tells of it now.

    One step into the index for each service, however many spans there are.
    """
    other = aliased(Span)
    services = (
        select(func.min(Span.service).label("service")).where(reports(Span)).cte("services", recursive=True)
    )
    following = select(func.min(other.service)).where(reports(other), other.service > services.c.service)
    services = services.union_all(
        select(following.scalar_subquery()).select_from(services).where(services.c.service.is_not(None))
    )
    one = aliased(Span)
    since = select(func.min(one.start_ns)).where(reports(one), one.service == services.c.service)
    stored = select(services.c.service, since.scalar_subquery().label("since"))
    told = select(AgentRollup.service, AgentRollup.reported_ns).where(
        AgentRollup.resolution == WEEK, AgentRollup.reported_ns.is_not(None)
    )
    row = union_all(stored.where(services.c.service.is_not(None)), told).subquery("reported")
    return (
        select(row.c.service, func.min(row.c.since).label("since"))
        .group_by(row.c.service)
        .cte("first_reported")
    )


def outcome() -> tuple[ColumnElement[int | None], CTE]:
    """1 for a success, 0 for an error, null where unknown; and the table to left-join for it.

    An unset status counts as success only when that source had reported some status before.
    """
    first = first_reported()
    reported = case(
        (Span.status == ERROR, 0),
        (Span.status == OK, 1),
        (first.c.since < Span.start_ns, 1),
        else_=None,
    )
    return reported, first


def tasks(window: Window, *columns: Any, among: ColumnElement[bool] | None = None) -> Statement:
    """One row per finished task with its `outcome`, besides the given columns: of the window, or `among` these."""
    reported, first = outcome()
    return (
        select(*columns, reported.label("outcome"))
        .select_from(Span)
        .join(first, first.c.service == Span.service, isouter=True)
        .where(of_others(window) if among is None else among, Span.is_task)
    )


def task_rows(window: Window) -> Statement:
    return tasks(
        window, Span.trace_id, Span.span_id, Span.start_ns, Span.agent_id, Span.name, Span.status
    ).order_by(Span.start_ns.desc(), Span.span_id)


# --- sums ----------------------------------------------------------------------------------------------------


def task_sums(window: Window, only: Sequence[str] | None = None) -> Statement:
    """Rows of `agent_id`, `n` tasks with an outcome and `hits`, whose sums by agent are the window's.

    Of all tasks of others; or of these agents, the application's own parts included.
    """
    first, plan = first_reported(), Plan.of(window, WEEK)
    touched = touched_between(plan.first, plan.last)
    begin = touched.c.start * NANOSECONDS
    of_raw = [not_own_parts()] + ([] if only is None else [Span.agent_id.in_(only)])
    one_by_one = [_one_by_one(first).where(plan.at_edge(Span.start_ns), *of_raw)]
    if only is not None:
        one_by_one.append(_one_by_one(first).where(window.covers_ns(Span.start_ns), of_own_among(only)))
    if not plan.stretches:
        return _together(*one_by_one)
    of_model = [] if only is None else [AgentRollup.agent_id.in_(only)]
    old = and_(AgentRollup.resolution == FIVE_MINUTES, AgentRollup.start.in_(select(touched.c.start)))
    within = and_(Span.start_ns >= begin, Span.start_ns < begin + FIVE_MINUTES * NANOSECONDS)
    fresh = _one_by_one(first, touched, within)
    return _together(
        _of_rollups(first, 1).where(plan.holds(AgentRollup), *of_model),
        _of_rollups(first, -1).where(old, *of_model),
        fresh.where(*of_raw),
        *one_by_one,
    )


def _together(*parts: Statement) -> Statement:
    return select(union_all(*parts).subquery("each_task"))


def _one_by_one(first: CTE, beside: Any = None, within: Any = None) -> Statement:
    """A row per finished task with an outcome."""
    known = or_(Span.status != 0, first.c.since < Span.start_ns)
    hit = case((Span.status == ERROR, 0), else_=1)
    row = select(Span.agent_id, cast(1, BigInteger).label("n"), cast(hit, BigInteger).label("hits"))
    source = row.select_from(Span) if beside is None else row.select_from(beside).join(Span, within)
    return source.join(first, first.c.service == Span.service, isouter=True).where(Span.is_task, known)


def _of_rollups(first: CTE, sign: int) -> Statement:
    """What roll-ups hold. Tasks without a status are successes once their service has reported one."""
    start = AgentRollup.start * NANOSECONDS
    end = start + cast(AgentRollup.resolution, BigInteger) * NANOSECONDS
    silent = case(
        (first.c.since < start, AgentRollup.silent_tasks),
        (first.c.since < end, AgentRollup.silent_after),
        else_=0,
    )
    hits = AgentRollup.good_tasks + silent
    n = hits + AgentRollup.failed_tasks
    return (
        select(AgentRollup.agent_id, (n * sign).label("n"), (hits * sign).label("hits"))
        .select_from(AgentRollup)
        .join(first, first.c.service == AgentRollup.service, isouter=True)
    )
