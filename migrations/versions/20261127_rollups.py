"""Roll-ups of spans and calls per five minutes, hour and day, and an index that finds the latest errors.

Nothing is counted here: every five minutes with spans are noted, the scheduled job or `quantum rollup` counts them, and
until then numbers are read from the raw rows.

Rolling back drops fleet_rollups, agent_rollups, call_rollups, rollup_touched and rollup_kept. They follow from the raw
rows; what is no longer kept of these is lost with them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document

revision = "20261127_rollups"
down_revision = "20261127_jobs"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FAILED = sa.text("status = 2")
SPAN_COUNTS = ("spans", "errors", "input_tokens", "input_spans", "output_tokens", "output_spans")
TASK_COUNTS = ("good_tasks", "failed_tasks", "silent_tasks", "silent_after")
NOTE_ALL = """
INSERT INTO rollup_touched (family, start)
SELECT DISTINCT 'spans', start_ns / 300000000000 * 300 FROM spans
"""


def counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def stretch() -> list[sa.Column[int]]:
    return [
        sa.Column("resolution", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "rollup_touched",
        sa.Column("id", Number, sa.Identity(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup_touched")),
    )
    op.create_index("idx_rollup_touched", "rollup_touched", ["family", "start"], unique=False)
    op.create_table(
        "rollup_kept",
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("raw_from", sa.BigInteger(), nullable=False),
        sa.Column("five_from", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("hour_from", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("family", name=op.f("pk_rollup_kept")),
    )
    op.create_table(
        "fleet_rollups",
        *stretch(),
        *counts("spans", "errors", "traces", *SPAN_COUNTS[2:]),
        sa.Column("histogram", Document, nullable=False),
        sa.Column("ranges", Document, nullable=False),
        sa.PrimaryKeyConstraint("resolution", "start", name=op.f("pk_fleet_rollups")),
    )
    op.create_table(
        "agent_rollups",
        sa.Column("id", Number, sa.Identity(), nullable=False),
        *(sa.Column(column.name, column.type, nullable=False) for column in stretch()),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=False),
        *counts(*SPAN_COUNTS, *TASK_COUNTS),
        sa.Column("reported_ns", sa.BigInteger(), nullable=True),
        sa.Column("histogram", Document, nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_agent_rollups_agent_id_agents"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_rollups")),
    )
    op.create_index("idx_agent_rollups_start", "agent_rollups", ["resolution", "start"], unique=False)
    op.create_index(
        "idx_agent_rollups_agent", "agent_rollups", ["agent_id", "resolution", "start"], unique=False
    )
    op.create_table(
        "call_rollups",
        *stretch(),
        sa.Column("caller_id", sa.Text(), nullable=False),
        sa.Column("callee_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *counts("calls", "errors", "answered"),
        sa.Column("histogram", Document, nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [side], ["agents.id"], name=op.f(f"fk_call_rollups_{side}_agents"), ondelete="CASCADE"
            )
            for side in ("caller_id", "callee_id")
        ),
        sa.PrimaryKeyConstraint(
            "resolution", "start", "caller_id", "callee_id", "kind", name=op.f("pk_call_rollups")
        ),
    )
    for side in ("caller", "callee"):
        by = [f"{side}_id", "resolution", "start"]
        op.create_index(f"idx_call_rollups_{side}", "call_rollups", by, unique=False)
    op.create_index(
        "idx_spans_failed", "spans", ["start_ns"], unique=False, postgresql_where=FAILED, sqlite_where=FAILED
    )
    note_what_is_stored()


def note_what_is_stored() -> None:
    is_guarded = op.get_bind().dialect.name == "postgresql"
    if is_guarded:
        op.execute("ALTER TABLE spans NO FORCE ROW LEVEL SECURITY")  # or its owner would see none to note
    op.execute(NOTE_ALL)
    if is_guarded:
        op.execute("ALTER TABLE spans FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_index("idx_spans_failed", "spans", postgresql_where=FAILED, sqlite_where=FAILED)
    for table in ("call_rollups", "agent_rollups", "fleet_rollups", "rollup_kept", "rollup_touched"):
        op.drop_table(table)
