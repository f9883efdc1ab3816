"""Tasks: how long they take, how many end, how they fail, and how busy the fleet is with them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Float, and_, case, cast, false, func, literal, null, or_, select

from db.functions import lowered
from db.metric import Statement, Window, metric, to_ns
from db.models import Agent, Span
from db.models.telemetry import ERROR
from db.queries.fleet import FLEET
from db.queries.percentiles import declare
from db.queries.rolled import MS
from db.queries.spans import OWN_COLUMNS, SPAN_COLUMNS, of_others

NO_TASK = "No task of this window ended without an error."
NO_TIME = "No time of this window has passed yet, or no task was ever stored."
NO_LEASE = "No worker takes leases for its agents' slots here, so nobody knows how much of them was in use."
HOUR_NS = 3_600_000_000_000
# The last word of an error's type, in lower case, as libraries and gRPC spell it.
CANCELLED = (
    "cancelled",
    "canceled",
    "cancellederror",
    "cancelederror",
    "operationcancelledexception",
    "operationcanceledexception",
    "taskcanceledexception",
    "aborterror",
    "keyboardinterrupt",
)
ABORTED = (
    "unavailable",
    "502",
    "503",
    "brokenpipeerror",
    "connectionabortederror",
    "connectionerror",
    "connectionrefusederror",
    "connectionreseterror",
    "memoryerror",
    "oomkilled",
    "sigkill",
    "sigterm",
    "systemexit",
    "workerlosterror",
)


def _tasks(window: Window) -> tuple[Any, ...]:
    return (of_others(window), Span.is_task)


def _ended_well(window: Window, *columns: Any) -> Statement:
    took = (Span.duration_ns * 1.0 / MS).label("x")
    return select(*columns, took).where(*_tasks(window), Span.status != ERROR)


declare(
    "tasks.duration",
    title="Task duration",
    what="tasks that start in the window and report no error took this long or less. Failed ones are counted apart.",
    values=_ended_well,
    rows=lambda window: _ended_well(window, *OWN_COLUMNS),
    few=NO_TASK,
    excluded="The application's own parts. Tasks that failed: they are counted apart.",
)


def _rows(*conditions: ColumnElement[bool]) -> Any:
    return lambda window: (
        select(*SPAN_COLUMNS, Span.error_type, Span.status_message)
        .where(*_tasks(window), *conditions)
        .order_by(Span.start_ns.desc(), Span.span_id)
    )


def _count(window: Window, *conditions: ColumnElement[bool]) -> Statement:
    return select(func.count().label("value")).select_from(Span).where(*_tasks(window), *conditions)


def ended_by(words: Sequence[str]) -> ColumnElement[bool]:
    """Failed spans whose error's type is one of these words, or ends in one after a dot."""
    told = lowered(Span.error_type)
    named = or_(told.in_(words), *(told.like(f"%.{word}") for word in words))
    return and_(Span.status == ERROR, named)


@metric(
    "tasks.count",
    title="Tasks",
    unit="tasks",
    formula="count of rows",
    excluded="The application's own parts.",
    evidence=_rows(),
)
def task_count(window: Window) -> Statement:
    """Finished tasks that start in the window, whatever came of them."""
    return _count(window)


@metric(
    "tasks.failures",
    title="Failed tasks",
    unit="tasks",
    formula="count of tasks with status error",
    excluded="The application's own parts. Tasks that report no status are no errors.",
    evidence=_rows(Span.status == ERROR),
)
def task_failures(window: Window) -> Statement:
    """Tasks of the window whose reported status is error. They lie in no percentile of the duration."""
    return _count(window, Span.status == ERROR)


@metric(
    "tasks.cancelled",
    title="Cancelled tasks",
    unit="tasks",
    formula="count of failed tasks whose error type says that the caller cancelled",
    excluded="The application's own parts. Failed tasks whose error type says nothing of it.",
    evidence=_rows(ended_by(CANCELLED)),
)
def cancelled_tasks(window: Window) -> Statement:
    """Failed tasks of the window that were cancelled, by what their error type says, such as CancelledError. Efficiency
    counts them as failed; here they are listed apart."""
    return _count(window, ended_by(CANCELLED))


@metric(
    "tasks.aborted",
    title="Tasks ended by infrastructure",
    unit="tasks",
    formula="count of failed tasks whose error type names a lost connection, worker or machine",
    excluded="The application's own parts. Failed tasks whose error type says nothing of it.",
    evidence=_rows(ended_by(ABORTED)),
)
def aborted_tasks(window: Window) -> Statement:
    """Failed tasks of the window that infrastructure ended, by what their error type says (such as UNAVAILABLE or
    ConnectionResetError). Efficiency counts them as failed; here they are listed apart."""
    return _count(window, ended_by(ABORTED))


@metric(
    "tasks.per_hour",
    title="Throughput",
    unit="tasks per hour",
    formula="finished tasks / hours of the window until now; of all time, since the first task",
    excluded="The application's own parts.",
    few=NO_TIME,
    evidence=_rows(),
)
def tasks_per_hour(window: Window) -> Statement:
    """Tasks that start in the window and ended, per hour of it. No task gives 0."""
    n = func.count()
    return select((n / _hours(window)).label("value"), n.label("n")).select_from(Span).where(*_tasks(window))


def _hours(window: Window) -> ColumnElement[Any]:
    """Null where no time has passed."""
    if window.start is None or window.end is None:
        length: ColumnElement[Any] = literal(to_ns(window.at)) - func.min(Span.start_ns)
        return case((length > 0, length * 1.0 / float(HOUR_NS)))
    passed = to_ns(min(window.end, window.at)) - to_ns(window.start)
    return literal(passed / HOUR_NS) if passed > 0 else cast(null(), Float)


# --- load ------------------------------------------------------------------------------------------


def _leases(*conditions: ColumnElement[bool]) -> Statement:
    """No table of leases stands yet: none is counted, and the share of the slots in use is unknown."""
    leases = select(Agent.id).where(false(), *conditions).subquery("leases")
    return select(cast(null(), Float).label("value"), func.count(leases.c.id).label("n"))


@metric(
    "fleet.neural_load",
    title="Neural load",
    unit="percent",
    formula="100 × sum of lease-seconds / (slots × seconds of the window)",
    excluded="The application's own parts.",
    least=1,
    few=NO_LEASE,
)
def fleet_load(window: Window) -> Statement:
    """Share of the fleet's slots that held a task's lease, over the window. Spans that overlap are no leases."""
    return _leases(FLEET)


@metric(
    "agent.neural_load",
    title="Neural load of the agent",
    unit="percent",
    formula="100 × sum of lease-seconds / (slots × seconds of the window)",
    least=1,
    few=NO_LEASE,
    subject=("agent",),
)
def agent_load(window: Window, agent: str) -> Statement:
    """Share of this agent's slots that held a task's lease, over the window. Spans that overlap are no leases."""
    return _leases(Agent.id == agent)
