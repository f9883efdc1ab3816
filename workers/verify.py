"""Recomputes every number from the raw rows by another way, each hour, and keeps whether they agreed."""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from db.actor import SYSTEM
from db.engine import session
from db.recompute.summary import summary
from workers.schedule import Work, job

NAME = "verify-numbers"
LONGEST_SECONDS = 20.0


@job(NAME, every=timedelta(hours=1))
def verify_numbers(work: Work) -> Mapping[str, Any]:
    """Look at as many numbers as there is time for, in one reading transaction."""
    began = time.monotonic()

    def is_over() -> bool:
        return work.is_ending() or time.monotonic() - began > LONGEST_SECONDS

    with session(work.engine, SYSTEM) as unit:
        return summary(unit, work.at, is_over)
