"""Spans take less room: identifiers as bytes, and what all spans of a sender share is stored once.

Instead of an index over the parents of all spans there is one over those whose parent, or one above it, is missing.

Rolling back drops senders; what its rows say goes back into each span.
"""

from hashlib import blake2b
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from db.base import Document, HexId, Instant, now

revision = "20261127_compact_spans"
down_revision = "20261127_access"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Spans without their parent, and those below them as far as they inherit.
UNSETTLED = """
WITH RECURSIVE waiting(trace_id, span_id, attribution) AS (
    SELECT c.trace_id, c.span_id, c.attribution FROM spans AS c WHERE c.parent_span_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM spans AS p WHERE p.trace_id = c.trace_id AND p.span_id = c.parent_span_id
    )
    UNION
    SELECT c.trace_id, c.span_id, c.attribution FROM waiting AS w
    JOIN spans AS c ON c.trace_id = w.trace_id AND c.parent_span_id = w.span_id
    WHERE coalesce(w.attribution, '') <> 'own'
)
SELECT DISTINCT trace_id, span_id FROM waiting
"""
IS_UNSETTLED = "EXISTS (SELECT 1 FROM unsettled AS w WHERE w.trace_id = s.trace_id AND w.span_id = s.span_id)"
SPANS = (
    "start_ns, duration_ns, agent_id, attribution, named_agent, service, name, kind, category, status, "
    "status_message, error_type, is_task, input_tokens, output_tokens, model, counterpart, attributes, links, events"
)
CALLS = "start_ns, caller_id, callee_id, kind, evidence, latency_ns, failed"
# Name, table, columns before the start, condition. Time descended in them; now it ascends, and they grow at their end.
BY_TIME: tuple[tuple[str, str, tuple[str, ...], str | None], ...] = (
    ("idx_spans_agent_start", "spans", ("agent_id",), None),
    ("idx_spans_start", "spans", (), None),
    ("idx_spans_errors", "spans", ("agent_id",), "status = 2"),
    ("idx_spans_tasks", "spans", ("agent_id",), "is_task"),
    ("idx_calls_callee", "calls", ("callee_id",), None),
    ("idx_calls_pair", "calls", ("caller_id", "callee_id"), None),
    ("idx_calls_start", "calls", (), None),
)


def upgrade() -> None:
    op.create_table(
        "senders",
        sa.Column("id", Number, sa.Identity(), nullable=False),
        sa.Column("digest", HexId(16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("resource", Document, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_senders")),
        sa.UniqueConstraint("digest", name=op.f("uq_senders_digest")),
    )
    if on_postgresql():
        run("ALTER TABLE spans NO FORCE ROW LEVEL SECURITY")  # or its owner would see none to convert
    op.create_table(
        "told",
        sa.Column("id", Number, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("resource", Document, nullable=False),
    )
    number_senders()
    run(f"CREATE TABLE unsettled AS {UNSETTLED}")
    run("CREATE INDEX unsettled_spans ON unsettled (trace_id, span_id)")
    if on_postgresql():
        upgrade_postgresql()
    else:
        upgrade_sqlite()
    index_by_time("start_ns")
    add_index("idx_spans_unsettled", "spans", ["trace_id", "parent_span_id"], "unsettled")
    op.drop_table("unsettled")
    op.drop_table("told")


def downgrade() -> None:
    if on_postgresql():
        downgrade_postgresql()
    else:
        downgrade_sqlite()
    index_by_time(sa.literal_column("start_ns DESC"))
    add_index("idx_spans_parent", "spans", ["trace_id", "parent_span_id"])
    op.drop_table("senders")


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def run(*statements: str) -> None:
    for each in statements:
        op.get_bind().exec_driver_sql(each)


def number_senders() -> None:
    """Store every sender, and in `told` its number beside the very words of its spans."""
    said = op.get_bind().exec_driver_sql("SELECT DISTINCT source, scope, CAST(resource AS text) FROM spans")
    senders: dict[str, dict[str, Any]] = {}
    told = []
    for source, scope, resource in said.fetchall():
        known = {"source": source, "scope": scope, "resource": orjson.loads(resource)}
        digest = digest_of(**known)
        sender = senders.setdefault(digest, known | {"id": len(senders) + 1, "digest": digest})
        told.append(known | {"id": sender["id"]})
    if told:
        insert("senders", list(senders.values()), digest=HexId(16))
        insert("told", told)
    run("CREATE INDEX told_by ON told (source, scope)")
    if on_postgresql():
        place = "pg_get_serial_sequence('senders', 'id')"
        run(f"SELECT setval({place}, coalesce(max(id), 1), count(*) > 0) FROM senders")


def digest_of(source: str, scope: str | None, resource: dict[str, Any]) -> str:
    said = orjson.dumps([source, scope, resource], option=orjson.OPT_SORT_KEYS)
    return blake2b(said, digest_size=16).hexdigest()


def insert(table: str, rows: list[dict[str, Any]], **more: sa.types.TypeEngine[Any]) -> None:
    types = {"id": Number, "source": sa.Text(), "scope": sa.Text(), "resource": Document, **more}
    columns = [sa.column(name, kind) for name, kind in types.items()]
    op.get_bind().execute(sa.insert(sa.table(table, *columns)), rows)


# --- PostgreSQL changes tables where they stand ---------------------------------------------------------


def as_bytes(table: str, *columns: str) -> str:
    changes = (f"ALTER {column} TYPE bytea USING decode({column}, 'hex')" for column in columns)
    return f"ALTER TABLE {table} {', '.join(changes)}"


def as_text(table: str, *columns: str) -> str:
    changes = (f"ALTER {column} TYPE text USING encode({column}, 'hex')" for column in columns)
    return f"ALTER TABLE {table} {', '.join(changes)}"


def upgrade_postgresql() -> None:
    run(
        "DROP INDEX idx_spans_parent",
        "ALTER TABLE spans ADD sender_id bigint, ADD received_ns bigint, "
        "ADD unsettled boolean NOT NULL DEFAULT false",
        "UPDATE spans AS s SET sender_id = t.id, "
        "received_ns = CAST(extract(epoch FROM s.received_at) * 1000000 AS bigint) * 1000, "
        f"unsettled = {IS_UNSETTLED} FROM told AS t "
        "WHERE t.source = s.source AND t.scope IS NOT DISTINCT FROM s.scope AND t.resource = s.resource",
        "ALTER TABLE spans DROP resource, DROP scope, DROP source, DROP received_at, "
        "ALTER sender_id SET NOT NULL, ALTER received_ns SET NOT NULL, "
        "ADD CONSTRAINT fk_spans_sender_id_senders FOREIGN KEY (sender_id) REFERENCES senders (id)",
        as_bytes("spans", "trace_id", "span_id", "parent_span_id"),
        as_bytes("calls", "trace_id", "span_id", "callee_span_id"),
        "ALTER TABLE spans FORCE ROW LEVEL SECURITY",
    )
    drop_indexes_by_time()


def downgrade_postgresql() -> None:
    run(
        "ALTER TABLE spans NO FORCE ROW LEVEL SECURITY",
        "DROP INDEX idx_spans_unsettled",
        "ALTER TABLE spans ADD resource jsonb NOT NULL DEFAULT '{}', ADD scope text, ADD source text, "
        "ADD received_at timestamptz DEFAULT now()",
        "UPDATE spans AS s SET resource = t.resource, scope = t.scope, source = t.source, "
        "received_at = timestamptz 'epoch' + (s.received_ns / 1000) * interval '1 microsecond' "
        "FROM senders AS t WHERE t.id = s.sender_id",
        "ALTER TABLE spans DROP sender_id, DROP received_ns, DROP unsettled, "
        "ALTER source SET NOT NULL, ALTER received_at SET NOT NULL",
        as_text("spans", "trace_id", "span_id", "parent_span_id"),
        as_text("calls", "trace_id", "span_id", "callee_span_id"),
        "ALTER TABLE spans FORCE ROW LEVEL SECURITY",
    )
    drop_indexes_by_time()


# --- SQLite writes them anew ----------------------------------------------------------------------------


def upgrade_sqlite() -> None:
    op.get_bind().connection.driver_connection.create_function(  # type: ignore[union-attr]
        "in_bytes", 1, lambda text: None if text is None else bytes.fromhex(text), deterministic=True
    )
    replace(
        "spans",
        span_columns(HexId(16), HexId(8), *shared()),
        f"INSERT INTO replacing (trace_id, span_id, parent_span_id, {SPANS}, sender_id, received_ns, unsettled) "
        f"SELECT in_bytes(s.trace_id), in_bytes(s.span_id), in_bytes(s.parent_span_id), {SPANS}, t.id, "
        "CAST(strftime('%s', substr(s.received_at, 1, 19)) AS integer) * 1000000000 + "
        f"CAST(substr(s.received_at, 21) AS integer) * 1000, {IS_UNSETTLED} "
        "FROM spans AS s CROSS JOIN told AS t "
        "ON t.source = s.source AND t.scope IS s.scope AND t.resource = s.resource ORDER BY s.rowid",
    )
    add_other_indexes()
    calls = "in_bytes(trace_id), in_bytes(span_id), in_bytes(callee_span_id)"
    replace("calls", call_columns(HexId(16), HexId(8)), copied_calls(calls))


def downgrade_sqlite() -> None:
    replace(
        "spans",
        span_columns(sa.Text(), sa.Text(), *single()),
        f"INSERT INTO replacing (trace_id, span_id, parent_span_id, {SPANS}, resource, scope, source, received_at) "
        f"SELECT {in_hex('s.trace_id')}, {in_hex('s.span_id')}, {in_hex('s.parent_span_id')}, {SPANS}, "
        "t.resource, t.scope, t.source, "
        "strftime('%Y-%m-%d %H:%M:%S', s.received_ns / 1000000000, 'unixepoch') || "
        "printf('.%06d', s.received_ns / 1000 % 1000000) "
        "FROM spans AS s CROSS JOIN senders AS t ON t.id = s.sender_id ORDER BY s.rowid",
    )
    add_other_indexes()
    calls = ", ".join(in_hex(column) for column in ("trace_id", "span_id", "callee_span_id"))
    replace("calls", call_columns(sa.Text(), sa.Text()), copied_calls(calls))


def in_hex(column: str) -> str:
    return f"CASE WHEN {column} IS NOT NULL THEN lower(hex({column})) END"


def copied_calls(identifiers: str) -> str:
    return (
        f"INSERT INTO replacing (trace_id, span_id, callee_span_id, {CALLS}) "
        f"SELECT {identifiers}, {CALLS} FROM calls ORDER BY rowid"
    )


def replace(table: str, columns: list[Any], filled: str) -> None:
    op.create_table("replacing", *columns)
    op.get_bind().exec_driver_sql(filled)
    op.drop_table(table)
    op.rename_table("replacing", table)


def shared() -> list[Any]:
    return [
        sa.Column("sender_id", Number, nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("unsettled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["sender_id"], ["senders.id"], name=op.f("fk_spans_sender_id_senders")),
    ]


def single() -> list[Any]:
    return [
        sa.Column("resource", Document, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), server_default=now(), nullable=False),
    ]


def span_columns(trace: Any, span: Any, *more: Any) -> list[Any]:
    return [
        sa.Column("trace_id", trace, nullable=False),
        sa.Column("span_id", span, nullable=False),
        sa.Column("start_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("duration_ns", sa.BigInteger(), nullable=False),
        sa.Column("parent_span_id", span, nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("attribution", sa.Text(), nullable=True),
        sa.Column("named_agent", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("status", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("status_message", sa.Text(), nullable=True),
        sa.Column("error_type", sa.Text(), nullable=True),
        sa.Column("is_task", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("counterpart", sa.Text(), nullable=True),
        sa.Column("attributes", Document, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("links", Document, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("events", Document, server_default=sa.text("'[]'"), nullable=False),
        *more,
        sa.CheckConstraint(
            "attribution IN ('own', 'ancestor', 'service')", name=op.f("spans_attribution_check")
        ),
        sa.CheckConstraint(
            "category IN ('agent', 'model', 'tool', 'retrieval', 'message', 'handoff')",
            name=op.f("spans_category_check"),
        ),
        sa.CheckConstraint("duration_ns >= 0", name=op.f("spans_duration_check")),
        sa.CheckConstraint("kind >= 0 AND kind <= 5", name=op.f("spans_kind_check")),
        sa.CheckConstraint("status IN (0, 1, 2)", name=op.f("spans_status_check")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_spans_agent_id_agents"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("trace_id", "span_id", "start_ns", name=op.f("pk_spans")),
    ]


def call_columns(trace: Any, span: Any) -> list[Any]:
    return [
        sa.Column("trace_id", trace, nullable=False),
        sa.Column("span_id", span, nullable=False),
        sa.Column("start_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("caller_id", sa.Text(), nullable=False),
        sa.Column("callee_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("callee_span_id", span, nullable=True),
        sa.Column("latency_ns", sa.BigInteger(), nullable=True),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "evidence IN ('parent', 'handoff', 'tool', 'message')", name=op.f("calls_evidence_check")
        ),
        sa.CheckConstraint("kind IN ('data', 'command', 'sync')", name=op.f("calls_kind_check")),
        sa.CheckConstraint("caller_id <> callee_id", name=op.f("calls_two_agents_check")),
        sa.ForeignKeyConstraint(
            ["callee_id"], ["agents.id"], name=op.f("fk_calls_callee_id_agents"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["caller_id"], ["agents.id"], name=op.f("fk_calls_caller_id_agents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("trace_id", "span_id", "start_ns", name=op.f("pk_calls")),
    ]


def add_index(name: str, table: str, columns: list[Any], where: str | None = None) -> None:
    condition = (
        {} if where is None else {f"{each}_where": sa.text(where) for each in ("postgresql", "sqlite")}
    )
    op.create_index(name, table, columns, **condition)


def index_by_time(start: Any) -> None:
    for name, table, columns, where in BY_TIME:
        add_index(name, table, [*columns, start], where)


def drop_indexes_by_time() -> None:
    for name, table, _, _ in BY_TIME:
        op.drop_index(name, table)


def add_other_indexes() -> None:
    """Those that stay, where a table is written anew."""
    add_index("idx_spans_counterpart", "spans", ["trace_id"], "counterpart IS NOT NULL")
    add_index("idx_spans_reported", "spans", ["service", "start_ns"], "status <> 0")
