"""How long an agent's spans took over time: the chart beneath its states."""

from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, cast, literal, select, union_all

from db.functions import minute_of
from db.histogram import BY_HISTOGRAM, EXACT
from db.metric import NANOSECONDS, Statement, Window, series
from db.models import AgentRollup, Span
from db.models.rollup import DAY, FIVE_MINUTES, HOUR
from db.queries.activity import SUBJECT, by_agent
from db.queries.rolled import MS, Plan, Rolled, by_places, by_rank
from db.queries.round_trips import bucket_seconds
from db.queries.spans import SPAN_COLUMNS, span_reach


def _plan(window: Window, width: int) -> Plan:
    """The window in stretches that are no longer than a bar."""
    plan = Plan.of(window)
    if plan.first is None or plan.last is None or not plan.stretches or width == DAY:
        return plan
    first, last = plan.first, plan.last
    up, down = -(-first // width) * width, last // width * width
    if width == FIVE_MINUTES or up >= down:
        return replace(plan, stretches=((FIVE_MINUTES, first, last),))
    parts = ((FIVE_MINUTES, first, up), (HOUR, up, down), (FIVE_MINUTES, down, last))
    return replace(plan, stretches=tuple(part for part in parts if part[1] < part[2]))


def _spans(window: Window, agent: str) -> Statement:
    return (
        select(*SPAN_COLUMNS)
        .where(window.covers_ns(Span.start_ns), Span.agent_id == agent)
        .order_by(Span.start_ns.desc(), Span.span_id)
    )


@series(
    "agent.latency_by_time",
    title="Span latency of the agent over time",
    unit="ms",
    formula="median by nearest rank per 5 minutes; per hour beyond 2 days, per day beyond 2 weeks",
    excluded="Spans of other agents.",
    subject=SUBJECT,
    evidence=_spans,
)
def latency_by_time(window: Window, agent: str) -> Statement:
    """The median duration of this agent's spans, failures included, by the stretch of time in which they start. One
    without a bar had none."""
    width = bucket_seconds(window)
    reach, source = span_reach(window), by_agent(window, (agent,)).source
    rolled = Rolled(window, source, plan=_plan(window, width))
    of_raw: Any = Span.start_ns // (NANOSECONDS * width) * width
    of_model: Any = AgentRollup.start // width * width
    few = select(of_raw.label("start"), Span.duration_ns.label("x")).where(
        window.covers_ns(Span.start_ns), reach.within(Span.start_ns), *source.of_raw
    )
    ranked = by_rank(few, ("start",), (50,)).subquery("by_rank")
    places = rolled.places({"start": (of_model, of_raw)}, Span.duration_ns, when=~reach.is_exact)
    placed = by_places(places, ("start",), (50,)).subquery("by_place")
    row = union_all(
        select(ranked, literal(EXACT).label("resolution")),
        select(placed, literal(BY_HISTOGRAM).label("resolution")),
    ).subquery("bars")
    return select(
        minute_of(row.c.start).label("at"),
        literal(width, BigInteger()).label("seconds"),
        (row.c.p50 / MS).label("value"),
        cast(row.c.n, BigInteger).label("count"),
        row.c.resolution,
    ).order_by(row.c.start)
