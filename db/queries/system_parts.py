"""The application's own parts as rows."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.metric import Window
from db.models import Agent
from db.queries.fleet import operational
from db.queries.system import OWN


def own_parts(session: Session, window: Window) -> list[Mapping[Any, Any]]:
    """Each part with when it was heard last and whether that is recent enough (`up`)."""
    found = session.execute(
        select(Agent.id, Agent.last_active, operational(window).label("up")).where(OWN).order_by(Agent.id)
    )
    return list(found.mappings())
