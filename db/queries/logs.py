"""Lines of logs: how many of which level, over time, and the lines themselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session

from db.functions import bucket_of, lowered
from db.keyset import Key, Slice, read_slice
from db.measured_series import step_of
from db.metric import Statement, Window, metric, series
from db.models import AgentLog, LogRollup, Span
from db.models.rollup import FIVE_MINUTES
from db.queries.kept import beside_rolled
from db.queries.log_counts import agents_with_lines, log_lines, log_points

LEVELS = ("debug", "info", "warning", "error", "critical")
BROKEN = ("error", "critical")
MOST_BARS = 120
MOST_CHOICES, MOST_SPANS = 200, 100
row = AgentLog
COLUMNS = (row.created_at, row.log_level, row.agent_id, row.message)
trace_id, span_id = (row.meta[name].as_string() for name in ("trace_id", "span_id"))


def _lines(window: Window, *levels: str) -> tuple[ColumnElement[bool], ...]:
    return (window.covers(row.created_at), *([row.log_level.in_(levels)] if levels else []))


def _newest(*levels: str) -> Any:
    return lambda window: (
        select(*COLUMNS).where(*_lines(window, *levels)).order_by(row.created_at.desc(), row.id.desc())
    )


@metric("logs.lines", title="Log lines", unit="lines", formula="count of rows", evidence=_newest())
def lines(window: Window) -> Statement:
    """Lines of logs that speak of a moment in the window, of all agents and levels."""
    return log_lines(window)


@metric(
    "logs.warnings",
    title="Warnings",
    unit="lines",
    formula="count of rows with level warning",
    evidence=_newest("warning"),
)
def warnings(window: Window) -> Statement:
    """Lines of the window whose writer gave them the level warning."""
    return log_lines(window, ("warning",))


@metric(
    "logs.errors",
    title="Errors in logs",
    unit="lines",
    formula="count of rows with level error or critical",
    evidence=_newest(*BROKEN),
)
def errors(window: Window) -> Statement:
    """Lines of the window whose writer gave them the level error or critical."""
    return log_lines(window, BROKEN)


@series(
    "logs.by_time",
    title="Log lines over time",
    unit="lines",
    formula="count of rows per stretch of time and level",
    evidence=_newest(),
)
def by_time(window: Window) -> Statement:
    """Lines in each stretch of time, by level. A stretch without a bar has none."""
    step = step_of(window, MOST_BARS)
    if step >= FIVE_MINUTES:
        return log_points(window, step)
    at = bucket_of(row.created_at, step)
    width: ColumnElement[int] = literal_column(str(step))
    return (
        select(
            at.label("at"), width.label("seconds"), row.log_level.label("label"), func.count().label("count")
        )
        .where(window.covers(row.created_at))
        .group_by(at, row.log_level)
        .order_by(at, row.log_level)
    )


# --- the lines ----------------------------------------------------------------------------------------


def extent(session: Session) -> tuple[datetime, datetime] | None:
    """First and last moment that lines speak of, to the stretch where a line is no longer kept; None where there is
    none."""
    first, last = (session.scalar(select(end(row.created_at))) for end in (func.min, func.max))
    return beside_rolled(session, LogRollup, first, last)


def agents_heard(session: Session, window: Window) -> list[str]:
    """Agents that have lines in the window, most lines first."""
    return list(session.scalars(agents_with_lines(window, MOST_CHOICES)))


def line_page(
    session: Session,
    window: Window,
    *,
    level: str = "",
    agent: str = "",
    text: str = "",
    trace: str = "",
    before: tuple[datetime, UUID] | None = None,
    size: int = 50,
) -> Slice:
    """Lines of the window that fit, the newest first, from the one after `before` on."""
    conditions = [*_lines(window, *([level] if level else [])), row.created_at.is_not(None)]
    if agent:
        conditions.append(row.agent_id == agent)
    if trace:
        conditions.append(trace_id == trace)
    conditions += [lowered(row.message).contains(word, autoescape=True) for word in text.lower().split()[:8]]
    statement = select(row.id, *COLUMNS, trace_id.label("trace_id"), span_id.label("span_id")).where(
        *conditions
    )
    keys = (Key(row.created_at, "created_at", descending=True), Key(row.id, "id", descending=True))
    return read_slice(session, statement, keys, after=before, size=size)


def spans_of(session: Session, trace: str) -> Sequence[Mapping[Any, Any]]:
    """The first spans of a trace, in the order in which they began."""
    columns = (Span.span_id, Span.name, Span.agent_id, Span.start_ns, Span.duration_ns, Span.status)
    found = (
        select(*columns).where(Span.trace_id == trace).order_by(Span.start_ns, Span.span_id).limit(MOST_SPANS)
    )
    return session.execute(found).mappings().all()
