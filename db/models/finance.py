"""Money."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import conv

from db.base import Base, Document, Exact, Instant, Key, new_id, now, uuid7


class Transaction(Base):
    """Money movements, optionally tied to a deal."""

    __tablename__ = "transactions"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this money movement.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the person the movement belongs to; null = nobody or account closed.",
    )
    deal_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("deals.id", ondelete="SET NULL"),
        doc="Deal (deals.id) the movement belongs to; null = not tied to a deal.",
    )
    type: Mapped[str] = mapped_column(
        Text, doc="Kind of movement: payment, refund, chargeback, fee, commission or bonus."
    )
    amount: Mapped[Decimal] = mapped_column(
        Exact(15, 2), doc="Sum moved, in the row's currency with two decimals; never 0."
    )
    currency: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'USD'"),
        doc="Three-letter code of the currency the amount is in, such as USD.",
    )
    status: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'pending'"),
        doc="Where the movement stands: pending, processing, completed, failed, cancelled or refunded.",
    )
    payment_method: Mapped[str | None] = mapped_column(
        Text, doc="How it was paid, for example card or transfer; null = unknown."
    )
    payment_provider: Mapped[str | None] = mapped_column(
        Text, doc="Company that carried out the payment; null = none or unknown."
    )
    external_transaction_id: Mapped[str | None] = mapped_column(
        Text, doc="The payment provider's own identifier of the movement; null = none given."
    )
    description: Mapped[str | None] = mapped_column(
        Text, doc="What the movement is for, in words; null = not stated."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the movement as JSON; empty object = none.",
    )
    processed_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant the movement was carried out; null = not yet carried out."
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant,
        server_default=now(),
        doc="Instant the movement was entered here; it is reversed by a refund row, never removed.",
    )

    __table_args__ = (
        CheckConstraint("amount <> 0", name=conv("transactions_amount_check")),
        CheckConstraint(
            "status IN ('pending', 'processing', 'completed', 'failed', 'cancelled', 'refunded')",
            name=conv("transactions_status_check"),
        ),
        CheckConstraint(
            "type IN ('payment', 'refund', 'chargeback', 'fee', 'commission', 'bonus')",
            name=conv("transactions_type_check"),
        ),
        Index("idx_transactions_amount", amount.desc()),
        Index("idx_transactions_created", created_at.desc()),
        Index("idx_transactions_deal_id", "deal_id"),
        Index("idx_transactions_external", "external_transaction_id"),
        Index("idx_transactions_status", "status"),
        Index("idx_transactions_type", "type"),
        Index("idx_transactions_user_id", "user_id"),
    )


class Invoice(Base):
    """Bills with amount, tax, total and line items."""

    __tablename__ = "invoices"

    id: Mapped[UUID] = mapped_column(
        Key,
        primary_key=True,
        default=uuid7,
        server_default=new_id(),
        doc="Random identifier of this invoice, its primary key.",
    )
    user_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("profiles.id", ondelete="SET NULL"),
        doc="Profile (profiles.id) of the person who owns the invoice; null = nobody or account closed.",
    )
    deal_id: Mapped[UUID | None] = mapped_column(
        Key,
        ForeignKey("deals.id", ondelete="SET NULL"),
        doc="Deal (deals.id) being billed; null = not tied to a deal.",
    )
    invoice_number: Mapped[str] = mapped_column(Text, doc="Unique number printed on the invoice.")
    amount: Mapped[Decimal] = mapped_column(
        Exact(15, 2), doc="Sum before tax, in the row's currency; negative on a credit note."
    )
    tax: Mapped[Decimal | None] = mapped_column(
        Exact(15, 2),
        server_default=text("0"),
        doc="Tax added to the amount, in the row's currency; 0 = no tax.",
    )
    total: Mapped[Decimal] = mapped_column(
        Exact(15, 2),
        doc="Sum to pay, always amount plus tax, in the row's currency; negative on a credit note.",
    )
    currency: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'USD'"),
        doc="Three-letter code of the currency the invoice is in, such as USD.",
    )
    status: Mapped[str | None] = mapped_column(
        Text,
        server_default=text("'draft'"),
        doc="Where the invoice stands: draft, sent, paid, overdue, cancelled or refunded.",
    )
    due_date: Mapped[date | None] = mapped_column(
        Date, doc="Calendar day by which payment is due; null = none set."
    )
    paid_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Instant payment was recorded; null = not paid."
    )
    items: Mapped[Any | None] = mapped_column(
        Document,
        server_default=text("'[]'"),
        doc="Lines of the invoice as a JSON list; empty list = no lines.",
    )
    notes: Mapped[str | None] = mapped_column(
        Text, doc="Free text printed or kept with the invoice; null = none."
    )
    meta: Mapped[Any | None] = mapped_column(
        "metadata",
        Document,
        server_default=text("'{}'"),
        doc="Further facts about the invoice as JSON; empty object = none.",
    )
    created_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), doc="Instant at which the invoice was drafted."
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        Instant, server_default=now(), onupdate=now(), doc="Instant any column of the invoice last changed."
    )

    __table_args__ = (
        CheckConstraint(
            "status IN ('draft', 'sent', 'paid', 'overdue', 'cancelled', 'refunded')",
            name=conv("invoices_status_check"),
        ),
        CheckConstraint(
            "ROUND(total * 100) = ROUND(amount * 100) + ROUND(tax * 100)",
            name=conv("invoices_total_consistent"),
        ),
        UniqueConstraint("invoice_number", name="invoices_invoice_number_key"),
        Index("idx_invoices_created", created_at.desc()),
        Index("idx_invoices_deal_id", "deal_id"),
        Index("idx_invoices_due_date", "due_date"),
        Index("idx_invoices_status", "status"),
        Index("idx_invoices_user_id", "user_id"),
    )
