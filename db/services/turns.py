"""Who stores spans of a trace, where several transactions write at once.

What a span belongs to and proves follows from its relatives. Two transactions that store a parent and its child at
once would not see each other's, and the child would wait for a parent that is there. So each trace is stored by one
transaction at a time. SQLite has one writer anyway.
"""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

STORING = 0x5370616E  # names these locks
MOST_TRACES = (
    64  # a server has room for some 6,000 locks in all: a batch of more traces takes one lock for all of them
)

SOME = text("SELECT pg_advisory_xact_lock_shared(:storing)")
ALL = text("SELECT pg_advisory_xact_lock(:storing)")
EACH = text("SELECT count(pg_advisory_xact_lock(:storing, each)) FROM unnest(CAST(:traces AS int[])) AS each")


def await_turn(session: Session, traces: Collection[str]) -> None:
    """Hold these traces until the transaction ends; waits for whoever holds one of them."""
    if session.get_bind().dialect.name != "postgresql":
        return
    if len(traces) > MOST_TRACES:
        session.execute(ALL, {"storing": STORING})
        return
    session.execute(SOME, {"storing": STORING})
    # In the order of their numbers, so that no two wait for each other in a circle.
    numbers = sorted({int.from_bytes(bytes.fromhex(trace[-8:]), signed=True) for trace in traces})
    session.execute(EACH, {"storing": STORING, "traces": numbers})
