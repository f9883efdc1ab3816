"""Log records in: each becomes a line of its agent's log, with everything that was sent kept beside it.

A record belongs to the agent it names, else to the named agent of the span it was written in, else to its service.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.metric import from_ns
from db.models import Agent, AgentLog, Span
from db.models.rollup import LOGS
from db.services import months, news
from db.services.content_rows import add_new
from db.services.ingest import ensure_agents, is_unknown
from db.services.otlp_logs import LogRecord
from db.services.otlp_values import NOBODY, Invalid
from db.services.semantics import claimed_in, named_in
from db.services.touched import touch_at

AT_ONCE = 1000
HOMELESS = (
    "it names neither an agent nor a service, and the span it was written in is not stored; "
    "set OTEL_SERVICE_NAME at the sender"
)
SpanKey = tuple[str, str]


@dataclass
class StoredLogs:
    """What became of a batch; `new` are the records that were not there before."""

    new: list[LogRecord] = field(default_factory=list)
    already: int = 0
    agents: int = 0
    refused: list[tuple[LogRecord, Invalid]] = field(default_factory=list)


def store_logs(session: Session, records: Sequence[LogRecord], source: str) -> StoredLogs:
    """Store a batch in the session's transaction; `source` names where it came in. The caller commits."""
    done, owned = StoredLogs(), []
    make_ready(session, records)
    owners = _Owners(session, records)
    for record in records:
        try:
            owned.append((record, *owners.of(record)))
        except Invalid as error:
            done.refused.append((record, error.about("log record")))
    done.agents = ensure_agents(session, owners.rows, source)
    received = datetime.now(UTC)
    rows = [_row(record, agent, why, source, received) for record, agent, why in owned]
    timeless = {record.id for record, _, _ in owned if not _moment(record)}
    added, refused = add_new(session, AgentLog, rows, timeless)
    touch_at(session, LOGS, (row["created_at"] for row in rows if row["id"] in added))
    by_id = {record.id: record for record, _, _ in owned}
    done.new = [by_id[key] for key in added]
    done.refused += [(by_id[row["id"]], error.about("log record")) for row, error in refused]
    done.already = len(owned) - len(added) - len(refused)
    if done.agents:
        news.tell(session)  # they have no place on the map yet
    return done


def make_ready(session: Session, records: Iterable[LogRecord]) -> None:
    """Have months for them, before the transaction does anything else (see `months.prepare`)."""
    months.prepare(session, filter(None, map(_moment, records)), (AgentLog.__tablename__,))


class _Owners:
    """Whose each record is, and the rows of the agents they speak of."""

    def __init__(self, session: Session, records: Sequence[LogRecord]) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._spans = _agents_of_spans(session, records)
        self._known = _existing(session, (claimed_in(record.attributes) for record in records))

    def of(self, record: LogRecord) -> tuple[str, str]:
        """The agent's id and why: its own name, the span it was written in, or its service. Raises Invalid."""
        service = record.origin.service
        name, claim = named_in(record.attributes), claimed_in(record.attributes)
        if claim in self._known and claim:
            return claim, "own"
        if name is not None:
            return self._introduced(f"{service}/{name}", name, service), "own"
        agent, why = self._spans.get((record.trace_id or "", record.span_id or ""), (None, None))
        if agent is not None and why != "service":
            return agent, "span"
        if not is_unknown(service):
            return self._introduced(service, service, service), "service"
        if agent is None:
            raise Invalid(HOMELESS, NOBODY)
        return agent, "span"

    def _introduced(self, agent: str, name: str, service: str) -> str:
        self.rows.setdefault(agent, {"name": name, "service": service})
        return agent


def _agents_of_spans(
    session: Session, records: Iterable[LogRecord]
) -> Mapping[SpanKey, tuple[str | None, str | None]]:
    keys = sorted({(each.trace_id, each.span_id) for each in records if each.trace_id and each.span_id})
    found: dict[SpanKey, tuple[str | None, str | None]] = {}
    for begin in range(0, len(keys), AT_ONCE):
        chunk = keys[begin : begin + AT_ONCE]
        traces, spans = ({key[side] for key in chunk} for side in (0, 1))
        rows = session.execute(
            select(Span.trace_id, Span.span_id, Span.agent_id, Span.attribution).where(
                Span.trace_id.in_(traces), Span.span_id.in_(spans)
            )
        )
        found |= {(row.trace_id, row.span_id): (row.agent_id, row.attribution) for row in rows}
    return found


def _existing(session: Session, claims: Iterable[str | None]) -> set[str]:
    wanted = {claim for claim in claims if claim}
    return set(session.scalars(select(Agent.id).where(Agent.id.in_(wanted)))) if wanted else set()


def _moment(record: LogRecord) -> int:
    """When, in nanoseconds, by its writer; 0 where that was not told."""
    return record.time_ns or record.observed_ns


def _row(record: LogRecord, agent: str, why: str, source: str, received: datetime) -> dict[str, Any]:
    moment = _moment(record)
    return {
        "id": record.id,
        "agent_id": agent,
        "log_level": record.level,
        "message": record.message,
        "meta": _facts(record, why, source),
        "created_at": from_ns(moment) if moment else received,
    }


def _facts(record: LogRecord, why: str, source: str) -> dict[str, Any]:
    told = {
        "severity_number": record.severity_number,
        "severity_text": record.severity_text,
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "time_ns": record.time_ns,
        "observed_ns": record.observed_ns,
        "event": record.event,
        "body": record.body,
        "flags": record.flags,
        "attributes": record.attributes,
        "resource": record.origin.resource,
        "scope": record.origin.scope,
    }
    sent = {key: held for key, held in told.items() if held not in (None, "", 0, {}, [])}
    return {**sent, "attribution": why, "source": source}
