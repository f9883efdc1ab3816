"""Keys as their owners, administrators and the console see them: everything but the secret, which nothing keeps."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import ApiKey
from db.queries.people import username_of


@dataclass(frozen=True)
class HeldKey:
    """A key. `rate_limit` is its own per hour; None where the settings' holds."""

    id: UUID
    name: str
    prefix: str
    owner_id: UUID
    owner: str | None
    scopes: tuple[str, ...]
    rate_limit: int | None
    is_active: bool
    created_at: datetime | None
    last_used_at: datetime | None
    expires_at: datetime | None

    def is_accepted(self, now: datetime) -> bool:
        """Whether it is neither revoked nor over."""
        return self.is_active and (self.expires_at is None or self.expires_at > now)


def held_keys(session: Session, owner_id: UUID | None = None) -> list[HeldKey]:
    """A person's keys, or all that the session sees, the newest first."""
    columns = (
        ApiKey.id,
        ApiKey.key_name,
        ApiKey.key_prefix,
        ApiKey.user_id,
        username_of(ApiKey.user_id),
        ApiKey.permissions,
        ApiKey.rate_limit,
        ApiKey.is_active,
        ApiKey.created_at,
        ApiKey.last_used_at,
        ApiKey.expires_at,
    )
    wanted = select(*columns).order_by(ApiKey.created_at.desc(), ApiKey.id)
    if owner_id is not None:
        wanted = wanted.where(ApiKey.user_id == owner_id)
    return [
        HeldKey(key, name, prefix, owner_id, owner, _scopes(given), limit, bool(active), made, used, until)
        for key, name, prefix, owner_id, owner, given, limit, active, made, used, until in session.execute(
            wanted
        )
    ]


def _scopes(kept: object) -> tuple[str, ...]:
    return tuple(str(scope) for scope in kept) if isinstance(kept, list) else ()
