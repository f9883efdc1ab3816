"""How fast pages are: the time this application takes to answer them, and what the browser saw of it.

Server time runs from the moment a thread takes a request up until its answer is ready, by a monotonic clock; waiting
for a free thread comes before it. The browser's times run from the beginning of the navigation.
"""

from typing import Any

from sqlalchemy import ColumnElement, select

from db.metric import Statement, Window, metric
from db.models import SystemMetric
from db.queries.measured import Subject, count_of, measurement_percentile
from db.queries.percentiles import APDEX_FORMULA, apdex, declare
from db.queries.round_trips import NEEDS

SERVER_TIME = "web.server_time_ms"
FIRST_PAINT, NUMBERS = "browser.first_paint_ms", "browser.numbers_ms"
KINDS = (SERVER_TIME, FIRST_PAINT, NUMBERS)
NOT_ANSWERED = "No answer to a page has been recorded in this window."
NOT_REPORTED = "No browser has reported a page in this window."


def _measured(window: Window, kind: str, *, failed: bool = False) -> tuple[ColumnElement[bool], ...]:
    value = SystemMetric.metric_value
    return (
        SystemMetric.metric_type == kind,
        value.is_(None) if failed else value.is_not(None),
        window.covers(SystemMetric.recorded_at),
    )


def _values(kind: str) -> Any:
    return lambda window: select(SystemMetric.metric_value.label("x")).where(*_measured(window, kind))


def _rolled(kind: str) -> Any:
    return lambda window, percent: measurement_percentile(window, Subject(kind), percent)


def _rows(kind: str, fact: str) -> Any:
    columns = (SystemMetric.recorded_at, SystemMetric.meta[fact].as_string().label(fact))
    return lambda window: select(*columns, SystemMetric.metric_value.label("x")).where(
        *_measured(window, kind)
    )


def _failures(kind: str, fact: str) -> Any:
    columns = (SystemMetric.recorded_at, SystemMetric.meta[fact].as_string().label(fact))
    return lambda window: (
        select(*columns, SystemMetric.meta["error"].as_string().label("error"))
        .where(*_measured(window, kind, failed=True))
        .order_by(SystemMetric.recorded_at.desc())
    )


declare(
    "web.server_time",
    title="Server time of pages",
    what="recorded requests of pages were answered this fast or faster. Recorded is each one up to fifty in five "
    "seconds; of more, fifty that chance picks.",
    values=_values(SERVER_TIME),
    rows=_rows(SERVER_TIME, "asked"),
    rolled=_rolled(SERVER_TIME),
    few=NOT_ANSWERED,
    excluded="Answers that failed: they are counted apart. Answers that chance left unrecorded.",
    needs=NEEDS,
)


@metric(
    "web.server_failures",
    title="Failed answers to pages",
    unit="errors",
    formula="count of recorded requests of pages that this application failed to answer",
    excluded="Requests of pages that were answered.",
    needs=NEEDS,
    evidence=_failures(SERVER_TIME, "asked"),
)
def server_failures(window: Window) -> Statement:
    """Requests of pages that ended with an error of this application. They lie in no percentile; Apdex counts them as
    frustrated."""
    return count_of(window, Subject(SERVER_TIME), "missing")


@metric(
    "web.apdex",
    title="Apdex of pages",
    unit="apdex",
    formula=APDEX_FORMULA,
    excluded="Answers that chance left unrecorded.",
    least=1,
    few=NOT_ANSWERED,
    needs=NEEDS,
    evidence=lambda window: _rows(SERVER_TIME, "asked")(window).order_by(SystemMetric.recorded_at.desc()),
)
def web_apdex(window: Window) -> Statement:
    """How satisfied those are who wait for a page's answer, from 0 to 1, by server time. Every failure counts, as
    frustrated; of more than fifty answers in five seconds fifty that chance picks do."""
    return apdex(
        select(SystemMetric.metric_value.label("x")).where(
            SystemMetric.metric_type == SERVER_TIME, window.covers(SystemMetric.recorded_at)
        )
    )


declare(
    "browser.first_paint",
    title="First paint",
    what="reported pages showed their first content this soon or sooner after the browser set out for them.",
    values=_values(FIRST_PAINT),
    rows=_rows(FIRST_PAINT, "page"),
    rolled=_rolled(FIRST_PAINT),
    few=NOT_REPORTED,
    excluded="Pages whose browser reported no first content.",
    needs=NEEDS,
)
declare(
    "browser.numbers",
    title="Numbers on screen",
    what="reported pages had their numbers on screen this soon or sooner after the browser set out for them.",
    values=_values(NUMBERS),
    rows=_rows(NUMBERS, "page"),
    rolled=_rolled(NUMBERS),
    few=NOT_REPORTED,
    excluded="Pages without their numbers: they are counted apart. Those whose browser reported nothing.",
    needs=NEEDS,
)


@metric(
    "browser.failures",
    title="Pages without their numbers",
    unit="pages",
    formula="count of reported pages whose numbers did not come within a minute",
    excluded="Pages that had their numbers, and those whose browser reported nothing.",
    needs=NEEDS,
    evidence=_failures(NUMBERS, "page"),
)
def browser_failures(window: Window) -> Statement:
    """Pages whose browser waited a minute in vain for their numbers, or was shown an error in their place. They lie in
    no percentile."""
    return count_of(window, Subject(NUMBERS), "missing")
