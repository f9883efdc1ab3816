"""The states of agents, of this application's parts and of checks, told every minute."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from db.actor import SYSTEM
from db.engine import session
from db.services.uptime import settle
from workers.schedule import Work, job


@job("uptime", every=timedelta(minutes=1))
def tell_states(work: Work) -> Mapping[str, Any]:
    """Settle every subject up to now; `stretches` is how many new ones began."""
    with session(work.engine, SYSTEM, write=True) as unit:
        return settle(unit, work.at)
