"""The second factor of signing in: each account's own, its recovery codes, and which roles must have one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Instant, Key, new_id, now, uuid7


class SecondFactor(Base):
    """The authenticator app of one account (TOTP, RFC 6238). Only the system reads it: it holds the secret itself."""

    __tablename__ = "second_factors"

    account_id: Mapped[UUID] = mapped_column(
        Key,
        ForeignKey("auth_account.id", ondelete="CASCADE"),
        primary_key=True,
        doc="Account (auth_account.id) that signs in with it; at most one per account.",
    )
    secret: Mapped[str] = mapped_column(
        Text,
        doc="The key shared with the app, base32, stored as it is: codes are computed from it, so a hash would not do.",
    )
    confirmed_at: Mapped[datetime | None] = mapped_column(
        Instant,
        doc="When a first code proved the app right; null while it is being set up and asks for nothing.",
    )
    last_step: Mapped[int | None] = mapped_column(
        BigInteger,
        doc="The latest 30-second step whose code was taken; codes up to it are refused. Null = none yet.",
    )
    created_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), doc="When the secret was made."
    )


class RecoveryCode(Base):
    """A code that stands in for the second factor once, for whoever lost the phone. Only the system reads it."""

    __tablename__ = "recovery_codes"

    id: Mapped[UUID] = mapped_column(
        Key, primary_key=True, default=uuid7, server_default=new_id(), doc="Identifier of the code."
    )
    account_id: Mapped[UUID] = mapped_column(
        Key,
        ForeignKey("auth_account.id", ondelete="CASCADE"),
        doc="Account (auth_account.id) that it lets in.",
    )
    code_hash: Mapped[str] = mapped_column(Text, doc="SHA-256 of the code's 80 random bits, never the code.")
    used_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When it was used; null while it is unused."
    )
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=now(), doc="When it was made.")

    __table_args__ = (Index("idx_recovery_codes_account", "account_id", "code_hash"),)


class RoleRequirement(Base):
    """What an administrator demands of everybody with a role."""

    __tablename__ = "role_requirements"

    role: Mapped[str] = mapped_column(
        Text, primary_key=True, doc="The role: user, admin, architect, observer or strategist."
    )
    factor_required: Mapped[bool] = mapped_column(
        Boolean,
        doc="True when nobody with this role gets further than setting up a second factor without one.",
    )
    set_by: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the administrator who said so last; null = at the console, or account closed.",
    )
    set_at: Mapped[datetime] = mapped_column(Instant, server_default=now(), doc="When it was said last.")

    __table_args__ = (
        CheckConstraint(
            "role IN ('user', 'admin', 'architect', 'observer', 'strategist')",
            name=conv("role_requirements_role_check"),
        ),
        Index("idx_role_requirements_set_by", "set_by"),
    )
