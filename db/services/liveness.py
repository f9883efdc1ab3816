"""Which agents were heard, and when: by a heartbeat of their own, or by a span of theirs that ended just now."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from db.models import Agent


def hear(session: Session, agents: Iterable[str], at: datetime) -> None:
    """These agents were heard at `at`, by this application's clock. What was heard later stands."""
    wanted = sorted(set(agents))
    if not wanted:
        return
    earlier = or_(Agent.last_active.is_(None), Agent.last_active < at)
    session.execute(
        update(Agent)
        .where(Agent.id.in_(wanted), earlier)
        .values(last_active=at)
        .execution_options(synchronize_session=False)
    )
