"""Sales pipeline."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Document, Exact, Instant, Key, new_id, now, uuid7


class Deal(Base):
    """Sales opportunities with value, status and probability."""

    __tablename__ = "deals"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this sales opportunity.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="CASCADE"),
        doc="Profile (profiles.id) of the person who owns the deal; null = nobody.",
    )
    client_name: Mapped[str] = mapped_column(Text, doc="Name of the customer or prospect the deal is with.")
    value: Mapped[Decimal] = mapped_column(
        Exact(15, 2),
        doc="Worth of the deal as entered, in money with two decimals; the row carries no currency.",
    )
    status: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'lead'"),
        doc="Where the deal stands: lead, negotiation, closed (won) or lost.",
    )
    probability: Mapped[int | None] = mapped_column(
        Integer,
        server_default=text("50"),
        doc="Owner's estimate of winning, in whole percent from 0 to 100; a judgement, not a "
        "measurement; null = not estimated.",
    )
    stage: Mapped[str | None] = mapped_column(
        Text, doc="Owner's own finer step within the pipeline, as free text; null = not given."
    )
    close_date: Mapped[date | None] = mapped_column(
        Date, doc="Calendar day the deal closed or is expected to close; null = unknown."
    )
    notes: Mapped[str | None] = mapped_column(
        Text, doc="Free text notes of the owner about the deal; null = none."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the deal as JSON; empty object = none.",
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant at which the deal was entered here."
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="Instant any column of the deal last changed."
    )

    __table_args__ = (
        CheckConstraint("probability >= 0 AND probability <= 100", name=conv("deals_probability_check")),
        CheckConstraint(
            "status IN ('lead', 'negotiation', 'closed', 'lost')", name=conv("deals_status_check")
        ),
        Index("idx_deals_close_date", close_date.desc()),
        Index("idx_deals_created", created_at.desc()),
        Index("idx_deals_status", "status"),
        Index("idx_deals_user_id", "user_id"),
        Index("idx_deals_value", value.desc()),
    )


class DealActivity(Base):
    """Timeline of what happened on a deal."""

    __tablename__ = "deal_activities"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this timeline entry.",
    )
    deal_id: Mapped[UUID] = mapped_column(
        Key,
        ForeignKey("deals.id", ondelete="CASCADE"),
        doc="Deal (deals.id) on which this happened; the entry goes when the deal goes.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the entry's author; null = unknown or account closed.",
    )
    activity_type: Mapped[str] = mapped_column(
        Text, doc="What happened: note, email, call, meeting, status_change or value_update."
    )
    description: Mapped[str | None] = mapped_column(
        Text, doc="What happened, in the author's words; null = nothing written."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts as JSON, such as old and new value of a change; empty object = none.",
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant the entry was written; entries are never rewritten."
    )

    __table_args__ = (
        CheckConstraint(
            "activity_type IN ('note', 'email', 'call', 'meeting', 'status_change', 'value_update')",
            name=conv("deal_activities_activity_type_check"),
        ),
        Index("idx_deal_activities_created", created_at.desc()),
        Index("idx_deal_activities_deal_id", "deal_id"),
        Index("idx_deal_activities_type", "activity_type"),
        Index("idx_deal_activities_user_id", "user_id"),
    )
