"""API keys, the log of their calls and their limits.

Rolling back drops api_keys, api_logs, rate_limits with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Address, Document, Instant, new_id, now

revision = "20261122_api"
down_revision = "20261122_gamification"
branch_labels = None
depends_on = None

TOUCHED = ("api_keys", "rate_limits")


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("key_prefix", sa.Text(), nullable=False),
        sa.Column("permissions", Document, server_default=sa.text("'[]'"), nullable=True),
        sa.Column("rate_limit", sa.Integer(), server_default=sa.text("1000"), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=True),
        sa.Column("last_used_at", Instant(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint("rate_limit > 0", name=op.f("api_keys_rate_limit_positive")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_api_keys_user_id_profiles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name="api_keys_key_hash_key"),
    )
    op.create_index(
        "idx_api_keys_active",
        "api_keys",
        ["is_active"],
        unique=False,
        postgresql_where=sa.text("is_active = true"),
        sqlite_where=sa.text("is_active = true"),
    )
    op.create_index("idx_api_keys_expires", "api_keys", ["expires_at"], unique=False)
    op.create_index("idx_api_keys_user_id", "api_keys", ["user_id"], unique=False)
    op.create_table(
        "api_logs",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("request_body", Document, nullable=True),
        sa.Column("response_body", Document, nullable=True),
        sa.Column("response_time_ms", sa.Integer(), nullable=True),
        sa.Column("ip_address", Address, nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "method IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD')",
            name=op.f("api_logs_method_check"),
        ),
        sa.CheckConstraint("status_code >= 100 AND status_code < 600", name=op.f("api_logs_status_valid")),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_keys.id"], name=op.f("fk_api_logs_api_key_id_api_keys"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_api_logs_user_id_profiles"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_logs")),
    )
    op.create_index("idx_api_logs_api_key", "api_logs", ["api_key_id"], unique=False)
    op.create_index("idx_api_logs_created", "api_logs", [sa.literal_column("created_at DESC")], unique=False)
    op.create_index("idx_api_logs_endpoint", "api_logs", ["endpoint"], unique=False)
    op.create_index("idx_api_logs_method", "api_logs", ["method"], unique=False)
    op.create_index("idx_api_logs_response_time", "api_logs", ["response_time_ms"], unique=False)
    op.create_index("idx_api_logs_status", "api_logs", ["status_code"], unique=False)
    op.create_index("idx_api_logs_user_id", "api_logs", ["user_id"], unique=False)
    op.create_table(
        "rate_limits",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("limit_per_hour", sa.Integer(), server_default=sa.text("1000"), nullable=False),
        sa.Column("limit_per_day", sa.Integer(), server_default=sa.text("10000"), nullable=False),
        sa.Column("current_hour_count", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("current_day_count", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("window_start", Instant(), server_default=now(), nullable=True),
        sa.Column("last_reset_at", Instant(), server_default=now(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint("current_day_count >= 0", name=op.f("rate_limits_current_day_positive")),
        sa.CheckConstraint("current_hour_count >= 0", name=op.f("rate_limits_current_hour_positive")),
        sa.CheckConstraint("limit_per_day > 0", name=op.f("rate_limits_day_positive")),
        sa.CheckConstraint("limit_per_hour > 0", name=op.f("rate_limits_hour_positive")),
        sa.ForeignKeyConstraint(
            ["api_key_id"],
            ["api_keys.id"],
            name=op.f("fk_rate_limits_api_key_id_api_keys"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_rate_limits_user_id_profiles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_limits")),
    )
    op.create_index("idx_rate_limits_api_key", "rate_limits", ["api_key_id"], unique=False)
    op.create_index("idx_rate_limits_endpoint", "rate_limits", ["endpoint"], unique=False)
    op.create_index("idx_rate_limits_user_id", "rate_limits", ["user_id"], unique=False)
    op.create_index("idx_rate_limits_window", "rate_limits", ["window_start"], unique=False)
    if on_postgresql():
        for table in TOUCHED:
            op.execute(
                f"CREATE TRIGGER update_{table}_updated_at BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
            )


def downgrade() -> None:
    op.drop_table("rate_limits")
    op.drop_table("api_logs")
    op.drop_table("api_keys")
