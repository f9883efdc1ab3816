"""Spans, traces, tokens: what was reported, and where in time it lies."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from db.metric import Statement, Window, from_ns, metric, nearest_rank, place_of, series
from db.models import Agent, Sender, Span
from db.models.telemetry import ERROR

MS = 1_000_000  # nanoseconds in a millisecond
EDGES_MS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
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
    return select(func.count().label("value")).select_from(Span).where(of_others(window))


@metric(
    "spans.errors",
    title="Errors",
    unit="errors",
    formula="count of rows with status error",
    excluded="The application's own parts. Spans that report no status are no errors.",
    evidence=_rows(lambda: Span.status == ERROR),
)
def span_errors(window: Window) -> Statement:
    """Stored spans of the window whose reported status is error."""
    return select(func.count().label("value")).where(of_others(window), Span.status == ERROR)


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
    return select(func.count().label("value")).where(window.covers_ns(Span.start_ns), Span.agent_id.is_(None))


@metric(
    "traces.count",
    title="Traces",
    unit="traces",
    formula="count of distinct trace ids",
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
    return select(func.count(Span.trace_id.distinct()).label("value")).where(of_others(window))


def whole(total: ColumnElement[Any]) -> ColumnElement[int]:
    """A sum of whole numbers as one, 0 over no rows (PostgreSQL sums bigint to numeric)."""
    return cast(func.coalesce(total, 0), BigInteger)


def durations(window: Window) -> Statement:
    return select(Span.duration_ns.label("x")).where(of_others(window))


def in_ms(ranked: Statement) -> Statement:
    """The same row with `value` turned from nanoseconds to milliseconds."""
    row = ranked.subquery("ranked_value")
    return select((row.c.value * 1.0 / MS).label("value"), row.c.n)


@metric(
    "spans.latency_p50_ms",
    title="Span latency, median",
    unit="ms",
    formula="nearest rank: the ⌈0.50·n⌉-th shortest duration",
    excluded="The application's own parts.",
    evidence=rows_from_rank(50),
    least=1,
)
def latency_p50(window: Window) -> Statement:
    """Half of the spans that start in the window took this long or less; failures included."""
    return in_ms(nearest_rank(durations(window), 50))


@metric(
    "spans.latency_p95_ms",
    title="Span latency, 95th percentile",
    unit="ms",
    formula="nearest rank: the ⌈0.95·n⌉-th shortest duration; needs n ≥ 20",
    excluded="The application's own parts.",
    evidence=rows_from_rank(95),
    least=20,
)
def latency_p95(window: Window) -> Statement:
    """95 of 100 spans that start in the window took this long or less; failures included."""
    return in_ms(nearest_rank(durations(window), 95))


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
    return select(
        whole(func.sum(Span.input_tokens)).label("value"),
        func.count(Span.input_tokens).label("n"),
    ).where(of_others(window), Span.category == "model")


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
    return select(
        whole(func.sum(Span.output_tokens)).label("value"),
        func.count(Span.output_tokens).label("n"),
    ).where(of_others(window), Span.category == "model")


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
    bins = case(
        *[(Span.duration_ns < round(edge * MS), place) for place, edge in enumerate(EDGES_MS)],
        else_=len(EDGES_MS),
    )
    counted = (
        select(bins.label("bin"), func.count().label("count"))
        .where(of_others(window))
        .group_by(bins)
        .subquery()
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
    spans: int


def extent(session: Session) -> Extent | None:
    """The extent of all stored spans of others; None when there are none."""
    first, last, count = session.execute(
        select(func.min(Span.start_ns), func.max(Span.start_ns), func.count()).where(not_own_parts())
    ).one()
    if not count:
        return None
    day = 86_400 * 1_000_000_000
    latest = session.scalar(
        select(func.min(Span.start_ns)).where(Span.start_ns >= last - day, not_own_parts())
    )
    return Extent(from_ns(first), from_ns(last), from_ns(latest or last), int(count))
