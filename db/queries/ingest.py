"""What came in by the doors and from files and was not as it should be: refused, late, without its parent."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import aliased

from db.metric import Statement, Window, metric, series
from db.models import Span, SystemMetric
from db.queries.measured import Subject, count_of
from db.queries.rolled import whole
from db.queries.round_trips import NEEDS
from db.queries.spans import SPAN_COLUMNS, of_others

REFUSED_ITEMS = "ingest.refused_items"
LATE_ITEMS = "ingest.late_items"
# Why an item was refused, in the words that are counted and shown.
FORM, IDENTITY, TIME, SIZE = "wrong_form", "bad_ids", "bad_times", "too_large"
NESTING, NOBODY, RESERVED, DATABASE = "too_deep", "of_nobody", "reserved_name", "refused_by_the_database"
REASONS = (FORM, IDENTITY, TIME, SIZE, NESTING, NOBODY, RESERVED, DATABASE)
LATE_MINUTES = 5  # as long as an agent that declares nothing counts as operational
SIGNAL, REASON = (SystemMetric.meta[key].as_string() for key in ("signal", "reason"))


def _counted(kind: str, window: Window) -> ColumnElement[bool]:
    return and_(SystemMetric.metric_type == kind, window.covers(SystemMetric.recorded_at))


def _rows(kind: str, *columns: ColumnElement[Any]) -> Any:
    return lambda window: (
        select(
            SystemMetric.recorded_at,
            SystemMetric.metric_value,
            SystemMetric.source,
            SIGNAL.label("signal"),
            *columns,
        )
        .where(_counted(kind, window))
        .order_by(SystemMetric.recorded_at.desc(), SystemMetric.id)
    )


@metric(
    "ingest.refused",
    title="Refused items",
    unit="items",
    formula="sum over the recorded refusals; the same request or file again counts once",
    evidence=_rows(
        REFUSED_ITEMS, REASON.label("reason"), SystemMetric.meta["example"].as_string().label("example")
    ),
)
def refused(window: Window) -> Statement:
    """Spans, log records and points that were sent or imported in the window and not stored, because something was
    wrong with them; a request that could not be read at all counts as one. Whoever sent them was told which and why."""
    return count_of(window, Subject(REFUSED_ITEMS), "total")


@series(
    "ingest.refused_by_reason",
    title="Refused items by reason",
    unit="items",
    formula="sum over the recorded refusals per reason",
    needs=NEEDS,
    evidence=_rows(
        REFUSED_ITEMS, REASON.label("reason"), SystemMetric.meta["example"].as_string().label("example")
    ),
)
def refused_by_reason(window: Window) -> Statement:
    """Why items were refused in the window: their form, ids, times, size or nesting, a reserved name, nobody they
    belong to, or the database."""
    each = (
        select(REASON.label("label"), SystemMetric.metric_value.label("amount"))
        .where(_counted(REFUSED_ITEMS, window))
        .subquery("each")
    )
    count = whole(func.sum(each.c.amount))
    return (
        select(each.c.label, count.label("count")).group_by(each.c.label).order_by(count.desc(), each.c.label)
    )


@metric(
    "ingest.late",
    title="Late items",
    unit="items",
    formula=f"sum of new items per request whose end lay more than {LATE_MINUTES} minutes before they were received",
    excluded="Imported files, which are history.",
    evidence=_rows(LATE_ITEMS),
)
def late(window: Window) -> Statement:
    """Spans, log records and points received over HTTP in the window more than 5 minutes after they ended, by the
    sender's clock for the end and ours for the receipt. Imported files are history and are not counted."""
    return count_of(window, Subject(LATE_ITEMS), "total")


def _orphan() -> ColumnElement[bool]:
    above = aliased(Span)
    parent = select(above.span_id).where(
        above.trace_id == Span.trace_id, above.span_id == Span.parent_span_id
    )
    return and_(Span.parent_span_id.is_not(None), ~exists(parent))


@metric(
    "ingest.orphans",
    title="Spans without their parent",
    unit="spans",
    formula="count of rows whose parent span is not stored",
    excluded="The application's own parts. Spans that name no parent.",
    evidence=lambda window: (
        select(*SPAN_COLUMNS, Span.parent_span_id)
        .where(of_others(window), _orphan())
        .order_by(Span.start_ns.desc(), Span.span_id)
    ),
)
def orphans(window: Window) -> Statement:
    """Stored spans that start in the window and name a parent that has not arrived, so nobody knows yet who called."""
    return select(func.count().label("value")).select_from(Span).where(of_others(window), _orphan())
