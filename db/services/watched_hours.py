"""What the collector watched, put together hour by hour, so that a year of heartbeats is read in a few rows.

The measurements stay as they are. An hour is put together once it is over, and again when more of it is told later, as
after an outage of the database; doing it twice changes nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.orm import Session

from db.models import Job, SystemMetric
from db.models.uptime import WatchedHour
from db.queries.system import DOWN_SECONDS, UP_SECONDS

HOUR = timedelta(hours=1)
SEAM = timedelta(seconds=1)  # two heartbeats are told by different clocks; so little between them is no gap
OVERLAP = timedelta(minutes=10)
MOST_HOURS = 500
WATCHED = (SystemMetric.metric_type.in_((UP_SECONDS, DOWN_SECONDS)), SystemMetric.metric_value.is_not(None))


def put_together(session: Session, job: str, at: datetime, most: int = MOST_HOURS) -> int:
    """Put together what is over or was told since `job` ran last; how many hours that was, the oldest ones first."""
    hours = _hours(session, job, at)[:most]
    for hour in hours:
        session.execute(
            delete(WatchedHour).where(WatchedHour.hour == hour).execution_options(synchronize_session=False)
        )
        rows = list(_joined(_stretches(session, hour), hour))
        if rows:
            session.execute(insert(WatchedHour), rows)
    return len(hours)


def _hours(session: Session, job: str, at: datetime) -> list[datetime]:
    """Hours that are over for an hour at least, with measurements that came since the last run or were never read."""
    ran = session.scalar(select(Job.succeeded_at).where(Job.name == job))
    done = session.scalar(select(func.max(WatchedHour.hour)))
    new = [SystemMetric.recorded_at >= done + HOUR] if done is not None else []
    late = [SystemMetric.created_at >= ran - OVERLAP] if ran is not None else []
    wanted = or_(*new, *late) if new and late else or_(*new) if new else SystemMetric.recorded_at.is_not(None)
    moments = session.scalars(
        select(SystemMetric.recorded_at).where(*WATCHED, wanted, SystemMetric.recorded_at < _hour(at) - HOUR)
    )
    return sorted({_hour(each) for each in moments if each is not None})


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _stretches(session: Session, hour: datetime) -> Sequence[Any]:
    inside = (SystemMetric.recorded_at >= hour, SystemMetric.recorded_at < hour + HOUR)
    return session.execute(
        select(
            SystemMetric.recorded_at.label("since"),
            SystemMetric.metric_value.label("seconds"),
            SystemMetric.metric_type.label("kind"),
            SystemMetric.meta["beats"].as_integer().label("beats"),
            SystemMetric.meta["watcher"].as_string().label("watcher"),
        )
        .where(*WATCHED, *inside)
        .order_by(SystemMetric.meta["watcher"].as_string(), SystemMetric.recorded_at)
    ).all()


def _joined(stretches: Sequence[Any], hour: datetime) -> Iterator[dict[str, Any]]:
    """Stretches of one watcher and one state that follow each other, as one; what overlaps counts once."""
    row: dict[str, Any] | None = None
    who, reached = None, hour
    for each in stretches:
        end = each.since + timedelta(seconds=float(each.seconds))
        is_up = each.kind == UP_SECONDS
        follows = (
            row is not None
            and who == each.watcher
            and row["is_up"] is is_up
            and abs(each.since - reached) < SEAM
        )
        if row is not None and follows:
            more = each.seconds - max(Decimal(0), Decimal(str((reached - each.since).total_seconds())))
            row["seconds"] += max(Decimal(0), more)
            row["beats"] += each.beats or 0
        else:
            if row is not None:
                yield row
            told = {"hour": hour, "since": each.since, "seconds": each.seconds}
            row = told | {"is_up": is_up, "beats": each.beats or 0}
        who, reached = each.watcher, end
    if row is not None:
        yield row
