"""Service levels that people aim at, from which error budget and burn follow.

Rolling back drops objectives; set them again on the page Performance.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Exact, Instant, now

revision = "20261127_objectives"
down_revision = "20261127_provider_usage"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "objectives",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("target", Exact(6, 3), nullable=False),
        sa.Column("least_events", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint("target > 0 AND target < 100", name=op.f("objectives_target_check")),
        sa.CheckConstraint("least_events >= 1", name=op.f("objectives_least_events_check")),
        sa.ForeignKeyConstraint(
            ["set_by"], ["profiles.id"], name=op.f("fk_objectives_set_by_profiles"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_objectives")),
    )
    op.create_index("idx_objectives_set_by", "objectives", ["set_by"], unique=False)


def downgrade() -> None:
    op.drop_table("objectives")
