"""What the audit log held at the end of each day, kept apart from it."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Instant, now


class AuditHead(Base):
    """The last audit entry of a day (UTC) that had one. The system writes it after the day; it is never changed."""

    __tablename__ = "audit_heads"

    day: Mapped[date] = mapped_column(Date, primary_key=True, doc="The day (UTC) that is over.")
    seq: Mapped[int] = mapped_column(BigInteger, doc="Place in the chain of the day's last entry.")
    row_hash: Mapped[str] = mapped_column(
        Text, doc="The row_hash of that entry, which stands for all before it."
    )
    entries: Mapped[int] = mapped_column(
        BigInteger, doc="Entries since the head before, so that the heads add up to seq."
    )
    created_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), doc="When the head was written."
    )

    __table_args__ = (CheckConstraint("entries > 0", name=conv("audit_heads_entries_check")),)
