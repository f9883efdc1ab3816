"""Which catalogue agents were ever seeded, so that a deleted one is not brought back.

Rolling back drops catalogue_seeds; seeding afterwards would bring deleted catalogue agents back.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Instant, now

revision = "20261122_catalogue_seeds"
down_revision = "20261122_sign_up"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalogue_seeds",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("seeded_at", Instant(), server_default=now(), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_catalogue_seeds")),
    )


def downgrade() -> None:
    op.drop_table("catalogue_seeds")
