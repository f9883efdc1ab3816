"""The log of requests: one row per call of a program's door, without what was sent or answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.base import uuid7
from db.models import ApiKey, ApiLog, Profile
from db.models.rollup import API
from db.services.touched import touch_at


@dataclass(frozen=True)
class LoggedCall:
    """One call. `endpoint` is the route's template, never the path that was asked for: that may hold anything.

    `is_use` says that its key was accepted.
    """

    endpoint: str
    method: str
    status: int
    milliseconds: int
    at: datetime
    request_bytes: int | None = None
    response_bytes: int | None = None
    key_id: UUID | None = None
    profile_id: UUID | None = None
    address: str | None = None
    user_agent: str | None = None
    error: str | None = None
    is_use: bool = False
    id: UUID = field(default_factory=uuid7)


def store_calls(session: Session, calls: Sequence[LoggedCall]) -> None:
    """Write calls. One that is told again, because nobody knew whether it was stored, is stored once.

    Keys and people that are gone meanwhile are left out of their rows, as the database does later.
    """
    if not calls:
        return
    keys = _there(session, ApiKey.id, {each.key_id for each in calls})
    people = _there(session, Profile.id, {each.profile_id for each in calls})
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [_row(each, keys, people) for each in calls]
    session.execute(insert(ApiLog).on_conflict_do_nothing(), rows)
    touch_at(session, API, (each.at for each in calls))


def _there(session: Session, column: Any, wanted: set[UUID | None]) -> set[UUID]:
    named = [each for each in wanted if each is not None]
    return set(session.scalars(select(column).where(column.in_(named)))) if named else set()


def _row(call: LoggedCall, keys: set[UUID], people: set[UUID]) -> dict[str, Any]:
    return {
        "id": call.id,
        "api_key_id": call.key_id if call.key_id in keys else None,
        "user_id": call.profile_id if call.profile_id in people else None,
        "endpoint": call.endpoint,
        "method": call.method,
        "status_code": call.status,
        "response_time_ms": call.milliseconds,
        "request_bytes": call.request_bytes,
        "response_bytes": call.response_bytes,
        "ip_address": call.address,
        "user_agent": call.user_agent,
        "error_message": call.error,
        "created_at": call.at,
    }
