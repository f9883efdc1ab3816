"""The collector's heartbeats, put together hour by hour."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from db.actor import SYSTEM
from db.engine import session
from db.services.watched_hours import put_together
from workers.schedule import Work, job

NAME = "watched-hours"


@job(NAME, every=timedelta(minutes=30))
def roll_up(work: Work) -> Mapping[str, Any]:
    """Put together every hour that is over; `hours` is how many that were."""
    with session(work.engine, SYSTEM, write=True) as unit:
        return {"hours": put_together(unit, NAME, work.at)}
