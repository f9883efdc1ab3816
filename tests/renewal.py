"""Makes a used PostgreSQL database as good as new, which takes a fraction of what a new copy takes.

Only one whose schema is what it was and that stayed small: months that were made are taken away again, every other
change of the schema makes the database unfit, and then it is dropped. Rows go, the rows of the migrations come back,
sequences start anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
# What a schema consists of, without what rows change: a number of the file, estimates, statistics.
SCHEMA = f"""
SELECT md5(string_agg(told, chr(10) ORDER BY told COLLATE "C")) FROM (
    SELECT concat_ws(' ', 'relation', c.oid, c.relname, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
        c.relacl, c.reloptions, c.relispartition, c.relnamespace) AS told
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS}
    UNION ALL
    SELECT concat_ws(' ', 'column', a.attrelid, a.attnum, a.attname, a.atttypid, a.attnotnull, a.attisdropped, a.attacl,
        a.attidentity) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS} AND a.attnum > 0
    UNION ALL SELECT concat_ws(' ', 'default', d.oid, d.adrelid, d.adnum, md5(d.adbin::text)) FROM pg_attrdef d
    UNION ALL SELECT concat_ws(' ', 'policy', md5(p::text)) FROM pg_policy p
    UNION ALL SELECT concat_ws(' ', 'trigger', t.oid, t.tgrelid, t.tgname, t.tgenabled, t.tgfoid) FROM pg_trigger t
    UNION ALL SELECT concat_ws(' ', 'constraint', k.oid, k.conname, k.convalidated) FROM pg_constraint k
    UNION ALL SELECT concat_ws(' ', 'index', i.indexrelid, i.indisvalid, i.indisunique) FROM pg_index i
    UNION ALL SELECT concat_ws(' ', 'child', h.inhrelid, h.inhparent) FROM pg_inherits h
    UNION ALL SELECT concat_ws(' ', 'function', f.oid, f.proname, f.proowner, f.proacl, f.proconfig, md5(f.prosrc))
    FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE {OURS}
    UNION ALL SELECT concat_ws(' ', 'type', t.oid, t.typname)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {OURS}
    UNION ALL SELECT concat_ws(' ', 'schema', oid, nspname, nspowner, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT concat_ws(' ', 'rights', d::text) FROM pg_default_acl d
    UNION ALL SELECT concat_ws(' ', 'setting', s.setrole, s.setconfig) FROM pg_db_role_setting s
    JOIN pg_database b ON b.oid = s.setdatabase WHERE b.datname = current_database()
    UNION ALL SELECT concat_ws(' ', 'extension', extname) FROM pg_extension
    UNION ALL SELECT concat_ws(' ', 'database', datdba, datacl) FROM pg_database WHERE datname = current_database()
) AS everything
"""
TABLES = f"""
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {OURS} ORDER BY 1, 2
"""
MONTHS = "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'months'::regnamespace AND c.relkind = 'r'"
SEQUENCES = "SELECT schemaname, sequencename FROM pg_sequences WHERE last_value IS NOT NULL"
# What rows leave behind in a file when they are deleted would make the next test read more than its own.
MOST_BYTES = 2_000_000
LARGEST = f"""
SELECT coalesce(max(pg_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'i') AND {OURS}
"""
# What was gathered of the tables' rows, and when.
FORGET = f"""
WITH gone AS (
    DELETE FROM pg_statistic USING pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE starelid = c.oid AND {OURS}
)
SELECT pg_stat_reset()
"""
# Triggers that stand even while others are off: they refuse to take rows from what may only grow.
GUARDS = """
SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.tgenabled = 'A' AND t.tgtype & 8 = 8 AND t.tgparentid = 0
"""
Name = tuple[str, str]


@dataclass(frozen=True)
class Fresh:
    """A database as the migrations leave it: its schema, its months, and the rows of its few tables that have any."""

    schema: str
    tables: tuple[Name, ...]
    months: frozenset[str]
    rows: Mapping[Name, bytes]
    numbered: frozenset[Name]


def look(connection: psycopg.Connection[Any]) -> Fresh:
    """What a new copy holds."""
    tables = tuple(connection.execute(TABLES).fetchall())
    return Fresh(
        schema=_schema(connection),
        tables=tables,
        months=frozenset(name for (name,) in connection.execute(MONTHS)),
        rows={table: _copied(connection, table) for table in _filled(connection, tables)},
        numbered=frozenset(connection.execute(SEQUENCES).fetchall()),
    )


def renewed(connection: psycopg.Connection[Any], fresh: Fresh) -> bool:
    """Make it as `fresh` was; False where the schema is another one, and it must be dropped."""
    connection.execute("SET session_replication_role = replica")
    for (name,) in connection.execute(MONTHS).fetchall():
        if name not in fresh.months:
            connection.execute(sql.SQL("DROP TABLE months.{}").format(sql.Identifier(name)))
    row = connection.execute(LARGEST).fetchone()
    if _schema(connection) != fresh.schema or row is None or row[0] > MOST_BYTES:
        return False
    filled = _filled(connection, fresh.tables)
    spoilt = [
        each for each in filled if each not in fresh.rows or fresh.rows[each] != _copied(connection, each)
    ]
    if spoilt:
        _empty(connection, spoilt)
    for table, rows in fresh.rows.items():
        if _copied(connection, table) != rows:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(*table)))
            with connection.cursor().copy(
                sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(*table))
            ) as into:
                into.write(rows)
    connection.execute(FORGET)
    counted = set(connection.execute(SEQUENCES).fetchall())
    for sequence in counted - fresh.numbered:
        connection.execute("SELECT setval(format('%%I.%%I', %s::text, %s::text), 1, false)", sequence)
    return True


def _empty(connection: psycopg.Connection[Any], tables: list[Name]) -> None:
    guards = connection.execute(GUARDS).fetchall()
    with connection.transaction():
        for *table, guard in guards:
            _turn(connection, "DISABLE", table, guard)
        for table in tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(*table)))
        for *table, guard in guards:
            _turn(connection, "ENABLE ALWAYS", table, guard)


def _turn(connection: psycopg.Connection[Any], how: str, table: Any, guard: str) -> None:
    said = f"ALTER TABLE {{}} {how} TRIGGER {{}}"
    connection.execute(sql.SQL(said).format(sql.Identifier(*table), sql.Identifier(guard)))


def _schema(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute(SCHEMA).fetchone()
    return str(row[0]) if row else ""


def _filled(connection: psycopg.Connection[Any], tables: tuple[Name, ...]) -> list[Name]:
    asked = [sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(*table)) for table in tables]
    row = connection.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(asked))).fetchone()
    return [table for table, has in zip(tables, row or (), strict=True) if has]


def _copied(connection: psycopg.Connection[Any], table: Name) -> bytes:
    with connection.cursor().copy(
        sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(sql.Identifier(*table))
    ) as out:
        return b"".join(bytes(block) for block in out)
