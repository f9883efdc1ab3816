"""Calls of programs over a window, out of roll-ups and the raw rows of what was touched since."""

from typing import Any

from sqlalchemy import BigInteger, Text, case, cast, func, literal, select
from sqlalchemy.sql.selectable import Subquery

from db.functions import day_of, day_of_ns
from db.metric import NANOSECONDS, Statement, Window
from db.models import ApiLog, ApiRollup
from db.models.rollup import API
from db.queries.measured import percentile
from db.queries.rolled import Pairs, Rolled, Source, whole

ONE = literal(1, BigInteger())
CALLS: Pairs = {"calls": (ApiRollup.calls, ONE)}


def _source(of_model: Any = (), of_raw: Any = ()) -> Source:
    return Source(ApiRollup, ApiLog, ApiLog.created_at, of_model, of_raw, family=API, is_instant=True)


def calls_by(window: Window, keys: Pairs) -> Subquery:
    """Rows of the keys and `calls`, each once, as far as there are any calls."""
    parts = Rolled(window, _source()).sums(keys, CALLS).subquery("parts")
    by = [parts.c[name] for name in keys]
    calls = whole(func.sum(parts.c.calls))
    counted: Statement = select(*by, calls.label("calls"))
    return (counted.group_by(*by).having(calls > 0) if by else counted).subquery("counted")


def _at_least(status: int) -> Pairs:
    """1 for calls whose status is that or above."""
    return {
        f"from_{status}": (
            case((ApiRollup.status_code >= status, ApiRollup.calls), else_=0),
            cast(case((ApiLog.status_code >= status, 1), else_=0), BigInteger),
        )
    }


def call_sums(window: Window) -> Subquery:
    """One row: `calls`, `from_400` and `from_500`, those with a status of so much or above."""
    counts = {**CALLS, **_at_least(400), **_at_least(500)}
    parts = Rolled(window, _source()).sums({}, counts).subquery("parts")
    return select(*(whole(func.sum(parts.c[name])).label(name) for name in counts)).subquery("sums")


def response_percentile(window: Window, percent: int) -> Statement:
    """`value`, `n` and `resolution` of the response times that are stated by calls whose status is below 500."""
    answered = (ApiLog.response_time_ms.is_not(None), ApiLog.status_code < 500)
    source = _source((ApiRollup.status_code < 500,), answered)
    return percentile(source, window, ApiLog.response_time_ms, ApiRollup.timed, percent)


BY_STATUS: Pairs = {"status": (ApiRollup.status_code, ApiLog.status_code)}
BY_DAY: Pairs = {"at": (day_of_ns(ApiRollup.start * NANOSECONDS), day_of(ApiLog.created_at))}


def by_status(window: Window) -> Statement:
    counted = calls_by(window, BY_STATUS)
    label = cast(counted.c.status, Text).label("label")
    chosen = select(label, counted.c.calls.label("count"))
    return chosen.order_by(counted.c.calls.desc(), counted.c.status)


def by_day(window: Window) -> Statement:
    counted = calls_by(window, BY_DAY)
    return select(counted.c.at, counted.c.calls.label("count")).order_by(counted.c.at)
