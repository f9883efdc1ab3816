"""Log lines counted over a window, by level and agent: out of roll-ups and the raw rows of what was touched since."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, func, literal, literal_column, select

from db.functions import minute_of
from db.metric import Statement, Window
from db.models import AgentLog, LogRollup
from db.models.rollup import LOGS
from db.moments import floored, start_of
from db.queries.rolled import Pairs, Plan, Rolled, Source, whole

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


def log_points(window: Window, step: int) -> Statement:
    """Per stretch of so many seconds, a multiple of five minutes, and level with lines: `at`, `seconds`, `label` and
    `count`, in order of time."""
    keys: Pairs = {
        "at": (minute_of(floored(LogRollup.start, step)), minute_of(start_of(AgentLog.created_at, step))),
        "label": (LogRollup.log_level, AgentLog.log_level),
    }
    rows = Rolled(window, _source((), None), plan=Plan.by(window, step))
    parts = rows.sums(keys, LINES).subquery("parts")
    lines = whole(func.sum(parts.c.lines))
    seconds = literal_column(str(step), BigInteger()).label("seconds")
    drawn = select(parts.c.at, seconds, parts.c.label, lines.label("count"))
    return (
        drawn.where(parts.c.at.is_not(None))
        .group_by(parts.c.at, parts.c.label)
        .having(lines > 0)
        .order_by(parts.c.at, parts.c.label)
    )


def agents_with_lines(window: Window, most: int) -> Statement:
    """Rows of `agent`: those that have lines in the window, most lines first, at most so many."""
    keys: Pairs = {"agent": (LogRollup.agent_id, AgentLog.agent_id)}
    parts = Rolled(window, _source((), None)).sums(keys, LINES).subquery("parts")
    lines = whole(func.sum(parts.c.lines))
    found: Statement = select(parts.c.agent).group_by(parts.c.agent).having(lines > 0)
    return found.order_by(lines.desc(), parts.c.agent).limit(most)
