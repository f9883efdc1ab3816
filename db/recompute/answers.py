"""How long answers take once more: pages, what browsers report of them, programs' calls, models and queues."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import settings
from db.models import ApiLog, Span, SystemMetric
from db.recompute.base import MS, Again, Amount, Ranks, Rows, Spans, counted, covers, recomputes
from db.recompute.beyond import API, MEASUREMENTS, SPANS
from db.recompute.spans import ERROR
from db.recompute.tasks import PERCENTS, own_parts, ranked
from db.window import Window

Of = Callable[[Any], Sequence[Window]]
SERVER_TIME = "web.server_time_ms"
FIRST_PAINT = "browser.first_paint_ms"
NUMBERS = "browser.numbers_ms"
# A number of these names is in seconds; the first that is given counts.
IN_SECONDS = (
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.response.time_to_first_token",
    "gen_ai.latency.time_to_first_token",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.server.time_to_first_token",
)
IN_MILLISECONDS = "ai.response.msToFirstChunk"
BEGAN = {"First Token Stream Event", "llm.content.completion.chunk", "ai.stream.firstChunk"}
IN_QUEUE = "gen_ai.latency.time_in_queue"
WRITTEN = re.compile(r"(0|[1-9][0-9]{0,199})(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")


def satisfaction(took: Amount | None) -> float:
    """1 within T, a half within four times T, else nothing; nothing for a failure, whose time is None."""
    if took is None:
        return 0.0
    limit = settings.apdex_ms()
    return 1.0 if took <= limit else 0.5 if took <= 4 * limit else 0.0


def ranks_of(
    rows: Rows, windows: Sequence[Window], columns: Sequence[Any], of: Of, value: Callable[[Any], Any]
) -> dict[Window, Ranks]:
    """Nearest ranks per window of what `value` gives of each row; None does not count. The rows are seen twice."""
    ranks = {window: Ranks(*PERCENTS) for window in windows}
    for see in ("count", "collect"):
        for row in rows.each(*columns):
            took = value(row)
            for window in of(row) if took is not None else ():
                getattr(ranks[window], see)(took)
        for each in ranks.values() if see == "count" else ():
            each.aim()
    return ranks


def _by_moment(windows: Sequence[Window]) -> Of:
    """The first of a row's columns is its moment."""
    return lambda row: [window for window in windows if covers(window, row[0])]


# --- pages --------------------------------------------------------------------------------------------------

PAGE_COLUMNS = (SystemMetric.recorded_at, SystemMetric.metric_type, SystemMetric.metric_value)


@recomputes(
    "web.server_time_p50_ms",
    "web.server_time_p95_ms",
    "web.server_time_p99_ms",
    "web.server_failures",
    "web.apdex",
    "browser.first_paint_p50_ms",
    "browser.first_paint_p95_ms",
    "browser.first_paint_p99_ms",
    "browser.numbers_p50_ms",
    "browser.numbers_p95_ms",
    "browser.numbers_p99_ms",
    "browser.failures",
    reads=(MEASUREMENTS,),
)
def pages(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    for kind in (SERVER_TIME, FIRST_PAINT, NUMBERS):
        ranks = ranks_of(rows, windows, PAGE_COLUMNS, _by_moment(windows), _of_kind(kind))
        for window in windows:
            yield from ranked(kind.removesuffix("_ms"), window, ranks[window])
    sums = counted(
        rows,
        windows,
        PAGE_COLUMNS,
        {
            "unanswered": lambda row: _one_if(row[1] == SERVER_TIME and row[2] is None),
            "numberless": lambda row: _one_if(row[1] == NUMBERS and row[2] is None),
            "satisfied": lambda row: satisfaction(row[2]) if row[1] == SERVER_TIME else None,
        },
    )
    for window in windows:
        yield Again("web.server_failures", window, sums.of(window, "unanswered"))
        yield Again("browser.failures", window, sums.of(window, "numberless"))
        n = sums.of(window, ("satisfied", "n"))
        yield Again("web.apdex", window, sums.of(window, "satisfied") / n if n else None, n)


def _of_kind(kind: str) -> Callable[[Any], Any]:
    return lambda row: row.metric_value if row.metric_type == kind else None


def _one_if(condition: bool) -> int | None:
    return 1 if condition else None


# --- calls of programs --------------------------------------------------------------------------------------


@recomputes(
    "api.response_p50_ms",
    "api.response_p95_ms",
    "api.response_p99_ms",
    "api.failures",
    "api.apdex",
    reads=(API,),
)
def programs(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    """A failure, answered with 500 or above, has no time."""
    columns = (ApiLog.created_at, ApiLog.status_code, ApiLog.response_time_ms)

    def time(row: Any) -> int | None:
        took: int | None = None if _failed(row) else row.response_time_ms
        return took

    ranks = ranks_of(rows, windows, columns, _by_moment(windows), time)
    sums = counted(
        rows,
        windows,
        columns,
        {
            "failures": lambda row: _one_if(_failed(row)),
            "satisfied": lambda row: (
                satisfaction(time(row)) if _failed(row) or row.response_time_ms is not None else None
            ),
        },
    )
    for window in windows:
        yield from ranked("api.response", window, ranks[window])
        yield Again("api.failures", window, sums.of(window, "failures"))
        n = sums.of(window, ("satisfied", "n"))
        yield Again("api.apdex", window, sums.of(window, "satisfied") / n if n else None, n)


def _failed(row: Any) -> bool:
    return row.status_code is not None and row.status_code >= 500


# --- models and queues --------------------------------------------------------------------------------------

MODEL_COLUMNS = (
    Span.start_ns,
    Span.duration_ns,
    Span.agent_id,
    Span.category,
    Span.status,
    Span.is_task,
    Span.attributes,
    Span.events,
)


@recomputes(
    "models.first_token_p50_ms",
    "models.first_token_p95_ms",
    "models.first_token_p99_ms",
    "models.failures",
    "tasks.queue_wait_p50_ms",
    "tasks.queue_wait_p95_ms",
    "tasks.queue_wait_p99_ms",
    reads=(SPANS,),
)
def models(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    own, lying = own_parts(rows), Spans(windows)
    failures = dict.fromkeys(windows, 0)
    for start, agent, category, status in rows.each(Span.start_ns, Span.agent_id, Span.category, Span.status):
        for window in lying.of(start) if category == "model" and agent not in own else ():
            failures[window] += status == ERROR

    def first(span: Any) -> float | None:
        if span.agent_id in own or span.category != "model" or span.status == ERROR:
            return None
        return _first_token(span)

    def waited(span: Any) -> float | None:
        if span.agent_id in own or not (span.is_task or span.category == "model"):
            return None
        seconds = number(span.attributes, IN_QUEUE)
        return None if seconds is None else seconds * 1000

    for name, value in {"models.first_token": first, "tasks.queue_wait": waited}.items():
        ranks = ranks_of(rows, windows, MODEL_COLUMNS, lambda row: lying.of(row.start_ns), value)
        for window in windows:
            yield from ranked(name, window, ranks[window])
    for window in windows:
        yield Again("models.failures", window, failures[window])


def _first_token(span: Any) -> float | None:
    """Milliseconds, where the span says it and it lies within the span."""
    said = [(number(span.attributes, key), 1000) for key in IN_SECONDS]
    said.append((number(span.attributes, IN_MILLISECONDS), 1))
    came = next((value * unit for value, unit in said if value is not None), None)
    if came is None:
        moments = [int(event["time_ns"]) for event in span.events or [] if event.get("name") in BEGAN]
        came = (min(moments) - span.start_ns) / MS if moments else None
    return came if came is not None and 0 <= came * MS <= span.duration_ns else None


def number(attributes: Mapping[str, Any] | None, key: str) -> float | None:
    """What is said under `key` when it is a number above or at 0, also one written as text."""
    said = (attributes or {}).get(key)
    if isinstance(said, str):
        said = float(said) if WRITTEN.fullmatch(said) else None
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return float(said) if 0 <= said < 1e15 else None
