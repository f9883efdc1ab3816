"""Settling: the states of every subject are told as far as they are known for good, and written down as stretches.

Each run tells the time since the last one. A stretch that goes on is not written again: its subject is settled further,
and that is all. What a person declares about time that is settled already (an edited maintenance, a correction) makes
that time be told again: new stretches take the place of the old ones, which stay, marked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from db.models import Agent, SystemMetric
from db.models.uptime import (
    Check,
    CheckResult,
    Correction,
    ExemptTime,
    HeardStretch,
    StateStretch,
    UptimeSubject,
)
from db.queries.system import UP_SECONDS
from db.services.measure import COLLECTOR, DATABASE
from db.services.uptime_evidence import Evidence, Subject, instant, read_evidence, seconds, watching
from db.services.uptime_kept import one_teller, told_again_from
from db.uptime import Piece, settled_to

PATIENCE = 3600  # how long the collector may take to tell what it watched while the database was away
LAG = 15  # what was received just now may not be committed yet
PROBE_SLACK = 120


def settle(session: Session, at: datetime) -> dict[str, int]:
    """Tell the states of every subject up to now, as far as that is known; how many subjects and new stretches."""
    one_teller(session)
    introduce(session)
    now = seconds(at)
    until = _watched_until(session, now)
    declared = _declared(session)
    subjects = _subjects(session, declared)
    if not subjects:
        return {"subjects": 0, "stretches": 0}
    evidence = read_evidence(session, subjects, min(each.told_from for each in subjects), until)
    lasting = _lasting(session)
    written = 0
    further: dict[int, list[str]] = {}
    for subject in subjects:
        end = max(_end(evidence, subject, now), subject.settled)
        if subject.told_from < end:
            pieces = evidence.pieces(subject, subject.told_from, end)
            written += _write(session, subject, pieces, lasting.get(subject.id), at)
        if end > subject.settled:
            further.setdefault(end, []).append(subject.id)
    for end, ids in further.items():
        _change(session, UptimeSubject, UptimeSubject.id.in_(ids), settled_until=instant(end))
    _done(session, declared, at)
    return {"subjects": len(subjects), "stretches": written}


def _watched_until(session: Session, now: int) -> int:
    """What came after the collector's last word is not judged yet; after an hour without one, nobody watched."""
    last = watching(session, now - 2 * PATIENCE).until
    known = now - PATIENCE if last is None else max(last, now - PATIENCE)
    return min(known, now - LAG)


def _end(evidence: Evidence, subject: Subject, now: int) -> int:
    if subject.check_id is None:
        return evidence.settled_to(subject)
    check = evidence.checks[subject.check_id]
    if check.paused_at is not None:
        return now - LAG
    return settled_to(
        evidence.results.get(subject.check_id, ()),
        now - LAG,
        interval=check.interval_seconds,
        confirmations=check.confirmations,
        slack=PROBE_SLACK,
    )


# --- who there is -------------------------------------------------------------------------------------


def introduce(session: Session) -> None:
    """Make a subject of whoever was observed for the first time."""
    new = [*_heard_first(session), *_watched_first(session), *_probed_first(session)]
    if new:
        session.execute(insert(UptimeSubject), new)


def _subject(kind: str, key: Any, first: datetime) -> dict[str, Any]:
    begin = instant(seconds(first))
    return {
        "id": f"{kind}:{key}",
        "kind": kind,
        "agent_id": None if kind == "check" else key,
        "check_id": key if kind == "check" else None,
        "observed_since": begin,
        "settled_until": begin,
    }


def _heard_first(session: Session) -> list[dict[str, Any]]:
    known = select(UptimeSubject.agent_id).where(UptimeSubject.agent_id.is_not(None))
    first = select(func.min(HeardStretch.first_at)).where(HeardStretch.agent_id == Agent.id).scalar_subquery()
    rows = session.execute(
        select(Agent.id, Agent.origin, first).where(Agent.id.not_in(known), first.is_not(None))
    )
    return [
        _subject("part" if origin == "system" else "agent", agent, began) for agent, origin, began in rows
    ]


def _watched_first(session: Session) -> list[dict[str, Any]]:
    known = select(UptimeSubject.agent_id).where(UptimeSubject.agent_id.is_not(None))
    parts = session.scalars(
        select(Agent.id).where(Agent.id.in_((COLLECTOR, DATABASE)), Agent.id.not_in(known))
    ).all()
    first = session.scalar(
        select(func.min(SystemMetric.recorded_at)).where(SystemMetric.metric_type == UP_SECONDS)
    )
    return [_subject("part", part, first) for part in parts if first is not None]


def _probed_first(session: Session) -> list[dict[str, Any]]:
    known = select(UptimeSubject.check_id).where(UptimeSubject.check_id.is_not(None))
    first = select(func.min(CheckResult.at)).where(CheckResult.check_id == Check.id).scalar_subquery()
    asked = (Check.kind == "http", Check.id.not_in(known), first.is_not(None))
    return [
        _subject("check", check, began)
        for check, began in session.execute(select(Check.id, first).where(*asked))
    ]


@dataclass(frozen=True)
class _Declared:
    """What people declared about time that is settled: rows that are not told yet, and by subject (None: everybody) the
    first second they change."""

    exempt: Sequence[Any]
    corrections: Sequence[Any]

    @property
    def since(self) -> dict[str | None, int]:
        found: dict[str | None, int] = {}
        for _, subject, moment in (*self.exempt, *self.corrections):
            found[subject] = min(seconds(moment), found.get(subject, seconds(moment)))
        return found


def _declared(session: Session) -> _Declared:
    exempt = select(ExemptTime.id, ExemptTime.subject_id, ExemptTime.unsettled_from)
    corrected = select(Correction.id, Correction.subject_id, Correction.starts_at)
    return _Declared(
        session.execute(exempt.where(ExemptTime.unsettled_from.is_not(None))).all(),
        session.execute(corrected.where(Correction.applied_at.is_(None))).all(),
    )


def _subjects(session: Session, declared: _Declared) -> list[Subject]:
    """Every subject, and where to tell from: what was declared about settled time comes first, as far back as that can
    still be told."""
    again, found = declared.since, []
    checks = session.scalars(select(Check).where(Check.kind == "http"))
    earliest = told_again_from(session, {f"check:{each.id}": each for each in checks}) if again else {}
    for row in session.scalars(select(UptimeSubject).order_by(UptimeSubject.id)):
        settled, begin = seconds(row.settled_until), seconds(row.observed_since)
        asked = min((again[key] for key in (row.id, None) if key in again), default=settled)
        kept = earliest.get(row.id) or earliest.get(None)
        told = max(begin, min(settled, asked if kept is None else max(asked, seconds(kept))))
        found.append(Subject(row.id, row.kind, row.agent_id, row.check_id, settled, told))
    return found


def _done(session: Session, declared: _Declared, at: datetime) -> None:
    """These are told now, and only these: another may have been declared since they were read."""
    for key, _, since in declared.exempt:
        _change(
            session,
            ExemptTime,
            and_(ExemptTime.id == key, ExemptTime.unsettled_from == since),
            unsettled_from=None,
        )
    told = Correction.id.in_([key for key, _, _ in declared.corrections])
    _change(session, Correction, told, applied_at=at)


# --- writing ------------------------------------------------------------------------------------------


def _standing(*also: Any) -> Any:
    return select(StateStretch).where(StateStretch.superseded_at.is_(None), *also)


def _lasting(session: Session) -> dict[str, StateStretch]:
    """The stretch of each subject that has no end yet."""
    return {row.subject_id: row for row in session.scalars(_standing(StateStretch.until.is_(None)))}


def _write(
    session: Session, subject: Subject, pieces: Sequence[Piece], last: StateStretch | None, at: datetime
) -> int:
    """Append the pieces after what stands, of which `last` has no end yet; how many rows that took."""
    if subject.told_from < subject.settled:
        last = _supersede(session, subject, at)
    new = list(pieces)
    if last is not None and _goes_on(last, new[0]):
        first, *new = new
        last.until = instant(first.end) if new else None
    elif last is not None:
        last.until = instant(new[0].start)
    session.flush()
    rows = [_row(subject, piece, at) for piece in new]
    if rows:
        rows[-1]["until"] = None
        session.execute(insert(StateStretch), rows)
    return len(rows)


def _goes_on(last: StateStretch, piece: Piece) -> bool:
    told = (last.state, last.reason, last.facts.get("source", ""))
    return told == (piece.state.value, piece.reason.value, piece.source)


def _supersede(session: Session, subject: Subject, at: datetime) -> StateStretch | None:
    """Mark what stands from `told_from` on; of a stretch that reaches over it, the first part is written again. What
    then stands last."""
    cut = instant(subject.told_from)
    reaching = or_(StateStretch.until.is_(None), StateStretch.until > cut)
    for row in session.scalars(_standing(StateStretch.subject_id == subject.id, reaching)).all():
        if row.since < cut:
            told = {
                "state": row.state,
                "reason": row.reason,
                "facts": row.facts,
                "settled_at": row.settled_at,
            }
            session.add(StateStretch(subject_id=subject.id, since=row.since, until=cut, **told))
        row.superseded_at = at
        row.until = row.until or instant(subject.settled)
    session.flush()
    newest = _standing(StateStretch.subject_id == subject.id).order_by(StateStretch.since.desc()).limit(1)
    found: StateStretch | None = session.scalars(newest).one_or_none()
    return found


def _row(subject: Subject, piece: Piece, at: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if piece.confirmed is not None:
        facts["confirmed"] = instant(piece.confirmed).isoformat()
    if piece.last is not None:
        facts["last"] = instant(piece.last).isoformat()
    if piece.count:
        facts["failures"] = piece.count
    if piece.source:
        facts["source"] = piece.source
    return {
        "subject_id": subject.id,
        "since": instant(piece.start),
        "until": instant(piece.end),
        "state": piece.state.value,
        "reason": piece.reason.value,
        "facts": facts,
        "settled_at": at,
    }


def _change(session: Session, model: Any, which: Any, **values: Any) -> None:
    session.execute(update(model).where(which).values(**values).execution_options(synchronize_session=False))
