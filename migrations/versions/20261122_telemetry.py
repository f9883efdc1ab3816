"""Spans as agents report them and the calls they prove.

Rolling back drops spans, calls with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Instant, now

revision = "20261122_telemetry"
down_revision = "20261122_ai"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("span_id", sa.Text(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("caller_id", sa.Text(), nullable=False),
        sa.Column("callee_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("callee_span_id", sa.Text(), nullable=True),
        sa.Column("latency_ns", sa.BigInteger(), nullable=True),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "evidence IN ('parent', 'handoff', 'tool', 'message')", name=op.f("calls_evidence_check")
        ),
        sa.CheckConstraint("kind IN ('data', 'command', 'sync')", name=op.f("calls_kind_check")),
        sa.CheckConstraint("caller_id <> callee_id", name=op.f("calls_two_agents_check")),
        sa.ForeignKeyConstraint(
            ["callee_id"], ["agents.id"], name=op.f("fk_calls_callee_id_agents"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["caller_id"], ["agents.id"], name=op.f("fk_calls_caller_id_agents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("trace_id", "span_id", "start_ns", name=op.f("pk_calls")),
    )
    op.create_index(
        "idx_calls_callee", "calls", ["callee_id", sa.literal_column("start_ns DESC")], unique=False
    )
    op.create_index(
        "idx_calls_pair",
        "calls",
        ["caller_id", "callee_id", sa.literal_column("start_ns DESC")],
        unique=False,
    )
    op.create_index("idx_calls_start", "calls", [sa.literal_column("start_ns DESC")], unique=False)
    op.create_table(
        "spans",
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("span_id", sa.Text(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("duration_ns", sa.BigInteger(), nullable=False),
        sa.Column("parent_span_id", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("attribution", sa.Text(), nullable=True),
        sa.Column("named_agent", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("status", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("status_message", sa.Text(), nullable=True),
        sa.Column("error_type", sa.Text(), nullable=True),
        sa.Column("is_task", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("counterpart", sa.Text(), nullable=True),
        sa.Column("attributes", Document, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("resource", Document, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("links", Document, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("events", Document, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint(
            "attribution IN ('own', 'ancestor', 'service')", name=op.f("spans_attribution_check")
        ),
        sa.CheckConstraint(
            "category IN ('agent', 'model', 'tool', 'retrieval', 'message', 'handoff')",
            name=op.f("spans_category_check"),
        ),
        sa.CheckConstraint("duration_ns >= 0", name=op.f("spans_duration_check")),
        sa.CheckConstraint("kind >= 0 AND kind <= 5", name=op.f("spans_kind_check")),
        sa.CheckConstraint("status IN (0, 1, 2)", name=op.f("spans_status_check")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_spans_agent_id_agents"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("trace_id", "span_id", "start_ns", name=op.f("pk_spans")),
    )
    op.create_index(
        "idx_spans_agent_start", "spans", ["agent_id", sa.literal_column("start_ns DESC")], unique=False
    )
    op.create_index(
        "idx_spans_counterpart",
        "spans",
        ["trace_id"],
        unique=False,
        postgresql_where=sa.text("counterpart IS NOT NULL"),
        sqlite_where=sa.text("counterpart IS NOT NULL"),
    )
    op.create_index(
        "idx_spans_errors",
        "spans",
        ["agent_id", sa.literal_column("start_ns DESC")],
        unique=False,
        postgresql_where=sa.text("status = 2"),
        sqlite_where=sa.text("status = 2"),
    )
    op.create_index("idx_spans_parent", "spans", ["trace_id", "parent_span_id"], unique=False)
    op.create_index(
        "idx_spans_reported",
        "spans",
        ["service", "start_ns"],
        unique=False,
        postgresql_where=sa.text("status <> 0"),
        sqlite_where=sa.text("status <> 0"),
    )
    op.create_index("idx_spans_start", "spans", [sa.literal_column("start_ns DESC")], unique=False)
    op.create_index(
        "idx_spans_tasks",
        "spans",
        ["agent_id", sa.literal_column("start_ns DESC")],
        unique=False,
        postgresql_where=sa.text("is_task"),
        sqlite_where=sa.text("is_task"),
    )


def downgrade() -> None:
    op.drop_table("spans")
    op.drop_table("calls")
