"""What runs by itself: which process runs a job, when it is due, and what it found last."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Document, Instant


class Job(Base):
    """One row per job of the application. Whoever holds its lease runs it, and nobody else does."""

    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(Text, primary_key=True, doc="Name of the job.")
    due_at: Mapped[datetime] = mapped_column(Instant, doc="When it is to run next.")
    holder: Mapped[str | None] = mapped_column(Text, doc="The process that runs it; null while nobody does.")
    held_until: Mapped[datetime | None] = mapped_column(
        Instant, doc="When the lease ends unless its holder, while it works, holds on."
    )
    began_at: Mapped[datetime | None] = mapped_column(Instant, doc="When the latest run began; null = never.")
    ended_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When a run ended last, well or not; null = never."
    )
    succeeded_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When a run ended well last; null = never."
    )
    seconds: Mapped[float | None] = mapped_column(Float, doc="How long the run took that ended last.")
    error: Mapped[str | None] = mapped_column(
        Text, doc="What the run failed with that ended last; null = it ended well."
    )
    facts: Mapped[Any] = mapped_column(
        Document,
        server_default=text("'{}'"),
        doc="What the run found that ended well last; empty = none did.",
    )
