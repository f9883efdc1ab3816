"""Spans in: one service for files and for the OTLP endpoint.

A batch is one transaction. What is already stored (same trace, span and start) is counted, not stored twice.
Whom a span belongs to and which calls it proves is settled for the batch and for stored spans whose parent
arrives only now, so the order of arrival changes nothing.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session, aliased

from db.models import Agent, Call, Span
from db.services import months, news
from db.services.bulk import insert_columns, insert_rows
from db.services.calls import call_of, is_task, settle_named_calls
from db.services.late import settle_late
from db.services.liveness import latest
from db.services.otlp import Invalid, SpanRecord
from db.services.otlp_values import DATABASE
from db.services.owners import Arrival, agents_of, attribute, is_unknown
from db.services.relatives import stored_relatives, waiting_children
from db.services.semantics import understand
from db.services.senders import Senders, senders_of
from db.services.touched import touch
from db.services.turns import await_turn


@dataclass
class Stored:
    """What became of a batch, or of many added up."""

    spans: int = 0
    already: int = 0
    agents: int = 0
    refused: list[Invalid] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)  # when the latest new span of each agent ended, ns

    def add(self, other: "Stored") -> None:
        self.spans += other.spans
        self.already += other.already
        self.agents += other.agents
        self.refused += other.refused
        self.ended = latest([*self.ended.items(), *other.ended.items()])


def store(session: Session, records: Sequence[SpanRecord], source: str) -> Stored:
    """Store a batch in the session's transaction; `source` names where it came in.

    The caller commits. One span the database cannot hold is refused and does not take the others with it.
    """
    arrivals, refused = _understood(records)
    months.prepare(session, (arrival.record.start_ns for arrival in arrivals))
    try:
        done = _store_again(session, arrivals, source)
    except (DataError, IntegrityError) as error:
        done = _store_halves(session, [arrival.record for arrival in arrivals], source, error)
    done.refused += refused
    if done.spans:
        news.tell(session)
    return done


def _store_again(session: Session, arrivals: list[Arrival], source: str) -> Stored:
    """Store; once more when another process stored some of the same spans meanwhile: then they are there."""
    try:
        with session.begin_nested():
            return _store(session, arrivals, source)
    except IntegrityError:
        anew = [Arrival(each.record, each.meaning) for each in arrivals]  # nothing settled about them yet
        with session.begin_nested():
            return _store(session, anew, source)


def _store_halves(session: Session, records: list[SpanRecord], source: str, error: DBAPIError) -> Stored:
    """Find the span the database refuses by halving, so that it alone is lost."""
    if len(records) <= 1:
        reason = str(error.orig).strip().splitlines()[0]
        return Stored(
            refused=[
                Invalid(f"span {record.span_id}: the database refuses it ({reason})", DATABASE)
                for record in records
            ]
        )
    middle = len(records) // 2
    done = store(session, records[:middle], source)
    done.add(store(session, records[middle:], source))
    return done


def _understood(records: Iterable[SpanRecord]) -> tuple[list[Arrival], list[Invalid]]:
    arrivals, refused = [], []
    for record in records:
        try:
            arrivals.append(Arrival(record, understand(record)))
        except Invalid as error:
            refused.append(error.about(f"span {record.span_id}"))
    return arrivals, refused


def _store(session: Session, arrivals: list[Arrival], source: str) -> Stored:
    unique = {(each.record.trace_id, each.record.span_id, each.record.start_ns): each for each in arrivals}
    await_turn(session, {trace for trace, _, _ in unique})
    stored = stored_relatives(session, [each.record for each in unique.values()])
    held = {(known.trace_id, known.span_id, known.start_ns) for known in stored}
    new = [each for key, each in unique.items() if key not in held]
    if not new:
        return Stored(already=len(arrivals))
    senders = _senders(session, new, source)
    names = _agent_ids(session, new)
    attribute(new, {known.key: known for known in stored}, names)
    agents = ensure_agents(session, agents_of(new, names), source)
    known_new = [each.known() for each in new]
    # Asked before these are stored: afterwards it would find them too, each as the child of its neighbour.
    late = waiting_children(session, [known.key for known in known_new])
    _insert(session, new, senders)
    if late:
        settle_late(session, late, {known.key: known for known in known_new}, {known.key for known in stored})
    settle_named_calls(session, sorted({known.trace_id for known in known_new}))
    touch(session, (known.start_ns for known in known_new))
    ended = latest((each.agent_id, each.record.start_ns + each.record.duration_ns) for each in new)
    return Stored(len(new), len(arrivals) - len(new), agents, ended=ended)


def _senders(session: Session, new: Sequence[Arrival], source: str) -> Senders:
    senders = Senders(source)
    for each in new:
        senders.note(each.record.scope, each.record.resource)
    senders.store(session)
    return senders


def _agent_ids(session: Session, new: Sequence[Arrival]) -> dict[tuple[str, str], str]:
    """(service, name) → agent id. A gen_ai.agent.id that is an existing agent's id means that agent."""
    claimed = {each.meaning.agent_id for each in new if each.meaning.agent_id}
    existing = set(session.scalars(select(Agent.id).where(Agent.id.in_(claimed)))) if claimed else set()
    ids: dict[tuple[str, str], str] = {}
    for each in new:
        service, name = each.record.service, each.meaning.named_agent
        if name is not None:
            claim = each.meaning.agent_id
            ids.setdefault((service, name), claim if claim in existing and claim else f"{service}/{name}")
            if claim in existing and claim:
                ids[(service, name)] = claim
    return ids


def ensure_agents(session: Session, agents: dict[str, dict[str, Any]], source: str) -> int:
    """Insert those that do not exist yet, with nothing claimed about their state; returns how many."""
    if not agents:
        return 0
    rows = [
        {
            "id": agent,
            "name": facts["name"],
            "origin": "telemetry",
            "meta": {"source": source, "service": facts["service"]},
        }
        for agent, facts in sorted(agents.items())
    ]
    existing = set(session.scalars(select(Agent.id).where(Agent.id.in_(list(agents)))))
    missing = [row for row in rows if row["id"] not in existing]
    if missing:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(Agent).on_conflict_do_nothing(), missing)
    return len(missing)


def _insert(session: Session, new: Sequence[Arrival], senders: Senders) -> None:
    """Write the spans, and the calls they prove by their parent or their message."""
    insert_columns(session, Span, _columns(new, senders))
    insert_rows(
        session, Call, [call for each in new if (call := call_of(each.known(), each.parent)) is not None]
    )


def _columns(new: Sequence[Arrival], senders: Senders) -> dict[str, list[Any]]:
    """What is stored of the spans, column by column: a third faster than an object for each."""
    records, meanings = [each.record for each in new], [each.meaning for each in new]
    received = time.time_ns() // 1000 * 1000  # moments are kept to the microsecond everywhere
    return {
        "trace_id": [each.trace_id for each in records],
        "span_id": [each.span_id for each in records],
        "start_ns": [each.start_ns for each in records],
        "duration_ns": [each.duration_ns for each in records],
        "parent_span_id": [each.parent_span_id for each in records],
        "agent_id": [each.agent_id for each in new],
        "attribution": [each.attribution for each in new],
        "named_agent": [each.named_agent for each in meanings],
        "service": [each.service for each in records],
        "name": [each.name for each in records],
        "kind": [each.kind for each in records],
        "category": [each.category for each in meanings],
        "status": [each.status for each in records],
        "status_message": [each.status_message for each in records],
        "error_type": [each.error_type for each in meanings],
        "is_task": [is_task(each.known(), each.parent) for each in new],
        "input_tokens": [each.input_tokens for each in meanings],
        "output_tokens": [each.output_tokens for each in meanings],
        "model": [each.model for each in meanings],
        "counterpart": [each.counterpart for each in meanings],
        "attributes": [each.attributes for each in records],
        "links": [each.links for each in records],
        "events": [each.events for each in records],
        "sender_id": [senders.number(each.scope, each.resource) for each in records],
        "received_ns": [received] * len(new),
        "unsettled": [each.unsettled for each in new],
    }


def parents_missing(session: Session, source: str) -> int:
    """Spans of `source` whose parent has not arrived."""
    above = aliased(Span)
    missing = ~exists().where(above.trace_id == Span.trace_id, above.span_id == Span.parent_span_id)
    waiting = select(func.count()).select_from(Span).where(Span.unsettled, missing)
    return int(session.scalar(waiting.where(Span.sender_id.in_(senders_of(source)))) or 0)


__all__ = ["Stored", "ensure_agents", "is_unknown", "parents_missing", "store"]
