"""Programmatic access."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Address, Base, Document, Instant, Key, by_month, new_id, now, uuid7


class ApiKey(Base):
    """Programmatic keys; only a hash and a short prefix are kept."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this key; not the secret itself.",
    )
    user_id: Mapped[UUID] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="CASCADE"),
        doc="Profile (profiles.id) of the person who owns the key and in whose name it acts.",
    )
    key_name: Mapped[str] = mapped_column(Text, doc="Name the owner gave the key to tell it from others.")
    key_hash: Mapped[str] = mapped_column(
        Text,
        deferred=True,
        deferred_raiseload=True,  # nobody's session but the system's may read it, so no row brings it along
        doc="One-way hash of the secret key, unique; shown to nobody, the key itself is not stored.",
    )
    key_prefix: Mapped[str] = mapped_column(
        Text, doc="First few characters of the key, kept so that its owner can recognise it."
    )
    permissions: Mapped[Any | None] = mapped_column(
        Document,
        server_default=text("'[]'"),
        doc="What the key may do, as a JSON list of permission names; empty list = nothing granted.",
    )
    rate_limit: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("1000"),
        doc="Most requests allowed per hour with this key, above 0; null = no limit of its own.",
    )
    is_active: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), doc="True while the key is accepted; false = revoked."
    )
    last_used_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant the key was last accepted in a request; null = never used."
    )
    expires_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant from which the key is refused; null = no expiry."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant at which the key was made."
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="Instant the key's row last changed."
    )

    __table_args__ = (
        CheckConstraint("rate_limit > 0", name=conv("api_keys_rate_limit_positive")),
        UniqueConstraint("key_hash", name="api_keys_key_hash_key"),
        Index(
            "idx_api_keys_active",
            "is_active",
            postgresql_where=text("is_active = true"),
            sqlite_where=text("is_active = true"),
        ),
        Index("idx_api_keys_expires", "expires_at"),
        Index("idx_api_keys_prefix", "key_prefix"),
        Index("idx_api_keys_user_id", "user_id"),
    )


class ApiLog(Base):
    """One row per API call: endpoint, status, duration."""

    __tablename__ = "api_logs"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this logged request.",
    )
    api_key_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("api_keys.id", ondelete="SET NULL"),
        doc="Key (api_keys.id) the request came with; null = no key, or the key was deleted.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the person behind the request; null = unknown, not signed in or account closed.",
    )
    endpoint: Mapped[str] = mapped_column(Text, doc="Path of the address that was requested.")
    method: Mapped[str] = mapped_column(
        Text, doc="HTTP method of the request: GET, POST, PUT, PATCH, DELETE, OPTIONS or HEAD."
    )
    status_code: Mapped[int] = mapped_column(Integer, doc="HTTP status of the answer, from 100 to 599.")
    request_body: Mapped[Any | None] = mapped_column(
        Document, doc="Body of the request as JSON; null = none or not kept."
    )
    response_body: Mapped[Any | None] = mapped_column(
        Document, doc="Body of the answer as JSON; null = none or not kept."
    )
    response_time_ms: Mapped[int | None] = mapped_column(
        Integer,
        doc="Time the server took to answer, in milliseconds by a monotonic clock; null = not measured.",
    )
    request_bytes: Mapped[int | None] = mapped_column(
        BigInteger, doc="Size of the request's body as it was sent, in bytes; null = not known."
    )
    response_bytes: Mapped[int | None] = mapped_column(
        BigInteger, doc="Size of the answer's body as it was sent, in bytes; null = not known."
    )
    ip_address: Mapped[str | None] = mapped_column(
        Address, doc="Network address the request came from; null = unknown."
    )
    user_agent: Mapped[str | None] = mapped_column(
        Text, doc="Client identification text sent with the request; null = none was sent."
    )
    error_message: Mapped[str | None] = mapped_column(
        Text, doc="What went wrong while answering; null = no error."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant the request was logged; rows are never rewritten."
    )

    __table_args__ = (
        CheckConstraint(
            "method IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD')",
            name=conv("api_logs_method_check"),
        ),
        CheckConstraint("status_code >= 100 AND status_code < 600", name=conv("api_logs_status_valid")),
        Index("idx_api_logs_api_key", "api_key_id"),
        Index("idx_api_logs_created", created_at.desc()),
        Index("idx_api_logs_endpoint", "endpoint"),
        Index("idx_api_logs_method", "method"),
        Index("idx_api_logs_response_time", "response_time_ms"),
        Index("idx_api_logs_status", "status_code"),
        Index("idx_api_logs_user_id", "user_id"),
        by_month("created_at"),
    )


class RateLimit(Base):
    """Quota windows per key or person and endpoint."""

    __tablename__ = "rate_limits"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this quota row.",
    )
    api_key_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("api_keys.id", ondelete="CASCADE"),
        doc="Key (api_keys.id) the quota counts; null = it counts a person instead.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="CASCADE"),
        doc="Profile (profiles.id) the quota counts; null = it counts a key instead.",
    )
    endpoint: Mapped[str] = mapped_column(Text, doc="Path of the requests the quota applies to.")
    limit_per_hour: Mapped[int] = mapped_column(
        Integer, server_default=text("1000"), doc="Most requests allowed per hour on this path, above 0."
    )
    limit_per_day: Mapped[int] = mapped_column(
        Integer, server_default=text("10000"), doc="Most requests allowed per day on this path, above 0."
    )
    current_hour_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), doc="Requests counted so far in the running hour; never below 0."
    )
    current_day_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), doc="Requests counted so far in the running day; never below 0."
    )
    window_start: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant the running counting window began."
    )
    last_reset_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant a counter was last set back to 0."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant the quota row was created."
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="Instant a counter or limit last changed."
    )

    __table_args__ = (
        CheckConstraint("current_day_count >= 0", name=conv("rate_limits_current_day_positive")),
        CheckConstraint("current_hour_count >= 0", name=conv("rate_limits_current_hour_positive")),
        CheckConstraint("limit_per_day > 0", name=conv("rate_limits_day_positive")),
        CheckConstraint("limit_per_hour > 0", name=conv("rate_limits_hour_positive")),
        Index("idx_rate_limits_api_key", "api_key_id"),
        Index("idx_rate_limits_api_key_endpoint", "api_key_id", "endpoint", unique=True),
        Index("idx_rate_limits_endpoint", "endpoint"),
        Index("idx_rate_limits_user_id", "user_id"),
        Index("idx_rate_limits_window", "window_start"),
    )
