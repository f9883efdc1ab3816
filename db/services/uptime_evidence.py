"""What is known about the time of the subjects, read once for all of them: the facts `db.uptime` makes states of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from db.models import Agent
from db.models.uptime import Check, CheckResult, Correction, ExemptTime, HeardStretch, UptimeSubject
from db.queries.system import told_stretches
from db.services.measure import COLLECTOR, DATABASE
from db.services.uptime_kept import evidence_of_check
from db.uptime import (
    FEWEST_EXPECTED,
    LONGEST_DROP,
    Heard,
    Piece,
    Probed,
    Reason,
    State,
    Stretch,
    agent_states,
    cover,
    drops,
    exempted,
    probe_states,
    tick_of,
    union,
    watched_states,
)

SEAM_SECONDS = 1.0  # two heartbeats are told by different clocks; so little between them is no gap
SLOWEST_TICK = 3600


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))


def instant(second: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)


@dataclass(frozen=True)
class Subject:
    """One row of uptime_subjects, in seconds; `told_from` is where its states have to be told from on."""

    id: str
    kind: str
    agent_id: str | None
    check_id: UUID | None
    settled: int
    told_from: int


@dataclass
class Watching:
    """When the collector was there, with a database that answered (`up`) or did not (`down`)."""

    up: list[Stretch] = field(default_factory=list)
    down: list[Stretch] = field(default_factory=list)

    @property
    def all(self) -> list[Stretch]:
        return union([*self.up, *self.down])

    @property
    def until(self) -> int | None:
        return max((each.end for each in (*self.up, *self.down)), default=None)


def watching(session: Session, since: int) -> Watching:
    """The collector's stretches from `since` on, seams closed."""
    stretch = told_stretches(instant(since))
    found = session.execute(
        select(stretch.c.since, stretch.c.seconds, stretch.c.up).order_by(stretch.c.since)
    ).all()
    told = [(at.timestamp(), at.timestamp() + float(length), bool(up)) for at, length, up in found]
    sides: dict[bool, list[Stretch]] = {True: [], False: []}
    for place, (start, end, up) in enumerate(told):
        follows = told[place + 1][0] if place + 1 < len(told) else end
        sides[up].append(Stretch(int(start), int(follows if 0 <= follows - end < SEAM_SECONDS else end)))
    return Watching(union(sides[True]), union(sides[False]))


@dataclass
class Evidence:
    """Everything about [since, until) and what reaches into it."""

    until: int
    watched: Watching
    heard: Mapping[str, Sequence[Heard]]
    fleet: int
    dropped: Sequence[Stretch]
    results: Mapping[UUID, Sequence[Probed]]
    checks: Mapping[UUID, Check]
    paused: Mapping[str, int]
    exempt: Sequence[ExemptTime]
    corrections: Mapping[str, Sequence[Correction]]

    def settled_to(self, subject: Subject) -> int:
        """How far its states can be told: where there is a fleet, as far as all of it was looked at."""
        if subject.kind != "agent" or self.fleet < FEWEST_EXPECTED:
            return self.until
        limits = {each.limit for each in self.heard.get(subject.agent_id or "", ())[-1:]}
        tick = max((tick_of(limit) or SLOWEST_TICK for limit in limits), default=SLOWEST_TICK)
        return self.until // tick * tick - tick

    def pieces(self, subject: Subject, start: int, end: int) -> list[Piece]:
        """Its states over [start, end)."""
        told = self._measured(subject, start, end)
        told = exempted(told, self._maintenance(subject), self._pauses(subject, end))
        for each in self.corrections.get(subject.id, ()):
            stands = Piece(
                seconds(each.starts_at),
                seconds(each.ends_at),
                State(each.state),
                Reason.CORRECTED,
                source=str(each.id),
            )
            told = cover(told, [stands])
        return told

    def _measured(self, subject: Subject, start: int, end: int) -> list[Piece]:
        if subject.check_id is not None:
            check, results = self.checks[subject.check_id], self.results.get(subject.check_id, ())
            return probe_states(
                start, end, results, interval=check.interval_seconds, confirmations=check.confirmations
            )
        if subject.agent_id == COLLECTOR:
            return watched_states(start, end, self.watched.all, ())
        if subject.agent_id == DATABASE:
            return watched_states(start, end, self.watched.up, self.watched.down)
        heard = self.heard.get(subject.agent_id or "", ())
        dropped = self.dropped if subject.kind == "agent" else ()
        return agent_states(start, end, heard, watched=self.watched.up, dropped=dropped)

    def _maintenance(self, subject: Subject) -> list[Piece]:
        return [
            Piece(
                seconds(each.starts_at),
                seconds(each.ends_at),
                State.MAINTENANCE,
                Reason.MAINTENANCE,
                source=str(each.id),
            )
            for each in self.exempt
            if each.kind == "maintenance" and each.subject_id in (None, subject.id)
        ]

    def _pauses(self, subject: Subject, end: int) -> list[tuple[int, int]]:
        over = [
            (seconds(each.starts_at), seconds(each.ends_at))
            for each in self.exempt
            if each.kind == "pause" and each.subject_id == subject.id
        ]
        since = self.paused.get(subject.id)
        return over if since is None else [*over, (since, end)]


def read_evidence(session: Session, subjects: Sequence[Subject], since: int, until: int) -> Evidence:
    """All that speaks about [since, until), for these subjects."""
    heard = _heard(session, since - LONGEST_DROP)
    fleet = [
        heard[each.agent_id or ""] for each in subjects if each.kind == "agent" and each.agent_id in heard
    ]
    ids = [each.check_id for each in subjects if each.check_id is not None]
    checks = {each.id: each for each in session.scalars(select(Check).where(Check.id.in_(ids)))}
    corrections: dict[str, list[Correction]] = defaultdict(list)
    for each in session.scalars(
        select(Correction)
        .where(Correction.ends_at > instant(since))
        .order_by(Correction.made_at, Correction.id)
    ):
        corrections[each.subject_id].append(each)
    return Evidence(
        until=until,
        watched=watching(session, since),
        heard=heard,
        fleet=len(fleet),
        dropped=drops(fleet, since - LONGEST_DROP, until),
        results={key: _results(session, check, since) for key, check in checks.items()},
        checks=checks,
        paused=_paused(session, checks.values()),
        exempt=list(
            session.scalars(
                select(ExemptTime)
                .where(ExemptTime.ends_at > instant(since), ExemptTime.cancelled_at.is_(None))
                .order_by(ExemptTime.starts_at)
            )
        ),
        corrections=corrections,
    )


def _heard(session: Session, since: int) -> dict[str, list[Heard]]:
    """Stretches that may speak for what comes after `since`, in order."""
    columns = (HeardStretch.agent_id, HeardStretch.first_at, HeardStretch.last_at, HeardStretch.limit_seconds)
    reach = timedelta(days=1)
    found: dict[str, list[Heard]] = defaultdict(list)
    rows = session.execute(
        select(*columns)
        .join(UptimeSubject, UptimeSubject.agent_id == HeardStretch.agent_id)
        .where(
            or_(
                HeardStretch.last_at >= instant(since) - reach,
                HeardStretch.limit_seconds > reach.total_seconds(),
            )
        )
        .order_by(HeardStretch.agent_id, HeardStretch.first_at)
    )
    for agent, first, last, limit in rows:
        found[agent].append(Heard(seconds(first), seconds(last), limit))
    return dict(found)


def _results(session: Session, check: Check, since: int) -> list[Probed]:
    """Results from before `since` as well: what it was then follows from how many failed in a row."""
    rows: Any = session.execute(
        select(CheckResult.at, CheckResult.is_up)
        .where(CheckResult.check_id == check.id, CheckResult.at >= instant(since) - evidence_of_check(check))
        .order_by(CheckResult.at)
    )
    return [Probed(seconds(at), is_up) for at, is_up in rows]


def _paused(session: Session, checks: Iterable[Check]) -> dict[str, int]:
    rows = session.execute(select(Agent.id, Agent.paused_at).where(Agent.paused_at.is_not(None)))
    found = {f"agent:{agent}": seconds(since) for agent, since in rows if since is not None}
    return found | {f"check:{each.id}": seconds(each.paused_at) for each in checks if each.paused_at}
