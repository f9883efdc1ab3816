"""Keys are found by their prefix, and the console makes and ends them. Agents keep how far their clock is off.

All rules stand in 20261127_machine_doors.sql as `db.row_security` wrote them (`make freeze`).

Rolling back drops the index idx_api_keys_prefix and what agents keep of their clocks, and returns the rules of
20261127_access; no rows.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from db.base import Instant
from migrations.frozen_rules import replace_rules

revision = "20261127_machine_doors"
down_revision = "20261127_access"
branch_labels = None
depends_on = None

FROZEN = Path(__file__).with_suffix(".sql")
FORMER = FROZEN.with_name("20261127_access.sql")


def upgrade() -> None:
    op.create_index("idx_api_keys_prefix", "api_keys", ["key_prefix"])
    op.add_column("agents", sa.Column("clock_drift_ms", sa.BigInteger(), nullable=True))
    op.add_column("agents", sa.Column("clock_drift_at", Instant(), nullable=True))
    replace_rules(FORMER, FROZEN)


def downgrade() -> None:
    replace_rules(FROZEN, FORMER)
    op.drop_column("agents", "clock_drift_at")
    op.drop_column("agents", "clock_drift_ms")
    op.drop_index("idx_api_keys_prefix", "api_keys")
