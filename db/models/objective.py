"""What is aimed at: the share of tasks that should succeed."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Exact, Instant, now

TASKS = "tasks"


class Objective(Base):
    """A service level that an administrator or architect set; its error budget is what it leaves to failures."""

    __tablename__ = "objectives"

    name: Mapped[str] = mapped_column(
        Text, primary_key=True, doc="What it speaks of: tasks are those of the whole fleet."
    )
    target: Mapped[Decimal] = mapped_column(
        Exact(6, 3), doc="Share that should succeed, in percent above 0 and below 100."
    )
    least_events: Mapped[int] = mapped_column(
        Integer,
        doc="With fewer tasks in a stretch of time nothing is said of it: it is neither good nor bad.",
    )
    set_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile of who set it; null = the account is gone.",
    )
    set_at: Mapped[datetime] = mapped_column(Instant, server_default=now(), doc="When it was set last.")

    __table_args__ = (
        CheckConstraint("target > 0 AND target < 100", name=conv("objectives_target_check")),
        CheckConstraint("least_events >= 1", name=conv("objectives_least_events_check")),
        Index("idx_objectives_set_by", "set_by"),
    )
