"""Calls between agents: which of them are the fleet's, and their sums over a window."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, union_all
from sqlalchemy.sql.selectable import Subquery

from db.metric import Window
from db.models import Agent, Call, CallRollup
from db.queries import rolled
from db.queries.rolled import Pairs, Parts, Reach, Rolled, Source, whole
from db.queries.spans import ONE

# Which calls are meant, said of anything that has a caller_id and a callee_id.
Where = Callable[[Any], ColumnElement[bool]]
MOST_EXACT_CALLS = 10_000  # calls of the fleet; percentiles over more are read from histograms
BY_PAIR: Pairs = {
    "caller_id": (CallRollup.caller_id, Call.caller_id),
    "callee_id": (CallRollup.callee_id, Call.callee_id),
}
CALLS: Pairs = {"calls": (CallRollup.calls, ONE)}


def between_others() -> ColumnElement[bool]:
    """Calls in which the application's own parts have no share."""
    own = select(Agent.id).where(Agent.origin == "system")
    return and_(Call.caller_id.not_in(own), Call.callee_id.not_in(own))


def calls_of_others(window: Window) -> ColumnElement[bool]:
    """Calls of the window in which the application's own parts have no share."""
    return and_(window.covers_ns(Call.start_ns), between_others())


def rolled_calls(window: Window, where: Where | None = None) -> Rolled:
    """Calls of the window, or those of them that are meant; those of the application's own parts are left out."""
    of_model, of_raw = ((where(CallRollup),), (where(Call),)) if where else ((), ())
    return Rolled(window, Source(CallRollup, Call, Call.start_ns, of_model, (*of_raw, between_others())))


def own_calls(window: Window, where: Where, columns: list[Any]) -> list[Any]:
    """The same columns of the calls that are meant and in which own parts have a share: these are not rolled up.

    Joined with the parts, which are few: PostgreSQL then begins with them, and not with every call that is meant.
    """
    own = select(Agent.id).where(Agent.origin == "system")

    def meant(end: Any, *more: Any) -> Any:
        part = and_(Agent.id == end, Agent.origin == "system")
        found = select(*columns).select_from(Call).join(Agent, part)
        return found.where(window.covers_ns(Call.start_ns), where(Call), *more)

    return [meant(Call.caller_id), meant(Call.callee_id, Call.caller_id.not_in(own))]


def calls_from(window: Window, where: Where | None, keys: Pairs, counts: Pairs, *, own: bool = True) -> Parts:
    """Rows whose sums by key are those of the calls that are meant; without `where` of all between others.

    With `own`, calls in which own parts have a share belong to those that are meant.
    """
    parts = rolled_calls(window, where).sums(keys, counts)
    if where is None or not own:
        return parts
    columns = [raw.label(name) for name, (_, raw) in [*keys.items(), *counts.items()]]
    return union_all(*parts.selects, *own_calls(window, where, columns))


def pairs_called(window: Window) -> Subquery:
    """Ordered pairs of others with at least one call in the window, and how many."""
    parts = calls_from(window, None, BY_PAIR, CALLS).subquery("parts")
    calls = whole(func.sum(parts.c.calls))
    return (
        select(parts.c.caller_id, parts.c.callee_id, calls.label("calls"))
        .group_by(parts.c.caller_id, parts.c.callee_id)
        .having(calls > 0)
        .subquery("called")
    )


def call_reach(window: Window) -> Reach:
    """Whether percentiles of calls are read from raw rows: while the fleet has at most MOST_EXACT_CALLS of them.

    Every pair has one of its own, so fewer rows than for one of the whole fleet take as long.
    """
    return _reach(window, min(rolled.MOST_EXACT, MOST_EXACT_CALLS))


@lru_cache(64)
def _reach(window: Window, most: int) -> Reach:
    return Reach(rolled_calls(window), CallRollup.calls, "calls", most)
