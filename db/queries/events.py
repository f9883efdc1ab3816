"""What happened last: spans that report an error, and agents seen for the first time in a window."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.metric import Window, from_ns
from db.models import Span
from db.queries.activity import activity
from db.queries.spans import FAILED, of_others


def latest_events(session: Session, window: Window, most: int = 8) -> list[dict[str, Any]]:
    """What happened last in the window: spans that report an error, and agents' first spans in it."""
    failed = session.execute(
        select(Span.start_ns, Span.agent_id, Span.name, Span.status_message, Span.error_type)
        .where(of_others(window), FAILED)
        .order_by(Span.start_ns.desc(), Span.span_id)
        .limit(most)
    ).mappings()
    seen = activity(window)
    start = select(func.min(Span.start_ns)).where(
        window.covers_ns(Span.start_ns), Span.agent_id == seen.c.agent_id
    )
    begun = select(start.scalar_subquery().label("start_ns"), seen.c.agent_id).subquery("begun")
    first = session.execute(
        select(begun)
        .where(begun.c.start_ns.is_not(None))
        .order_by(begun.c.start_ns.desc(), begun.c.agent_id)
        .limit(most)
    ).mappings()
    events = [{**row, "event": "error"} for row in failed] + [{**row, "event": "first_seen"} for row in first]
    for event in events:
        event["at"] = from_ns(event["start_ns"])
    return sorted(events, key=lambda event: -event["start_ns"])[:most]
