"""How often signing in failed in a row, by account and by address.

Rolling back drops sign_in_limits; whoever is being delayed may then try again at once.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Instant

revision = "20261122_sign_in_limits"
down_revision = "20261122_catalogue_seeds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_limits",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("free_at", Instant(), nullable=False),
        sa.CheckConstraint("failures >= 0", name=op.f("sign_in_limits_failures_check")),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_limits")),
    )
    op.create_index("idx_sign_in_limits_free_at", "sign_in_limits", ["free_at"], unique=False)


def downgrade() -> None:
    op.drop_table("sign_in_limits")
