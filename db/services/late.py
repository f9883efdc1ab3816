"""Stored spans whose parent arrives only now: their agent, task mark and call may change, and so may those below.

Only spans that are still `unsettled` are looked at; a partial index holds them and no others.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, select, update
from sqlalchemy.orm import Session

from db.models import Call, Span
from db.services.bulk import insert_rows, table_of
from db.services.calls import COLUMNS, TRACES_AT_ONCE, Known, call_of, is_task
from db.services.owners import after_parent
from db.services.relatives import SpanKey, waiting_children
from db.services.touched import touch

LEVELS = 16  # of descendants that are asked for one by one; below them whole traces are read at once


def settle_late(
    session: Session, children: list[Known], parents: dict[SpanKey, Known], again: Collection[SpanKey] = ()
) -> None:
    """Settle stored spans anew, now that `parents` are stored, and what lies below as far as anything changes.

    again: ids of parents that another span had before, so that their children may have proved a call already.
    """
    below = _Below(session)
    children = below.unseen(children)
    settled: list[tuple[Known, Known]] = []
    may_prove: list[Known] = []
    while children:
        changed: list[Known] = []
        for child in children:
            parent = parents[child.trace_id, child.parent_span_id or ""]
            after = after_parent(child, parent)
            settled.append((after, parent))
            if below.level or child.counterpart is not None or parent.key in again:
                may_prove.append(after)
            if _passed_on(after) != _passed_on(child):
                changed.append(after)
        parents = {known.key: known for known in changed}
        children = below.children_of(changed)
    _write(session, settled, may_prove)


def _passed_on(known: Known) -> tuple[str | None, str | None, bool]:
    return known.agent_id, known.attribution, known.is_unsure


class _Below:
    """Finds the unsettled children level by level; in a very deep trace it reads what is unsettled there once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.level = 0
        self._traces: dict[SpanKey, list[Known]] | None = None
        self._seen: set[tuple[str, str, int]] = set()

    def children_of(self, parents: Sequence[Known]) -> list[Known]:
        self.level += 1
        if self.level > LEVELS and self._traces is None:
            self._traces = self._read({known.trace_id for known in parents})
        if self._traces is None:
            found = waiting_children(self.session, [known.key for known in parents])
        else:
            found = [child for known in parents for child in self._traces.get(known.key, ())]
        return self.unseen(found)

    def unseen(self, found: Iterable[Known]) -> list[Known]:
        """Each span once, though two with the same ids may have come with its parent's."""
        return [known for known in found if self._is_new(known)]

    def _is_new(self, known: Known) -> bool:
        """False for a span met before: ids that are said twice may lead round in a circle."""
        key = known.trace_id, known.span_id, known.start_ns
        before = len(self._seen)
        self._seen.add(key)
        return len(self._seen) > before

    def _read(self, traces: Iterable[str]) -> dict[SpanKey, list[Known]]:
        held: dict[SpanKey, list[Known]] = {}
        ordered = sorted(traces)
        for begin in range(0, len(ordered), TRACES_AT_ONCE):
            chunk = ordered[begin : begin + TRACES_AT_ONCE]
            for row in self.session.execute(select(*COLUMNS).where(Span.trace_id.in_(chunk), Span.unsettled)):
                known = Known.of(row)
                held.setdefault((known.trace_id, known.parent_span_id or ""), []).append(known)
        return held


# --- writing it down ----------------------------------------------------------------------------------


def _write(session: Session, settled: Sequence[tuple[Known, Known]], may_prove: Sequence[Known]) -> None:
    """The spans as they are now, and the calls they prove; `may_prove` may have proved another one before."""
    if not settled:
        return
    spans, calls = table_of(Span), table_of(Call)
    values: dict[str, Any] = {
        "agent_id": bindparam("v_agent"),
        "attribution": bindparam("v_attribution"),
        "is_task": bindparam("v_task"),
        "unsettled": bindparam("v_unsettled"),
    }
    rows = [
        _key(child)
        | {
            "v_agent": child.agent_id,
            "v_attribution": child.attribution,
            "v_task": is_task(child, parent),
            "v_unsettled": child.unsettled,
        }
        for child, parent in settled
    ]
    connection = session.connection()
    connection.execute(update(spans).where(*_has_key(spans)).values(values), rows)
    if may_prove:
        connection.execute(delete(calls).where(*_has_key(calls)), [_key(known) for known in may_prove])
    proved = [call for child, parent in settled if (call := call_of(child, parent)) is not None]
    insert_rows(session, Call, proved)
    touch(session, (child.start_ns for child, _ in settled))


def _has_key(table: Any) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.trace_id == bindparam("k_trace"),
        table.c.span_id == bindparam("k_span"),
        table.c.start_ns == bindparam("k_start"),
    )


def _key(known: Known) -> dict[str, Any]:
    return {"k_trace": known.trace_id, "k_span": known.span_id, "k_start": known.start_ns}
