"""When the measures that stand in agents were taken.

Rolling back drops the instant; the measures stay, and nobody knows any more how old they are.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Instant

revision = "20261127_agent_measures"
down_revision = "20261127_rollups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agents", sa.Column("measured_at", Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("agents", "measured_at")
