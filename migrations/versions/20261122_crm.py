"""Deals and what happened on them.

Rolling back drops deals, deal_activities with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Exact, Instant, new_id, now

revision = "20261122_crm"
down_revision = "20261122_dashboard"
branch_labels = None
depends_on = None

TOUCHED = ("deals",)


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    op.create_table(
        "deals",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("value", Exact(15, 2), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'lead'"), nullable=True),
        sa.Column("probability", sa.Integer(), server_default=sa.text("50"), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("close_date", sa.Date(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "status IN ('lead', 'negotiation', 'closed', 'lost')", name=op.f("deals_status_check")
        ),
        sa.CheckConstraint("probability >= 0 AND probability <= 100", name=op.f("deals_probability_check")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_deals_user_id_profiles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deals")),
    )
    op.create_index("idx_deals_close_date", "deals", [sa.literal_column("close_date DESC")], unique=False)
    op.create_index("idx_deals_created", "deals", [sa.literal_column("created_at DESC")], unique=False)
    op.create_index("idx_deals_status", "deals", ["status"], unique=False)
    op.create_index("idx_deals_user_id", "deals", ["user_id"], unique=False)
    op.create_index("idx_deals_value", "deals", [sa.literal_column("value DESC")], unique=False)
    op.create_table(
        "deal_activities",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("activity_type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "activity_type IN ('note', 'email', 'call', 'meeting', 'status_change', 'value_update')",
            name=op.f("deal_activities_activity_type_check"),
        ),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deals.id"], name=op.f("fk_deal_activities_deal_id_deals"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["profiles.id"],
            name=op.f("fk_deal_activities_user_id_profiles"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_activities")),
    )
    op.create_index(
        "idx_deal_activities_created", "deal_activities", [sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index("idx_deal_activities_deal_id", "deal_activities", ["deal_id"], unique=False)
    op.create_index("idx_deal_activities_type", "deal_activities", ["activity_type"], unique=False)
    op.create_index("idx_deal_activities_user_id", "deal_activities", ["user_id"], unique=False)
    if on_postgresql():
        for table in TOUCHED:
            op.execute(
                f"CREATE TRIGGER update_{table}_updated_at BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
            )


def downgrade() -> None:
    op.drop_table("deal_activities")
    op.drop_table("deals")
