"""Alembic's way into this project: one chain of revisions for SQLite and PostgreSQL."""

from typing import Any

from alembic import context
from alembic.operations.ops import AlterColumnOp
from sqlalchemy import Connection, Identity

import settings
from db import models  # noqa: F401 - completes Base.metadata
from db.base import IN_KEY, Base, Exact, HexId, Instant, new_id, now
from db.schema import migrating


def render_item(kind: str, item: Any, autogen: Any) -> str | bool:
    """Write our own types and defaults by name, so that one revision serves both databases."""
    if kind == "type" and isinstance(item, Instant):
        autogen.imports.add("from db.base import Instant")
        return "Instant()"
    if kind == "type" and isinstance(item, Exact):
        autogen.imports.add("from db.base import Exact")
        return f"Exact({item.impl_instance.precision}, {item.impl_instance.scale})"
    if kind == "type" and isinstance(item, HexId):
        autogen.imports.add("from db.base import HexId")
        return f"HexId({item.length})"
    if kind == "type" and getattr(item, "_variant_mapping", None):
        name = "Document" if "JSON" in type(item).__name__.upper() else "Address"
        autogen.imports.add(f"from db.base import {name}")
        return name
    if kind == "server_default" and isinstance(getattr(item, "arg", item), now | new_id):
        name = type(getattr(item, "arg", item)).__name__
        autogen.imports.add(f"from db.base import {name}")
        return f"{name}()"
    return False


def leave_what_only_one_database_does(context: Any, revision: Any, directives: list[Any]) -> None:
    """SQLite counts a primary key up by itself; that it has no IDENTITY to show is no difference. PostgreSQL lets no
    time be null that stands in a key, since the table is cut by it; that is none either."""
    is_no_difference = _counts_up if context.dialect.name == "sqlite" else _stands_in_key
    for script in directives:
        for table in script.upgrade_ops.ops:
            table.ops = [op for op in getattr(table, "ops", ()) if not is_no_difference(op)]
        script.upgrade_ops.ops = [
            table for table in script.upgrade_ops.ops if not hasattr(table, "ops") or table.ops
        ]


def _counts_up(op: Any) -> bool:
    return isinstance(getattr(op, "modify_server_default", None), Identity)


def _stands_in_key(op: Any) -> bool:
    if not isinstance(op, AlterColumnOp) or op.modify_nullable is not True:
        return False
    if op.column_name != Base.metadata.tables[op.table_name].info.get(IN_KEY):
        return False
    op.modify_nullable = None
    return not op.has_changes()


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        compare_server_default=True,
        render_item=render_item,
        process_revision_directives=leave_what_only_one_database_does,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with migrating(settings.load().database_owner_url) as connection:
        run(connection)
