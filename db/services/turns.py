"""Who stores what, where several transactions write at once.

What a span belongs to and proves follows from its relatives. Two transactions that store a parent and its child at
once would not see each other's, and the child would wait for a parent that is there. So each trace is stored by one
transaction at a time.

A row whose id follows from what was sent, but whose time is when it came in, is another row by its key if it comes in
twice at once, where tables are cut by their times. So each such row is stored by one transaction at a time, too.

SQLite has one writer anyway.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

STORING, TIMELESS = 0x5370616E, 0x54696D65  # name these locks
MOST_TRACES = (
    64  # a server has room for some 6,000 locks in all: a batch of more traces takes one lock for all of them
)

SOME = text("SELECT pg_advisory_xact_lock_shared(:storing)")
ALL = text("SELECT pg_advisory_xact_lock(:storing)")
EACH = text(
    "SELECT count(pg_advisory_xact_lock(:storing, each)) FROM unnest(CAST(:numbers AS int[])) AS each"
)


def await_turn(session: Session, traces: Collection[str]) -> None:
    """Hold these traces until the transaction ends; waits for whoever holds one of them."""
    _await(session, STORING, [bytes.fromhex(trace[-8:]) for trace in traces])


def await_rows(session: Session, ids: Collection[UUID]) -> None:
    """Hold these rows, stored or not, until the transaction ends; waits for whoever holds one of them."""
    if ids:
        _await(session, TIMELESS, [each.bytes[-4:] for each in ids])


def _await(session: Session, storing: int, names: Collection[bytes]) -> None:
    if session.get_bind().dialect.name != "postgresql":
        return
    if len(names) > MOST_TRACES:
        session.execute(ALL, {"storing": storing})
        return
    session.execute(SOME, {"storing": storing})
    # In the order of their numbers, so that no two wait for each other in a circle.
    numbers = sorted({int.from_bytes(name, signed=True) for name in names})
    session.execute(EACH, {"storing": storing, "numbers": numbers})
