"""What each agent did in a window: the groupings that lists and the map share, and one agent's metrics."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.sql.selectable import Subquery

from db.metric import Statement, Window, metric, place_of
from db.models import Call, Span
from db.models.telemetry import ERROR
from db.queries.fleet import NO_OUTCOME, calls_of_others, task_rows, tasks
from db.queries.spans import MS, SPAN_COLUMNS, of_others, whole

Only = Sequence[str] | None
SUBJECT = ("agent",)
STATES = ("operational", "failing", "observed", "unknown")


def _spans(window: Window, only: Only) -> ColumnElement[bool]:
    """Spans of the window of the agents asked for; where none are named, of all but the application's own parts."""
    if only is None:
        return and_(of_others(window), Span.agent_id.is_not(None))
    return and_(window.covers_ns(Span.start_ns), Span.agent_id.in_(only))


def activity(window: Window, only: Only = None) -> Subquery:
    """Per agent: spans, errors, last start, tokens of model spans."""
    model = Span.category == "model"
    return (
        select(
            Span.agent_id,
            func.count().label("spans"),
            func.count().filter(Span.status == ERROR).label("errors"),
            func.max(Span.start_ns).label("last_ns"),
            whole(func.sum(Span.input_tokens).filter(model)).label("input_tokens"),
            func.count(Span.input_tokens).filter(model).label("input_n"),
            whole(func.sum(Span.output_tokens).filter(model)).label("output_tokens"),
            func.count(Span.output_tokens).filter(model).label("output_n"),
        )
        .where(_spans(window, only))
        .group_by(Span.agent_id)
        .subquery("activity")
    )


def latency(window: Window, only: Only = None) -> Subquery:
    """Per agent: n, and the nearest-rank p50 and p95 of its spans in milliseconds."""
    ranked = (
        select(
            Span.agent_id,
            Span.duration_ns.label("x"),
            func.row_number().over(partition_by=Span.agent_id, order_by=Span.duration_ns).label("place"),
            func.count().over(partition_by=Span.agent_id).label("n"),
        )
        .where(_spans(window, only))
        .subquery("ranked")
    )
    return (
        select(ranked.c.agent_id, func.max(ranked.c.n).label("n"), *percentiles(ranked))
        .group_by(ranked.c.agent_id)
        .subquery("latency")
    )


def percentiles(ranked: Subquery) -> tuple[ColumnElement[Any], ...]:
    """p50 and p95 in milliseconds over rows with `x` in nanoseconds, `place` and `n`."""
    return tuple(
        (func.max(ranked.c.x).filter(ranked.c.place == place_of(ranked.c.n, percent)) * 1.0 / MS).label(
            f"p{percent}"
        )
        for percent in (50, 95)
    )


def efficiencies(window: Window, only: Only = None) -> Subquery:
    """Per agent: percent of successes, n tasks with an outcome, hits."""
    done = tasks(window, Span.agent_id.label("agent_id"), among=_spans(window, only)).subquery("tasks")
    return (
        select(
            done.c.agent_id,
            (100.0 * func.sum(done.c.outcome) / func.nullif(func.count(done.c.outcome), 0)).label("percent"),
            func.count(done.c.outcome).label("n"),
            func.coalesce(func.sum(done.c.outcome), 0).label("hits"),
        )
        .group_by(done.c.agent_id)
        .subquery("efficiencies")
    )


def calls_per(window: Window, side: Any, only: Only = None) -> Subquery:
    """Calls per agent on one side (Call.caller_id or Call.callee_id)."""
    return (
        select(side.label("agent_id"), func.count().label("calls"))
        .where(
            calls_of_others(window) if only is None else and_(window.covers_ns(Call.start_ns), side.in_(only))
        )
        .group_by(side)
        .subquery("calls_out" if side is Call.caller_id else "calls_in")
    )


def _one(source: Subquery, value: Any, **more: Any) -> Statement:
    """The single agent's row as a metric row; an agent without rows reads 0 of n 0."""
    extra = [func.coalesce(func.max(column), 0).label(name) for name, column in more.items()]
    return select(value.label("value"), *extra).select_from(source)


def _span_rows(*conditions: ColumnElement[bool]) -> Any:
    return lambda window, agent: (
        select(*SPAN_COLUMNS)
        .where(_spans(window, (agent,)), *conditions)
        .order_by(Span.start_ns.desc(), Span.span_id)
    )


def _slowest(window: Window, agent: str) -> Statement:
    return (
        select(*SPAN_COLUMNS).where(_spans(window, (agent,))).order_by(Span.duration_ns.desc(), Span.span_id)
    )


def _call_rows(side: Any) -> Any:
    return lambda window, agent: (
        select(Call.trace_id, Call.span_id, Call.start_ns, Call.caller_id, Call.callee_id, Call.latency_ns)
        .where(window.covers_ns(Call.start_ns), side == agent)
        .order_by(Call.start_ns.desc(), Call.span_id)
    )


@metric(
    "agent.spans",
    title="Spans of the agent",
    unit="spans",
    formula="count of rows",
    subject=SUBJECT,
    evidence=_span_rows(),
)
def agent_spans(window: Window, agent: str) -> Statement:
    """Stored spans of this agent that start in the window."""
    rows = activity(window, (agent,))
    return _one(rows, func.coalesce(func.max(rows.c.spans), 0))


@metric(
    "agent.errors",
    title="Errors of the agent",
    unit="errors",
    formula="count of rows with status error",
    subject=SUBJECT,
    evidence=_span_rows(Span.status == ERROR),
)
def agent_errors(window: Window, agent: str) -> Statement:
    """Spans of this agent in the window whose reported status is error."""
    rows = activity(window, (agent,))
    return _one(rows, func.coalesce(func.max(rows.c.errors), 0))


@metric(
    "agent.calls_out",
    title="Calls made",
    unit="calls",
    formula="count of rows",
    subject=SUBJECT,
    evidence=_call_rows(Call.caller_id),
)
def agent_calls_out(window: Window, agent: str) -> Statement:
    """Recorded calls of the window that this agent made to others."""
    rows = calls_per(window, Call.caller_id, (agent,))
    return _one(rows, func.coalesce(func.max(rows.c.calls), 0))


@metric(
    "agent.calls_in",
    title="Calls received",
    unit="calls",
    formula="count of rows",
    subject=SUBJECT,
    evidence=_call_rows(Call.callee_id),
)
def agent_calls_in(window: Window, agent: str) -> Statement:
    """Recorded calls of the window that others made to this agent."""
    rows = calls_per(window, Call.callee_id, (agent,))
    return _one(rows, func.coalesce(func.max(rows.c.calls), 0))


@metric(
    "agent.latency_p50_ms",
    title="Span latency of the agent, median",
    unit="ms",
    formula="nearest rank: the ⌈0.50·n⌉-th shortest duration",
    least=1,
    subject=SUBJECT,
    evidence=_slowest,
)
def agent_latency_p50(window: Window, agent: str) -> Statement:
    """Half of this agent's spans in the window took this long or less; failures included."""
    rows = latency(window, (agent,))
    return _one(rows, func.max(rows.c.p50), n=rows.c.n)


@metric(
    "agent.latency_p95_ms",
    title="Span latency of the agent, 95th percentile",
    unit="ms",
    formula="nearest rank: the ⌈0.95·n⌉-th shortest duration; needs n ≥ 20",
    least=20,
    subject=SUBJECT,
    evidence=_slowest,
)
def agent_latency_p95(window: Window, agent: str) -> Statement:
    """95 of 100 spans of this agent in the window took this long or less; failures included."""
    rows = latency(window, (agent,))
    return _one(rows, func.max(rows.c.p95), n=rows.c.n)


@metric(
    "agent.efficiency",
    title="Efficiency of the agent",
    unit="percent",
    formula="100 × successes / tasks with an outcome; Wilson 95 % interval",
    excluded="Tasks whose source never reported a status.",
    least=1,
    few=NO_OUTCOME,
    wilson=True,
    subject=SUBJECT,
    evidence=lambda window, agent: task_rows(window).where(Span.agent_id == agent),
)
def agent_efficiency(window: Window, agent: str) -> Statement:
    """Share of this agent's finished tasks that succeeded. A task without a reported outcome is not counted."""
    rows = efficiencies(window, (agent,))
    return _one(rows, func.max(rows.c.percent), n=rows.c.n, hits=rows.c.hits)


@metric(
    "agent.tokens_input",
    title="Input tokens of the agent",
    unit="tokens",
    formula="sum over model spans; n = model spans that report them",
    excluded="Model spans without tokens, and totals repeated on spans of other kinds.",
    subject=SUBJECT,
    evidence=_span_rows(Span.input_tokens.is_not(None)),
)
def agent_tokens_input(window: Window, agent: str) -> Statement:
    """Tokens sent to language models in this agent's model spans of the window."""
    rows = activity(window, (agent,))
    return _one(rows, func.coalesce(func.max(rows.c.input_tokens), 0), n=rows.c.input_n)


@metric(
    "agent.tokens_output",
    title="Output tokens of the agent",
    unit="tokens",
    formula="sum over model spans; n = model spans that report them",
    excluded="Model spans without tokens, and totals repeated on spans of other kinds.",
    subject=SUBJECT,
    evidence=_span_rows(Span.output_tokens.is_not(None)),
)
def agent_tokens_output(window: Window, agent: str) -> Statement:
    """Tokens answered by language models in this agent's model spans of the window."""
    rows = activity(window, (agent,))
    return _one(rows, func.coalesce(func.max(rows.c.output_tokens), 0), n=rows.c.output_n)
