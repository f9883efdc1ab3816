"""Keys are found by their prefix, and the console makes and ends them.

All rules stand in 20261127_machine_doors.sql as `db.row_security` wrote them (`make freeze`).

Rolling back drops the index over prefixes and returns the former rules; no rows.
"""

from pathlib import Path

from alembic import op

from migrations.frozen_rules import replace_rules

revision = "20261127_machine_doors"
down_revision = "20261127_compact_spans"
branch_labels = None
depends_on = None

FROZEN = Path(__file__).with_suffix(".sql")
FORMER = FROZEN.with_name("20261127_access.sql")


def upgrade() -> None:
    op.create_index("idx_api_keys_prefix", "api_keys", ["key_prefix"])
    replace_rules(FORMER, FROZEN)


def downgrade() -> None:
    replace_rules(FROZEN, FORMER)
    op.drop_index("idx_api_keys_prefix", "api_keys")
