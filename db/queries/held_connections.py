"""Connections that a file or a person states, as one of their agents and as the map sees them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from db.models import Agent, AgentConnection

MOST_HELD = 12_000  # imported and declared connections of one map


@dataclass(frozen=True)
class HeldRow:
    """A connection that a file or a person states, seen from one of its two agents."""

    other_id: str
    other_name: str
    outgoing: bool
    kind: str
    evidence: str
    strength: float | None
    weight: float | None
    stated: tuple[str, ...]
    source: str | None


def held_connections(session: Session, agent: str, offset: int, size: int) -> tuple[list[HeldRow], int]:
    """Imported and declared connections of one agent, strongest first, and how many there are."""
    a, b = AgentConnection.agent_a_id, AgentConnection.agent_b_id
    outgoing = a == agent
    found = session.execute(
        select(
            AgentConnection,
            Agent.id,
            Agent.name,
            outgoing.label("outgoing"),
            func.count().over().label("total"),
        )
        .join(Agent, Agent.id == case((outgoing, b), else_=a))
        .where(
            or_(outgoing, b == agent),
            AgentConnection.meta["evidence"].as_string().in_(("imported", "declared")),
        )
        .order_by(
            func.coalesce(AgentConnection.strength, 0).desc(),
            Agent.name,
            Agent.id,
            outgoing.desc(),
            AgentConnection.connection_type,
        )
        .offset(offset)
        .limit(size)
    ).all()
    return [_held_row(*row[:4]) for row in found], found[0].total if found else 0


def _held_row(row: AgentConnection, other: str, name: str, outgoing: bool) -> HeldRow:
    meta = row.meta
    return HeldRow(
        other,
        name,
        bool(outgoing),
        row.connection_type,
        meta["evidence"],
        None if row.strength is None else float(row.strength),
        meta.get("weight"),
        tuple(meta.get("stated", ())),
        meta.get("source"),
    )


def held_edges(session: Session, shown: set[str]) -> tuple[list[dict[str, Any]], int]:
    """Imported and declared connections between these agents, strongest first, and how many are too many."""
    evidence = AgentConnection.meta["evidence"].as_string()
    found = session.execute(
        select(
            func.count().over().label("total"),
            AgentConnection.agent_a_id,
            AgentConnection.agent_b_id,
            AgentConnection.connection_type,
            AgentConnection.strength,
            evidence.label("evidence"),
        )
        .where(
            evidence.in_(("imported", "declared")),
            AgentConnection.agent_a_id.in_(shown),
            AgentConnection.agent_b_id.in_(shown),
        )
        .order_by(
            func.coalesce(AgentConnection.strength, 0).desc(),
            func.coalesce(AgentConnection.meta["rows"].as_integer(), 0).desc(),
            AgentConnection.agent_a_id,
            AgentConnection.agent_b_id,
            AgentConnection.connection_type,
        )
        .limit(MOST_HELD)
    ).all()
    edges = [
        {
            "source": row.agent_a_id,
            "target": row.agent_b_id,
            "kind": row.connection_type,
            "calls": None,
            "errors": None,
            "p50_ms": None,
            "p95_ms": None,
            "strength": float(row.strength) if row.strength is not None else None,
            "evidence": row.evidence,
        }
        for row in found
    ]
    return edges, found[0].total - len(edges) if found else 0
