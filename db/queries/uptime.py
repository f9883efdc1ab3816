"""How much of the observed time something was up, over the stretches that stand, and what the rest of the time was.

Seconds are whole, and so is a window: its ends are rounded down to the second. Time that is not settled yet lies in no
number. Of all time, a subject's window begins with its first observation. Of days whose stretches are no longer kept,
the seconds by state are: they count as a whole where the whole day lies in the window.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, and_, case, func, literal, or_, select, union_all
from sqlalchemy.sql.selectable import Subquery

from db.base import Instant
from db.functions import seconds_between
from db.metric import Statement, Window, metric
from db.models import Agent
from db.models.uptime import StateStretch, UptimeSubject
from db.models.uptime_kept import STATES as KEPT_STATES
from db.queries.fleet import configured
from db.queries.rolled import whole
from db.queries.uptime_kept import kept_since, summed_days

NOT_OBSERVED = "Nothing was observed in this window, so nobody knows whether it was up."
NOT_JUDGED = "No time of this window is settled, apart from maintenance and pauses."
UNSETTLED = "Time that is not settled yet, and stretches that others took the place of."
UNJUDGED = "Unknown time, maintenance and pauses, and time that is not settled yet."
EXEMPT = "Maintenance and pauses, and time that is not settled yet."
OTHERS_UNJUDGED = (
    "Unknown time, maintenance and pauses, and time that is not settled yet. "
    "The application's own parts, and checks."
)
OTHERS_EXEMPT = (
    "Maintenance and pauses, and time that is not settled yet. The application's own parts, and checks."
)
DAY = 86_400
SUBJECT = ("subject",)
STATES = ("up", "down", "unknown", "maintenance", "paused")
LISTED = ("subject_id", "state", "reason", "since", "until", "seconds", "facts")
AGENTS = UptimeSubject.kind == "agent"


def edges(window: Window) -> tuple[datetime | None, datetime]:
    """Its two ends to the second; the second one is never later than now."""
    if window.start is None or window.end is None:
        return None, window.at.replace(microsecond=0)
    return window.start.replace(microsecond=0), min(window.end, window.at).replace(microsecond=0)


def kept_stretches(
    window: Window, *conditions: ColumnElement[bool], states: tuple[str, ...] = ()
) -> Subquery:
    """Stretches that stand, cut to the window and to the days of which single ones are kept, with the `seconds` each
    has in it."""
    start, end = edges(window)
    last = literal(end, Instant())
    until = func.coalesce(StateStretch.until, UptimeSubject.settled_until)
    first = kept_since(KEPT_STATES, start)
    reach = [StateStretch.since < last, or_(StateStretch.until.is_(None), StateStretch.until > first)]
    if states:
        reach.append(StateStretch.state.in_(states))
    cut = (
        select(
            StateStretch.id,
            StateStretch.subject_id,
            StateStretch.state,
            StateStretch.reason,
            StateStretch.facts,
            case((StateStretch.since < first, first), else_=StateStretch.since).label("since"),
            case((until > last, last), else_=until).label("until"),
        )
        .join(UptimeSubject, UptimeSubject.id == StateStretch.subject_id)
        .where(StateStretch.superseded_at.is_(None), *reach, *conditions)
        .subquery("cut")
    )
    seconds = whole(seconds_between(cut.c.since, cut.c.until)).label("seconds")
    return select(cut, seconds).where(cut.c.until > cut.c.since).subquery("kept_stretches")


def standing(window: Window, *conditions: ColumnElement[bool], states: tuple[str, ...] = ()) -> Subquery:
    """What the seconds of a window are made of: stretches that stand, and before them the sums of whole days."""
    stretch = kept_stretches(window, *conditions, states=states)
    single = select(*[stretch.c[name] for name in LISTED])
    return union_all(single, summed_days(*edges(window), conditions, states)).subquery("standing")


def sums(stretch: Subquery) -> list[Any]:
    """Seconds of each state, under its name."""
    return [
        whole(func.sum(stretch.c.seconds).filter(stretch.c.state == state)).label(state) for state in STATES
    ]


def _of(subject: str) -> ColumnElement[bool]:
    return UptimeSubject.id == subject


def _totals(window: Window, which: ColumnElement[bool]) -> Subquery:
    stretch = standing(window, which)
    return select(*sums(stretch)).select_from(stretch).subquery("totals")


Share = Callable[[Subquery], Any]


def _observed(total: Subquery) -> Any:
    return total.c.up + total.c.down


def _judged(total: Subquery) -> Any:
    return total.c.up + total.c.down + total.c.unknown


SHARES: dict[str, Share] = {
    "availability": lambda total: 100.0 * total.c.up / func.nullif(_observed(total), 0),
    "coverage": lambda total: 100.0 * _observed(total) / func.nullif(_judged(total), 0),
    "lowest": lambda total: 100.0 * total.c.up / func.nullif(_judged(total), 0),
    "highest": lambda total: 100.0 * (total.c.up + total.c.unknown) / func.nullif(_judged(total), 0),
}


def _share(name: str, window: Window, which: ColumnElement[bool]) -> Statement:
    total = _totals(window, which)
    n = _judged(total) if name == "coverage" else _observed(total)
    return select(SHARES[name](total).label("value"), n.label("n"))


def _seconds(state: str, window: Window, subject: str) -> Statement:
    total = _totals(window, _of(subject))
    return select(
        total.c[state].label("value"), (_judged(total) + total.c.maintenance + total.c.paused).label("n")
    )


def _listed(window: Window, which: ColumnElement[bool], *states: str) -> Statement:
    """The stretches a number is the sum of, newest first."""
    stretch = standing(window, which)
    asked = stretch.c.state.in_(states) if states else literal(True, Boolean())
    return (
        select(*[stretch.c[name] for name in LISTED])
        .where(asked)
        .order_by(stretch.c.since.desc(), stretch.c.subject_id, stretch.c.state)
    )


def stretches(window: Window, subject: str) -> Statement:
    return _listed(window, _of(subject))


def _stretches_of(*states: str) -> Callable[[Window, str], Statement]:
    return lambda window, subject: _listed(window, _of(subject), *states)


# --- one subject --------------------------------------------------------------------------------------


@metric(
    "uptime.availability",
    title="Availability",
    unit="percent",
    formula="100 × seconds up / (seconds up + seconds down)",
    excluded=UNJUDGED,
    least=1,
    few=NOT_OBSERVED,
    subject=SUBJECT,
    evidence=stretches,
)
def availability(window: Window, subject: str) -> Statement:
    """Share of the observed time in which it was up. Unknown time, maintenance and pauses are on neither side; 100 % is
    shown only when no second was down."""
    return _share("availability", window, _of(subject))


@metric(
    "uptime.coverage",
    title="Observed share",
    unit="percent",
    formula="100 × (seconds up + seconds down) / (seconds up + seconds down + seconds unknown)",
    excluded=EXEMPT,
    few=NOT_JUDGED,
    subject=SUBJECT,
    evidence=stretches,
)
def coverage(window: Window, subject: str) -> Statement:
    """How much of the time since the first observation, but for maintenance and pauses, is known to be up or down."""
    return _share("coverage", window, _of(subject))


@metric(
    "uptime.lowest",
    title="Availability at the lowest",
    unit="percent",
    formula="100 × seconds up / (seconds up + seconds down + seconds unknown)",
    excluded=EXEMPT,
    least=1,
    few=NOT_OBSERVED,
    subject=SUBJECT,
    evidence=stretches,
)
def lowest(window: Window, subject: str) -> Statement:
    """What the availability would be if all the time that is unknown had been down."""
    return _share("lowest", window, _of(subject))


@metric(
    "uptime.highest",
    title="Availability at the highest",
    unit="percent",
    formula="100 × (seconds up + seconds unknown) / (seconds up + seconds down + seconds unknown)",
    excluded=EXEMPT,
    least=1,
    few=NOT_OBSERVED,
    subject=SUBJECT,
    evidence=stretches,
)
def highest(window: Window, subject: str) -> Statement:
    """What the availability would be if all the time that is unknown had been up."""
    return _share("highest", window, _of(subject))


@metric(
    "uptime.days_observed",
    title="Days observed",
    unit="days",
    formula="(seconds up + seconds down) / 86,400",
    excluded=UNJUDGED,
    subject=SUBJECT,
    evidence=_stretches_of("up", "down"),
)
def days_observed(window: Window, subject: str) -> Statement:
    """How many days of the window were observed: a window may be longer than the history."""
    total = _totals(window, _of(subject))
    return select((_observed(total) / float(DAY)).label("value"), _observed(total).label("n"))


@metric(
    "uptime.up_seconds",
    title="Seconds up",
    unit="seconds",
    formula="sum of the stretches that are up",
    excluded=UNSETTLED,
    subject=SUBJECT,
    evidence=_stretches_of("up"),
)
def up_seconds(window: Window, subject: str) -> Statement:
    """Time in which it was up: until its interval and grace after each heartbeat, or while its checks were answered."""
    return _seconds("up", window, subject)


@metric(
    "uptime.down_seconds",
    title="Seconds down",
    unit="seconds",
    formula="sum of the stretches that are down",
    excluded=UNSETTLED,
    subject=SUBJECT,
    evidence=_stretches_of("down"),
)
def down_seconds(window: Window, subject: str) -> Statement:
    """Time in which it was silent while the collector watched, or from the first of so many failed checks in a row as
    confirm a failure."""
    return _seconds("down", window, subject)


@metric(
    "uptime.unknown_seconds",
    title="Seconds unknown",
    unit="seconds",
    formula="sum of the stretches that are unknown",
    excluded=UNSETTLED,
    subject=SUBJECT,
    evidence=_stretches_of("unknown"),
)
def unknown_seconds(window: Window, subject: str) -> Statement:
    """Time of which nobody can tell: the collector or its database was away, fewer than half of the fleet was heard, or
    nobody asked."""
    return _seconds("unknown", window, subject)


@metric(
    "uptime.maintenance_seconds",
    title="Seconds in maintenance",
    unit="seconds",
    formula="sum of the stretches that are maintenance",
    excluded=UNSETTLED,
    subject=SUBJECT,
    evidence=_stretches_of("maintenance"),
)
def maintenance_seconds(window: Window, subject: str) -> Statement:
    """Time of maintenance that was declared before it began. It counts as neither up nor down."""
    return _seconds("maintenance", window, subject)


@metric(
    "uptime.paused_seconds",
    title="Seconds paused",
    unit="seconds",
    formula="sum of the stretches that are paused",
    excluded=UNSETTLED,
    subject=SUBJECT,
    evidence=_stretches_of("paused"),
)
def paused_seconds(window: Window, subject: str) -> Statement:
    """Time in which a person kept it paused. It counts as neither up nor down."""
    return _seconds("paused", window, subject)


# --- the fleet: seconds pooled over agents, never a mean of percentages -------------------------------


def _fleet_stretches(window: Window) -> Statement:
    return _listed(window, AGENTS)


@metric(
    "uptime.fleet_availability",
    title="Availability of the fleet",
    unit="percent",
    formula="100 × seconds up / (seconds up + seconds down), seconds pooled over all agents",
    excluded=OTHERS_UNJUDGED,
    least=1,
    few=NOT_OBSERVED,
    evidence=_fleet_stretches,
)
def fleet_availability(window: Window) -> Statement:
    """Share of the observed seconds of all agents that were up. Agents without an observed second are left out and
    counted beside it; so are the application's own parts and checks."""
    return _share("availability", window, AGENTS)


@metric(
    "uptime.fleet_coverage",
    title="Observed share of the fleet",
    unit="percent",
    formula="100 × (seconds up + seconds down) / (seconds up + seconds down + seconds unknown), pooled over all agents",
    excluded=OTHERS_EXEMPT,
    few=NOT_JUDGED,
    evidence=_fleet_stretches,
)
def fleet_coverage(window: Window) -> Statement:
    """How much of the agents' time, since each was observed first, is known to be up or down."""
    return _share("coverage", window, AGENTS)


@metric(
    "uptime.fleet_lowest",
    title="Availability of the fleet at the lowest",
    unit="percent",
    formula="100 × seconds up / (seconds up + seconds down + seconds unknown), pooled over all agents",
    excluded=OTHERS_EXEMPT,
    least=1,
    few=NOT_OBSERVED,
    evidence=_fleet_stretches,
)
def fleet_lowest(window: Window) -> Statement:
    """What the availability of the fleet would be if all unknown time of its agents had been down."""
    return _share("lowest", window, AGENTS)


@metric(
    "uptime.fleet_highest",
    title="Availability of the fleet at the highest",
    unit="percent",
    formula="100 × (seconds up + seconds unknown) / (seconds up + seconds down + seconds unknown), pooled over all "
    "agents",
    excluded=OTHERS_EXEMPT,
    least=1,
    few=NOT_OBSERVED,
    evidence=_fleet_stretches,
)
def fleet_highest(window: Window) -> Statement:
    """What the availability of the fleet would be if all unknown time of its agents had been up."""
    return _share("highest", window, AGENTS)


def _counted(window: Window) -> Any:
    stretch = standing(window, AGENTS, states=("up", "down"))
    agents = select(UptimeSubject.agent_id).join(stretch, stretch.c.subject_id == UptimeSubject.id)
    return agents.distinct()


def _agent_rows(*conditions: ColumnElement[bool]) -> Statement:
    columns = (Agent.id, Agent.name, Agent.origin, Agent.last_active, Agent.paused_at)
    return select(*columns).where(*conditions).order_by(Agent.id)


@metric(
    "uptime.agents_counted",
    title="Agents in it",
    unit="agents",
    formula="count of agents with at least one second up or down",
    excluded="The application's own parts, checks, and agents without a second up or down.",
    evidence=lambda window: _agent_rows(Agent.id.in_(_counted(window))),
)
def agents_counted(window: Window) -> Statement:
    """Agents whose seconds the availability of the fleet pools."""
    return select(func.count().label("value")).select_from(Agent).where(Agent.id.in_(_counted(window)))


def _left_out(window: Window) -> Sequence[ColumnElement[bool]]:
    watched = select(UptimeSubject.agent_id).where(AGENTS)
    return (
        and_(or_(configured(), Agent.id.in_(watched)), Agent.origin != "system"),
        Agent.id.not_in(_counted(window)),
    )


@metric(
    "uptime.agents_left_out",
    title="Agents left out",
    unit="agents",
    formula="count of agents, configured or ever heard, without a second up or down",
    excluded="The application's own parts, and agents of telemetry or an imported network that no heartbeat came from.",
    evidence=lambda window: _agent_rows(*_left_out(window)),
)
def agents_left_out(window: Window) -> Statement:
    """Agents that the availability of the fleet says nothing about: never heard, or unknown, in maintenance or paused
    all the time."""
    return select(func.count().label("value")).select_from(Agent).where(*_left_out(window))
