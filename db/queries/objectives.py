"""Error budget and burn of the objective for tasks: how fast failures use up what the objective leaves to them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Float, case, cast, func, null, select

from db.metric import Statement, Window, iso, metric
from db.models import Objective, Span
from db.models.objective import TASKS
from db.queries.outcomes import task_rows, tasks

STRETCHES = {
    "5m": timedelta(minutes=5),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "3d": timedelta(days=3),
}
BUDGET_DAYS = timedelta(days=30)
INSUFFICIENT = "Insufficient: no objective is set, or fewer tasks ended than it asks for."


@dataclass(frozen=True)
class Alarm:
    """It burns when both stretches do at `limit` times the rate that would just use the budget up in 30 days."""

    long: str
    short: str
    limit: float
    is_urgent: bool


ALARMS = (Alarm("1h", "5m", 14.4, True), Alarm("6h", "30m", 6.0, True), Alarm("3d", "6h", 1.0, False))


def _last(window: Window, length: timedelta) -> Window:
    """The stretch of that length that ends at the window's instant."""
    start = window.at - length
    return Window(start, window.at, f"{iso(start)}/{iso(window.at)}", window.at)


def _aim(column: Any) -> ColumnElement[Any]:
    return select(column).where(Objective.name == TASKS).scalar_subquery()


def _burned(stretch: Window, scale: float = 1.0, start: float = 0.0) -> Statement:
    """`start` + `scale` × burn of the stretch, where it has as many tasks as the objective asks for; and how many."""
    done = tasks(stretch).subquery("tasks")
    n, good = func.count(done.c.outcome), func.coalesce(func.sum(done.c.outcome), 0)
    budget = 100.0 - cast(_aim(Objective.target), Float)
    burn = 100.0 * (n - good) / func.nullif(n, 0) / budget
    enough = n >= _aim(Objective.least_events)
    return select(
        case((enough, start + scale * burn), else_=cast(null(), Float)).label("value"), n.label("n")
    )


def _rows(window: Window, stretch: str) -> Statement:
    return task_rows(_last(window, STRETCHES.get(stretch, STRETCHES["5m"])))


@metric(
    "objective.burn",
    title="Burn of the error budget",
    unit="times",
    formula="share of tasks that failed / (1 − objective); 1 uses the budget up in 30 days",
    excluded="The application's own parts. Tasks whose source never reported a status.",
    windowed=False,
    least=1,
    few=INSUFFICIENT,
    subject=("stretch",),
    evidence=_rows,
)
def burn(window: Window, stretch: str) -> Statement:
    """How many times faster than the objective allows tasks failed, in the last 5 or 30 minutes (5m, 30m), 1 or 6 hours
    (1h, 6h) or 3 days (3d). A task counts when its outcome is known."""
    if stretch not in STRETCHES:
        nothing = select(Span.duration_ns).where(Span.start_ns < 0).subquery("none")
        return select(cast(null(), Float).label("value"), func.count(nothing.c.duration_ns).label("n"))
    return _burned(_last(window, STRETCHES[stretch]))


@metric(
    "objective.budget_left",
    title="Error budget left",
    unit="percent",
    formula="100 × (1 − burn of the last 30 days); below 0 it is overdrawn",
    excluded="The application's own parts. Tasks whose source never reported a status.",
    windowed=False,
    least=1,
    few=INSUFFICIENT,
    evidence=lambda window: task_rows(_last(window, BUDGET_DAYS)),
)
def budget_left(window: Window) -> Statement:
    """What is left of the failures that the objective allows, over the last 30 days."""
    return _burned(_last(window, BUDGET_DAYS), scale=-100.0, start=100.0)
