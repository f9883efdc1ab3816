"""Recomputes every number from the raw rows by another way, each hour, and keeps whether they agreed."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from db.actor import SYSTEM
from db.engine import session
from db.recompute.summary import summary
from workers.schedule import Work, job

NAME = "verify-numbers"
LONGEST_SECONDS = 20.0  # of work; with the rests between, some seven minutes
RESTS = (
    19.0  # times as long as it worked just before: 95 of 100 who read or report meanwhile shall not notice
)
LONGEST_REST = 2.0  # seconds
LOOKS_SECONDS = 0.05  # how often it looks meanwhile whether to end


@job(NAME, every=timedelta(hours=1))
def verify_numbers(work: Work) -> Mapping[str, Any]:
    """Look at as many numbers as there is time for, a little at a time."""
    return summary(lambda: session(work.engine, SYSTEM), work.at, Paced(work.is_ending))


class Paced:
    """Asked between two steps whether to end; rests before it answers."""

    def __init__(self, is_ending: Callable[[], bool]) -> None:
        self._is_ending = is_ending
        self._worked, self._since = 0.0, time.monotonic()

    def __call__(self) -> bool:
        worked = time.monotonic() - self._since
        self._worked += worked
        if self._is_ending() or self._worked > LONGEST_SECONDS:
            return True
        rested = time.monotonic() + min(RESTS * worked, LONGEST_REST)
        while (left := rested - time.monotonic()) > 0 and not self._is_ending():
            time.sleep(min(left, LOOKS_SECONDS))
        self._since = time.monotonic()
        return self._is_ending()
