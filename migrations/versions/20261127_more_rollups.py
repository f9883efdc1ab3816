"""Roll-ups of log lines, measurements and calls of programs per five minutes, hour and day.

Nothing is counted here: every five minutes with such rows are noted, the scheduled job or `quantum rollup` counts them,
and until then numbers are read from the raw rows.

Rolling back drops log_rollups, measurement_rollups and api_rollups, and the notes of them. They follow from the raw
rows; what is no longer kept of these is lost with them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Document, Exact, Key

revision = "20261127_more_rollups"
down_revision = "20261127_more_months"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STARTS = {
    "sqlite": "CAST(strftime('%s', substr({moment}, 1, 19)) AS INTEGER)",
    "postgresql": "CAST(floor(extract(epoch FROM {moment})) AS bigint)",
}
NOTE = """
INSERT INTO rollup_touched (family, start)
SELECT DISTINCT '{family}', s.at - ((s.at % 300) + 300) % 300
FROM (SELECT {starts} AS at FROM {table} WHERE {moment} IS NOT NULL AND {only}) AS s
"""
NOTED = (
    ("logs", "agent_logs", "created_at", "1 = 1"),
    (
        "measurements",
        "system_metrics",
        "recorded_at",
        "metric_type NOT IN ('collector.up_seconds', 'collector.down_seconds')",
    ),
    ("api", "api_logs", "created_at", "1 = 1"),
)


def counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def stretch() -> list[sa.Column[int]]:
    return [
        sa.Column("resolution", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
    ]


def numbered(table: str, *columns: sa.Column[object] | sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("id", Number, sa.Identity(), nullable=False),
        *(sa.Column(column.name, column.type, nullable=False) for column in stretch()),
        *columns,
        sa.Column("histogram", Document, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"idx_{table}_start", table, ["resolution", "start"], unique=False)


def upgrade() -> None:
    op.create_table(
        "log_rollups",
        *stretch(),
        *texts("agent_id", "log_level"),
        *counts("lines"),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_log_rollups_agent_id_agents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resolution", "start", "agent_id", "log_level", name=op.f("pk_log_rollups")),
    )
    op.create_index("idx_log_rollups_agent", "log_rollups", ["agent_id", "resolution", "start"], unique=False)
    numbered(
        "measurement_rollups",
        *texts("metric_type", "metric_unit", "source", "labels"),
        *counts("n", "missing"),
        sa.Column("total", Exact(38, 6), nullable=False),
        sa.Column("least", Exact(24, 6), nullable=True),
        sa.Column("most", Exact(24, 6), nullable=True),
    )
    by = ["metric_type", "resolution", "start"]
    op.create_index("idx_measurement_rollups_series", "measurement_rollups", by, unique=False)
    numbered(
        "api_rollups",
        sa.Column("user_id", Key, nullable=True),
        *texts("method"),
        sa.Column("status_code", sa.Integer(), nullable=False),
        *counts("calls", "timed"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["profiles.id"], name=op.f("fk_api_rollups_user_id_profiles"), ondelete="SET NULL"
        ),
    )
    op.create_index("idx_api_rollups_user_id", "api_rollups", ["user_id"], unique=False)
    note_what_is_stored()


def note_what_is_stored() -> None:
    dialect = op.get_bind().dialect.name
    for family, table, moment, only in NOTED:
        if dialect == "postgresql":
            # Or its owner would see none to note.
            op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        starts = STARTS[dialect].format(moment=moment)
        op.execute(NOTE.format(family=family, table=table, moment=moment, only=only, starts=starts))
        if dialect == "postgresql":
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    for table in ("api_rollups", "measurement_rollups", "log_rollups"):
        op.drop_table(table)
    for table in ("rollup_touched", "rollup_kept"):
        op.execute(f"DELETE FROM {table} WHERE family IN ('logs', 'measurements', 'api')")  # noqa: S608
