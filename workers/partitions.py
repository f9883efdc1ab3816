"""Keeps the tables that are cut by month on PostgreSQL in order: months ready ahead of their time, stragglers in their
months, old months gone.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from db.actor import SYSTEM
from db.engine import session
from db.partitions import MONTHLY
from db.services import months, old_months
from db.services.rollups import bucket_at
from settings import Settings
from workers.schedule import Work, job

TRIES = 5  # while somebody is in the way; each waits for less than a second
MOST_BATCHES = 40


def days_kept(settings: Settings) -> dict[str, int]:
    """For how many days the rows of each table are kept; 0 is for good."""
    keep = settings.keep
    return {
        "spans": keep.spans,
        "calls": keep.spans,
        "agent_logs": keep.logs,
        "system_metrics": keep.measurements,
        "api_logs": settings.api_log_days,
    }


@job("partitions", every=timedelta(hours=6))
def tend(work: Work) -> Mapping[str, Any]:
    """Drop, make and fill months. What could not be done is told as `busy` or `left` and tried again next time."""
    facts: dict[str, Any] = {"dropped": [], "made": [], "forgotten": 0, "busy": [], "left": {}}
    for table in MONTHLY if months.is_cut(work.engine) else ():
        _drop_old(work, table, facts)
        _make_ahead(work, table, facts)
        _sort_in(work, table, facts)
        if not work.is_ending():
            months.survey(work.engine, table)
    return facts


def _drop_old(work: Work, table: str, facts: dict[str, Any]) -> None:
    """Months that are older as a whole, and older rows that lie in no month, once they are counted."""
    if not (days := days_kept(work.settings)[table]):
        return
    until = bucket_at(work.at - timedelta(days=days))
    with session(work.engine, SYSTEM, write=True) as unit:
        if not old_months.is_any(unit, table, until):
            return
        old_months.count_first(
            unit, table, until
        )  # what is left of it is done in no time when the month is locked
    while not work.is_ending():
        told = old_months.drop(work.engine, table, until, tries=TRIES)
        if told in ("none", "busy"):
            facts["busy"] += [f"drop a month of {table}"] if told == "busy" else []
            break
        facts["dropped"].append(told)
    for _ in range(MOST_BATCHES):
        with session(work.engine, SYSTEM, write=True) as unit:
            rows = old_months.forget_rest(unit, table, until)
        facts["forgotten"] += rows
        if not rows or work.is_ending():
            break


def _make_ahead(work: Work, table: str, facts: dict[str, Any]) -> None:
    for month in months.ahead(work.at):
        _note(facts, table, month, 0, months.make(work.engine, table, month, tries=TRIES))


def _sort_in(work: Work, table: str, facts: dict[str, Any]) -> None:
    """Rows that came before their month was there. Where too many wait they stay, which is as true and less handy."""
    for month, rows, told in months.sort_in(work.engine, table, tries=TRIES):
        _note(facts, table, month, rows, told)
        if work.is_ending():
            break


def _note(facts: dict[str, Any], table: str, month: date, rows: int, told: str) -> None:
    name = f"{table} {month:%Y-%m}"
    if told == "made":
        facts["made"].append(name)
    elif told == "busy":
        facts["busy"].append(name)
    elif told != "there":
        facts["left"][name] = rows
