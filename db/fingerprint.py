"""A fingerprint of the schema that catches what comparing models with a database misses.

`alembic check` sees neither a partial index turned full nor a changed CHECK, and on SQLite it overlooks more.
"""

import re
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, text

BOOKKEEPING = "alembic_version"


def fingerprint(connection: Connection) -> tuple[str, ...]:
    """Everything the schema consists of, one sorted line per object, Alembic's own table left out.

    Two schemas on the same kind of database are equal exactly when their fingerprints are. The place of a column in
    its table does not count, because a column added later comes last.
    """
    lines = _of_postgresql(connection) if connection.dialect.name == "postgresql" else _of_sqlite(connection)
    return tuple(sorted(lines))


def _of_sqlite(connection: Connection) -> Iterator[str]:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    for kind, name, table, sql in connection.exec_driver_sql(query):
        if table == BOOKKEEPING:
            continue
        tokens = list(_tokens(sql))
        yield from _of_table(name, tokens) if kind == "table" else (f"{kind} {name} {' '.join(tokens)}",)


def _of_table(name: str, tokens: list[str]) -> Iterator[str]:
    start, end = tokens.index("("), len(tokens) - 1 - tokens[::-1].index(")")
    yield f"table {name} {' '.join(tokens[end + 1 :])}".rstrip()
    for part in _split(tokens[start + 1 : end]):
        yield f"table {name} {' '.join(part)}"


def _tokens(sql: str) -> Iterator[str]:
    """The words and signs of a statement; needless quotes go (a rebuilt table is quoted, a new one is not)."""
    for token in re.findall(r"'(?:[^']|'')*'|\"[^\"]*\"|[\w.]+|[^\w\s]", sql):
        yield token[1:-1] if re.fullmatch(r'"[a-z_][a-z0-9_]*"', token) else token


def _split(tokens: Iterable[str]) -> Iterator[list[str]]:
    """The parts between commas that stand in no bracket."""
    part: list[str] = []
    depth = 0
    for token in tokens:
        depth += (token == "(") - (token == ")")
        if token == "," and depth == 0:
            yield part
            part = []
        else:
            part.append(token)
    yield part


_OURS = "left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS " + (
    "(SELECT 1 FROM pg_depend AS e WHERE e.objid = {oid} AND e.deptype = 'e')"
)
# How many months a table has been cut into is no matter of its schema; that they are all closed alike is, see the last
# query.
_TABLE = f"{_OURS.format(oid='c.oid')} AND c.relname <> '{BOOKKEEPING}' AND NOT c.relispartition"
_FROM_TABLES = "pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"

# One query per kind of object, each giving lines of text.
_POSTGRESQL = (
    "SELECT concat_ws(' ', 'schema', n.nspname) FROM pg_namespace AS n WHERE n.nspname <> "
    f"'public' AND {_OURS.format(oid='n.oid')}",
    f"""
    SELECT concat_ws(' ', 'relation', c.relkind, n.nspname, c.relname, c.relrowsecurity, c.relforcerowsecurity,
                     array_to_string(c.reloptions, ','),
                     CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid)
                          WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END)
    FROM {_FROM_TABLES} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {_TABLE}
    """,
    f"""
    SELECT concat_ws(' ', 'column', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                     CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END, a.attidentity, a.attgenerated,
                     coalesce(pg_get_expr(d.adbin, d.adrelid), 'no default'))
    FROM {_FROM_TABLES} JOIN pg_attribute AS a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_TABLE}
    """,
    f"""
    SELECT concat_ws(' ', 'constraint', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid))
    FROM {_FROM_TABLES} JOIN pg_constraint AS k ON k.conrelid = c.oid WHERE k.contype <> 'n' AND {_TABLE}
    """,
    f"""
    SELECT concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid), i.indisvalid)
    FROM {_FROM_TABLES} JOIN pg_index AS i ON i.indrelid = c.oid WHERE c.relkind IN ('r', 'p', 'm') AND {_TABLE}
    """,
    f"""
    SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), t.tgenabled)
    FROM {_FROM_TABLES} JOIN pg_trigger AS t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal AND {_TABLE}
    """,
    f"""
    SELECT concat_ws(' ', 'function', pg_get_functiondef(p.oid))
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE p.prokind IN ('f', 'p') AND {_OURS.format(oid="p.oid")}
    """,
    f"""
    SELECT concat_ws(' ', 'grant', n.nspname, c.relname, a.privilege_type, pg_get_userbyid(a.grantee))
    FROM {_FROM_TABLES}, aclexplode(c.relacl) AS a WHERE a.grantee <> c.relowner AND {_TABLE}
    """,
    f"""
    SELECT concat_ws(' ', 'grant', n.nspname, c.relname, k.attname, a.privilege_type, pg_get_userbyid(a.grantee))
    FROM {_FROM_TABLES} JOIN pg_attribute AS k ON k.attrelid = c.oid, aclexplode(k.attacl) AS a
    WHERE a.grantee <> c.relowner AND {_TABLE}
    """,
    """
    SELECT concat_ws(' ', 'policy', p.schemaname, p.tablename, p.policyname, p.permissive,
                     array_replace(p.roles, t.tableowner, 'the owner'), p.cmd,
                     'using', coalesce(p.qual, '-'), 'check', coalesce(p.with_check, '-'))
    FROM pg_policies AS p JOIN pg_tables AS t USING (schemaname, tablename)
    """,
    f"""
    SELECT concat_ws(' ', 'type', n.nspname, y.typname, y.typtype,
                     (SELECT string_agg(m.enumlabel, ', ' ORDER BY m.enumsortorder) FROM pg_enum AS m
                      WHERE m.enumtypid = y.oid))
    FROM pg_type AS y JOIN pg_namespace AS n ON n.oid = y.typnamespace
    WHERE y.typtype IN ('e', 'd') AND {_OURS.format(oid="y.oid")}
    """,
    """
    SELECT DISTINCT concat_ws(' ', 'partitions of', p.relname, 'in', n.nspname, c.relrowsecurity, c.relforcerowsecurity,
                              (SELECT string_agg(a.privilege_type, ' ') FROM aclexplode(c.relacl) AS a
                               WHERE a.grantee <> c.relowner))
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_class AS p ON p.oid = i.inhparent WHERE c.relkind IN ('r', 'p')
    """,
    """
    SELECT concat_ws(' ', 'rest of', p.relname, c.relname)
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid JOIN pg_class AS p ON p.oid = i.inhparent
    WHERE pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'
    """,
)


def _of_postgresql(connection: Connection) -> Iterator[str]:
    for query in _POSTGRESQL:
        yield from connection.scalars(text(query))
