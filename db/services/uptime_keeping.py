"""States and results of checks that are older than the settings keep them: summed up by day, then deleted.

A day's sums and the moment from which single rows count are written in one transaction, so that at every instant each
second is counted once; the rows themselves go afterwards, in small batches, and no number reads them meanwhile. A day
goes only when every subject is told beyond it and nobody's word about it is waiting, for afterwards it is told no more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from db.histogram import place_of_number
from db.models.uptime import (
    Check,
    CheckResult,
    Correction,
    ExemptTime,
    HeardStretch,
    StateStretch,
    UptimeSubject,
)
from db.models.uptime_kept import RESULTS, STATES, CheckDay, StateDay, UptimeKept
from db.queries.uptime_kept import DAY, day_of
from db.services.uptime import introduce
from db.services.uptime_evidence import seconds
from db.services.uptime_kept import evidence_of_check, kept_from, one_teller
from db.uptime import LONGEST_DROP

BATCH = 5_000  # rows of one transaction
HTTP = Check.kind == "http"
# Telling a moment anew reads heartbeats from before it; see db.services.uptime_evidence.
HEARD_BEFORE = timedelta(seconds=LONGEST_DROP) + 2 * DAY


def forget_states(session: Session, at: datetime, days: int) -> int:
    """Sum up a day of states, or delete a batch of what is summed up; how many rows that took. The caller commits."""
    one_teller(session)
    introduce(session)
    since = kept_from(session, STATES)
    first = since or _first(session, StateStretch.since)
    if first is not None and first < min(day_of(at - timedelta(days=days)), _told_until(session, first)):
        rows = list(_seconds_of(session, first))
        if rows:
            session.execute(insert(StateDay), rows)
        _keep(session, STATES, first + DAY)
        return max(1, len(rows))
    if since is None:
        return 0
    gone = _gone(session, StateStretch, StateStretch.until <= since)
    return gone or _gone(session, HeardStretch, *_unheard(since))


def forget_results(session: Session, at: datetime, days: int) -> int:
    """The same of results of checks that this application asked; imported histories stay."""
    one_teller(session)
    introduce(session)
    since = kept_from(session, RESULTS)
    first = since or _first(session, CheckResult.at, CheckResult.source.is_(None))
    if first is not None and first < min(day_of(at - timedelta(days=days)), _read_until(session, first)):
        rows = list(_results_of(session, first))
        if rows:
            session.execute(insert(CheckDay), rows)
        _keep(session, RESULTS, first + DAY)
        return max(1, len(rows))
    if since is None:
        return 0
    return _gone(session, CheckResult, CheckResult.source.is_(None), CheckResult.at < since)


def _first(session: Session, moment: Any, *which: Any) -> datetime | None:
    found = session.scalar(select(func.min(moment)).where(*which))
    return None if found is None else day_of(found)


def _unheard(since: datetime) -> tuple[Any, ...]:
    """Heartbeats that speak for nothing told since then, nor for what has to be known to tell it again. Those
    that speak for more than a day, of which there are few, stay."""
    before = since - HEARD_BEFORE
    return (HeardStretch.last_at < before, HeardStretch.limit_seconds <= int(DAY.total_seconds()))


# --- states -------------------------------------------------------------------------------------------


def _told_until(session: Session, first: datetime) -> datetime:
    """The day that has to stay: somebody's is not told yet, or something was said about it that is not told yet."""
    moments = [
        session.scalar(select(func.min(UptimeSubject.settled_until))),
        session.scalar(select(func.min(Correction.starts_at)).where(Correction.applied_at.is_(None))),
        session.scalar(select(func.min(ExemptTime.unsettled_from))),
    ]
    return min((day_of(each) for each in moments if each is not None), default=first)


def _seconds_of(session: Session, day: datetime) -> Iterator[dict[str, Any]]:
    """The seconds of one day by subject and state, out of the stretches that stand."""
    begin, end = seconds(day), seconds(day + DAY)
    rows = session.execute(
        select(StateStretch.subject_id, StateStretch.state, StateStretch.since, StateStretch.until).where(
            StateStretch.superseded_at.is_(None),
            StateStretch.since < day + DAY,
            or_(StateStretch.until.is_(None), StateStretch.until > day),
        )
    )
    sums: Counter[tuple[str, str]] = Counter()
    for subject, state, since, until in rows:
        last = end if until is None else min(end, seconds(until))
        sums[subject, state] += last - max(begin, seconds(since))
    for (subject, state), length in sorted(sums.items()):
        if length > 0:
            yield {"subject_id": subject, "since": day, "state": state, "seconds": length}


# --- results ------------------------------------------------------------------------------------------


def _read_until(session: Session, first: datetime) -> datetime:
    """The day whose results are still read to tell states: by the slowest check, that is some days."""
    checks = list(session.scalars(select(Check).where(HTTP)))
    slowest = max((evidence_of_check(each) for each in checks), default=timedelta(0))
    told = select(func.min(UptimeSubject.settled_until)).where(UptimeSubject.kind == "check")
    said = select(func.min(Correction.starts_at)).where(Correction.applied_at.is_(None))
    exempt = select(func.min(ExemptTime.unsettled_from))
    moments = [session.scalar(each) for each in (told, said, exempt)]
    return min((day_of(each - slowest) for each in moments if each is not None), default=first)


def _results_of(session: Session, day: datetime) -> Iterator[dict[str, Any]]:
    """What each check found on one day."""
    rows = session.execute(
        select(CheckResult.check_id, CheckResult.is_up, CheckResult.milliseconds).where(
            CheckResult.source.is_(None), CheckResult.at >= day, CheckResult.at < day + DAY
        )
    )
    counts: dict[UUID, Counter[bool]] = defaultdict(Counter)
    places: dict[UUID, Counter[str]] = defaultdict(Counter)
    for check, is_up, milliseconds in rows:
        counts[check][is_up] += 1
        if is_up and milliseconds is not None:
            places[check][str(place_of_number(milliseconds * 1e6))] += 1
    for check, found in counts.items():
        told = {"up": found[True], "failed": found[False], "histogram": dict(places[check])}
        yield {"check_id": check, "since": day, **told}


# --- writing ------------------------------------------------------------------------------------------


def _gone(session: Session, model: Any, *conditions: Any) -> int:
    batch = select(model.id).where(and_(*conditions)).limit(BATCH)
    statement = delete(model).where(model.id.in_(batch)).execution_options(synchronize_session=False)
    done: Any = session.execute(statement)
    return int(done.rowcount)


def _keep(session: Session, family: str, since: datetime) -> None:
    kept = session.get(UptimeKept, family)
    if kept is None:
        session.add(UptimeKept(family=family, since=since))
    else:
        kept.since = since
    session.flush()
