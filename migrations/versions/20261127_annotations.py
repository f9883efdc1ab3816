"""Marks on the time line: what is said to have happened, and when.

Rolling back drops annotations; import the files of marks again to see them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Instant, Key, now

revision = "20261127_annotations"
down_revision = "20261127_uptime_kept"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "annotations",
        sa.Column("id", Key, nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("metric_type", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_annotations_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotations")),
    )
    op.create_index("idx_annotations_starts", "annotations", ["starts_at"])


def downgrade() -> None:
    op.drop_table("annotations")
