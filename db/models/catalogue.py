"""What the catalogue has already given, so that seeding brings no deletion back."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Instant, now


class CatalogueSeed(Base):
    """One row per catalogue id that was ever seeded, kept when the agent is deleted."""

    __tablename__ = "catalogue_seeds"

    agent_id: Mapped[str] = mapped_column(
        Text, primary_key=True, doc="Id in the catalogue; no reference, for the agent may be gone."
    )
    seeded_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), doc="When it was inserted for the first time."
    )
