"""How long models let one wait: the time to the first token, where their spans say it, and the calls that failed."""

from typing import Any

from sqlalchemy import ColumnElement, Float, and_, case, cast, func, or_, select

from db.functions import first_event_ns, is_written_number, said_under
from db.metric import Statement, Window, metric
from db.models import Span
from db.models.telemetry import ERROR
from db.queries.percentiles import declare
from db.queries.rolled import MS
from db.queries.spans import SPAN_COLUMNS, of_others

NOT_SAID = "No span of this window says when its model's first token came; streamed calls alone can."
NO_QUEUE = "No span of this window says how long it waited in a queue."
MOST = 1e15
# In seconds by OpenTelemetry's GenAI conventions, and by the servers that came before them.
IN_SECONDS = (
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.response.time_to_first_token",
    "gen_ai.latency.time_to_first_token",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.server.time_to_first_token",
)
IN_MS = ("ai.response.msToFirstChunk",)
EVENTS = ("First Token Stream Event", "llm.content.completion.chunk", "ai.stream.firstChunk")
QUEUE_SECONDS = "gen_ai.latency.time_in_queue"


def number_in(key: str) -> ColumnElement[float | None]:
    """The number a span gives under `key`, from 0 to below 10^15; null for what is none, as true and false are.

    Senders write numbers as text too.
    """
    said = said_under(Span.attributes, key)
    number = cast(said, Float)
    return case((is_written_number(said), case((number < MOST, number))))


def _milliseconds() -> ColumnElement[Any]:
    """By the attribute that says it, else by the event's distance from the span's start."""
    said = [number_in(key) * 1000 for key in IN_SECONDS] + [number_in(key) for key in IN_MS]
    return func.coalesce(*said, (first_event_ns(Span.events, EVENTS) - Span.start_ns) * 1.0 / MS)


def _first_tokens(window: Window, *columns: Any) -> Statement:
    """Answered model spans that say it, with it as `x`. A time beyond the span's own end is none: some senders mean
    another unit."""
    each = (
        select(*columns, Span.duration_ns.label("of_ns"), _milliseconds().label("x"))
        .where(of_others(window), Span.category == "model", Span.status != ERROR)
        .subquery("model_spans")
    )
    shown = [column for column in each.c if column.key != "of_ns"]
    within = and_(each.c.x.is_not(None), each.c.x >= 0, each.c.x * MS <= each.c.of_ns)
    return select(*shown).where(within)


declare(
    "models.first_token",
    title="Model's first token",
    what="model spans of the window that say when their first token came had it this soon or sooner. Failed ones are "
    "counted apart.",
    values=_first_tokens,
    rows=lambda window: _first_tokens(
        window, Span.trace_id, Span.span_id, Span.start_ns, Span.agent_id, Span.model
    ),
    few=NOT_SAID,
    excluded="The application's own parts. Model spans that failed, say nothing of it or say a time beyond their end.",
)


@metric(
    "models.failures",
    title="Failed model calls",
    unit="errors",
    formula="count of model spans with status error",
    excluded="The application's own parts. Model spans that report no status are no errors.",
    evidence=lambda window: (
        select(*SPAN_COLUMNS, Span.model, Span.error_type)
        .where(of_others(window), Span.category == "model", Span.status == ERROR)
        .order_by(Span.start_ns.desc(), Span.span_id)
    ),
)
def model_failures(window: Window) -> Statement:
    """Model spans of the window whose reported status is error. They lie in no percentile of the first token."""
    failed = (of_others(window), Span.category == "model", Span.status == ERROR)
    return select(func.count().label("value")).select_from(Span).where(*failed)


def _queued(window: Window, *columns: Any) -> Statement:
    each = (
        select(*columns, (number_in(QUEUE_SECONDS) * 1000).label("x"))
        .where(of_others(window), or_(Span.is_task, Span.category == "model"))
        .subquery("waiting_spans")
    )
    return select(each).where(each.c.x.is_not(None))


declare(
    "tasks.queue_wait",
    title="Queue wait",
    what="tasks and model calls of the window that say how long they waited in a queue waited this long or less.",
    values=_queued,
    rows=lambda window: _queued(window, Span.trace_id, Span.span_id, Span.start_ns, Span.agent_id, Span.name),
    few=NO_QUEUE,
    excluded="The application's own parts. Tasks and model calls that say nothing of a queue.",
)
