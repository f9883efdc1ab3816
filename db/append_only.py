"""What keeps the audit log append-only in the database itself: triggers that refuse, and the one way in on PostgreSQL.

The same texts are frozen into a migration; a test compares the two through the catalogue.
"""

from typing import Any

from sqlalchemy import DDL, MetaData, event

KEPT = ("audit_log", "audit_heads")
# On SQLite INSERT OR REPLACE deletes the row in its way without asking the trigger that keeps rows.
SQLITE_ALONE = tuple(f"{table}_keeps_places" for table in KEPT)

REFUSE_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""

# The lock, a number of its own, makes one entry follow another. quantum.kind: these functions run with the owner's
# rights, and the owner too is bound by row security; the rules of `db.policies` let the definer read and append.
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

# The row is read out of the very text its hash is made of, so a row cannot be stored with a hash of another.
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
FUNCTIONS = (REFUSE_FUNCTION, HEAD_FUNCTION, APPEND_FUNCTION, *CLOSED)


def postgresql_triggers(table: str) -> tuple[str, ...]:
    """They fire for everybody, also where ordinary triggers are switched off for a session."""
    refuse = "FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
    return (
        f"CREATE TRIGGER {table}_keeps_values BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_keeps_rows BEFORE DELETE OR TRUNCATE ON {table} {refuse}",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keeps_values",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keeps_rows",
    )


def sqlite_triggers(table: str, unique: tuple[str, ...]) -> tuple[str, ...]:
    """`unique`: the columns by which a new row could take the place of an old one."""
    taken = " OR ".join(f"{column} = NEW.{column}" for column in unique)
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    return (
        f"CREATE TRIGGER {table}_keeps_values BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_keeps_rows BEFORE DELETE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_keeps_places BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {taken}) {refuse}",
    )


UNIQUE = {"audit_log": ("id", "seq"), "audit_heads": ("day",)}


def attach(metadata: MetaData) -> None:
    """Make `create_all` create them too."""
    for statement in FUNCTIONS:
        _on("postgresql", statement, metadata)
    for table in KEPT:
        for statement in postgresql_triggers(table):
            _on("postgresql", statement, metadata)
        for statement in sqlite_triggers(table, UNIQUE[table]):
            _on("sqlite", statement, metadata)


def _on(dialect: str, statement: str, metadata: MetaData) -> None:
    ddl: Any = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    event.listen(metadata, "after_create", ddl.execute_if(dialect=dialect))
