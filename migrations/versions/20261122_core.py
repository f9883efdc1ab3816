"""People, sign-ins, the agent catalogue, its log and its connections.

Rolling back drops profiles, user_sessions, agents, agent_logs, agent_connections with everything in them
and the function update_updated_at_column.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Address, Document, Exact, Instant, new_id, now

revision = "20261122_core"
down_revision = "20261122_accounts"
branch_labels = None
depends_on = None

TOUCH_FUNCTION = """
CREATE OR REPLACE FUNCTION update_updated_at_column() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$
"""
TOUCHED = ("profiles", "user_sessions", "agents", "agent_connections")


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    op.create_table(
        "profiles",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("auth_user_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("full_name", sa.Text(), nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), server_default=sa.text("'user'"), nullable=False),
        sa.Column("bio", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("preferences", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "role IN ('user', 'admin', 'architect', 'observer', 'strategist')",
            name=op.f("profiles_role_check"),
        ),
        sa.ForeignKeyConstraint(
            ["auth_user_id"],
            ["auth_account.id"],
            name=op.f("fk_profiles_auth_user_id_auth_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profiles")),
        sa.UniqueConstraint("auth_user_id", name="profiles_auth_user_id_key"),
    )
    op.create_index("idx_profiles_role", "profiles", ["role"], unique=False)
    op.create_table(
        "agents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("squad", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("efficiency", Exact(5, 2), nullable=True),
        sa.Column("current_task", sa.Text(), nullable=True),
        sa.Column("last_active", Instant(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("neural_load", Exact(5, 2), nullable=True),
        sa.Column("uptime_seconds", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=False),
        sa.Column("heartbeat_seconds", sa.Integer(), nullable=True),
        sa.Column("paused_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "origin IN ('catalogue', 'person', 'telemetry', 'network', 'system')",
            name=op.f("agents_origin_check"),
        ),
        sa.CheckConstraint(
            "role IN ('CORE', 'GUARD', 'ANALYST', 'SPECIALIST')", name=op.f("agents_role_check")
        ),
        sa.CheckConstraint(
            "squad IN ('CORE', 'GUARD', 'ANALYST', 'SPECIALIST', 'CHAOS')", name=op.f("agents_squad_check")
        ),
        sa.CheckConstraint(
            "status IN ('IDLE', 'ACTIVE', 'PROCESSING', 'LEARNING', 'WARNING', 'ERROR', 'MAINTENANCE')",
            name=op.f("agents_status_check"),
        ),
        sa.CheckConstraint("efficiency >= 0 AND efficiency <= 100", name=op.f("agents_efficiency_check")),
        sa.CheckConstraint("heartbeat_seconds > 0", name=op.f("agents_heartbeat_seconds_check")),
        sa.CheckConstraint("neural_load >= 0 AND neural_load <= 100", name=op.f("agents_neural_load_check")),
        sa.CheckConstraint("uptime_seconds >= 0", name=op.f("agents_uptime_seconds_check")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_agents_user_id_profiles"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
    )
    op.create_index(
        "idx_agents_efficiency", "agents", [sa.literal_column("efficiency DESC NULLS LAST")], unique=False
    )
    op.create_index(
        "idx_agents_last_active", "agents", [sa.literal_column("last_active DESC NULLS LAST")], unique=False
    )
    op.create_index("idx_agents_role", "agents", ["role"], unique=False)
    op.create_index("idx_agents_squad", "agents", ["squad"], unique=False)
    op.create_index("idx_agents_status", "agents", ["status"], unique=False)
    op.create_index("idx_agents_user_id", "agents", ["user_id"], unique=False)
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("device_info", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("ip_address", Address, nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("last_activity", Instant(), server_default=now(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_user_sessions_user_id_profiles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
    )
    op.create_index("idx_user_sessions_active", "user_sessions", ["is_active", "last_activity"], unique=False)
    op.create_index("idx_user_sessions_user_id", "user_sessions", ["user_id"], unique=False)
    op.create_table(
        "agent_connections",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("agent_a_id", sa.Text(), nullable=False),
        sa.Column("agent_b_id", sa.Text(), nullable=False),
        sa.Column("connection_type", sa.Text(), server_default=sa.text("'neural'"), nullable=False),
        sa.Column("strength", Exact(9, 6), nullable=True),
        sa.Column("latency_ms", Exact(12, 3), nullable=True),
        sa.Column("bandwidth_mbps", Exact(12, 3), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint(
            "connection_type IN ('neural', 'data', 'command', 'sync')", name=op.f("valid_connection_type")
        ),
        sa.CheckConstraint(
            "status IN ('active', 'inactive', 'degraded', 'failed')", name=op.f("valid_status")
        ),
        sa.CheckConstraint("agent_a_id <> agent_b_id", name=op.f("no_self_connection")),
        sa.CheckConstraint("bandwidth_mbps >= 0", name=op.f("agent_connections_bandwidth_mbps_check")),
        sa.CheckConstraint("latency_ms >= 0", name=op.f("agent_connections_latency_ms_check")),
        sa.CheckConstraint("strength >= 0 AND strength <= 1", name=op.f("agent_connections_strength_check")),
        sa.ForeignKeyConstraint(
            ["agent_a_id"],
            ["agents.id"],
            name=op.f("fk_agent_connections_agent_a_id_agents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["agent_b_id"],
            ["agents.id"],
            name=op.f("fk_agent_connections_agent_b_id_agents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_connections")),
        sa.UniqueConstraint("agent_a_id", "agent_b_id", "connection_type", name="unique_connection"),
    )
    op.create_index("idx_agent_connections_agent_b", "agent_connections", ["agent_b_id"], unique=False)
    op.create_index(
        "idx_agent_connections_status",
        "agent_connections",
        ["status"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
        sqlite_where=sa.text("status = 'active'"),
    )
    op.create_index("idx_agent_connections_type", "agent_connections", ["connection_type"], unique=False)
    op.create_table(
        "agent_logs",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("log_level", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "log_level IN ('info', 'warning', 'error', 'critical', 'debug')",
            name=op.f("agent_logs_log_level_check"),
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_agent_logs_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_logs")),
    )
    op.create_index("idx_agent_logs_agent_id", "agent_logs", ["agent_id"], unique=False)
    op.create_index(
        "idx_agent_logs_created_at", "agent_logs", [sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index("idx_agent_logs_level", "agent_logs", ["log_level"], unique=False)
    op.create_index("profiles_username_key", "profiles", [sa.text("lower(username)")], unique=True)
    if on_postgresql():
        op.execute(TOUCH_FUNCTION)
    if on_postgresql():
        for table in TOUCHED:
            op.execute(
                f"CREATE TRIGGER update_{table}_updated_at BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
            )


def downgrade() -> None:
    op.drop_table("agent_logs")
    op.drop_table("agent_connections")
    op.drop_table("user_sessions")
    op.drop_table("agents")
    op.drop_table("profiles")
    if on_postgresql():
        op.execute("DROP FUNCTION update_updated_at_column()")
