"""What each agent did in a window: the groupings that lists and the map share, and one agent's metrics."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, select, union_all
from sqlalchemy.sql.selectable import Subquery

from db.histogram import BY_HISTOGRAM, EXACT
from db.metric import Statement, Window, metric
from db.models import AgentRollup, Call, CallRollup, Span
from db.models.telemetry import ERROR
from db.queries.calls import calls_from
from db.queries.fleet import NO_OUTCOME
from db.queries.outcomes import task_rows, task_sums
from db.queries.rolled import MS, Rolled, Source, by_places, by_rank, whole
from db.queries.spans import ONE, SPAN_COLUMNS, counts_of, not_own_parts, of_own_among, span_reach

Only = Sequence[str] | None
SUBJECT = ("agent",)
STATES = ("operational", "failing", "observed", "unknown")
BY_AGENT = {"agent_id": (AgentRollup.agent_id, Span.agent_id)}


def _spans(window: Window, only: Sequence[str]) -> ColumnElement[bool]:
    """Spans of the window of the agents asked for, the application's own parts included."""
    return and_(window.covers_ns(Span.start_ns), Span.agent_id.in_(only))


def by_agent(window: Window, only: Only) -> Rolled:
    """Spans by agent: of those asked for, else of all; those of the application's own parts are left out."""
    chosen = [of.is_not(None) if only is None else of.in_(only) for of in BY_AGENT["agent_id"]]
    source = Source(
        AgentRollup, Span, Span.start_ns, of_model=(chosen[0],), of_raw=(chosen[1], not_own_parts())
    )
    return Rolled(window, source)


def _with_own(parts: Any, window: Window, only: Only, *columns: Any) -> Any:
    """The rows, and for agents that are asked for and are the application's own parts those of their spans."""
    if only is None:
        return parts
    own = select(*columns).where(window.covers_ns(Span.start_ns), of_own_among(only))
    return union_all(*parts.selects, own) if hasattr(parts, "selects") else union_all(parts, own)


def activity(window: Window, only: Only = None) -> Subquery:
    """Per agent: spans, errors, last start, tokens of model spans."""
    counts = counts_of(AgentRollup)
    own = (Span.agent_id.label("agent_id"), *(raw.label(name) for name, (_, raw) in counts.items()))
    parts = _with_own(by_agent(window, only).sums(BY_AGENT, counts), window, only, *own).subquery("parts")
    sums = {name: whole(func.sum(parts.c[name])) for name in counts}
    rows = (
        select(parts.c.agent_id, *(total.label(name) for name, total in sums.items()))
        .group_by(parts.c.agent_id)
        .having(sums["spans"] > 0)
        .subquery("sums")
    )
    last = select(func.max(Span.start_ns)).where(
        window.covers_ns(Span.start_ns), Span.agent_id == rows.c.agent_id
    )
    return select(
        rows.c.agent_id,
        rows.c.spans,
        rows.c.errors,
        last.scalar_subquery().label("last_ns"),
        rows.c.input_tokens,
        rows.c.input_spans.label("input_n"),
        rows.c.output_tokens,
        rows.c.output_spans.label("output_n"),
    ).subquery("activity")


def latency(window: Window, only: Only = None) -> Subquery:
    """Per agent: n, the p50 and p95 of its spans in milliseconds, and how they were found (`resolution`)."""
    reach, percents = span_reach(window), (50, 95)
    rolled = by_agent(window, only)
    row = (Span.agent_id.label("agent_id"), Span.duration_ns.label("x"))
    few = select(*row).where(
        window.covers_ns(Span.start_ns), reach.within(Span.start_ns), *rolled.source.of_raw
    )
    ranked = by_rank(_with_own(few, window, only, *row), ("agent_id",), percents).subquery("by_rank")
    placed = by_places(
        rolled.places(BY_AGENT, Span.duration_ns, when=~reach.is_exact), ("agent_id",), percents
    ).subquery("by_place")
    found: Subquery = percentiles(
        select(ranked, literal(EXACT).label("resolution")),
        select(placed, literal(BY_HISTOGRAM).label("resolution")),
    ).subquery("latency")
    return found


def percentiles(*found: Any) -> Any:
    """The rows of all, with `p50` and `p95` in milliseconds."""
    row = union_all(*found).subquery("found")
    kept = [column for column in row.c if column.key not in ("p50", "p95")]
    return select(*kept, *((row.c[name] / MS).label(name) for name in ("p50", "p95")))


def efficiencies(window: Window, only: Only = None) -> Subquery:
    """Per agent: percent of successes, n tasks with an outcome, hits."""
    row = task_sums(window, only).subquery("tasks")
    n, hits = whole(func.sum(row.c.n)), whole(func.sum(row.c.hits))
    return (
        select(
            row.c.agent_id,
            (100.0 * hits / func.nullif(n, 0)).label("percent"),
            n.label("n"),
            hits.label("hits"),
        )
        .where(row.c.agent_id.is_not(None))
        .group_by(row.c.agent_id)
        .subquery("efficiencies")
    )


def calls_per(window: Window, side: Any, only: Only = None) -> Subquery:
    """Calls per agent on one side (Call.caller_id or Call.callee_id)."""
    name = "caller_id" if side is Call.caller_id else "callee_id"
    where = None if only is None else (lambda row: getattr(row, name).in_(only))
    sides = {"agent_id": (getattr(CallRollup, name), side)}
    parts = calls_from(window, where, sides, {"calls": (CallRollup.calls, ONE)}).subquery("parts")
    calls = whole(func.sum(parts.c.calls))
    return (
        select(parts.c.agent_id, calls.label("calls"))
        .group_by(parts.c.agent_id)
        .having(calls > 0)
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
    formula="nearest rank: the ⌈0.50·n⌉-th shortest duration"
    "; of more than 50,000 spans of the fleet read from a histogram",
    least=1,
    subject=SUBJECT,
    evidence=_slowest,
)
def agent_latency_p50(window: Window, agent: str) -> Statement:
    """Half of this agent's spans in the window took this long or less; failures included."""
    rows = latency(window, (agent,))
    return _one(rows, func.max(rows.c.p50), n=rows.c.n, resolution=rows.c.resolution)


@metric(
    "agent.latency_p95_ms",
    title="Span latency of the agent, 95th percentile",
    unit="ms",
    formula="nearest rank: the ⌈0.95·n⌉-th shortest duration; needs n ≥ 20"
    "; of more than 50,000 spans of the fleet read from a histogram",
    least=20,
    subject=SUBJECT,
    evidence=_slowest,
)
def agent_latency_p95(window: Window, agent: str) -> Statement:
    """95 of 100 spans of this agent in the window took this long or less; failures included."""
    rows = latency(window, (agent,))
    return _one(rows, func.max(rows.c.p95), n=rows.c.n, resolution=rows.c.resolution)


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
