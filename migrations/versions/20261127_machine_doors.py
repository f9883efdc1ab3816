"""Keys are found by their prefix and counted by key and endpoint, and the log of requests says how large they were.

All rules stand in 20261127_machine_doors.sql as `db.row_security` wrote them (`make freeze`).

The index on rate_limits is unique: two rows of one key and endpoint would each let the whole limit through. None could
be made before this revision but at the console from files, and those name no key.

Rolling back drops both indexes and the two sizes of each logged request, and returns the former rules; no rows.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from migrations.frozen_rules import replace_rules

revision = "20261127_machine_doors"
down_revision = "20261127_access"
branch_labels = None
depends_on = None

FROZEN = Path(__file__).with_suffix(".sql")
FORMER = FROZEN.with_name("20261127_access.sql")
LIMIT = "idx_rate_limits_api_key_endpoint"
SIZES = ("request_bytes", "response_bytes")


def upgrade() -> None:
    op.create_index("idx_api_keys_prefix", "api_keys", ["key_prefix"])
    op.create_index(LIMIT, "rate_limits", ["api_key_id", "endpoint"], unique=True)
    for name in SIZES:
        op.add_column("api_logs", sa.Column(name, sa.BigInteger(), nullable=True))
    replace_rules(FORMER, FROZEN)


def downgrade() -> None:
    replace_rules(FROZEN, FORMER)
    for name in reversed(SIZES):
        op.drop_column("api_logs", name)
    op.drop_index(LIMIT, "rate_limits")
    op.drop_index("idx_api_keys_prefix", "api_keys")
