"""Signing in: what is kept about an account, apart from the 26 tables."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Instant, Key, new_id, now, uuid7


class AuthAccount(Base):
    """One row per account: the address and the password's hash. Only the system reads it."""

    __tablename__ = "auth_account"

    id: Mapped[UUID] = mapped_column(
        Key, primary_key=True, default=uuid7, server_default=new_id(), doc="Identifier of the account."
    )
    email: Mapped[str] = mapped_column(Text, doc="Address to sign in with, unique whatever its case.")
    password_hash: Mapped[str] = mapped_column(Text, doc="Argon2id hash of the password, never the password.")
    is_active: Mapped[bool] = mapped_column(
        Boolean, server_default=text("true"), doc="False when an administrator has closed the door."
    )
    credential_version: Mapped[int] = mapped_column(
        Integer,
        server_default=text("1"),
        doc="Raised when password or role changes; a sign-in made under an older version no longer counts.",
    )
    created_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), doc="When the account was made."
    )
    updated_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="When the row last changed."
    )

    __table_args__ = (Index("auth_account_email_key", func.lower(email), unique=True),)


class OneTimeCode(Base):
    """A code that opens one door once, such as making the first administrator."""

    __tablename__ = "one_time_codes"

    id: Mapped[UUID] = mapped_column(
        Key, primary_key=True, default=uuid7, server_default=new_id(), doc="Identifier of the code."
    )
    purpose: Mapped[str] = mapped_column(Text, doc="What the code is good for.")
    code_hash: Mapped[str] = mapped_column(Text, doc="SHA-256 of the code, never the code.")
    expires_at: Mapped[datetime] = mapped_column(Instant, doc="From this moment on the code is refused.")
    used_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When it was used; null while it is unused."
    )
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=now(), doc="When it was made.")

    __table_args__ = (
        CheckConstraint("purpose IN ('first_admin')", name=conv("one_time_codes_purpose_check")),
        Index("idx_one_time_codes_hash", "code_hash"),
    )


class SignInLimit(Base):
    """How often signing in failed in a row for one account or from one address. Only the system reads it."""

    __tablename__ = "sign_in_limits"

    subject: Mapped[str] = mapped_column(
        Text, primary_key=True, doc="Keyed hash (HMAC-SHA-256) of the account or address, never its name."
    )
    failures: Mapped[int] = mapped_column(
        Integer,
        server_default=text("0"),
        doc="Attempts that failed since the last success or four hours of rest.",
    )
    free_at: Mapped[datetime] = mapped_column(
        Instant, doc="When the next attempt is taken; before it none is, whatever the password."
    )

    __table_args__ = (
        CheckConstraint("failures >= 0", name=conv("sign_in_limits_failures_check")),
        Index("idx_sign_in_limits_free_at", "free_at"),
    )
