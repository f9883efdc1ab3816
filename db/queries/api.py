"""Programmatic access: calls answered, the keys they came with, and quotas."""

from typing import Any

from sqlalchemy import ColumnElement, Float, and_, case, cast, func, or_, select

from db.listing import Children, Field, Listing, listed
from db.metric import Statement, Window, metric, series
from db.models import ApiKey, ApiLog, ProfileCard, RateLimit
from db.queries.api_sums import by_day, by_status, call_sums, response_percentile
from db.queries.measured import BY_RANK
from db.queries.percentiles import APDEX_FORMULA, apdex

LOGS, KEYS = "api:logs:read", "api:keys:read"
MOST_ENDPOINTS = 10
NO_CALL = "No call was logged in this window."
NOT_TIMED = "Calls that state no response time. Calls that failed: they are counted apart."
NO_DURATION = "No call of this window states how long it took."

calls = listed(
    Listing(
        name="calls",
        title="Calls",
        model=ApiLog,
        fields=(
            Field(ApiLog.endpoint, "Endpoint"),
            Field(ApiLog.method, "Method"),
            Field(ApiLog.status_code, "Status code", "number"),
            Field(ApiLog.response_time_ms, "Response time (ms)", "number"),
            Field(ApiLog.ip_address, "Client address", "address"),
            Field(ApiLog.created_at, "Created", "moment"),
        ),
        search=(ApiLog.endpoint, ApiLog.ip_address, ApiLog.user_agent),
        filters=(ApiLog.method, ApiLog.status_code),
        order=ApiLog.created_at,
        needs=LOGS,
    )
)
limits = listed(
    Listing(
        name="limits",
        title="Rate limits",
        model=RateLimit,
        fields=(
            Field(RateLimit.endpoint, "Endpoint"),
            Field(RateLimit.current_hour_count, "Calls this hour", "number"),
            Field(RateLimit.limit_per_hour, "Limit per hour", "number"),
            Field(RateLimit.current_day_count, "Calls this day", "number"),
            Field(RateLimit.limit_per_day, "Limit per day", "number"),
            Field(RateLimit.window_start, "Counted since", "moment"),
        ),
        search=(RateLimit.endpoint,),
        filters=(),
        order=RateLimit.window_start,
        needs=KEYS,
    )
)
OWNER = select(ProfileCard.username).where(ProfileCard.id == ApiKey.user_id).scalar_subquery()
keys = listed(
    Listing(
        name="keys",
        title="Keys",
        model=ApiKey,
        fields=(
            Field(ApiKey.key_name, "Name"),
            Field(ApiKey.key_prefix, "Begins with"),
            Field(ApiKey.user_id, "Owner", shows=OWNER, name="owner"),
            Field(ApiKey.is_active, "Active", "yes_no"),
            Field(ApiKey.rate_limit, "Limit per hour", "number"),
            Field(ApiKey.last_used_at, "Last used", "moment"),
            Field(ApiKey.expires_at, "Expires", "moment"),
        ),
        search=(ApiKey.key_name, ApiKey.key_prefix, OWNER),
        filters=(ApiKey.is_active,),
        order=ApiKey.created_at,
        children=(Children(calls, ApiLog.api_key_id), Children(limits, RateLimit.api_key_id)),
        hidden=("key_hash",),
        needs=KEYS,
    )
)


def among(window: Window, *columns: Any, where: ColumnElement[bool] | None = None) -> Statement:
    """`columns` of the calls logged in the window that fulfil `where`."""
    chosen: Statement = select(*columns).select_from(ApiLog).where(window.covers(ApiLog.created_at))
    return chosen if where is None else chosen.where(where)


def _rows(where: ColumnElement[bool] | None = None, first: Any = None) -> Any:
    columns = (ApiLog.id, ApiLog.method, ApiLog.endpoint, ApiLog.status_code, ApiLog.response_time_ms)
    order = ApiLog.created_at.desc() if first is None else first
    return lambda window: among(window, *columns, ApiLog.created_at, where=where).order_by(order, ApiLog.id)


@metric("api.calls", title="Calls", unit="calls", formula="count of rows", needs=LOGS, evidence=_rows())
def call_count(window: Window) -> Statement:
    """Calls logged in the window, whatever the answer was."""
    return select(call_sums(window).c.calls.label("value"))


@metric(
    "api.error_share",
    title="Calls that failed",
    unit="percent",
    formula="100 × calls with status 400 or above / calls; Wilson 95 % interval",
    least=1,
    few=NO_CALL,
    wilson=True,
    needs=LOGS,
    evidence=_rows(ApiLog.status_code >= 400),
)
def error_share(window: Window) -> Statement:
    """Share of the calls logged in the window that were answered with an error: a status of 400 or above."""
    row = call_sums(window)
    share = 100.0 * cast(row.c.from_400, Float) / func.nullif(cast(row.c.calls, Float), 0.0)
    return select(share.label("value"), row.c.calls.label("n"), row.c.from_400.label("hits"))


@metric(
    "api.clients",
    title="Clients",
    unit="clients",
    formula="count of distinct client addresses",
    excluded="Calls that state no client address.",
    needs=LOGS,
    evidence=lambda window: (
        among(window, ApiLog.ip_address, func.count().label("calls"), where=ApiLog.ip_address.is_not(None))
        .group_by(ApiLog.ip_address)
        .order_by(func.count().desc(), ApiLog.ip_address)
    ),
)
def clients(window: Window) -> Statement:
    """Network addresses from which at least one call of the window came. Many people may share one."""
    return among(window, func.count(ApiLog.ip_address.distinct()).label("value"))


FAILED = ApiLog.status_code >= 500
TIMED = and_(ApiLog.response_time_ms.is_not(None), or_(ApiLog.status_code.is_(None), ~FAILED))


SLOWEST = _rows(TIMED, ApiLog.response_time_ms.desc())


@metric(
    "api.response_p50_ms",
    title="Response time, median",
    unit="ms",
    formula=f"nearest rank: the ⌈0.50·n⌉-th shortest response time; {BY_RANK}",
    excluded=NOT_TIMED,
    least=1,
    few=NO_DURATION,
    needs=LOGS,
    evidence=SLOWEST,
)
def response_p50(window: Window) -> Statement:
    """Half of the calls of the window that state a response time were answered in this long or less. Calls that this
    application failed to answer are counted apart."""
    return response_percentile(window, 50)


@metric(
    "api.response_p95_ms",
    title="Response time, 95th percentile",
    unit="ms",
    formula=f"nearest rank: the ⌈0.95·n⌉-th shortest response time; needs n ≥ 20; {BY_RANK}",
    excluded=NOT_TIMED,
    least=20,
    few=NO_DURATION,
    needs=LOGS,
    evidence=SLOWEST,
)
def response_p95(window: Window) -> Statement:
    """95 of 100 calls of the window that state a response time were answered in this long or less. Calls that this
    application failed to answer are counted apart."""
    return response_percentile(window, 95)


@metric(
    "api.response_p99_ms",
    title="Response time, 99th percentile",
    unit="ms",
    formula=f"nearest rank: the ⌈0.99·n⌉-th shortest response time; needs n ≥ 100; {BY_RANK}",
    excluded=NOT_TIMED,
    least=100,
    few=NO_DURATION,
    needs=LOGS,
    evidence=SLOWEST,
)
def response_p99(window: Window) -> Statement:
    """99 of 100 calls of the window that state a response time were answered in this long or less. Calls that this
    application failed to answer are counted apart."""
    return response_percentile(window, 99)


@metric(
    "api.failures",
    title="Calls not answered",
    unit="errors",
    formula="count of calls with status 500 or above",
    excluded="Calls that were answered, and those that state no status.",
    needs=LOGS,
    evidence=_rows(FAILED),
)
def api_failures(window: Window) -> Statement:
    """Calls of programs in the window that this application failed to answer. They lie in no percentile of the response
    time; Apdex counts them as frustrated."""
    return select(call_sums(window).c.from_500.label("value"))


@metric(
    "api.apdex",
    title="Apdex of programs",
    unit="apdex",
    formula=APDEX_FORMULA,
    excluded="Answered calls that state no response time.",
    least=1,
    few=NO_DURATION,
    needs=LOGS,
    evidence=_rows(or_(TIMED, FAILED)),
)
def api_apdex(window: Window) -> Statement:
    """How satisfied programs can be with their answers, from 0 to 1, by response time. Failures count as frustrated."""
    time = case((FAILED, None), else_=ApiLog.response_time_ms)
    return apdex(among(window, time.label("x"), where=or_(TIMED, FAILED)))


def _keys(where: Any = None) -> Any:
    def rows(window: Window) -> Statement:
        columns = (ApiKey.id, ApiKey.key_name, ApiKey.key_prefix, ApiKey.is_active, ApiKey.expires_at)
        chosen: Statement = select(*columns).order_by(ApiKey.created_at.desc(), ApiKey.id)
        return chosen if where is None else chosen.where(where(window))

    return rows


def accepted(window: Window) -> ColumnElement[bool]:
    """True for keys that are neither revoked nor expired at the window's instant."""
    return and_(ApiKey.is_active.is_(True), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > window.at))


@metric(
    "api.keys",
    title="Keys",
    unit="keys",
    formula="count of rows",
    windowed=False,
    needs=KEYS,
    evidence=_keys(),
)
def key_count(window: Window) -> Statement:
    """Keys stored, revoked and expired ones included."""
    return select(func.count(ApiKey.id).label("value"))


@metric(
    "api.active_keys",
    title="Active keys",
    unit="keys",
    formula="count of keys that are active and not expired",
    excluded="Keys that are revoked or expired.",
    windowed=False,
    needs=KEYS,
    evidence=_keys(accepted),
)
def active_keys(window: Window) -> Statement:
    """Keys that are accepted now: neither revoked nor expired."""
    return select(func.count(ApiKey.id).label("value")).where(accepted(window))


@series(
    "api.calls_by_status",
    title="Calls by status code",
    unit="calls",
    formula="count of calls per status code",
    needs=LOGS,
    evidence=_rows(),
)
def calls_by_status(window: Window) -> Statement:
    """How the calls of the window were answered, by HTTP status code."""
    return by_status(window)


@series(
    "api.calls_by_day",
    title="Calls by day",
    unit="calls",
    formula="count of calls per day (UTC)",
    needs=LOGS,
    evidence=_rows(),
)
def calls_by_day(window: Window) -> Statement:
    """How many calls were logged on which day. A day without a bar had none."""
    return by_day(window)


@series(
    "api.calls_by_endpoint",
    title="Ten most called endpoints",
    unit="calls",
    formula="count of calls per endpoint, the ten largest counts",
    excluded="All endpoints but the ten most called.",
    needs=LOGS,
    evidence=_rows(),
)
def calls_by_endpoint(window: Window) -> Statement:
    """Which addresses were asked for most in the window. The others are left out."""
    counted = among(window, ApiLog.endpoint.label("label"), func.count().label("count"))
    order = (func.count().desc(), ApiLog.endpoint)
    return counted.group_by(ApiLog.endpoint).order_by(*order).limit(MOST_ENDPOINTS)
