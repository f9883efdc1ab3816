"""Deletes rows older than the settings keep them, in small batches, so that no writer waits long."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from time import monotonic
from typing import Any

from db.actor import SYSTEM
from db.engine import Session, session
from db.services import keeping, uptime_keeping
from workers.schedule import Work, job

LONGEST_RUN = 20.0  # seconds


@job("keep", every=timedelta(minutes=10))
def keep(work: Work) -> Mapping[str, Any]:
    """Delete what is older than its setting says; what is deleted by family, the rest goes next time."""
    days, at, began = work.settings.keep, work.at, monotonic()
    wanted: dict[str, tuple[int, Callable[[Session], int]]] = {
        "spans": (days.spans, lambda unit: keeping.forget_spans(unit, at, days.spans)),
        "rollups": (
            days.five_minutes or days.hours,
            lambda unit: keeping.forget_rollups(unit, at, days.five_minutes, days.hours),
        ),
        "logs": (days.logs, lambda unit: keeping.forget_logs(unit, at, days.logs)),
        "measurements": (
            days.measurements,
            lambda unit: keeping.forget_measurements(unit, at, days.measurements),
        ),
        "states": (days.states, lambda unit: uptime_keeping.forget_states(unit, at, days.states)),
        "check_results": (
            days.check_results,
            lambda unit: uptime_keeping.forget_results(unit, at, days.check_results),
        ),
    }
    found = {}
    for family, (kept, forget) in wanted.items():
        found[family] = 0
        while kept and not work.is_ending() and monotonic() - began < LONGEST_RUN:
            with session(work.engine, SYSTEM, write=True) as unit:
                rows = forget(unit)
            found[family] += rows
            if not rows:
                break
    return found
