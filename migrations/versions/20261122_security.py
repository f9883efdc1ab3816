"""Security events and the audit log.

Rolling back drops security_events, audit_log with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Address, Document, Instant, new_id, now

revision = "20261122_security"
down_revision = "20261122_api"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=True),
        sa.Column("old_data", Document, nullable=True),
        sa.Column("new_data", Document, nullable=True),
        sa.Column("ip_address", Address, nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("row_hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "action IN ('INSERT', 'UPDATE', 'DELETE', 'SELECT', 'LOGIN', 'LOGOUT', 'EXPORT', 'IMPORT')",
            name=op.f("audit_log_action_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("seq", name="audit_log_seq_key"),
    )
    op.create_index("idx_audit_log_action", "audit_log", ["action"], unique=False)
    op.create_index(
        "idx_audit_log_created", "audit_log", [sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index("idx_audit_log_record", "audit_log", ["record_id"], unique=False)
    op.create_index("idx_audit_log_table", "audit_log", ["table_name"], unique=False)
    op.create_index("idx_audit_log_user_id", "audit_log", ["user_id"], unique=False)
    op.create_table(
        "security_events",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), server_default=sa.text("'low'"), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("ip_address", Address, nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("resolved", sa.Boolean(), server_default=sa.text("false"), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "event_type IN ('login_failed', 'suspicious_activity', 'unauthorized_access', "
            "'data_breach', 'malware_detected', 'ddos_attempt', 'brute_force', 'sql_injection', "
            "'xss_attempt')",
            name=op.f("security_events_type_check"),
        ),
        sa.CheckConstraint(
            "severity IN ('low', 'medium', 'high', 'critical')", name=op.f("security_events_severity_check")
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by"],
            ["profiles.id"],
            name=op.f("fk_security_events_resolved_by_profiles"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["profiles.id"],
            name=op.f("fk_security_events_user_id_profiles"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_events")),
    )
    op.create_index(
        "idx_security_events_created", "security_events", [sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index("idx_security_events_ip", "security_events", ["ip_address"], unique=False)
    op.create_index("idx_security_events_resolved", "security_events", ["resolved"], unique=False)
    op.create_index("idx_security_events_resolved_by", "security_events", ["resolved_by"], unique=False)
    op.create_index("idx_security_events_severity", "security_events", ["severity"], unique=False)
    op.create_index("idx_security_events_type", "security_events", ["event_type"], unique=False)
    op.create_index("idx_security_events_user_id", "security_events", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_table("security_events")
    op.drop_table("audit_log")
