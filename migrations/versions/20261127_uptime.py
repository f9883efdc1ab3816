"""What is watched and what people declare about it: heartbeats as stretches, checks, and the states that follow.

Rolling back drops heard_stretches, checks, check_results, uptime_subjects, state_stretches, exempt_times,
corrections and watched_hours: when something was up is then known of the application itself alone.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Exact, Instant, new_id, now

revision = "20261127_uptime"
down_revision = "20261127_objectives"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watched_hours",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("hour", Instant(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("seconds", Exact(24, 6), nullable=False),
        sa.Column("is_up", sa.Boolean(), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_hours")),
    )
    op.create_index("idx_watched_hours_hour", "watched_hours", ["hour"], unique=False)
    op.create_index(
        "idx_watched_hours_since", "watched_hours", [sa.literal_column("since DESC")], unique=False
    )
    op.create_table(
        "checks",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default=sa.text("'http'"), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("interval_seconds", sa.Integer(), server_default=sa.text("60"), nullable=False),
        sa.Column("timeout_seconds", sa.Integer(), server_default=sa.text("10"), nullable=False),
        sa.Column("expected_status", sa.Integer(), server_default=sa.text("200"), nullable=False),
        sa.Column("confirmations", sa.Integer(), server_default=sa.text("2"), nullable=False),
        sa.Column("paused_at", Instant(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint("(kind = 'http') = (url IS NOT NULL)", name=op.f("ck_checks_url")),
        sa.CheckConstraint("kind IN ('http', 'imported')", name=op.f("ck_checks_kind")),
        sa.CheckConstraint("confirmations BETWEEN 1 AND 10", name=op.f("ck_checks_confirmations")),
        sa.CheckConstraint("expected_status BETWEEN 100 AND 599", name=op.f("ck_checks_status")),
        sa.CheckConstraint("interval_seconds BETWEEN 30 AND 86400", name=op.f("ck_checks_interval")),
        sa.CheckConstraint("timeout_seconds BETWEEN 1 AND 30", name=op.f("ck_checks_timeout")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checks")),
        sa.UniqueConstraint("name", name=op.f("uq_checks_name")),
    )
    op.create_table(
        "check_results",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("is_up", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Float(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.id"], name=op.f("fk_check_results_check_id_checks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_results")),
    )
    op.create_index(
        "idx_check_results_check_at",
        "check_results",
        ["check_id", sa.literal_column("at DESC")],
        unique=False,
    )
    op.create_table(
        "exempt_times",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Uuid(), nullable=True),
        sa.Column("declared_at", Instant(), nullable=False),
        sa.Column("edited_at", Instant(), nullable=True),
        sa.Column("edit_why", sa.Text(), nullable=True),
        sa.Column("cancelled_at", Instant(), nullable=True),
        sa.Column("unsettled_from", Instant(), nullable=True),
        sa.CheckConstraint(
            "kind <> 'maintenance' OR starts_at >= declared_at OR edited_at IS NOT NULL",
            name=op.f("ck_exempt_times_ahead"),
        ),
        sa.CheckConstraint("kind IN ('maintenance', 'pause')", name=op.f("ck_exempt_times_kind")),
        sa.CheckConstraint("(edited_at IS NULL) = (edit_why IS NULL)", name=op.f("ck_exempt_times_reason")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_exempt_times_order")),
        sa.ForeignKeyConstraint(
            ["declared_by"],
            ["profiles.id"],
            name=op.f("fk_exempt_times_declared_by_profiles"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exempt_times")),
    )
    op.create_index("idx_exempt_times_ends", "exempt_times", ["ends_at"], unique=False)
    op.create_table(
        "heard_stretches",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("limit_seconds", sa.Integer(), nullable=False),
        sa.Column("beats", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("last_at >= first_at", name=op.f("ck_heard_stretches_order")),
        sa.CheckConstraint("limit_seconds > 0", name=op.f("ck_heard_stretches_limit")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_heard_stretches_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heard_stretches")),
    )
    op.create_index(
        "idx_heard_stretches_agent",
        "heard_stretches",
        ["agent_id", sa.literal_column("first_at DESC")],
        unique=False,
    )
    op.create_table(
        "uptime_subjects",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("check_id", sa.Uuid(), nullable=True),
        sa.Column("observed_since", Instant(), nullable=False),
        sa.Column("settled_until", Instant(), nullable=False),
        sa.CheckConstraint("(kind = 'check') = (agent_id IS NULL)", name=op.f("ck_uptime_subjects_agent")),
        sa.CheckConstraint(
            "(kind = 'check') = (check_id IS NOT NULL)", name=op.f("ck_uptime_subjects_check")
        ),
        sa.CheckConstraint("kind IN ('agent', 'part', 'check')", name=op.f("ck_uptime_subjects_kind")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_uptime_subjects_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.id"], name=op.f("fk_uptime_subjects_check_id_checks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uptime_subjects")),
        sa.UniqueConstraint("agent_id", name=op.f("uq_uptime_subjects_agent_id")),
        sa.UniqueConstraint("check_id", name=op.f("uq_uptime_subjects_check_id")),
    )
    op.create_table(
        "corrections",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("applied_at", Instant(), nullable=True),
        sa.CheckConstraint("state IN ('up', 'down', 'unknown')", name=op.f("ck_corrections_state")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_corrections_order")),
        sa.ForeignKeyConstraint(
            ["made_by"], ["profiles.id"], name=op.f("fk_corrections_made_by_profiles"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["uptime_subjects.id"],
            name=op.f("fk_corrections_subject_id_uptime_subjects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index(
        "idx_corrections_subject",
        "corrections",
        ["subject_id", sa.literal_column("starts_at DESC")],
        unique=False,
    )
    op.create_table(
        "state_stretches",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("facts", Document, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("settled_at", Instant(), nullable=False),
        sa.Column("superseded_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "state IN ('up', 'down', 'unknown', 'maintenance', 'paused')",
            name=op.f("ck_state_stretches_state"),
        ),
        sa.CheckConstraint("until IS NULL OR until > since", name=op.f("ck_state_stretches_order")),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["uptime_subjects.id"],
            name=op.f("fk_state_stretches_subject_id_uptime_subjects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_stretches")),
    )
    op.create_index(
        "idx_state_stretches_subject",
        "state_stretches",
        ["subject_id", sa.literal_column("since DESC")],
        unique=False,
    )
    op.create_index(
        "idx_state_stretches_until",
        "state_stretches",
        ["until"],
        unique=False,
        postgresql_where=sa.text("superseded_at IS NULL"),
        sqlite_where=sa.text("superseded_at IS NULL"),
    )


def downgrade() -> None:
    for table in (
        "watched_hours",
        "state_stretches",
        "corrections",
        "uptime_subjects",
        "heard_stretches",
        "exempt_times",
        "check_results",
        "checks",
    ):
        op.drop_table(table)
