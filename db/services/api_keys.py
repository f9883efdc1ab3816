"""API keys: made once, shown once, kept as a hash, found by their prefix.

A key reads `qk_<prefix>_<secret>`. It acts in the name of the person who made it and never exceeds them.
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, null, or_, select, update
from sqlalchemy.orm import Session

from db.base import uuid7
from db.models import ApiKey, AuthAccount, Profile
from db.queries.factors import owes_factor
from db.services import audit

MARK = "qk"
PREFIX_CHARACTERS = "abcdefghijkmnpqrstuvwxyz23456789"
PREFIX_LENGTH = 10
SECRET_BYTES = 32  # 256 random bits
LONGEST_TOKEN = 200
USED_EVERY = timedelta(minutes=1)


class Reason(StrEnum):
    """Why something that looks like a key is not accepted."""

    UNKNOWN = "unknown"
    WRONG = "wrong secret"
    REVOKED = "revoked"
    EXPIRED = "expired"
    CLOSED = "closed account"


@dataclass(frozen=True)
class FoundKey:
    """A key that is accepted now, and the person in whose name it acts.

    `owes_factor` says that the person's role demands a second factor they do not have: then they can do nothing, and
    neither can the key.
    """

    key_id: UUID
    profile_id: UUID
    role: str
    name: str
    prefix: str
    scopes: frozenset[str]
    rate_limit: int | None
    last_used_at: datetime | None
    owes_factor: bool = False


@dataclass(frozen=True)
class RefusedKey:
    """Something that looks like a key and opens nothing. Whose it is, is known only where its secret is right."""

    reason: Reason
    prefix: str
    key_id: UUID | None = None
    profile_id: UUID | None = None


def make_key(
    session: Session,
    profile_id: UUID,
    name: str,
    scopes: Iterable[str],
    *,
    expires_at: datetime | None = None,
    rate_limit: int | None = None,
) -> tuple[UUID, str]:
    """Store a new key in the session's transaction; returns its id and the key itself, which nothing keeps."""
    prefix = "".join(secrets.choice(PREFIX_CHARACTERS) for _ in range(PREFIX_LENGTH))
    token = f"{MARK}_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    key_id = uuid7()
    told: dict[str, Any] = {
        "user_id": profile_id,
        "key_name": name,
        "key_prefix": prefix,
        "permissions": sorted(set(scopes)),
        "expires_at": expires_at,
    }
    limit = null() if rate_limit is None else rate_limit  # None would become the database's default
    session.add(ApiKey(id=key_id, key_hash=hash_of(token), rate_limit=limit, **told))
    session.flush()
    audit.note(session, audit.Act("INSERT", "api_keys", key_id, new=told | {"rate_limit": rate_limit}))
    return key_id, token


def hash_of(token: str) -> str:
    """The token's SHA-256. It holds 256 random bits, so nothing slower is needed to keep it from being guessed."""
    return sha256(token.encode()).hexdigest()


def prefix_of(token: str) -> str | None:
    """The prefix of something that looks like a key; None for anything else."""
    if not token.isascii() or len(token) > LONGEST_TOKEN:
        return None
    parts = token.split("_", 2)
    if len(parts) != 3 or parts[0] != MARK or len(parts[1]) != PREFIX_LENGTH or not parts[2]:
        return None
    return parts[1] if set(parts[1]) <= set(PREFIX_CHARACTERS) else None


def find_key(session: Session, token: str, now: datetime) -> FoundKey | None:
    """The key that `token` is, when it is accepted at `now`; see `look_up`."""
    found = look_up(session, token, now)
    return found if isinstance(found, FoundKey) else None


def look_up(session: Session, token: str, now: datetime) -> FoundKey | RefusedKey | None:
    """The key that `token` is, or why it is refused at `now`; None for what does not even look like a key.

    Accepted is what is active, not expired and of an open account. Compared in constant time. Needs the system's
    session: nobody else may read a hash.
    """
    prefix = prefix_of(token)
    if prefix is None:
        return None
    mine, reason = hash_of(token), Reason.UNKNOWN
    for row in session.execute(HELD, {"prefix": prefix}):
        if hmac.compare_digest(row.key_hash, mine):
            wrong = _refusal(row, now)
            return RefusedKey(wrong, prefix, row.id, row.user_id) if wrong else _found(row)
        reason = Reason.WRONG
    return RefusedKey(reason, prefix)


# Sent at every request, so put together once.
HELD = (
    select(
        ApiKey.id,
        ApiKey.user_id,
        ApiKey.key_name,
        ApiKey.key_prefix,
        ApiKey.key_hash,
        ApiKey.permissions,
        ApiKey.rate_limit,
        ApiKey.is_active,
        ApiKey.last_used_at,
        ApiKey.expires_at,
        Profile.role,
        AuthAccount.is_active.label("is_open"),
        owes_factor().label("owes_factor"),
    )
    .join(Profile, Profile.id == ApiKey.user_id)
    .join(AuthAccount, AuthAccount.id == Profile.auth_user_id)
    .where(ApiKey.key_prefix == bindparam("prefix"))
)


def _refusal(row: Any, now: datetime) -> Reason | None:
    if not row.is_open:
        return Reason.CLOSED
    if not row.is_active:
        return Reason.REVOKED
    return Reason.EXPIRED if row.expires_at is not None and row.expires_at <= now else None


def _found(row: Any) -> FoundKey:
    scopes = row.permissions if isinstance(row.permissions, list) else []
    return FoundKey(
        row.id,
        row.user_id,
        row.role or "user",
        row.key_name,
        row.key_prefix,
        frozenset(str(scope) for scope in scopes),
        row.rate_limit,
        row.last_used_at,
        bool(row.owes_factor),
    )


def revoke_key(session: Session, key_id: UUID) -> bool:
    """Refuse the key from now on; False when there is no such active key the session may see."""
    mine = select(ApiKey).where(ApiKey.id == key_id, ApiKey.is_active.is_(True))
    key = session.scalars(mine).one_or_none()
    if key is None:
        return False
    key.is_active = False
    session.flush()
    audit.note(session, audit.Act("UPDATE", "api_keys", key.id, {"is_active": True}, {"is_active": False}))
    return True


def revoke_prefix(session: Session, prefix: str) -> bool:
    """`revoke_key` for the key that begins so, with or without its `qk_`; False when none is active."""
    wanted = prefix.removeprefix(f"{MARK}_")
    ids = session.scalars(select(ApiKey.id).where(ApiKey.key_prefix == wanted, ApiKey.is_active.is_(True)))
    return sum(revoke_key(session, key_id) for key_id in ids.all()) > 0


def note_used(session: Session, used: Mapping[UUID, datetime]) -> None:
    """Write down when keys were last used, for each at most once a minute."""
    for key_id, at in sorted(used.items()):
        is_news = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= at - USED_EVERY)
        session.execute(
            update(ApiKey)
            .where(ApiKey.id == key_id, is_news)
            .values(last_used_at=at)
            .execution_options(synchronize_session=False)
        )


__all__ = [
    "FoundKey",
    "Reason",
    "RefusedKey",
    "find_key",
    "look_up",
    "make_key",
    "note_used",
    "prefix_of",
    "revoke_key",
    "revoke_prefix",
]
