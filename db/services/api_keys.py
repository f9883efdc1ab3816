"""API keys: made once, shown once, kept as a hash, found by their prefix.

A key reads `qk_<prefix>_<secret>`. It acts in the name of the person who made it and never exceeds them.
"""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from db.base import uuid7
from db.models import ApiKey, AuthAccount, Profile

MARK = "qk"
PREFIX_CHARACTERS = "abcdefghijkmnpqrstuvwxyz23456789"
PREFIX_LENGTH = 10
SECRET_BYTES = 32  # 256 random bits


@dataclass(frozen=True)
class FoundKey:
    """A key that is accepted now, and the person in whose name it acts."""

    key_id: UUID
    profile_id: UUID
    role: str
    name: str
    prefix: str
    scopes: frozenset[str]
    rate_limit: int | None
    last_used_at: datetime | None


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
    session.add(
        ApiKey(
            id=key_id,
            user_id=profile_id,
            key_name=name,
            key_prefix=prefix,
            key_hash=hash_of(token),
            permissions=sorted(set(scopes)),
            rate_limit=rate_limit,
            expires_at=expires_at,
        )
    )
    session.flush()
    return key_id, token


def hash_of(token: str) -> str:
    """The token's SHA-256. It holds 256 random bits, so nothing slower is needed to keep it from being guessed."""
    return sha256(token.encode()).hexdigest()


def prefix_of(token: str) -> str | None:
    """The prefix of something that looks like a key; None for anything else."""
    parts = token.split("_", 2)
    if len(parts) != 3 or parts[0] != MARK or len(parts[1]) != PREFIX_LENGTH or not parts[2]:
        return None
    return parts[1]


def find_key(session: Session, token: str, now: datetime) -> FoundKey | None:
    """The key that `token` is, when it is accepted at `now`: active, not expired, of an open account.

    Compared in constant time. Needs the system's session: nobody else may read a hash.
    """
    prefix = prefix_of(token)
    if prefix is None or not token.isascii():
        return None
    mine = hash_of(token)
    held = (
        select(ApiKey, ApiKey.key_hash, Profile.role)
        .join(Profile, Profile.id == ApiKey.user_id)
        .join(AuthAccount, AuthAccount.id == Profile.auth_user_id)
        .where(
            ApiKey.key_prefix == prefix,
            ApiKey.is_active.is_(True),
            AuthAccount.is_active.is_(True),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
        )
    )
    for key, kept, role in session.execute(held):
        if hmac.compare_digest(kept, mine):
            scopes = key.permissions if isinstance(key.permissions, list) else []
            return FoundKey(
                key.id,
                key.user_id,
                role or "user",
                key.key_name,
                key.key_prefix,
                frozenset(str(scope) for scope in scopes),
                key.rate_limit,
                key.last_used_at,
            )
    return None


def revoke_key(session: Session, key_id: UUID) -> bool:
    """Refuse the key from now on; False when there is no such active key the session may change."""
    gone = session.execute(
        update(ApiKey).where(ApiKey.id == key_id, ApiKey.is_active.is_(True)).values(is_active=False)
    )
    return bool(getattr(gone, "rowcount", 0))


__all__ = ["FoundKey", "find_key", "make_key", "prefix_of", "revoke_key"]
