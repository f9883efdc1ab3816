"""The application itself: its clock, when it was watched and how it did meanwhile, its own parts and their calls."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.selectable import Subquery

import settings
from db.base import Instant
from db.functions import bucket_of, days_between, seconds_between, seconds_later
from db.metric import Statement, Window, metric, series
from db.models import Agent, Call, SystemMetric
from db.models.uptime import WatchedHour
from db.queries.fleet import operational
from db.queries.measured import WATCHED
from db.queries.rolled import whole
from db.queries.round_trips import HOUR, NEEDS

UP_SECONDS, DOWN_SECONDS = WATCHED
LONGEST_STRETCH = timedelta(hours=2)  # a row never holds more: the collector begins a new one every hour
NOT_WATCHED = "Nothing was observed in this window: no heartbeat of the collector is recorded."
OWN = Agent.origin == "system"


@metric(
    "system.elapsed_days",
    title="Days since the start",
    unit="days",
    formula="(now − QUANTUM_EPOCH) / 1 day",
    windowed=False,
)
def elapsed_days(window: Window) -> Statement:
    """Days since the project's clock started. Elapsed time is a fact; it says nothing about availability."""
    start, end = literal(settings.epoch(), Instant()), literal(window.at, Instant())
    return select(days_between(start, end).label("value"))


# --- watched time: [start, end) cut to the window, counted once where two rows speak of the same time ---------


def _bounds(window: Window) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Start and end of what could have been watched: never the future; of all time, since the first heartbeat."""
    if window.start is None or window.end is None:
        kinds = SystemMetric.metric_type.in_((UP_SECONDS, DOWN_SECONDS))
        raw = select(func.min(SystemMetric.recorded_at)).where(kinds).scalar_subquery()
        together = select(func.min(WatchedHour.since)).scalar_subquery()
        return func.coalesce(together, raw), literal(window.at, Instant())
    return literal(window.start, Instant()), literal(max(window.start, min(window.end, window.at)), Instant())


def told_stretches(start: datetime | None, end: datetime | None = None) -> Subquery:
    """Stretches that can reach beyond `start` and begin before `end`: as the hours that were put together hold them,
    and after those as they were measured."""

    def near(since: Any) -> ColumnElement[bool]:
        later = true() if start is None else since >= start - LONGEST_STRETCH
        return later if end is None else and_(later, since < end)

    together = select(
        WatchedHour.since.label("since"),
        WatchedHour.is_up.label("up"),
        WatchedHour.beats.label("beats"),
        cast(WatchedHour.seconds, Float).label("seconds"),
    ).where(near(WatchedHour.since))
    last = select(func.max(WatchedHour.hour)).scalar_subquery()
    measured = select(
        SystemMetric.recorded_at.label("since"),
        (SystemMetric.metric_type == UP_SECONDS).label("up"),
        cast(SystemMetric.meta["beats"].as_integer(), BigInteger).label("beats"),
        cast(SystemMetric.metric_value, Float).label("seconds"),
    ).where(
        SystemMetric.metric_type.in_((UP_SECONDS, DOWN_SECONDS)),
        SystemMetric.metric_value.is_not(None),
        near(SystemMetric.recorded_at),
        or_(last.is_(None), SystemMetric.recorded_at >= seconds_later(last, HOUR)),
    )
    return union_all(together, measured).subquery("stretches")


def _cut(window: Window) -> Subquery:
    """Stretches as seconds from the window's start, cut to the window."""
    start, end = _bounds(window)
    told = told_stretches(window.start, window.end)
    begin = seconds_between(start, told.c.since)
    each = select(
        told.c.since,
        told.c.up,
        told.c.beats,
        begin.label("begin"),
        (begin + told.c.seconds).label("finish"),
        seconds_between(start, end).label("length"),
    ).subquery("each")
    finish = case((each.c.finish > each.c.length, each.c.length), else_=each.c.finish)
    return select(
        each.c.since,
        each.c.up,
        each.c.beats,
        case((each.c.begin < 0, 0.0), else_=each.c.begin).label("begin"),
        finish.label("finish"),
    ).subquery("cut")


def watched(window: Window) -> Subquery:
    """Stretches with the `seconds` they add: time that an earlier row speaks of is not counted again."""
    cut = _cut(window)
    before = func.max(cut.c.finish).over(order_by=(cut.c.begin, cut.c.finish, cut.c.since), rows=(None, -1))
    told = select(cut, func.coalesce(before, 0.0).label("before")).where(cut.c.finish > cut.c.begin)
    row = told.subquery("told")
    begin = case((row.c.before > row.c.begin, row.c.before), else_=row.c.begin)
    return (
        select(row.c.since, row.c.up, row.c.beats, (row.c.finish - begin).label("seconds"))
        .where(row.c.finish > begin)
        .subquery("watched")
    )


def _totals(window: Window) -> Subquery:
    """Seconds up, down and in all, and the heartbeats behind them; `all` is null when the window has no length."""
    row, (start, end) = watched(window), _bounds(window)
    return select(
        func.coalesce(func.sum(row.c.seconds).filter(row.c.up), 0.0).label("up"),
        func.coalesce(func.sum(row.c.seconds).filter(~row.c.up), 0.0).label("down"),
        func.nullif(seconds_between(start, end), 0).label("all"),
        whole(func.sum(row.c.beats)).label("n"),
    ).subquery("totals")


def _stretches(window: Window) -> Statement:
    row = watched(window)
    state = case((row.c.up, "up"), else_="down")
    return select(row.c.since, state.label("state"), row.c.seconds, row.c.beats).order_by(row.c.since.desc())


def _seconds(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Seconds to the millisecond, which is how moments are kept."""
    return func.round(value * 1000) / 1000.0


@metric(
    "system.uptime",
    title="Collector uptime",
    unit="percent",
    formula="100 × seconds the collector was up / seconds observed",
    excluded="Time that nobody watched.",
    least=1,
    few=NOT_WATCHED,
    evidence=_stretches,
)
def uptime(window: Window) -> Statement:
    """Share of the observed time in which the collector was up: running, with a database that answered its heartbeat.
    Observed is the time between two heartbeats of one process; time nobody watched is not counted as up or down."""
    total = _totals(window)
    return select((100.0 * total.c.up / func.nullif(total.c.up + total.c.down, 0)).label("value"), total.c.n)


@metric(
    "system.coverage",
    title="Observed time",
    unit="percent",
    formula="100 × (seconds up + seconds down) / seconds of the window until now",
    few=NOT_WATCHED,
    evidence=_stretches,
)
def coverage(window: Window) -> Statement:
    """How much of the window the collector watched. Of the rest nobody knows whether the system was up."""
    total = _totals(window)
    return select((100.0 * (total.c.up + total.c.down) / total.c.all).label("value"), total.c.n)


@metric(
    "system.up_seconds",
    title="Seconds up",
    unit="seconds",
    formula="sum of the watched stretches that began with an answered heartbeat",
    excluded="Time that nobody watched.",
    evidence=_stretches,
)
def up_seconds(window: Window) -> Statement:
    """Time of the window in which the collector was up, by the heartbeat before and the one after."""
    total = _totals(window)
    return select(_seconds(total.c.up).label("value"), total.c.n)


@metric(
    "system.down_seconds",
    title="Seconds down",
    unit="seconds",
    formula="sum of the watched stretches that began with a failed heartbeat",
    excluded="Time that nobody watched, and failures the collector did not live to report.",
    evidence=_stretches,
)
def down_seconds(window: Window) -> Statement:
    """Time of the window in which the collector ran and its database did not answer; told when it answered again."""
    total = _totals(window)
    return select(_seconds(total.c.down).label("value"), total.c.n)


@metric(
    "system.unknown_seconds",
    title="Seconds unobserved",
    unit="seconds",
    formula="seconds of the window until now − seconds up − seconds down",
    excluded="Time that somebody watched.",
    few=NOT_WATCHED,
    evidence=_stretches,
)
def unknown_seconds(window: Window) -> Statement:
    """Time of the window that nobody watched: neither up nor down. Of all time, counted since the first heartbeat."""
    total = _totals(window)
    return select(_seconds(total.c.all - total.c.up - total.c.down).label("value"), total.c.n)


@metric(
    "system.uptime_lowest",
    title="Uptime at the lowest",
    unit="percent",
    formula="100 × seconds up / seconds of the window until now",
    least=1,
    few=NOT_WATCHED,
    evidence=_stretches,
)
def uptime_lowest(window: Window) -> Statement:
    """What the uptime would be if all the time nobody watched had been down."""
    total = _totals(window)
    return select((100.0 * total.c.up / total.c.all).label("value"), total.c.n)


@metric(
    "system.uptime_highest",
    title="Uptime at the highest",
    unit="percent",
    formula="100 × (seconds of the window until now − seconds down) / seconds of the window until now",
    least=1,
    few=NOT_WATCHED,
    evidence=_stretches,
)
def uptime_highest(window: Window) -> Statement:
    """What the uptime would be if all the time nobody watched had been up."""
    total = _totals(window)
    return select((100.0 * (total.c.all - total.c.down) / total.c.all).label("value"), total.c.n)


@series(
    "system.heartbeats_by_hour",
    title="Heartbeats by hour",
    unit="heartbeats",
    formula="sum of the heartbeats of the watched stretches that begin in the hour (UTC); two a minute are planned",
    needs=NEEDS,
    evidence=_stretches,
)
def heartbeats_by_hour(window: Window) -> Statement:
    """How many heartbeats the collector made in which hour. In an hour without a bar nobody watched."""
    row = watched(window)
    each = select(bucket_of(row.c.since, HOUR).label("at"), row.c.beats).subquery("by_hour")
    width: ColumnElement[int] = literal_column(str(HOUR))
    counted = select(each.c.at, width.label("seconds"), whole(func.sum(each.c.beats)).label("count"))
    return counted.group_by(each.c.at).order_by(each.c.at)


# --- the application's own parts ----------------------------------------------------------------------------


@metric(
    "system.parts_operational",
    title="Own parts operational",
    unit="parts",
    formula="count of agents of origin system heard within twice their declared interval",
    excluded="The fleet's agents.",
    windowed=False,
    evidence=lambda window: (
        select(Agent.id, Agent.name, Agent.last_active, operational(window).label("operational"))
        .where(OWN)
        .order_by(Agent.id)
    ),
)
def parts_operational(window: Window) -> Statement:
    """The application's own parts that answered just now: its web server, its database and its collector."""
    return select(func.count().label("value")).where(OWN, operational(window))


def calls_of_own(window: Window) -> ColumnElement[bool]:
    """Calls of the window in which one of the application's own parts has a share."""
    own = select(Agent.id).where(OWN)
    return and_(window.covers_ns(Call.start_ns), or_(Call.caller_id.in_(own), Call.callee_id.in_(own)))


@metric(
    "system.calls",
    title="Calls between own parts",
    unit="calls",
    formula="count of recorded calls of which an end is of origin system",
    excluded="Calls between the fleet's agents.",
    evidence=lambda window: (
        select(Call.start_ns, Call.caller_id, Call.callee_id, Call.latency_ns, Call.failed)
        .where(calls_of_own(window))
        .order_by(Call.start_ns.desc(), Call.span_id)
    ),
)
def system_calls(window: Window) -> Statement:
    """Sampled requests between the application's own parts; each is kept for a week. No metric of the fleet
    counts them."""
    return select(func.count().label("value")).select_from(Call).where(calls_of_own(window))
