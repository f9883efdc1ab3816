"""Links that open one door once, and the mail that carries them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Instant, Key, new_id, now, uuid7

ROLE_IS_KNOWN = "role IS NULL OR role IN ('user', 'admin', 'architect', 'observer', 'strategist')"
# A new password is for an account there is, an invitation for an address and a role.
HAS_ITS_SUBJECT = (
    "(purpose = 'reset' AND account_id IS NOT NULL AND email IS NULL AND role IS NULL) OR "
    "(purpose = 'invite' AND account_id IS NULL AND email IS NOT NULL AND role IS NOT NULL)"
)


class AccountLink(Base):
    """A link that opens one door once: a new password, or an account by invitation. Only the system reads it."""

    __tablename__ = "account_links"

    id: Mapped[UUID] = mapped_column(
        Key, primary_key=True, default=uuid7, server_default=new_id(), doc="Identifier of the link."
    )
    purpose: Mapped[str] = mapped_column(
        Text, doc="What the link is good for: reset (a new password) or invite (a new account)."
    )
    account_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("auth_account.id", ondelete="CASCADE"),
        doc="Account that gets a new password; null for invitations.",
    )
    email: Mapped[str | None] = mapped_column(
        Text, doc="Address the invited person will sign in with; null for new passwords."
    )
    role: Mapped[str | None] = mapped_column(
        Text, doc="Role the invited person will have; null for new passwords."
    )
    token_hash: Mapped[str] = mapped_column(Text, doc="SHA-256 of the token in the link, never the token.")
    created_by: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="CASCADE"),
        doc="Administrator (profiles.id) who made the link; null when the person asked for it themselves or it was "
        "made at the console.",
    )
    expires_at: Mapped[datetime] = mapped_column(Instant, doc="From this moment on the link is refused.")
    used_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When it was used; null while it is unused."
    )
    voided_at: Mapped[datetime | None] = mapped_column(
        Instant,
        doc="When a newer link or another change of password took its place; null while it may be used.",
    )
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=now(), doc="When it was made.")

    __table_args__ = (
        CheckConstraint("purpose IN ('reset', 'invite')", name=conv("account_links_purpose_check")),
        CheckConstraint(ROLE_IS_KNOWN, name=conv("account_links_role_check")),
        CheckConstraint(HAS_ITS_SUBJECT, name=conv("account_links_subject_check")),
        Index("account_links_token_hash_key", "token_hash", unique=True),
        Index("idx_account_links_account_id", "account_id"),
        Index("idx_account_links_email", func.lower(email)),
        Index("idx_account_links_created_by", "created_by"),
    )


class OutgoingMail(Base):
    """Mail that waits to be sent, so that no request waits for a mail server. Only the system reads it."""

    __tablename__ = "outgoing_mail"

    id: Mapped[UUID] = mapped_column(
        Key, primary_key=True, default=uuid7, server_default=new_id(), doc="Identifier of the mail."
    )
    kind: Mapped[str] = mapped_column(
        Text, doc="What it says: reset (a link for a new password) or password_changed."
    )
    account_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("auth_account.id", ondelete="CASCADE"),
        doc="Account whose address it goes to; null when there is none by the name that was typed: nothing is sent.",
    )
    language: Mapped[str] = mapped_column(
        Text, doc="Language of whoever asked; the person's own choice goes before it."
    )
    tries: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), doc="How often sending it was begun."
    )
    due_at: Mapped[datetime] = mapped_column(
        Instant, doc="When it is tried next; while it is being sent, when another process may try."
    )
    error: Mapped[str | None] = mapped_column(
        Text, doc="Name and status of what went wrong last, without addresses; null before anything did."
    )
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=now(), doc="When it was asked for.")

    __table_args__ = (
        CheckConstraint("kind IN ('reset', 'password_changed')", name=conv("outgoing_mail_kind_check")),
        CheckConstraint("tries >= 0", name=conv("outgoing_mail_tries_check")),
        Index("idx_outgoing_mail_due_at", "due_at"),
        Index("idx_outgoing_mail_account_id", "account_id"),
    )
