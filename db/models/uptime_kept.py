"""What stays of states and of results of checks when their rows are too old to be kept: sums of whole days in UTC."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Document, Instant

STATES, RESULTS = "states", "results"  # what is kept since when


class StateDay(Base):
    """How many seconds of one day something was in one state. Days before the moment in `uptime_kept` are read from
    here, and no stretch adds to them any more."""

    __tablename__ = "state_days"

    subject_id: Mapped[str] = mapped_column(
        ForeignKey("uptime_subjects.id", ondelete="CASCADE"),
        primary_key=True,
        doc="Whose state (uptime_subjects.id) it was.",
    )
    since: Mapped[datetime] = mapped_column(Instant, primary_key=True, doc="The day's first second in UTC.")
    state: Mapped[str] = mapped_column(
        Text, primary_key=True, doc="up, down, unknown, maintenance or paused."
    )
    seconds: Mapped[int] = mapped_column(BigInteger, doc="How long, of the day's 86,400 seconds.")

    __table_args__ = (
        CheckConstraint(
            "state IN ('up', 'down', 'unknown', 'maintenance', 'paused')",
            name="state",
        ),
        CheckConstraint("seconds BETWEEN 1 AND 86400", name="seconds"),
        Index("idx_state_days_since", "since"),
    )


class CheckDay(Base):
    """What one check found on one day. Days before the moment in `uptime_kept` are read from here."""

    __tablename__ = "check_days"

    check_id: Mapped[UUID] = mapped_column(
        ForeignKey("checks.id", ondelete="CASCADE"), primary_key=True, doc="Check (checks.id) it was."
    )
    since: Mapped[datetime] = mapped_column(Instant, primary_key=True, doc="The day's first second in UTC.")
    up: Mapped[int] = mapped_column(BigInteger, doc="Results planned for the day that were up.")
    failed: Mapped[int] = mapped_column(BigInteger, doc="Results planned for the day that were not.")
    histogram: Mapped[Any] = mapped_column(
        Document,
        doc="Times of those that were up, in nanoseconds by place of db.histogram: {place: results}.",
    )


class UptimeKept(Base):
    """Since when single rows are kept, by what they are; of what lies before there are sums by day alone."""

    __tablename__ = "uptime_kept"

    family: Mapped[str] = mapped_column(
        Text, primary_key=True, doc="states (stretches, and the heartbeats behind them) or results of checks."
    )
    since: Mapped[datetime] = mapped_column(
        Instant, doc="The first second of the first day whose rows are kept."
    )
