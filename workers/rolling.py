"""Keeps the roll-ups of all families: counts anew what was touched, in steps so short that no writer waits long."""

from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from typing import Any

from db.actor import SYSTEM
from db.engine import session
from db.services import rollups
from workers.schedule import Work, job

LONGEST_RUN = 20.0  # seconds


@job("roll-up", every=timedelta(seconds=30))
def roll_up(work: Work) -> Mapping[str, Any]:
    """Roll up what was touched; `stretches` of five minutes is how many that was, over all families, and `waiting` are
    left for the next run.

    Those that are not over yet are left too: they would be touched again at once, and are read raw meanwhile.
    """
    began = monotonic()
    done = rollups.roll_up_all(
        work.engine,
        but=rollups.bucket_at(work.at),
        goes_on=lambda: not work.is_ending() and monotonic() - began < LONGEST_RUN,
    )
    with session(work.engine, SYSTEM) as unit:
        return {"stretches": done, "waiting": rollups.waiting(unit)}
