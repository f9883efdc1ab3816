"""What providers of models report was used, by day and model.

Rolling back drops provider_usage; import the reports again to hold them against our own numbers.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Exact, Instant, Key, now

revision = "20261127_provider_usage"
down_revision = "20261127_agent_measures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_usage",
        sa.Column("id", Key, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("cost", Exact(15, 6), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint("input_tokens >= 0", name=op.f("provider_usage_input_tokens_check")),
        sa.CheckConstraint("output_tokens >= 0", name=op.f("provider_usage_output_tokens_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_usage")),
    )
    op.create_index("idx_provider_usage_day", "provider_usage", ["day", "model"])


def downgrade() -> None:
    op.drop_table("provider_usage")
