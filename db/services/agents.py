"""Agents that people declare, and what they change about any. The rules say who may, the recorder keeps who did."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db.guard import GuardedSession
from db.models import Agent
from db.models.uptime import ExemptTime

FACTS = ("name", "role", "squad", "version", "heartbeat_seconds")
DESCRIPTION = "description"  # kept in the metadata: the table has no column for it
OWN_PART = "This agent is a part of this application, which declares it itself."


class OwnPart(Exception):
    """Nobody changes or speaks for a part of the application itself."""

    def __init__(self) -> None:
        super().__init__(OWN_PART)


def locked_agent(session: Session, agent_id: str) -> Agent | None:
    """The agent's row, which nobody else changes until this transaction ends; None when there is none."""
    row = session.get(Agent, agent_id, with_for_update=True)
    if row is not None and row.origin == "system":
        raise OwnPart
    return row


def declare_agent(session: Session, agent_id: str, facts: Mapping[str, Any]) -> bool:
    """Make the agent, or make every one of its declared facts what `facts` says; True when it is new.

    A fact that is missing is taken away. Whoever works in this session owns what they make.
    """
    row = locked_agent(session, agent_id)
    whole = dict.fromkeys((*FACTS, DESCRIPTION)) | dict(facts)
    if row is not None:
        _change(row, whole)
        session.flush()
        return False
    owner = session.actor.profile_id if isinstance(session, GuardedSession) else None
    row = Agent(id=agent_id, origin="person", user_id=owner, name=whole["name"], meta={})
    _change(row, whole)
    session.add(row)
    session.flush()
    return True


def change_agent(
    session: Session, agent_id: str, facts: Mapping[str, Any], *, paused: bool | None = None, at: datetime
) -> bool:
    """Change the facts named and, where `paused` says so, pause it or let it go on; False when there is none."""
    row = locked_agent(session, agent_id)
    if row is None:
        return False
    _change(row, facts)
    if paused is not None and paused is not (row.paused_at is not None):
        _keep_pause(session, row, at)
        row.paused_at = at if paused else None
    session.flush()
    return True


def _keep_pause(session: Session, row: Agent, at: datetime) -> None:
    """A pause that is over stays known: its time is judged by nobody."""
    if row.paused_at is not None and row.paused_at < at:
        by = session.actor.profile_id if isinstance(session, GuardedSession) else None
        told = {"kind": "pause", "subject_id": f"agent:{row.id}", "why": "", "declared_by": by}
        session.add(ExemptTime(**told, starts_at=row.paused_at, ends_at=at, declared_at=at))


def _change(row: Agent, facts: Mapping[str, Any]) -> None:
    for name in FACTS:
        if name in facts and getattr(row, name) != facts[name]:
            setattr(row, name, facts[name])
    if DESCRIPTION in facts and (row.meta or {}).get(DESCRIPTION) != facts[DESCRIPTION]:
        kept = {key: value for key, value in (row.meta or {}).items() if key != DESCRIPTION}
        said = facts[DESCRIPTION]
        row.meta = kept if said is None else kept | {DESCRIPTION: said}
