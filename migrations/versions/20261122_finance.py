"""Transactions and invoices.

Rolling back drops transactions, invoices with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Exact, Instant, new_id, now

revision = "20261122_finance"
down_revision = "20261122_security"
branch_labels = None
depends_on = None

TOUCHED = ("invoices",)


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("deal_id", sa.Uuid(), nullable=True),
        sa.Column("invoice_number", sa.Text(), nullable=False),
        sa.Column("amount", Exact(15, 2), nullable=False),
        sa.Column("tax", Exact(15, 2), server_default=sa.text("0"), nullable=True),
        sa.Column("total", Exact(15, 2), nullable=False),
        sa.Column("currency", sa.Text(), server_default=sa.text("'USD'"), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'draft'"), nullable=True),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("paid_at", Instant(), nullable=True),
        sa.Column("items", Document, server_default=sa.text("'[]'"), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'sent', 'paid', 'overdue', 'cancelled', 'refunded')",
            name=op.f("invoices_status_check"),
        ),
        sa.CheckConstraint(
            "ROUND(total * 100) = ROUND(amount * 100) + ROUND(tax * 100)",
            name=op.f("invoices_total_consistent"),
        ),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deals.id"], name=op.f("fk_invoices_deal_id_deals"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_invoices_user_id_profiles"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("invoice_number", name="invoices_invoice_number_key"),
    )
    op.create_index("idx_invoices_created", "invoices", [sa.literal_column("created_at DESC")], unique=False)
    op.create_index("idx_invoices_deal_id", "invoices", ["deal_id"], unique=False)
    op.create_index("idx_invoices_due_date", "invoices", ["due_date"], unique=False)
    op.create_index("idx_invoices_status", "invoices", ["status"], unique=False)
    op.create_index("idx_invoices_user_id", "invoices", ["user_id"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("deal_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("amount", Exact(15, 2), nullable=False),
        sa.Column("currency", sa.Text(), server_default=sa.text("'USD'"), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=True),
        sa.Column("payment_method", sa.Text(), nullable=True),
        sa.Column("payment_provider", sa.Text(), nullable=True),
        sa.Column("external_transaction_id", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("processed_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'completed', 'failed', 'cancelled', 'refunded')",
            name=op.f("transactions_status_check"),
        ),
        sa.CheckConstraint(
            "type IN ('payment', 'refund', 'chargeback', 'fee', 'commission', 'bonus')",
            name=op.f("transactions_type_check"),
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("transactions_amount_check")),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deals.id"], name=op.f("fk_transactions_deal_id_deals"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_transactions_user_id_profiles"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
    )
    op.create_index(
        "idx_transactions_amount", "transactions", [sa.literal_column("amount DESC")], unique=False
    )
    op.create_index(
        "idx_transactions_created", "transactions", [sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index("idx_transactions_deal_id", "transactions", ["deal_id"], unique=False)
    op.create_index("idx_transactions_external", "transactions", ["external_transaction_id"], unique=False)
    op.create_index("idx_transactions_status", "transactions", ["status"], unique=False)
    op.create_index("idx_transactions_type", "transactions", ["type"], unique=False)
    op.create_index("idx_transactions_user_id", "transactions", ["user_id"], unique=False)
    if on_postgresql():
        for table in TOUCHED:
            op.execute(
                f"CREATE TRIGGER update_{table}_updated_at BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
            )


def downgrade() -> None:
    op.drop_table("transactions")
    op.drop_table("invoices")
