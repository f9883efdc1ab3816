"""What providers of models say was used of theirs, to hold against what our spans say."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Exact, Instant, Key, now


class ProviderUsage(Base):
    """What one provider reports of one day and model, in one currency: added up from the lines of its export."""

    __tablename__ = "provider_usage"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        doc="Follows from provider, day, model and currency, so that each is held once.",
    )
    provider: Mapped[str] = mapped_column(Text, doc="Who reports it, as named at the import.")
    day: Mapped[date] = mapped_column(Date, doc="The day in UTC that it speaks of.")
    model: Mapped[str] = mapped_column(Text, doc="Model, in the provider's own words.")
    input_tokens: Mapped[int | None] = mapped_column(
        BigInteger, doc="Tokens sent to the model; null = the report does not say."
    )
    output_tokens: Mapped[int | None] = mapped_column(
        BigInteger, doc="Tokens the model answered; null = the report does not say."
    )
    cost: Mapped[Decimal | None] = mapped_column(
        Exact(15, 6), doc="What it cost, in the currency beside it; null = the report does not say."
    )
    currency: Mapped[str | None] = mapped_column(
        Text, doc="Currency of the cost; null = the report does not say."
    )
    source: Mapped[str] = mapped_column(Text, doc="Name of the file it came from.")
    created_at: Mapped[datetime] = mapped_column(
        Instant, server_default=now(), doc="When it was stored here."
    )

    __table_args__ = (
        CheckConstraint("input_tokens >= 0", name=conv("provider_usage_input_tokens_check")),
        CheckConstraint("output_tokens >= 0", name=conv("provider_usage_output_tokens_check")),
        Index("idx_provider_usage_day", "day", "model"),
    )
