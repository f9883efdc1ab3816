"""Numbers over a window of spans are read from an index alone: who sent a span and how long it took stand in it.

Rolling back drops the index of model spans and takes both columns out of the one by start; no rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261127_span_reads"
down_revision = "20261127_machine_doors"
branch_labels = None
depends_on = None

BY_START = ["start_ns"]
IS_MODEL = sa.text("category = 'model'")


def upgrade() -> None:
    op.drop_index("idx_spans_start", "spans")
    op.create_index("idx_spans_start", "spans", [*BY_START, "agent_id", "duration_ns"], unique=False)
    op.create_index(
        "idx_spans_models", "spans", BY_START, unique=False, postgresql_where=IS_MODEL, sqlite_where=IS_MODEL
    )


def downgrade() -> None:
    op.drop_index("idx_spans_models", "spans", postgresql_where=IS_MODEL, sqlite_where=IS_MODEL)
    op.drop_index("idx_spans_start", "spans")
    op.create_index("idx_spans_start", "spans", BY_START, unique=False)
