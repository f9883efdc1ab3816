"""What people or files say happened at a time: faults that were injected, anomalies that were labelled, releases."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Instant, Key, now


class Annotation(Base):
    """A mark on the time line: an instant or a stretch of time, with what is said of it and of which series."""

    __tablename__ = "annotations"

    id: Mapped[UUID] = mapped_column(
        Key, primary_key=True, doc="Follows from what the mark says, so that each is held once."
    )
    starts_at: Mapped[datetime] = mapped_column(Instant, doc="When it began, or the instant itself.")
    ends_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When it ended; null = an instant, or nobody said how long it lasted."
    )
    kind: Mapped[str] = mapped_column(Text, doc="What sort of mark it is, in one word, such as fault.")
    label: Mapped[str] = mapped_column(Text, doc="What stands beside it on a chart, such as cpu_contention.")
    metric_type: Mapped[str | None] = mapped_column(
        Text, doc="Which measurements (system_metrics.metric_type) it is about; null = all of its source."
    )
    source: Mapped[str | None] = mapped_column(
        Text, doc="Whose measurements (system_metrics.source) it is about; null = whoever took them."
    )
    note: Mapped[str | None] = mapped_column(Text, doc="More about it, in words; null = nothing was said.")
    origin: Mapped[str] = mapped_column(Text, doc="Name of the file it came from, and the place in it.")
    created_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), doc="When it was stored here."
    )

    __table_args__ = (
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="order"),
        Index("idx_annotations_starts", "starts_at"),
    )
