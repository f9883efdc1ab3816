"""Help desk."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Document, Exact, Instant, Key, new_id, now, uuid7


class SupportTicket(Base):
    """Support requests with priority, status, assignee."""

    __tablename__ = "support_tickets"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this support request.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="CASCADE"),
        doc="Profile (profiles.id) of the person who asked for help; null = unknown.",
    )
    subject: Mapped[str] = mapped_column(Text, doc="Short title of the request, written by the requester.")
    description: Mapped[str | None] = mapped_column(
        Text, doc="Full text of the request; null = only a subject was given."
    )
    status: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'open'"),
        doc="Where the request stands: open, in_progress, resolved or closed.",
    )
    priority: Mapped[str | None] = mapped_column(
        Text, server_default=text("'normal'"), doc="Urgency of the request: low, normal, high or critical."
    )
    sentiment_score: Mapped[Decimal | None] = mapped_column(
        Exact(5, 2),
        doc="Mood of the request's text as scored by an analyser, on its own scale; null = not scored.",
    )
    assigned_to: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the person handling the request; null = nobody yet.",
    )
    resolved_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant the request was resolved, never before its creation; null = not resolved."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant at which the request was opened."
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="Instant any column of the request last changed."
    )

    __table_args__ = (
        CheckConstraint(
            "priority IN ('low', 'normal', 'high', 'critical')", name=conv("support_tickets_priority_check")
        ),
        CheckConstraint(
            "status IN ('open', 'in_progress', 'resolved', 'closed')",
            name=conv("support_tickets_status_check"),
        ),
        CheckConstraint(
            "resolved_at IS NULL OR resolved_at >= created_at",
            name=conv("support_tickets_resolved_after_created"),
        ),
        Index("idx_support_tickets_assigned", "assigned_to"),
        Index("idx_support_tickets_created", created_at.desc()),
        Index("idx_support_tickets_priority", "priority"),
        Index("idx_support_tickets_status", "status"),
        Index("idx_support_tickets_user_id", "user_id"),
    )


class TicketMessage(Base):
    """Conversation on a ticket; some messages are internal."""

    __tablename__ = "ticket_messages"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this message, its primary key.",
    )
    ticket_id: Mapped[UUID] = mapped_column(
        Key,
        ForeignKey("support_tickets.id", ondelete="CASCADE"),
        doc="Request (support_tickets.id) this message belongs to; the message goes when the request goes.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the author; null = unknown or account closed.",
    )
    message: Mapped[str] = mapped_column(Text, doc="Text of the message as sent; never rewritten afterwards.")
    is_internal: Mapped[bool | None] = mapped_column(
        Boolean,
        server_default=text("false"),
        doc="True = only the assignee and admins may read it; false = the requester reads it too.",
    )
    attachments: Mapped[Any | None] = mapped_column(
        Document, doc="Attached files as JSON, such as names and addresses; null = none attached."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant at which the message was sent."
    )

    __table_args__ = (
        Index("idx_ticket_messages_created", created_at.desc()),
        Index(
            "idx_ticket_messages_internal",
            "is_internal",
            postgresql_where=text("is_internal = true"),
            sqlite_where=text("is_internal = true"),
        ),
        Index("idx_ticket_messages_ticket_id", "ticket_id"),
        Index("idx_ticket_messages_user_id", "user_id"),
    )
