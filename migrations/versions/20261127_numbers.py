"""The rules of row security once more, now with those of the tables that numbers are kept in.

All rules stand in 20261127_numbers.sql as `db.row_security` wrote them (`make freeze`).

Rolling back drops the rules of these tables alone, with the triggers guard_checks, guard_corrections,
guard_exempt_times, guard_heard_stretches, guard_state_stretches and guard_uptime_subjects, and returns the former ones;
the tables go with their own revisions.
"""

from pathlib import Path

from migrations.frozen_rules import replace_rules

revision = "20261127_numbers"
down_revision = "20261127_annotations"
branch_labels = None
depends_on = None

FROZEN = Path(__file__).with_suffix(".sql")
FORMER = FROZEN.with_name("20261127_machine_doors.sql")


def upgrade() -> None:
    replace_rules(FORMER, FROZEN)


def downgrade() -> None:
    replace_rules(FROZEN, FORMER)
