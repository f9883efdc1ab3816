"""Log lines counted over a window, by level and agent: out of roll-ups and the raw rows of what was touched since."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, func, literal, literal_column, select

from db.metric import Statement, Window
from db.models import AgentLog, LogRollup
from db.models.rollup import LOGS
from db.moments import floored, start_of
from db.queries.measured import plan_of, width_of
from db.queries.rolled import Pairs, Rolled, Source, whole

LINES: Pairs = {"lines": (LogRollup.lines, literal(1, BigInteger()))}


def _source(levels: Sequence[str], agent: str | None) -> Source:
    of_model: list[Any] = [LogRollup.log_level.in_(levels)] if levels else []
    of_raw: list[Any] = [AgentLog.log_level.in_(levels)] if levels else []
    if agent is not None:
        of_model.append(LogRollup.agent_id == agent)
        of_raw.append(AgentLog.agent_id == agent)
    return Source(
        LogRollup, AgentLog, AgentLog.created_at, tuple(of_model), tuple(of_raw), family=LOGS, is_instant=True
    )


def log_lines(window: Window, levels: Sequence[str] = (), agent: str | None = None) -> Statement:
    """One row with `value`: lines of the window, of these levels (without any: of all) and of one agent if named."""
    parts = Rolled(window, _source(levels, agent)).sums({}, LINES).subquery("parts")
    return select(whole(func.sum(parts.c.lines)).label("value"))


def log_points(window: Window, agent: str | None = None, levels: Sequence[str] = ()) -> Statement:
    """Per stretch and level with lines: `start` and `seconds`, `level`, `lines`, in order of time."""
    width = width_of(window)
    keys: Pairs = {
        "start": (floored(LogRollup.start, width), start_of(AgentLog.created_at, width)),
        "level": (LogRollup.log_level, AgentLog.log_level),
    }
    rows = Rolled(window, _source(levels, agent), plan=plan_of(window, width))
    parts = rows.sums(keys, LINES).subquery("parts")
    lines = whole(func.sum(parts.c.lines))
    seconds = literal_column(str(width), BigInteger()).label("seconds")
    drawn = select(parts.c.start, seconds, parts.c.level, lines.label("lines"))
    return (
        drawn.where(parts.c.start.is_not(None))
        .group_by(parts.c.start, parts.c.level)
        .having(lines > 0)
        .order_by(parts.c.start, parts.c.level)
    )
