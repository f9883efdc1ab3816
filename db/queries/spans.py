"""Spans, traces, tokens: what was reported, and where in time it lies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, func, literal, literal_column, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Subquery

from db.metric import Statement, Window, from_ns, metric, nearest_rank, place_of, series
from db.models import Agent, AgentRollup, FleetRollup, Sender, Span
from db.models.rollup import EDGES_MS
from db.models.telemetry import ERROR
from db.queries import rolled
from db.queries.rolled import MS, Pairs, Reach, Rolled, Source, by_places, whole

# Said in the statement itself, not as its parameter: SQLite reads an index over some rows for nothing else.
FAILED: ColumnElement[bool] = Span.status == literal_column(str(ERROR))
ONE = literal(1, BigInteger())
OWN_COLUMNS = (
    Span.trace_id,
    Span.span_id,
    Span.start_ns,
    Span.duration_ns,
    Span.agent_id,
    Span.service,
    Span.name,
    Span.status,
)
SPAN_COLUMNS = (*OWN_COLUMNS, Span.source)


def not_own_parts() -> ColumnElement[bool]:
    """True for spans of others: the application's own parts (origin system) are left out."""
    own = select(Agent.id).where(Agent.origin == "system")
    return or_(Span.agent_id.is_(None), Span.agent_id.not_in(own))


def of_own_among(ids: Sequence[str]) -> ColumnElement[bool]:
    """Spans of those of the agents that are the application's own parts: they are kept for a week and not rolled up.

    Whether there is any such part is asked first, so that PostgreSQL does not look at the spans of others for it.
    """
    own = select(Agent.id).where(Agent.origin == "system", Agent.id.in_(ids))
    is_any = select(func.count()).select_from(own.subquery("own_parts")).scalar_subquery() > 0
    return and_(is_any, Span.agent_id.in_(own))


def of_others(window: Window) -> ColumnElement[bool]:
    """Spans that start in the window and are not the application's own."""
    return and_(window.covers_ns(Span.start_ns), not_own_parts())


def _rows(*extra: Callable[[], ColumnElement[bool]]) -> Callable[[Window], Statement]:
    def evidence(window: Window) -> Statement:
        conditions = [condition() for condition in extra]
        return (
            select(*SPAN_COLUMNS)
            .where(of_others(window), *conditions)
            .order_by(Span.start_ns.desc(), Span.span_id)
        )

    return evidence


def rows_from_rank(percent: int) -> Callable[[Window], Statement]:
    """The rows from the one that is the percentile upwards: the first row is the value itself."""

    def evidence(window: Window) -> Statement:
        ranked = (
            select(
                *OWN_COLUMNS,
                Span.sender_id,
                func.row_number().over(order_by=Span.duration_ns).label("place"),
                func.count().over().label("n"),
            )
            .where(of_others(window))
            .subquery()
        )
        shown = (ranked.c[column.key] for column in OWN_COLUMNS)
        return (
            select(*shown, Sender.source, ranked.c.place, ranked.c.n)
            .join(Sender, Sender.id == ranked.c.sender_id)
            .where(ranked.c.place >= place_of(ranked.c.n, percent))
            .order_by(ranked.c.place)
        )

    return evidence


# --- the fleet's sums over a window --------------------------------------------------------------------------


def _if_model(column: Any, value: Any) -> ColumnElement[Any]:
    return case((and_(Span.category == "model", column.is_not(None)), value), else_=0)


def counts_of(model: Any) -> Pairs:
    """What is counted of spans, in roll-ups of `model` and in raw rows."""
    return {
        "spans": (model.spans, ONE),
        "errors": (model.errors, case((FAILED, 1), else_=0)),
        "input_tokens": (model.input_tokens, _if_model(Span.input_tokens, Span.input_tokens)),
        "input_spans": (model.input_spans, _if_model(Span.input_tokens, 1)),
        "output_tokens": (model.output_tokens, _if_model(Span.output_tokens, Span.output_tokens)),
        "output_spans": (model.output_spans, _if_model(Span.output_tokens, 1)),
    }


def fleet(window: Window) -> Rolled:
    """All spans of the window but those of the application's own parts."""
    return Rolled(window, Source(FleetRollup, Span, Span.start_ns, of_raw=(not_own_parts(),)))


def _sums(window: Window, *names: str) -> Subquery:
    """One row with these sums of `counts_of`."""
    counts = counts_of(FleetRollup)
    parts = fleet(window).sums({}, {name: counts[name] for name in names}).subquery("parts")
    return select(*(whole(func.sum(parts.c[name])).label(name) for name in names)).subquery("sums")


def span_reach(window: Window) -> Reach:
    """Whether percentiles of spans are read from raw rows: while the fleet has at most MOST_EXACT in the window."""
    return _reach(window, rolled.MOST_EXACT)


@lru_cache(64)
def _reach(window: Window, most: int) -> Reach:
    return Reach(fleet(window), FleetRollup.spans, "spans", most)


@metric(
    "spans.count",
    title="Spans",
    unit="spans",
    formula="count of rows",
    excluded="The application's own parts.",
    evidence=_rows(),
)
def span_count(window: Window) -> Statement:
    """Stored spans that start in the window; the application's own parts are left out."""
    return select(_sums(window, "spans").c.spans.label("value"))


@metric(
    "spans.errors",
    title="Errors",
    unit="errors",
    formula="count of rows with status error",
    excluded="The application's own parts. Spans that report no status are no errors.",
    evidence=_rows(lambda: FAILED),
)
def span_errors(window: Window) -> Statement:
    """Stored spans of the window whose reported status is error."""
    return select(_sums(window, "errors").c.errors.label("value"))


@metric(
    "spans.unattributed",
    title="Unattributed spans",
    unit="spans",
    formula="count of rows without an agent",
    excluded="Spans that belong to an agent, directly or by a span above them.",
    evidence=_rows(lambda: Span.agent_id.is_(None)),
)
def spans_unattributed(window: Window) -> Statement:
    """Stored spans of the window that name neither an agent nor a service, nor lie under a span that does."""
    nobody = Source(
        AgentRollup,
        Span,
        Span.start_ns,
        of_model=(AgentRollup.agent_id.is_(None),),
        of_raw=(Span.agent_id.is_(None),),
    )
    parts = Rolled(window, nobody).sums({}, {"spans": (AgentRollup.spans, ONE)}).subquery("parts")
    return select(whole(func.sum(parts.c.spans)).label("value"))


def durations(window: Window) -> Statement:
    return select(Span.duration_ns.label("x")).where(of_others(window))


def _percentile(window: Window, percent: int) -> Statement:
    """By nearest rank while the window holds at most MOST_EXACT spans, else by histograms."""
    reach = span_reach(window)
    few = durations(window).where(reach.within(Span.start_ns))
    rank = nearest_rank(few, percent, reach.row).subquery("by_rank")
    places = fleet(window).places({}, Span.duration_ns)
    place = by_places(places, (), (percent,)).subquery("by_place")
    exact = select(rank.c.value * 1.0).scalar_subquery()
    about = select(place.c[f"p{percent}"]).scalar_subquery()
    return select(
        (case((reach.is_exact, exact), else_=about) / MS).label("value"),
        reach.n.label("n"),
        reach.resolution.label("resolution"),
    )


@metric(
    "spans.latency_p50_ms",
    title="Span latency, median",
    unit="ms",
    formula="nearest rank: the ⌈0.50·n⌉-th shortest duration; of more than 50,000 spans read from a histogram",
    excluded="The application's own parts.",
    evidence=rows_from_rank(50),
    least=1,
)
def latency_p50(window: Window) -> Statement:
    """Half of the spans that start in the window took this long or less; failures included."""
    return _percentile(window, 50)


@metric(
    "spans.latency_p95_ms",
    title="Span latency, 95th percentile",
    unit="ms",
    formula="nearest rank: the ⌈0.95·n⌉-th shortest duration; needs n ≥ 20; of more than 50,000 spans read from a "
    "histogram",
    excluded="The application's own parts.",
    evidence=rows_from_rank(95),
    least=20,
)
def latency_p95(window: Window) -> Statement:
    """95 of 100 spans that start in the window took this long or less; failures included."""
    return _percentile(window, 95)


def _tokens(column: Any) -> Callable[[Window], Statement]:
    return lambda window: (
        select(*SPAN_COLUMNS, Span.model, column)
        .where(of_others(window), column.is_not(None))
        .order_by(Span.start_ns.desc(), Span.span_id)
    )


@metric(
    "tokens.input",
    title="Input tokens",
    unit="tokens",
    formula="sum over model spans; n = model spans that report them",
    excluded="The application's own parts. Model spans without tokens, and totals repeated on spans of other kinds.",
    evidence=_tokens(Span.input_tokens),
)
def input_tokens(window: Window) -> Statement:
    """Tokens sent to language models, as model spans report them; totals repeated on agent spans do not count."""
    row = _sums(window, "input_tokens", "input_spans")
    return select(row.c.input_tokens.label("value"), row.c.input_spans.label("n"))


@metric(
    "tokens.output",
    title="Output tokens",
    unit="tokens",
    formula="sum over model spans; n = model spans that report them",
    excluded="The application's own parts. Model spans without tokens, and totals repeated on spans of other kinds.",
    evidence=_tokens(Span.output_tokens),
)
def output_tokens(window: Window) -> Statement:
    """Tokens answered by language models, as model spans report them; totals repeated elsewhere do not count."""
    row = _sums(window, "output_tokens", "output_spans")
    return select(row.c.output_tokens.label("value"), row.c.output_spans.label("n"))


def range_of(duration: Any) -> ColumnElement[int]:
    """The number of the chart's range in which a duration lies."""
    return case(
        *[(duration < round(edge * MS), place) for place, edge in enumerate(EDGES_MS)], else_=len(EDGES_MS)
    )


@series(
    "spans.latency_histogram",
    title="Spans by latency",
    unit="spans",
    formula="count of spans per range of duration, each range including its lower end",
    excluded="The application's own parts.",
    evidence=_rows(),
)
def latency_histogram(window: Window) -> Statement:
    """How many spans of the window took how long, in ranges that grow by 1, 2, 5, 10 milliseconds."""
    parts = (
        fleet(window)
        .places({}, None, document=FleetRollup.ranges, place=range_of(Span.duration_ns))
        .subquery("parts")
    )
    count = whole(func.sum(parts.c["count"]))
    counted = (
        select(parts.c.place.label("bin"), count.label("count"))
        .group_by(parts.c.place)
        .having(count > 0)
        .subquery("counted")
    )
    low = case(*[(counted.c.bin == place + 1, edge) for place, edge in enumerate(EDGES_MS)], else_=0.0)
    high = case(*[(counted.c.bin == place, edge) for place, edge in enumerate(EDGES_MS)], else_=None)
    return select(low.label("low_ms"), high.label("high_ms"), counted.c.count).order_by(counted.c.bin)


@dataclass(frozen=True)
class Extent:
    """Where in time the stored spans lie: first and last start, and where the latest stretch begins."""

    first: datetime
    last: datetime
    latest_from: datetime


def extent(session: Session) -> Extent | None:
    """The extent of all stored spans of others; None when there are none. Found by the index, at its two ends."""
    others = select(Span.start_ns).where(not_own_parts())
    last = session.scalar(others.order_by(Span.start_ns.desc()).limit(1))
    if last is None:
        return None
    first = session.scalar(others.order_by(Span.start_ns).limit(1))
    day = 86_400 * 1_000_000_000
    latest = session.scalar(others.where(Span.start_ns >= last - day).order_by(Span.start_ns).limit(1))
    return Extent(from_ns(first or last), from_ns(last), from_ns(latest or last))
