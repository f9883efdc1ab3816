"""Subjects, their stretches, failures, maintenance and corrections as rows, for the pages that show them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from db.functions import lowered
from db.metric import METRICS, Reading, Statement, Window, reading_of
from db.models import Agent
from db.models.directory import ProfileCard
from db.models.uptime import Check, Correction, ExemptTime, StateStretch, UptimeSubject
from db.queries.check_results import tallies
from db.queries.rolled import whole
from db.queries.uptime import DAY, STATES, kept_stretches, standing, sums

KINDS = ("agent", "check", "part")
WORST_FIRST = ("down", "unknown", "maintenance", "paused", "up")
LISTED = ("uptime.availability", "uptime.coverage", "uptime.lowest", "uptime.highest", "uptime.days_observed")
Stretches = list[Mapping[Any, Any]]


@dataclass(frozen=True)
class SubjectRow:
    """One subject: what it is, its state as far as it is settled, its readings of the window by metric key."""

    id: str
    kind: str
    name: str
    agent_id: str | None
    check_id: UUID | None
    state: str
    reason: str
    since: datetime
    observed_since: datetime
    settled_until: datetime
    readings: Mapping[str, Reading]


@dataclass(frozen=True)
class Wanted:
    """What the list is narrowed down to; empty text means no restriction."""

    search: str = ""
    kind: str = ""
    state: str = ""


def _name() -> ColumnElement[str]:
    name: ColumnElement[str] = func.coalesce(Check.name, Agent.name)
    return name


def _subjects() -> Statement:
    now = (StateStretch.subject_id == UptimeSubject.id) & StateStretch.until.is_(None)
    return (
        select(
            UptimeSubject.id,
            UptimeSubject.kind,
            _name().label("name"),
            UptimeSubject.agent_id,
            UptimeSubject.check_id,
            StateStretch.state,
            StateStretch.reason,
            StateStretch.since,
            UptimeSubject.observed_since,
            UptimeSubject.settled_until,
        )
        .join(StateStretch, now & StateStretch.superseded_at.is_(None))
        .join(Agent, Agent.id == UptimeSubject.agent_id, isouter=True)
        .join(Check, Check.id == UptimeSubject.check_id, isouter=True)
    )


def _narrowed(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.search:
        found = lowered(_name()).contains(wanted.search.lower(), autoescape=True)
        conditions.append(
            or_(found, lowered(UptimeSubject.id).contains(wanted.search.lower(), autoescape=True))
        )
    if wanted.kind:
        conditions.append(UptimeSubject.kind == wanted.kind)
    if wanted.state:
        conditions.append(StateStretch.state == wanted.state)
    return conditions


def subject_page(
    session: Session, window: Window, wanted: Wanted, *, page: int = 1, size: int = 25
) -> tuple[list[SubjectRow], int]:
    """One page of subjects, what is down first, and how many match."""
    base = _subjects().where(*_narrowed(wanted))
    total = session.scalar(select(func.count()).select_from(base.subquery())) or 0
    worst = case(*[(StateStretch.state == state, place) for place, state in enumerate(WORST_FIRST)], else_=9)
    rows = session.execute(
        base.order_by(worst, lowered(_name()), UptimeSubject.id).limit(size).offset((page - 1) * size)
    ).all()
    return _with_readings(session, window, rows), total


def one_subject(session: Session, window: Window, subject: str) -> SubjectRow | None:
    """None when there is none, or nothing of it is settled yet."""
    rows = session.execute(_subjects().where(UptimeSubject.id == subject)).all()
    return next(iter(_with_readings(session, window, rows)), None)


def _with_readings(session: Session, window: Window, rows: Sequence[Any]) -> list[SubjectRow]:
    readings = subject_readings(session, window, [row.id for row in rows])
    return [SubjectRow(**row._mapping, readings=readings[row.id]) for row in rows]


def subject_readings(
    session: Session, window: Window, subjects: Sequence[str]
) -> dict[str, dict[str, Reading]]:
    """What the metrics of these subjects say, in one statement however many they are."""
    stretch = standing(window, UptimeSubject.id.in_(subjects))
    found = session.execute(select(stretch.c.subject_id, *sums(stretch)).group_by(stretch.c.subject_id))
    told = {row.subject_id: row._mapping for row in found}
    nothing: Mapping[str, Any] = dict.fromkeys(STATES, 0)
    return {
        subject: {
            key: reading_of(METRICS[key], row, window, (subject,))
            for key, row in _rows_of(told.get(subject, nothing)).items()
        }
        for subject in subjects
    }


def _rows_of(total: Mapping[Any, Any]) -> dict[str, dict[str, Any]]:
    up, down, unknown = (int(total[state]) for state in ("up", "down", "unknown"))
    observed, judged = up + down, up + down + unknown
    return {
        "uptime.availability": {"value": _percent(up, observed), "n": observed},
        "uptime.coverage": {"value": _percent(observed, judged), "n": judged},
        "uptime.lowest": {"value": _percent(up, judged), "n": observed},
        "uptime.highest": {"value": _percent(up + unknown, judged), "n": observed},
        "uptime.days_observed": {"value": observed / DAY, "n": observed},
    }


def _percent(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None


def stretches_of(session: Session, window: Window, subjects: Sequence[str]) -> dict[str, Stretches]:
    """The stretches of each subject in the window, oldest first; of older days their sums, whose reason is DAY_SUM."""
    stretch = standing(window, UptimeSubject.id.in_(subjects))
    rows = session.execute(select(stretch).order_by(stretch.c.since, stretch.c.state)).mappings()
    found: dict[str, Stretches] = defaultdict(list)
    for row in rows:
        found[row["subject_id"]].append(row)
    return found


def failures(session: Session, window: Window, subject: str, most: int) -> tuple[Stretches, int]:
    """Its newest stretches that are down and lie in the window or reach into it, uncut, and how many there are."""
    inside = kept_stretches(window, UptimeSubject.id == subject, states=("down",))
    lasts = StateStretch.until.is_(None)
    until = func.coalesce(StateStretch.until, UptimeSubject.settled_until)
    base = (
        select(
            StateStretch.since,
            until.label("until"),
            lasts.label("lasts"),
            StateStretch.reason,
            StateStretch.facts,
        )
        .join(UptimeSubject, UptimeSubject.id == StateStretch.subject_id)
        .where(StateStretch.id.in_(select(inside.c.id)))
    )
    total = session.scalar(select(func.count()).select_from(inside)) or 0
    rows = session.execute(base.order_by(StateStretch.since.desc()).limit(most)).mappings()
    return list(rows), total


def unknown_now(session: Session) -> dict[str, int]:
    """Of how many subjects the state is unknown now, by what it follows from."""
    rows = session.execute(
        select(StateStretch.reason, func.count())
        .where(
            StateStretch.until.is_(None),
            StateStretch.superseded_at.is_(None),
            StateStretch.state == "unknown",
        )
        .group_by(StateStretch.reason)
    )
    return {str(reason): int(count) for reason, count in rows}


# --- what people declared -----------------------------------------------------------------------------


def maintenance_rows(session: Session, window: Window, subject: str | None = None) -> Stretches:
    """Maintenance that has not ended, or ended within the last 90 days, newest first; of one subject, or all."""
    about: list[ColumnElement[bool]] = []
    if subject is not None:
        about.append(or_(ExemptTime.subject_id == subject, ExemptTime.subject_id.is_(None)))
    rows = session.execute(
        select(
            ExemptTime.id,
            ExemptTime.subject_id,
            ExemptTime.starts_at,
            ExemptTime.ends_at,
            ExemptTime.why,
            ExemptTime.declared_at,
            ExemptTime.edited_at,
            ExemptTime.edit_why,
            ExemptTime.cancelled_at,
            ProfileCard.username.label("declared_by"),
        )
        .join(ProfileCard, ProfileCard.id == ExemptTime.declared_by, isouter=True)
        .where(ExemptTime.kind == "maintenance", ExemptTime.ends_at >= window.at - timedelta(days=90), *about)
        .order_by(ExemptTime.starts_at.desc(), ExemptTime.id)
        .limit(200)
    )
    return list(rows.mappings())


def correction_rows(session: Session, subject: str) -> Stretches:
    """The newest corrections of a subject."""
    rows = session.execute(
        select(
            Correction.starts_at,
            Correction.ends_at,
            Correction.state,
            Correction.why,
            Correction.made_at,
            Correction.applied_at,
            ProfileCard.username.label("made_by"),
        )
        .join(ProfileCard, ProfileCard.id == Correction.made_by, isouter=True)
        .where(Correction.subject_id == subject)
        .order_by(Correction.made_at.desc(), Correction.id)
        .limit(50)
    )
    return list(rows.mappings())


def known_subjects(session: Session) -> list[tuple[str, str]]:
    """(id, name) of everything that maintenance can be declared for."""
    rows = session.execute(
        select(UptimeSubject.id, _name().label("name"))
        .join(Agent, Agent.id == UptimeSubject.agent_id, isouter=True)
        .join(Check, Check.id == UptimeSubject.check_id, isouter=True)
        .order_by(lowered(_name()), UptimeSubject.id)
    )
    return [(row.id, row.name) for row in rows]


# --- checks -------------------------------------------------------------------------------------------

IMPORTED = ("checks.share_up", "checks.count", "checks.failed")


def check_rows(session: Session, kind: str) -> Stretches:
    """Definitions of a kind, by name."""
    columns = (
        Check.id,
        Check.name,
        Check.url,
        Check.interval_seconds,
        Check.timeout_seconds,
        Check.expected_status,
        Check.confirmations,
        Check.paused_at,
        Check.refusal,
    )
    rows = session.execute(select(*columns).where(Check.kind == kind).order_by(lowered(Check.name)))
    return list(rows.mappings())


def check_facts(session: Session, key: UUID) -> Mapping[Any, Any] | None:
    """One definition; None when there is none."""
    columns = (Check.id, Check.name, Check.kind, Check.url, Check.interval_seconds, Check.expected_status)
    asked = (Check.timeout_seconds, Check.confirmations, Check.refusal, Check.paused_at)
    return session.execute(select(*columns, *asked).where(Check.id == key)).mappings().one_or_none()


def check_readings(session: Session, window: Window, kind: str) -> dict[UUID, dict[str, Reading]]:
    """Share, count and failures of every check of a kind, in one statement."""
    total = tallies(window)
    sums = whole(func.sum(total.c.up + total.c.failed)), whole(func.sum(total.c.up))
    rows = session.execute(
        select(Check.id, *sums)
        .join(total, total.c.check_id == Check.id, isouter=True)
        .where(Check.kind == kind)
        .group_by(Check.id)
    )
    found = {}
    for key, n, is_up in rows:
        told: dict[str, dict[str, Any]] = {
            "checks.share_up": {"value": _percent(is_up, n), "n": n},
            "checks.count": {"value": n},
            "checks.failed": {"value": n - is_up},
        }
        found[key] = {name: reading_of(METRICS[name], row, window, (str(key),)) for name, row in told.items()}
    return found


def collector_heard(session: Session) -> datetime | None:
    """When the collector was heard last; None when it never was."""
    heard: datetime | None = session.scalar(select(Agent.last_active).where(Agent.id == "quantum/collector"))
    return heard
