"""Do the numbers agree with what comes out of the raw rows by another way? What the job `verify-numbers` found last."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from db.metric import Statement, Window, metric
from db.models import Job

NAME = "verify-numbers"
NEVER = "No number has been recomputed yet: the job verify-numbers has not run."
LEFT_OUT = "Numbers that the run did not come to, those whose rows are gone, and all but a few agents and connections."
MINE = Job.name == NAME


def _found(name: str) -> ColumnElement[Any]:
    """A whole number out of the facts of the last run; null where there was none."""
    return func.max(Job.facts[name].as_integer())


def _rows(window: Window) -> Statement:
    return select(Job.name, Job.succeeded_at, Job.seconds, Job.facts).where(MINE).order_by(Job.name)


def _of_all(name: str) -> Statement:
    return select(_found(name).label("value"), func.coalesce(_found("checked"), 0).label("n")).where(MINE)


@metric(
    "numbers.agreed",
    title="Numbers that agree",
    unit="numbers",
    formula="count of numbers of the last run that came out the same, or within the stated bound; n = recomputed",
    excluded=LEFT_OUT,
    windowed=False,
    least=1,
    few=NEVER,
    evidence=_rows,
)
def agreed(window: Window) -> Statement:
    """Numbers that came out of the raw rows once more by another way: all time, the last day, week and month, and the
    stretch with data, each for itself."""
    return _of_all("agreed")


@metric(
    "numbers.differing",
    title="Numbers that differ",
    unit="numbers",
    formula="count of numbers of the last run that came out otherwise; n = recomputed",
    excluded=LEFT_OUT,
    windowed=False,
    least=1,
    few=NEVER,
    evidence=_rows,
)
def differing(window: Window) -> Statement:
    """Numbers of which the raw rows say something else than the page: a defect of the number, or of its check."""
    return _of_all("differing")


@dataclass(frozen=True)
class LastRun:
    """The last run that ended well: when, over which windows, which numbers differ, which it did not come to, and over
    which windows how many were left out because rows `since` then alone are kept.

    `error` is what a later run failed with.
    """

    at: datetime
    windows: list[str] = field(default_factory=list)
    differs: list[Mapping[str, str]] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    beyond: list[Mapping[str, Any]] = field(default_factory=list)
    error: str | None = None


def last_run(session: Session) -> LastRun | None:
    """None before the first."""
    found = session.execute(select(Job.succeeded_at, Job.facts, Job.error).where(MINE)).one_or_none()
    if found is None or found.succeeded_at is None:
        return None
    told: Mapping[str, Any] = found.facts or {}
    parts = {name: list(told.get(name, [])) for name in ("windows", "differs", "unreached", "beyond")}
    return LastRun(found.succeeded_at, **parts, error=found.error)
