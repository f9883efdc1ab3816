"""Stored spans by their identifiers, as every batch asks for them: one statement however many are asked for.

The statements are written out once. To put them together and to prepare rows for each batch anew cost more than the
look-up itself; so did a list of values, which is another statement for every length.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.services.calls import COLUMNS, Known
from db.services.otlp import SpanRecord

AT_ONCE = 5000
SpanKey = tuple[str, str]  # trace and span
ITSELF, PARENT = "spans.span_id = wanted.span", "spans.parent_span_id = wanted.span AND spans.unsettled"
NEAR = f"{ITSELF} AND spans.start_ns BETWEEN %(low)s AND %(high)s"
DAY_NS, LATEST = 86_400 * 10**9, 2**63 - 1
# Identifiers one after the other in a single value, cut apart there: SQLite 3.40 reads no bytes out of JSON.
WANTED_SQLITE = """
WITH RECURSIVE place(at) AS (SELECT 1 UNION ALL SELECT at + 24 FROM place WHERE at + 24 < length(:keys)),
wanted(trace, span) AS (SELECT substr(:keys, at, 16), substr(:keys, at + 16, 8) FROM place)
"""
WANTED_POSTGRESQL = """
WITH wanted(trace, span) AS (SELECT * FROM unnest(%(traces)s::bytea[], %(spans)s::bytea[]))
"""


def stored_spans(session: Session, keys: Sequence[SpanKey]) -> list[Known]:
    """The stored spans with these identifiers."""
    return _found(session, keys, ITSELF)


def stored_relatives(session: Session, records: Collection[SpanRecord]) -> list[Known]:
    """Those of these spans that are stored already, and the stored parents of them all.

    Where spans are cut by month, those that began within a day are looked for first, in their month alone; few parents
    are left that any month may hold.
    """
    if not records:
        return []
    own = {(each.trace_id, each.span_id) for each in records}
    above = {(each.trace_id, each.parent_span_id) for each in records if each.parent_span_id}
    if session.get_bind().dialect.name != "postgresql":
        return stored_spans(session, sorted(own | above))
    starts = [each.start_ns for each in records]
    span_of_time = {"low": min(starts) - DAY_NS, "high": min(max(starts) + DAY_NS, LATEST)}
    found = _found(session, sorted(own | above), NEAR, span_of_time)
    left = above - own - {known.key for known in found}
    return found + stored_spans(session, sorted(left))


def waiting_children(session: Session, keys: Sequence[SpanKey]) -> list[Known]:
    """The unsettled stored spans whose parents have these identifiers."""
    return _found(session, keys, PARENT)


def _found(
    session: Session, keys: Sequence[SpanKey], match: str, more: Mapping[str, int] | None = None
) -> list[Known]:
    found: list[Known] = []
    connection = session.connection()
    name = connection.dialect.name
    for begin in range(0, len(keys), AT_ONCE):
        asked = _asked(keys[begin : begin + AT_ONCE], name) | dict(more or {})
        found += [_known(row) for row in connection.exec_driver_sql(_statement(name, match), asked)]
    return found


def _asked(keys: Sequence[SpanKey], dialect: str) -> dict[str, Any]:
    if dialect == "sqlite":
        return {"keys": bytes.fromhex("".join([trace + span for trace, span in keys]))}
    from_hex = bytes.fromhex
    return {"traces": [from_hex(trace) for trace, _ in keys], "spans": [from_hex(span) for _, span in keys]}


@cache
def _statement(dialect: str, match: str) -> str:
    columns: Any = select(*COLUMNS)
    kind: Any = (sqlite if dialect == "sqlite" else postgresql).dialect()
    listed = str(columns.compile(dialect=kind)).partition("FROM")[0]
    wanted = WANTED_SQLITE if dialect == "sqlite" else WANTED_POSTGRESQL
    return f"{wanted}{listed}FROM wanted CROSS JOIN spans WHERE spans.trace_id = wanted.trace AND {match}"


def _known(row: Any) -> Known:
    """Of a row as the driver gives it."""
    trace, span, start, parent, *others, unsettled = row
    above = None if parent is None else parent.hex()
    return Known.of((trace.hex(), span.hex(), start, above, *others, bool(unsettled)))
