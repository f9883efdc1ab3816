"""Sums by day of states and of results of checks, which stay when their rows are too old to be kept.

Rolling back drops state_days, check_days and uptime_kept: of days whose rows are gone, nothing is known then.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Instant

revision = "20261127_uptime_kept"
down_revision = "20261127_more_rollups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "state_days",
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("seconds BETWEEN 1 AND 86400", name=op.f("ck_state_days_seconds")),
        sa.CheckConstraint(
            "state IN ('up', 'down', 'unknown', 'maintenance', 'paused')", name=op.f("ck_state_days_state")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["uptime_subjects.id"],
            name=op.f("fk_state_days_subject_id_uptime_subjects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subject_id", "since", "state", name=op.f("pk_state_days")),
    )
    op.create_index("idx_state_days_since", "state_days", ["since"], unique=False)
    op.create_table(
        "check_days",
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("histogram", Document, nullable=False),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.id"], name=op.f("fk_check_days_check_id_checks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("check_id", "since", name=op.f("pk_check_days")),
    )
    op.create_table(
        "uptime_kept",
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("family", name=op.f("pk_uptime_kept")),
    )


def downgrade() -> None:
    for table in ("uptime_kept", "check_days", "state_days"):
        op.drop_table(table)
