"""Keys are found by their prefix and counted by endpoint, requests have a size, and agents a clock.

All rules stand in 20261127_machine_doors.sql as `db.row_security` wrote them (`make freeze`).

The index on limits is unique: two rows of one key and endpoint would each let the whole limit through. None could be
made before this revision but at the console from files, and those name no key.

Rolling back drops both indexes, the two sizes of each logged request and how far the clocks of agents were off, and
returns the former rules.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from db.base import Instant
from migrations.frozen_rules import replace_rules

revision = "20261127_machine_doors"
down_revision = "20261127_compact_spans"
branch_labels = None
depends_on = None

FROZEN = Path(__file__).with_suffix(".sql")
FORMER = FROZEN.with_name("20261127_access.sql")
LIMIT = "idx_rate_limits_api_key_endpoint"
SIZES = ("request_bytes", "response_bytes")


def upgrade() -> None:
    op.create_index("idx_api_keys_prefix", "api_keys", ["key_prefix"])
    op.add_column("agents", sa.Column("clock_drift_ms", sa.BigInteger(), nullable=True))
    op.add_column("agents", sa.Column("clock_drift_at", Instant(), nullable=True))
    op.create_index(LIMIT, "rate_limits", ["api_key_id", "endpoint"], unique=True)
    for name in SIZES:
        op.add_column("api_logs", sa.Column(name, sa.BigInteger(), nullable=True))
    replace_rules(FORMER, FROZEN)


def downgrade() -> None:
    replace_rules(FROZEN, FORMER)
    op.drop_column("agents", "clock_drift_at")
    op.drop_column("agents", "clock_drift_ms")
    for name in reversed(SIZES):
        op.drop_column("api_logs", name)
    op.drop_index(LIMIT, "rate_limits")
    op.drop_index("idx_api_keys_prefix", "api_keys")
