"""Tickets and their messages.

Rolling back drops support_tickets, ticket_messages with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Exact, Instant, new_id, now

revision = "20261122_support"
down_revision = "20261122_crm"
branch_labels = None
depends_on = None

TOUCHED = ("support_tickets",)


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    op.create_table(
        "support_tickets",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'open'"), nullable=True),
        sa.Column("priority", sa.Text(), server_default=sa.text("'normal'"), nullable=True),
        sa.Column("sentiment_score", Exact(5, 2), nullable=True),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "priority IN ('low', 'normal', 'high', 'critical')", name=op.f("support_tickets_priority_check")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'in_progress', 'resolved', 'closed')",
            name=op.f("support_tickets_status_check"),
        ),
        sa.CheckConstraint(
            "resolved_at IS NULL OR resolved_at >= created_at",
            name=op.f("support_tickets_resolved_after_created"),
        ),
        sa.ForeignKeyConstraint(
            ["assigned_to"],
            ["profiles.id"],
            name=op.f("fk_support_tickets_assigned_to_profiles"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_support_tickets_user_id_profiles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_tickets")),
    )
    op.create_index("idx_support_tickets_assigned", "support_tickets", ["assigned_to"], unique=False)
    op.create_index(
        "idx_support_tickets_created", "support_tickets", [sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index("idx_support_tickets_priority", "support_tickets", ["priority"], unique=False)
    op.create_index("idx_support_tickets_status", "support_tickets", ["status"], unique=False)
    op.create_index("idx_support_tickets_user_id", "support_tickets", ["user_id"], unique=False)
    op.create_table(
        "ticket_messages",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("is_internal", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("attachments", Document, nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["support_tickets.id"],
            name=op.f("fk_ticket_messages_ticket_id_support_tickets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["profiles.id"],
            name=op.f("fk_ticket_messages_user_id_profiles"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_messages")),
    )
    op.create_index(
        "idx_ticket_messages_created", "ticket_messages", [sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index(
        "idx_ticket_messages_internal",
        "ticket_messages",
        ["is_internal"],
        unique=False,
        postgresql_where=sa.text("is_internal = true"),
        sqlite_where=sa.text("is_internal = true"),
    )
    op.create_index("idx_ticket_messages_ticket_id", "ticket_messages", ["ticket_id"], unique=False)
    op.create_index("idx_ticket_messages_user_id", "ticket_messages", ["user_id"], unique=False)
    if on_postgresql():
        for table in TOUCHED:
            op.execute(
                f"CREATE TRIGGER update_{table}_updated_at BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
            )


def downgrade() -> None:
    op.drop_table("ticket_messages")
    op.drop_table("support_tickets")
