"""Spans in: one service for files now and for the OTLP endpoint later.

A batch is one transaction. What is already stored (same trace, span and start) is counted, not stored twice.
Whom a span belongs to and which calls it proves is settled for the batch and for stored spans whose parent
arrives only now, so the order of arrival changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session, aliased

from db.functions import listed_pairs
from db.models import Agent, Call, Span
from db.services.calls import COLUMNS, Known, call_of, is_task, settle_named_calls
from db.services.liveness import latest
from db.services.otlp import UNKNOWN_SERVICE, Invalid, SpanRecord
from db.services.otlp_values import DATABASE
from db.services.semantics import Meaning, understand

PAIRS_AT_ONCE = 5000
EMPTY: tuple[Any, ...] = (None, (), [], {})  # what spans' nullable columns and documents hold by default
SpanKey = tuple[str, str]


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


@dataclass(slots=True)
class Arrival:
    """A new span with its meaning, and what is settled about it."""

    record: SpanRecord
    meaning: Meaning
    agent_id: str | None = None
    attribution: str | None = None
    parent: Known | None = None
    settled: Known | None = None

    def known(self) -> Known:
        """As later spans will find it; asked for only once its agent is settled."""
        if self.settled is None:
            self.settled = self._known()
        return self.settled

    def _known(self) -> Known:
        record, meaning = self.record, self.meaning
        return Known(
            trace_id=record.trace_id,
            span_id=record.span_id,
            start_ns=record.start_ns,
            parent_span_id=record.parent_span_id,
            duration_ns=record.duration_ns,
            service=record.service,
            status=record.status,
            category=meaning.category,
            named_agent=meaning.named_agent,
            counterpart=meaning.counterpart,
            agent_id=self.agent_id,
            attribution=self.attribution,
        )


def store(session: Session, records: Sequence[SpanRecord], source: str) -> Stored:
    """Store a batch in the session's transaction; `source` names where it came in.

    The caller commits. One span the database cannot hold is refused and does not take the others with it.
    """
    arrivals, refused = _understood(records)
    try:
        done = _store_again(session, arrivals, source)
    except (DataError, IntegrityError) as error:
        done = _store_halves(session, [arrival.record for arrival in arrivals], source, error)
    done.refused += refused
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
    wanted = {(each.record.trace_id, each.record.span_id) for each in unique.values()}
    parents = {
        (each.record.trace_id, each.record.parent_span_id)
        for each in unique.values()
        if each.record.parent_span_id
    }
    stored = _known(session, wanted | parents)
    held = {(known.trace_id, known.span_id, known.start_ns) for known in stored}
    new = [each for key, each in unique.items() if key not in held]
    agents = _settle(session, new, {(known.trace_id, known.span_id): known for known in stored}, source)
    known_new = [each.known() for each in new]
    # Asked before these are stored: afterwards it would find them all again, each as the child of its neighbour.
    late = _late_children(session, known_new)
    _insert(session, new, source)
    _write_calls(session, [(each.known(), each.parent) for each in new], fresh=True)
    _settle_late(session, late, {(known.trace_id, known.span_id): known for known in known_new})
    settle_named_calls(session, sorted({each.record.trace_id for each in new}))
    ended = latest((each.agent_id, each.record.start_ns + each.record.duration_ns) for each in new)
    return Stored(len(new), len(arrivals) - len(new), agents, ended=ended)


def _known(session: Session, keys: Iterable[SpanKey]) -> list[Known]:
    """The stored spans with these (trace, span) ids."""
    found: list[Known] = []
    ordered = sorted(keys)
    for begin in range(0, len(ordered), PAIRS_AT_ONCE):
        wanted = listed_pairs(ordered[begin : begin + PAIRS_AT_ONCE], session.get_bind().dialect.name)
        rows = session.execute(
            select(*COLUMNS).join_from(
                wanted, Span, and_(Span.trace_id == wanted.c.trace, Span.span_id == wanted.c.span)
            )
        )
        found += [Known.of(row) for row in rows]
    return found


def _late_children(session: Session, parents: Sequence[Known]) -> list[Known]:
    """Stored spans whose parent is among `parents`."""
    found: list[Known] = []
    for begin in range(0, len(parents), PAIRS_AT_ONCE):
        chunk = parents[begin : begin + PAIRS_AT_ONCE]
        wanted = listed_pairs(
            [(known.trace_id, known.span_id) for known in chunk], session.get_bind().dialect.name
        )
        rows = session.execute(
            select(*COLUMNS).join_from(
                wanted, Span, and_(Span.trace_id == wanted.c.trace, Span.parent_span_id == wanted.c.span)
            )
        )
        found += [Known.of(row) for row in rows]
    if not found:
        return []
    fresh = {(known.trace_id, known.span_id, known.start_ns) for known in parents}
    return [known for known in found if (known.trace_id, known.span_id, known.start_ns) not in fresh]


def _settle(session: Session, new: list[Arrival], stored: dict[SpanKey, Known], source: str) -> int:
    """Give every new span its agent; returns how many agents were seen for the first time."""
    names = _agent_ids(session, new)
    by_key = {(each.record.trace_id, each.record.span_id): each for each in new}
    for each in new:
        _attribute(each, by_key, stored, names)
    for each in new:
        key = (each.record.trace_id, each.record.parent_span_id or "")
        parent = by_key.get(key)
        each.parent = parent.known() if parent else stored.get(key)
    return ensure_agents(session, _agents_of(new, names), source)


def _attribute(
    each: Arrival,
    new: dict[SpanKey, Arrival],
    stored: dict[SpanKey, Known],
    names: dict[tuple[str, str], str],
) -> None:
    """Own name, else the closest named ancestor's, else the service. Walks up without recursion."""
    chain: list[Arrival] = []
    inherited: str | None = None
    step: Arrival | None = each
    seen: set[str] = set()
    while step is not None and step.attribution is None and step.record.span_id not in seen:
        seen.add(step.record.span_id)
        if step.meaning.named_agent is not None:
            step.agent_id = names[(step.record.service, step.meaning.named_agent)]
            step.attribution = "own"
            break
        chain.append(step)
        key = (step.record.trace_id, step.record.parent_span_id or "")
        above = stored.get(key) if key not in new else None
        if above is not None:
            inherited = above.agent_id if above.attribution in ("own", "ancestor") else None
        step = new.get(key)
    if step is not None and step.attribution in ("own", "ancestor"):
        inherited = step.agent_id
    for link in chain:
        link.agent_id, link.attribution = _owner(inherited, link.record.service)


def _owner(inherited: str | None, service: str) -> tuple[str | None, str | None]:
    if inherited is not None:
        return inherited, "ancestor"
    return (None, None) if is_unknown(service) else (service, "service")


def is_unknown(service: str) -> bool:
    """True for the name SDKs send when nobody set one (`unknown_service`, `unknown_service:python`)."""
    return service == UNKNOWN_SERVICE or service.startswith(f"{UNKNOWN_SERVICE}:")


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


def _agents_of(new: Sequence[Arrival], names: dict[tuple[str, str], str]) -> dict[str, dict[str, Any]]:
    """Rows of the agents these spans speak of, by id."""
    rows: dict[str, dict[str, Any]] = {}
    for each in new:
        service = each.record.service
        if each.meaning.named_agent is not None:
            agent = names[(service, each.meaning.named_agent)]
            rows.setdefault(agent, {"name": each.meaning.named_agent, "service": service})
        elif each.attribution == "service":
            rows.setdefault(service, {"name": service, "service": service})
        if each.meaning.category == "message" and each.meaning.counterpart:
            other = f"{service}/{each.meaning.counterpart}"
            rows.setdefault(other, {"name": each.meaning.counterpart, "service": service})
    return rows


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


def _insert(session: Session, new: Sequence[Arrival], source: str) -> None:
    if not new:
        return
    received = datetime.now(UTC)
    table = Span.__table__
    assert isinstance(table, Table)
    rows = _filled([_row(each, source, received) for each in new])
    session.connection().execute(insert(table), rows)


def _filled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without the columns that all of them leave empty: the database's defaults say the same, for less."""
    used = [name for name in rows[0] if any(row[name] not in EMPTY for row in rows)]
    return [{name: row[name] for name in used} for row in rows]


def _row(each: Arrival, source: str, received: datetime) -> dict[str, Any]:
    record, meaning = each.record, each.meaning
    return {
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "start_ns": record.start_ns,
        "duration_ns": record.duration_ns,
        "parent_span_id": record.parent_span_id,
        "agent_id": each.agent_id,
        "attribution": each.attribution,
        "named_agent": meaning.named_agent,
        "service": record.service,
        "name": record.name,
        "kind": record.kind,
        "category": meaning.category,
        "status": record.status,
        "status_message": record.status_message,
        "error_type": meaning.error_type,
        "is_task": is_task(each.known(), each.parent),
        "input_tokens": meaning.input_tokens,
        "output_tokens": meaning.output_tokens,
        "model": meaning.model,
        "counterpart": meaning.counterpart,
        "attributes": record.attributes,
        "resource": record.resource,
        "scope": record.scope,
        "links": record.links,
        "events": record.events,
        "source": source,
        "received_at": received,
    }


def _settle_late(session: Session, children: list[Known], parents: dict[SpanKey, Known]) -> None:
    """Stored spans whose parent came after them: their agent, task mark and call may change, and so below."""
    frontier = children
    while frontier:
        changed: list[Known] = []
        settled: list[tuple[Known, Known | None]] = []
        for child in frontier:
            parent = parents[(child.trace_id, child.parent_span_id or "")]
            owner = child.agent_id, child.attribution
            if child.attribution != "own":
                named = parent.attribution in ("own", "ancestor")
                owner = _owner(parent.agent_id if named else None, child.service)
            after = child.owned(*owner)
            settled.append((after, parent))
            if owner != (child.agent_id, child.attribution):
                changed.append(after)
        _update(session, settled)
        _write_calls(session, settled, fresh=False)
        parents = {(known.trace_id, known.span_id): known for known in changed}
        frontier = _late_children(session, changed)


def _update(session: Session, settled: Sequence[tuple[Known, Known | None]]) -> None:
    table = Span.__table__
    assert isinstance(table, Table)
    statement = (
        update(table)
        .where(
            table.c.trace_id == bindparam("k_trace"),
            table.c.span_id == bindparam("k_span"),
            table.c.start_ns == bindparam("k_start"),
        )
        .values(
            agent_id=bindparam("v_agent"), attribution=bindparam("v_attribution"), is_task=bindparam("v_task")
        )
    )
    rows = [
        {
            "k_trace": child.trace_id,
            "k_span": child.span_id,
            "k_start": child.start_ns,
            "v_agent": child.agent_id,
            "v_attribution": child.attribution,
            "v_task": is_task(child, parent),
        }
        for child, parent in settled
    ]
    session.connection().execute(statement, rows)


def _write_calls(session: Session, settled: Sequence[tuple[Known, Known | None]], *, fresh: bool) -> None:
    """Write the calls these spans prove by their parent or their message; old ones go first unless fresh."""
    table = Call.__table__
    assert isinstance(table, Table)
    if not fresh and settled:
        gone = delete(table).where(
            table.c.trace_id == bindparam("k_trace"),
            table.c.span_id == bindparam("k_span"),
            table.c.start_ns == bindparam("k_start"),
        )
        keys = [
            {"k_trace": known.trace_id, "k_span": known.span_id, "k_start": known.start_ns}
            for known, _ in settled
        ]
        session.connection().execute(gone, keys)
    rows = [row for known, parent in settled if (row := call_of(known, parent)) is not None]
    if rows:
        session.connection().execute(insert(table), rows)


def parents_missing(session: Session, source: str) -> int:
    """Spans of `source` whose parent has not arrived."""
    above = aliased(Span)
    missing = ~exists().where(above.trace_id == Span.trace_id, above.span_id == Span.parent_span_id)
    return int(
        session.scalar(
            select(func.count())
            .select_from(Span)
            .where(Span.source == source, Span.parent_span_id.is_not(None), missing)
        )
        or 0
    )


__all__ = ["Stored", "ensure_agents", "is_unknown", "parents_missing", "store"]
