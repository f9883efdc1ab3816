"""The audit log is append-only in the database itself, and what it held at each day's end is kept apart.

Triggers on audit_log and audit_heads refuse to change or delete a row, whoever asks; on PostgreSQL entries come in by
audit_append alone, which holds the chain together.
Rolling back drops audit_heads with its rows, the functions refuse_rewriting, audit_head and audit_append, and the
triggers audit_log_keeps_values, audit_log_keeps_rows, audit_heads_keeps_values and audit_heads_keeps_rows; on SQLite
also audit_log_keeps_places and audit_heads_keeps_places. The log's entries stay.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Instant, now

revision = "20261127_audit_chain"
down_revision = "20261127_second_factor"
branch_labels = None
depends_on = None

REFUSE_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""

HEAD_FUNCTION = """
CREATE OR REPLACE FUNCTION audit_head(OUT seq bigint, OUT row_hash text, OUT created_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asker text := coalesce(current_setting('quantum.kind', true), '');
BEGIN
    PERFORM pg_advisory_xact_lock(4779201133);
    PERFORM set_config('quantum.kind', 'definer', true);
    SELECT l.seq, l.row_hash, l.created_at INTO seq, row_hash, created_at
    FROM public.audit_log AS l ORDER BY l.seq DESC LIMIT 1;
    PERFORM set_config('quantum.kind', asker, true);
END
$$
"""

APPEND_FUNCTION = """
CREATE OR REPLACE FUNCTION audit_append(entry text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said jsonb := entry::jsonb;
    person uuid := nullif(current_setting('quantum.profile_id', true), '')::uuid;
    before record;
    hash text := encode(sha256(convert_to(entry, 'UTF8')), 'hex');
    asker text := coalesce(current_setting('quantum.kind', true), '');
BEGIN
    IF row_security_active('public.audit_log') AND asker NOT IN ('person', 'system', 'operator') THEN
        RAISE EXCEPTION 'nobody is asking' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT * INTO before FROM public.audit_head();
    IF (said->>'seq')::bigint IS DISTINCT FROM coalesce(before.seq, 0) + 1
       OR said->>'previous_hash' IS DISTINCT FROM coalesce(before.row_hash, '') THEN
        RAISE EXCEPTION 'the entry does not follow the last one, %', coalesce(before.seq, 0)
            USING ERRCODE = 'serialization_failure';
    END IF;
    IF person IS NOT NULL AND (said->>'user_id')::uuid IS DISTINCT FROM person THEN
        RAISE EXCEPTION 'an entry speaks of whoever asks for it' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM set_config('quantum.kind', 'definer', true);
    INSERT INTO public.audit_log (id, user_id, action, table_name, record_id, old_data, new_data, ip_address,
                                  user_agent, created_at, seq, previous_hash, row_hash)
    VALUES ((said->>'id')::uuid, (said->>'user_id')::uuid, said->>'action', said->>'table_name', said->>'record_id',
            nullif(said->'old_data', 'null'), nullif(said->'new_data', 'null'), (said->>'ip_address')::inet,
            said->>'user_agent', (said->>'created_at')::timestamptz, (said->>'seq')::bigint,
            said->>'previous_hash', hash);
    PERFORM set_config('quantum.kind', asker, true);
    RETURN hash;
END
$$
"""

CLOSED = (
    "REVOKE ALL ON FUNCTION audit_head() FROM PUBLIC",
    "REVOKE ALL ON FUNCTION audit_append(text) FROM PUBLIC",
)

POSTGRESQL = (
    "CREATE TRIGGER audit_log_keeps_values BEFORE UPDATE ON audit_log FOR EACH STATEMENT EXECUTE "
    "FUNCTION refuse_rewriting()",
    "CREATE TRIGGER audit_log_keeps_rows BEFORE DELETE OR TRUNCATE ON audit_log FOR EACH "
    "STATEMENT EXECUTE FUNCTION refuse_rewriting()",
    "ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_keeps_values",
    "ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_keeps_rows",
    "CREATE TRIGGER audit_heads_keeps_values BEFORE UPDATE ON audit_heads FOR EACH STATEMENT "
    "EXECUTE FUNCTION refuse_rewriting()",
    "CREATE TRIGGER audit_heads_keeps_rows BEFORE DELETE OR TRUNCATE ON audit_heads FOR EACH "
    "STATEMENT EXECUTE FUNCTION refuse_rewriting()",
    "ALTER TABLE audit_heads ENABLE ALWAYS TRIGGER audit_heads_keeps_values",
    "ALTER TABLE audit_heads ENABLE ALWAYS TRIGGER audit_heads_keeps_rows",
)

SQLITE = (
    "CREATE TRIGGER audit_log_keeps_values BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, "
    "'audit_log is append-only'); END",
    "CREATE TRIGGER audit_log_keeps_rows BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, "
    "'audit_log is append-only'); END",
    "CREATE TRIGGER audit_log_keeps_places BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM "
    "audit_log WHERE id = NEW.id OR seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'audit_log is "
    "append-only'); END",
    "CREATE TRIGGER audit_heads_keeps_values BEFORE UPDATE ON audit_heads BEGIN SELECT "
    "RAISE(ABORT, 'audit_heads is append-only'); END",
    "CREATE TRIGGER audit_heads_keeps_rows BEFORE DELETE ON audit_heads BEGIN SELECT "
    "RAISE(ABORT, 'audit_heads is append-only'); END",
    "CREATE TRIGGER audit_heads_keeps_places BEFORE INSERT ON audit_heads WHEN EXISTS (SELECT 1 "
    "FROM audit_heads WHERE day = NEW.day) BEGIN SELECT RAISE(ABORT, 'audit_heads is "
    "append-only'); END",
)

TRIGGERS = ("keeps_values", "keeps_rows")


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("row_hash", sa.Text(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint("entries > 0", name=op.f("audit_heads_entries_check")),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_audit_heads")),
    )
    if on_postgresql():
        for statement in (REFUSE_FUNCTION, HEAD_FUNCTION, APPEND_FUNCTION, *CLOSED, *POSTGRESQL):
            op.execute(statement)
    else:
        for statement in SQLITE:
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("audit_heads")
    if on_postgresql():
        for trigger in TRIGGERS:
            op.execute(f"DROP TRIGGER audit_log_{trigger} ON audit_log")
        op.execute("DROP FUNCTION audit_append(text)")
        op.execute("DROP FUNCTION audit_head()")
        op.execute("DROP FUNCTION refuse_rewriting()")
    else:
        for trigger in (*TRIGGERS, "keeps_places"):
            op.execute(f"DROP TRIGGER audit_log_{trigger}")
