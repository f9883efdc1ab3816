"""Which calls between agents the stored spans prove, and which spans are finished tasks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from db.models import Agent, Call, Span
from db.models.telemetry import ERROR
from db.services.bulk import table_of
from db.services.touched import touch

TRACES_AT_ONCE = 500


class Known(NamedTuple):
    """The part of a span that decides about agents, tasks and calls."""

    trace_id: str
    span_id: str
    start_ns: int
    parent_span_id: str | None
    duration_ns: int
    service: str
    status: int
    category: str | None
    named_agent: str | None
    counterpart: str | None
    agent_id: str | None
    attribution: str | None
    unsettled: bool

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Known":
        """From a row of COLUMNS."""
        return cls._make(row)

    @property
    def key(self) -> tuple[str, str]:
        return self.trace_id, self.span_id

    @property
    def is_unsure(self) -> bool:
        """Whether spans below that name no agent may still get another: this one inherits, and from whom is open."""
        return self.unsettled and self.attribution != "own"

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.duration_ns


def is_task(span: Known, parent: Known | None) -> bool:
    """A finished run: a named agent's invoke span, or a service's entry span; not a step inside the same agent."""
    if span.agent_id is None:
        return False
    inside = parent is not None and parent.agent_id == span.agent_id
    if span.category == "agent":
        return not inside
    if span.attribution != "service":
        return False
    return span.parent_span_id is None or (parent is not None and not inside)


def call_of(span: Known, parent: Known | None) -> dict[str, Any] | None:
    """The call this span proves as callee: a message it processes, or a parent that belongs to another agent."""
    if span.agent_id is None:
        return None
    if span.category == "message" and span.counterpart:
        caller = f"{span.service}/{span.counterpart}"
        return _call(span, caller, span, "sync", "message")
    if parent is None or parent.agent_id is None:
        return None
    return _call(span, parent.agent_id, span, "command" if span.category == "agent" else "data", "parent")


def _call(proof: Known, caller: str, callee: Known, kind: str, evidence: str) -> dict[str, Any] | None:
    if callee.agent_id is None or caller == callee.agent_id:
        return None
    return {
        "trace_id": proof.trace_id,
        "span_id": proof.span_id,
        "start_ns": proof.start_ns,
        "caller_id": caller,
        "callee_id": callee.agent_id,
        "kind": kind,
        "evidence": evidence,
        "callee_span_id": callee.span_id,
        "latency_ns": callee.duration_ns,
        "failed": ERROR in (proof.status, callee.status),
    }


COLUMNS = (
    Span.trace_id,
    Span.span_id,
    Span.start_ns,
    Span.parent_span_id,
    Span.duration_ns,
    Span.service,
    Span.status,
    Span.category,
    Span.named_agent,
    Span.counterpart,
    Span.agent_id,
    Span.attribution,
    Span.unsettled,
)


def settle_named_calls(session: Session, traces: list[str]) -> None:
    """Calls that name their callee: hand-offs, and agents asked as tools.

    Caller and callee are siblings in the trace, so these are settled per trace, whenever it grows.
    """
    for begin in range(0, len(traces), TRACES_AT_ONCE):
        chunk = traces[begin : begin + TRACES_AT_ONCE]
        named = session.execute(
            select(*COLUMNS).where(
                Span.trace_id.in_(chunk),
                Span.counterpart.is_not(None),
                Span.category.in_(("handoff", "tool")),
            )
        )
        proofs = [Known.of(row) for row in named]
        if proofs:
            _settle_trace_calls(session, proofs)


def _settle_trace_calls(session: Session, proofs: list[Known]) -> None:
    concerned = sorted({proof.trace_id for proof in proofs})
    agents: dict[str, list[Known]] = {}
    found = session.execute(
        select(*COLUMNS)
        .where(Span.trace_id.in_(concerned), Span.category == "agent")
        .order_by(Span.start_ns, Span.span_id)
    )
    for row in found:
        agents.setdefault(row.trace_id, []).append(Known.of(row))
    table = table_of(Call)
    touch(session, (proof.start_ns for proof in proofs))
    for proof in proofs:
        session.connection().execute(
            delete(table).where(
                table.c.trace_id == proof.trace_id,
                table.c.span_id == proof.span_id,
                table.c.start_ns == proof.start_ns,
                table.c.evidence.in_(("handoff", "tool")),
            )
        )
        call = _named_call(session, proof, agents.get(proof.trace_id, []))
        if call is not None:
            session.connection().execute(
                delete(table).where(
                    table.c.trace_id == proof.trace_id,
                    table.c.span_id == proof.span_id,
                    table.c.start_ns == proof.start_ns,
                )
            )
            session.connection().execute(insert(table), [call])


def _named_call(session: Session, proof: Known, agents: list[Known]) -> dict[str, Any] | None:
    if proof.agent_id is None:
        return None
    callee = next(
        (
            run
            for run in agents
            if run.named_agent == proof.counterpart
            and run.start_ns >= proof.start_ns
            and (proof.category == "handoff" or run.start_ns <= proof.end_ns)
        ),
        None,
    )
    if callee is not None:
        if proof.category == "tool" and callee.parent_span_id == proof.span_id:
            return None  # the callee's own span already proves this call by its parent
        return _call(proof, proof.agent_id, callee, "command", proof.category or "tool")
    return _unanswered(session, proof)


def _unanswered(session: Session, proof: Known) -> dict[str, Any] | None:
    """A hand-off to a known agent whose own span has not arrived: a call without a latency."""
    other = f"{proof.service}/{proof.counterpart}"
    if proof.category != "handoff" or other == proof.agent_id or session.get(Agent, other) is None:
        return None
    return {
        "trace_id": proof.trace_id,
        "span_id": proof.span_id,
        "start_ns": proof.start_ns,
        "caller_id": proof.agent_id,
        "callee_id": other,
        "kind": "command",
        "evidence": "handoff",
        "callee_span_id": None,
        "latency_ns": None,
        "failed": proof.status == ERROR,
    }
