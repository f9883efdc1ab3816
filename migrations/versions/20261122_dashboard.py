"""Measurements and the nodes of the network view.

Rolling back drops system_metrics, network_nodes with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Exact, Instant, new_id, now

revision = "20261122_dashboard"
down_revision = "20261122_core"
branch_labels = None
depends_on = None

TOUCHED = ("network_nodes",)


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    op.create_table(
        "system_metrics",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("metric_type", sa.Text(), nullable=False),
        sa.Column("metric_value", Exact(24, 6), nullable=True),
        sa.Column("metric_unit", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), server_default=sa.text("'general'"), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("recorded_at", Instant(), server_default=now(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.CheckConstraint(
            "category IN ('general', 'performance', 'security', 'business', 'agent', 'network')",
            name=op.f("system_metrics_category_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_system_metrics")),
    )
    op.create_index("idx_system_metrics_category", "system_metrics", ["category"], unique=False)
    op.create_index(
        "idx_system_metrics_recorded_at",
        "system_metrics",
        [sa.literal_column("recorded_at DESC")],
        unique=False,
    )
    op.create_index(
        "idx_system_metrics_type_recorded",
        "system_metrics",
        ["metric_type", sa.literal_column("recorded_at DESC")],
        unique=False,
    )
    op.create_table(
        "network_nodes",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("node_type", sa.Text(), nullable=False),
        sa.Column("node_name", sa.Text(), nullable=False),
        sa.Column("position_x", Exact(18, 6), server_default=sa.text("0"), nullable=True),
        sa.Column("position_y", Exact(18, 6), server_default=sa.text("0"), nullable=True),
        sa.Column("position_z", Exact(18, 6), server_default=sa.text("0"), nullable=True),
        sa.Column("size", Exact(18, 6), server_default=sa.text("1.0"), nullable=True),
        sa.Column("color", sa.Text(), server_default=sa.text("'#00FFD0'"), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("connections_count", sa.Integer(), server_default=sa.text("0"), nullable=True),
        sa.Column("metadata", Document, server_default=sa.text("'{}'"), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=True),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "node_type IN ('agent', 'system', 'hub', 'relay', 'sensor')",
            name=op.f("network_nodes_node_type_check"),
        ),
        sa.CheckConstraint(
            "status IN ('active', 'inactive', 'degraded', 'maintenance')",
            name=op.f("network_nodes_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_network_nodes_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_nodes")),
        sa.UniqueConstraint("agent_id", name="network_nodes_agent_id_key"),
    )
    op.create_index("idx_network_nodes_name", "network_nodes", ["node_name"], unique=False)
    op.create_index(
        "idx_network_nodes_position",
        "network_nodes",
        ["position_x", "position_y", "position_z"],
        unique=False,
    )
    op.create_index(
        "idx_network_nodes_status",
        "network_nodes",
        ["status"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
        sqlite_where=sa.text("status = 'active'"),
    )
    op.create_index("idx_network_nodes_type", "network_nodes", ["node_type"], unique=False)
    if on_postgresql():
        for table in TOUCHED:
            op.execute(
                f"CREATE TRIGGER update_{table}_updated_at BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
            )


def downgrade() -> None:
    op.drop_table("network_nodes")
    op.drop_table("system_metrics")
