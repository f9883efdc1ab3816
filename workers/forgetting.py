"""What is deleted by itself: old samples of the application, limits long at rest, expired links, old calls of programs.

In small batches, so that no writer waits long.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from db.actor import SYSTEM
from db.engine import session
from db.services import links, measure, sign_in_limits
from db.services.keeping import forget_calls_of_programs
from workers.schedule import Work, job

MOST_BATCHES = 40


@job("forget", every=timedelta(hours=1))
def forget(work: Work) -> Mapping[str, Any]:
    """Delete what is older than it is kept for; `rows` is how many that was, the rest goes next time."""
    total = 0
    for _ in range(MOST_BATCHES):
        with session(work.engine, SYSTEM, write=True) as unit:
            old = (measure.forget, sign_in_limits.forget, links.forget)
            rows = sum(forgotten(unit, work.at) for forgotten in old)
            rows += forget_calls_of_programs(unit, work.at, work.settings.api_log_days)
        total += rows
        if not rows or work.is_ending():
            break
    return {"rows": total}
